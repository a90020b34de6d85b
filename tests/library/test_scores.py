"""The interquartile mean and its bootstrap, computed another way."""

import numpy as np
import pytest

from rmsprop_lib.experiments.scores import interquartile_mean, interval, resampled


@pytest.mark.parametrize("runs", [3, 4, 5, 12, 17])
def test_a_quarter_is_left_out_at_each_end(runs):
    scores = np.random.default_rng(runs).normal(size=(runs, 2))
    flat = sorted(scores.ravel().tolist())
    cut = int(0.25 * len(flat))
    assert interquartile_mean(scores) == pytest.approx(np.mean(flat[cut : len(flat) - cut]))


def test_lost_runs_do_not_move_it_and_what_stands_side_by_side_stays_apart():
    scores = np.linspace(0, 1, 12)[:, None]
    lost = np.where(scores < 0.2, -100.0, scores)
    both = np.stack([scores, lost], axis=-1)
    assert interquartile_mean(both) == pytest.approx([interquartile_mean(scores)] * 2)


def test_runs_are_drawn_within_their_task_and_arms_together():
    scores = np.random.default_rng(3).normal([0.0, 100.0], size=(12, 2))
    arms = np.stack([scores, scores + 0.5], axis=-1)
    drawn = resampled(arms, times=200, seed=4)
    assert drawn.shape == (200, 2)
    # A task that was drawn too often would pull the mean far away from 50; paired arms differ by exactly a half.
    assert np.abs(drawn[:, 0] - 50).max() < 2
    assert drawn[:, 1] - drawn[:, 0] == pytest.approx(np.full(200, 0.5))


def test_the_interval_has_the_width_that_the_mean_of_one_task_has():
    """By another bootstrap, with loops and Python's own sums."""
    scores = np.random.default_rng(5).normal(size=(40, 1))
    ends = interval(resampled(scores, times=1500))
    rng, means = np.random.default_rng(77), []
    for _ in range(1500):
        again = sorted(scores[k, 0] for k in rng.integers(40, size=40))
        means.append(sum(again[10:30]) / 20)
    means.sort()
    assert ends == pytest.approx([means[37], means[1462]], abs=0.05)
    assert ends[0] < interquartile_mean(scores) < ends[1]
