"""SGD, AdaGrad, RMSprop and Adam as ``torch.optim.Optimizer`` subclasses over the book's rules.

Constructor arguments, defaults, errors and state keys are those of the torch.optim class of the same name (there
spelt ``Adagrad``), and so are the results, to rounding. What is different, is so deliberately:

- With ``centered=True`` :class:`RMSprop` keeps the moving variance itself, which cannot become negative, under the
  key ``variance`` instead of ``square_avg``. ``load_state_dict`` takes either,
  :meth:`~RMSprop.to_torch_state_dict` gives torch.optim's.
- For parameters narrower than float32 the accumulators and the arithmetic are in float32, and the new parameter is
  rounded once. ``load_state_dict`` keeps it so.
- A gradient that was always zero moves nothing, however small ``eps`` is; torch.optim divides 0 by 0 where ``eps``
  is 0 or vanishes in the dtype.
- ``lr`` may be a tensor of several rates: one for each slice of a parameter against which it broadcasts.
- Numbers have to be finite, and decay rates that torch.optim lets through to give NaN (``alpha`` ≥ 1) are refused.
- Every class takes ``fused=True``, :class:`RMSprop` too: one pass over memory for all ordinary tensors of a group,
  with the rule compiled by Numba on the CPU and by Triton on CUDA, where no step waits for the device. What cannot be
  done so is stepped one by one, and a warning says why.

``foreach`` chooses between implementations in torch.optim. Here it changes nothing.

>>> import torch
>>> w = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
>>> optimizer = RMSprop([w], lr=0.1, alpha=0.75, eps=0.0)
>>> (w * w).sum().backward()
>>> optimizer.step()
>>> w.detach()
tensor([ 0.8000, -1.8000], dtype=torch.float64)
"""

import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor

from rmsprop_lib import rules, torch_fused
from rmsprop_lib.hyperparameters import DECAY, NON_NEGATIVE, Interval
from rmsprop_lib.rules import Rule
from rmsprop_lib.schedules import inverse_time_decay
from rmsprop_lib.torch_plan import GroupPlan, Plan
from rmsprop_lib.torch_state import (
    StateDict,
    arithmetic_dtype,
    as_real,
    counter,
    like,
    steps,
    to_square_average,
    to_variance,
    unwrap_accumulators,
    wrap_accumulators,
)


class _RuleOptimizer(torch.optim.Optimizer):
    """What the four optimizers share: checking the arguments, keeping the state, stepping.

    A subclass says which intervals its hyperparameters lie in, names its accumulators and calls its rule.
    """

    _intervals: ClassVar[dict[str, Interval]] = {"lr": NON_NEGATIVE, "weight_decay": NON_NEGATIVE}
    _counts_steps: ClassVar[bool] = True
    _takes_sparse: ClassVar[bool] = False
    _instead_of_sparse: ClassVar[str] = ""
    # What torch.optim's class does not have.
    _options_of_its_own: ClassVar[tuple[str, ...]] = ()
    # Options that older state dicts do not have, with the value that means what was done then.
    _added_later: ClassVar[dict[str, Any]] = {"foreach": None, "maximize": False, "differentiable": False}

    # Of the fused path: a plan for each group, and what has been warned about. Not part of the state.
    _plans: dict[int, Any]
    _said: set[str]

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        self._check_options(defaults)
        self._plans = {}
        self._said = set()
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
            if compiler := torch_fused.missing(device):
                self.param_groups.pop()
                raise RuntimeError(
                    f"fused={group['fused']!r} needs {compiler} for parameters on {device}: "
                    f"pip install {compiler.lower()}, or leave it out"
                )
        for p in group["params"]:
            if not _broadcasts(group["lr"], p):
                self.param_groups.pop()
                raise ValueError(
                    f"Tensor lr must be 1-element, or broadcast to the shape of every parameter; "
                    f"lr has shape {tuple(group['lr'].shape)}, a parameter {tuple(p.shape)}"
                )

    def _check_options(self, options: dict[str, Any]) -> None:
        for name, interval in self._intervals.items():
            _check(name, options[name], interval)
        if options.get("fused"):
            if options["differentiable"]:
                raise RuntimeError("`fused` does not support `differentiable`")
            if options["foreach"]:
                raise RuntimeError("`fused` and `foreach` cannot be `True` together.")

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what was unpickled or loaded, filling in what older versions did not have."""
        super().__setstate__(state)
        self._plans = {}
        self._said = set()
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
            plans = [self._fitting_plan(group) if group.get("fused") else None for group in self.param_groups]
            moving = [
                plan.left if plan is not None else [p for p in group["params"] if p.grad is not None]
                for group, plan in zip(self.param_groups, plans, strict=True)
            ]
            for group, params in zip(self.param_groups, moving, strict=True):
                for p in params:
                    self._check_gradient(p, group)
            for group, params, plan in zip(self.param_groups, moving, plans, strict=True):
                for part in plan.plans if plan is not None else ():
                    self._step_fused(part, group)
                planless = group.get("fused") and plan is None
                for p in self._plan_and_step(group, params) if planless else params:
                    self._update(p, group)
        return loss

    def _fitting_plan(self, group: dict[str, Any]) -> Any:
        """The plan by which a group can be stepped in one pass, as at the step before; None without one."""
        plan = self._plans.get(id(group))
        names = self._names(group)
        if plan is None or not plan.fits(group, names, self.state) or _not_fused(group):
            return None
        refused = (torch_fused.refusal(self._tensors(p, names)) for p in plan.left)
        return plan if all(refused) else None

    def _plan_and_step(self, group: dict[str, Any], params: list[Tensor]) -> list[Tensor]:
        """Update in one pass what can be, of the parameters of ``group`` that have a gradient; returns the others."""
        names = self._names(group)
        self._plans.pop(id(group), None)
        if reason := _not_fused(group):
            self._say(len(params), reason)
            return params
        fitting, left = self._sorted_out(params, group)
        alike: dict[Any, list[Tensor]] = {}
        for p in fitting:
            alike.setdefault((p.device, p.dtype), []).append(p)
        plans = []
        for (device, _), some in alike.items():
            of_device: Any = torch_fused.plan_class(device)
            plan = of_device(some, [self._state(p, group) for p in some], names)
            if plan.overlapping:
                self._say(len(some), "they overlap in memory")
                left += some
            else:
                plans.append(plan)
        for plan in plans:
            self._step_fused(plan, group)
        if plans:
            self._plans[id(group)] = GroupPlan(plans, left, group, names, self.state)
        return left

    def _step_fused(self, plan: Plan, group: dict[str, Any]) -> None:
        rule, arguments = self._chosen(group, arithmetic_dtype(plan.params[0]), None)
        plan.step(
            rule,
            [x.item() if isinstance(x, Tensor) else x for x in arguments],
            group["lr"],
            rate_decay=float(group.get("lr_decay", 0.0)),
            weight_decay=float(group["weight_decay"]),
            decoupled=group.get("decoupled_weight_decay", False),
            maximize=group["maximize"],
        )

    def _tensors(self, p: Tensor, names: tuple[str, ...]) -> tuple[Any, ...]:
        """A parameter, its gradient and its accumulators."""
        return p, p.grad, *(self.state[p][name] for name in names)

    def _sorted_out(self, params: list[Tensor], group: dict[str, Any]) -> tuple[list[Tensor], list[Tensor]]:
        """Those of ``params`` that the compiled rule can step, and the others, about which it is said why not."""
        names = self._names(group)
        fitting: list[Tensor] = []
        others: dict[str, list[Tensor]] = {}
        for p in params:
            self._state(p, group)
            reason = torch_fused.refusal(self._tensors(p, names))
            (others.setdefault(reason, []) if reason else fitting).append(p)
        for reason, refused in others.items():
            self._say(len(refused), reason)
        return fitting, [p for refused in others.values() for p in refused]

    def _say(self, count: int, reason: str) -> None:
        """Warn once that some tensors are not fused, and why."""
        if reason not in self._said:
            self._said.add(reason)
            these = "1 tensor is" if count == 1 else f"{count} tensors are"
            # Up to the line that called step, past PyTorch's wrapper around it.
            warnings.warn(f"fused=True: {these} stepped one by one: {reason}", stacklevel=5)

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
        if _is_on(group["weight_decay"]):
            raise RuntimeError("weight_decay option is not compatible with sparse gradients")
        if _several(group["lr"]):
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
        if _is_on(group["weight_decay"]) and not group.get("decoupled_weight_decay", False):
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
            elif accumulator.dtype in _NARROW:
                state[name] = accumulator.to(arithmetic_dtype(accumulator))
        if self._counts_steps and "step" not in state:
            state["step"] = counter(p, group)
        return state

    def _change(
        self, theta: Tensor, g: Tensor, old: list[Tensor], group: dict[str, Any], state: dict[str, Any]
    ) -> tuple[Tensor, list[Tensor]]:
        """What to subtract from ``theta``, and the new accumulators; those of complex tensors as pairs of reals."""
        direction, *new = self._rule(as_real(g), [as_real(x) for x in old], group, state)
        if _is_on(group["weight_decay"]) and group.get("decoupled_weight_decay", False):
            direction = rules.decoupled_weight_decay(direction, as_real(theta), group["weight_decay"])
        return self._rate(theta, group, state) * direction, new

    def _initial(self, p: Tensor, group: dict[str, Any]) -> Tensor:
        """An accumulator before its first step, with the shape and device of ``p`` and the arithmetic's dtype."""
        return torch.zeros_like(p, dtype=arithmetic_dtype(p), memory_format=torch.preserve_format)

    def _rate(self, theta: Tensor, group: dict[str, Any], state: dict[str, Any]) -> Any:
        lr = group["lr"]
        if _several(lr):
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


# Accumulators of these are kept in single precision; state dicts of other makes may hold them.
_NARROW = (torch.float16, torch.bfloat16, torch.complex32)


_CALLED = {"lr": "learning rate", "eps": "epsilon value"}


def _check(name: str, value: Any, interval: Interval, called: str | None = None) -> None:
    if not isinstance(value, Tensor):
        numbers = [value]
    else:
        # Asking for the numbers would wait for the device; a rate that lives there is the caller's to check.
        numbers = value.detach().flatten().tolist() if value.device.type == "cpu" else []
    for number in numbers:
        try:
            interval.check(name, number)
        except ValueError:
            called = called or _CALLED.get(name, f"{name} value")
            raise ValueError(f"Invalid {called}: {number} ({name} must be {interval})") from None


def _several(lr: Any) -> bool:
    """Whether ``lr`` is a tensor of several rates, or of none."""
    return isinstance(lr, Tensor) and lr.numel() != 1


def _not_fused(group: dict[str, Any]) -> str | None:
    """Why nothing of a group can be stepped by a compiled rule, or None."""
    if _several(group["lr"]):
        return "lr is a tensor of several rates"
    betas = zip(("betas[0]", "betas[1]"), group.get("betas", ()), strict=False)
    for name, value in (*group.items(), *betas):
        if isinstance(value, Tensor) and name != "lr" and value.device.type != "cpu":
            return f"{name} is a tensor on {value.device}"
    return None


def _broadcasts(lr: Any, p: Tensor) -> bool:
    """Whether ``lr`` is one number, or one for each slice of ``p``."""
    if not _several(lr):
        return True
    trailing = p.shape[p.ndim - lr.ndim :] if lr.ndim <= p.ndim else ()
    return len(trailing) == lr.ndim and all(a in (1, b) for a, b in zip(lr.shape, trailing, strict=True))


def _is_on(option: Any) -> bool:
    """Whether an option is not 0; a tensor counts as being so, since asking it would wait for its device."""
    return isinstance(option, Tensor) or option != 0


def _above_zero(eps: Any, dtype: torch.dtype) -> Any:
    """``eps``, or the least normal number if that is larger.

    This keeps 0 / (√0 + ε) from being 0/0 and changes no other quotient: the root of the smallest v above 0 is so
    much larger that it swallows either.
    """
    least = torch.finfo(dtype).tiny
    return eps.clamp(min=least) if isinstance(eps, Tensor) else max(eps, least)


class SGD(_RuleOptimizer):
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
        One pass over memory, see above.

    Raises
    ------
    TypeError, ValueError
        For a hyperparameter outside its range, naming it, its value and what is allowed.
    """

    _intervals: ClassVar[dict[str, Interval]] = {
        **_RuleOptimizer._intervals,
        "momentum": NON_NEGATIVE,
        "dampening": NON_NEGATIVE,
    }
    _counts_steps = False  # torch.optim's SGD keeps no step either
    _takes_sparse = True
    _added_later: ClassVar[dict[str, Any]] = {**_RuleOptimizer._added_later, "nesterov": False, "fused": False}

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
        return ("momentum_buffer",) if _is_on(group["momentum"]) else ()

    def _chosen(
        self, group: dict[str, Any], dtype: torch.dtype, state: dict[str, Any] | None
    ) -> tuple[Rule, tuple[Any, ...]]:
        if not self._names(group):
            return rules.sgd, ()
        return rules.heavy_ball, (group["momentum"], group["dampening"], group["nesterov"])


class AdaGrad(_RuleOptimizer):
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
        One pass over memory, see above.

    Raises
    ------
    TypeError, ValueError
        For a hyperparameter outside its range, naming it, its value and what is allowed.
    """

    _intervals: ClassVar[dict[str, Interval]] = {
        **_RuleOptimizer._intervals,
        "lr_decay": NON_NEGATIVE,
        "initial_accumulator_value": NON_NEGATIVE,
        "eps": NON_NEGATIVE,
    }
    _takes_sparse = True
    _added_later: ClassVar[dict[str, Any]] = {**_RuleOptimizer._added_later, "fused": None}

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
            self.state[p] = {"step": counter(p, group), "sum": self._initial(p, group)}

    def share_memory(self) -> None:
        """Move the accumulators into memory that processes share."""
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["sum"].share_memory_()

    def _initial(self, p: Tensor, group: dict[str, Any]) -> Tensor:
        start = group["initial_accumulator_value"]
        # A complex parameter is a pair of real ones, and each of the two starts there.
        start = complex(start, start) if p.is_complex() else start
        return torch.full_like(p, start, dtype=arithmetic_dtype(p), memory_format=torch.preserve_format)

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
        return rules.adagrad, (_above_zero(group["eps"], dtype),)


class RMSprop(_RuleOptimizer):
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
        One pass over memory, see above. torch.optim.RMSprop has no such argument.

    Raises
    ------
    TypeError, ValueError
        For a hyperparameter outside its range, naming it, its value and what is allowed.
    """

    _intervals: ClassVar[dict[str, Interval]] = {
        **_RuleOptimizer._intervals,
        "alpha": DECAY,
        "eps": NON_NEGATIVE,
        "momentum": NON_NEGATIVE,
    }
    _added_later: ClassVar[dict[str, Any]] = {
        **_RuleOptimizer._added_later,
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
        return (*names, "momentum_buffer") if _is_on(group["momentum"]) else names

    def _chosen(
        self, group: dict[str, Any], dtype: torch.dtype, state: dict[str, Any] | None
    ) -> tuple[Rule, tuple[Any, ...]]:
        eps, momentum = _above_zero(group["eps"], dtype), group["momentum"]
        return rules.of_rmsprop(group["alpha"], eps, momentum if _is_on(momentum) else 0, group["centered"])


class Adam(_RuleOptimizer):
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
        One pass over memory, see above.

    Raises
    ------
    TypeError, ValueError
        For a hyperparameter outside its range, naming it, its value and what is allowed.
    """

    _intervals: ClassVar[dict[str, Interval]] = {**_RuleOptimizer._intervals, "eps": NON_NEGATIVE}
    _instead_of_sparse = ", please consider SparseAdam instead"
    _added_later: ClassVar[dict[str, Any]] = {
        **_RuleOptimizer._added_later,
        "amsgrad": False,
        "capturable": False,
        "decoupled_weight_decay": False,
        "fused": None,
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
            ),
        )

    def _check_options(self, options: dict[str, Any]) -> None:
        super()._check_options(options)
        betas = options["betas"]
        if not isinstance(betas, tuple | list):
            raise TypeError(
                f"betas={betas!r} is a {type(betas).__name__}; it must be a pair of numbers, each in [0, 1)"
            )
        if len(betas) != 2:
            raise ValueError(f"betas={betas!r} is not allowed; it must be a pair, each in [0, 1)")
        for position, beta in enumerate(betas):
            _check(f"betas[{position}]", beta, DECAY, called=f"beta parameter at index {position}")
            if isinstance(beta, Tensor) and beta.numel() != 1:
                raise ValueError(f"Tensor betas[{position}] must be 1-element; it has shape {tuple(beta.shape)}")
        if len({isinstance(beta, Tensor) for beta in betas}) != 1:
            raise ValueError(f"betas must be either both floats or both Tensors; they are {betas!r}")
        for name, value in (("lr", options["lr"]), ("betas[0]", betas[0]), ("betas[1]", betas[1])):
            if isinstance(value, Tensor) and options["foreach"] and not options["capturable"]:
                raise ValueError(f"{name} as a Tensor is not supported for capturable=False and foreach=True")

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        names = ("exp_avg", "exp_avg_sq")
        return (*names, "max_exp_avg_sq") if group["amsgrad"] else names

    def _chosen(
        self, group: dict[str, Any], dtype: torch.dtype, state: dict[str, Any] | None
    ) -> tuple[Rule, tuple[Any, ...]]:
        beta1, beta2 = (b.reshape(()).to(dtype) if isinstance(b, Tensor) else b for b in group["betas"])
        t = 1 if state is None else steps(group, state)
        return (rules.amsgrad if group["amsgrad"] else rules.adam), (t, beta1, beta2, _above_zero(group["eps"], dtype))
