"""``torch.optim.Adam`` and ``torch.optim.AdamW`` over the book's rules."""

from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor

from rmsprop_lib import rules
from rmsprop_lib.hyperparameters import NON_NEGATIVE, Interval
from rmsprop_lib.rules import Rule
from rmsprop_lib.torch_optim.base import RuleOptimizer
from rmsprop_lib.torch_optim.options import above_zero, check_betas, numbers
from rmsprop_lib.torch_optim.state import steps


class Adam(RuleOptimizer):
    """``torch.optim.Adam``, and with ``decoupled_weight_decay`` ``torch.optim.AdamW``, over the rules ``adam``,
    ``amsgrad`` and ``decoupled_weight_decay``.

    Parameters
    ----------
    params : iterable of tensors, or of dicts with their own options
    lr : float or tensor, η ≥ 0
        A tensor of several rates is broadcast against each parameter: one rate for each slice of it.
    betas : pair of floats in [0, 1), or of tensors of one element
        Decay of the averages of gradients (state key ``exp_avg``) and of squares (``exp_avg_sq``).
    eps : float, ε ≥ 0
        Added to the root.
    weight_decay : float ≥ 0
        Adds weight_decay·θ to the gradient, or to the direction if it is decoupled.
    amsgrad : bool
        Divide by the root of the largest average of squares so far, state key ``max_exp_avg_sq``.
    decoupled_weight_decay : bool
        Whether weight decay is AdamW's.
    foreach : bool, optional
        Changes nothing. As in torch.optim it goes with tensors as ``lr`` or ``betas`` only if capturable.
    maximize : bool
        Ascend instead.
    capturable : bool
        Keep the state ``step`` on the parameter's device and never wait for it.
    differentiable : bool
        Let autograd run through the step.
    fused : bool, optional
        One pass over memory, see :mod:`rmsprop_lib.torch_optim`.
    eps_uncorrected : bool
        Add ε to the root before the bias correction, as Keras and TensorFlow do. Not in torch.optim.
    weight_decay_by : {"rate", "schedule", "both"}
        What a decoupled decay is multiplied by: η, η over the rate that the group was given (its peak), or both.

    Raises
    ------
    TypeError, ValueError
        For a hyperparameter outside its range, naming it, its value and what is allowed.
    """

    _intervals: ClassVar[dict[str, Interval]] = {**RuleOptimizer._intervals, "eps": NON_NEGATIVE}
    _instead_of_sparse = ", please consider SparseAdam instead"
    _added_later: ClassVar[dict[str, Any]] = {
        **RuleOptimizer._added_later,
        "amsgrad": False,
        "capturable": False,
        "decoupled_weight_decay": False,
        "fused": None,
    }
    _options_of_its_own: ClassVar[dict[str, Any]] = {"eps_uncorrected": False, "weight_decay_by": "rate"}

    _rule_name = "adam"
    _in_the_book: ClassVar[dict[str, str]] = {
        "eta": "lr",
        "weight_decay": "weight_decay",
        "decoupled": "decoupled_weight_decay",
        "corrected_decay": "weight_decay_by",
        "beta1": "betas",
        "beta2": "betas",
        "eps": "eps",
        "eps_uncorrected": "eps_uncorrected",
        "amsgrad": "amsgrad",
    }

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
        eps_uncorrected: bool = False,
        weight_decay_by: str = "rate",
    ) -> None:
        super().__init__(
            params,
            dict(
                lr=lr,
                betas=betas,
                eps=eps,
                weight_decay=weight_decay,
                amsgrad=amsgrad,
                maximize=maximize,
                foreach=foreach,
                capturable=capturable,
                differentiable=differentiable,
                fused=fused,
                decoupled_weight_decay=decoupled_weight_decay,
                eps_uncorrected=eps_uncorrected,
                weight_decay_by=weight_decay_by,
            ),
        )

    def _check_options(self, options: dict[str, Any]) -> None:
        super()._check_options(options)
        check_betas(options)

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        names = ("exp_avg", "exp_avg_sq")
        return (*names, "max_exp_avg_sq") if group["amsgrad"] else names

    def _chosen(
        self, group: dict[str, Any], dtype: torch.dtype, state: dict[str, Any] | None
    ) -> tuple[Rule, tuple[Any, ...]]:
        beta1, beta2 = numbers(group["betas"], dtype)
        t = 1 if state is None else steps(group, state)
        eps = above_zero(group["eps"], dtype)
        rule = rules.amsgrad if group["amsgrad"] else rules.adam
        return rule, (t, beta1, beta2, eps, group.get("eps_uncorrected", False))
