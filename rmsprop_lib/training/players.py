"""Networks that learn to play, many side by side: advantage actor-critic, and Q-learning with a replay memory.

Every player's weights are one row of θ, so that any rule of the book makes a step of all of them.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from rmsprop_lib.games import Draws, Step

Observe = Callable[[np.ndarray], Tensor]
"""From states of shape (players, ..., numbers) to what the network takes in."""
Change = Callable[[int, Tensor], Tensor]
"""From the number of a step, from 1, and gradients of shape (players, weights) to what is subtracted from θ."""


class Game(Protocol):
    """What can be played: what :class:`~rmsprop_lib.games.Orchard` and :class:`~rmsprop_lib.games.Poles` share.

    Attributes
    ----------
    actions : int
        How many there are to choose from.
    state : array of shape (players, games, numbers)
        Of the games as they stand.
    """

    actions: int
    state: np.ndarray

    def step(self, action: np.ndarray) -> Step:
        """Play one step.

        Parameters
        ----------
        action : array of int, shape (players, games)

        Returns
        -------
        Step
        """
        ...


class Network(NamedTuple):
    """One hidden layer of ReLU and outputs without biases, for each player with weights of its own.

    Attributes
    ----------
    inputs, hidden, outputs : int
    """

    inputs: int
    hidden: int
    outputs: int

    @property
    def weights(self) -> int:
        """How many weights a player has."""
        return (self.inputs + 1 + self.outputs) * self.hidden

    def start(self, seeds: list[int]) -> Tensor:
        """Weights uniform in ±1/√inputs of their layer, those of the output a tenth of that, biases 0.

        Of the inputs two are 1 where only some are lit, and there are four otherwise; the first layer has ±1/2.

        Parameters
        ----------
        seeds : list of int
            One for each player.

        Returns
        -------
        tensor of float64, shape (players, weights)
        """
        rows = []
        for seed in seeds:
            rng = np.random.default_rng([seed, 7])
            first = rng.uniform(-1, 1, (self.inputs + 1, self.hidden)) / 2
            second = rng.uniform(-1, 1, (self.outputs, self.hidden)) / self.hidden**0.5 / 10
            first[-1] = 0
            rows.append(np.concatenate([first.ravel(), second.ravel()]))
        return torch.from_numpy(np.stack(rows))

    def out(self, theta: Tensor, seen: Tensor) -> Tensor:
        """The outputs.

        Parameters
        ----------
        theta : tensor of shape (players, weights)
        seen : tensor of shape (players, B, inputs), or of integers, shape (players, B, lit)
            Numbers, or which of the inputs are 1 if all others are 0.

        Returns
        -------
        tensor of shape (players, B, outputs)
        """
        first, second = theta.unflatten(1, (-1, self.hidden)).split((self.inputs + 1, self.outputs), dim=1)
        if seen.is_floating_point():
            a = torch.baddbmm(first[:, -1:], seen, first[:, :-1])
        else:
            # All players' rows as one table: the sum of the lit ones is the product with 0 and 1.
            places = seen + theta.shape[1] // self.hidden * torch.arange(len(theta))[:, None, None]
            a = functional.embedding(places, theta.view(-1, self.hidden)).sum(dim=2) + first[:, -1:]
        out: Tensor = torch.relu(a) @ second.mT
        return out


def n_step_returns(
    reward: np.ndarray, over: np.ndarray, ahead: np.ndarray, discount: float, beyond: np.ndarray | None = None
) -> np.ndarray:
    """Discounted returns of a rollout. Source: chapter 18, equation ``games-return``.

    Parameters
    ----------
    reward : array of shape (N, ...)
        Of N steps.
    over : array of bool, shape (N, ...)
        Whether the step ended a game, by its rules or because the time was up.
    ahead : array of shape (...)
        The value of the state after the last step.
    discount : float
    beyond : array of shape (N, ...), optional
        The value of the state that the step led to where the time was up, else 0, which is the default.

    Returns
    -------
    array of shape (N, ...)

    Examples
    --------
    >>> n_step_returns(np.array([0.0, 0.0, 1.0]), np.zeros(3, bool), np.array(4.0), 0.5)
    array([0.75, 1.5 , 3.  ])
    """
    found = np.empty_like(reward)
    beyond = np.zeros_like(reward) if beyond is None else beyond
    following = ahead
    for n in reversed(range(len(reward))):
        following = reward[n] + discount * np.where(over[n], beyond[n], following)
        found[n] = following
    return found


def actor_critic_loss(out: Tensor, action: Tensor, returns: Tensor, entropy: float, value: float = 0.5) -> Tensor:
    """The loss whose gradient advantage actor-critic follows. Source: chapter 18, equation ``games-loss``.

    Parameters
    ----------
    out : tensor of shape (..., B, actions + 1)
        Logits of the policy, and the value.
    action : tensor of int, shape (..., B)
    returns : tensor of shape (..., B)
    entropy, value : float
        Weights of the entropy and of the square error of the value.

    Returns
    -------
    tensor of shape (...)
        Means over the B.
    """
    log_policy = torch.log_softmax(out[..., :-1], dim=-1)
    error = returns - out[..., -1]
    chosen = log_policy.gather(-1, action[..., None])[..., 0]
    disorder = -(log_policy.exp() * log_policy).sum(dim=-1)
    return (-chosen * error.detach() + value * error**2 - entropy * disorder).mean(dim=-1)


def drawn(out: Tensor, u: np.ndarray) -> np.ndarray:
    """Actions drawn from the policies: the first whose cumulated probability exceeds u.

    Parameters
    ----------
    out : tensor of shape (players, games, actions)
        Logits.
    u : array of shape (players, games)
        Uniform in [0, 1).

    Returns
    -------
    array of int, shape (players, games)
    """
    below = torch.softmax(out, dim=-1).cumsum(dim=-1)[..., :-1].numpy()
    action: np.ndarray = (u[..., None] >= below).sum(axis=-1)
    return action


class Update(NamedTuple):
    """A player's progress after an update.

    Attributes
    ----------
    theta, gradient : tensors of shape (players, weights)
    scores : array of shape (players,)
        Mean over its games of the score of the game that ended last, 0 before one has.
    loss : tensor of shape (players,)
    """

    theta: Tensor
    gradient: Tensor
    scores: np.ndarray
    loss: Tensor


class Scores:
    """The score of the game that ended last, for each of the games that run side by side."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._now, self._last = np.zeros(shape), np.zeros(shape)

    def add(self, reward: np.ndarray, over: np.ndarray) -> None:
        """Count a step's rewards."""
        self._now += reward
        self._last = np.where(over, self._now, self._last)
        self._now[over] = 0

    def mean(self) -> np.ndarray:
        """Means over each player's games."""
        return np.asarray(self._last.mean(axis=-1))


def actor_critic(
    game: Game,
    network: Network,
    observe: Observe,
    seeds: list[int],
    change: Change,
    *,
    steps: int,
    discount: float,
    entropy: float,
    scale: float = 1.0,
) -> Iterator[Update]:
    """Advantage actor-critic: play so many steps, make one update, without end.

    Parameters
    ----------
    game : Game
    network : Network
        With one output more than there are actions.
    observe : callable
    seeds : list of int
        One for each player.
    change : callable
        The optimizer.
    steps : int
        N, of a rollout.
    discount, entropy : float
    scale : float
        What rewards are multiplied by for the learner.

    Yields
    ------
    Update
    """
    theta = network.start(seeds)
    shape = game.state.shape[:2]
    luck = Draws([[seed, 1] for seed in seeds], shape[1:])
    scores = Scores(shape)
    t = 0
    while True:
        t += 1
        states, actions = [], []
        reward, beyond = np.zeros((steps, *shape)), np.zeros((steps, *shape))
        over = np.zeros((steps, *shape), dtype=bool)
        for n in range(steps):
            state = game.state
            action = drawn(network.out(theta, observe(state))[..., :-1], luck())
            step = game.step(action)
            reward[n], over[n] = scale * step.reward, step.terminated | step.truncated
            if step.truncated.any():
                value = network.out(theta, observe(step.last))[..., -1].numpy()
                beyond[n] = np.where(step.truncated, value, 0.0)
            scores.add(step.reward, over[n])
            states.append(state)
            actions.append(action)
        ahead = network.out(theta, observe(game.state))[..., -1].numpy()
        returns = n_step_returns(reward, over, ahead, discount, beyond)
        chosen = torch.from_numpy(np.concatenate(actions, axis=1))
        wanted = torch.from_numpy(np.concatenate(returns, axis=1))
        theta.requires_grad_()
        out = network.out(theta, observe(np.concatenate(states, axis=1)))
        loss = actor_critic_loss(out, chosen, wanted, entropy)
        (g,) = torch.autograd.grad(loss.sum(), theta)
        theta = theta.detach() - change(t, g)
        yield Update(theta, g, scores.mean(), loss.detach())


def q_targets(out: np.ndarray, reward: np.ndarray, terminated: np.ndarray, discount: float) -> np.ndarray:
    """What the value of an action should be, by the target network. Source: chapter 18, equation ``games-target``.

    Parameters
    ----------
    out : array of shape (..., actions)
        The target network's values of the state that the step led to.
    reward : array of shape (...)
    terminated : array of bool, shape (...)
        Whether the game is over; where only the time was up, the state keeps its value.
    discount : float

    Returns
    -------
    array of shape (...)
    """
    return np.asarray(reward + discount * np.where(terminated, 0.0, out.max(axis=-1)))


def q_learning(
    game: Game,
    network: Network,
    observe: Observe,
    seeds: list[int],
    change: Change,
    *,
    discount: float,
    batch: int,
    memory: int,
    before: int,
    target_every: int,
    explore: Callable[[int], float],
    scale: float = 1.0,
) -> Iterator[Update]:
    """Q-learning as in DQN: one step of all games, then one update on steps drawn from the memory, without end.

    Errors are clipped to ±1 in the gradient, as in DQN.

    Parameters
    ----------
    game : Game
    network : Network
        With as many outputs as there are actions.
    observe : callable
    seeds : list of int
        One for each player.
    change : callable
        The optimizer.
    discount : float
    batch : int
        Steps drawn for an update.
    memory : int
        Of how many steps of all its games a player keeps what happened.
    before : int
        How many steps are played before the first update.
    target_every : int
        After how many updates the target network becomes the present one.
    explore : callable
        From the number of the update to the probability of an action at random.
    scale : float
        What rewards are multiplied by for the learner.

    Yields
    ------
    Update
    """
    theta = network.start(seeds)
    target = theta
    players, games, numbers = game.state.shape
    luck = Draws([[seed, 1] for seed in seeds], (games, 2))
    pick = Draws([[seed, 2] for seed in seeds], (batch,))
    scores = Scores((players, games))
    kept = [np.zeros((players, memory, games, numbers), dtype=game.state.dtype) for _ in range(2)]
    action_of = np.zeros((players, memory, games), dtype=int)
    reward_of, terminated_of = np.zeros((players, memory, games)), np.zeros((players, memory, games), dtype=bool)
    rows = np.arange(players)[:, None]
    played = t = 0
    while True:
        place = played % memory
        with torch.no_grad():
            out = network.out(theta, observe(game.state)).numpy()
        u = luck()
        at_random = np.floor(u[..., 1] * game.actions).astype(int)
        action = np.where(u[..., 0] < explore(t), at_random, out.argmax(axis=-1))
        kept[0][:, place] = game.state
        step = game.step(action)
        kept[1][:, place] = step.last
        action_of[:, place], reward_of[:, place] = action, scale * step.reward
        terminated_of[:, place] = step.terminated
        scores.add(step.reward, step.terminated | step.truncated)
        played += 1
        if played < before:
            continue
        t += 1
        if (t - 1) % target_every == 0:
            target = theta
        chosen = np.floor(pick() * min(played, memory) * games).astype(int)
        where = (rows, chosen // games, chosen % games)
        with torch.no_grad():
            ahead = network.out(target, observe(kept[1][where])).numpy()
        wanted = torch.from_numpy(q_targets(ahead, reward_of[where], terminated_of[where], discount))
        theta.requires_grad_()
        out_now = network.out(theta, observe(kept[0][where]))
        q = out_now.gather(-1, torch.from_numpy(action_of[where])[..., None])[..., 0]
        loss = functional.smooth_l1_loss(q, wanted, reduction="none").mean(dim=1)
        (g,) = torch.autograd.grad(loss.sum(), theta)
        theta = theta.detach() - change(t, g)
        yield Update(theta, g, scores.mean(), loss.detach())
