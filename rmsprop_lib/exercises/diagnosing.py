"""Which mistakes an answer has: found by comparison with answers that have them, the fewest first."""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from rmsprop_lib.exercises.changes import changed, changes
from rmsprop_lib.exercises.declaration import Exercise, Mistake
from rmsprop_lib.exercises.edits import edits
from rmsprop_lib.exercises.running import AnswerError, Observed, calls

SECONDS = 1.0
"""How much of the processor's time the search may take after the declared mistakes. What is likely comes first."""


def diagnosis(exercise: Exercise, observed: list[Observed], seconds: float = SECONDS) -> tuple[Mistake, ...]:
    """The mistakes of an answer.

    Parameters
    ----------
    exercise : Exercise
    observed : list of Observed
        What the answer does.
    seconds : float
        Of the processor's time, for mistakes that are not declared as single ones.

    Returns
    -------
    tuple of Mistake
        One or two, or none if what it does cannot be explained by so few.
    """
    with np.errstate(all="ignore"):
        for mistake in exercise.known:
            if does(exercise, mistake.variant, observed):
                return (mistake,)
        end = time.process_time() + seconds
        for mistakes, answer in candidates(exercise):
            if does(exercise, answer(), observed):
                return mistakes
            if time.process_time() > end:
                break
    return ()


def candidates(exercise: Exercise) -> Iterator[tuple[tuple[Mistake, ...], Callable[[], Any]]]:
    """Mistakes beyond the single ones that are declared, with what makes answers that have them: pairs last.

    Parameters
    ----------
    exercise : Exercise

    Yields
    ------
    tuple of Mistake
    callable
    """
    known = exercise.known
    around = list(changes(exercise))
    general = [Mistake(c.name, changed(exercise, exercise.written, c), c.says) for c in around]
    for mistake in general:
        yield (mistake,), partial(_itself, mistake.variant)
    for edit in edits(exercise):
        yield (Mistake("a slip", edit.answer, edit.says),), partial(_itself, edit.answer)
    for (one, first), (other, second) in _pairs(exercise):
        yield (first, second), partial(exercise.filled, (one, first), (other, second))
    for (change, general_one), mistake in itertools.product(list(zip(around, general, strict=True)), known):
        yield (
            (mistake, replace(general_one, read=mistake.read)),
            partial(changed, exercise, mistake.variant, change),
        )
    for (one_change, first), (other_change, second) in itertools.combinations(zip(around, general, strict=True), 2):
        if not one_change.touches & other_change.touches:
            yield (first, second), partial(changed, exercise, first.variant, other_change)


def _itself(answer: Any) -> Any:
    return answer


def _pairs(exercise: Exercise) -> Iterable[Any]:
    for one, other in itertools.combinations(exercise.slots, 2):
        yield from itertools.product(((one, m) for m in one.wrong), ((other, m) for m in other.wrong))


def does(exercise: Exercise, answer: Any, observed: list[Observed]) -> bool:
    """Whether an answer of our own does at every call what was observed; the first difference ends it.

    Parameters
    ----------
    exercise : Exercise
    answer : callable
    observed : list of Observed

    Returns
    -------
    bool
    """
    seen = iter(observed)
    try:
        for number, case in enumerate(exercise.cases):
            for call in calls(exercise, answer, number, case):
                got = next(seen, None)
                if got is None or not got.agrees(call, exercise.accuracy):
                    return False
    except (AnswerError, ArithmeticError, TypeError, ValueError, IndexError, AttributeError, NameError, MemoryError):
        return False
    return next(seen, None) is None
