"""How scores of many runs are summed up: the interquartile mean and its bootstrap interval (Agarwal et al. 2021)."""

import numpy as np


def interquartile_mean(scores: np.ndarray) -> np.ndarray:
    """The mean of the middle half of the runs of all tasks: a quarter is left out at the top and at the bottom.

    Source: chapter 18, equation ``games-iqm``.

    Parameters
    ----------
    scores : array of shape (runs, tasks, ...)

    Returns
    -------
    array of shape (...)

    Examples
    --------
    >>> interquartile_mean(np.array([[0.0], [0.2], [0.4], [9.0]])).round(3)
    np.float64(0.3)
    """
    flat = np.sort(np.asarray(scores, dtype=float).reshape(-1, *np.shape(scores)[2:]), axis=0)
    cut = len(flat) // 4
    return np.asarray(flat[cut : len(flat) - cut].mean(axis=0))[()]


def resampled(scores: np.ndarray, times: int = 2000, seed: int = 0) -> np.ndarray:
    """The interquartile means of runs drawn again with replacement, in each task by itself (stratified).

    What stands side by side in the last axes, such as optimizers that were run with the same seeds, is drawn together,
    so that differences are paired.

    Parameters
    ----------
    scores : array of shape (runs, tasks, ...)
    times : int
    seed : int

    Returns
    -------
    array of shape (times, ...)
    """
    scores = np.asarray(scores, dtype=float)
    runs, tasks = scores.shape[:2]
    rng = np.random.default_rng(seed)
    drawn = (scores[rng.integers(runs, size=(runs, tasks)), np.arange(tasks)] for _ in range(times))
    return np.array([interquartile_mean(again) for again in drawn])


def interval(values: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Between which percentiles the middle share of the values lies.

    Parameters
    ----------
    values : array of shape (times, ...)
        As :func:`resampled` gives them, or differences of such.
    level : float

    Returns
    -------
    array of shape (2, ...)
        The lower and the upper end.
    """
    tail = 50 * (1 - level)
    return np.asarray(np.percentile(values, [tail, 100 - tail], axis=0))
