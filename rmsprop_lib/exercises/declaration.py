"""What an exercise is: a declaration, from which the checker, the hints and the tests are all made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """What a reader's function is tried on.

    Attributes
    ----------
    given : dict
        Arguments by name: numbers, or arrays of any shape. What the function returns under the name of an argument
        is given back to it as that argument at the next step.
    stream : dict of str to sequence
        Arguments that are another one at each step, all equally long; a case without a stream is a single call.
    """

    given: Mapping[str, Any] = field(default_factory=dict)
    stream: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len({len(values) for values in self.stream.values()}) > 1:
            raise ValueError(f"streams differ in length: { {k: len(v) for k, v in self.stream.items()} }")

    @property
    def steps(self) -> int:
        """How many calls the case is."""
        return min((len(values) for values in self.stream.values()), default=1)


@dataclass(frozen=True)
class Mistake:
    """A mistake that is often made, so that the reader who makes it can be told which one it is.

    Attributes
    ----------
    name : str
        In a few words, unique in its exercise.
    variant : callable
        The answer with this mistake in it: it takes and returns what the reference does.
    says : str
        What to tell the reader: what was done and what follows from it, not how to do it right.
    read : str, optional
        The heading, in the exercise's chapter, under which to read again; else the exercise's own.
    """

    name: str
    variant: Callable[..., Any]
    says: str
    read: str | None = None


@dataclass(frozen=True)
class Exercise:
    """One exercise that the machine checks.

    Attributes
    ----------
    name : str
        Unique in the book, such as ``"rmsprop-step"``; begins with a letter, then letters, digits and hyphens.
    chapter : str
        The notebook's name, such as ``"03_rmsprop"``.
    task : str
        What the function has to do, in a sentence.
    takes, returns : str
        Names, separated by blanks, of the arguments and of what is returned, in order.
    reference : callable
        The right answer: a rule of the library or something made of them. Takes ``takes`` in order, and returns
        one value or a tuple of ``returns``.
    cases : sequence of Case
        Together they tell every mistake from the reference and from every other mistake.
    mistakes : sequence of Mistake
        Three or more.
    hints : pair of str
        A gentle one, and one that leaves only the writing.
    read : str
        The heading in the chapter under which what is needed stands.
    built_with : str
        Names of arguments with which a class is made, if the answer is a class; the others go to its ``step``.
    accuracy : float
        Largest relative difference from the reference that is still right, in double precision.
    """

    name: str
    chapter: str
    task: str
    takes: str
    returns: str
    reference: Callable[..., Any]
    cases: Sequence[Case]
    mistakes: Sequence[Mistake]
    hints: tuple[str, str]
    read: str
    built_with: str = ""
    accuracy: float = 1e-9

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the arguments of a call (of ``step``, if the answer is a class)."""
        return tuple(name for name in self.takes.split() if name not in self.built_with.split())

    @property
    def results(self) -> tuple[str, ...]:
        """Names of what a call returns."""
        return tuple(self.returns.split())
