"""Nine optimizers on three networks that learn MNIST: decays and rates tuned, with constant and with falling rates.

Recorded for chapter 7. Tuning and reporting have seeds of their own; a seed decides the initial weights and the order
of the images, so that methods can be compared seed by seed.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from rmsprop_lib.extras import naming_extras

with naming_extras():
    import torch
    from torch import Tensor, nn

from rmsprop_lib import torch_optim
from rmsprop_lib.data import load_mnist
from rmsprop_lib.experiments.search import best_rate
from rmsprop_lib.experiments.steps import FACTORS
from rmsprop_lib.training import ConvCopies, Copies, Split, evaluate, mnist_split, run_copies

SETTINGS: dict[str, Any] = {
    "train": 48_000,
    "batch_size": 128,
    "tuning_seeds": [1, 2],
    "seeds": [11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
    "rates_per_decade": 3,
    # Mean losses over so many steps are kept.
    "block": 25,
    "schedules": ["constant", "falling"],
    "networks": {
        "linear": {"layers": [784, 10], "epochs": 3},
        "hidden": {"layers": [784, 64, 10], "epochs": 3},
        "convolutional": {"channels": [8, 16], "epochs": 2},
    },
    # The first grid of rates, from and to in thirds of a decade, and the settings that are tuned with the rate.
    "methods": {
        "SGD": {"start": [-3, 2], "settings": [{}]},
        "momentum": {"start": [-5, 0], "settings": [{"momentum": 0.9}]},
        "AdaGrad": {"start": [-5, -1], "settings": [{}]},
        "RMSprop": {"start": [-10, -6], "settings": [{"alpha": rho} for rho in (0.9, 0.99, 0.999)]},
        "RMSprop, corrected": {"start": [-9, -5], "settings": [{"betas": [0.0, rho]} for rho in (0.9, 0.99, 0.999)]},
        "RMSprop with momentum": {
            "start": [-12, -8],
            "settings": [{"alpha": rho, "momentum": 0.9} for rho in (0.9, 0.99, 0.999)],
        },
        "centered": {"start": [-10, -6], "settings": [{"alpha": rho, "centered": True} for rho in (0.9, 0.99, 0.999)]},
        "Adam": {"start": [-9, -5], "settings": [{"betas": [0.9, rho]} for rho in (0.9, 0.99, 0.999)]},
        "AdamW": {
            "start": [-9, -5],
            "settings": [
                {"betas": [0.9, rho], "weight_decay": decay, "decoupled_weight_decay": True}
                for decay in (0.01, 0.1)
                for rho in (0.9, 0.99, 0.999)
            ],
        },
    },
}
COMPARED = ("test_loss", "accuracy")
CLASSES: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "SGD": torch_optim.SGD,
    "momentum": torch_optim.SGD,
    "AdaGrad": torch_optim.AdaGrad,
    "RMSprop": torch_optim.RMSprop,
    # Adam without its first moment is RMSprop with bias correction.
    "RMSprop, corrected": torch_optim.Adam,
    "RMSprop with momentum": torch_optim.RMSprop,
    "centered": torch_optim.RMSprop,
    "Adam": torch_optim.Adam,
    "AdamW": torch_optim.Adam,
}


def keys(settings: dict[str, Any]) -> list[str]:
    """The pieces, ``network/method/schedule``, the longest first.

    Parameters
    ----------
    settings : dict
        As ``SETTINGS``.

    Returns
    -------
    list of str
    """
    return [
        f"{network}/{method}/{schedule}"
        for network in reversed(settings["networks"])
        for method in reversed(settings["methods"])
        for schedule in settings["schedules"]
    ]


def optimizer(method: str, setting: dict[str, Any], params: Iterable[Tensor], lr: Tensor) -> torch.optim.Optimizer:
    """One of the nine with its settings.

    Parameters
    ----------
    method : str
        A key of ``SETTINGS["methods"]``.
    setting : dict
        The optimizer's arguments apart from the rate.
    params : iterable of tensors
    lr : tensor
        A rate for each copy.

    Returns
    -------
    torch.optim.Optimizer
    """
    decays = {k: tuple(map(float, v)) if isinstance(v, list | np.ndarray) else v for k, v in setting.items()}
    return CLASSES[method](params, lr=lr, **decays)


@cache
def split(train: int) -> Split:
    """MNIST, loaded once: ``train`` images to train on, 10,000 to tune with, 10,000 to test."""
    return mnist_split(load_mnist(), train=train)


def network(settings: dict[str, Any], name: str, seeds: Sequence[int]) -> nn.Module:
    """Copies of a network, one for each seed; equal seeds begin with equal weights.

    Parameters
    ----------
    settings : dict
        As ``SETTINGS``.
    name : str
        A key of ``settings["networks"]``.
    seeds : sequence of int

    Returns
    -------
    Copies or ConvCopies
    """
    shape = settings["networks"][name]
    where = split(settings["train"]).train[0].device
    if "layers" in shape:
        return Copies(shape["layers"], seeds, where)
    return ConvCopies(shape["channels"], seeds, where)


def train(
    settings: dict[str, Any],
    name: str,
    method: str,
    setting: dict[str, Any],
    schedule: str,
    rates: Sequence[float],
    seeds: Sequence[int],
    *,
    after_epoch: Callable[[nn.Module], None] | None = None,
    steps: int | None = None,
) -> tuple[nn.Module, Tensor]:
    """Train copies of one network with one method, each with its rate and seed.

    Parameters
    ----------
    settings : dict
        As ``SETTINGS``.
    name, method, schedule : str
        Network, method and schedule, as ``settings`` names them.
    setting : dict
        One of the method's settings.
    rates, seeds : sequences of equal length
    after_epoch : callable, optional
        Is given the network after each epoch.
    steps : int, optional
        Stop after so many; the schedule is that of the whole run.

    Returns
    -------
    network, losses
        The trained copies, and the loss of each at every step, of shape (steps, copies).
    """
    model = network(settings, name, seeds)
    return model, run_copies(
        model,
        partial(optimizer, method, setting),
        rates,
        seeds,
        split(settings["train"]),
        batch_size=settings["batch_size"],
        epochs=settings["networks"][name]["epochs"],
        factor=lambda done, steps: FACTORS[schedule](done + 1, steps),
        after_epoch=after_epoch,
        steps=steps,
    )


def piece(settings: dict[str, Any], key: str) -> dict[str, Any]:
    """Tune one method on one network with one schedule, then report it with other seeds.

    Parameters
    ----------
    settings : dict
        As ``SETTINGS``.
    key : str
        One of :func:`keys`.

    Returns
    -------
    dict
        ``tuning``: for each of the method's settings the rates and the mean validation losses; ``setting``, ``rate``:
        the best; ``losses``: training loss, means over blocks of steps, of shape (seeds, blocks); ``test_loss``,
        ``accuracy`` (in per cent): on the test images after each epoch, of shape (seeds, epochs).
    """
    name, method, schedule = key.split("/")
    data = split(settings["train"])
    tuning_seeds, seeds = settings["tuning_seeds"], settings["seeds"]
    tuning = []
    for setting in settings["methods"][method]["settings"]:

        def validation_losses(rates: list[float], setting: dict[str, Any] = setting) -> np.ndarray:
            each = [rate for rate in rates for _ in tuning_seeds]
            model, _ = train(settings, name, method, setting, schedule, each, tuning_seeds * len(rates))
            return evaluate(model, *data.validation)[0].reshape(len(rates), -1).cpu().numpy()

        tuning.append(best_rate(validation_losses, settings["methods"][method]["start"], settings["rates_per_decade"]))
    chosen = int(np.argmin([found.losses[found.best] for found in tuning]))
    setting = settings["methods"][method]["settings"][chosen]
    rate = tuning[chosen].rate

    tested: list[tuple[Tensor, Tensor]] = []
    _, losses = train(
        settings,
        name,
        method,
        setting,
        schedule,
        [rate] * len(seeds),
        seeds,
        after_epoch=lambda model: tested.append(evaluate(model, *data.test)),
    )
    return {
        "tuning": [{"rates": found.rates, "losses": found.losses} for found in tuning],
        "setting": setting,
        "rate": rate,
        "losses": blocks(losses, settings["block"]),
        "test_loss": torch.stack([loss for loss, _ in tested], dim=1),
        "accuracy": torch.stack([accuracy for _, accuracy in tested], dim=1),
    }


def blocks(losses: Tensor, size: int) -> np.ndarray:
    """Means over blocks of steps; what is left at the end is left out.

    Parameters
    ----------
    losses : tensor of shape (steps, copies)
    size : int
        Steps in a block.

    Returns
    -------
    array of shape (copies, steps // size)
    """
    whole = len(losses) // size * size
    return losses[:whole].reshape(-1, size, losses.shape[1]).mean(dim=1).T.cpu().numpy()
