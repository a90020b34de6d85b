"""What stays the same from one fused step of a list of tensors to the next, wherever they are."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from itertools import chain
from operator import is_, itemgetter
from typing import Any, ClassVar

import torch
from torch import Tensor

from rmsprop_lib.compiled.arithmetic import arithmetic_dtype
from rmsprop_lib.rules import Rule


def _is_distributed(x: Tensor) -> bool:
    # The module takes long to import, and without it there is no DTensor.
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(x, module.DTensor)


def local(x: Tensor) -> Tensor:
    """Of a DTensor, the part that lies on this machine; any other tensor as it is."""
    return x.to_local() if _is_distributed(x) else x  # type: ignore[attr-defined]


def mismatch(tensors: Sequence[Tensor]) -> str | None:
    """Why a parameter, its gradient and its accumulators cannot be stepped element by element, or None.

    They can if they are ordinary tensors of one device, laid out alike without gaps, the gradient of the parameter's
    dtype and the accumulators of the arithmetic's; or DTensors, distributed alike, whose parts on this machine are so.
    """
    if any(map(_is_distributed, tensors)):
        if not all(map(_is_distributed, tensors)):
            return "some are DTensors and some are not"
        if any((x.placements, x.device_mesh) != (tensors[0].placements, tensors[0].device_mesh) for x in tensors):  # type: ignore[attr-defined]
            return "the parameter, its gradient and its state are distributed differently"
        if any(placement.is_partial() for placement in tensors[0].placements):  # type: ignore[attr-defined]
            return "it is the sum of parts on several machines"
        tensors = [local(x) for x in tensors]
    first = tensors[0]
    for place, tensor in enumerate(tensors):
        if type(tensor) not in (Tensor, torch.nn.Parameter):
            return f"a {type(tensor).__name__} is not an ordinary tensor"
        if tensor.layout is not torch.strided:
            return f"its layout is {tensor.layout}"
        if tensor.device != first.device:
            return f"it is on {first.device} and on {tensor.device}"
        dtype = first.dtype if place < 2 else arithmetic_dtype(first)
        if tensor.dtype is not dtype:
            return f"its dtypes differ: {first.dtype} and {tensor.dtype}"
        if tensor.stride() != first.stride() or tensor.shape != first.shape:
            return "the parameter, its gradient and its state are laid out differently"
        if tensor.is_neg():
            return "it is a view that stands for its negative"
    return None if first.is_contiguous() or _dense(first) else "its elements have gaps between them, or overlap"


def _dense(tensor: Tensor) -> bool:
    """Whether the elements fill a piece of memory, in whatever order."""
    expected = 1
    for stride, size in sorted((s, n) for s, n in zip(tensor.stride(), tensor.shape, strict=True) if n != 1):
        if stride != expected:
            return False
        expected *= size
    return True


def same(some: Iterable[Any], others: Iterable[Any]) -> bool:
    """Whether two equally long series are, one by one, the same objects."""
    return all(map(is_, some, others))


class Plan(ABC):
    """What stays the same from one step to the next: which tensors there are, and where their elements lie.

    Parameters
    ----------
    params : list of tensors
        One or more with a gradient, of one dtype on one device; none has a :func:`mismatch`, and no two overlap.
    states : list of dict
        The state of each. Its ``step``, if it has one, becomes an element of a tensor that all have in common.
    names : sequence of str
        The accumulators of the rule, in its order.
    """

    dtypes: ClassVar[tuple[torch.dtype, ...]]
    """Those of the parameters that there are kernels for."""

    def __init__(self, params: list[Tensor], states: list[dict[str, Any]], names: Sequence[str]) -> None:
        self.params, self.states = params, states
        self.gradients: list[Any] = [p.grad for p in params]
        self.distributed = any(map(_is_distributed, params))
        here = [local(p) for p in params]
        self.dtype, self.device, self.place = here[0].dtype, here[0].device, here[0].get_device()
        self.contiguous = [p.is_contiguous() for p in here]
        self.counters = torch.zeros(len(params), device=self.device)
        counted = "step" in states[0]
        for counter, state in zip(self.counters, states, strict=True) if counted else ():
            counter.copy_(torch.as_tensor(state["step"]))
            state["step"] = counter
        self.accumulators = [[state[name] for state in states] for name in names]
        self.held = dict(zip(names, self.accumulators, strict=True))
        if counted:
            self.held["step"] = [state["step"] for state in states]
        self.changed = [*params, *(here if self.distributed else ()), *chain(*self.accumulators)]
        self.sizes = [p.numel() for p in here]
        self.addresses = self._addresses()

    def _addresses(self) -> list[int]:
        """Where the elements are: of all parameters, all gradients, then of each accumulator."""
        tensors = chain(self.params, self.gradients, *self.accumulators)
        return list(map(Tensor.data_ptr, map(local, tensors) if self.distributed else tensors))

    def fits(self, gradients: list[Any]) -> bool:
        """Whether everything is where it was; gradients may be new ones, laid out as the old.

        At every step this asks each tensor where it is. With many small tensors most of a step is spent here, and
        so it is written without a Python expression for each tensor wherever it can be.
        """
        try:
            for name, tensors in self.held.items():
                if not same(map(itemgetter(name), self.states), tensors):
                    return False
        except KeyError:
            return False
        if not same(gradients, self.gradients):
            # Of mismatch's questions, at every step: those that a new gradient can answer otherwise than the old one.
            dtype, place = self.dtype, self.place
            for p, g, contiguous in zip(self.params, gradients, self.contiguous, strict=True):
                if self.distributed:
                    if g is None or mismatch((p, g)):
                        return False
                    continue
                plain = type(g) is Tensor and g.dtype is dtype and g.layout is torch.strided and g.get_device() == place
                if not plain or g.is_neg() or not (g.is_contiguous() if contiguous else g.stride() == p.stride()):
                    return False
            self.gradients = gradients
        addresses = self._addresses()
        if addresses != self.addresses:
            n = len(self.params)
            if addresses[:n] != self.addresses[:n] or addresses[2 * n :] != self.addresses[2 * n :]:
                return False
            self.addresses = addresses
            self.gradients_moved(addresses[n : 2 * n])
        return True

    def unusable(self) -> str | None:
        """Why the kernel cannot run in this process any more, or None."""
        return None

    @abstractmethod
    def gradients_moved(self, addresses: list[int]) -> None:
        """The gradients are at other addresses than before."""

    @abstractmethod
    def launch(self, rule: Rule, arguments: Sequence[Any], learning_rate: Any, **options: Any) -> None:
        """Count a step and do it."""

    def step(self, rule: Rule, arguments: Sequence[Any], learning_rate: Any, **options: Any) -> None:
        """Step all parameters.

        Parameters
        ----------
        rule : callable
            Of :mod:`rmsprop_lib.rules`.
        arguments : sequence
            What the rule is given after the gradient and its state.
        learning_rate : float, or tensor of one element
        **options
            The keywords ``rate_decay``, ``weight_decay``, ``decoupled`` and ``maximize`` of
            :func:`rmsprop_lib.compiled.cpu.step`.
        """
        self.launch(rule, arguments, learning_rate, **options)
        # Autograd has not seen the changes.
        torch.autograd.graph.increment_version(self.changed)
