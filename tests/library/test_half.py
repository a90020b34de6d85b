"""Half precision to single and back as Torch does it, bit for bit."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numba import njit

from rmsprop_lib.compiled import half

HALVES = np.arange(2**16, dtype=np.uint16)
# Which half a NaN becomes is nobody's business, as long as it is one.
KINDS = {
    "float16": (torch.float16, half.from_float16, half.to_float16),
    "bfloat16": (torch.bfloat16, half.from_bfloat16, half.to_bfloat16),
}
each_kind = pytest.mark.parametrize(("dtype", "read", "written"), KINDS.values(), ids=KINDS.keys())


def of_all(function: Callable[[Any], Any], values: np.ndarray, dtype: Any) -> np.ndarray:
    @njit
    def apply(values: Any, results: Any) -> None:
        for i in range(values.size):
            results[i] = function(values[i])

    results = np.empty(values.shape, dtype)
    apply(values, results)
    return results


def of_torch(halves: np.ndarray, dtype: torch.dtype) -> torch.Tensor:
    return torch.from_numpy(halves.view(np.int16)).view(dtype)


def assert_same_bits(ours: np.ndarray, theirs: np.ndarray, nan: np.ndarray) -> None:
    assert not (wrong := (ours != theirs) & ~nan).any(), (ours[wrong][:5], theirs[wrong][:5])


@each_kind
def test_every_half_is_read(dtype: torch.dtype, read: Any, written: Any) -> None:
    ours, theirs = of_all(read, HALVES, np.float32), of_torch(HALVES, dtype).float().numpy()
    nan = np.isnan(theirs)
    assert np.isnan(ours[nan]).all()
    assert_same_bits(ours.view(np.uint32), theirs.view(np.uint32), nan)


@each_kind
def test_numbers_are_rounded_to_the_nearest_and_ties_to_even(dtype: torch.dtype, read: Any, written: Any) -> None:
    """At every half, half-way to the next, and next to either; beyond the largest; below the least; and anywhere."""
    exact = of_torch(HALVES, dtype).float().numpy()
    exact = exact[np.isfinite(exact)]
    away = np.nextafter(np.float32(0), np.float32(1))
    with np.errstate(over="ignore"):
        between = [
            (a.astype(float) / 2 + np.roll(a, 1).astype(float) / 2).astype(np.float32) for a in (np.sort(exact),)
        ]
        near = [np.nextafter(x, np.float32(to)) for x in (exact, *between) for to in (-np.inf, np.inf)]
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan, away, -away, 65519.996, 65520, 3.4e38], np.float32)
    anything = np.random.default_rng(0).integers(0, 2**32, 1_000_000, np.uint32).view(np.float32)
    numbers = np.concatenate([exact, *between, *near, special, anything])
    ours = of_all(written, numbers, np.uint16)
    theirs = torch.from_numpy(numbers).to(dtype)
    nan = np.isnan(numbers)
    assert of_torch(ours[nan], dtype).isnan().all()
    assert_same_bits(ours, theirs.view(torch.int16).numpy().view(np.uint16), nan)
