"""The compiled rules of :mod:`rmsprop_lib.fused` for lists of CPU tensors."""

from collections.abc import Sequence
from operator import is_
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rmsprop_lib import fused
from rmsprop_lib.rules import Rule

# Elements for which it pays to wake another thread.
ENOUGH_FOR_A_THREAD = 200_000

DTYPES = {torch.float32: "float32", torch.float64: "float64"}


def refusal(tensors: Sequence[Tensor]) -> str | None:
    """Why a parameter, its gradient and its accumulators cannot be stepped by a compiled rule, or None.

    They can if they are ordinary tensors on the CPU, all float32 or all float64, and laid out alike without gaps.
    """
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
        self.contiguous = [p.is_contiguous() for p in params]
        self.counters = torch.zeros(len(params))
        counted = "step" in states[0]
        for counter, state in zip(self.counters, states, strict=True) if counted else ():
            counter.copy_(torch.as_tensor(state["step"]))
            state["step"] = counter
        self.names = tuple(names)
        self.held = {name: [state[name] for state in states] for name in (*names, *(["step"] if counted else []))}
        self.work = fused.WorkList([p.numel() for p in params])
        self.elements = sum(p.numel() for p in params)
        self.addresses = self._addresses()
        self.table = np.array(self.addresses, np.int64)
        sizes = [p.numel() * p.element_size() for p in params]
        self.overlapping = not fused.disjoint(
            [(start, size) for row in self.addresses for start, size in zip(row, sizes, strict=True)]
        )

    def _addresses(self) -> list[list[int]]:
        rows: list[list[Any]] = [self.params, self.gradients, *(self.held[name] for name in self.names)]
        return [[x.data_ptr() for x in row] for row in rows]

    def fits(self) -> bool:
        """Whether everything is where it was; gradients may be new ones, laid out as the old."""
        for name, tensors in self.held.items():
            if not all(map(is_, [state.get(name) for state in self.states], tensors)):
                return False
        gradients = [p.grad for p in self.params]
        if not all(map(is_, gradients, self.gradients)):
            # Of refusal's questions, at every step: those that a new gradient can answer otherwise than the old one.
            dtype = self.params[0].dtype
            for p, g, contiguous in zip(self.params, gradients, self.contiguous, strict=True):
                plain = type(g) is Tensor and g.dtype is dtype and g.layout is torch.strided and g.is_cpu
                if not plain or g.is_neg() or not (g.is_contiguous() if contiguous else g.stride() == p.stride()):  # type: ignore[union-attr]
                    return False
            self.gradients = gradients
        addresses = self._addresses()
        if addresses[0] != self.addresses[0] or addresses[2:] != self.addresses[2:]:
            return False
        if addresses[1] != self.addresses[1]:
            self.table[1] = addresses[1]
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
        # Autograd has not seen the change.
        torch.autograd.graph.increment_version(self.params)


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
        self.moving = [p.grad is not None for p in self.params]
        self.states = list(state.values())

    def fits(self, group: dict[str, Any], names: tuple[str, ...], state: dict[Any, Any]) -> bool:
        """Whether the group is the same, the same parameters have gradients, and every plan fits."""
        params = group["params"]
        return (
            len(params) == len(self.params)
            and names == self.names
            and len(state) == len(self.states)
            and all(map(is_, params, self.params))
            and all(map(is_, state.values(), self.states))
            and [p.grad is not None for p in params] == self.moving
            and all(plan.fits() for plan in self.plans)
        )
