"""``torch.optim.SGD`` over the book's rules."""

from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor

from rmsprop_lib import rules
from rmsprop_lib.compiled.arithmetic import arithmetic_dtype
from rmsprop_lib.hyperparameters import NON_NEGATIVE, Interval
from rmsprop_lib.rules import Rule
from rmsprop_lib.torch_optim.base import DECAY_OF_ITS_OWN, RuleOptimizer
from rmsprop_lib.torch_optim.options import is_on
from rmsprop_lib.torch_optim.state import buffer_of, carry_buffer_over


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
    rate_inside : bool
        Let the buffer take in η·g, as Keras does; its state key is then ``step_buffer``. Needs no dampening. Not in
        torch.optim.
    decoupled_weight_decay : bool
        Let weight_decay·θ bypass the rule and shrink θ by η·weight_decay. Not in torch.optim.
    weight_decay_by : {"rate", "schedule", "both"}
        What a decoupled decay is multiplied by: η, η over the rate that the group was given (its peak), or both.

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
    _options_of_its_own: ClassVar[dict[str, Any]] = {"rate_inside": False, **DECAY_OF_ITS_OWN}

    _rule_name = "sgd"
    _in_the_book: ClassVar[dict[str, str]] = {
        "eta": "lr",
        "weight_decay": "weight_decay",
        "decoupled": "decoupled_weight_decay",
        "corrected_decay": "weight_decay_by",
        "gamma": "momentum",
        "nesterov": "nesterov",
        "rate_inside": "rate_inside",
    }

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
        rate_inside: bool = False,
        decoupled_weight_decay: bool = False,
        weight_decay_by: str = "rate",
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
                rate_inside=rate_inside,
                decoupled_weight_decay=decoupled_weight_decay,
                weight_decay_by=weight_decay_by,
            ),
        )

    def _check_options(self, options: dict[str, Any]) -> None:
        super()._check_options(options)
        if options["nesterov"] and (options["momentum"] == 0 or options["dampening"] != 0):
            raise ValueError(
                "Nesterov momentum requires a momentum and zero dampening; nesterov=True came with "
                f"momentum={options['momentum']!r}, dampening={options['dampening']!r}"
            )
        if options.get("rate_inside") and options["dampening"] != 0:
            raise ValueError(f"rate_inside=True needs dampening=0; dampening={options['dampening']!r}")

    def _initial(self, p: Tensor, group: dict[str, Any], name: str) -> Tensor:
        # torch.optim's buffer begins as the whole gradient, undampened: the rule makes that of δ·g/γ.
        assert p.grad is not None  # as step has seen
        share: float = group["dampening"] / group["momentum"]
        g = self._gradient(p, p.to(arithmetic_dtype(p)), group)
        return g * share

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return (buffer_of(group),) if is_on(group["momentum"]) else ()

    def _carry_over(self, state: dict[str, Any], group: dict[str, Any]) -> None:
        carry_buffer_over(state, group)

    def _chosen(
        self, group: dict[str, Any], dtype: torch.dtype, state: dict[str, Any] | None, eta: Any = None
    ) -> tuple[Rule, tuple[Any, ...]]:
        momentum = group["momentum"] if is_on(group["momentum"]) else 0
        return rules.of_sgd(momentum, group["dampening"], group["nesterov"], eta)
