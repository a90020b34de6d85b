"""What stays the same from one fused step of a list of tensors to the next, wherever they are."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from operator import is_, itemgetter
from typing import Any, ClassVar

import torch
from torch import Tensor

from rmsprop_lib.compiled.alike import countable, facts, is_distributed, local, mismatch
from rmsprop_lib.compiled.arithmetic import arithmetic_dtype
from rmsprop_lib.compiled.known import Known, swapped
from rmsprop_lib.rules import Rule


class Plan(ABC):
    """What stays the same from one step to the next: what tensors there are, and where their elements lie.

    It keeps none of them alive: a gradient, a parameter or a state that is replaced is gone at once.

    Parameters
    ----------
    params : list of tensors
        One or more with a gradient, of one dtype on one device; none has a :func:`mismatch`, and no two overlap.
    states : list of dict
        The state of each. Its ``step``, if it has one, is counted where it is. One that no kernel can count, of
        another dtype or on another device, is replaced first.
    names : sequence of str
        The accumulators of the rule, in its order.
    """

    dtypes: ClassVar[tuple[torch.dtype, ...]]
    """Those of the parameters that there are kernels for."""

    def __init__(self, params: list[Tensor], states: list[dict[str, Any]], names: Sequence[str]) -> None:
        self.distributed = any(map(is_distributed, params))
        self.kept = swapped(params)
        here = [local(p) for p in params]
        self.dtype, self.device = here[0].dtype, here[0].device
        self.arithmetic = arithmetic_dtype(here[0])
        self.sizes = [p.numel() for p in here]
        self.names = [*names]
        self.counted = all("step" in state for state in states)
        if self.counted:
            self.names.append("step")
            for state in states:
                if not countable(state["step"], self.device):
                    state["step"] = torch.tensor(float(state["step"]), dtype=torch.float32, device=self.device)
        columns = self.columns(params, dict(zip(params, states, strict=True)))
        self.held = [Known(column, self.kept) for column in columns]
        gradients: list[Any] = [p.grad for p in params]
        self._remember(gradients)
        # What is so of a parameter has to be so of its gradient.
        self.facts = {**dict(facts(here)), "type": [Tensor] * len(here)}
        self.addresses = self._addresses(params, gradients, *columns)

    def columns(self, params: Sequence[Tensor], state: Mapping[Tensor, dict[str, Any]]) -> list[list[Tensor]]:
        """All of the state: of each accumulator, then of the counters, one for each parameter."""
        if not self.names:
            return []
        # Mostly they are all there are, in this order, so that none has to be looked up.
        in_order = len(state) >= len(params) and all(map(is_, params, state))
        states = list(islice(state.values(), len(params)) if in_order else map(state.__getitem__, params))
        return [list(map(itemgetter(name), states)) for name in self.names]

    def _remember(self, gradients: list[Any]) -> None:
        self.gradients = Known([] if self.kept else gradients)

    def _addresses(self, *columns: Iterable[Tensor]) -> list[int]:
        """Where the elements are: of all parameters, all gradients, of each accumulator, and of the counters."""
        tensors = chain(*columns)
        return list(map(Tensor.data_ptr, map(local, tensors) if self.distributed else tensors))

    def changing(
        self, params: list[Tensor], gradients: list[Any], state: Mapping[Tensor, dict[str, Any]]
    ) -> list[Tensor] | None:
        """What a step changes, if everything is where it was; None if it is not.

        At every step this asks each tensor where it is. With many small tensors most of a step is spent here.

        Parameters
        ----------
        params : list of tensors
            Known to be those of the plan.
        gradients : list of tensors
            Theirs. They may be new ones, laid out as the old.
        state : dict
            The optimizer's.
        """
        try:
            columns = self.columns(params, state)
        except KeyError:
            return None
        if not all(known.are(column) for known, column in zip(self.held, columns, strict=True)):
            return None
        if not self.gradients.are(gradients):
            if self.distributed:
                if any(g is None or mismatch((p, g)) for p, g in zip(params, gradients, strict=True)):
                    return None
            elif not all(self.facts[fact] == values for fact, values in facts(gradients)):
                return None
            self._remember(gradients)
        addresses = self._addresses(params, gradients, *columns)
        if addresses != self.addresses:
            n = len(self.sizes)
            if addresses[:n] != self.addresses[:n] or addresses[2 * n :] != self.addresses[2 * n :]:
                return None
            self.addresses = addresses
            self.gradients_moved(addresses[n : 2 * n])
        return self.changed(params, columns)

    def changed(self, params: list[Tensor], columns: list[list[Tensor]]) -> list[Tensor]:
        """What a step changes and autograd may have seen: parameters, as they are here too, and accumulators."""
        here = map(local, params) if self.distributed else ()
        return [*params, *here, *chain(*columns[: len(columns) - self.counted])]

    def unusable(self) -> str | None:
        """Why the kernel cannot run in this process any more, or None."""
        return None

    @abstractmethod
    def gradients_moved(self, addresses: list[int]) -> None:
        """The gradients are at other addresses than before."""

    @abstractmethod
    def launch(self, rule: Rule, arguments: Sequence[Any], learning_rate: Any, **options: Any) -> None:
        """Count a step and do it.

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
