"""What a reader's function is given, and what it gave, as arrays."""

import contextlib
import inspect
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

Form = Literal["arrays", "tensors", "numbers"]


class ResultError(Exception):
    """What was returned is no answer; the message, a sentence, says why."""


def is_tensor(x: Any) -> bool:
    """Whether ``x`` is a Torch tensor; imports nothing."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, torch.Tensor)


def is_float(x: Any) -> bool:
    """Whether ``x`` is a floating number or an array of them."""
    return isinstance(x, float) or (isinstance(x, np.ndarray) and np.issubdtype(x.dtype, np.floating))


def handed_over(x: Any, form: Form, changes: bool) -> Any:
    """A copy of an argument as the reader's function is to see it.

    Numbers are NumPy's, which are floats too, and divide by zero without raising. Those that change from step to
    step are tensors among tensors.
    """
    if not isinstance(x, np.ndarray | float):
        return x
    if form == "tensors" and (changes or np.ndim(x)):
        return sys.modules["torch"].from_numpy(np.array(x))
    return np.array(x) if np.ndim(x) else np.float64(x)


def unchanged(x: Any, before: Any) -> bool:
    """Whether an argument that was handed over is still what it was."""
    if is_tensor(x):
        x = x.detach().cpu().numpy()
    if not isinstance(before, np.ndarray):
        return True
    return np.shape(x) == before.shape and bool(np.array_equal(np.asarray(x), before, equal_nan=True))


def results(returned: Any, names: Sequence[str], printed: str) -> dict[str, np.ndarray]:
    """What was returned, by name.

    One value, or as many as there are names: in a tuple or list in their order, or in a dict under their names.

    Raises
    ------
    ResultError
        If it is something else.
    """
    wanted = " and ".join(", ".join(names).rsplit(", ", 1))
    if returned is None:
        if printed:
            raise ResultError(
                f"It prints, but returns nothing. What print shows is lost to the caller: return {wanted}."
            )
        raise ResultError(
            f"It returns None: is a return {', '.join(names)} missing at its end, or in one of its branches?"
        )
    if inspect.isgenerator(returned) or inspect.isasyncgen(returned):
        raise ResultError(f"It contains yield, so that calling it makes a generator and runs nothing. Return {wanted}.")
    if inspect.iscoroutine(returned):
        returned.close()
        raise ResultError(
            f"It is declared with async, so that calling it runs nothing. Return {wanted} from a plain def."
        )
    if isinstance(returned, Mapping):
        if set(returned) != set(names):
            raise ResultError(
                f"It returns a dict with the keys {sorted(map(str, returned))}; it should return {wanted}."
            )
        values = [returned[name] for name in names]
    elif _holds_several(returned, len(names)):
        values = list(returned)
    else:
        values = [returned]
    if len(values) != len(names):
        what = "one value" if len(values) == 1 else f"{len(values)} values"
        raise ResultError(f"It returns {what}; it should return {len(names)}: {wanted}.")
    return {name: as_array(value, name) for name, value in zip(names, values, strict=True)}


def _holds_several(returned: Any, wanted: int) -> bool:
    """Whether it is a series of results, and not one result that is a series of numbers."""
    if isinstance(returned, np.ndarray):
        return wanted > 1 and returned.ndim > 0 and len(returned) == wanted
    return isinstance(returned, tuple | list) if wanted > 1 else isinstance(returned, tuple) and len(returned) == 1


def as_array(value: Any, name: str) -> np.ndarray:
    """A returned number, array, tensor or list of numbers as an array of a floating dtype.

    Raises
    ------
    ResultError
        If it is none of these.
    """
    array: np.ndarray
    if is_tensor(value):
        value = value.detach().cpu().resolve_conj()
        if value.is_floating_point() and value.dtype.itemsize < 4:
            array = value.double().numpy().astype(np.float16)
        else:
            array = value.numpy()
    elif callable(value):
        raise ResultError(f"What it returns as {name} is a function, not a number: was it meant to be called?")
    else:
        try:
            array = np.asarray(value)
        except (TypeError, ValueError):
            raise ResultError(f"What it returns as {name} is a {type(value).__name__} that is no array.") from None
    if array.dtype == object:  # fractions, decimals, or a mixture
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            array = array.astype(np.float64)
    if array.dtype == bool or np.issubdtype(array.dtype, np.integer):
        array = array.astype(np.float64)
    if np.iscomplexobj(array) and not np.any(array.imag):
        array = array.real
    if np.iscomplexobj(array):
        raise ResultError(f"What it returns as {name} is complex; it should be real.")
    if not np.issubdtype(array.dtype, np.floating):
        raise ResultError(f"What it returns as {name} is a {type(value).__name__}; it should be a number or an array.")
    return array


def tolerance(array: np.ndarray, accuracy: float) -> float:
    """Relative difference that is rounding, in the precision in which ``array`` was computed."""
    return max(accuracy, {2: 0.02, 4: 1e-4}.get(array.dtype.itemsize, 0.0))


def alike(got: np.ndarray, expected: np.ndarray, accuracy: float) -> bool:
    """Whether all elements, and the shapes, are the expected ones to rounding."""
    if got.shape != expected.shape:
        return False
    if got.ndim == 0 and abs(float(got) - float(expected)) > 0.1 * abs(float(expected)):
        return False  # most are single numbers, and most of them differ
    return bool(agree(got, expected, accuracy).all())


def agree(got: np.ndarray, expected: np.ndarray, accuracy: float) -> np.ndarray:
    """For each element whether it is the expected one to rounding; shapes are the same."""
    rtol = tolerance(got, accuracy)
    with np.errstate(all="ignore"):
        scale = np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected))
        near: np.ndarray = np.isclose(got, expected, rtol=rtol, atol=rtol * 1e-2 * scale, equal_nan=True)
    return near
