"""Many copies of one network, each with a learning rate and a seed of its own, trained as one."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rmsprop_lib.training.loops import minibatches, one_thread
from rmsprop_lib.training.split import Split

Factory = Callable[[Iterable[Tensor], Tensor], torch.optim.Optimizer]
"""Parameters and a learning rate of shape (copies, 1, 1) to an optimizer."""


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


class ConvCopies(nn.Module):
    """Many independent copies of one small convolutional network for images of 28 by 28, as one module.

    Two convolutions with kernels of 5 by 5 and stride 2, each followed by ReLU, and a linear layer. As in
    :class:`Copies`, every parameter has a leading axis of copies and three axes in all.

    Parameters
    ----------
    channels : pair of int
        Of the two convolutions.
    seeds : sequence of int, length copies
        Copies with equal seeds begin with equal weights, uniform in ±1/√(inputs of a unit).
    where : torch.device
    """

    def __init__(self, channels: Sequence[int], seeds: Sequence[int], where: torch.device) -> None:
        super().__init__()
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        generators = [np.random.default_rng(seed) for seed in seeds]
        first, second = channels
        for outputs, inputs in ((first, 25), (second, 25 * first), (10, 16 * second)):
            limit = inputs**-0.5
            weights = np.stack([rng.uniform(-limit, limit, (outputs, inputs)) for rng in generators])
            self.weights.append(nn.Parameter(torch.from_numpy(weights.astype(np.float32)).to(where)))
            self.biases.append(nn.Parameter(torch.zeros(len(seeds), outputs, 1, device=where)))

    def forward(self, x: Tensor) -> Tensor:
        """The logits of all copies.

        Parameters
        ----------
        x : tensor of shape (B, 784) or (copies, B, 784)
            Images that all copies share, or each copy's own.

        Returns
        -------
        tensor of shape (copies, B, 10)
        """
        copies = len(self.weights[0])
        images = x.expand(copies, *x.shape[-2:]).reshape(copies, -1, 28, 28).transpose(0, 1)
        for weight, bias in zip(self.weights[:2], self.biases[:2], strict=True):
            # The copies are groups of channels, each of which sees its own inputs only.
            kernels = weight.reshape(-1, weight.shape[2] // 25, 5, 5)
            images = torch.relu(functional.conv2d(images, kernels, bias.flatten(), stride=2, groups=copies))
        features = images.reshape(len(images), copies, -1).transpose(0, 1)
        logits: Tensor = torch.matmul(features, self.weights[2].mT) + self.biases[2].mT
        return logits


@one_thread()
def run_copies(
    model: nn.Module,
    factory: Factory,
    rates: Sequence[float],
    seeds: Sequence[int],
    split: Split,
    *,
    batch_size: int,
    epochs: int,
    factor: Callable[[int, int], float] | None = None,
    after_epoch: Callable[[nn.Module], None] | None = None,
    steps: int | None = None,
) -> Tensor:
    """Train the copies in one module, each with a learning rate and an order of minibatches of its own.

    The last, smaller minibatch of an epoch is left out.

    Parameters
    ----------
    model : Copies or ConvCopies
        Trained in place.
    factory : callable
        Makes the optimizer.
    rates, seeds : sequences of equal length
        One for each copy. Copies with equal seeds see equal minibatches.
    split : Split
        ``split.train`` is used.
    batch_size : int, at least 1
    epochs : int
    factor : callable, optional
        From the number of steps done and that of all steps to what the rates are multiplied by: a schedule.
    after_epoch : callable, optional
        Is given the model after each epoch.
    steps : int, optional
        Stop after so many, with the schedule of the whole run.

    Returns
    -------
    tensor of shape (steps, copies)
        The mean loss of each minibatch, before its step.

    Raises
    ------
    ValueError
        If ``rates`` and ``seeds`` are not equally long, or there is nothing to do: no copies, no epochs, or fewer
        examples than a minibatch has.
    """
    if len(rates) != len(seeds):
        raise ValueError(f"rates and seeds must have equal length; they have {len(rates)} and {len(seeds)}")
    x, y = split.train
    if len(rates) < 1 or epochs < 1 or not 0 < batch_size <= len(x):
        raise ValueError(
            f"{len(rates)} rates, epochs={epochs!r} and batch_size={batch_size!r} leave nothing to train; they must be "
            f"at least 1, and batch_size at most {len(x)}, the number of examples"
        )
    lr = torch.tensor(rates, dtype=torch.float32, device=x.device).reshape(-1, 1, 1)
    optimizer = factory(model.parameters(), lr)
    # One row of batches for each seed that is different; copies that agree on it share it.
    distinct = list(dict.fromkeys(seeds))
    # The stream [seed, 1] is another than the weights' [seed].
    orders = [minibatches(len(x), batch_size, epochs, np.random.default_rng([seed, 1])) for seed in distinct]
    rows = torch.tensor([distinct.index(seed) for seed in seeds], device=x.device)
    each = len(x) // batch_size
    losses: list[Tensor] = []
    for indices in zip(*orders, strict=True):
        if len(indices[0]) < batch_size:
            continue
        batch = torch.from_numpy(np.stack(indices)).to(x.device)
        batch = batch[0] if len(distinct) == 1 else batch[rows]
        if factor is not None:
            for group in optimizer.param_groups:
                group["lr"] = lr * factor(len(losses), each * epochs)
        optimizer.zero_grad()
        logits = model(x[batch])
        targets = y[batch].expand(logits.shape[:-1])
        loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        loss = loss.reshape(targets.shape).mean(dim=1)
        # The sum over copies: each copy's gradient is that of its own mean loss.
        loss.sum().backward()
        optimizer.step()
        losses.append(loss.detach())
        if after_epoch is not None and len(losses) % each == 0:
            after_epoch(model)
            model.train()
        if len(losses) == steps:
            break
    return torch.stack(losses)


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
        If ``rates`` and ``seeds`` are not equally long, or there is nothing to do: no copies, no epochs, or fewer
        examples than a minibatch has.
    """
    model = Copies(sizes, seeds, split.train[0].device)
    run_copies(model, factory, rates, seeds, split, batch_size=batch_size, epochs=epochs)
    return model
