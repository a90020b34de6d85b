"""Players that learn two games, actor-critic and Q-learning, with the optimizers of chapter 18.

Recorded for chapter 18. Each rule's rate is tuned for each decay and schedule with seeds of its own; a seed decides the
initial weights, the luck of the games and that of the actions, so that rules can be compared seed by seed.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from rmsprop_lib.extras import naming_extras

with naming_extras():
    import torch
    from torch import Tensor

from rmsprop_lib import rules
from rmsprop_lib.experiments import steps as common
from rmsprop_lib.experiments.search import Found, best_rate
from rmsprop_lib.experiments.steps import Step, Steps
from rmsprop_lib.games import Orchard, Poles
from rmsprop_lib.training import players
from rmsprop_lib.training.players import Network, Update

DECAYS = [0.9, 0.99, 0.999]
ONE = [0.99]

# The decays that are tuned, and the first grid of rates, from and to in thirds of a decade.
_BASES = {
    "momentum": {"decays": [None], "start": [-3, 0]},
    "RMSprop": {"decays": DECAYS, "start": [-7, -4]},
    "Adam": {"decays": DECAYS, "start": [-6, -3]},
}
_METHODS = _BASES | {
    "SGD": {"decays": [None], "start": [0, 3]},
    "RMSprop, corrected": {"decays": DECAYS, "start": [-7, -4]},
    "centered": {"decays": ONE, "start": [-7, -4]},
    "RMSprop, ε = 1e-5": {"decays": ONE, "start": [-7, -4]},
    "RMSprop, ε = 1e-3": {"decays": ONE, "start": [-6, -3]},
    "RMSprop, ε = 0.1": {"decays": ONE, "start": [-3, 0]},
    "RMSprop, ε = 1e-8 inside": {"decays": ONE, "start": [-7, -4]},
    "RMSprop, ε = 1e-5 inside": {"decays": ONE, "start": [-6, -3]},
    "RMSprop, ε = 1e-3 inside": {"decays": ONE, "start": [-4, -1]},
    "RMSprop, ε = 0.1 inside": {"decays": ONE, "start": [-2, 1]},
    "RMSprop, ε = 1e-5 inside, v₀ = 1": {"decays": ONE, "start": [-5, -2]},
}
_POLES = {"perfect": 500.0, "updates": 800, "steps": 8, "discount": 0.99, "entropy": 0.01, "scale": 0.01}

SETTINGS: dict[str, Any] = {
    "rates_per_decade": 3,
    "tuning_seeds": [0, 1, 2, 3, 4, 5],
    "seeds": list(range(11, 35)),
    # The score of a run is its mean over this share of the updates, at the end.
    "last": 0.2,
    # Curves are kept as means over so many parts of the run.
    "parts": 10,
    "hidden": 32,
    "games": 8,
    "orchard": {
        "size": 6,
        "perfect": 5.0,
        "schedule": "falling",
        "updates": 1000,
        "steps": 6,
        "discount": 0.9,
        "entropy": 0.02,
        "scale": 1.0,
        "methods": _METHODS,
    },
    "poles": _POLES | {"schedule": "falling", "methods": _METHODS},
    "poles at a constant rate": _POLES | {"schedule": "constant", "methods": _BASES},
    "orchard by Q-learning": {
        "size": 6,
        "perfect": 5.0,
        "schedule": "falling",
        "updates": 2500,
        "discount": 0.9,
        "scale": 1.0,
        "batch": 32,
        "memory": 2000,
        "before": 100,
        "target_every": 100,
        # From 1 to 0.05 in this share of the updates.
        "explore": [0.3, 0.05],
        "methods": {
            "momentum": {"decays": [None], "start": [-1, 2]},
            "RMSprop": {"decays": DECAYS, "start": [-8, -5]},
            "Adam": {"decays": [0.99, 0.999], "start": [-8, -5]},
            "DQN": {"decays": [0.95], "start": [-6, -3]},
            "DQN, not centered": {"decays": [0.95], "start": [-6, -3]},
            "DQN, γ = 0.95": {"decays": [0.95], "start": [-10, -7]},
            "DQN, mean": {"decays": [0.95], "start": [0, 3]},
        },
    },
}
COMPARED = ("score",)


def _rmsprop(eps: float, inside: bool = False, initial: float = 0.0) -> Step:
    return lambda t, g, decay, v=initial: rules.rmsprop(g, v, decay, eps, eps_inside=inside)


def _dqn(summed: float, gamma: float = 0.0) -> Step:
    def step(t: int, g: Any, decay: Any, v: Any = 0.0, mu: Any = 0.0, b: Any = 0.0) -> tuple[Any, ...]:
        return rules.centered_rmsprop_momentum(summed * g, v, mu, b, decay, gamma, 0.01, eps_inside=True)

    return step


STEPS: dict[str, Step] = common.STEPS | {
    "momentum": lambda t, g, decay, b=0.0: rules.heavy_ball(g, b, 0.9),
    "RMSprop, ε = 1e-5": _rmsprop(1e-5),
    "RMSprop, ε = 1e-3": _rmsprop(1e-3),
    "RMSprop, ε = 0.1": _rmsprop(0.1),
    "RMSprop, ε = 1e-8 inside": _rmsprop(1e-8, True),
    "RMSprop, ε = 1e-5 inside": _rmsprop(1e-5, True),
    "RMSprop, ε = 1e-3 inside": _rmsprop(1e-3, True),
    "RMSprop, ε = 0.1 inside": _rmsprop(0.1, True),
    "RMSprop, ε = 1e-5 inside, v₀ = 1": _rmsprop(1e-5, True, 1.0),
    # DQN's gradient is that of the sum over the minibatch, which is 32 times that of the mean.
    "DQN": _dqn(32),
    "DQN, not centered": lambda t, g, decay, v=0.0: rules.rmsprop(32 * g, v, decay, 0.01, eps_inside=True),
    "DQN, γ = 0.95": _dqn(32, 0.95),
    "DQN, mean": _dqn(1),
}
"""By the name of the method; outside the root and 1e-8 where no ε is named."""


class Arm(NamedTuple):
    """How a player learns: decay, rate and seed."""

    decay: float | None
    rate: float
    seed: int


def keys(settings: dict[str, Any]) -> list[str]:
    """The pieces, ``task/method``, the longest first.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.

    Returns
    -------
    list of str
    """
    tasks = ("orchard by Q-learning", "orchard", "poles", "poles at a constant rate")
    return [f"{task}/{method}" for task in tasks for method in settings[task]["methods"]]


def progress(settings: dict[str, Any], task: str, method: str, arms: Sequence[Arm]) -> Iterator[Update]:
    """Players that learn side by side, without end.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    task : str
        One of its tasks.
    method : str
        A key of :data:`STEPS`.
    arms : sequence of Arm
        One for each player.

    Returns
    -------
    iterator of Update
    """
    own = settings[task]
    decays, rates, seeds = map(list, zip(*arms, strict=True))
    change = Steps(STEPS[method], decays, [own["schedule"]] * len(arms), rates, own["updates"])
    if task.startswith("poles"):
        poles = Poles(seeds, settings["games"])
        # Numbers of about one: the track is 2.4 to each side, the pole falls at 0.21.
        scales = np.array([1 / 2.4, 1 / 2, 1 / 0.2, 1 / 2])
        game: Any = poles

        def observe(state: np.ndarray) -> Tensor:
            return torch.from_numpy(state * scales)
    else:
        game = Orchard(seeds, settings["games"], own["size"])

        def observe(state: np.ndarray) -> Tensor:
            return torch.from_numpy(game.lit(state))

    common_to_both = {"discount": own["discount"], "scale": own["scale"]}
    if "batch" in own:
        within, least = own["explore"]
        whole = within * own["updates"]
        return players.q_learning(
            game,
            Network(game.inputs, settings["hidden"], game.actions),
            observe,
            seeds,
            change,
            explore=lambda t: max(least, 1 - (1 - least) * t / whole),
            **{name: own[name] for name in ("batch", "memory", "before", "target_every")},
            **common_to_both,
        )
    network = Network(game.inputs, settings["hidden"], game.actions + 1)
    return players.actor_critic(
        game, network, observe, seeds, change, steps=own["steps"], entropy=own["entropy"], **common_to_both
    )


def learn(
    settings: dict[str, Any], task: str, method: str, arms: Sequence[Arm], updates: int | None = None, at_once: int = 60
) -> np.ndarray:
    """The scores of players on their way.

    Parameters
    ----------
    settings, task, method, arms
        As for :func:`progress`.
    updates : int, optional
        Stop after so many; the schedule is that of the whole run.
    at_once : int
        So many players at a time, so that the arrays of a step stay in the processor's cache.

    Returns
    -------
    array of shape (updates, players)
    """
    many = updates or settings[task]["updates"]
    blocks = [arms[start : start + at_once] for start in range(0, len(arms), at_once)]
    found = [
        np.array([update.scores for update in islice(progress(settings, task, method, block), many)])
        for block in blocks
    ]
    return np.concatenate(found, axis=1)


def final(settings: dict[str, Any], scores: np.ndarray) -> np.ndarray:
    """The mean score over the last part of the updates.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    scores : array of shape (updates, players)

    Returns
    -------
    array of shape (players,)
    """
    return np.asarray(scores[-int(settings["last"] * len(scores)) :].mean(axis=0))


def piece(settings: dict[str, Any], key: str) -> dict[str, Any]:
    """Tune one rule on one task and report it with other seeds.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    key : str
        One of :func:`keys`.

    Returns
    -------
    dict
        ``tuning``: for each decay the rates and the mean scores; ``rate``: the best, of shape (decays,); ``score``: of
        shape (seeds, decays); ``curve``: means over parts of the run, of shape (seeds, decays, parts).
    """
    task, method = key.split("/")
    own = settings[task]
    decays, start = own["methods"][method]["decays"], own["methods"][method]["start"]
    per_decade = settings["rates_per_decade"]

    def run(decays: Sequence[Any], rates: list[float]) -> np.ndarray:
        runs = [Arm(decay, rate, seed) for decay in decays for rate in rates for seed in settings["tuning_seeds"]]
        scores = final(settings, learn(settings, task, method, runs))
        return -scores.reshape(len(decays), len(rates), -1)

    grid = [10 ** (k / per_decade) for k in range(start[0], start[1] + 1)]
    first = run(decays, grid)

    def search(k: int) -> Found:
        return best_rate(
            lambda rates: np.asarray(first[k] if rates == grid else run(decays[k : k + 1], rates)[0]), start, per_decade
        )

    found = [search(k) for k in range(len(decays))]
    best = [f.rate for f in found]
    runs = [Arm(decay, rate, seed) for seed in settings["seeds"] for decay, rate in zip(decays, best, strict=True)]
    scores = learn(settings, task, method, runs)
    shape = (len(settings["seeds"]), len(decays))
    parts = scores.reshape(settings["parts"], -1, scores.shape[1]).mean(axis=1)
    return {
        "tuning": [{"rates": f.rates, "scores": -f.losses} for f in found],
        "rate": np.array(best),
        "score": final(settings, scores).reshape(shape),
        "curve": parts.T.reshape(*shape, -1),
    }
