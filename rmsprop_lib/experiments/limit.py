"""How far a linear classifier of MNIST can be trained: full-batch L-BFGS, thousands of steps, from two starts.

Recorded for chapter 7. No method that takes minibatches comes near its training loss.
"""

from typing import Any

import numpy as np

from rmsprop_lib.extras import naming_extras

with naming_extras():
    import torch
    from torch import Tensor, nn

from rmsprop_lib.data import load_mnist
from rmsprop_lib.training import evaluate, mnist_split, one_thread

SETTINGS: dict[str, Any] = {"seeds": [1, 2], "steps": 4_000, "every": 10, "history": 20}
COMPARED = ("loss", "train_accuracy", "test_accuracy")


def keys(settings: dict[str, Any]) -> list[str]:
    """The only piece.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.

    Returns
    -------
    list of str
    """
    return ["L-BFGS"]


@one_thread()
def train(settings: dict[str, Any], seed: int, steps: int) -> list[tuple[float, float, float]]:
    """Minimise the training loss over all 60,000 images.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    seed : int
        Of the initial weights.
    steps : int
        A multiple of ``settings["every"]``.

    Returns
    -------
    list of triples of float
        After every so many steps: training loss, and accuracy in per cent on the training and on the test images.
    """
    split = mnist_split(load_mnist())
    x, y = (torch.cat(pair) for pair in zip(split.train, split.validation, strict=True))
    torch.manual_seed(seed)
    model = nn.Linear(784, 10).to(x.device)
    optimizer = torch.optim.LBFGS(
        model.parameters(),
        max_iter=settings["every"],
        history_size=settings["history"],
        line_search_fn="strong_wolfe",
        tolerance_grad=0,
        tolerance_change=0,
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        return loss

    found = []
    for _ in range(steps // settings["every"]):
        optimizer.step(closure)
        loss, train_accuracy = evaluate(model, x, y)
        found.append((loss.item(), train_accuracy.item(), evaluate(model, *split.test)[1].item()))
    return found


def piece(settings: dict[str, Any], key: str) -> dict[str, Any]:
    """The run from each start.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    key : str
        One of :func:`keys`.

    Returns
    -------
    dict
        The results of :func:`train` by name, each of shape (seeds, steps / every).
    """
    runs = np.array([train(settings, seed, settings["steps"]) for seed in settings["seeds"]])
    return dict(zip(COMPARED, runs.transpose(2, 0, 1), strict=True))
