"""``torch.optim.Adagrad`` over the book's rule."""

from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor

from rmsprop_lib import rules
from rmsprop_lib.hyperparameters import NON_NEGATIVE, Interval
from rmsprop_lib.rules import Rule
from rmsprop_lib.schedules import inverse_time_decay
from rmsprop_lib.torch_optim.base import DECAY_OF_ITS_OWN, RuleOptimizer
from rmsprop_lib.torch_optim.options import above_zero
from rmsprop_lib.torch_optim.state import as_real, counter, like, steps


class AdaGrad(RuleOptimizer):
    """``torch.optim.Adagrad`` over the rule ``adagrad``.

    Sparse gradients are taken if there is no weight decay. They leave alone what they do not name.

    Parameters
    ----------
    params : iterable of tensors, or of dicts with their own options
    lr : float or tensor, η ≥ 0
        A tensor of several rates is broadcast against each parameter: one rate for each slice of it.
    lr_decay : float ≥ 0
        Step t uses η / (1 + (t − 1)·lr_decay).
    weight_decay : float ≥ 0
        Adds weight_decay·θ to the gradient.
    initial_accumulator_value : float ≥ 0
        Where Σg² starts; state key ``sum``. A group's own value holds, which torch.optim passes over.
    eps : float, ε ≥ 0
        Added to the root.
    foreach : bool, optional
        Changes nothing.
    maximize : bool
        Ascend instead.
    differentiable : bool
        Let autograd run through the step.
    fused : bool, optional
        One pass over memory, see :mod:`rmsprop_lib.torch_optim`.
    eps_inside : bool
        Divide by √(Σg² + ε), as Keras and Optax do. Not in torch.optim.
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
        "lr_decay": NON_NEGATIVE,
        "initial_accumulator_value": NON_NEGATIVE,
        "eps": NON_NEGATIVE,
    }
    _takes_sparse = True
    _added_later: ClassVar[dict[str, Any]] = {**RuleOptimizer._added_later, "fused": None}
    _options_of_its_own: ClassVar[dict[str, Any]] = {"eps_inside": False, **DECAY_OF_ITS_OWN}

    _rule_name = "adagrad"
    _in_the_book: ClassVar[dict[str, str]] = {
        "eta": "lr",
        "weight_decay": "weight_decay",
        "decoupled": "decoupled_weight_decay",
        "corrected_decay": "weight_decay_by",
        "eps": "eps",
        "eps_inside": "eps_inside",
        "initial": "initial_accumulator_value",
    }

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        eps_inside: bool = False,
        decoupled_weight_decay: bool = False,
        weight_decay_by: str = "rate",
    ) -> None:
        super().__init__(
            params,
            dict(
                lr=lr,
                lr_decay=lr_decay,
                eps=eps,
                weight_decay=weight_decay,
                initial_accumulator_value=initial_accumulator_value,
                foreach=foreach,
                maximize=maximize,
                differentiable=differentiable,
                fused=fused,
                eps_inside=eps_inside,
                decoupled_weight_decay=decoupled_weight_decay,
                weight_decay_by=weight_decay_by,
            ),
        )

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group; its accumulators are made at once, as torch.optim's are.

        Parameters
        ----------
        param_group : dict
            ``params``, and hyperparameters of their own.

        Raises
        ------
        TypeError, ValueError, RuntimeError
            If a hyperparameter is not allowed, or the parameters are not. Nothing is added.
        """
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for p in group["params"]:
            self.state[p] = {"step": counter(p, group), "sum": self._initial(p, group, "sum")}

    def share_memory(self) -> None:
        """Move the accumulators into memory that processes share."""
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["sum"].share_memory_()

    def _initial(self, p: Tensor, group: dict[str, Any], name: str) -> Tensor:
        return self._filled(p, group["initial_accumulator_value"])

    def _rate(self, theta: Tensor, group: dict[str, Any], state: dict[str, Any]) -> Any:
        return inverse_time_decay(super()._rate(theta, group, state), steps(group, state), group["lr_decay"])

    def _change(
        self, theta: Tensor, g: Tensor, old: list[Tensor], group: dict[str, Any], state: dict[str, Any]
    ) -> tuple[Tensor, list[Tensor]]:
        if not g.is_sparse:
            return super()._change(theta, g, old, group, state)
        g = g.coalesce()
        (G,) = (x.clone() if torch.is_grad_enabled() else x for x in old)
        sums, named = as_real(G), tuple(g.indices())
        direction, sums[named] = self._rule(as_real(g.values()), [sums[named]], group, state)
        change = like(self._rate(theta, group, state) * direction, theta)
        return torch.sparse_coo_tensor(g.indices(), change, g.shape, is_coalesced=True, check_invariants=False), [G]

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("sum",)

    def _chosen(
        self, group: dict[str, Any], dtype: torch.dtype, state: dict[str, Any] | None
    ) -> tuple[Rule, tuple[Any, ...]]:
        return rules.adagrad, (above_zero(group["eps"], dtype), group.get("eps_inside", False))
