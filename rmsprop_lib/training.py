"""Training on images: minibatches, a loop, and many copies of one network trained side by side.

The order of the minibatches and the initial weights come from NumPy's random numbers, so that they are the same in
NumPy and in Torch, on every device.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm.auto import tqdm

from rmsprop_lib.data import MNIST
from rmsprop_lib.devices import device

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


def flatten(images: np.ndarray) -> np.ndarray:
    """Images as rows of numbers in [0, 1].

    Parameters
    ----------
    images : array of uint8, shape (N, ...)

    Returns
    -------
    array of float32, shape (N, features)
    """
    return images.reshape(len(images), -1).astype(np.float32) / 255


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


class Copies(nn.Module):
    """Many independent copies of one multilayer perceptron with ReLU, as one module.

    Every parameter has a leading axis of copies, ``(copies, inputs, outputs)`` for weights and ``(copies, 1,
    outputs)`` for biases. As the optimizers of the book work element by element, a learning rate of shape
    ``(copies, 1, 1)`` gives each copy a rate of its own: a whole grid of runs is one run.

    Parameters
    ----------
    sizes : sequence of int
        Units of each layer, from the input to the classes; two for a linear model.
    seeds : sequence of int, length copies
        Copies with equal seeds begin with equal weights, uniform in ±1/√inputs.
    where : torch.device
    """

    def __init__(self, sizes: Sequence[int], seeds: Sequence[int], where: torch.device) -> None:
        super().__init__()
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        generators = [np.random.default_rng(seed) for seed in seeds]
        for inputs, outputs in pairwise(sizes):
            limit = inputs**-0.5
            weights = np.stack([rng.uniform(-limit, limit, (inputs, outputs)) for rng in generators])
            self.weights.append(nn.Parameter(torch.from_numpy(weights.astype(np.float32)).to(where)))
            self.biases.append(nn.Parameter(torch.zeros(len(seeds), 1, outputs, device=where)))

    def forward(self, x: Tensor) -> Tensor:
        """The logits of all copies.

        Parameters
        ----------
        x : tensor of shape (B, features) or (copies, B, features)
            Inputs that all copies share, or each copy's own.

        Returns
        -------
        tensor of shape (copies, B, classes)
        """
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            if layer:
                x = torch.relu(x)
            # With inputs in common one large product is faster than one for each copy.
            x = torch.einsum("bi,kio->kbo", x, weight) if x.ndim == 2 else torch.matmul(x, weight)
            x = x + bias
        return x


Factory = Callable[[Iterable[Tensor], Tensor], torch.optim.Optimizer]
"""Parameters and a learning rate of shape (copies, 1, 1) to an optimizer."""


@dataclass(frozen=True)
class Split:
    """Training, validation and test examples.

    Attributes
    ----------
    train, validation, test : pair of tensors
        The inputs x, float32 of shape (N, features), and the classes y, int64 of shape (N,).
    """

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]


@one_thread()
def train_copies(
    factory: Factory,
    sizes: Sequence[int],
    rates: Sequence[float],
    seeds: Sequence[int],
    split: Split,
    *,
    batch_size: int = 128,
    epochs: int = 1,
) -> Copies:
    """Train one copy of a network for each pair of a learning rate and a seed, all at once.

    A copy's seed decides its initial weights and the order of its minibatches. The last, smaller minibatch of an
    epoch is left out.

    Parameters
    ----------
    factory : callable
        Makes the optimizer.
    sizes : sequence of int
        See :class:`Copies`.
    rates, seeds : sequences of equal length
    split : Split
        ``split.train`` is used.
    batch_size : int, at least 1
    epochs : int

    Returns
    -------
    Copies
        The trained networks, in the order of ``rates``.

    Raises
    ------
    ValueError
        If ``rates`` and ``seeds`` are not equally long.
    """
    if len(rates) != len(seeds):
        raise ValueError(f"rates and seeds must have equal length; they have {len(rates)} and {len(seeds)}")
    x, y = split.train
    model = Copies(sizes, seeds, x.device)
    optimizer = factory(model.parameters(), torch.tensor(rates, dtype=torch.float32, device=x.device).reshape(-1, 1, 1))
    # One row of batches for each seed that is different; copies that agree on it share it.
    distinct = list(dict.fromkeys(seeds))
    # The stream [seed, 1] is another than the weights' [seed].
    orders = [minibatches(len(x), batch_size, epochs, np.random.default_rng([seed, 1])) for seed in distinct]
    rows = torch.tensor([distinct.index(seed) for seed in seeds], device=x.device)
    for indices in zip(*orders, strict=True):
        if len(indices[0]) < batch_size:
            continue
        batch = torch.from_numpy(np.stack(indices)).to(x.device)
        batch = batch[0] if len(distinct) == 1 else batch[rows]
        optimizer.zero_grad()
        logits = model(x[batch])
        targets = y[batch].expand(logits.shape[:-1])
        # The sum over copies: each copy's gradient is that of its own mean loss.
        loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum") / batch_size
        loss.backward()
        optimizer.step()
    return model


@dataclass(frozen=True)
class Tuned:
    """A method at its best rate.

    Attributes
    ----------
    rates : array of shape (R,)
        The grid.
    validation_loss : array of shape (R,)
        Of one run each, infinite where it diverged.
    best : int
        Where it is lowest.
    accuracy : array of shape (S,)
        Test accuracy in per cent at the best rate, for S further seeds.
    """

    rates: np.ndarray
    validation_loss: np.ndarray
    best: int
    accuracy: np.ndarray


def tune_and_test(
    factory: Factory,
    sizes: Sequence[int],
    rates: np.ndarray,
    split: Split,
    *,
    seeds: Sequence[int] = (1, 2, 3, 4, 5),
    epochs: int = 1,
) -> Tuned:
    """Choose the learning rate by validation loss with seed 0, then test it with other seeds.

    Parameters
    ----------
    factory, sizes, split, epochs
        See :func:`train_copies`.
    rates : array of shape (R,)
        The grid to choose from.
    seeds : sequence of int
        For the test; 0 is the tuning's own.

    Returns
    -------
    Tuned
    """
    grid = train_copies(factory, sizes, list(rates), [0] * len(rates), split, epochs=epochs)
    losses = evaluate(grid, *split.validation)[0].cpu().numpy()
    losses = np.where(np.isfinite(losses), losses, np.inf)
    best = int(losses.argmin())
    final = train_copies(factory, sizes, [float(rates[best])] * len(seeds), list(seeds), split, epochs=epochs)
    return Tuned(np.asarray(rates), losses, best, evaluate(final, *split.test)[1].cpu().numpy())


def mnist_split(data: MNIST, train: int = 50_000, validation: int = 10_000) -> Split:
    """MNIST on the book's device: the first training images to train on, the last ones to tune with.

    Parameters
    ----------
    data : MNIST
    train, validation : int
        How many examples are taken from the beginning and from the end of the training images.

    Returns
    -------
    Split
        Its tensors are on the device that :func:`~rmsprop_lib.devices.device` names.

    Raises
    ------
    ValueError
        If the two parts overlap or are empty.
    """
    count = len(data.train_images)
    if not 0 < train <= count - validation or validation < 1:
        raise ValueError(
            f"train={train!r} and validation={validation!r} must be positive and add up to {count} at most"
        )
    where = device()

    def tensors(images: np.ndarray, labels: np.ndarray) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(flatten(images)).to(where), torch.from_numpy(labels.astype(np.int64)).to(where)

    return Split(
        tensors(data.train_images[:train], data.train_labels[:train]),
        tensors(data.train_images[-validation:], data.train_labels[-validation:]),
        tensors(data.test_images, data.test_labels),
    )
