"""Two games for many players at once: catching apples on a small screen, and Gymnasium's CartPole.

Arrays have an axis of players and one of games at the front: every player (a network, in chapter 18) plays several
games side by side. A player's luck depends on its seed alone, not on who plays beside it. A game that ends begins again
in the same step.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rmsprop_lib.extras import naming_extras


class Step(NamedTuple):
    """What a step of a game gives, each of shape (players, games).

    Attributes
    ----------
    reward : array of float
    terminated : array of bool
        Whether the game is over: after this nothing more can be won.
    truncated : array of bool
        Whether the time is up, although the game could go on.
    last : array of shape (players, games, numbers)
        The state that the step led to; where the game has ended, the new game's state is another one.
    """

    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    last: np.ndarray


class Draws:
    """Uniform random numbers, for each player from a stream of its own.

    Parameters
    ----------
    seeds : sequence of int, or of sequences of int
        One for each player.
    shape : tuple of int
        How many numbers a player gets at a time.
    block : int
        For how many times they are drawn in advance.
    """

    def __init__(self, seeds: Sequence[Any], shape: tuple[int, ...], block: int = 256) -> None:
        self._streams = [np.random.default_rng(seed) for seed in seeds]
        self._shape, self._block, self._at = shape, block, block

    def __call__(self) -> np.ndarray:
        """The next numbers, of shape (players, *shape)."""
        if self._at == self._block:
            self._numbers = np.stack([rng.random((self._block, *self._shape)) for rng in self._streams], axis=1)
            self._at = 0
        self._at += 1
        found: np.ndarray = self._numbers[self._at - 1]
        return found


class Orchard:
    """A screen of pixels, on which apples and stones fall, one at a time, and a basket moves in the lowest row.

    Things fall by a row in each step, then the next one appears in the top row, in a column at random; it is an apple
    or a stone with equal probability. An apple that falls into the basket is a reward of 1. A stone that does ends the
    game. After ten things the time is up. In the time that a thing falls the basket can get from one side to the other,
    so that one who plays perfectly catches every apple, five in the mean. A player who does not look catches
    ``1 - (1 - 1/(2*size))**10`` in the mean if the basket's place is at random, 0.40 on a screen of ten columns.

    Parameters
    ----------
    seeds : sequence of int
        One for each player.
    games : int
        Games side by side, for each of them.
    size : int
        Rows and columns of the screen.

    Attributes
    ----------
    actions : int
        0 moves the basket to the left, 1 leaves it, 2 moves it to the right.
    state : array of int, shape (players, games, 4)
        Column of the basket, column and row of what falls, and 1 if that is a stone.

    Examples
    --------
    >>> game = Orchard([1], games=2)
    >>> game.pixels(game.state).shape
    (1, 2, 3, 10, 10)
    >>> game.step(np.array([[0, 2]])).reward
    array([[0., 0.]])
    """

    actions = 3
    things = 10

    def __init__(self, seeds: Sequence[int], games: int = 8, size: int = 10) -> None:
        self.size = size
        self._draws = Draws([[seed, 18] for seed in seeds], (games, 3))
        self._clock = np.zeros((len(seeds), games), dtype=int)
        self.state = self._fresh(self._draws())

    @property
    def inputs(self) -> int:
        """Pixels of a screen, in its three channels."""
        return 3 * self.size**2

    def _fresh(self, u: np.ndarray) -> np.ndarray:
        basket, column = (np.floor(u[..., k] * self.size) for k in (0, 1))
        return np.stack([basket, column, np.zeros_like(basket), u[..., 2] < 0.5], axis=-1).astype(int)

    def step(self, action: np.ndarray) -> Step:
        """Move the baskets, then let things fall.

        Parameters
        ----------
        action : array of int, shape (players, games)

        Returns
        -------
        Step
        """
        basket, column, row, stone = np.moveaxis(self.state, -1, 0)
        basket = np.clip(basket + action - 1, 0, self.size - 1)
        row = row + 1
        landed = row == self.size - 1
        hit = landed & (basket == column)
        reward = (hit & (stone == 0)).astype(float)
        terminated = hit & (stone == 1)
        self._clock = self._clock + 1
        truncated = (self._clock == self.things * (self.size - 1)) & ~terminated
        last = np.stack([basket, column, row, stone], axis=-1)
        fresh = self._fresh(self._draws())
        over = terminated | truncated
        self._clock[over] = 0
        following = np.where(landed[..., None], fresh, last)
        following[..., 0] = np.where(over, fresh[..., 0], basket)
        self.state = following
        return Step(reward, terminated, truncated, last)

    def lit(self, state: np.ndarray) -> np.ndarray:
        """Which pixels are lit, those of the basket and of what falls.

        Parameters
        ----------
        state : array of int, shape (..., 4)

        Returns
        -------
        array of int, shape (..., 2)
            Numbers of pixels, the channels one after the other: basket, apple, stone.
        """
        basket, column, row, stone = np.moveaxis(state, -1, 0)
        n = self.size
        return np.stack([(n - 1) * n + basket, (1 + stone) * n * n + row * n + column], axis=-1)

    def pixels(self, state: np.ndarray) -> np.ndarray:
        """The screen.

        Parameters
        ----------
        state : array of int, shape (..., 4)

        Returns
        -------
        array of shape (..., 3, size, size)
            0 and 1: the basket, the apple and the stone.
        """
        flat = np.zeros((*state.shape[:-1], self.inputs))
        np.put_along_axis(flat, self.lit(state), 1.0, axis=-1)
        return flat.reshape(*state.shape[:-1], 3, self.size, self.size)

    def perfect(self) -> np.ndarray:
        """What one who plays perfectly does now: to the apple, and away from the stone.

        Returns
        -------
        array of int, shape (players, games)
        """
        basket, column, _, stone = np.moveaxis(self.state, -1, 0)
        away = np.where(basket == self.size - 1, 0, 2)
        return np.where(stone == 1, np.where(basket == column, away, 1), 1 + np.sign(column - basket))


class Poles:
    """Gymnasium's CartPole-v1: a pole on a cart is kept upright by pushing the cart; each step is a reward of 1.

    A game is over when the pole has fallen or the cart has left the track; after 500 steps the time is up.

    Parameters
    ----------
    seeds : sequence of int
        One for each player.
    games : int
        Games side by side, for each of them.

    Attributes
    ----------
    actions : int
        0 pushes to the left, 1 to the right.
    state : array of shape (players, games, 4)
        Place and speed of the cart, angle and angular speed of the pole.
    """

    actions = 2
    inputs = 4

    def __init__(self, seeds: Sequence[int], games: int = 8) -> None:
        with naming_extras():
            import gymnasium
        self._shape = (len(seeds), games)
        count = len(seeds) * games
        self._env: Any = gymnasium.make_vec("CartPole-v1", count, vectorization_mode="vector_entry_point").unwrapped
        self._env.reset(seed=0)
        self._draws = Draws([[seed, 18] for seed in seeds], (games, 4))
        self._begin(np.ones(self._shape, dtype=bool))

    def _begin(self, over: np.ndarray) -> None:
        """Begin the games that are over again, with the players' own random numbers in the place of Gymnasium's."""
        draws, flat = self._draws(), over.ravel()
        self._env.state[:, flat] = (0.1 * draws.reshape(-1, 4)[flat] - 0.05).T
        self._env.steps[flat] = 0
        self._env.prev_done[:] = False
        self.state = self._env.state.T.reshape(*self._shape, 4).copy()

    def step(self, action: np.ndarray) -> Step:
        """Push all carts.

        Parameters
        ----------
        action : array of int, shape (players, games)

        Returns
        -------
        Step
        """
        _, reward, terminated, truncated, _ = self._env.step(action.ravel())
        last = self._env.state.T.reshape(*self._shape, 4).copy()
        terminated = terminated.reshape(self._shape)
        truncated = truncated.reshape(self._shape) & ~terminated
        self._begin(terminated | truncated)
        return Step(reward.reshape(self._shape).astype(float), terminated, truncated, last)
