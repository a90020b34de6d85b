"""``torch.optim.SGD`` over the book's rules."""

from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor

from rmsprop_lib import rules
from rmsprop_lib.compiled.arithmetic import arithmetic_dtype
from rmsprop_lib.hyperparameters import NON_NEGATIVE, Interval
from rmsprop_lib.rules import Rule
from rmsprop_lib.torch_optim.base import RuleOptimizer
from rmsprop_lib.torch_optim.options import is_on


class SGD(RuleOptimizer):
    """``torch.optim.SGD`` over the rules ``sgd`` and ``heavy_ball``.

    Sparse gradients are taken if there is no weight decay; the buffer is then sparse too.

    Parameters
    ----------
    params : iterable of tensors, or of dicts with their own options
    lr : float or tensor, η ≥ 0
        A tensor of several rates is broadcast against each parameter: one rate for each slice of it.
    momentum : float, γ ≥ 0
        State key ``momentum_buffer``.
    dampening : float ≥ 0
        The buffer takes (1 − dampening)·g, from its second step on.
    weight_decay : float or tensor, ≥ 0
        Adds weight_decay·θ to the gradient.
    nesterov : bool
        Needs momentum and no dampening.
    maximize : bool
        Ascend instead.
    foreach : bool, optional
        Changes nothing.
    differentiable : bool
        Let autograd run through the step.
    fused : bool, optional
        One pass over memory, see :mod:`rmsprop_lib.torch_optim`.

    Raises
    ------
    TypeError, ValueError
        For a hyperparameter outside its range, naming it, its value and what is allowed.
    """

    _intervals: ClassVar[dict[str, Interval]] = {
        **RuleOptimizer._intervals,
        "momentum": NON_NEGATIVE,
        "dampening": NON_NEGATIVE,
    }
    _counts_steps = False  # torch.optim's SGD keeps no step either
    _takes_sparse = True
    _added_later: ClassVar[dict[str, Any]] = {**RuleOptimizer._added_later, "nesterov": False, "fused": False}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            dict(
                lr=lr,
                momentum=momentum,
                dampening=dampening,
                weight_decay=weight_decay,
                nesterov=nesterov,
                maximize=maximize,
                foreach=foreach,
                differentiable=differentiable,
                fused=fused,
            ),
        )

    def _check_options(self, options: dict[str, Any]) -> None:
        super()._check_options(options)
        if options["nesterov"] and (options["momentum"] == 0 or options["dampening"] != 0):
            raise ValueError(
                "Nesterov momentum requires a momentum and zero dampening; nesterov=True came with "
                f"momentum={options['momentum']!r}, dampening={options['dampening']!r}"
            )

    def _initial(self, p: Tensor, group: dict[str, Any]) -> Tensor:
        # torch.optim's buffer begins as the whole gradient, undampened: the rule makes that of δ·g/γ.
        assert p.grad is not None  # as step has seen
        share: float = group["dampening"] / group["momentum"]
        g = self._gradient(p, p.to(arithmetic_dtype(p)), group)
        return g * share

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("momentum_buffer",) if is_on(group["momentum"]) else ()

    def _chosen(
        self, group: dict[str, Any], dtype: torch.dtype, state: dict[str, Any] | None
    ) -> tuple[Rule, tuple[Any, ...]]:
        if not self._names(group):
            return rules.sgd, ()
        return rules.heavy_ball, (group["momentum"], group["dampening"], group["nesterov"])
