"""``torch.optim.RMSprop`` over the book's rules."""

from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor

from rmsprop_lib import rules
from rmsprop_lib.hyperparameters import DECAY, NON_NEGATIVE, Interval
from rmsprop_lib.rules import Rule
from rmsprop_lib.torch_optim.base import RuleOptimizer
from rmsprop_lib.torch_optim.options import above_zero, is_on
from rmsprop_lib.torch_optim.state import to_variance


class RMSprop(RuleOptimizer):
    """``torch.optim.RMSprop`` over the rules ``rmsprop`` to ``centered_rmsprop_momentum``.

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
        One pass over memory, see :mod:`rmsprop_lib.torch_optim`. torch.optim.RMSprop has no such argument.

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
    }
    _added_later: ClassVar[dict[str, Any]] = {
        **RuleOptimizer._added_later,
        "momentum": 0,
        "centered": False,
        "capturable": False,
    }
    _options_of_its_own = ("fused",)

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
                # Groups have no such entry in torch.optim; nor have they here unless it is asked for.
                **({} if fused is None else {"fused": fused}),
            ),
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what was unpickled or loaded; the state of a centered torch.optim.RMSprop becomes a variance."""
        super().__setstate__(state)
        for group in self.param_groups:
            for p in group["params"] if group["centered"] else ():
                to_variance(self.state.get(p, {}))

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        names = ("variance", "grad_avg") if group["centered"] else ("square_avg",)
        return (*names, "momentum_buffer") if is_on(group["momentum"]) else names

    def _chosen(
        self, group: dict[str, Any], dtype: torch.dtype, state: dict[str, Any] | None
    ) -> tuple[Rule, tuple[Any, ...]]:
        eps, momentum = above_zero(group["eps"], dtype), group["momentum"]
        return rules.of_rmsprop(group["alpha"], eps, momentum if is_on(momentum) else 0, group["centered"])
