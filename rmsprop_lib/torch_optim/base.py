"""What all Torch optimizers of the book are: state and interface around a rule, with torch.optim's promises kept."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor

from rmsprop_lib import rules
from rmsprop_lib.compiled import tensors
from rmsprop_lib.compiled.arithmetic import NARROW, arithmetic_dtype
from rmsprop_lib.compiled.one_pass import OnePass
from rmsprop_lib.hyperparameters import NON_NEGATIVE, Interval
from rmsprop_lib.rules import Rule
from rmsprop_lib.torch_optim.options import check, check_rate_fits, is_on
from rmsprop_lib.torch_optim.state import (
    StateDict,
    as_real,
    counter,
    like,
    to_square_average,
    unwrap_accumulators,
    wrap_accumulators,
)

COMMON: dict[str, Any] = {"weight_decay": 0, "maximize": False, "foreach": None, "differentiable": False}
"""The options that every optimizer has, with their defaults."""


class RuleOptimizer(torch.optim.Optimizer):
    """What the optimizers share: checking the arguments, keeping the state, stepping.

    A subclass says which intervals its hyperparameters lie in (``_intervals``), names its accumulators (``_names``) and
    chooses its rule (``_chosen``). A rule that works element by element is then stepped fused as well.

    Parameters
    ----------
    params : iterable of tensors, or of dicts with their own options
    defaults : dict
        Its options; those of :data:`COMMON` that are missing are added.
    """

    _intervals: ClassVar[dict[str, Interval]] = {"lr": NON_NEGATIVE, "weight_decay": NON_NEGATIVE}
    _counts_steps: ClassVar[bool] = True
    _takes_sparse: ClassVar[bool] = False
    _instead_of_sparse: ClassVar[str] = ""
    # What torch.optim's class does not have.
    _options_of_its_own: ClassVar[tuple[str, ...]] = ()
    # Options that older state dicts do not have, with the value that means what was done then.
    _added_later: ClassVar[dict[str, Any]] = {"foreach": None, "maximize": False, "differentiable": False}

    _one_pass: OnePass

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        defaults = {**COMMON, **defaults}
        self._check_options(defaults)
        self._one_pass = OnePass()
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters with its own hyperparameters, after checking both.

        Parameters
        ----------
        param_group : dict
            ``params``, and hyperparameters of their own.

        Raises
        ------
        TypeError, ValueError, RuntimeError
            If a hyperparameter is not allowed, or the parameters are not. Nothing is added.
        """
        if isinstance(param_group, dict):  # the base class refuses everything else
            param_group = dict(param_group)
            self._check_options({**self.defaults, **param_group})
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for device in {p.device for p in group["params"]} if group.get("fused") else ():
            if compiler := tensors.missing(device):
                self.param_groups.pop()
                raise RuntimeError(
                    f"fused={group['fused']!r} needs {compiler} for parameters on {device}: "
                    f"pip install {compiler.lower()}, or leave it out"
                )
        for p in group["params"]:
            try:
                check_rate_fits(group["lr"], p)
            except ValueError:
                self.param_groups.pop()
                raise

    def _check_options(self, options: dict[str, Any]) -> None:
        for name, interval in self._intervals.items():
            check(name, options[name], interval)
        if options.get("fused"):
            if options["differentiable"]:
                raise RuntimeError("`fused` does not support `differentiable`")
            if options["foreach"]:
                raise RuntimeError("`fused` and `foreach` cannot be `True` together.")

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what was unpickled or loaded, filling in what older versions did not have."""
        super().__setstate__(state)
        self._one_pass = OnePass()
        unwrap_accumulators(self.state)
        for group in self.param_groups:
            for name, value in self._added_later.items():
                group.setdefault(name, value)
            for p in group["params"]:
                entry = self.state.get(p, {})
                if "step" in entry and not isinstance(entry["step"], Tensor):
                    entry["step"] = counter(p, group, float(entry["step"]))

    def load_state_dict(self, state_dict: StateDict) -> None:
        """Load a state dict of this class or of its torch.optim counterpart, of any version.

        Accumulators of parameters narrower than float32 are loaded in float32.

        Parameters
        ----------
        state_dict : dict

        Raises
        ------
        ValueError
            If the number of groups, or of parameters in one, is another.
        """
        last_hook = self.register_load_state_dict_pre_hook(wrap_accumulators)
        try:
            super().load_state_dict(state_dict)
        finally:
            last_hook.remove()

    def to_torch_state_dict(self) -> StateDict:
        """``state_dict()`` in the form that the torch.optim counterpart loads.

        The same, except that centered RMSprop's ``variance`` is turned into ``square_avg`` = variance + grad_avg²,
        and that its option ``fused`` is left out.

        Returns
        -------
        dict
        """
        state_dict = self.state_dict()
        state = {k: to_square_average(x) if isinstance(x, dict) else x for k, x in state_dict["state"].items()}
        groups = [
            {name: value for name, value in group.items() if name not in self._options_of_its_own}
            for group in state_dict["param_groups"]
        ]
        return {**state_dict, "state": state, "param_groups": groups}

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Do one step for every parameter that has a gradient.

        Parameters
        ----------
        closure : callable, optional
            Reevaluates the model and returns the loss.

        Returns
        -------
        loss, or None without a closure

        Raises
        ------
        RuntimeError
            If a gradient is sparse where that is not supported. Nothing has changed.
        TypeError
            If a parameter that has a gradient is neither floating nor complex. Nothing has changed.
        """
        if "capturable" in self.defaults:
            self._accelerator_graph_capture_health_check()
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.set_grad_enabled(self.defaults["differentiable"]):
            plans = [
                self._one_pass.fitting(group, self._names(group), self.state) if group.get("fused") else None
                for group in self.param_groups
            ]
            moving = [
                plan.left if plan is not None else [p for p in group["params"] if p.grad is not None]
                for group, plan in zip(self.param_groups, plans, strict=True)
            ]
            for group, params in zip(self.param_groups, moving, strict=True):
                for p in params:
                    self._check_gradient(p, group)
            for group, params, plan in zip(self.param_groups, moving, plans, strict=True):
                if group.get("fused"):
                    if plan is None:
                        for p in params:
                            self._state(p, group)
                        plan = self._one_pass.planned(group, self._names(group), params, self.state)
                    plan.step(group, partial(self._chosen, group, state=None))
                    params = plan.left
                for p in params:
                    self._update(p, group)
        return loss

    def _check_gradient(self, p: Tensor, group: dict[str, Any]) -> None:
        assert p.grad is not None  # as step has seen
        if not (p.is_floating_point() or p.is_complex()):
            raise TypeError(f"a parameter with a gradient has dtype {p.dtype}; it must be floating or complex")
        if p.grad.layout is torch.strided:
            return
        if not (self._takes_sparse and p.grad.layout is torch.sparse_coo):
            raise RuntimeError(
                f"{type(self).__name__} does not support sparse gradients{self._instead_of_sparse} ({p.grad.layout})"
            )
        if is_on(group["weight_decay"]):
            raise RuntimeError("weight_decay option is not compatible with sparse gradients")
        if tensors.several(group["lr"]):
            raise RuntimeError("Tensor lr must be 1-element for sparse gradients")

    def _update(self, p: Tensor, group: dict[str, Any]) -> None:
        differentiable = torch.is_grad_enabled()
        dtype = arithmetic_dtype(p)
        # Autograd goes back to the parameter as it was, so that it may not be the one that is changed.
        theta = (p.clone() if differentiable else p).to(dtype)
        g = self._gradient(p, theta, group)
        state = self._state(p, group)
        names = self._names(group)
        if self._counts_steps:
            if torch.is_grad_enabled() and state["step"].requires_grad:
                raise RuntimeError("`requires_grad` is not supported for `step` in differentiable mode")
            state["step"].add_(1)
        change, new = self._change(theta, g, [state[name] for name in names], group, state)
        if differentiable or theta is not p:
            p.copy_(theta - like(change, theta))
        else:
            p.sub_(like(change, p))
        for name, value in zip(names, new, strict=True):
            value = like(value, state[name])
            if differentiable:
                state[name] = value.to(dtype)
            else:
                state[name].copy_(value)

    def _gradient(self, p: Tensor, theta: Tensor, group: dict[str, Any]) -> Tensor:
        """What the rule is given: the gradient in the arithmetic's dtype, its sign and weight decay applied."""
        assert p.grad is not None  # as step has seen
        g = p.grad.to(arithmetic_dtype(p)).resolve_conj()
        if group["maximize"]:
            g = -g
        if is_on(group["weight_decay"]) and not group.get("decoupled_weight_decay", False):
            g = g + group["weight_decay"] * theta
        return g

    def _state(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        """The state of ``p``, complete."""
        names = self._names(group)
        if not (names or self._counts_steps):
            return {}
        state: dict[str, Any] = self.state[p]
        for name in names:
            accumulator = state.get(name)
            if accumulator is None:  # SGD's state dicts have had None
                state[name] = self._initial(p, group)
            elif accumulator.dtype in NARROW:
                state[name] = accumulator.to(arithmetic_dtype(accumulator))
        if self._counts_steps and "step" not in state:
            state["step"] = counter(p, group)
        return state

    def _change(
        self, theta: Tensor, g: Tensor, old: list[Tensor], group: dict[str, Any], state: dict[str, Any]
    ) -> tuple[Tensor, list[Tensor]]:
        """What to subtract from ``theta``, and the new accumulators; those of complex tensors as pairs of reals."""
        direction, *new = self._rule(as_real(g), [as_real(x) for x in old], group, state)
        if is_on(group["weight_decay"]) and group.get("decoupled_weight_decay", False):
            direction = rules.decoupled_weight_decay(direction, as_real(theta), group["weight_decay"])
        return self._rate(theta, group, state) * direction, new

    def _initial(self, p: Tensor, group: dict[str, Any]) -> Tensor:
        """An accumulator before its first step, with the shape and device of ``p`` and the arithmetic's dtype."""
        return torch.zeros_like(p, dtype=arithmetic_dtype(p), memory_format=torch.preserve_format)

    def _rate(self, theta: Tensor, group: dict[str, Any], state: dict[str, Any]) -> Any:
        lr = group["lr"]
        if tensors.several(lr):
            return lr.unsqueeze(-1) if theta.is_complex() else lr  # the same rate for both of a pair
        return lr.reshape(()) if isinstance(lr, Tensor) else lr

    @abstractmethod
    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The state keys of the rule's accumulators, in the order in which it takes and returns them."""

    def _rule(self, g: Tensor, old: list[Tensor], group: dict[str, Any], state: dict[str, Any]) -> tuple[Any, ...]:
        """The direction and the new accumulators."""
        rule, arguments = self._chosen(group, g.dtype, state)
        return rule(g, *old, *arguments)

    @abstractmethod
    def _chosen(
        self, group: dict[str, Any], dtype: torch.dtype, state: dict[str, Any] | None
    ) -> tuple[Rule, tuple[Any, ...]]:
        """The rule, and what it is given after its state; the step number is left open where ``state`` is None."""
