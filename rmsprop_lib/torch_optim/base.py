"""What all Torch optimizers of the book are: state and interface around a rule, with torch.optim's promises kept."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from rmsprop_lib import rules
from rmsprop_lib.compiled import tensors
from rmsprop_lib.compiled.arithmetic import NARROW, arithmetic_dtype
from rmsprop_lib.compiled.one_pass import OnePass
from rmsprop_lib.conventions.checkpoints import from_framework, to_framework
from rmsprop_lib.conventions.options import options_like, row_as_running, row_like, row_of
from rmsprop_lib.conventions.table import Convention
from rmsprop_lib.extras import how_to_get
from rmsprop_lib.hyperparameters import NON_NEGATIVE, Interval
from rmsprop_lib.rules import Rule
from rmsprop_lib.schedules import check_decay_by, decay_by
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

_OF_THE_EXECUTION = ("fused", "foreach", "maximize", "capturable", "differentiable")

DECAY_OF_ITS_OWN: dict[str, Any] = {"decoupled_weight_decay": False, "weight_decay_by": "rate"}
"""Options of every optimizer that torch.optim's SGD, Adagrad and RMSprop do not have, with the value that is off."""

# PyTorch's own check of `capturable`, whose name in older versions speaks of CUDA alone.
_CAPTURE_CHECK = next(
    name
    for name in ("_accelerator_graph_capture_health_check", "_cuda_graph_capture_health_check")
    if hasattr(torch.optim.Optimizer, name)
)


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
    # What torch.optim's class does not have, with the value that is off. Groups have an entry where it is not.
    _options_of_its_own: ClassVar[dict[str, Any]] = DECAY_OF_ITS_OWN
    # Options that older state dicts do not have, with the value that means what was done then.
    _added_later: ClassVar[dict[str, Any]] = {"foreach": None, "maximize": False, "differentiable": False}

    # The rule in the table of conventions, and its settings under the names that our arguments have.
    _rule_name: ClassVar[str]
    _in_the_book: ClassVar[dict[str, str]]

    _one_pass: OnePass

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        off = self._options_of_its_own
        defaults = {**COMMON, **{k: x for k, x in defaults.items() if k not in off or x is not off[k]}}
        self._check_options(defaults)
        self._begin()
        super().__init__(params, defaults)

    @classmethod
    def like(cls, framework: str, params: Iterable[Any], *, optimizer: str | None = None, **arguments: Any) -> Self:
        """The optimizer that does what a framework's does, from the arguments of the framework's own constructor.

        Parameters
        ----------
        framework : str
            One of those in :data:`rmsprop_lib.conventions.TABLE`, such as ``"Keras 3"`` or ``"TensorFlow 1"``.
        params : iterable of tensors, or of dicts with their own options
            Options of a group have the framework's names too.
        optimizer : str, optional
            What it is called there; the first that follows this class's rule by default.
        **arguments
            As the framework's constructor takes them, under its names; what is left out is the framework's default.
            ``fused``, ``foreach``, ``maximize``, ``capturable`` and ``differentiable`` are this class's own.

        Returns
        -------
        An optimizer of this class.

        Raises
        ------
        ValueError
            If the table has no such framework, optimizer or argument, or a value is not allowed.

        Examples
        --------
        >>> from rmsprop_lib.torch_optim import RMSprop
        >>> w = torch.zeros(2, requires_grad=True)
        >>> optimizer = RMSprop.like("TensorFlow 1", [w], learning_rate=0.01, decay=0.9, epsilon=1.0)
        >>> {name: optimizer.defaults[name] for name in ("lr", "alpha", "eps", "eps_inside", "initial_square")}
        {'lr': 0.01, 'alpha': 0.9, 'eps': 1.0, 'eps_inside': True, 'initial_square': 1.0}
        """
        here = {name: arguments.pop(name) for name in _OF_THE_EXECUTION if name in arguments}

        def options(own: Mapping[str, Any]) -> dict[str, Any]:
            row = row_like(cls._rule_name, framework, optimizer, {**arguments, **own})
            return options_like(row, cls._in_the_book)

        def translated(group: dict[str, Any]) -> dict[str, Any]:
            kept = {name: x for name, x in group.items() if name in ("params", "param_names", *_OF_THE_EXECUTION)}
            return {**kept, **options({name: x for name, x in group.items() if name not in kept})}

        defaults = options({})
        if not isinstance(params, Tensor | dict | set):  # which the base class refuses
            params = [translated(group) if isinstance(group, dict) else group for group in params]
        return cls(params, **defaults, **here)

    def __setattr__(self, name: str, value: Any) -> None:
        """Take an attribute; the step that a scheduler of torch's has wrapped only where it can set the rate."""
        if name == "step" and hasattr(value, "_wrapped_by_lr_sched"):
            for group in self.param_groups:
                if tensors.several(group["lr"]):
                    raise ValueError(
                        "a scheduler of torch's sets one rate for a group, but lr has shape "
                        f"{tuple(group['lr'].shape)}; assign group['lr'] before each step instead"
                    )
        super().__setattr__(name, value)

    def _begin(self) -> None:
        """What is not state, and begins anew with a copy or with what is loaded."""
        self._one_pass = OnePass()
        # torch.compile would go into the compilers of the rules: it takes what is around a fused step.
        self._step_outside_the_compiler = torch.compiler.disable(RuleOptimizer._step_groups)

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
        if group.get("weight_decay_by", "rate") != "rate":
            group.setdefault("peak_lr", group["lr"])
        for device in {p.device for p in group["params"]} if group.get("fused") else ():
            if compiler := tensors.missing(device):
                self.param_groups.pop()
                raise RuntimeError(
                    f"fused={group['fused']!r} needs {compiler} for parameters on {device}: "
                    f"{how_to_get(compiler.lower())}, or leave it out"
                )
        for p in group["params"]:
            try:
                check_rate_fits(group["lr"], p)
            except ValueError:
                self.param_groups.pop()
                raise

    def _check_options(self, options: dict[str, Any]) -> None:
        for name, interval in self._intervals.items():
            if name in options:
                check(name, options[name], interval)
        by, decoupled = options.get("weight_decay_by", "rate"), options.get("decoupled_weight_decay", False)
        check_decay_by(by, decoupled, lr=options["lr"])
        if options.get("fused"):
            if options["differentiable"]:
                raise RuntimeError("`fused` does not support `differentiable`")
            if options["foreach"]:
                raise RuntimeError("`fused` and `foreach` cannot be `True` together.")

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what was unpickled or loaded, filling in what older versions did not have."""
        super().__setstate__(state)
        self._begin()
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

        Raises
        ------
        ValueError
            If an option is on that torch.optim does not have and that changes what is computed.
        """
        for group in self.param_groups:
            for name, off in self._options_of_its_own.items():
                if name != "fused" and group.get(name, off) != off:
                    raise ValueError(
                        f"{name}={group[name]!r} has no counterpart in torch.optim, which goes on otherwise"
                    )
        state_dict = self.state_dict()
        state = {k: to_square_average(x) if isinstance(x, dict) else x for k, x in state_dict["state"].items()}
        groups = [
            {name: value for name, value in group.items() if name not in self._options_of_its_own}
            for group in state_dict["param_groups"]
        ]
        return {**state_dict, "state": state, "param_groups": groups}

    def load_framework_state(
        self, framework: str, states: Sequence[Mapping[str, Any]], *, optimizer: str | None = None
    ) -> None:
        """Take over the state of a framework's optimizer in the middle of its run.

        Parameters
        ----------
        framework : str
            One of those in :data:`rmsprop_lib.conventions.TABLE`.
        states : sequence of dict of str to array
            For each parameter, in their order, what the framework's optimizer keeps for it, under its names there
            (``Convention.slots``) and in the parameter's shape; and under ``"step"`` how many steps it has done.
        optimizer : str, optional
            What it is called there; the first that follows this class's rule by default.

        Raises
        ------
        ValueError
            If an array is missing or of another shape, or the two optimizers do not keep the same. Nothing has changed.
        """
        params = [(p, group) for group in self.param_groups for p in group["params"]]
        if len(states) != len(params):
            raise ValueError(f"states has {len(states)} entries; it must have one for each of {len(params)} parameters")
        taken: list[dict[str, Any]] = []
        for k, ((p, group), state) in enumerate(zip(params, states, strict=True)):
            row = self._row_as_running(framework, optimizer, group)
            if self._counts_steps and "step" not in state:
                raise ValueError(f"states[{k}] lacks 'step', the number of steps done; it has {sorted(state)}")
            t = int(state.get("step", 1))
            try:
                arrays = from_framework(row, state, t)
            except ValueError as error:
                raise ValueError(f"states[{k}]: {error}") from None
            for what, array in zip(row.keeps, arrays, strict=True):
                if array.shape != tuple(p.shape):
                    raise ValueError(f"states[{k}]: {what} has shape {array.shape}, the parameter {tuple(p.shape)}")
            entry = {"step": counter(p, group, float(t))} if self._counts_steps else {}
            for name, array in zip(self._names(group), arrays, strict=True):
                entry[name] = self._filled(p, 0.0).copy_(torch.from_numpy(np.array(array)))
            taken.append(entry)
        for (p, _), entry in zip(params, taken, strict=True):
            if entry:
                self.state[p] = entry

    def framework_state(self, framework: str, *, optimizer: str | None = None) -> list[dict[str, Any]]:
        """The state as a framework's optimizer would keep it: what :meth:`load_framework_state` takes.

        Parameters
        ----------
        framework : str
        optimizer : str, optional

        Returns
        -------
        list of dict
            For each parameter float64 arrays under the framework's names, and the number of steps as ``"step"`` where
            it is counted; empty for a parameter that has had no step.

        Raises
        ------
        ValueError
            If the two optimizers do not keep the same.
        """
        found: list[dict[str, Any]] = []
        for group in self.param_groups:
            row = self._row_as_running(framework, optimizer, group)
            for p in group["params"]:
                state = self.state.get(p, {})
                names = self._names(group)
                if not state or any(state.get(name) is None for name in names):
                    found.append({})
                    continue
                t = int(state.get("step", 1))
                kept = tuple(state[name].detach().cpu().double().numpy() for name in names)
                found.append({**to_framework(row, kept, t), **({"step": t} if self._counts_steps else {})})
        return found

    def _row_as_running(self, framework: str, optimizer: str | None, group: dict[str, Any]) -> Convention:
        off = self._options_of_its_own
        return row_as_running(
            row_of(self._rule_name, framework, optimizer),
            {attribute: name for attribute, name in self._in_the_book.items() if name != "betas"},
            lambda name: group[name] if name in group else off[name],
        )

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
            Or if an option has been switched, and the state cannot be carried over.
        TypeError
            If a parameter that has a gradient is neither floating nor complex. Nothing has changed.
        """
        if "capturable" in self.defaults:
            getattr(self, _CAPTURE_CHECK)()
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.set_grad_enabled(self.defaults["differentiable"]):
            if any(group.get("fused") for group in self.param_groups):
                self._step_outside_the_compiler(self)
            else:
                self._step_groups()
        return loss

    def _step_groups(self) -> None:
        turns = [
            self._one_pass.fitting(group, self._names(group), self.state) if group.get("fused") else None
            for group in self.param_groups
        ]
        moving = [
            turn.left if turn is not None else [p for p in group["params"] if p.grad is not None]
            for group, turn in zip(self.param_groups, turns, strict=True)
        ]
        for group, params in zip(self.param_groups, moving, strict=True):
            for p in params:
                self._check_gradient(p, group)
        for group, params, turn in zip(self.param_groups, moving, turns, strict=True):
            if group.get("fused"):
                if turn is None:
                    for p in params:
                        self._state(p, group)
                    turn = self._one_pass.planned(group, self._names(group), params, self.state)
                turn.step(group, partial(self._open, group), weight_decay=float(self._decay(group)))
                params = turn.left
            for p in params:
                self._update(p, group)

    def _check_gradient(self, p: Tensor, group: dict[str, Any]) -> None:
        assert p.grad is not None  # as step has seen
        if state := self.state.get(p):
            self._carry_over(state, group)
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
        theta = p.clone() if differentiable else p
        theta = theta if theta.dtype is dtype else theta.to(dtype)
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
        g = p.grad
        if g.dtype is not theta.dtype:
            g = g.to(theta.dtype)
        if g.is_conj():
            g = g.resolve_conj()
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
                state[name] = self._initial(p, group, name)
            elif accumulator.dtype in NARROW:
                state[name] = accumulator.to(arithmetic_dtype(accumulator))
        if self._counts_steps and "step" not in state:
            state["step"] = counter(p, group)
        return state

    def _change(
        self, theta: Tensor, g: Tensor, old: list[Tensor], group: dict[str, Any], state: dict[str, Any]
    ) -> tuple[Tensor, list[Tensor]]:
        """What to subtract from ``theta``, and the new accumulators; those of complex tensors as pairs of reals."""
        g = as_real(g)
        rate = self._rate(theta, group, state)
        inside = self._rate_inside(group)
        direction, *new = self._rule(g, [as_real(x) for x in old], group, state, rate if inside else None)
        if group.get("caution", False) and is_on(group["momentum"]):
            agrees = direction * g > 0
            direction = rules.cautious(direction, g, agrees.to(direction.dtype).mean())
        if is_on(group["weight_decay"]) and group.get("decoupled_weight_decay", False):
            decay = self._decay(group)
            direction = rules.decoupled_weight_decay(direction, as_real(theta), rate * decay if inside else decay)
        return direction if inside else rate * direction, new

    def _rate_inside(self, group: dict[str, Any]) -> bool:
        """Whether the rule takes the rate itself, and gives what is subtracted from the parameter."""
        return bool(group.get("rate_inside", False) and is_on(group["momentum"]))

    def _decay(self, group: dict[str, Any]) -> Any:
        """The weight decay, so that η times it is what a parameter shrinks by."""
        return decay_by(group["weight_decay"], group.get("weight_decay_by", "rate"), group["lr"], group.get("peak_lr"))

    def _carry_over(self, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Give the state the form that the group's options ask for, where one of them has been switched."""

    def _initial(self, p: Tensor, group: dict[str, Any], name: str) -> Tensor:
        """The accumulator ``name`` before its first step: shape and device of ``p``, the arithmetic's dtype."""
        return self._filled(p, 0.0)

    def _filled(self, p: Tensor, start: float) -> Tensor:
        # A complex parameter is a pair of real ones, and each of the two starts there.
        number = complex(start, start) if p.is_complex() else start
        return torch.full_like(p, number, dtype=arithmetic_dtype(p), memory_format=torch.preserve_format)

    def _rate(self, theta: Tensor, group: dict[str, Any], state: dict[str, Any]) -> Any:
        lr = group["lr"]
        if tensors.several(lr):
            return lr.unsqueeze(-1) if theta.is_complex() else lr  # the same rate for both of a pair
        return lr.reshape(()) if isinstance(lr, Tensor) else lr

    @abstractmethod
    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The state keys of the rule's accumulators, in the order in which it takes and returns them."""

    def _rule(
        self, g: Tensor, old: list[Tensor], group: dict[str, Any], state: dict[str, Any], eta: Any = None
    ) -> tuple[Any, ...]:
        """The direction and the new accumulators."""
        rule, arguments = self._chosen(group, g.dtype, state, **({} if eta is None else {"eta": eta}))
        return rule(g, *old, *arguments)

    def _open(self, group: dict[str, Any], dtype: torch.dtype) -> tuple[Rule, tuple[Any, ...]]:
        """The rule, and what it is given after its state; the step number and the rate are left open."""
        return self._chosen(group, dtype, None, **({"eta": 1.0} if self._rate_inside(group) else {}))

    @abstractmethod
    def _chosen(
        self, group: dict[str, Any], dtype: torch.dtype, state: dict[str, Any] | None
    ) -> tuple[Rule, tuple[Any, ...]]:
        """The rule, and what it is given after its state; the step number is left open where ``state`` is None.

        A class with rules that take the rate has a further argument ``eta`` for it, with None as its default.
        """
