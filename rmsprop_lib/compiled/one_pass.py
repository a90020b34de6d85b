"""The groups of a Torch optimizer stepped in one pass over memory: by the plan of the step before, or by a new one."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor

from rmsprop_lib.compiled import tensors
from rmsprop_lib.compiled.arithmetic import arithmetic_dtype
from rmsprop_lib.compiled.plan import Plan, same
from rmsprop_lib.compiled.sorting import sort_out
from rmsprop_lib.rules import Rule


class GroupPlan:
    """The plans for a whole group of parameters, one for each dtype and device.

    Parameters
    ----------
    plans : list of Plan
    left : list of tensors
        The parameters with a gradient that are in none of them.
    group : dict
    names : tuple of str
        The accumulators of its rule.
    state : dict
        The optimizer's, of all parameters.
    """

    def __init__(
        self,
        plans: list[Plan],
        left: list[Tensor],
        group: dict[str, Any],
        names: tuple[str, ...],
        state: Mapping[Tensor, dict[str, Any]],
    ) -> None:
        self.plans, self.left, self.names = plans, left, names
        self.params = list(group["params"])
        moving = [p.grad is not None for p in self.params]
        self.still = [k for k, moves in enumerate(moving) if not moves]
        # Where in the group each plan's parameters are.
        position = {id(p): k for k, p in enumerate(self.params)}
        self.positions = [[position[id(p)] for p in plan.params] for plan in plans]
        self.states = list(state.values())

    def fits(self, group: dict[str, Any], names: tuple[str, ...], state: Mapping[Tensor, dict[str, Any]]) -> bool:
        """Whether the group is the same, the same parameters have gradients, and every plan fits."""
        params = group["params"]
        if len(params) != len(self.params) or names != self.names or len(state) != len(self.states):
            return False
        if not (same(params, self.params) and same(state.values(), self.states)):
            return False
        if any(plan.unusable() for plan in self.plans):
            return False
        gradients = list(map(attrgetter("grad"), params))
        if any(gradients[k] is not None for k in self.still) or any(p.grad is None for p in self.left):
            return False
        fitting = all(
            plan.fits(gradients if len(where) == len(gradients) else [gradients[k] for k in where])
            for plan, where in zip(self.plans, self.positions, strict=True)
        )
        return fitting and all(tensors.refusal(row(p, names, state)) for p in self.left)

    def step(
        self,
        group: dict[str, Any],
        chosen: Callable[[torch.dtype], tuple[Rule, Sequence[Any]]],
        *,
        weight_decay: float,
    ) -> None:
        """Step all but those that are left.

        Parameters
        ----------
        group : dict
            Its options as they are now.
        chosen : callable
            For the dtype of the arithmetic the rule, and what it is given after its state.
        weight_decay : float
            So that the rate times it is what a parameter shrinks by, or that it times θ is added to the gradient.
        """
        for plan in self.plans:
            rule, arguments = chosen(arithmetic_dtype(plan.params[0]))
            plan.step(
                rule,
                [x.item() if isinstance(x, Tensor) else x for x in arguments],
                group["lr"],
                rate_decay=float(group.get("lr_decay", 0.0)),
                weight_decay=weight_decay,
                decoupled=group.get("decoupled_weight_decay", False),
                maximize=group["maximize"],
            )


class OnePass:
    """The compiled path of one optimizer: a plan for each group that asks for it, and what has been warned about.

    None of it belongs to the optimizer's state: a copy or a loaded optimizer begins with a new one.
    """

    def __init__(self) -> None:
        self.plans: dict[int, GroupPlan] = {}
        self._said: set[str] = set()

    def fitting(
        self, group: dict[str, Any], names: tuple[str, ...], state: Mapping[Tensor, dict[str, Any]]
    ) -> GroupPlan | None:
        """The plan of the step before, if the group can be stepped by it again."""
        plan = self.plans.get(id(group))
        return plan if plan is not None and not refusal(group) and plan.fits(group, names, state) else None

    def planned(
        self,
        group: dict[str, Any],
        names: tuple[str, ...],
        params: list[Tensor],
        state: Mapping[Tensor, dict[str, Any]],
    ) -> GroupPlan:
        """A new plan, which is kept if it can step anything; what it cannot step is said once, and why.

        Parameters
        ----------
        group : dict
        names : tuple of str
            The accumulators of its rule.
        params : list of tensors
            Those of the group that have a gradient.
        state : dict
            The optimizer's; complete for ``params``.

        Returns
        -------
        GroupPlan
        """
        self.plans.pop(id(group), None)
        plans: list[Plan] = []
        if reason := refusal(group):
            left = {reason: params}
        else:
            rows = {k: row(p, names, state) for k, p in enumerate(params)}
            found = sort_out(rows, tensors.refusal, lambda some: (some[0].device, some[0].dtype), tensors.block)
            for keys in found.groups:
                alike = [params[k] for k in keys]
                kind: Any = tensors.plan_class(alike[0].device)
                plans.append(kind(alike, [state[p] for p in alike], names))
            left = {reason: [params[k] for k in keys] for reason, keys in found.left.items()}
        for reason, refused in left.items():
            if refused and reason not in self._said:
                self._said.add(reason)
                these = "1 tensor is" if len(refused) == 1 else f"{len(refused)} tensors are"
                # Up to the line that called the optimizer's step, past that and PyTorch's wrapper around it.
                warnings.warn(f"fused=True: {these} stepped one by one: {reason}", stacklevel=4)
        plan = GroupPlan(plans, [p for refused in left.values() for p in refused], group, names, state)
        if plans:
            self.plans[id(group)] = plan
        return plan


def row(p: Tensor, names: tuple[str, ...], state: Mapping[Tensor, dict[str, Any]]) -> tuple[Any, ...]:
    """A parameter, its gradient and its accumulators."""
    return p, p.grad, *(state[p][name] for name in names)


def refusal(group: dict[str, Any]) -> str | None:
    """Why nothing of a group can be stepped by a compiled rule, or None."""
    if tensors.several(group["lr"]):
        return "lr is a tensor of several rates"
    if group.get("caution"):
        return "caution=True asks the whole tensor at every step"
    betas = zip(("betas[0]", "betas[1]"), group.get("betas", ()), strict=False)
    for name, value in (*group.items(), *betas):
        if isinstance(value, Tensor) and name != "lr" and value.device.type != "cpu":
            return f"{name} is a tensor on {value.device}"
    return None
