"""NumPy arrays stepped at once by the rule that Numba has compiled, where that can be done and pays."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rmsprop_lib.compiled.kernels import WorkList
from rmsprop_lib.compiled.sorting import sort_out
from rmsprop_lib.rules import Rule

WORTH_COMPILING = 1_000_000
"""From how many parameters on, all together, the compiled rule is worth the second that compiling takes."""

DTYPES = ("float32", "float64")

Row = tuple[np.ndarray, ...]
"""A parameter, its gradient and its accumulators."""


def compiler(depth: int) -> Any:
    """The module that compiles for NumPy arrays, or None where Numba is not installed or cannot be used.

    Why it cannot be used is said once, in the line of the user's that is ``depth`` calls up.
    """
    try:
        from rmsprop_lib.compiled import cpu
    except ModuleNotFoundError:  # nobody has asked for it
        return None
    except ImportError as error:
        reason: str | None = f"Numba cannot be imported: {error}"
    else:
        reason = cpu.unusable()
        if reason is None:
            return cpu
    if reason not in _said:
        _said.add(reason)
        warnings.warn(f"large arrays are stepped without Numba: {reason}", stacklevel=1 + depth)
    return None


_said: set[str | None] = set()


def refusal(row: Sequence[np.ndarray]) -> str | None:
    """Why a parameter, its gradient and its accumulators cannot be stepped by a compiled rule, or None."""
    dtypes = {array.dtype.name for array in row}
    if len(dtypes) > 1 or not dtypes <= set(DTYPES):
        return f"its dtypes are {', '.join(sorted(dtypes))}, and not one of {' and '.join(DTYPES)}"
    if not all(array.flags.c_contiguous and array.flags.aligned and array.dtype.isnative for array in row):
        return "its elements do not follow each other in memory"
    return None


def step_at_once(
    rows: Mapping[str, Row],
    steps: Mapping[str, int],
    rule: Rule,
    arguments: Sequence[Any],
    learning_rate: float,
    *,
    weight_decay: float,
    decoupled: bool,
    in_place: bool,
) -> dict[str, Row]:
    """Step in one pass over memory what is plain in memory, if it is large enough in all.

    Parameters
    ----------
    rows : dict of str to tuple of arrays
        By name, a parameter, its gradient and its accumulators.
    steps : dict of str to int
        The number of this step for each, counted from 1.
    rule, arguments, learning_rate, weight_decay, decoupled, in_place
        As in :func:`rmsprop_lib.compiled.cpu.step`.

    Returns
    -------
    dict of str to tuple of arrays
        The parameter and the accumulators after the step, for each name that was stepped; the others are the caller's.
    """
    if sum(row[0].size for row in rows.values()) < WORTH_COMPILING or (cpu := compiler(4)) is None:
        return {}
    done: dict[str, Row] = {}
    for keys in sort_out(rows, refusal, lambda row: row[0].dtype.name, lambda a: (a.ctypes.data, a.nbytes)).groups:
        arrays = {key: rows[key] for key in keys}
        results = {key: (theta, *state) for key, (theta, _, *state) in arrays.items()}
        if not in_place:
            results = {key: tuple(np.empty_like(a) for a in before) for key, before in results.items()}
            arrays = {key: (*arrays[key], *results[key]) for key in keys}
        cpu.step(
            rule,
            arguments,
            np.array([[a.ctypes.data for a in row] for row in zip(*arrays.values(), strict=True)], np.int64),
            WorkList([rows[key][0].size for key in keys], cpu.BLOCK),
            np.array([steps[key] for key in keys], float),
            rows[keys[0]][0].dtype.name,
            learning_rate,
            weight_decay=weight_decay,
            decoupled=decoupled,
            in_place=in_place,
        )
        done |= results
    return done


def all_finite(array: np.ndarray) -> bool | None:
    """Whether no element of a large contiguous array is NaN or infinite, read once; None where it is not for Numba."""
    if array.size < WORTH_COMPILING or refusal([array]) or (cpu := compiler(5)) is None:
        return None
    return bool(cpu.all_finite(array))
