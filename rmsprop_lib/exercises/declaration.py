"""What an exercise is: a declaration, from which the checker, the hints and the tests are all made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
        The answer with this mistake in it: it takes and returns what the reference does. In a slot it is what fills
        the slot, and need not be callable.
    says : str
        What to tell the reader: what was done and what follows from it, not how to do it right.
    read : str, optional
        The heading, in the exercise's chapter, under which to read again; else the exercise's own.
    """

    name: str
    variant: Any
    says: str
    read: str | None = None


@dataclass(frozen=True)
class Slot:
    """A choice that every answer makes, with what can be chosen wrongly.

    Answers are told apart by what fills their slots, so that two mistakes in one answer are two sentences.

    Attributes
    ----------
    name : str
        Under which :attr:`Exercise.built` is given the filling.
    right : object
        What belongs there: a function, a number, whatever ``built`` makes use of.
    wrong : sequence of Mistake
        What is often put there instead: the filling is the mistake's ``variant``.
    """

    name: str
    right: Any
    wrong: Sequence[Mistake]


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
        Those that no slot has; with those of the slots three or more.
    hints : pair of str
        A gentle one, and one that leaves only the writing.
    read : str
        The heading in the chapter under which what is needed stands.
    built_with : str
        Names of arguments with which a class is made, if the answer is a class; the others go to its ``step``.
    accuracy : float
        Largest relative difference from the reference that is still right, in double precision.
    slots : sequence of Slot
        The choices that an answer makes, if it can be written as a product of choices.
    built : callable, optional
        Makes an answer of a filling for each slot, given by its name.
    solution : callable, optional
        The reference as a reader may write it, without a loop that might not end, for mistakes that a machine makes
        in it or around it; the reference itself by default.
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
    slots: Sequence[Slot] = ()
    built: Callable[..., Any] | None = None
    solution: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        if bool(self.slots) != (self.built is not None):
            raise ValueError(f"{self.name}: slots and built go together")

    def filled(self, *wrong: tuple[Slot, Mistake]) -> Any:
        """The answer with these fillings in these slots, and the right ones in the others.

        Parameters
        ----------
        *wrong : pairs of Slot and Mistake

        Returns
        -------
        callable
        """
        assert self.built is not None
        fillings = {slot.name: slot.right for slot in self.slots} | {slot.name: m.variant for slot, m in wrong}
        return self.built(**fillings)

    @property
    def written(self) -> Callable[..., Any]:
        """The right answer in which a machine makes mistakes."""
        return self.solution or self.reference

    @property
    def known(self) -> tuple[Mistake, ...]:
        """Every single mistake that is told by name, with an answer that makes it."""
        of_slots = (
            replace(mistake, variant=self.filled((slot, mistake))) for slot in self.slots for mistake in slot.wrong
        )
        return (*of_slots, *self.mistakes)

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the arguments of a call (of ``step``, if the answer is a class)."""
        return tuple(name for name in self.takes.split() if name not in self.built_with.split())

    @property
    def results(self) -> tuple[str, ...]:
        """Names of what a call returns."""
        return tuple(self.returns.split())
