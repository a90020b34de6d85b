"""Eleven rules on 140 random quadratics and 26 networks of 10³ to 5·10⁴ weights, decays and rates tuned for each task.

Recorded for chapter 11. Half of the tasks are there to build a decision guide on, the other half to test it. Tuning and
reporting have seeds of their own; a seed decides what is random in a run, the same for every rule.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise, product
from typing import Any, NamedTuple

import numpy as np

from rmsprop_lib.extras import naming_extras

with naming_extras():
    import torch
    from torch import Tensor
    from torch.nn import functional

from rmsprop_lib import rules
from rmsprop_lib.data import load_mnist
from rmsprop_lib.experiments import steps as common
from rmsprop_lib.experiments.search import Found, best_rate
from rmsprop_lib.experiments.steps import EPS, FACTORS, Step, Steps

DECAYS = [0.9, 0.99, 0.999]


def _layers(inputs: int, outputs: int, depth: int, weights: int) -> list[int]:
    """Units of each layer, the hidden ones equally many, so that there are about so many weights and biases."""

    def sizes(width: int) -> list[int]:
        return [inputs, *[width] * depth, outputs]

    return sizes(min(range(2, 400), key=lambda width: abs(count(sizes(width)) - weights)))


def count(layers: Sequence[int]) -> int:
    """Weights and biases of a network.

    Parameters
    ----------
    layers : sequence of int
        Units of each layer, from the input to the output.

    Returns
    -------
    int
    """
    return sum((inputs + 1) * outputs for inputs, outputs in pairwise(layers))


def _networks() -> list[dict[str, Any]]:
    """Families, lengths and sizes in all combinations, in two halves; the other properties are drawn."""
    kinds = [*product(("regression", "clusters", "digits"), (300, 600), (1000, 2000, 4000, 8000))]
    kinds += [("clusters", 300, 20_000), ("digits", 200, 50_000)]
    networks = []
    for k, (family, steps, weights) in enumerate(kinds):
        rng = np.random.default_rng([13, k])
        pixels = {1000: 49, 2000: 49, 4000: 196, 8000: 196, 50_000: 784}
        inputs = pixels[weights] if family == "digits" else int(rng.choice([8, 24]))
        depth = int(rng.choice([1, 2, 3])) if weights < 10_000 else 2
        networks.append(
            {
                "family": family,
                "half": ("built on", "fresh")[(k + k // 4 + k // 8) % 2],
                "layers": _layers(inputs, 1 if family == "regression" else 10, depth, weights),
                "steps": steps,
                "batch": int(rng.choice([8, 32])),
                # The scales of the inputs spread over so many decades; digits are what they are.
                "spread": 0 if family == "digits" else int(rng.choice([0, 2])),
                # Standard deviation of what is added to the labels, regression only.
                "noise": float(rng.choice([0.0, 0.3])) if family == "regression" else 0.0,
                # Whether the k-th class is 1/k times as frequent as the first.
                "rare": bool(rng.choice([False, True])) if family == "clusters" else False,
            }
        )
    return networks


SETTINGS: dict[str, Any] = {
    "rates_per_decade": 3,
    "methods": {
        # The decays that are tuned, and the first grid of rates on networks, from and to in thirds of a decade.
        "SGD": {"decays": [None], "start": [-4, 1]},
        "momentum": {"decays": DECAYS, "start": [-8, -3]},
        "AdaGrad": {"decays": [None], "start": [-5, 0]},
        "average of all": {"decays": [None], "start": [-8, -3]},
        "RMSprop": {"decays": DECAYS, "start": [-8, -3]},
        "RMSprop, corrected": {"decays": DECAYS, "start": [-8, -3]},
        "RMSprop with momentum": {"decays": DECAYS, "start": [-11, -6]},
        "centered": {"decays": DECAYS, "start": [-8, -3]},
        "Adam, uncorrected": {"decays": DECAYS, "start": [-8, -3]},
        "Adam": {"decays": DECAYS, "start": [-8, -3]},
        "AMSGrad": {"decays": DECAYS, "start": [-8, -3]},
    },
    "quadratics": {
        "built on": [0, 70],
        "fresh": [2000, 2070],
        "coordinates": 12,
        "tuning_seeds": [1, 2, 3, 4],
        "seeds": [11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
        "schedules": ["constant", "falling", "root"],
        "start": [-15, 7],
    },
    "networks": {
        "tasks": _networks(),
        "tuning_seeds": [1, 2],
        "seeds": [11, 12, 13, 14, 15],
        "schedules": ["constant", "falling"],
        # Of so many steps at the start the mean loss is kept.
        "early": 20,
        # Weights that are trained at a time.
        "at_once": 300_000,
    },
}
COMPARED = ("test_loss", "loss")
"""Of a network by seed; of the quadratics by task."""

STEPS: dict[str, Step] = common.STEPS | {
    "momentum": lambda t, g, decay, b=0.0: rules.heavy_ball(g, b, decay),
    "AdaGrad": lambda t, g, decay, G=0.0: rules.adagrad(g, G, EPS),
    # AdaGrad without its falling rate: RMSprop that forgets nothing.
    "average of all": lambda t, g, decay, v=0.0: rules.rmsprop(g, v, 1 - 1 / t, EPS),
    "Adam, uncorrected": lambda t, g, decay, m=0.0, v=0.0: rules.adam(g, m, v, float("inf"), 0.9, decay, EPS),
    "AMSGrad": lambda t, g, decay, m=0.0, v=0.0, w=0.0: rules.amsgrad(g, m, v, w, t, 0.9, decay, EPS),
}

Run = Callable[[Sequence[Any], Sequence[str], list[float]], np.ndarray]
"""From decays, schedules and rates to losses of shape (decays, schedules, rates, seeds)."""


def keys(settings: dict[str, Any]) -> list[str]:
    """The pieces: ``networks/number/method``, the longest first, and ``quadratics/method``, all tasks together.

    Parameters
    ----------
    settings : dict
        As ``SETTINGS``.

    Returns
    -------
    list of str
    """
    tasks = settings["networks"]["tasks"]
    longest = sorted(range(len(tasks)), key=lambda k: -count(tasks[k]["layers"]) * tasks[k]["steps"])
    methods = list(settings["methods"])
    return [f"networks/{k}/{m}" for k in longest for m in methods] + [f"quadratics/{method}" for method in methods]


def piece(settings: dict[str, Any], key: str) -> dict[str, Any]:
    """Tune one rule, for each decay and schedule, and report it with other seeds.

    Parameters
    ----------
    settings : dict
        As ``SETTINGS``.
    key : str
        One of :func:`keys`.

    Returns
    -------
    dict
        What :func:`on_quadratics` or :func:`on_network` returns.
    """
    kind, *which = key.split("/")
    if kind == "quadratics":
        return on_quadratics(settings, which[0], [*quadratic_numbers(settings)])
    return on_network(settings, which[1], int(which[0]))


def thirds(settings: dict[str, Any], rate: float) -> int:
    """The k of a rate 10^(k/3), or of what else there are in a decade.

    Parameters
    ----------
    settings : dict
        As ``SETTINGS``.
    rate : float

    Returns
    -------
    int
    """
    return int(np.round(settings["rates_per_decade"] * np.log10(rate)))


def tune(run: Run, decays: Sequence[Any], schedules: Sequence[str], start: Sequence[int], per_decade: int) -> Any:
    """The best rate for each decay and schedule, whose first grid is run for all at once.

    By :func:`~rmsprop_lib.experiments.search.best_rate`.

    Some losses go on falling by less and less where rates become extreme: no step is the best step, or any rate solves
    the task. So a rate outside the first grid has to gain a hundredth for each step away from it: its losses count
    1.01 times for each.

    Parameters
    ----------
    run : callable
        See :data:`Run`.
    decays, schedules : sequences
    start : pair of int
        The first and last rate of the first grid, 10^(k/per_decade).
    per_decade : int

    Returns
    -------
    losses, found
        Those of the first grid, an array of shape (decays, schedules, rates, seeds); for each decay a list with a
        :class:`~rmsprop_lib.experiments.search.Found` for each schedule.
    """
    grid = [10 ** (k / per_decade) for k in range(start[0], start[1] + 1)]
    first = run(decays, schedules, grid)

    def search(i: int, j: int) -> Found:
        def losses(rates: list[float]) -> np.ndarray:
            if rates == grid:
                return np.asarray(first[i, j])
            ks = np.round(per_decade * np.log10(rates))
            beyond = np.maximum(start[0] - ks, ks - start[1])
            return np.asarray(run(decays[i : i + 1], schedules[j : j + 1], rates)[0, 0] * 1.01 ** beyond[:, None])

        return best_rate(losses, start, per_decade)

    return first, [[search(i, j) for j in range(len(schedules))] for i in range(len(decays))]


# Quadratics, in NumPy and float64.


class Quadratic(NamedTuple):
    """½(θ − c)ᵀH(θ − c) with a minimum c that may move, and what is random in runs of it, for each step and seed.

    Attributes
    ----------
    H : array of shape (n, n)
    start : array of shape (n,)
    noise : array of shape (steps, seeds, n)
        What is added to the gradient.
    seen : array of bool, of the same shape
        Whether a coordinate has a gradient.
    minimum : array of the same shape
        Where c is.
    """

    H: np.ndarray
    start: np.ndarray
    noise: np.ndarray
    seen: np.ndarray
    minimum: np.ndarray


def quadratic_numbers(settings: dict[str, Any]) -> Iterator[int]:
    """The tasks' numbers: those to build on, then the fresh ones."""
    for half in ("built on", "fresh"):
        yield from range(*settings["quadratics"][half])


def properties(k: int) -> dict[str, Any]:
    """The properties of quadratic number k, drawn at random, each independently.

    Parameters
    ----------
    k : int

    Returns
    -------
    dict
        As :func:`quadratic` takes them.
    """
    rng = np.random.default_rng([11, k])

    def pick(*values: Any) -> Any:
        return values[rng.integers(len(values))]

    return {
        "decades": pick(0, 1, 2, 3, 4),
        "turned": pick(False, True),
        "sigma": pick(0.003, 0.03, 0.3, 3.0),
        "tails": pick(False, False, False, True),
        "rare": pick(1, 1, 0.03),
        "travel": pick(0, 0.5),
        "wander": pick(0, 0, 0, 0.03),
        "jump": pick(0, 0, 0, 2),
        "steps": pick(100, 300, 1000),
    }


def quadratic(
    k: int,
    seeds: Sequence[int],
    *,
    decades: float,
    turned: bool,
    sigma: float,
    tails: bool,
    rare: float,
    travel: float,
    wander: float,
    jump: float,
    steps: int,
    n: int = 12,
) -> Quadratic:
    """A quadratic with given properties.

    Parameters
    ----------
    k : int
        Its number, which decides what is random in the task.
    seeds : sequence of int
        Each decides what is random in a run.
    decades : float
        Over which the curvatures are spread evenly, from 1 downwards.
    turned : bool
        Whether the eigenvectors are a random rotation of the axes.
    sigma : float
        The noise of the gradient is σ·H^½ z.
    tails : bool
        Whether z follows Student's t with 1.5 degrees of freedom, whose variance is infinite.
    rare : float
        In which share of the steps the rarest coordinate has a gradient; the commonest has one in all.
    travel : float
        The start's distance from the minimum along an eigenvector with curvature λ is proportional to 1/λ^travel.
    wander : float
        Standard deviation of the minimum's move at each step.
    jump : float
        Standard deviation of its jump half way.
    steps : int
    n : int
        Coordinates.

    Returns
    -------
    Quadratic
    """
    rng = np.random.default_rng([12, k])
    lam = 10 ** -np.linspace(0, decades, n)
    Q = np.linalg.qr(rng.normal(size=(n, n)))[0] if turned else np.eye(n)
    far = lam**-travel * rng.choice([-1, 1], n)
    share = rng.permutation(np.geomspace(1, rare, n))
    noise, seen, minimum = [], [], []
    for seed in seeds:
        draw = np.random.default_rng([12, k, seed])
        z = draw.normal(size=(steps, n))
        if tails:
            z = z / np.sqrt(draw.chisquare(1.5, (steps, 1)) / 1.5)
        noise.append(sigma * z @ (Q * np.sqrt(lam)).T)
        seen.append(draw.random((steps, n)) < share)
        c = wander * np.cumsum(draw.normal(size=(steps, n)), axis=0)
        c[steps // 2 :] += jump * draw.normal(size=n)
        minimum.append(c)
    runs = (np.stack(part, axis=1) for part in (noise, seen, minimum))
    return Quadratic((Q * lam) @ Q.T, Q @ (far / np.sqrt(np.mean(far**2))), *runs)


def quadratic_losses(
    task: Quadratic, method: str, decays: Sequence[Any], schedules: Sequence[str], rates: Any
) -> np.ndarray:
    """Run a rule at all decays, schedules, rates and seeds at once.

    Parameters
    ----------
    task : Quadratic
    method : str
        A key of :data:`STEPS`.
    decays, schedules : sequences of length D and S
    rates : array of shape (R,) or (D, S, R)

    Returns
    -------
    array of shape (D, S, R, seeds)
        The loss, averaged over the last tenth of the steps, over that of the start; plus 1e-6, below which a task
        counts as solved, and at most 1e100, which is also what a run has that diverged.
    """
    H, start, noise, seen, minimum = task
    steps = len(noise)
    rate = np.broadcast_to(rates, (len(decays), len(schedules), np.shape(rates)[-1]))[..., None, None]
    theta = np.tile(start, (*rate.shape[:3], noise.shape[1], 1))
    decay = np.array(decays, dtype=float).reshape(-1, 1, 1, 1, 1)
    state: list[Any] = []
    late = []
    with np.errstate(all="ignore"):
        for t in range(1, steps + 1):
            apart = theta - minimum[t - 1]
            pull = apart @ H
            if t > 0.9 * steps:
                late.append(np.sum(pull * apart, axis=-1))
            d, *state = STEPS[method](t, (pull + noise[t - 1]) * seen[t - 1], decay, *state)
            factor = np.array([FACTORS[schedule](t, steps) for schedule in schedules]).reshape(-1, 1, 1, 1)
            theta = theta - factor * rate * d
        loss = np.nan_to_num(np.mean(late, axis=0) / (start @ H @ start), nan=1e100, posinf=1e100)
    return np.asarray(np.minimum(loss, 1e100) + 1e-6)


def on_quadratics(settings: dict[str, Any], method: str, numbers: Sequence[int]) -> dict[str, Any]:
    """Tune one rule on quadratics and report it with other seeds.

    Parameters
    ----------
    settings : dict
        As ``SETTINGS``.
    method : str
    numbers : sequence of int
        The tasks.

    Returns
    -------
    dict
        ``rate``, ``tuned``, ``loss`` and ``spread``, arrays of shape (tasks, decays, schedules): the best rate, as
        :func:`thirds`, its mean loss over the tuning seeds, its mean loss over the reporting seeds and the standard
        deviation there of its logarithm to base 10; ``shared``: mean logarithm to base 10 of the tuning loss at each
        rate of the first grid, of shape (tasks' halves, decays, schedules, rates).
    """
    own, decays = settings["quadratics"], settings["methods"][method]["decays"]
    schedules = own["schedules"]
    rate, tuned, loss, spread, grids = [], [], [], [], []
    for k in numbers:
        training = quadratic(k, own["tuning_seeds"], **properties(k), n=own["coordinates"])

        def run(decays: Sequence[Any], schedules: Sequence[str], rates: Any, task: Quadratic = training) -> np.ndarray:
            return quadratic_losses(task, method, decays, schedules, rates)

        first, found = tune(run, decays, schedules, own["start"], settings["rates_per_decade"])
        best = np.array([[f.rate for f in row] for row in found])
        reporting = quadratic(k, own["seeds"], **properties(k), n=own["coordinates"])
        losses = run(decays, schedules, best[..., None], reporting)[:, :, 0]
        rate.append([[thirds(settings, f.rate) for f in row] for row in found])
        tuned.append([[f.losses[f.best] for f in row] for row in found])
        loss.append(losses.mean(axis=-1))
        spread.append(np.log10(losses).std(axis=-1, ddof=1))
        grids.append(np.log10(first.mean(axis=-1)))
    halves = np.array_split(np.array(grids), 2)
    return {
        "rate": rate,
        "tuned": tuned,
        "loss": loss,
        "spread": spread,
        "shared": [half.mean(axis=0) for half in halves],
    }


# Networks, in Torch and float32.


class Examples(NamedTuple):
    """Inputs of shape (examples, features) and labels of shape (examples,): numbers, or classes."""

    x: Tensor
    y: Tensor


class Data(NamedTuple):
    """What a network learns from, each example used at most once, and what it is tuned and tested with."""

    train: Examples
    validation: Examples
    test: Examples


@lru_cache(maxsize=2)
def _data(number: int, family: str, inputs: int, spread: int, noise: float, rare: bool) -> Data:
    rng = np.random.default_rng([14, number])
    sizes = [19_200, 500, 1000]
    total = sum(sizes)
    if family == "digits":
        mnist = load_mnist()
        side = round(inputs**0.5)
        images = np.concatenate([mnist.train_images[: sizes[0] + sizes[1]], mnist.test_images[: sizes[2]]])
        x = images.reshape(total, side, 28 // side, side, 28 // side).mean(axis=(2, 4)).reshape(total, inputs) / 255
        y: np.ndarray = np.concatenate([mnist.train_labels[: sizes[0] + sizes[1]], mnist.test_labels[: sizes[2]]])
    elif family == "clusters":
        share = 1 / np.arange(1, 11) if rare else np.ones(10)
        y = rng.choice(10, size=total, p=share / share.sum())
        centres = rng.normal(size=(10, 3, inputs)) * 8 / inputs**0.5
        x = centres[y, rng.integers(3, size=total)] + rng.normal(size=(total, inputs))
    else:
        x = rng.normal(size=(total, inputs))
        A, a = 2 * rng.normal(size=(inputs, 8)) / inputs**0.5, rng.normal(size=8)
        y = np.tanh(x @ A) @ a
        y[: sizes[0]] += noise * rng.normal(size=sizes[0])
    scale = 10 ** -np.linspace(0, spread, inputs)
    xs = torch.from_numpy((x * scale).astype(np.float32)).split(sizes)
    labels = torch.from_numpy(y.astype(np.float32 if family == "regression" else np.int64)).split(sizes)
    return Data(*(Examples(*pair) for pair in zip(xs, labels, strict=True)))


def data(settings: dict[str, Any], number: int) -> Data:
    """The examples of a network.

    Parameters
    ----------
    settings : dict
        As ``SETTINGS``.
    number : int
        Which network.

    Returns
    -------
    Data
    """
    task = settings["networks"]["tasks"][number]
    return _data(number, task["family"], task["layers"][0], task["spread"], task["noise"], task["rare"])


class Networks:
    """Copies of one perceptron with ReLU, all their weights and biases in one tensor, and their gradients in another.

    Parameters
    ----------
    layers : sequence of int
        Units of each layer.
    seeds : sequence of int, length copies
        Copies with equal seeds begin with equal weights, uniform in ±1/√inputs, and with biases 0.

    Attributes
    ----------
    theta, gradient : tensors of shape (copies, P)
    """

    def __init__(self, layers: Sequence[int], seeds: Sequence[int]) -> None:
        starts = {}
        for seed in dict.fromkeys(seeds):
            rng = np.random.default_rng([15, seed])
            parts = []
            for inputs, outputs in pairwise(layers):
                parts += [rng.uniform(-(inputs**-0.5), inputs**-0.5, inputs * outputs), np.zeros(outputs)]
            starts[seed] = np.concatenate(parts)
        self.theta = torch.from_numpy(np.stack([starts[seed] for seed in seeds]).astype(np.float32))
        self.gradient = torch.zeros_like(self.theta)
        self.layers = [*pairwise(layers)]

    def parts(self, line: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Weights (copies, inputs, outputs) and biases (copies, 1, outputs) of each layer, views of a line."""
        views = []
        at = 0
        for inputs, outputs in self.layers:
            end = at + inputs * outputs
            views.append((line[:, at:end].unflatten(1, (inputs, outputs)), line[:, None, end : end + outputs]))
            at = end + outputs
        return views

    def activities(self, x: Tensor) -> list[Tensor]:
        """The input, of shape (copies, B, features), and what each layer makes of it."""
        found = [x]
        for layer, (W, b) in enumerate(self.parts(self.theta)):
            found.append(torch.baddbmm(b, found[-1].relu() if layer else x, W))
        return found

    def backward(self, activities: list[Tensor], delta: Tensor) -> None:
        """Fill ``gradient``, from what :meth:`activities` gave and the loss's gradient by the outputs."""
        weights = self.parts(self.theta)
        for layer, (W, b) in reversed([*enumerate(self.parts(self.gradient))]):
            h = activities[layer].relu() if layer else activities[0]
            torch.bmm(h.mT, delta, out=W)
            torch.sum(delta, dim=1, keepdim=True, out=b)
            if layer:
                delta = torch.bmm(delta, weights[layer][0].mT) * (activities[layer] > 0)


def loss_and_delta(outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Mean loss of each copy, and its gradient by the outputs.

    Parameters
    ----------
    outputs : tensor of shape (copies, B, 1) or (copies, B, 10)
    y : tensor of shape (copies, B)
        Numbers: half the square error; or classes: the cross-entropy.

    Returns
    -------
    loss, delta
        Of shape (copies,) and of that of the outputs.
    """
    size = outputs.shape[1]
    if y.dtype == torch.int64:
        logs = outputs.log_softmax(dim=-1)
        loss = -logs.gather(2, y[..., None]).mean(dim=(1, 2))
        return loss, (logs.exp() - functional.one_hot(y, outputs.shape[-1])) / size
    e = outputs - y[..., None]
    return e.square().mean(dim=(1, 2)) / 2, e / size


class Trained(NamedTuple):
    """What a run of copies gave, arrays of shape (copies,).

    Attributes
    ----------
    loss
        On the examples asked for; infinite where a run diverged.
    early
        Mean training loss over the first steps.
    highest
        The highest training loss over that of the first step.
    """

    loss: np.ndarray
    early: np.ndarray
    highest: np.ndarray


def train(
    settings: dict[str, Any],
    number: int,
    method: str,
    runs: Sequence[tuple[Any, str, float, int]],
    examples: str,
    *,
    steps: int | None = None,
) -> Trained:
    """Train copies of one network, each with its decay, schedule, rate and seed.

    Parameters
    ----------
    settings : dict
        As ``SETTINGS``.
    number : int
        Which network.
    method : str
        A key of :data:`STEPS`.
    runs : sequence of tuples
        Decay, schedule, rate and seed of each copy.
    examples : {"validation", "test"}
        What the loss at the end is taken on.
    steps : int, optional
        Stop after so many; the schedule is that of the whole run.

    Returns
    -------
    Trained
    """
    # So many at a time that the arrays of a step stay in the processor's cache.
    most = max(1, settings["networks"]["at_once"] // count(settings["networks"]["tasks"][number]["layers"]))
    blocks = [runs[start : start + most] for start in range(0, len(runs), most)]
    found = [_train(settings, number, method, block, examples, steps) for block in blocks]
    return Trained(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _train(
    settings: dict[str, Any],
    number: int,
    method: str,
    runs: Sequence[tuple[Any, str, float, int]],
    examples: str,
    steps: int | None,
) -> Trained:
    decays, schedules, rates, seeds = zip(*runs, strict=True)
    task, sets = settings["networks"]["tasks"][number], data(settings, number)
    model = Networks(task["layers"], seeds)
    distinct = list(dict.fromkeys(seeds))
    whole, early = task["steps"], settings["networks"]["early"]
    size = whole * task["batch"]
    # The stream [16, seed] is another than the weights' [15, seed].
    orders = np.stack([np.random.default_rng([16, seed]).permutation(len(sets.train.x))[:size] for seed in distinct])
    batches = torch.from_numpy(orders.reshape(len(distinct), whole, task["batch"]))
    row = torch.tensor([distinct.index(seed) for seed in seeds])
    change = Steps(STEPS[method], decays, schedules, rates, whole)
    losses = []
    for t in range(1, (steps or whole) + 1):
        batch = batches[:, t - 1]
        activities = model.activities(sets.train.x[batch][row])
        loss, delta = loss_and_delta(activities[-1], sets.train.y[batch][row])
        model.backward(activities, delta)
        losses.append(loss)
        model.theta -= change(t, model.gradient)
    x, y = getattr(sets, examples)
    copies = len(seeds)
    final, _ = loss_and_delta(model.activities(x.expand(copies, *x.shape))[-1], y.expand(copies, -1))
    each = torch.stack(losses)
    return Trained(
        np.nan_to_num(final.double().numpy(), nan=np.inf),
        each[:early].mean(dim=0).double().numpy(),
        (each.amax(dim=0) / each[0]).double().numpy(),
    )


def on_network(settings: dict[str, Any], method: str, number: int) -> dict[str, Any]:
    """Tune one rule on one network and report it with other seeds.

    Parameters
    ----------
    settings : dict
        As ``SETTINGS``.
    method : str
    number : int
        Which network.

    Returns
    -------
    dict
        ``tuning``: for each decay and schedule the ``first`` rate tried, as :func:`thirds`, and the mean ``losses`` on
        the validation examples at this and the following ones; ``rate`` and ``tuned``: the best, of shape (decays,
        schedules); ``test_loss``, ``early``, ``highest``: see :func:`report`.
    """
    own, decays = settings["networks"], settings["methods"][method]["decays"]
    schedules, tuning_seeds = own["schedules"], own["tuning_seeds"]

    def run(decays: Sequence[Any], schedules: Sequence[str], rates: list[float]) -> np.ndarray:
        runs = [*product(decays, schedules, rates, tuning_seeds)]
        found = train(settings, number, method, runs, "validation")
        return found.loss.reshape(len(decays), len(schedules), len(rates), -1)

    start = settings["methods"][method]["start"]
    _, found = tune(run, decays, schedules, start, settings["rates_per_decade"])
    rate = np.array([[f.rate for f in row] for row in found])
    reported = report(settings, number, method, rate)
    return {
        "tuning": [[{"first": thirds(settings, f.rates[0]), "losses": f.losses} for f in row] for row in found],
        "rate": rate,
        "tuned": [[f.losses[f.best] for f in row] for row in found],
        "test_loss": reported.loss,
        "early": reported.early,
        "highest": reported.highest,
    }


def report(
    settings: dict[str, Any], number: int, method: str, rate: np.ndarray, *, steps: int | None = None
) -> Trained:
    """Run a rule at its best rates with the reporting seeds.

    Parameters
    ----------
    settings : dict
        As ``SETTINGS``.
    number : int
        Which network.
    method : str
    rate : array of shape (decays, schedules)
    steps : int, optional
        Stop after so many.

    Returns
    -------
    Trained
        Its arrays are of shape (reporting seeds, decays, schedules). Where a run diverged its loss is that of the same
        output for every input: the mean, or equal probabilities.
    """
    own, decays = settings["networks"], settings["methods"][method]["decays"]
    runs = [
        (decays[i], own["schedules"][j], float(rate[i, j]), seed)
        for seed in own["seeds"]
        for i, j in np.ndindex(*rate.shape)
    ]
    found = train(settings, number, method, runs, "test", steps=steps)
    y = data(settings, number).test.y
    trivial = float(np.log(10)) if y.dtype == torch.int64 else float(y.var()) / 2
    loss = np.where(np.isfinite(found.loss), found.loss, trivial)
    return Trained(*(part.reshape(len(own["seeds"]), *rate.shape) for part in (loss, found.early, found.highest)))
