"""Recurrent networks that learn sequences: the adding problem with ten rules, and this book's text by characters.

Recorded for chapter 8. On the adding problem every rule is tuned and reported with and without clipping, with constant
and with falling rates. Tuning and reporting have seeds of their own; a seed decides the initial weights and the
sequences, so that rules can be compared seed by seed.
"""

from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from rmsprop_lib.extras import naming_extras

with naming_extras():
    import torch
    from torch import Tensor
    from torch.nn import functional

from rmsprop_lib import rules
from rmsprop_lib.experiments import steps as common
from rmsprop_lib.experiments.search import Found, best_rate
from rmsprop_lib.experiments.steps import EPS, Step, Steps

DECAYS = [0.9, 0.99, 0.999]
SEEDS = [11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22]

SETTINGS: dict[str, Any] = {
    "rates_per_decade": 2,
    "schedules": ["constant", "falling"],
    "adding": {
        "positions": 20,
        "batch": 16,
        "steps": 500,
        # A run's error is the mean over so many steps at its end.
        "last": 100,
        # Losses are kept as means over so many steps.
        "block": 20,
        "thresholds": [None, 1.0],
        "tuning_seeds": [0, 1, 2],
        "seeds": SEEDS,
        "units": {"LSTM": 8, "identity": 16},
        # The decays that are tuned, and the first grid of rates, from and to in halves of a decade.
        "methods": {
            "SGD": {"decays": [None], "start": [-5, 0]},
            "momentum": {"decays": [None], "start": [-6, -1]},
            "RMSprop": {"decays": DECAYS, "start": [-6, -2]},
            "RMSprop, ε = 1e-4 inside": {"decays": DECAYS, "start": [-6, -2]},
            "RMSprop, corrected": {"decays": DECAYS, "start": [-6, -2]},
            "RMSprop with momentum": {"decays": DECAYS, "start": [-8, -4]},
            "centered": {"decays": DECAYS, "start": [-6, -2]},
            "centered with momentum": {"decays": DECAYS, "start": [-8, -4]},
            "Adam": {"decays": DECAYS, "start": [-6, -2]},
        },
        # Not tuned: the rate of Graves' paper.
        "fixed": {"rate": 1e-4, "methods": ["RMSprop, ρ = 0.9", "Graves", "Graves, loss × 100"]},
        # Longer runs.
        "long": {"steps": 4000, "block": 50, "methods": ["SGD", "momentum"], "tuning_seeds": [0, 1]},
    },
    "text": {
        "units": 64,
        "batch": 16,
        "positions": 32,
        "steps": 600,
        "block": 20,
        "threshold": 5.0,
        "held_out": 15_000,
        "tuning_seeds": [0],
        "seeds": [11, 12, 13, 14, 15, 16],
        "methods": {
            "momentum": {"decays": [None], "start": [-6, -3]},
            "RMSprop": {"decays": DECAYS, "start": [-5, -3]},
            "RMSprop, corrected": {"decays": DECAYS, "start": [-5, -3]},
            "RMSprop with momentum": {"decays": DECAYS, "start": [-7, -5]},
            "Adam": {"decays": DECAYS, "start": [-5, -3]},
        },
        # The settings of Karpathy's char-rnn: rate and decay.
        "char-rnn": [2e-3, 0.95],
    },
}
COMPARED = ("error", "test_loss")


def _graves(t: int, g: Any, decay: Any, v: Any = 0.0, mu: Any = 0.0, b: Any = 0.0) -> tuple[Any, ...]:
    d, v, mu = rules.centered_rmsprop(g, v, mu, 0.95, 1e-4, eps_inside=True)
    d, b = rules.heavy_ball(d, b, 0.9)
    return d, v, mu, b


STEPS: dict[str, Step] = common.STEPS | {
    "momentum": lambda t, g, decay, b=0.0: rules.heavy_ball(g, b, 0.9),
    "RMSprop, ε = 1e-4 inside": lambda t, g, decay, v=0.0: rules.rmsprop(g, v, decay, 1e-4, eps_inside=True),
    "centered with momentum": lambda t, g, decay, v=0.0, mu=0.0, b=0.0: rules.centered_rmsprop_momentum(
        g, v, mu, b, decay, 0.9, EPS
    ),
    "RMSprop, ρ = 0.9": lambda t, g, decay, v=0.0: rules.rmsprop(g, v, 0.9, EPS),
    "Graves": _graves,
    "Graves, loss × 100": lambda t, g, decay, *state: _graves(t, 100 * g, decay, *state),
}


def keys(settings: dict[str, Any]) -> list[str]:
    """The pieces: ``text/method``, ``long/network/method``, ``adding/network/method`` and ``fixed/network``.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.

    Returns
    -------
    list of str
    """
    adding, text = settings["adding"], settings["text"]
    return [
        *(f"text/{method}" for method in text["methods"]),
        "text/char-rnn",
        *(f"long/{network}/{method}" for network in adding["units"] for method in adding["long"]["methods"]),
        *(f"adding/{network}/{method}" for network in adding["units"] for method in reversed(adding["methods"])),
        *(f"fixed/{network}" for network in adding["units"]),
    ]


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
        What :func:`on_adding` or :func:`on_text` returns.
    """
    kind, *which = key.split("/")
    if kind == "text":
        return on_text(settings, which[0])
    return on_adding(settings, *which, long=kind == "long") if kind != "fixed" else at_fixed_rate(settings, which[0])


# Networks, each copy's weights one row of θ.


def matrices(theta: Tensor, *shapes: tuple[int, int]) -> list[Tensor]:
    """The rows of θ cut into matrices.

    Parameters
    ----------
    theta : tensor of shape (copies, weights)
    *shapes : pairs of int

    Returns
    -------
    list of tensors of shape (copies, *shape)
    """
    parts = theta.split([a * b for a, b in shapes], dim=1)
    return [part.unflatten(1, shape) for part, shape in zip(parts, shapes, strict=True)]


def lstm_cell(a: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """One position of an LSTM. Source: chapter 08, equation ``rec-lstm``.

    Parameters
    ----------
    a : tensor of shape (..., 4m)
        The arguments of f, i, o and g, side by side.
    c : tensor of shape (..., m)

    Returns
    -------
    h, c : tensors of shape (..., m)
    """
    m = c.shape[-1]
    gates, g = a.split((3 * m, m), dim=-1)
    f, i, o = torch.sigmoid(gates).chunk(3, dim=-1)
    c = f * c + i * torch.tanh(g)
    return o * torch.tanh(c), c


def lstm(theta: Tensor, x: Tensor, m: int) -> Tensor:
    """An LSTM's output at the end of sequences.

    Parameters
    ----------
    theta : tensor of shape (copies, weights)
    x : tensor of shape (copies, N, B, 3)
    m : int
        Units.

    Returns
    -------
    tensor of shape (copies, B)
    """
    U, W, V = matrices(theta, (3, 4 * m), (m, 4 * m), (m + 1, 1))
    z = (x.flatten(1, 2) @ U).unflatten(1, x.shape[1:3])
    h = c = z.new_zeros(len(theta), x.shape[2], m)
    for z_n in z.unbind(1):
        h, c = lstm_cell(torch.baddbmm(z_n, h, W), c)
    out: Tensor = h @ V[:, :m] + V[:, m:]
    return out[..., 0]


def identity(theta: Tensor, x: Tensor, m: int) -> Tensor:
    """The output of a network of ReLUs at the end of sequences; arguments as those of :func:`lstm`."""
    U, W, V = matrices(theta, (3, m), (m, m), (m + 1, 1))
    z = (x.flatten(1, 2) @ U).unflatten(1, x.shape[1:3])
    h = z.new_zeros(len(theta), x.shape[2], m)
    for z_n in z.unbind(1):
        h = torch.relu(torch.baddbmm(z_n, h, W))
    out: Tensor = h @ V[:, :m] + V[:, m:]
    return out[..., 0]


def lstm_start(seed: int, m: int) -> np.ndarray:
    """Weights uniform in ±1/√m, the biases of the gates 0, that of the forget gate 1."""
    theta: np.ndarray = np.random.default_rng([seed, 7]).uniform(-1, 1, 3 * 4 * m + m * 4 * m + m + 1) / m**0.5
    theta[8 * m : 12 * m] = np.repeat([1.0, 0.0, 0.0, 0.0], m)  # the row of U that is b
    return theta


def identity_start(seed: int, m: int) -> np.ndarray:
    """W the identity, U and V normal, no biases."""
    net = np.random.default_rng([seed, 7])
    U, V = net.normal(size=(3, m)) / 2, net.normal(size=m + 1) / 4
    U[2] = V[-1] = 0
    return np.concatenate([U.ravel(), np.eye(m).ravel(), V])


NETWORKS: dict[str, tuple[Callable[..., Tensor], Callable[..., np.ndarray]]] = {
    "LSTM": (lstm, lstm_start),
    "identity": (identity, identity_start),
}


def by_norm(g: Tensor, threshold: Tensor) -> Tensor:
    """Clip each row of a gradient by its norm; a threshold of infinity leaves it."""
    factor: Tensor = (threshold / g.norm(dim=-1, keepdim=True)).clamp(max=1)
    return g * factor


# The adding problem.


def adding(rng: np.random.Generator, B: int, N: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """A minibatch of the adding problem.

    Parameters
    ----------
    rng : numpy.random.Generator
    B : int
        Sequences.
    N : int
        Positions.

    Returns
    -------
    x : array of shape (N, B, 3)
        A number in ±½, the mark, and 1.
    y : array of shape (B,)
        The sum of the two marked numbers.
    """
    number, mark, rows = rng.random((N, B)) - 0.5, np.zeros((N, B)), np.arange(B)
    mark[rng.integers(N // 2, size=B), rows] = 1
    mark[rng.integers(N // 2, N, size=B), rows] = 1
    return np.stack([number, mark, np.ones((N, B))], axis=-1), (number * mark).sum(axis=0)


class Arm(NamedTuple):
    """How a copy is trained: decay, threshold of clipping, schedule, rate and seed."""

    decay: float | None
    threshold: float | None
    schedule: str
    rate: float
    seed: int


class Trained(NamedTuple):
    """What a run of copies gave: θ, and losses and norms of gradients, of shape (steps, copies)."""

    theta: Tensor
    losses: np.ndarray
    norms: np.ndarray


def train(
    settings: dict[str, Any],
    network: str,
    method: str,
    arms: Sequence[Arm],
    *,
    steps: int | None = None,
    whole: int | None = None,
    at_once: int = 160,
) -> Trained:
    """Train copies of one network on the adding problem.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    network : str
        A key of :data:`NETWORKS`.
    method : str
        A key of :data:`STEPS`.
    arms : sequence of Arm
        One for each copy.
    steps : int, optional
        Stop after so many; the schedule is that of the whole run.
    whole : int, optional
        Steps of the whole run, by default as in ``settings``.
    at_once : int
        So many copies at a time, so that the arrays of a step stay in the processor's cache.

    Returns
    -------
    Trained
    """
    whole = whole or settings["adding"]["steps"]
    blocks = [arms[start : start + at_once] for start in range(0, len(arms), at_once)]
    found = [_train(settings, network, method, block, steps or whole, whole) for block in blocks]
    theta, losses, norms = zip(*found, strict=True)
    return Trained(torch.cat(theta), np.concatenate(losses, axis=1), np.concatenate(norms, axis=1))


def _train(settings: dict[str, Any], network: str, method: str, arms: Sequence[Arm], steps: int, whole: int) -> Trained:
    own = settings["adding"]
    forward, start = NETWORKS[network]
    m = own["units"][network]
    decays, thresholds, schedules, rates, seeds = zip(*arms, strict=True)
    theta = torch.from_numpy(np.stack([start(seed, m) for seed in seeds]).astype(np.float32))
    streams = {seed: np.random.default_rng([seed, 1]) for seed in seeds}
    row = [list(streams).index(seed) for seed in seeds]
    threshold = torch.tensor([np.inf if c is None else c for c in thresholds], dtype=torch.float32)[:, None]
    change = Steps(STEPS[method], decays, schedules, rates, whole)
    losses, norms = [], []
    for t in range(1, steps + 1):
        batch = [adding(stream, own["batch"], own["positions"]) for stream in streams.values()]
        x, y = (torch.from_numpy(np.stack(z)[row].astype(np.float32)) for z in zip(*batch, strict=True))
        theta.requires_grad_()
        loss = ((forward(theta, x, m) - y) ** 2).mean(dim=1)
        (g,) = torch.autograd.grad(loss.sum(), theta)
        theta = theta.detach() - change(t, by_norm(g, threshold))
        losses.append(loss.detach())
        norms.append(g.norm(dim=1))
    return Trained(theta, torch.stack(losses).numpy(), torch.stack(norms).numpy())


def trivial() -> float:
    """The error of always answering 0: the variance of the sum of two numbers in ±½."""
    return 1 / 6


def error(losses: np.ndarray, last: int) -> np.ndarray:
    """Mean loss over the last steps, infinite where a run diverged.

    Parameters
    ----------
    losses : array of shape (steps, copies)
    last : int

    Returns
    -------
    array of shape (copies,)
    """
    return np.asarray(np.nan_to_num(losses[-last:].astype(float).mean(axis=0), nan=np.inf))


def tune(
    run: Callable[[Sequence[Any], list[float]], np.ndarray], arms: Sequence[Any], start: Sequence[int], per_decade: int
) -> list[Found]:
    """The best rate for each arm by :func:`best_rate`, whose first grid is run for all at once.

    Parameters
    ----------
    run : callable
        From arms and rates to losses of shape (arms, rates, seeds).
    arms : sequence
    start : pair of int
        First and last rate of the first grid.
    per_decade : int

    Returns
    -------
    list of Found
    """
    grid = [10 ** (k / per_decade) for k in range(start[0], start[1] + 1)]
    first = run(arms, grid)

    def search(k: int) -> Found:
        return best_rate(
            lambda rates: np.asarray(first[k] if rates == grid else run(arms[k : k + 1], rates)[0]), start, per_decade
        )

    return [search(k) for k in range(len(arms))]


def best_arms(found: Sequence[Found], arms: Sequence[tuple[Any, Any, str]], decays: int) -> list[Arm]:
    """What is reported of tuned arms: of each threshold and schedule the best decay, at its best rate.

    Parameters
    ----------
    found : sequence of Found
        One for each arm.
    arms : sequence of decay, threshold and schedule
        In the order of their product, the decays first.
    decays : int
        How many there are.

    Returns
    -------
    list of Arm
        Without a seed of their own: it is 0.
    """
    best = np.array([f.losses[f.best] for f in found]).reshape(decays, -1).argmin(axis=0)
    places = best * (len(arms) // decays) + np.arange(len(best))
    chosen = [(arms[k], found[k]) for k in places]
    return [Arm(decay, threshold, schedule, f.rate, 0) for (decay, threshold, schedule), f in chosen]


def on_adding(settings: dict[str, Any], network: str, method: str, *, long: bool = False) -> dict[str, Any]:
    """Tune one rule on the adding problem, for each decay, threshold and schedule, and report the best decays.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    network, method : str
    long : bool
        Whether the runs are the longer ones.

    Returns
    -------
    dict
        ``tuning``: for each decay, threshold and schedule (in this order, flat) the rates and the mean errors;
        ``decay``, ``rate``: the best, of shape (thresholds, schedules); ``error``: of shape (seeds, thresholds,
        schedules), at most :func:`trivial`; ``lost``: how many runs were above that, of shape (thresholds, schedules);
        ``losses``: means over blocks of steps, of shape (seeds, thresholds, schedules, blocks); ``burst``: the largest
        norm of a gradient over the median; ``above``: the share of gradients with a norm above 1; ``early``: the mean
        loss of the first 20 steps.
    """
    own = settings["adding"]
    much = own["long"] if long else own
    whole, block = much["steps"], much["block"]
    decays = own["methods"][method]["decays"]
    arms = [*product(decays, own["thresholds"], settings["schedules"])]

    def run(arms: Sequence[Any], rates: list[float]) -> np.ndarray:
        seeds = much["tuning_seeds"]
        runs = [Arm(arm[0], arm[1], arm[2], rate, seed) for arm in arms for rate in rates for seed in seeds]
        losses = train(settings, network, method, runs, whole=whole).losses
        return error(losses, own["last"]).reshape(len(arms), len(rates), len(seeds))

    found = tune(run, arms, own["methods"][method]["start"], settings["rates_per_decade"])
    chosen = best_arms(found, arms, len(decays))
    runs = [arm._replace(seed=seed) for seed in own["seeds"] for arm in chosen]
    shape = (len(own["seeds"]), len(own["thresholds"]), len(settings["schedules"]))
    return {
        "tuning": [{"rates": f.rates, "losses": f.losses} for f in found],
        "decay": np.array([arm.decay or 0.0 for arm in chosen]).reshape(shape[1:]),
        "rate": np.array([arm.rate for arm in chosen]).reshape(shape[1:]),
        **reported(train(settings, network, method, runs, whole=whole), shape, own["last"], block),
    }


def reported(found: Trained, shape: tuple[int, ...], last: int, block: int) -> dict[str, Any]:
    """What is kept of runs; see :func:`on_adding`."""
    losses, norms = found.losses.astype(float), found.norms.astype(float)
    raw = error(losses, last).reshape(shape)
    kept = np.fmin(losses, trivial()) if not np.isfinite(losses).all() else losses
    means = kept[: len(kept) // block * block].reshape(-1, block, losses.shape[1]).mean(axis=1)
    with np.errstate(invalid="ignore"):
        burst = norms.max(axis=0) / np.median(norms, axis=0)
    return {
        "error": np.minimum(raw, trivial()),
        "lost": (raw > trivial()).sum(axis=0),
        "losses": means.T.reshape(*shape, -1),
        "burst": burst.reshape(shape),
        "above": (norms > 1).mean(axis=0).reshape(shape),
        "early": losses[:20].mean(axis=0).reshape(shape),
    }


def at_fixed_rate(settings: dict[str, Any], network: str) -> dict[str, Any]:
    """Report the rules that are run with settings as published, without clipping, at a constant rate.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    network : str

    Returns
    -------
    dict
        ``error``: of shape (seeds, methods).
    """
    own = settings["adding"]
    runs = [Arm(None, None, "constant", own["fixed"]["rate"], seed) for seed in own["seeds"]]
    each = [error(train(settings, network, m, runs).losses, own["last"]) for m in own["fixed"]["methods"]]
    return {"error": np.minimum(np.stack(each, axis=1), trivial())}


# The text.


@cache
def text() -> str:
    """The text that is learned, 150,000 characters of this book."""
    return (files("rmsprop_lib.data") / "book.txt").read_text(encoding="utf-8")


@cache
def encoded(held_out: int) -> tuple[int, dict[str, Tensor]]:
    """The text as numbers.

    Parameters
    ----------
    held_out : int
        Characters at the end that are kept for the test, and as many before them to tune with.

    Returns
    -------
    characters : int
        How many different ones there are.
    parts : dict of str to tensor of shape (length,)
        ``train``, ``validation`` and ``test``.
    """
    characters, places = np.unique(list(text()), return_inverse=True)
    codes = torch.from_numpy(places)
    parts = codes.split([len(codes) - 2 * held_out, held_out, held_out])
    return len(characters), dict(zip(("train", "validation", "test"), parts, strict=True))


def text_start(seed: int, V: int, m: int) -> np.ndarray:
    """The weights of an LSTM with V inputs and outputs: uniform in ±1/√m, the bias of the forget gate 1, others 0."""
    weights = (V + 1) * 4 * m + m * 4 * m + (m + 1) * V
    theta: np.ndarray = np.random.default_rng([seed, 7]).uniform(-1, 1, weights) / m**0.5
    theta[V * 4 * m : (V + 1) * 4 * m] = np.repeat([1.0, 0.0, 0.0, 0.0], m)
    theta[-V:] = 0
    return theta


def text_loss(
    theta: Tensor, codes: Tensor, state: tuple[Tensor, Tensor], V: int, m: int
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """The mean loss of predicting each character from those before it.

    Parameters
    ----------
    theta : tensor of shape (copies, weights)
    codes : tensor of int, shape (copies, N + 1, B)
        N inputs and, one place further, N targets.
    state : pair of tensors of shape (copies, B, m)
        h and c before the first of them.
    V, m : int
        Different characters, units.

    Returns
    -------
    loss, state
        Nats per character, of shape (copies,), and h and c after the last input.
    """
    U, W, out = matrices(theta, (V + 1, 4 * m), (m, 4 * m), (m + 1, V))
    copy = torch.arange(len(theta))[:, None, None]
    z = U[:, :V][copy, codes[:, :-1]] + U[:, V:, None]
    h, c = state
    states = []
    for z_n in z.unbind(1):
        h, c = lstm_cell(torch.baddbmm(z_n, h, W), c)
        states.append(h)
    logits = torch.baddbmm(out[:, m:], torch.stack(states, dim=1).flatten(1, 2), out[:, :m])
    each = functional.cross_entropy(logits.flatten(0, 1), codes[:, 1:].flatten(), reduction="none")
    return each.unflatten(0, (len(theta), -1)).mean(dim=1), (h, c)


class Read(NamedTuple):
    """What a run on the text gave: θ, losses of shape (steps, copies), and the share of clipped elements, likewise."""

    theta: Tensor
    losses: np.ndarray
    clipped: np.ndarray


def read(
    settings: dict[str, Any], method: str, arms: Sequence[Arm], *, steps: int | None = None, at_once: int = 6
) -> Read:
    """Train LSTMs on the text by truncated back-propagation: the state is carried on, its gradient is not.

    The gradient is that of the loss summed over positions, clipped element by element, as in char-rnn.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    method : str
        A key of :data:`STEPS`.
    arms : sequence of Arm
        Their thresholds are those of clipping by value.
    steps : int, optional
        Stop after so many; the schedule is that of the whole run.
    at_once : int
        So many copies at a time.

    Returns
    -------
    Read
    """
    blocks = [arms[start : start + at_once] for start in range(0, len(arms), at_once)]
    found = [_read(settings, method, block, steps) for block in blocks]
    theta, losses, clipped = zip(*found, strict=True)
    return Read(torch.cat(theta), np.concatenate(losses, axis=1), np.concatenate(clipped, axis=1))


def _read(settings: dict[str, Any], method: str, arms: Sequence[Arm], steps: int | None) -> Read:
    own = settings["text"]
    B, N, m, whole = own["batch"], own["positions"], own["units"], own["steps"]
    V, parts = encoded(own["held_out"])
    decays, thresholds, schedules, rates, seeds = zip(*arms, strict=True)
    theta = torch.from_numpy(np.stack([text_start(seed, V, m) for seed in seeds]).astype(np.float32))
    length = len(parts["train"])
    # Each copy reads the text from places of its own, spread evenly.
    first = np.array([np.random.default_rng([seed, 3]).integers(length) for seed in seeds])
    places = torch.from_numpy(first[:, None] + np.arange(B) * (length // B))
    threshold = torch.tensor([np.inf if c is None else c for c in thresholds], dtype=torch.float32)[:, None]
    change = Steps(STEPS[method], decays, schedules, rates, whole)
    carried = (torch.zeros(len(arms), B, m), torch.zeros(len(arms), B, m))
    losses, clipped = [], []
    for t in range(1, (steps or whole) + 1):
        at = places[:, None] + torch.arange((t - 1) * N, t * N + 1)[:, None]
        theta.requires_grad_()
        loss, (h, c) = text_loss(theta, parts["train"][at % length], carried, V, m)
        carried = h.detach(), c.detach()
        (g,) = torch.autograd.grad(N * loss.sum(), theta)
        theta = theta.detach() - change(t, torch.clamp(g, -threshold, threshold))
        losses.append(loss.detach())
        clipped.append((g.abs() > threshold).float().mean(dim=1))
    return Read(theta, torch.stack(losses).numpy(), torch.stack(clipped).numpy())


def held_out_loss(settings: dict[str, Any], theta: Tensor, part: str) -> np.ndarray:
    """The loss on text that was kept apart.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    theta : tensor of shape (copies, weights)
    part : {"validation", "test"}

    Returns
    -------
    array of shape (copies,)
        Nats per character, infinite where it is not a number.
    """
    own = settings["text"]
    V, parts = encoded(own["held_out"])
    B, m = 50, own["units"]
    rows = parts[part][: len(parts[part]) // B * B].reshape(B, -1).T
    found = []
    with torch.no_grad():
        for one in theta.split(1):
            zeros = torch.zeros(1, B, m)
            found.append(text_loss(one, rows[None], (zeros, zeros), V, m)[0])
    return np.asarray(np.nan_to_num(torch.cat(found).double().numpy(), nan=np.inf))


def on_text(settings: dict[str, Any], method: str) -> dict[str, Any]:
    """Tune one rule on the text, for each decay and schedule, and report the best decays; or report char-rnn's.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    method : str

    Returns
    -------
    dict
        ``tuning``: for each decay and schedule (flat) the rates and the mean losses on the validation text; ``decay``,
        ``rate``: the best, of shape (schedules,); ``test_loss``: nats per character, of shape (seeds, schedules);
        ``losses``: training losses, means over blocks of steps, of shape (seeds, schedules, blocks); ``clipped``: in
        which share of the steps an element was clipped, of shape (seeds, schedules).
    """
    own, schedules = settings["text"], settings["schedules"]
    tuning: dict[str, Any] = {}
    if method == "char-rnn":
        rate, decay = own["char-rnn"]
        method, chosen = "RMSprop", [(Arm(decay, own["threshold"], "constant", rate, 0))]
    else:
        decays = own["methods"][method]["decays"]
        arms = [*product(decays, [own["threshold"]], schedules)]

        def run(arms: Sequence[Any], rates: list[float]) -> np.ndarray:
            runs = [
                Arm(arm[0], arm[1], arm[2], rate, seed)
                for arm in arms
                for rate in rates
                for seed in own["tuning_seeds"]
            ]
            theta = read(settings, method, runs).theta
            return held_out_loss(settings, theta, "validation").reshape(len(arms), len(rates), -1)

        found = tune(run, arms, own["methods"][method]["start"], settings["rates_per_decade"])
        chosen = best_arms(found, arms, len(decays))
        tuning = {"tuning": [{"rates": f.rates, "losses": f.losses} for f in found]}
    runs = [arm._replace(seed=seed) for seed in own["seeds"] for arm in chosen]
    done = read(settings, method, runs)
    shape = (len(own["seeds"]), len(chosen))
    blocks = done.losses[: len(done.losses) // own["block"] * own["block"]].reshape(-1, own["block"], len(runs))
    return {
        **tuning,
        "decay": [arm.decay or 0.0 for arm in chosen],
        "rate": [arm.rate for arm in chosen],
        "test_loss": held_out_loss(settings, done.theta, "test").reshape(shape),
        "losses": blocks.mean(axis=1).T.reshape(*shape, -1),
        "clipped": (done.clipped > 0).mean(axis=0).reshape(shape),
    }
