"""``torch.optim.RMSprop`` over the book's rules."""

from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor

from rmsprop_lib import rules
from rmsprop_lib.compiled.kernels import RisingDecay
from rmsprop_lib.hyperparameters import DECAY, NON_NEGATIVE, Interval
from rmsprop_lib.rules import Rule
from rmsprop_lib.torch_optim.base import DECAY_OF_ITS_OWN, RuleOptimizer
from rmsprop_lib.torch_optim.options import above_zero, is_on
from rmsprop_lib.torch_optim.state import (
    SQUARES,
    buffer_of,
    carry_averages_over,
    carry_buffer_over,
    names_of_averages,
    steps,
    to_variance,
)


class RMSprop(RuleOptimizer):
    """``torch.optim.RMSprop`` over the rules ``rmsprop`` to ``centered_rmsprop_momentum_rate_inside``.

    Parameters
    ----------
    params : iterable of tensors, or of dicts with their own options
    lr : float or tensor, η ≥ 0
        A tensor of several rates is broadcast against each parameter: one rate for each slice of it.
    alpha : float in [0, 1)
        The decay ρ of the book.
    eps : float, ε ≥ 0
        Added to the root.
    weight_decay : float ≥ 0
        Adds weight_decay·θ to the gradient.
    momentum : float, γ ≥ 0
        Applied after scaling, the rate outside the buffer; state key ``momentum_buffer``.
    centered : bool
        Divide by the root of the moving variance; state keys ``variance`` and ``grad_avg``. Stays finite where
        torch.optim's subtraction of two averages turns negative.
    capturable : bool
        Keep the state ``step`` on the parameter's device, as one tensor for each parameter.
    foreach : bool, optional
        Changes nothing.
    maximize : bool
        Ascend instead.
    differentiable : bool
        Let autograd run through the step.
    fused : bool, optional
        One pass over memory, see :mod:`rmsprop_lib.torch_optim`. torch.optim.RMSprop has neither this argument nor
        any that follows.
    eps_inside : bool
        Divide by √(v + ε), as TensorFlow, Keras and Optax do.
    rate_inside : bool
        Let the momentum buffer take in η·d, as TensorFlow, Keras and Optax do; its state key is then ``step_buffer``.
    initial_square : float ≥ 0
        Where v starts; 1 in TensorFlow 1.
    bias_correction : bool
        Divide v, and μ if centered, by the sum of its weights 1 − ρᵗ: Adam without its first average, at half its
        memory. State keys ``corrected_square_avg``, or ``corrected_variance`` and ``corrected_grad_avg``.
    nesterov : bool
        Let momentum look one step ahead.
    caution : bool
        With momentum, step only where the step has the gradient's sign, lengthened by the share of such elements.
    decoupled_weight_decay : bool
        Let weight_decay·θ bypass the rule and shrink θ by η·weight_decay.
    weight_decay_by : {"rate", "schedule", "both"}
        What a decoupled decay is multiplied by: η, η over the rate that the group was given (its peak), or both.

    Raises
    ------
    TypeError, ValueError
        For a hyperparameter outside its range, naming it, its value and what is allowed.
    """

    _intervals: ClassVar[dict[str, Interval]] = {
        **RuleOptimizer._intervals,
        "alpha": DECAY,
        "eps": NON_NEGATIVE,
        "momentum": NON_NEGATIVE,
        "initial_square": NON_NEGATIVE,
    }
    _added_later: ClassVar[dict[str, Any]] = {
        **RuleOptimizer._added_later,
        "momentum": 0,
        "centered": False,
        "capturable": False,
    }
    _options_of_its_own: ClassVar[dict[str, Any]] = {
        "fused": None,
        "eps_inside": False,
        "rate_inside": False,
        "initial_square": 0.0,
        "bias_correction": False,
        "nesterov": False,
        "caution": False,
        **DECAY_OF_ITS_OWN,
    }

    _rule_name = "rmsprop"
    _in_the_book: ClassVar[dict[str, str]] = {
        "eta": "lr",
        "weight_decay": "weight_decay",
        "decoupled": "decoupled_weight_decay",
        "corrected_decay": "weight_decay_by",
        "rho": "alpha",
        "eps": "eps",
        "eps_inside": "eps_inside",
        "gamma": "momentum",
        "nesterov": "nesterov",
        "rate_inside": "rate_inside",
        "initial": "initial_square",
        "centered": "centered",
        "bias_correction": "bias_correction",
        "caution": "caution",
    }

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        *,
        fused: bool | None = None,
        eps_inside: bool = False,
        rate_inside: bool = False,
        initial_square: float = 0.0,
        bias_correction: bool = False,
        nesterov: bool = False,
        caution: bool = False,
        decoupled_weight_decay: bool = False,
        weight_decay_by: str = "rate",
    ) -> None:
        super().__init__(
            params,
            dict(
                lr=lr,
                momentum=momentum,
                alpha=alpha,
                eps=eps,
                centered=centered,
                weight_decay=weight_decay,
                capturable=capturable,
                foreach=foreach,
                maximize=maximize,
                differentiable=differentiable,
                fused=fused,
                eps_inside=eps_inside,
                rate_inside=rate_inside,
                initial_square=initial_square,
                bias_correction=bias_correction,
                nesterov=nesterov,
                caution=caution,
                decoupled_weight_decay=decoupled_weight_decay,
                weight_decay_by=weight_decay_by,
            ),
        )

    def _check_options(self, options: dict[str, Any]) -> None:
        super()._check_options(options)
        start = options.get("initial_square", 0.0)
        if options.get("bias_correction") and start != 0:
            raise ValueError(
                f"initial_square={start!r} is not allowed with bias_correction=True, which corrects a start at 0"
            )

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what was unpickled or loaded; the state of a centered torch.optim.RMSprop becomes a variance."""
        super().__setstate__(state)
        for group in self.param_groups:
            for p in group["params"] if group["centered"] else ():
                to_variance(self.state.get(p, {}))

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        names = names_of_averages(group)
        return (*names, buffer_of(group)) if is_on(group["momentum"]) else names

    def _initial(self, p: Tensor, group: dict[str, Any], name: str) -> Tensor:
        return self._filled(p, group.get("initial_square", 0.0) if name in SQUARES else 0.0)

    def _carry_over(self, state: dict[str, Any], group: dict[str, Any]) -> None:
        carry_averages_over(state, group)
        carry_buffer_over(state, group)

    def _chosen(
        self, group: dict[str, Any], dtype: torch.dtype, state: dict[str, Any] | None, eta: Any = None
    ) -> tuple[Rule, tuple[Any, ...]]:
        rho, momentum = group["alpha"], group["momentum"]
        if group.get("bias_correction", False):
            rho = RisingDecay(rho) if state is None else rules.rising_decay(rho, steps(group, state))
        return rules.of_rmsprop(
            rho,
            above_zero(group["eps"], dtype),
            momentum if is_on(momentum) else 0,
            group["centered"],
            nesterov=group.get("nesterov", False),
            eps_inside=group.get("eps_inside", False),
            eta=eta,
        )
