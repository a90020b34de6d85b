"""RMSprop with dropout, batch normalisation and a rate that falls, each alone and all together, on few images.

Recorded for chapter 7. The rate is tuned for every combination; tuning and reporting have seeds of their own.
"""

from functools import cache
from typing import Any

import numpy as np

from rmsprop_lib.extras import naming_extras

with naming_extras():
    import torch
    from torch import nn
    from torch.optim.lr_scheduler import LinearLR, LRScheduler, ReduceLROnPlateau

from rmsprop_lib import torch_optim
from rmsprop_lib.data import load_mnist
from rmsprop_lib.experiments.search import best_rate
from rmsprop_lib.training import Split, evaluate, fit, minibatches, mnist_split

SETTINGS: dict[str, Any] = {
    "train": 4_000,
    "batch_size": 64,
    "epochs": 15,
    "hidden": 128,
    "alpha": 0.9,
    "dropout": 0.5,
    "plateau": {"factor": 0.3, "patience": 1},
    "tuning_seeds": [1, 2],
    "seeds": [11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
    "rates_per_decade": 2,
    "start": [-6, -4],
    "layers": ["plain", "dropout", "batch norm", "both"],
    "schedules": ["constant", "plateau", "falling"],
}
COMPARED = ("test_loss", "train_loss")


def keys(settings: dict[str, Any]) -> list[str]:
    """The pieces, ``layers/schedule``.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.

    Returns
    -------
    list of str
    """
    return [f"{layers}/{schedule}" for layers in settings["layers"] for schedule in settings["schedules"]]


@cache
def split(train: int) -> Split:
    """MNIST, loaded once: ``train`` images to train on, 10,000 to tune with, 10,000 to test."""
    return mnist_split(load_mnist(), train=train)


def network(settings: dict[str, Any], layers: str, seed: int) -> nn.Sequential:
    """A network with one hidden layer, its weights drawn as Torch draws them, with what ``layers`` names.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    layers : str
        One of ``settings["layers"]``.
    seed : int
        Of Torch's random numbers, which are those of dropout too.

    Returns
    -------
    torch.nn.Sequential
    """
    torch.manual_seed(seed)
    hidden = settings["hidden"]
    extra: list[nn.Module] = []
    if layers in ("batch norm", "both"):
        extra.append(nn.BatchNorm1d(hidden))
    if layers in ("dropout", "both"):
        extra.append(nn.Dropout(settings["dropout"]))
    return nn.Sequential(nn.Linear(784, hidden), *extra, nn.ReLU(), nn.Linear(hidden, 10))


def train(
    settings: dict[str, Any], key: str, rate: float, seed: int, epochs: int | None = None
) -> dict[str, list[float]]:
    """Train one network.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    key : str
        One of :func:`keys`.
    rate : float
        The rate of the first epoch.
    seed : int
        Of the weights, of dropout and of the order of the images.
    epochs : int, optional
        Stop after so many; the schedule is that of the whole run.

    Returns
    -------
    dict
        ``train_loss`` (in evaluation mode), ``validation_loss``, ``test_loss``, ``test_accuracy`` (in per cent) and
        ``rate``, after each epoch.
    """
    layers, schedule = key.split("/")
    data = split(settings["train"])
    model = network(settings, layers, seed).to(data.train[0].device)
    optimizer = torch_optim.RMSprop(model.parameters(), lr=rate, alpha=settings["alpha"])
    plateau = ReduceLROnPlateau(optimizer, **settings["plateau"]) if schedule == "plateau" else None
    steps = settings["epochs"] * -(-settings["train"] // settings["batch_size"])
    fall: LRScheduler | None = LinearLR(optimizer, 1.0, 0.0, steps) if schedule == "falling" else None
    rng = np.random.default_rng([seed, 1])
    found: dict[str, list[float]] = {"train_loss": [], "validation_loss": [], "test_loss": []}
    found |= {"test_accuracy": [], "rate": []}
    for _ in range(settings["epochs"] if epochs is None else epochs):
        found["rate"].append(optimizer.param_groups[0]["lr"])
        for batch in minibatches(settings["train"], settings["batch_size"], 1, rng):
            fit(model, optimizer, *data.train, [batch])
            if fall is not None:
                fall.step()
        for name, part in (("train", data.train), ("validation", data.validation), ("test", data.test)):
            loss, accuracy = evaluate(model, *part)
            found[f"{name}_loss"].append(loss.item())
            if name == "test":
                found["test_accuracy"].append(accuracy.item())
        if plateau is not None:
            plateau.step(found["validation_loss"][-1])
    return found


def piece(settings: dict[str, Any], key: str) -> dict[str, Any]:
    """Tune the rate of one combination, then report it with other seeds.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    key : str
        One of :func:`keys`.

    Returns
    -------
    dict
        ``rates``, ``losses``: what was tried, and the mean validation loss at the end; ``best``: the rate that was
        chosen; the results of :func:`train` by name, each of shape (seeds, epochs).
    """

    def last(rates: list[float]) -> np.ndarray:
        return np.array(
            [[train(settings, key, r, s)["validation_loss"][-1] for s in settings["tuning_seeds"]] for r in rates]
        )

    found = best_rate(last, settings["start"], settings["rates_per_decade"], further=1)
    rate = found.rate
    runs = [train(settings, key, rate, seed) for seed in settings["seeds"]]
    return {
        "rates": found.rates,
        "losses": found.losses,
        "best": rate,
        **{name: np.array([run[name] for run in runs]) for name in runs[0]},
    }
