"""What can be stepped at once is told from what cannot, with the reason: arrays of NumPy and tensors alike."""

import numpy as np
import pytest

from rmsprop_lib.compiled import arrays
from rmsprop_lib.compiled.sorting import OVERLAPPING, Sorted, sort_out


def sorted_rows(rows: dict[str, tuple[np.ndarray, ...]]) -> Sorted[str]:
    return sort_out(rows, arrays.refusal, lambda row: row[0].dtype.name, lambda a: (a.ctypes.data, a.nbytes))


def row(dtype: str = "float64", size: int = 3) -> tuple[np.ndarray, ...]:
    return tuple(np.zeros(size, dtype) for _ in range(3))


def test_each_kind_is_a_group_in_the_order_of_the_rows() -> None:
    found = sorted_rows({"a": row(), "b": row("float32"), "c": row(), "empty": row("float32", 0)})
    assert found.groups == [["a", "c"], ["b", "empty"]] and not found.left


def test_what_is_refused_is_left_by_its_reason() -> None:
    half, gaps = row("float16"), tuple(np.zeros((3, 4))[:, ::2] for _ in range(3))
    found = sorted_rows({"half": half, "a": row(), "gaps": gaps, "half again": half})
    assert found.groups == [["a"]]
    assert found.left == {
        "its dtypes are float16, and not one of float32 and float64": ["half", "half again"],
        "its elements do not follow each other in memory": ["gaps"],
    }


def test_a_kind_that_overlaps_is_left_and_the_others_are_not() -> None:
    theta, g, v = row(size=6)
    found = sorted_rows({"a": (theta[:4], g[:4], v[:4]), "b": (theta[2:], g[2:], v[2:]), "c": row("float32")})
    assert found.groups == [["c"]] and found.left == {OVERLAPPING: ["a", "b"]}


@pytest.mark.parametrize("dtype", [">f8", "<f4"])
def test_only_the_machines_own_byte_order_is_taken(dtype: str) -> None:
    assert (arrays.refusal(row(dtype)) is None) == np.dtype(dtype).isnative
