"""What can be seen in an answer that is wrong in an unknown way."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rmsprop_lib.exercises.declaration import Case, Exercise
from rmsprop_lib.exercises.running import Observed, calls
from rmsprop_lib.exercises.values import Form, alike, is_float, results


def clues(exercise: Exercise, got: Sequence[Observed], expected: Sequence[Observed]) -> list[str]:
    """What the results themselves say: each by itself, and each call for the state that the answer had made.

    Parameters
    ----------
    exercise : Exercise
    got, expected : sequence of Observed
        What the answer did, and what the reference did.

    Returns
    -------
    list of str
        Sentences.
    """
    found = []
    wrong = [
        name for name in exercise.results if not all(_right(exercise, a, b, name) for a, b in _pairs(got, expected))
    ]
    # Where everything is right at first steps, and something is carried on, that is where to look.
    first = [(a, b) for a, b in _pairs(got, expected) if a.step == 0]
    carried = set(exercise.results) & set(exercise.arguments)
    right_at_first = {name for name in exercise.results if all(_right(exercise, a, b, name) for a, b in first)}
    from_own = _right_from_its_own_state(exercise, got) if carried else set()
    for name in exercise.results:
        if name not in wrong:
            found.append(f"{name} is right throughout.")
            continue
        a, b = (
            np.concatenate([np.ravel(one.returned[name]) for one in some]).astype(float) for some in (got, expected)
        )
        others = [other for other in wrong if other in carried and other != name]
        if name in from_own and others:
            found.append(f"{name} is right for the {' and '.join(others)} that you had: what is wrong is wrong there.")
            continue
        nan, infinite = np.isnan(a) & ~np.isnan(b), np.isinf(a) & ~np.isinf(b)
        if nan.any() or infinite.any():
            becomes = "NaN" if nan.any() else "infinite"
            why = "a root taken of a negative number" if nan.any() else "growing without end"
            found.append(f"{name} becomes {becomes}: is something divided by zero, or {why}?")
            bad = nan | infinite
            if not bad.all() and alike(a[~bad], b[~bad], exercise.accuracy):
                found.append(f"Where it is not {becomes}, {name} is right.")
        elif (ratio := _common_ratio(a, b)) is not None:
            found.append(f"{name} is {ratio:.6g} times what it should be, everywhere.")
        elif carried and set(right_at_first) >= set(exercise.results):
            found.append(f"At the first step {name} is right: look at what is carried from one step to the next.")
    return found


def unused(exercise: Exercise, answer: Any, form: Form = "arrays") -> list[str]:
    """Arguments that make no difference to an answer, though they make one to the reference. It runs the answer.

    Parameters
    ----------
    exercise : Exercise
    answer : callable
    form : {"arrays", "tensors", "numbers"}
        As what arrays are handed over.

    Returns
    -------
    list of str
        Their names.
    """
    found = []
    for name in exercise.takes.split():
        if not all(is_float(case.given.get(name, case.stream.get(name, (None,))[0])) for case in exercise.cases):
            continue
        same, ours_differs = True, False
        for number, case in enumerate(exercise.cases):
            moved = _moved(case, name)
            for one, other in zip(
                calls(exercise, answer, number, case, form), calls(exercise, answer, number, moved, form), strict=True
            ):
                same &= all(np.array_equal(one.returned[r], other.returned[r], equal_nan=True) for r in one.returned)
                if not same:
                    break
            if not same:
                break
            ours_differs |= any(
                not np.array_equal(one.returned[r], other.returned[r], equal_nan=True)
                for one, other in zip(
                    calls(exercise, exercise.written, number, case),
                    calls(exercise, exercise.written, number, moved),
                    strict=True,
                )
                for r in one.returned
            )
        if same and ours_differs:
            found.append(name)
    return found


def _pairs(got: Sequence[Observed], expected: Sequence[Observed]) -> Iterator[tuple[Observed, Observed]]:
    return zip(got, expected, strict=True)


def _right(exercise: Exercise, got: Observed, expected: Observed, name: str) -> bool:
    return alike(got.returned[name], expected.returned[name], exercise.accuracy)


def _right_from_its_own_state(exercise: Exercise, got: Sequence[Observed]) -> set[str]:
    """Results that are at every call what the reference makes of the arguments of that call, the state among them."""
    if exercise.built_with or isinstance(exercise.written, type):
        return set()
    right = set(exercise.results)
    for call in got:
        try:
            value = exercise.written(*call.given.values())
            ours = results(value, exercise.results, "")
        except Exception:  # the state that an answer makes may be anything
            return set()
        right &= {name for name, x in ours.items() if alike(call.returned[name], x, exercise.accuracy)}
    return right


def _common_ratio(a: np.ndarray, b: np.ndarray) -> float | None:
    if np.any(a[b == 0]):
        return None
    with np.errstate(all="ignore"):
        ratios = (a / b)[b != 0]
    if ratios.size < 3 or not np.isfinite(ratios).all() or np.ptp(ratios) > 1e-6 * np.abs(ratios).max():
        return None
    return None if f"{ratios[0]:.6g}" == "1" else float(ratios[0])


def _moved(case: Case, name: str) -> Case:
    """The case with another value of an argument: of a share another share."""

    def other(x: Any) -> Any:
        return 0.875 * x + 0.0625

    if name in case.stream:
        return replace(case, stream={**case.stream, name: [other(x) for x in case.stream[name]]})
    return replace(case, given={**case.given, name: other(case.given[name])})
