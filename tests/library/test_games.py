"""The games: their rules, what a random and a perfect player score, and that luck depends on a player's seed alone."""

import numpy as np
import pytest

from rmsprop_lib.games import Draws, Orchard, Poles


def scores_of(choose, seeds=range(40), games=25, size=7):
    """The score of each player's first games."""
    game, total = Orchard(list(seeds), games, size), np.zeros((len(seeds), games))
    alive = np.ones_like(total, dtype=bool)
    for _ in range(10 * (size - 1)):
        step = game.step(choose(game))
        total += step.reward * alive
        alive &= ~step.terminated
    assert step.truncated[alive].all()
    return total


def test_what_falls_is_caught_by_the_basket_below_it():
    game = Orchard([1], games=3, size=5)
    game.state = np.array([[[2, 2, 0, 0], [1, 2, 0, 0], [2, 2, 0, 1]]])
    stay, right = np.ones((1, 3), dtype=int), np.array([[1, 2, 1]])
    for _ in range(3):
        step = game.step(stay)
        assert not step.reward.any() and not step.terminated.any()
    step = game.step(right)
    assert step.reward.tolist() == [[1, 1, 0]]
    assert step.terminated.tolist() == [[False, False, True]]
    assert not step.truncated.any()
    # The next thing starts at the top; where the game goes on the basket stays where it is.
    assert (game.state[..., 2] == 0).all() and game.state[0, :2, 0].tolist() == [2, 2]
    assert step.last[..., 2].tolist() == [[4, 4, 4]]


def test_the_basket_stays_on_the_screen():
    game = Orchard([1], games=2, size=5)
    game.state = np.array([[[0, 2, 0, 0], [4, 2, 0, 0]]])
    game.step(np.array([[0, 2]]))
    assert game.state[..., 0].tolist() == [[0, 4]]


def test_the_time_is_up_after_ten_things():
    game = Orchard([3], games=6, size=5)
    ends = [game.step(game.perfect()).truncated for _ in range(80)]
    assert [n for n, end in enumerate(ends, 1) if end.all()] == [40, 80]
    assert sum(end.any() for end in ends) == 2


@pytest.mark.parametrize("size", [7, 10])
def test_a_player_who_does_not_look_catches_what_the_docstring_says(size):
    luck = np.random.default_rng(5)
    scores = scores_of(lambda game: luck.integers(3, size=game.state.shape[:2]), size=size)
    expected = 1 - (1 - 1 / (2 * size)) ** 10
    assert scores.mean() == pytest.approx(expected, abs=4 * scores.std() / scores.size**0.5)
    assert size == 7 or expected == pytest.approx(0.40, abs=2e-3)


def test_a_perfect_player_catches_every_apple():
    apples = np.zeros((40, 25))

    def choose(game):
        apples[...] += (game.state[..., 2] == 0) & (game.state[..., 3] == 0)
        return game.perfect()

    scores = scores_of(choose)
    assert np.array_equal(scores, apples)
    assert scores.mean() == pytest.approx(5, abs=4 * scores.std() / scores.size**0.5)


def test_a_screen_shows_the_basket_and_what_falls():
    game = Orchard([1], games=2, size=4)
    screens = game.pixels(np.array([[3, 1, 2, 0], [0, 2, 1, 1]]))
    assert screens.shape == (2, 3, 4, 4) and screens.sum() == 4
    assert screens[0, 0, 3, 3] == screens[0, 1, 2, 1] == screens[1, 0, 3, 0] == screens[1, 2, 1, 2] == 1


@pytest.mark.parametrize("kind", [Orchard, Poles])
def test_luck_is_the_seeds_and_nobody_elses(kind):
    alone, beside = kind([8], 4), kind([3, 8, 5], 4)
    rng = np.random.default_rng(0)
    for _ in range(300):
        action = rng.integers(alone.actions, size=(1, 4))
        assert np.array_equal(alone.state, beside.state[1:2])
        one, three = alone.step(action), beside.step(np.repeat(action, 3, axis=0))
        assert all(np.array_equal(a, b[1:2]) for a, b in zip(one, three, strict=True))
    assert not np.array_equal(beside.state[0], beside.state[2])


def test_draws_are_uniform_and_go_on_over_blocks():
    few, many = Draws([4], (3,), block=2), Draws([4], (3,), block=100)
    assert all(np.array_equal(few(), many()) for _ in range(7))
    numbers = np.array([many() for _ in range(2000)])
    assert numbers.min() >= 0 and numbers.max() < 1
    assert numbers.mean() == pytest.approx(0.5, abs=0.02)


def test_poles_are_gymnasiums():
    """Each pole follows Gymnasium's single environment, started from the same state, also at the end of time."""
    gymnasium = pytest.importorskip("gymnasium")
    ours = Poles([1, 2], games=2)
    single = gymnasium.make("CartPole-v1")
    single.reset(seed=0)
    rng = np.random.default_rng(7)
    for player, place in np.ndindex(2, 2):
        single.reset()
        single.unwrapped.state = tuple(ours.state[player, place])
        for _ in range(400):
            action = rng.integers(2, size=(2, 2))
            seen, reward, terminated, _, _ = single.step(int(action[player, place]))
            step = ours.step(action)
            assert np.allclose(step.last[player, place], seen, atol=1e-6)
            assert (step.reward[player, place], step.terminated[player, place]) == (reward, terminated)
            if terminated:
                assert np.abs(ours.state[player, place]).max() <= 0.05
                break
        else:
            pytest.fail("no game ended")


def test_after_500_steps_the_time_of_a_pole_is_up():
    game, upright = Poles([1], games=3), 0
    for _ in range(500):
        lean = game.state @ np.array([0.1, 0.5, 3.0, 1.0])
        step = game.step((lean > 0).astype(int))
        upright += 1
        if (step.terminated | step.truncated).any():
            break
    assert upright == 500 and step.truncated.all() and not step.terminated.any()
    assert np.abs(game.state).max() <= 0.05 < np.abs(step.last).max()
