"""SGD, AdaGrad, RMSprop and Adam as ``torch.optim.Optimizer`` subclasses over the book's rules.

Constructor arguments, defaults and state keys are those of the torch.optim class of the same name (there
spelt ``Adagrad``), and so are the results, to rounding. The one difference is deliberate: with ``centered=True``
:class:`RMSprop` keeps the moving variance itself, which cannot become negative, under the key ``variance``
instead of ``square_avg``.

>>> import torch
>>> w = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
>>> optimizer = RMSprop([w], lr=0.1, alpha=0.75, eps=0.0)
>>> (w * w).sum().backward()
>>> optimizer.step()
>>> w.detach()
tensor([ 0.8000, -1.8000], dtype=torch.float64)
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor

from rmsprop_lib import rules
from rmsprop_lib.hyperparameters import DECAY, NON_NEGATIVE, Interval

Rule = Callable[..., tuple[Any, ...]]

# What parts of torch.optim's interface choose between implementations; here there is one.
_CHOICES = ("foreach", "fused", "capturable", "differentiable")


class _RuleOptimizer(torch.optim.Optimizer):
    """What the four optimizers share: checking the arguments, keeping the state, stepping.

    A subclass says which intervals its hyperparameters lie in, names its accumulators and calls its rule.
    """

    _intervals: ClassVar[dict[str, Interval]] = {"lr": NON_NEGATIVE, "weight_decay": NON_NEGATIVE}
    _counts_steps = True

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters with its own hyperparameters, after checking both.

        Raises
        ------
        TypeError, ValueError
            If a hyperparameter is not allowed, or a parameter is not floating or complex. Nothing is added.
        """
        options = {**self.defaults, **{k: v for k, v in param_group.items() if k != "params"}}
        self._check_options(options)
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError("params is a set; it must be an ordered collection, such as a list")
        params = [params] if isinstance(params, Tensor) else list(params)
        for p in params:
            tensor = p[1] if isinstance(p, tuple) else p
            if isinstance(tensor, Tensor) and not (tensor.is_floating_point() or tensor.is_complex()):
                raise TypeError(f"a parameter has dtype {tensor.dtype}; it must be floating or complex")
        super().add_param_group({**param_group, "params": params})

    def _check_options(self, options: dict[str, Any]) -> None:
        for name, interval in self._intervals.items():
            _check(name, options[name], interval)
        for name in _CHOICES:
            if options.get(name):
                raise ValueError(f"{name}={options[name]!r} is not supported; leave it out, or pass None or False")

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Do one step for every parameter that has a gradient.

        Parameters
        ----------
        closure : callable, optional
            Reevaluates the model and returns the loss, which is then returned.

        Raises
        ------
        RuntimeError
            If a gradient is sparse. Nothing has changed.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None and p.grad.layout is not torch.strided:
                    raise RuntimeError(f"{type(self).__name__} does not support sparse gradients ({p.grad.layout})")
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self._update(p, group)
        return loss

    def _update(self, p: Tensor, group: dict[str, Any]) -> None:
        assert p.grad is not None  # as step has seen
        g = -p.grad if group["maximize"] else p.grad
        decoupled = group.get("decoupled_weight_decay", False)
        if group["weight_decay"] and not decoupled:
            g = g + group["weight_decay"] * p
        names = self._names(group)
        state = self.state[p] if names or self._counts_steps else {}
        for name in names:
            if name not in state:
                state[name] = self._initial(p, g, group)
        if self._counts_steps:
            state.setdefault("step", torch.zeros(())).add_(1)
        # A complex parameter is a pair of real ones.
        theta, g, *old = (torch.view_as_real(x) if x.is_complex() else x for x in (p, g, *(state[n] for n in names)))
        direction, *new = self._rule(g, old, group, state)
        if group["weight_decay"] and decoupled:
            direction = rules.decoupled_weight_decay(direction, theta, group["weight_decay"])
        theta.sub_(self._rate(group, state) * direction)
        for accumulator, value in zip(old, new, strict=True):
            accumulator.copy_(value)

    def _initial(self, p: Tensor, g: Tensor, group: dict[str, Any]) -> Tensor:
        """An accumulator before its first step, with the shape, dtype and device of ``p``."""
        return torch.zeros_like(p, memory_format=torch.preserve_format)

    def _rate(self, group: dict[str, Any], state: dict[str, Any]) -> Any:
        lr = group["lr"]
        # One number may come in any shape; several are broadcast against the parameter.
        return lr.reshape(()) if isinstance(lr, Tensor) and lr.numel() == 1 else lr

    @abstractmethod
    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The state keys of the rule's accumulators, in the order in which it takes and returns them."""

    @abstractmethod
    def _rule(self, g: Tensor, old: list[Tensor], group: dict[str, Any], state: dict[str, Any]) -> tuple[Any, ...]:
        """The direction and the new accumulators."""


def _check(name: str, value: Any, interval: Interval) -> None:
    if isinstance(value, Tensor):
        # Asking for the numbers would wait for the device; a rate that lives there is the caller's to check.
        if value.device.type == "cpu":
            for element in value.detach().flatten().tolist():
                interval.check(name, element)
    else:
        interval.check(name, value)


class SGD(_RuleOptimizer):
    """``torch.optim.SGD`` over the rules ``sgd`` and ``heavy_ball``.

    Parameters
    ----------
    params : iterable of tensors, or of dicts with their own options
    lr : float or tensor, η ≥ 0
        A tensor of several rates is broadcast against each parameter: one rate for each slice of it.
    momentum : float, γ in [0, 1)
    dampening : float in [0, 1)
        The buffer takes (1 − dampening)·g, from its second step on.
    weight_decay : float ≥ 0
        Adds weight_decay·θ to the gradient.
    nesterov : bool
        Needs momentum and no dampening.
    maximize : bool
        Ascend instead.
    foreach, fused, differentiable
        Accepted as None or False.

    Raises
    ------
    TypeError, ValueError
        For a hyperparameter outside its range, naming it, its value and what is allowed.
    """

    _intervals: ClassVar[dict[str, Interval]] = {**_RuleOptimizer._intervals, "momentum": DECAY, "dampening": DECAY}
    _counts_steps = False  # torch.optim's SGD keeps no step either

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
                f"nesterov=True with momentum={options['momentum']!r}, dampening={options['dampening']!r} "
                "is not allowed; it needs momentum above 0 and dampening 0"
            )

    def _initial(self, p: Tensor, g: Tensor, group: dict[str, Any]) -> Tensor:
        # torch.optim's buffer begins as the whole gradient, undampened: the rule makes that of δ·g/γ.
        share: float = group["dampening"] / group["momentum"]
        return g * share

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] else ()

    def _rule(self, g: Tensor, old: list[Tensor], group: dict[str, Any], state: dict[str, Any]) -> tuple[Any, ...]:
        if not group["momentum"]:
            return rules.sgd(g)
        (b,) = old
        return rules.heavy_ball(g, b, group["momentum"], group["dampening"], group["nesterov"])


class AdaGrad(_RuleOptimizer):
    """``torch.optim.Adagrad`` over the rule ``adagrad``.

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
        Where Σg² starts; state key ``sum``.
    eps : float, ε ≥ 0
    maximize : bool
        Ascend instead.
    foreach, fused, differentiable
        Accepted as None or False.

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
        """Add a group; its accumulators are made at once, as torch.optim's are."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for p in group["params"]:
            self.state[p] = {"step": torch.zeros(()), "sum": self._initial(p, p, group)}

    def _initial(self, p: Tensor, g: Tensor, group: dict[str, Any]) -> Tensor:
        start = group["initial_accumulator_value"]
        # A complex parameter is a pair of real ones, and each of the two starts there.
        return torch.full_like(p, complex(start, start) if p.is_complex() else start).detach()

    def _rate(self, group: dict[str, Any], state: dict[str, Any]) -> Any:
        return super()._rate(group, state) / (1 + (state["step"].item() - 1) * group["lr_decay"])

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("sum",)

    def _rule(self, g: Tensor, old: list[Tensor], group: dict[str, Any], state: dict[str, Any]) -> tuple[Any, ...]:
        (G,) = old
        return rules.adagrad(g, G, group["eps"])


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
    momentum : float, γ in [0, 1)
        Applied after scaling, the rate outside the buffer; state key ``momentum_buffer``.
    centered : bool
        Divide by the root of the moving variance; state keys ``variance`` and ``grad_avg``. Stays finite where
        torch.optim's subtraction of two averages turns negative.
    maximize : bool
        Ascend instead.
    capturable, foreach, differentiable
        Accepted as None or False.

    Raises
    ------
    TypeError, ValueError
        For a hyperparameter outside its range, naming it, its value and what is allowed.
    """

    _intervals: ClassVar[dict[str, Interval]] = {
        **_RuleOptimizer._intervals,
        "alpha": DECAY,
        "eps": NON_NEGATIVE,
        "momentum": DECAY,
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
            ),
        )

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        names = ("variance", "grad_avg") if group["centered"] else ("square_avg",)
        return (*names, "momentum_buffer") if group["momentum"] else names

    def _rule(self, g: Tensor, old: list[Tensor], group: dict[str, Any], state: dict[str, Any]) -> tuple[Any, ...]:
        rho, gamma, eps = group["alpha"], group["momentum"], group["eps"]
        if gamma:
            with_momentum: Rule = rules.centered_rmsprop_momentum if group["centered"] else rules.rmsprop_momentum
            return with_momentum(g, *old, rho, gamma, eps)
        rule: Rule = rules.centered_rmsprop if group["centered"] else rules.rmsprop
        return rule(g, *old, rho, eps)


class Adam(_RuleOptimizer):
    """``torch.optim.Adam``, and with ``decoupled_weight_decay`` ``torch.optim.AdamW``, over the rules ``adam``,
    ``amsgrad`` and ``decoupled_weight_decay``.

    Parameters
    ----------
    params : iterable of tensors, or of dicts with their own options
    lr : float or tensor, η ≥ 0
        A tensor of several rates is broadcast against each parameter: one rate for each slice of it.
    betas : pair of floats in [0, 1)
        Decay of the averages of gradients (state key ``exp_avg``) and of squares (``exp_avg_sq``).
    eps : float, ε ≥ 0
        Added to the root.
    weight_decay : float ≥ 0
        Adds weight_decay·θ to the gradient, or to the direction if it is decoupled.
    amsgrad : bool
        Divide by the root of the largest average of squares so far, state key ``max_exp_avg_sq``.
    decoupled_weight_decay : bool
        Whether weight decay is AdamW's.
    foreach, capturable, differentiable, fused
        Accepted as None or False.
    maximize : bool
        Ascend instead.

    Raises
    ------
    TypeError, ValueError
        For a hyperparameter outside its range, naming it, its value and what is allowed.
    """

    _intervals: ClassVar[dict[str, Interval]] = {**_RuleOptimizer._intervals, "eps": NON_NEGATIVE}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
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
            _check(f"betas[{position}]", beta, DECAY)

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        names = ("exp_avg", "exp_avg_sq")
        return (*names, "max_exp_avg_sq") if group["amsgrad"] else names

    def _rule(self, g: Tensor, old: list[Tensor], group: dict[str, Any], state: dict[str, Any]) -> tuple[Any, ...]:
        rule: Rule = rules.amsgrad if group["amsgrad"] else rules.adam
        beta1, beta2 = group["betas"]
        return rule(g, *old, state["step"].item(), beta1, beta2, group["eps"])
