"""RMSprop's and Adam's descendants whose rule works element by element, as Torch optimizers.

:class:`AdaDelta`, :class:`AdaMax`, :class:`NAdam` and :class:`RAdam` take the place of torch.optim's (there
``Adadelta`` and ``Adamax``): the same arguments, defaults, state keys and, to rounding, results. The others torch.optim
does not have.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor

from rmsprop_lib import rules
from rmsprop_lib.hyperparameters import DECAY, NON_NEGATIVE, Interval
from rmsprop_lib.rules import Rule
from rmsprop_lib.torch_optim.base import DECAY_OF_ITS_OWN, RuleOptimizer
from rmsprop_lib.torch_optim.options import above_zero, check_betas, numbers
from rmsprop_lib.torch_optim.state import steps


class AdaDelta(RuleOptimizer):
    """``torch.optim.Adadelta`` over the rule ``adadelta``.

    Parameters
    ----------
    params : iterable of tensors, or of dicts with their own options
    lr : float or tensor, η ≥ 0
        Times the direction, which has the parameters' unit already: 1 as published.
    rho : float, ρ in [0, 1)
        Decay of both averages, of squared gradients (state key ``square_avg``) and of squared steps (``acc_delta``).
    eps : float, ε ≥ 0
        Added inside both roots. With 0 nothing ever moves.
    weight_decay : float ≥ 0
    foreach, capturable, maximize, differentiable, fused, decoupled_weight_decay, weight_decay_by
        As in :class:`~rmsprop_lib.torch_optim.Adam`.

    Raises
    ------
    TypeError, ValueError
        For a hyperparameter outside its range, naming it, its value and what is allowed.
    """

    _intervals: ClassVar[dict[str, Interval]] = {**RuleOptimizer._intervals, "rho": DECAY, "eps": NON_NEGATIVE}
    _added_later: ClassVar[dict[str, Any]] = {**RuleOptimizer._added_later, "capturable": False}
    _options_of_its_own: ClassVar[dict[str, Any]] = {"fused": None, **DECAY_OF_ITS_OWN}
    _rule_name = "adadelta"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
        weight_decay_by: str = "rate",
    ) -> None:
        super().__init__(
            params,
            dict(
                lr=lr,
                rho=rho,
                eps=eps,
                weight_decay=weight_decay,
                maximize=maximize,
                capturable=capturable,
                foreach=foreach,
                differentiable=differentiable,
                fused=fused,
                decoupled_weight_decay=decoupled_weight_decay,
                weight_decay_by=weight_decay_by,
            ),
        )

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("square_avg", "acc_delta")

    def _chosen(
        self, group: dict[str, Any], dtype: torch.dtype, state: dict[str, Any] | None
    ) -> tuple[Rule, tuple[Any, ...]]:
        return rules.adadelta, (group["rho"], above_zero(group["eps"], dtype))


class Descendant(RuleOptimizer):
    """What those have in common that keep an average of gradients and one of sizes, each corrected for its start.

    A subclass says which rule it is and under which names it keeps the two.

    Parameters
    ----------
    params : iterable of tensors, or of dicts with their own options
    lr : float or tensor, η ≥ 0
    betas : pair of floats in [0, 1), or of tensors of one element
        β₁, the decay of the average of gradients (state key ``exp_avg``), and β₂, that of sizes (``exp_avg_sq``).
    eps : float, ε ≥ 0
    weight_decay : float ≥ 0
        Adds weight_decay·θ to the gradient, or to the direction if it is decoupled.
    decoupled_weight_decay : bool
        Whether weight decay is AdamW's.
    weight_decay_by : {"rate", "schedule", "both"}
        What a decoupled decay is multiplied by: η, η over the rate that the group was given (its peak), or both.
    foreach, maximize, capturable, differentiable, fused
        As in :class:`~rmsprop_lib.torch_optim.Adam`.
    """

    _intervals: ClassVar[dict[str, Interval]] = {**RuleOptimizer._intervals, "eps": NON_NEGATIVE}
    _added_later: ClassVar[dict[str, Any]] = {**RuleOptimizer._added_later, "capturable": False}
    _options_of_its_own: ClassVar[dict[str, Any]] = {"fused": None, **DECAY_OF_ITS_OWN}
    _function: ClassVar[Rule]
    _keys: ClassVar[tuple[str, str]] = ("exp_avg", "exp_avg_sq")

    def _check_options(self, options: dict[str, Any]) -> None:
        super()._check_options(options)
        check_betas(options)

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return self._keys

    def _chosen(
        self, group: dict[str, Any], dtype: torch.dtype, state: dict[str, Any] | None
    ) -> tuple[Rule, tuple[Any, ...]]:
        t = 1 if state is None else steps(group, state)
        return type(self)._function, (t, *numbers(group["betas"], dtype), above_zero(group["eps"], dtype))


class AdaMax(Descendant):
    """``torch.optim.Adamax`` over the rule ``adamax``.

    State keys are ``exp_avg`` and ``exp_inf``, the largest gradient so far, which decays with β₂.

    Parameters
    ----------
    params, lr, betas, eps, weight_decay, foreach, maximize, capturable, differentiable, fused
        As in :class:`~rmsprop_lib.torch_optim.Adam`.
    decoupled_weight_decay, weight_decay_by
        As there.
    """

    _function = staticmethod(rules.adamax)
    _keys = ("exp_avg", "exp_inf")
    _rule_name = "adamax"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 2e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
        weight_decay_by: str = "rate",
    ) -> None:
        super().__init__(
            params,
            dict(
                lr=lr,
                betas=betas,
                eps=eps,
                weight_decay=weight_decay,
                foreach=foreach,
                maximize=maximize,
                differentiable=differentiable,
                capturable=capturable,
                fused=fused,
                decoupled_weight_decay=decoupled_weight_decay,
                weight_decay_by=weight_decay_by,
            ),
        )


class RAdam(Descendant):
    """``torch.optim.RAdam`` over the rule ``radam``.

    Parameters
    ----------
    params, lr, betas, eps, weight_decay, foreach, maximize, capturable, differentiable, fused
        As in :class:`~rmsprop_lib.torch_optim.Adam`.
    decoupled_weight_decay, weight_decay_by
        As there.
    """

    _function = staticmethod(rules.radam)
    _options_of_its_own: ClassVar[dict[str, Any]] = {"fused": None, "weight_decay_by": "rate"}
    _added_later: ClassVar[dict[str, Any]] = {**Descendant._added_later, "decoupled_weight_decay": False}
    _rule_name = "radam"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        weight_decay_by: str = "rate",
    ) -> None:
        super().__init__(
            params,
            dict(
                lr=lr,
                betas=betas,
                eps=eps,
                weight_decay=weight_decay,
                maximize=maximize,
                foreach=foreach,
                capturable=capturable,
                decoupled_weight_decay=decoupled_weight_decay,
                differentiable=differentiable,
                fused=fused,
                weight_decay_by=weight_decay_by,
            ),
        )


class NAdam(Descendant):
    """``torch.optim.NAdam`` over the rules ``nadam_scheduled`` and ``nadam``.

    Parameters
    ----------
    params, lr, betas, eps, weight_decay, foreach, maximize, capturable, differentiable, fused
        As in :class:`~rmsprop_lib.torch_optim.Adam`.
    decoupled_weight_decay, weight_decay_by
        As there.
    momentum_decay : float or None
        ψ in the schedule of the momentum, μₜ = β₁(1 − ½·0.96^(tψ)), whose product is kept as ``mu_product``. None has
        a constant momentum, the rule ``nadam``, as in Optax; only this one can be ``fused``.

    Raises
    ------
    ValueError
        If ``momentum_decay`` is negative, or not None where ``fused``; and as in Adam.
    """

    _function = staticmethod(rules.nadam)
    _options_of_its_own: ClassVar[dict[str, Any]] = {"fused": None, "weight_decay_by": "rate"}
    _added_later: ClassVar[dict[str, Any]] = {**Descendant._added_later, "decoupled_weight_decay": False}
    _rule_name = "nadam"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 2e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float | None = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        weight_decay_by: str = "rate",
    ) -> None:
        super().__init__(
            params,
            dict(
                lr=lr,
                betas=betas,
                eps=eps,
                weight_decay=weight_decay,
                momentum_decay=momentum_decay,
                decoupled_weight_decay=decoupled_weight_decay,
                maximize=maximize,
                foreach=foreach,
                capturable=capturable,
                differentiable=differentiable,
                fused=fused,
                weight_decay_by=weight_decay_by,
            ),
        )

    def _check_options(self, options: dict[str, Any]) -> None:
        super()._check_options(options)
        psi = options["momentum_decay"]
        if psi is not None and not psi >= 0:
            raise ValueError(f"Invalid momentum_decay value: {psi} (it must be at least 0, or None)")
        if options.get("fused") and psi is not None:
            raise ValueError(
                f"fused={options['fused']!r} needs momentum_decay=None; the weights of its schedule, "
                f"momentum_decay={psi!r}, are not compiled"
            )

    def _rule(
        self, g: Tensor, old: list[Tensor], group: dict[str, Any], state: dict[str, Any], eta: Any = None
    ) -> tuple[Any, ...]:
        psi = group["momentum_decay"]
        if psi is None:
            return super()._rule(g, old, group, state)
        _, (t, beta1, beta2, eps) = self._chosen(group, g.dtype, state)
        mu, following = (beta1 * (1 - 0.5 * 0.96 ** (k * psi)) for k in (t, t + 1))
        # Kept in single precision where torch's default is, and there only.
        kept = state["mu_product"]
        kept = state["mu_product"] = kept * (mu.to(kept.dtype) if isinstance(mu, Tensor) else mu)
        product = kept.double() if group["capturable"] else kept.item()
        weights = (1 - mu) / (1 - product), following / (1 - product * following)
        return rules.nadam_scheduled(g, old[0], old[1], t, beta1, beta2, eps, *weights)

    def _state(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state = super()._state(p, group)
        if group["momentum_decay"] is not None:
            product = state.setdefault("mu_product", torch.ones_like(state["step"]))
            if not isinstance(product, Tensor) or product.device != state["step"].device:  # an older state dict
                state["mu_product"] = torch.full_like(state["step"], float(product))
        return state


class LaProp(Descendant):
    """LaProp, momentum after scaling with both averages corrected, over the rule ``laprop``.

    Parameters
    ----------
    params, lr, betas, eps
        As in :class:`~rmsprop_lib.torch_optim.Adam`.
    **options
        ``weight_decay``, ``decoupled_weight_decay``, ``weight_decay_by``, ``foreach``, ``maximize``, ``capturable``,
        ``differentiable`` and ``fused``, as there.
    """

    _function = staticmethod(rules.laprop)
    _rule_name = "laprop"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 4e-4,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-15,
        **options: Any,
    ) -> None:
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, **_checked(options)))


class AdaBelief(Descendant):
    """AdaBelief over the rule ``adabelief``.

    State keys are ``exp_avg`` and ``exp_avg_var``.

    Parameters
    ----------
    params, lr, betas, eps
        As in :class:`~rmsprop_lib.torch_optim.Adam`.
    **options
        ``weight_decay``, ``decoupled_weight_decay``, ``weight_decay_by``, ``foreach``, ``maximize``, ``capturable``,
        ``differentiable`` and ``fused``, as there.
    """

    _function = staticmethod(rules.adabelief)
    _keys = ("exp_avg", "exp_avg_var")
    _rule_name = "adabelief"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-16,
        **options: Any,
    ) -> None:
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, **_checked(options)))


class Yogi(Descendant):
    """Yogi over the rule ``yogi``, with both averages corrected.

    Parameters
    ----------
    params, lr, betas, eps
        As in :class:`~rmsprop_lib.torch_optim.Adam`.
    **options
        ``weight_decay``, ``decoupled_weight_decay``, ``weight_decay_by``, ``foreach``, ``maximize``, ``capturable``,
        ``differentiable`` and ``fused``, as there.
    """

    _function = staticmethod(rules.yogi)
    _rule_name = "yogi"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-3,
        **options: Any,
    ) -> None:
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, **_checked(options)))


class Lion(RuleOptimizer):
    """Lion over the rule ``lion``; with both decays equal signum, the sign of the momentum.

    Parameters
    ----------
    params : iterable of tensors, or of dicts with their own options
    lr : float or tensor, η ≥ 0
        What every element moves by.
    betas : pair of floats in [0, 1)
        β₁ for the average whose sign is taken, β₂ for the one that is kept (state key ``exp_avg``).
    weight_decay : float ≥ 0
        Decoupled, as published, unless ``decoupled_weight_decay=False``.
    decoupled_weight_decay : bool
    **options
        ``weight_decay_by``, ``foreach``, ``maximize``, ``capturable``, ``differentiable`` and ``fused``, as in
        :class:`~rmsprop_lib.torch_optim.Adam`.
    """

    _options_of_its_own: ClassVar[dict[str, Any]] = {"fused": None, **DECAY_OF_ITS_OWN}
    _rule_name = "lion"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0,
        decoupled_weight_decay: bool = True,
        **options: Any,
    ) -> None:
        given = _checked({"weight_decay": weight_decay, "decoupled_weight_decay": decoupled_weight_decay, **options})
        super().__init__(params, dict(lr=lr, betas=betas, **given))

    def _check_options(self, options: dict[str, Any]) -> None:
        super()._check_options(options)
        check_betas(options)

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("exp_avg",)

    def _chosen(
        self, group: dict[str, Any], dtype: torch.dtype, state: dict[str, Any] | None
    ) -> tuple[Rule, tuple[Any, ...]]:
        return rules.lion, numbers(group["betas"], dtype)


_FURTHER: dict[str, Any] = {
    "weight_decay": 0,
    "foreach": None,
    "maximize": False,
    "capturable": False,
    "differentiable": False,
    "fused": None,
    **DECAY_OF_ITS_OWN,
}


def _checked(options: dict[str, Any]) -> dict[str, Any]:
    """The options that torch.optim has no order for, all of them; others are refused."""
    if unknown := [name for name in options if name not in _FURTHER]:
        raise TypeError(f"{unknown[0]!r} is no option; there are {', '.join(_FURTHER)}")
    return {**_FURTHER, **options}
