"""An edited solution that passes an exercise's cases does the same on inputs that the cases do not have."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rmsprop_lib.exercises import catalogue
from rmsprop_lib.exercises.changes import SHARES, changed, changes
from rmsprop_lib.exercises.declaration import Case, Exercise
from rmsprop_lib.exercises.diagnosing import does
from rmsprop_lib.exercises.edits import edits
from rmsprop_lib.exercises.running import AnswerError, Observed, run

EXERCISES = catalogue()


def moved(name: str, x: Any, rng: np.random.Generator) -> Any:
    """Another value of the same kind: shares stay between 0 and 1, signs, zeros and orders are what they were."""
    if isinstance(x, bool | int | str) or x is None:
        return x
    if isinstance(x, list | tuple) or not np.issubdtype(np.asarray(x).dtype, np.floating):
        return x
    a = np.asarray(x, float)
    if a.ndim and np.isin(a, (-1.0, 0.0, 1.0)).all():
        return x  # labels and choices
    by = np.exp(0.3 * rng.standard_normal(a.shape))
    inside = name in SHARES and bool(((a > 0) & (a < 1)).all())
    new = a * by / (1 - a + a * by) if inside else a * by
    if a.ndim == 1 and a.size > 1 and (np.diff(a) >= 0).all():
        new = np.sort(new)
    return new if isinstance(x, np.ndarray) else float(new)


def fresh(exercise: Exercise, seed: int) -> Exercise:
    """The exercise with cases that it does not have."""
    rng = np.random.default_rng(seed)
    cases = [
        Case(
            {name: moved(name, x, rng) for name, x in case.given.items()},
            {name: [moved(name, x, rng) for x in xs] for name, xs in case.stream.items()},
        )
        for case in exercise.cases
    ]
    return replace(exercise, cases=cases)


def observed(exercise: Exercise) -> list[Observed] | None:
    try:
        return run(exercise, exercise.written).observed
    except AnswerError:  # not every input makes sense to every exercise
        return None


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_what_passes_is_right(exercise: Exercise) -> None:
    right = observed(exercise)
    assert right is not None
    elsewhere = [(other, seen) for k in range(3) if (seen := observed(other := fresh(exercise, k))) is not None]
    answers = [(edit.says, edit.answer) for edit in edits(exercise)]
    answers += [(c.says, changed(exercise, exercise.written, c)) for c in changes(exercise)]
    wrong = []
    with np.errstate(all="ignore"):
        for says, answer in answers:
            if does(exercise, answer, right) and not all(does(other, answer, seen) for other, seen in elsewhere):
                wrong.append(says)
    assert not wrong
