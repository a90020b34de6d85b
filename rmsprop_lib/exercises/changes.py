"""Mistakes that can be made in any exercise: in what is taken, and in what is returned.

Nobody declares them. Each is the right answer, or one with a known mistake, given other arguments than the caller's, or
with its results altered. The sentence says what an answer does: where two come to the same, either is true.
"""

import inspect
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from rmsprop_lib.exercises.declaration import Exercise
from rmsprop_lib.exercises.values import is_float

SHARES = frozenset(("rho", "new", "gamma", "delta", "alpha", "beta1", "beta2", "factor"))
"""Arguments between 0 and 1 that are often confused with what they lack of 1."""

Values = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """What is done to the arguments before a call, or to the results after it.

    Attributes
    ----------
    name, says : str
        As those of a :class:`rmsprop_lib.exercises.declaration.Mistake`.
    touches : frozenset of str
        The arguments and results that it alters.
    before, after : callable, optional
        From the arguments by name to those with which the answer is called; and from the arguments and the results
        to what is returned.
    """

    name: str
    says: str
    touches: frozenset[str]
    before: Callable[[Values], Values] | None = None
    after: Callable[[Values, Values], Values] | None = None


def changes(exercise: Exercise) -> Iterator[Change]:
    """All of them, those of the results first.

    Parameters
    ----------
    exercise : Exercise

    Yields
    ------
    Change
    """
    yield from _of_results(exercise)
    yield from _of_arguments(exercise)


def changed(exercise: Exercise, answer: Any, change: Change) -> Any:
    """An answer of the exercise with the change around it.

    Parameters
    ----------
    exercise : Exercise
    answer : callable
        A function, or a class if the exercise asks for one.
    change : Change

    Returns
    -------
    callable
    """
    names, built = exercise.arguments, tuple(exercise.built_with.split())

    def called(function: Callable[..., Any], held: Values, arguments: tuple[Any, ...]) -> Any:
        given = held | dict(zip(names, arguments, strict=True))
        passed = change.before(given) if change.before else given
        value = function(*(passed[name] for name in names))
        if change.after is None:
            return value
        several = len(exercise.results) > 1
        results = dict(zip(exercise.results, value if several else (value,), strict=True))
        results = change.after(given, results)
        return tuple(results[name] for name in exercise.results) if several else results[exercise.results[0]]

    if not (built or inspect.isclass(answer)):
        return lambda *arguments: called(answer, {}, arguments)

    class Changed:
        def __init__(self, *arguments: Any) -> None:
            self.held = dict(zip(built, arguments, strict=True))
            passed = change.before(self.held) if change.before else self.held
            made = answer(*(passed[name] for name in built))
            self.function = getattr(made, "step", None) or getattr(made, "update", None) or made

        def step(self, *arguments: Any) -> Any:
            return called(self.function, self.held, arguments)

    return Changed


def _of_results(exercise: Exercise) -> Iterator[Change]:
    names = exercise.results
    for order in itertools.permutations(names) if len(names) > 1 else ():
        if order != names:
            listed = ", ".join(order)
            yield Change(
                f"returned {listed}",
                f"It returns {listed}; the order asked for is {', '.join(names)}.",
                frozenset(names),
                after=_reordered(names, order),
            )
    rates = [name for name in ("eta", "lr") if name in exercise.takes.split()]
    for name in names:

        def one(what: str, says: str, f: Callable[[Values, Values], Any], name: str = name) -> Change:
            return Change(what, says, frozenset((name,)), after=_with_result(name, f))

        if name in exercise.arguments:
            says = f"You return {name} as it was given to you: whatever comes of this call is lost."
            yield one(f"old {name} returned", says, _given(name))
        yield one(f"sign of {name}", f"{name} has the opposite sign.", _of_result(name, lambda x: -x))
        yield one(f"{name} upside down", f"You return one over {name}.", _of_result(name, lambda x: 1 / x))
        yield one(f"{name} squared", f"You return the square of {name}.", _of_result(name, lambda x: x * x))
        yield one(f"root of {name}", f"You return the root of {name}.", _of_result(name, lambda x: x**0.5))
        yield one(f"twice {name}", f"{name} is twice what it should be.", _of_result(name, lambda x: 2 * x))
        yield one(f"half of {name}", f"{name} is half of what it should be.", _of_result(name, lambda x: x / 2))
        for other in names:
            if other != name:
                says = f"You return {other} where {name} belongs, and {name} nowhere."
                yield one(f"{other} returned as {name} too", says, _of_result(other, lambda x: x))
        for rate in rates:
            yield one(f"{name} times {rate}", f"{name} is {rate} times what it should be.", _times(name, rate))


def _reordered(names: tuple[str, ...], order: tuple[str, ...]) -> Callable[[Values, Values], Values]:
    return lambda given, results: dict(zip(names, (results[name] for name in order), strict=True))


def _with_result(name: str, f: Callable[[Values, Values], Any]) -> Callable[[Values, Values], Values]:
    return lambda given, results: results | {name: f(given, results)}


def _given(name: str) -> Callable[[Values, Values], Any]:
    return lambda given, results: given[name]


def _of_result(name: str, f: Callable[[Any], Any]) -> Callable[[Values, Values], Any]:
    return lambda given, results: f(results[name])


def _times(name: str, rate: str) -> Callable[[Values, Values], Any]:
    return lambda given, results: given[rate] * results[name]


def _of_arguments(exercise: Exercise) -> Iterator[Change]:
    names = exercise.takes.split()
    values = {name: list(_all_values(exercise, name)) for name in names}
    numeric = [n for n in names if all(is_float(x) for x in values[n])]
    counted = [n for n in names if all(isinstance(x, int) and not isinstance(x, bool) for x in values[n])]

    def one(name: str, what: str, says: str, f: Callable[[Any], Any]) -> Change:
        return Change(what, says, frozenset((name,)), before=_with_argument(name, f))

    for name in counted:
        for by, word in ((-1, "small"), (1, "large")):
            what = f"{name} one too {word}"
            says = f"It does what it would do with a {name} that is one too {word}."
            yield one(name, what, says, (by).__add__)
    for name in numeric:
        if name in SHARES:
            says = f"It does what it would do with 1 − {name} where {name} belongs, and the other way round."
            yield one(name, f"{name} and 1 − {name} exchanged", says, lambda x: 1 - x)
    for a, b in itertools.combinations([*numeric, *counted], 2):
        if _interchangeable(values[a], values[b]) and not _apart(exercise, a, b):
            yield Change(
                f"{a} and {b} exchanged",
                f"It does what it would do with {a} and {b} exchanged.",
                frozenset((a, b)),
                before=_taken({a: b, b: a}),
            )
    for a, b in itertools.permutations([*numeric, *counted], 2):
        if _interchangeable(values[a], values[b]) and not _apart(exercise, a, b):
            yield Change(
                f"{b} in the place of {a}",
                f"It does what it would do if {a} were {b}: {a} itself is not used.",
                frozenset((a,)),
                before=_taken({a: b}),
            )
    for name in numeric:
        for what, says, f in (
            (f"sign of {name} turned", f"It does what it would do if {name} had the opposite sign.", lambda x: -x),
            (f"{name} as 0", f"It does what it would do if {name} were 0.", lambda x: 0.0 * x),
            (f"{name} as 1", f"It does what it would do if {name} were 1.", lambda x: 0.0 * x + 1.0),
            (f"{name} squared first", f"It does what it would do with the square of {name}.", lambda x: x * x),
            (f"root of {name} first", f"It does what it would do with the root of {name}.", lambda x: x**0.5),
            (f"size of {name}", f"It does what it would do with the absolute value of {name}.", lambda x: abs(x)),
            (f"twice {name} used", f"It does what it would do if {name} were twice as large.", lambda x: 2 * x),
            (f"half of {name} used", f"It does what it would do if {name} were half as large.", lambda x: x / 2),
        ):
            yield one(name, what, says, f)


def _with_argument(name: str, f: Callable[[Any], Any]) -> Callable[[Values], Values]:
    return lambda given: given | {name: f(given[name])} if name in given else given


def _taken(others: dict[str, str]) -> Callable[[Values], Values]:
    """Arguments under these names from others, as far as they are given."""
    return lambda given: given | {a: given[b] for a, b in others.items() if a in given and b in given}


def _all_values(exercise: Exercise, name: str) -> Iterator[Any]:
    for case in exercise.cases:
        yield from case.stream[name] if name in case.stream else (case.given[name],)


def _interchangeable(some: list[Any], others: list[Any]) -> bool:
    """Whether one could be used for the other: each of the one has the shape that one of the other has."""
    return {np.shape(x) for x in some} == {np.shape(x) for x in others} and not all(
        np.array_equal(a, b) for a, b in zip(some, others, strict=False)
    )


def _apart(exercise: Exercise, a: str, b: str) -> bool:
    """Whether they are given at different times: one when the answer is made, the other at its calls."""
    built = exercise.built_with.split()
    return (a in built) != (b in built)
