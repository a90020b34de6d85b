"""Minibatches, a loop that trains, and what is found out about what it has trained."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm.auto import tqdm

Item = TypeVar("Item")
"""Whatever is gone through."""


def progress(items: Iterable[Item], description: str) -> Iterable[Item]:
    """Go through ``items`` behind a progress bar, which is removed at the end.

    The environment variable ``TQDM_DISABLE`` hides it: what is stored with a notebook must not hold its timings.

    Parameters
    ----------
    items : iterable
    description : str
        What stands before the bar.

    Returns
    -------
    iterable
        The same items.
    """
    # tqdm's notebook bar, unlike its others, does not read the variable itself.
    bar: Iterable[Item] = tqdm(items, desc=description, leave=False, disable=bool(os.environ.get("TQDM_DISABLE")))
    return bar


@contextmanager
def one_thread() -> Iterator[None]:
    """Let Torch use one CPU thread inside the block or the decorated function.

    A minibatch of these small models is not worth a second thread, and where other work shares the processor, waiting
    for it at every operation made a run more than ten times slower.

    Returns
    -------
    context manager
        Which is a decorator too. Afterwards there are as many threads as before.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def minibatches(count: int, size: int, epochs: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Indices of the minibatches of some epochs, each epoch in a new random order.

    Parameters
    ----------
    count : int
        Number of examples.
    size : int, at least 1
        Of a minibatch; the last of an epoch may be smaller.
    epochs : int
    rng : numpy.random.Generator

    Yields
    ------
    array of int, shape (size,)

    Raises
    ------
    ValueError
        If ``size`` is less than 1.
    """
    if size < 1:
        raise ValueError(f"size={size!r} is not allowed; it must be at least 1")
    for _ in range(epochs):
        order = rng.permutation(count)
        for start in range(0, count, size):
            yield order[start : start + size]


@one_thread()
def fit(
    model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor, batches: Iterable[np.ndarray]
) -> Tensor:
    """Minimise the mean cross-entropy of a classifier over minibatches.

    Parameters
    ----------
    model : module from (B, features) to logits (B, classes)
        Left in training mode.
    optimizer : over the model's parameters
    x : tensor of shape (N, features)
    y : tensor of int64, shape (N,)
    batches : iterable of index arrays
        Such as :func:`minibatches`, perhaps inside a progress bar.

    Returns
    -------
    tensor of shape (number of batches,)
        The loss at each step, before it.

    Raises
    ------
    ValueError
        If there are no batches.
    """
    model.train()
    losses = []
    for indices in batches:
        batch = torch.from_numpy(indices).to(x.device)
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(x[batch]), y[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    if not losses:
        raise ValueError("batches is empty, so nothing was trained; an iterator that has been gone through is")
    return torch.stack(losses)


@one_thread()
@torch.no_grad()
def evaluate(model: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy and accuracy in per cent on (x, y), in evaluation mode.

    Parameters
    ----------
    model : module from (B, features) to logits (B, classes), or Copies
        Left in evaluation mode.
    x : tensor of shape (N, features)
    y : tensor of int64, shape (N,)

    Returns
    -------
    loss, accuracy : tensors
        For :class:`Copies` both have shape (copies,), else they are scalars.
    """
    model.eval()
    logits = torch.cat([model(part) for part in torch.split(x, 2000)], dim=-2)
    losses = functional.cross_entropy(logits.movedim(-1, 1), y.expand(logits.shape[:-1]), reduction="none")
    hits = (logits.argmax(-1) == y).to(torch.float32)
    return losses.mean(-1), 100 * hits.mean(-1)
