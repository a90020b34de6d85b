"""The groups of a Torch optimizer stepped in one pass over memory: by the plan of the step before, or by a new one."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor

from rmsprop_lib.compiled import tensors
from rmsprop_lib.compiled.known import Known, swapped
from rmsprop_lib.compiled.plan import Plan
from rmsprop_lib.compiled.sorting import sort_out
from rmsprop_lib.rules import Rule


class Turn:
    """One step of a group, to be done now. What stays until the next step is its plan, which keeps no tensor alive.

    Parameters
    ----------
    plans : list of Plan
    changing : list of lists of tensors
        For each plan what its step changes.
    left : list of tensors
        The parameters with a gradient that are in none of them.
    """

    def __init__(self, plans: list[Plan], changing: list[list[Tensor]], left: list[Tensor]) -> None:
        self.plans, self.changing, self.left = plans, changing, left

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
        for plan, changing in zip(self.plans, self.changing, strict=True):
            rule, arguments = chosen(plan.arithmetic)
            plan.launch(
                rule,
                [x.item() if isinstance(x, Tensor) else x for x in arguments],
                group["lr"],
                rate_decay=float(group.get("lr_decay", 0.0)),
                weight_decay=weight_decay,
                decoupled=group.get("decoupled_weight_decay", False),
                maximize=group["maximize"],
            )
            # Autograd has not seen the changes.
            torch.autograd.graph.increment_version(changing)


class GroupPlan:
    """The plans for a whole group of parameters, one for each dtype and device.

    Parameters
    ----------
    plans : list of Plan
    planned : list of lists of tensors
        The parameters of each.
    left : list of tensors
        The parameters with a gradient that are in none of them.
    group : dict
    names : tuple of str
        The accumulators of its rule.
    """

    def __init__(
        self,
        plans: list[Plan],
        planned: list[list[Tensor]],
        left: list[Tensor],
        group: dict[str, Any],
        names: tuple[str, ...],
    ) -> None:
        self.plans, self.names = plans, names
        params = list(group["params"])
        self.params = Known(params, swapped(params))
        self.still = [k for k, p in enumerate(params) if p.grad is None]
        # Where in the group the parameters are.
        position = {id(p): k for k, p in enumerate(params)}
        self.positions = [[position[id(p)] for p in some] for some in planned]
        self.left = [position[id(p)] for p in left]

    def turn(
        self, group: dict[str, Any], names: tuple[str, ...], state: Mapping[Tensor, dict[str, Any]]
    ) -> Turn | None:
        """The next step, if the group is the same, the same parameters have gradients, and every plan fits."""
        params = group["params"]
        if names != self.names or not self.params.are(params) or any(plan.unusable() for plan in self.plans):
            return None
        gradients = list(map(attrgetter("grad"), params))
        if self.still and any(gradients[k] is not None for k in self.still):
            return None
        if self.left and any(gradients[k] is None for k in self.left):
            return None
        changing = []
        for plan, where in zip(self.plans, self.positions, strict=True):
            some, theirs = params, gradients
            if len(where) != len(params):
                some, theirs = [params[k] for k in where], [gradients[k] for k in where]
            if (changes := plan.changing(some, theirs, state)) is None:
                return None
            changing.append(changes)
        left = [params[k] for k in self.left]
        if left and not all(tensors.refusal(row(p, names, state)) for p in left):
            return None
        return Turn(self.plans, changing, left)


class OnePass:
    """The compiled path of one optimizer: a plan for each group that asks for it, and what has been warned about.

    None of it belongs to the optimizer's state: a copy or a loaded optimizer begins with a new one.
    """

    def __init__(self) -> None:
        self.plans: dict[int, GroupPlan] = {}
        self._said: set[str] = set()

    def fitting(
        self, group: dict[str, Any], names: tuple[str, ...], state: Mapping[Tensor, dict[str, Any]]
    ) -> Turn | None:
        """The next step by the plan of the step before, if the group can be stepped by it again."""
        plan = self.plans.get(id(group))
        return None if plan is None or refusal(group) else plan.turn(group, names, state)

    def planned(
        self,
        group: dict[str, Any],
        names: tuple[str, ...],
        params: list[Tensor],
        state: Mapping[Tensor, dict[str, Any]],
    ) -> Turn:
        """The next step by a new plan, which is kept if it can step anything; the rest is said once, and why.

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
        Turn
        """
        self.plans.pop(id(group), None)
        plans: list[Plan] = []
        planned: list[list[Tensor]] = []
        if reason := refusal(group):
            refused = {reason: params}
        else:
            rows = {k: row(p, names, state) for k, p in enumerate(params)}
            found = sort_out(rows, tensors.refusal, lambda some: (some[0].device, some[0].dtype), tensors.block)
            planned = [[params[k] for k in keys] for keys in found.groups]
            for alike in planned:
                kind: Any = tensors.plan_class(alike[0].device)
                plans.append(kind(alike, [state.get(p, {}) for p in alike], names))
            refused = {reason: [params[k] for k in keys] for reason, keys in found.left.items()}
        for reason, some in refused.items():
            if some and reason not in self._said:
                self._said.add(reason)
                these = "1 tensor is" if len(some) == 1 else f"{len(some)} tensors are"
                # Up to the line that called the optimizer's step, past that, what keeps the compiler out of it, and
                # PyTorch's wrapper around it.
                warnings.warn(f"fused=True: {these} stepped one by one: {reason}", stacklevel=6)
        left = [p for some in refused.values() for p in some]
        if plans:
            self.plans[id(group)] = GroupPlan(plans, planned, left, group, names)
        changing = [plan.changed(some, plan.columns(some, state)) for plan, some in zip(plans, planned, strict=True)]
        return Turn(plans, changing, left)


def row(p: Tensor, names: tuple[str, ...], state: Mapping[Tensor, dict[str, Any]]) -> tuple[Any, ...]:
    """A parameter, its gradient and its accumulators."""
    return p, p.grad, *(state[p][name] for name in names)


_NO_TENSORS = frozenset((bool, int, float, str, type(None)))


def refusal(group: dict[str, Any]) -> str | None:
    """Why nothing of a group can be stepped by a compiled rule, or None."""
    if tensors.several(group["lr"]):
        return "lr is a tensor of several rates"
    if group.get("caution"):
        return "caution=True asks the whole tensor at every step"
    for name, value in group.items():
        if type(value) in _NO_TENSORS:
            continue
        some = value if name == "betas" else (value,)
        for k, one in enumerate(some):
            if isinstance(one, Tensor) and name != "lr" and one.device.type != "cpu":
                return f"{name}{f'[{k}]' if name == 'betas' else ''} is a tensor on {one.device}"
    return None
