"""A small network of separable convolutions on MNIST, trained as Inception, MobileNet and EfficientNet were.

Recorded for chapter 19: the settings of EfficientNet in the conventions of TensorFlow and of PyTorch, with one switch
turned at a time; RMSprop with ε from 1 down beside gradient descent with momentum; averages of the weights; and
adaptive methods and gradient descent with momentum after equally many trials. Tuning and reporting have seeds of
their own; a seed decides the initial weights and the order of the images.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np

from rmsprop_lib.extras import naming_extras

with naming_extras():
    import torch
    from torch import Tensor, nn
    from torch.nn import functional

from rmsprop_lib import torch_optim
from rmsprop_lib.data import load_mnist
from rmsprop_lib.experiments.digits import blocks
from rmsprop_lib.experiments.search import Found, best_rate
from rmsprop_lib.experiments.steps import FACTORS
from rmsprop_lib.training import Split, evaluate, mnist_split, run_copies

# EfficientNet's, in the convention of TensorFlow 1; and the same numbers in PyTorch's.
TENSORFLOW = {
    "alpha": 0.9,
    "momentum": 0.9,
    "eps": 1e-3,
    "eps_inside": True,
    "initial_square": 1.0,
    "rate_inside": True,
}
PYTORCH = {"alpha": 0.9, "momentum": 0.9, "eps": 1e-3}

SETTINGS: dict[str, Any] = {
    "side": 14,
    "channels": [16, 32, 48, 64],
    # Of torch.nn.functional.
    "activation": "relu",
    "train": 2000,
    "validation": 3000,
    "batch_size": 40,
    "epochs": 6,
    "tuning_seeds": [1, 2],
    "seeds": list(range(11, 41)),
    "rates_per_decade": 3,
    "block": 10,
    # What all of the first pieces are run with: the rate that is best for TensorFlow's convention.
    "rate": 10 ** (-5 / 3),
    "switches": {
        "TensorFlow": TENSORFLOW,
        "PyTorch": PYTORCH,
        "PyTorch, v from 1": {**PYTORCH, "initial_square": 1.0},
        "PyTorch, ε inside": {**PYTORCH, "eps_inside": True},
        "PyTorch, root of ε": {**PYTORCH, "eps": 1e-3**0.5},
        "PyTorch, root of ε, v from 1": {**PYTORCH, "eps": 1e-3**0.5, "initial_square": 1.0},
        "TensorFlow, v from 0": {**TENSORFLOW, "initial_square": 0.0},
        "TensorFlow, rate outside": {**TENSORFLOW, "rate_inside": False},
    },
    # The arms whose losses on their way are kept.
    "curves": ["TensorFlow", "PyTorch"],
    # The rate is tuned for each: the first grid, in thirds of a decade.
    "tuned": {
        "PyTorch": {"start": [-10, -6], **PYTORCH},
        "γ = 0": {"start": [-4, 0], **TENSORFLOW, "momentum": 0.0},
        "ρ = 0.99": {"start": [-7, -3], **TENSORFLOW, "alpha": 0.99},
    },
    "epsilon": {
        "rate": 10 ** (-4 / 3),
        "seeds": [11, 12, 13, 14, 15],
        "eps": [1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-6],
        "every": 30,
    },
    "averaging": {
        "decays": [0.9, 0.95, 0.98],
        "schedules": ["constant", "published"],
        "start": [-7, -3],
    },
    "generalisation": {
        "momentum": [
            {"start": [-2, 2], "momentum": 0.0},
            {"start": [-3, 1], "momentum": 0.5},
            {"start": [-4, 0], "momentum": 0.8},
            {"start": [-5, -1], "momentum": 0.9},
            {"start": [-6, -2], "momentum": 0.95},
            {"start": [-7, -3], "momentum": 0.98},
        ],
        "momentum, γ = 0.9": [{"start": [-5, -1], "momentum": 0.9}],
        "RMSprop with momentum": [
            {"start": start, "alpha": rho, "momentum": 0.9, "eps": eps}
            for eps, start in ((1e-8, [-10, -6]), (1e-2, [-9, -5]), (1.0, [-5, -1]))
            for rho in (0.9, 0.99)
        ],
        # Its average of gradients divides by 1/(1 − β₁) what a buffer adds up: ten times the rate.
        "Adam": [
            {"start": start, "betas": [0.9, beta2], "eps": eps}
            for eps, start in ((1e-8, [-7, -3]), (1e-2, [-6, -2]), (1.0, [-2, 2]))
            for beta2 in (0.99, 0.999)
        ],
    },
    # Gradient descent with momentum at the settings that the search for RMSprop ends with, apart from ε and ρ; and Adam
    # at a large ε with the rate that belongs to these.
    "disguise": {"momentum": 0.9, "rate": 0.1, "Adam": {"betas": [0.9, 0.999], "eps": 1.0}},
}
COMPARED = ("accuracy",)
# Strides of the first convolution and of the separable ones: 14 pixels become 7, 4, 4 and 2.
STRIDES = (2, 2, 1, 2)
# Of the validation images at this size, so that inputs have mean 0 and variance 1.
MEAN, DEVIATION = 0.1288, 0.2763


class SeparableCopies(nn.Module):
    """Independent copies of a network of separable convolutions, as one module.

    A convolution with kernels of 3 by 3, then blocks of a convolution of each channel by itself (3 by 3) and a linear
    map across channels at each pixel, an activation after both the first convolution and each map; the mean over
    pixels, and a linear layer. No normalisation. Every parameter has a leading axis of copies and three axes in all.

    Parameters
    ----------
    settings : dict
        As ``SETTINGS``; ``side``, ``channels`` and ``activation`` are used.
    seeds : sequence of int, length copies
        Copies with equal seeds begin with equal weights, uniform with variance 2/inputs of a unit.
    """

    def __init__(self, settings: dict[str, Any], seeds: Sequence[int]) -> None:
        super().__init__()
        self.side, channels = settings["side"], settings["channels"]
        self.activation = getattr(functional, settings["activation"])
        shapes = [(channels[0], 9)]
        for inputs, outputs in pairwise(channels):
            shapes += [(inputs, 9), (outputs, inputs)]
        shapes.append((10, channels[-1]))
        generators = [np.random.default_rng(seed) for seed in seeds]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for outputs, inputs in shapes:
            limit = (6 / inputs) ** 0.5
            weights = np.stack([rng.uniform(-limit, limit, (outputs, inputs)) for rng in generators])
            self.weights.append(nn.Parameter(torch.from_numpy(weights.astype(np.float32))))
            self.biases.append(nn.Parameter(torch.zeros(len(seeds), outputs, 1)))

    def forward(self, x: Tensor) -> Tensor:
        """The logits of all copies.

        Parameters
        ----------
        x : tensor of shape (B, pixels) or (copies, B, pixels)
            Images that all copies share, or each copy's own.

        Returns
        -------
        tensor of shape (copies, B, 10)
        """
        copies = len(self.weights[0])
        images = x.expand(copies, *x.shape[-2:]).transpose(0, 1).reshape(-1, copies, self.side, self.side)
        layers = list(zip(self.weights, self.biases, strict=True))
        kernels, bias = layers[0]
        # The copies are groups of channels, each of which sees its own inputs only.
        images = self.activation(_convolved(images, kernels, bias, STRIDES[0], copies))
        for (each, shift), (across, bias), stride in zip(layers[1:-1:2], layers[2:-1:2], STRIDES[1:], strict=True):
            images = _convolved(images, each, shift, stride, copies * each.shape[1])
            across_kernels = across.reshape(-1, across.shape[2], 1, 1)
            images = self.activation(functional.conv2d(images, across_kernels, bias.flatten(), groups=copies))
        features = images.mean((2, 3)).reshape(len(images), copies, -1).transpose(0, 1)
        logits: Tensor = torch.matmul(features, self.weights[-1].mT) + self.biases[-1].mT
        return logits


def _convolved(images: Tensor, kernels: Tensor, bias: Tensor, stride: int, groups: int) -> Tensor:
    """Convolutions of 3 by 3, each of one channel."""
    return functional.conv2d(
        images, kernels.reshape(-1, 1, 3, 3), bias.flatten(), stride=stride, padding=1, groups=groups
    )


@cache
def _split(side: int, train: int, validation: int) -> Split:
    whole = mnist_split(load_mnist(), train=train, validation=validation)

    def smaller(x: Tensor) -> Tensor:
        # Squares of pixels are averaged.
        images = functional.avg_pool2d(x.reshape(-1, 1, 28, 28), 28 // side)
        return (images.reshape(len(x), -1) - MEAN) / DEVIATION

    return Split(*((smaller(x).cpu(), y.cpu()) for x, y in (whole.train, whole.validation, whole.test)))


def split(settings: dict[str, Any]) -> Split:
    """MNIST, its images made smaller by averaging: few to train on, some to tune with, 10,000 to test.

    Parameters
    ----------
    settings : dict
        As ``SETTINGS``.

    Returns
    -------
    Split
        On the CPU.
    """
    return _split(settings["side"], settings["train"], settings["validation"])


def factor(schedule: str, done: int, steps: int) -> float:
    """What the rate is multiplied by after so many steps of all.

    Parameters
    ----------
    schedule : str
        ``"constant"``, ``"falling"`` (a line to zero), ``"filling"`` (the same times 1 − 0.9ᵗ, as a buffer of decay
        0.9 fills) or ``"published"``: EfficientNet's, whose 350 epochs are all steps here. The rate rises for 5 epochs,
        and falls by the factor 0.97 every 2.4.
    done, steps : int

    Returns
    -------
    float
    """
    if schedule == "filling":
        return FACTORS["falling"](done + 1, steps) * (1 - 0.9 ** (done + 1))
    if schedule != "published":
        return FACTORS[schedule](done + 1, steps)
    rise = 5 / 350 * steps
    return (done + 1) / rise if done + 1 < rise else 0.97 ** (done // (2.4 / 350 * steps))


def optimizer(method: str, setting: dict[str, Any], params: Iterable[Tensor], lr: Tensor) -> torch.optim.Optimizer:
    """One of the methods with its settings.

    Parameters
    ----------
    method : str
        "Adam"; what begins with "momentum" is gradient descent with momentum; anything else is RMSprop.
    setting : dict
        The optimizer's arguments apart from the rate.
    params : iterable of tensors
    lr : tensor
        A rate for each copy.

    Returns
    -------
    torch.optim.Optimizer
    """
    cls: Callable[..., torch.optim.Optimizer] = torch_optim.RMSprop
    if method == "Adam":
        cls = torch_optim.Adam
    elif method.startswith("momentum"):
        cls = torch_optim.SGD
    return cls(params, lr=lr, **setting)


def train(
    settings: dict[str, Any],
    method: str,
    setting: dict[str, Any],
    schedule: str,
    rates: Sequence[float],
    seeds: Sequence[int],
    *,
    decays: Sequence[float] = (),
    after_step: Callable[[nn.Module], None] | None = None,
    steps: int | None = None,
) -> tuple[SeparableCopies, Tensor, list[SeparableCopies]]:
    """Train copies of the network, each with its rate and seed, and average their weights on the way.

    Parameters
    ----------
    settings : dict
        As ``SETTINGS``.
    method : str
        See :func:`optimizer`.
    setting : dict
        The optimizer's arguments apart from the rate.
    schedule : str
        See :func:`factor`.
    rates, seeds : sequences of equal length
    decays : sequence of float
        Averages of the weights that are kept.
    after_step : callable, optional
        Is given the network after each step.
    steps : int, optional
        Stop after so many; the schedule is that of the whole run.

    Returns
    -------
    network, losses, averaged
        The trained copies; the loss of each at every step, of shape (steps, copies); a network for each decay. An
        average weighs the present by 1 − min(decay, (1 + t)/(10 + t)) at step t, as TensorFlow's does.
    """
    model = SeparableCopies(settings, seeds)
    averaged = [SeparableCopies(settings, seeds) for _ in decays]
    t = 0

    def factory(params: Iterable[Tensor], lr: Tensor) -> torch.optim.Optimizer:
        made = optimizer(method, setting, params, lr)
        made.register_step_post_hook(after)
        return made

    @torch.no_grad()
    def after(*_: Any) -> None:
        nonlocal t
        t += 1
        for average, decay in zip(averaged, decays, strict=True):
            for mean, now in zip(average.parameters(), model.parameters(), strict=True):
                mean.lerp_(now, 1 - min(decay, (1 + t) / (10 + t)))
        if after_step is not None:
            after_step(model)

    losses = run_copies(
        model,
        factory,
        rates,
        seeds,
        split(settings),
        batch_size=settings["batch_size"],
        epochs=settings["epochs"],
        factor=partial(factor, schedule),
        steps=steps,
    )
    return model, losses, averaged


def keys(settings: dict[str, Any]) -> list[str]:
    """The pieces, ``question/arm``.

    Parameters
    ----------
    settings : dict
        As ``SETTINGS``.

    Returns
    -------
    list of str
    """
    return [
        *(f"generalisation/{method}" for method in settings["generalisation"]),
        *(f"averaging/{schedule}" for schedule in settings["averaging"]["schedules"]),
        "disguise",
        *(f"disguise/{schedule}" for schedule in ("falling", "filling")),
        "epsilon",
        *(f"same numbers/{arm}" for arm in settings["switches"]),
        *(f"tuned/{arm}" for arm in settings["tuned"]),
    ]


def piece(settings: dict[str, Any], key: str) -> dict[str, Any]:
    """One question to one arm.

    Parameters
    ----------
    settings : dict
        As ``SETTINGS``.
    key : str
        One of :func:`keys`.

    Returns
    -------
    dict
        ``accuracy`` in per cent and ``test_loss`` of each seed at the end, and what was tuned; of the arms in
        ``curves`` the ``losses`` of training, too, as means over blocks of steps, of shape (seeds, blocks).
    """
    question, _, arm = key.partition("/")
    if question == "same numbers":
        switches, curve = settings["switches"][arm], arm in settings["curves"]
        return _reported(settings, "RMSprop", switches, "published", settings["rate"], curve=curve)
    if question == "tuned":
        setting = {name: value for name, value in settings["tuned"][arm].items() if name != "start"}
        found = _search(settings, "RMSprop", setting, "published", settings["tuned"][arm]["start"])
        reported = _reported(settings, "RMSprop", setting, "published", found.rate)
        return {**_tuning([found]), "rate": found.rate, **reported}
    if question == "disguise":
        momentum, rate = settings["disguise"]["momentum"], settings["disguise"]["rate"]
        if arm:
            return _reported(settings, "Adam", settings["disguise"]["Adam"], arm, rate / (1 - momentum))
        return _reported(settings, "momentum", {"momentum": momentum}, "falling", rate)
    if question == "epsilon":
        return _beside_momentum(settings)
    if question == "averaging":
        return _averages(settings, arm)
    return _compared(settings, arm)


def evaluated(model: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy and accuracy in per cent of each copy, from parts that fit a processor's cache.

    Parameters
    ----------
    model : SeparableCopies
    x, y : tensors
        Images and their classes; their number is a multiple of 250.

    Returns
    -------
    loss, accuracy : tensors of shape (copies,)
    """
    parts = [evaluate(model, *part) for part in zip(x.split(250), y.split(250), strict=True)]
    loss, accuracy = (torch.stack(values).mean(dim=0) for values in zip(*parts, strict=True))
    return loss, accuracy


def _tuning(found: list[Found]) -> dict[str, Any]:
    return {"tuning": [{"rates": one.rates, "losses": one.losses} for one in found]}


def _search(
    settings: dict[str, Any], method: str, setting: dict[str, Any], schedule: str, start: Sequence[int]
) -> Found:
    """The rate with the lowest loss on the validation images, by the tuning seeds."""
    seeds = settings["tuning_seeds"]

    def losses(rates: list[float]) -> np.ndarray:
        each = [rate for rate in rates for _ in seeds]
        model, _, _ = train(settings, method, setting, schedule, each, seeds * len(rates))
        return evaluated(model, *split(settings).validation)[0].reshape(len(rates), -1).numpy()

    return best_rate(losses, start, settings["rates_per_decade"])


def _reported(
    settings: dict[str, Any], method: str, setting: dict[str, Any], schedule: str, rate: float, curve: bool = False
) -> dict[str, Any]:
    """The seeds that are reported, with the losses on their way if the ``curve`` is wanted."""
    seeds = settings["seeds"]
    model, losses, _ = train(settings, method, setting, schedule, [rate] * len(seeds), seeds)
    test_loss, accuracy = evaluated(model, *split(settings).test)
    fitted = evaluated(model, *split(settings).train)[0]
    found = {"accuracy": accuracy, "test_loss": test_loss, "train_loss": fitted}
    return found | ({"losses": blocks(losses, settings["block"])} if curve else {})


def flat(model: nn.Module) -> Tensor:
    """All weights of each copy.

    Parameters
    ----------
    model : SeparableCopies

    Returns
    -------
    tensor of shape (copies, weights)
    """
    return torch.cat([p.detach().flatten(1) for p in model.parameters()], dim=1)


def _beside_momentum(settings: dict[str, Any]) -> dict[str, Any]:
    """RMSprop at η√ε, from v = 0, beside gradient descent with momentum at η, both with the rate inside."""
    these = settings["epsilon"]
    seeds = these["seeds"]

    def run(method: str, setting: dict[str, Any], rate: float) -> tuple[Tensor, Tensor]:
        path: list[Tensor] = []
        count = 0

        def keep(model: nn.Module) -> None:
            nonlocal count
            count += 1
            if count % these["every"] == 0:
                path.append(flat(model))

        inside = {**setting, "momentum": 0.9, "rate_inside": True}
        model, _, _ = train(settings, method, inside, "published", [rate] * len(seeds), seeds, after_step=keep)
        return torch.stack(path, dim=1), evaluated(model, *split(settings).test)[1]

    start = flat(SeparableCopies(settings, seeds))[:, None]
    reference, accuracy = run("momentum", {}, these["rate"])
    moved = (reference - start).norm(dim=2)
    results: dict[str, list[Any]] = {"accuracy": [accuracy], "distance": []}
    for eps in these["eps"]:
        setting = {"alpha": 0.9, "eps": eps, "eps_inside": True}
        paths, accuracy = run("RMSprop", setting, these["rate"] * eps**0.5)
        results["distance"].append((paths - reference).norm(dim=2) / moved)
        results["accuracy"].append(accuracy)
    return {name: np.stack([np.asarray(one) for one in values], axis=1) for name, values in results.items()}


def _averages(settings: dict[str, Any], schedule: str) -> dict[str, Any]:
    """The last weights and averages of them, the rate tuned for each and the decay as well."""
    these, seeds, data = settings["averaging"], settings["tuning_seeds"], split(settings)
    tried: dict[float, np.ndarray] = {}

    def losses(which: int, rates: list[float]) -> np.ndarray:
        new = [rate for rate in rates if rate not in tried]
        if new:
            each = [rate for rate in new for _ in seeds]
            model, _, averaged = train(
                settings, "RMSprop", TENSORFLOW, schedule, each, seeds * len(new), decays=these["decays"]
            )
            all_of = [evaluated(one, *data.validation)[0].reshape(len(new), -1).numpy() for one in (model, *averaged)]
            tried.update(zip(new, np.stack(all_of, axis=1), strict=True))
        return np.stack([tried[rate][which] for rate in rates])

    found = [
        best_rate(partial(losses, which), these["start"], settings["rates_per_decade"])
        for which in range(1 + len(these["decays"]))
    ]
    # The last weights, and the average whose decay is best.
    best = 1 + int(np.argmin([one.losses[one.best] for one in found[1:]]))
    rates = [found[which].rate for which in (0, best)]
    accuracy, test_loss = [], []
    for rate in dict.fromkeys(rates):
        model, _, averaged = train(
            settings,
            "RMSprop",
            TENSORFLOW,
            schedule,
            [rate] * len(settings["seeds"]),
            settings["seeds"],
            decays=[these["decays"][best - 1]],
        )
        for one in (model, *averaged):
            loss, hits = evaluated(one, *data.test)
            accuracy.append(hits)
            test_loss.append(loss)
    # Where both have the same best rate, they are of the same runs.
    if len(accuracy) == 2:
        accuracy, test_loss = accuracy * 2, test_loss * 2
    return {
        **_tuning(found),
        "rates": rates,
        "decay": these["decays"][best - 1],
        # At the first rate the last weights and the average, then both at the second.
        "accuracy": torch.stack(accuracy, dim=1),
        "test_loss": torch.stack(test_loss, dim=1),
    }


def _compared(settings: dict[str, Any], method: str) -> dict[str, Any]:
    """Six settings with their rates tuned, under a rate that falls to zero; the best of all, and of the smallest ε."""
    starts, candidates = [], []
    for candidate in settings["generalisation"][method]:
        starts.append(candidate["start"])
        candidates.append({name: value for name, value in candidate.items() if name != "start"})
    found = [
        _search(settings, method, setting, "falling", start) for setting, start in zip(candidates, starts, strict=True)
    ]
    results = _tuning(found)
    lowest = np.array([one.losses[one.best] for one in found])
    default = [setting.get("eps", 0) <= 1e-8 for setting in candidates]
    chosen = int(np.argmin(lowest))
    results |= {"setting": candidates[chosen], "rate": found[chosen].rate}
    results |= _reported(settings, method, candidates[chosen], "falling", results["rate"])
    small = int(np.argmin(np.where(default, lowest, np.inf)))
    at = found[small].rate
    results["small_eps"] = {"setting": candidates[small], "rate": at}
    again = ("accuracy", "test_loss", "train_loss")
    results["small_eps"] |= (
        {name: results[name] for name in again}
        if small == chosen
        else _reported(settings, method, candidates[small], "falling", at)
    )
    return results
