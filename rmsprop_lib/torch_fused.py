"""The compiled rules of :mod:`rmsprop_lib.fused` for lists of CPU tensors."""

import sys
from collections.abc import Iterable, Sequence
from itertools import chain
from operator import attrgetter, is_, itemgetter
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rmsprop_lib import fused
from rmsprop_lib.rules import Rule

# Elements for which it pays to wake another thread.
ENOUGH_FOR_A_THREAD = 200_000

DTYPES = {torch.float32: "float32", torch.float64: "float64"}


def _is_distributed(x: Tensor) -> bool:
    # The module takes long to import, and without it there is no DTensor.
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(x, module.DTensor)


def local(x: Tensor) -> Tensor:
    """Of a DTensor, the part that lies on this machine; any other tensor as it is."""
    return x.to_local() if _is_distributed(x) else x  # type: ignore[attr-defined]


def refusal(tensors: Sequence[Tensor]) -> str | None:
    """Why a parameter, its gradient and its accumulators cannot be stepped by a compiled rule, or None.

    They can if they are ordinary tensors on the CPU, all float32 or all float64, and laid out alike without gaps;
    or DTensors, distributed alike, whose parts on this machine are so.
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
    for tensor in tensors:
        if type(tensor) not in (Tensor, torch.nn.Parameter):
            return f"a {type(tensor).__name__} is not an ordinary tensor"
        if tensor.layout is not torch.strided:
            return f"its layout is {tensor.layout}"
        if tensor.device.type != "cpu":
            return f"it is on {tensor.device}"
        if tensor.dtype not in DTYPES:
            return f"its dtype is {tensor.dtype}, not float32 or float64"
        if tensor.dtype is not first.dtype:
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


def _same(some: Iterable[Any], others: Iterable[Any]) -> bool:
    """Whether two equally long series are, one by one, the same objects."""
    return all(map(is_, some, others))


class Plan:
    """What stays the same from one step to the next: which tensors there are, and where their elements lie.

    Parameters
    ----------
    params : list of tensors
        One or more with a gradient, of one dtype; none has a :func:`refusal`.
    states : list of dict
        The state of each. Its ``step``, if it has one, becomes an element of a tensor that all have in common.
    names : sequence of str
        The accumulators of the rule, in its order.
    """

    def __init__(self, params: list[Tensor], states: list[dict[str, Any]], names: Sequence[str]) -> None:
        self.params, self.states = params, states
        self.gradients: list[Any] = [p.grad for p in params]
        self.distributed = any(map(_is_distributed, params))
        here = [local(p) for p in params]
        self.contiguous = [p.is_contiguous() for p in here]
        self.counters = torch.zeros(len(params))
        counted = "step" in states[0]
        for counter, state in zip(self.counters, states, strict=True) if counted else ():
            counter.copy_(torch.as_tensor(state["step"]))
            state["step"] = counter
        self.accumulators = [[state[name] for state in states] for name in names]
        self.held = dict(zip(names, self.accumulators, strict=True))
        if counted:
            self.held["step"] = [state["step"] for state in states]
        self.changed = [*params, *(here if self.distributed else ()), *chain(*self.accumulators)]
        self.work = fused.WorkList([p.numel() for p in here])
        self.elements = sum(p.numel() for p in here)
        self.addresses = self._addresses()
        self.table = np.array(self.addresses, np.int64).reshape(-1, len(params))
        sizes = [p.numel() * p.element_size() for p in here]
        self.overlapping = not fused.disjoint(
            [(start, size) for row in self.table.tolist() for start, size in zip(row, sizes, strict=True)]
        )

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
                if not _same(map(itemgetter(name), self.states), tensors):
                    return False
        except KeyError:
            return False
        if not _same(gradients, self.gradients):
            # Of refusal's questions, at every step: those that a new gradient can answer otherwise than the old one.
            dtype = self.params[0].dtype
            for p, g, contiguous in zip(self.params, gradients, self.contiguous, strict=True):
                if self.distributed:
                    if g is None or refusal((p, g)):
                        return False
                    continue
                plain = type(g) is Tensor and g.dtype is dtype and g.layout is torch.strided and g.is_cpu
                if not plain or g.is_neg() or not (g.is_contiguous() if contiguous else g.stride() == p.stride()):
                    return False
            self.gradients = gradients
        addresses = self._addresses()
        if addresses != self.addresses:
            n = len(self.params)
            if addresses[:n] != self.addresses[:n] or addresses[2 * n :] != self.addresses[2 * n :]:
                return False
            self.table[1] = addresses[n : 2 * n]
            self.addresses = addresses
        return True

    def step(self, rule: Rule, arguments: Sequence[Any], learning_rate: float, **options: Any) -> None:
        """Step all parameters. ``options`` are further keywords of :func:`fused.step`."""
        self.counters.add_(1)
        fused.step(
            rule,
            arguments,
            self.table,
            self.work,
            self.counters.numpy().astype(np.float64),
            DTYPES[self.params[0].dtype],
            learning_rate,
            threads=min(torch.get_num_threads(), 1 + self.elements // ENOUGH_FOR_A_THREAD),
            **options,
        )
        # Autograd has not seen the changes.
        torch.autograd.graph.increment_version(self.changed)


class GroupPlan:
    """The plans for a whole group of parameters, one for each dtype.

    Parameters
    ----------
    plans : list of Plan
    group : dict
    names : tuple of str
        The accumulators of its rule.
    state : dict
        The optimizer's, of all parameters.
    """

    def __init__(self, plans: list[Plan], group: dict[str, Any], names: tuple[str, ...], state: dict[Any, Any]) -> None:
        self.plans, self.names = plans, names
        self.params = list(group["params"])
        moving = [p.grad is not None for p in self.params]
        self.still = [k for k, moves in enumerate(moving) if not moves]
        # Where in the group each plan's parameters are.
        position = {id(p): k for k, p in enumerate(self.params)}
        self.positions = [[position[id(p)] for p in plan.params] for plan in plans]
        self.states = list(state.values())

    def fits(self, group: dict[str, Any], names: tuple[str, ...], state: dict[Any, Any]) -> bool:
        """Whether the group is the same, the same parameters have gradients, and every plan fits."""
        params = group["params"]
        if fused.unusable():
            return False
        if len(params) != len(self.params) or names != self.names or len(state) != len(self.states):
            return False
        if not (_same(params, self.params) and _same(state.values(), self.states)):
            return False
        gradients = list(map(attrgetter("grad"), params))
        if any(gradients[k] is not None for k in self.still):
            return False
        return all(
            plan.fits(gradients if len(where) == len(gradients) else [gradients[k] for k in where])
            for plan, where in zip(self.plans, self.positions, strict=True)
        )
