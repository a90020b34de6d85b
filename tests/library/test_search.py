"""The search for a learning rate ends at the best of a lattice, wherever it began."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmsprop_lib.experiments.search import best_rate


def valley(best: int, diverges: int):
    """Losses of two seeds that are lowest at 10^(best/3), and not finite from 10^(diverges/3) upwards."""

    def losses(rates: list[float]) -> np.ndarray:
        k = np.round(3 * np.log10(rates))
        return np.where(k[:, None] >= diverges, np.nan, (k[:, None] - best) ** 2 + [0.0, 1.0])

    return losses


@given(st.integers(-9, 9), st.integers(-9, 9), st.integers(2, 6), st.integers(1, 20))
def test_it_finds_the_lowest_from_any_first_grid(best: int, low: int, length: int, above: int) -> None:
    found = best_rate(valley(best, best + above), (low, low + length), most=60)
    assert found.rates[found.best] == pytest.approx(10 ** (best / 3))
    assert 0 < found.best < len(found.rates) - 1
    np.testing.assert_allclose(np.diff(np.log10(found.rates)), 1 / 3)


def test_no_rate_is_tried_twice() -> None:
    tried: list[float] = []

    def losses(rates: list[float]) -> np.ndarray:
        tried.extend(rates)
        return valley(8, 99)(rates)

    found = best_rate(losses, (-2, 2))
    assert len(tried) == len(set(tried)) == len(found.rates)


def test_a_loss_that_falls_for_ever_is_said() -> None:
    with pytest.raises(ValueError, match="after 12 rates the best is still at an edge"):
        best_rate(lambda rates: -np.array(rates)[:, None], (0, 3), most=12)
