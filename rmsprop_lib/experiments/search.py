"""The learning rate of a method: looked for on a lattice until the best lies inside what was tried."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Losses = Callable[[list[float]], np.ndarray]
"""From rates to losses of shape (rates, seeds), not finite where a run diverged."""


@dataclass(frozen=True)
class Found:
    """The rates that were tried, in increasing order, and what they gave.

    Attributes
    ----------
    rates : array of shape (R,)
    losses : array of shape (R,)
        Means over the tuning seeds; infinite where a run diverged.
    best : int
        Where the loss is lowest; neither the first nor the last.
    """

    rates: np.ndarray
    losses: np.ndarray
    best: int

    @property
    def rate(self) -> float:
        """The best of the rates."""
        return float(self.rates[self.best])


def best_rate(run: Losses, start: Sequence[int], per_decade: int = 3, further: int = 2, most: int = 30) -> Found:
    """Try rates 10^(k/per_decade) and go further up or down until the best of them is not the last that was tried.

    Every method is searched alike, and none is judged by a rate at the edge of its grid.

    Parameters
    ----------
    run : callable
        See :data:`Losses`.
    start : pair of int
        The first and the last k of the first grid.
    per_decade : int
        How many rates there are in a factor of ten.
    further : int
        How many rates are added at a time.
    most : int
        How many rates are tried at most.

    Returns
    -------
    Found

    Raises
    ------
    ValueError
        If the loss still falls towards an edge after ``most`` rates.
    """
    low, high = start
    tried: dict[int, float] = {}

    def try_all(ks: Sequence[int]) -> None:
        losses = np.asarray(run([10 ** (k / per_decade) for k in ks]), dtype=float)
        losses = np.where(np.isfinite(losses), losses, np.inf).mean(axis=1)
        tried.update(zip(ks, losses.tolist(), strict=True))

    try_all(range(low, high + 1))
    while True:
        ks = sorted(tried)
        best = min(ks, key=lambda k: tried[k])
        if ks[0] < best < ks[-1]:
            break
        if len(ks) >= most:
            raise ValueError(f"start={tuple(start)!r} is not allowed: after {most} rates the best is still at an edge")
        # Where all have diverged, the rates are too large.
        down = best == ks[0]
        try_all(range(ks[0] - further, ks[0]) if down else range(ks[-1] + 1, ks[-1] + 1 + further))
    rates = np.array([10 ** (k / per_decade) for k in ks])
    return Found(rates, np.array([tried[k] for k in ks]), ks.index(best))
