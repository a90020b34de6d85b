r"""How the frameworks' optimizers differ from the book's rules: one table, and one function that runs a row of it.

Two frameworks' "RMSprop" agree in the rule and differ in where ε stands, where the accumulator starts, whether the
learning rate enters the momentum buffer, how weights decay, whether averages are corrected, whether steps are masked,
and in the defaults. A :class:`Convention` says all of this in the book's notation. :func:`replay` runs the rules of
:mod:`rmsprop_lib.rules` with it.

The rows were read off source and documentation. Those of PyTorch, Keras 3, Optax, TensorFlow 1 and timm are checked
against the frameworks' own code: the file that :func:`recording` loads has the paths that their optimizers took
(``tools/measure/record_traces.py``), and the tests reproduce each. What has no recorded path is compared in the tests
with a separate implementation of the published code: the rows tf.keras 2 (TensorFlow 2.0 to 2.10, since then
``tf.keras.optimizers.legacy``), Stable-Baselines3 and DQN, Optax's ``bias_correction``, and timm's ``caution`` and
``corrected_weight_decay``.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.hyperparameters import DECAY, NON_NEGATIVE, Interval

TRACES_FILE = Path(__file__).with_name("data") / "framework_traces.json"
"""Where the recorded paths lie."""

Rule = Literal["sgd", "adagrad", "rmsprop", "adam"]
"""The names of the rules that a convention can follow."""
EpsilonAt = Literal["outside", "inside", "by momentum", "uncorrected"]
"""Where ε stands, see :class:`Convention`."""

# What a rule needs beside what all have.
_DECAYS: dict[str, tuple[str, ...]] = {"sgd": (), "adagrad": (), "rmsprop": ("rho",), "adam": ("beta1", "beta2")}
_OPTIONAL = ("eta", "rho", "beta1", "beta2")
_ALLOWED: dict[str, Interval] = {
    "eta": NON_NEGATIVE,
    "eps": NON_NEGATIVE,
    "initial": NON_NEGATIVE,
    "weight_decay": NON_NEGATIVE,
    "gamma": DECAY,
    "rho": DECAY,
    "beta1": DECAY,
    "beta2": DECAY,
}


@dataclass(frozen=True, kw_only=True)
class Convention:
    """One optimizer of one framework, with all its settings, in the book's notation.

    Attributes
    ----------
    framework, optimizer : str
        As they are called there.
    rule : {"sgd", "adagrad", "rmsprop", "adam"}
        Which of the book's rules gives the direction.
    eta : float or None
        Learning rate η by default; None where there is no default.
    rho : float or None
        Decay ρ in RMSprop.
    beta1, beta2 : float or None
        Decays β₁, β₂ in Adam.
    eps : float
        The constant ε.
    eps_at : {"outside", "inside", "by momentum", "uncorrected"}
        √v + ε; √(v + ε); in RMSprop, outside if γ = 0 and inside if γ > 0; or, in Adam, ε added to √v *before* the bias
        correction, which makes it ε/√(1 − β₂ᵗ) outside.
    initial : float
        Where the accumulator of squares starts: G₀ or v₀.
    gamma : float
        Momentum γ, after the scaling.
    nesterov : bool
    rate_inside : bool
        Whether the momentum buffer takes in η·d, so that a later change of the rate leaves what it holds as it is.
    centered : bool
        RMSprop's centered form.
    amsgrad : bool
        Adam's form with the largest v so far, the maximum taken before bias correction.
    bias_correction : bool
        Whether the averages of Adam or RMSprop are divided by the sum of their weights.
    caution : bool
        Whether a step with momentum is made only where it has the gradient's sign, and lengthened by the share of the
        coordinates that do not have it (Liang et al. 2024).
    weight_decay : float
        λ.
    decoupled : bool
        Whether the decay shrinks the parameter by ηλ, or λθ is added to the gradient.
    corrected_decay : bool
        Whether a decoupled decay shrinks it by η²λ over the largest rate (Defazio 2025).
    names : mapping of str to str
        The framework's name of an argument to the attribute here; a pair such as ``betas`` has two, and a switch such
        as ``eps_in_sqrt`` stands for "inside" or "outside". What is not in it cannot be set there.

    Raises
    ------
    ValueError, TypeError
        If a value is not allowed; the message names it and what is.
    """

    framework: str
    optimizer: str
    rule: Rule
    eta: float | None = None
    rho: float | None = None
    beta1: float | None = None
    beta2: float | None = None
    eps: float = 0.0
    eps_at: EpsilonAt = "outside"
    initial: float = 0.0
    gamma: float = 0.0
    nesterov: bool = False
    rate_inside: bool = False
    centered: bool = False
    amsgrad: bool = False
    bias_correction: bool = False
    caution: bool = False
    weight_decay: float = 0.0
    decoupled: bool = False
    corrected_decay: bool = False
    names: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, choices in (("rule", get_args(Rule)), ("eps_at", get_args(EpsilonAt))):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name}={getattr(self, name)!r} is not allowed; it must be one of {choices}")
        if self.eps_at == "uncorrected" and self.rule != "adam":
            raise ValueError(f"eps_at='uncorrected' is not allowed with rule={self.rule!r}; only Adam's v is corrected")
        if self.eps_at == "by momentum" and self.rule != "rmsprop":
            raise ValueError(
                f"eps_at='by momentum' is not allowed with rule={self.rule!r}; only tf.keras 2's RMSprop has it"
            )
        if self.bias_correction and self.rule not in ("adam", "rmsprop"):
            raise ValueError(f"bias_correction=True is not allowed with rule={self.rule!r}, which has no average")
        if self.bias_correction and self.initial and self.rule == "rmsprop":
            raise ValueError(f"initial={self.initial!r} is not allowed with bias_correction=True; it must be 0")
        if self.eps_at == "inside" and self.rule == "adam":
            raise ValueError("eps_at='inside' is not allowed with rule='adam'; no framework's Adam has it")
        for name, interval in _ALLOWED.items():
            value = getattr(self, name)
            if value is None and name in _OPTIONAL:
                if name in _DECAYS[self.rule]:
                    raise ValueError(f"{name}=None is not allowed with rule={self.rule!r}; it must be {interval}")
            else:
                interval.check(name, value)

    def given(self, **arguments: Any) -> "Convention":
        """This row with the arguments of the framework's own constructor, under the names that they have there.

        Parameters
        ----------
        **arguments
            Names and values, as that constructor takes them.

        Returns
        -------
        Convention
            A new one; this row stays as it is.

        Raises
        ------
        ValueError
            If there is no such argument in the table, or its value is not allowed. The message lists the known ones.

        Examples
        --------
        >>> convention("PyTorch", "RMSprop").given(alpha=0.95, momentum=0.9).rho
        0.95
        """
        changes: dict[str, Any] = {}
        for name, value in arguments.items():
            if name not in self.names:
                known = ", ".join(self.names) or "none"
                ours = f"{self.framework}'s {self.optimizer}"
                raise ValueError(f"{name}={value!r} is not in the table for {ours}; it has: {known}")
            attributes = self.names[name].split()
            for attribute, part in zip(attributes, value if len(attributes) > 1 else (value,), strict=True):
                if attribute == "eps_at":
                    changes[attribute] = "inside" if part else "outside"
                else:  # momentum=None and weight_decay=None are how Optax and Keras say that there is none
                    changes[attribute] = 0.0 if part is None else part
        return replace(self, **changes)

    @property
    def eps_inside(self) -> bool:
        """Whether ε stands inside the root with these settings; in tf.keras 2 momentum decides."""
        return self.eps_at == "inside" or (self.eps_at == "by momentum" and self.gamma > 0)

    def settings(self) -> dict[str, Any]:
        """All but the names: what the rule does, in the book's notation.

        Returns
        -------
        dict of str to bool, float, str or None
            The attributes from ``rule`` to ``corrected_decay``, under their names; ``eps_at`` is where ε stands with
            these settings, so never "by momentum".
        """
        apart = ("framework", "optimizer", "names")
        found = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in apart}
        if self.eps_at == "by momentum":
            found["eps_at"] = "inside" if self.eps_inside else "outside"
        return found


_TORCH = {"lr": "eta", "weight_decay": "weight_decay"}
_KERAS = {"learning_rate": "eta", "weight_decay": "weight_decay"}
_RATE = {"learning_rate": "eta"}
_RMSPROP = {"eps": "eps", "centered": "centered", "momentum": "gamma"}
_KERAS_ADAM = _KERAS | {"beta_1": "beta1", "beta_2": "beta2", "epsilon": "eps", "amsgrad": "amsgrad"}
_TORCH_ADAM = _TORCH | {"betas": "beta1 beta2", "eps": "eps", "amsgrad": "amsgrad"}
_OPTAX_ADAM = _RATE | {"b1": "beta1", "b2": "beta2", "eps": "eps"}
_SGD = {"momentum": "gamma", "nesterov": "nesterov"}

# fmt: off
TABLE: tuple[Convention, ...] = (
    Convention(framework="PyTorch", optimizer="RMSprop", rule="rmsprop", eta=0.01, rho=0.99, eps=1e-8,
               names=_TORCH | _RMSPROP | {"alpha": "rho"}),
    Convention(framework="Keras 3", optimizer="RMSprop", rule="rmsprop", eta=0.001, rho=0.9, eps=1e-7,
               eps_at="inside", rate_inside=True, decoupled=True,
               names=_KERAS | {"rho": "rho", "epsilon": "eps", "centered": "centered", "momentum": "gamma"}),
    Convention(framework="Optax", optimizer="rmsprop", rule="rmsprop", rho=0.9, eps=1e-8,
               eps_at="inside", rate_inside=True,
               names=_RATE | _RMSPROP | {"decay": "rho", "nesterov": "nesterov", "eps_in_sqrt": "eps_at",
                                         "initial_scale": "initial", "bias_correction": "bias_correction"}),
    Convention(framework="TensorFlow 1", optimizer="RMSPropOptimizer", rule="rmsprop", rho=0.9, eps=1e-10,
               eps_at="inside", initial=1.0, rate_inside=True,
               names=_RATE | {"decay": "rho", "epsilon": "eps", "centered": "centered", "momentum": "gamma"}),
    Convention(framework="timm", optimizer="RMSpropTF", rule="rmsprop", eta=0.01, rho=0.9, eps=1e-10,
               eps_at="inside", initial=1.0, rate_inside=True,
               names=_TORCH | _RMSPROP | {"alpha": "rho", "lr_in_momentum": "rate_inside",
                                          "decoupled_decay": "decoupled", "caution": "caution",
                                          "corrected_weight_decay": "corrected_decay"}),
    Convention(framework="tf.keras 2", optimizer="RMSprop", rule="rmsprop", eta=0.001, rho=0.9, eps=1e-7,
               eps_at="by momentum", rate_inside=True,
               names=_RATE | {"rho": "rho", "epsilon": "eps", "centered": "centered", "momentum": "gamma"}),
    Convention(framework="Stable-Baselines3", optimizer="RMSpropTFLike", rule="rmsprop", eta=0.01, rho=0.99, eps=1e-8,
               eps_at="inside", initial=1.0, names=_TORCH | _RMSPROP | {"alpha": "rho"}),
    # The paper's "gradient momentum" and "squared gradient momentum" are both ρ, its "min squared gradient" is ε.
    Convention(framework="DQN (2015)", optimizer="RMSprop", rule="rmsprop", eta=0.00025, rho=0.95, eps=0.01,
               eps_at="inside", centered=True),
    Convention(framework="Graves (2013)", optimizer="RMSprop", rule="rmsprop", eta=1e-4, rho=0.95, eps=1e-4,
               eps_at="inside", rate_inside=True, centered=True, gamma=0.9),
    Convention(framework="Hinton's slide", optimizer="RMSprop", rule="rmsprop", rho=0.9),

    Convention(framework="PyTorch", optimizer="Adagrad", rule="adagrad", eta=0.01, eps=1e-10,
               names=_TORCH | {"eps": "eps", "initial_accumulator_value": "initial"}),
    Convention(framework="Keras 3", optimizer="Adagrad", rule="adagrad", eta=0.001, eps=1e-7,
               eps_at="inside", initial=0.1, decoupled=True,
               names=_KERAS | {"epsilon": "eps", "initial_accumulator_value": "initial"}),
    Convention(framework="Optax", optimizer="adagrad", rule="adagrad", eps=1e-7, eps_at="inside", initial=0.1,
               names=_RATE | {"eps": "eps", "initial_accumulator_value": "initial"}),
    Convention(framework="TensorFlow 1", optimizer="AdagradOptimizer", rule="adagrad", initial=0.1,
               names=_RATE | {"initial_accumulator_value": "initial"}),

    Convention(framework="PyTorch", optimizer="Adam", rule="adam", eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8,
               bias_correction=True, names=_TORCH_ADAM | {"decoupled_weight_decay": "decoupled"}),
    Convention(framework="PyTorch", optimizer="AdamW", rule="adam", eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8,
               bias_correction=True, weight_decay=0.01, decoupled=True, names=_TORCH_ADAM),
    Convention(framework="Keras 3", optimizer="Adam", rule="adam", eta=0.001, beta1=0.9, beta2=0.999, eps=1e-7,
               eps_at="uncorrected", bias_correction=True, decoupled=True, names=_KERAS_ADAM),
    Convention(framework="Keras 3", optimizer="AdamW", rule="adam", eta=0.001, beta1=0.9, beta2=0.999, eps=1e-7,
               eps_at="uncorrected", bias_correction=True, weight_decay=0.004, decoupled=True, names=_KERAS_ADAM),
    Convention(framework="Optax", optimizer="adam", rule="adam", beta1=0.9, beta2=0.999, eps=1e-8,
               bias_correction=True, names=_OPTAX_ADAM),
    Convention(framework="Optax", optimizer="adamw", rule="adam", beta1=0.9, beta2=0.999, eps=1e-8,
               bias_correction=True, weight_decay=1e-4, decoupled=True,
               names=_OPTAX_ADAM | {"weight_decay": "weight_decay"}),
    Convention(framework="TensorFlow 1", optimizer="AdamOptimizer", rule="adam", eta=0.001, beta1=0.9, beta2=0.999,
               eps=1e-8, eps_at="uncorrected", bias_correction=True,
               names=_RATE | {"beta1": "beta1", "beta2": "beta2", "epsilon": "eps"}),

    Convention(framework="PyTorch", optimizer="SGD", rule="sgd", eta=0.001, names=_TORCH | _SGD),
    Convention(framework="Keras 3", optimizer="SGD", rule="sgd", eta=0.01, rate_inside=True, decoupled=True,
               names=_KERAS | _SGD),
    Convention(framework="Optax", optimizer="sgd", rule="sgd", names=_RATE | _SGD),
    Convention(framework="TensorFlow 1", optimizer="GradientDescentOptimizer", rule="sgd", names=_RATE),
    Convention(framework="TensorFlow 1", optimizer="MomentumOptimizer", rule="sgd",
               names=_RATE | {"momentum": "gamma", "use_nesterov": "nesterov"}),
)
# fmt: on
"""Every optimizer that the book knows the convention of, with the defaults it has there."""


def convention(framework: str, optimizer: str) -> Convention:
    """The row of :data:`TABLE` for an optimizer, with its defaults.

    Parameters
    ----------
    framework, optimizer : str
        As they are called there, such as ``"Keras 3"`` and ``"RMSprop"``.

    Returns
    -------
    Convention

    Raises
    ------
    ValueError
        If there is none. The message lists those of the framework, or the frameworks.
    """
    names = {row.optimizer: row for row in TABLE if row.framework == framework}
    if not names:
        known = ", ".join(dict.fromkeys(row.framework for row in TABLE))
        raise ValueError(f"framework={framework!r} is not in the table; it has: {known}")
    if optimizer not in names:
        raise ValueError(f"optimizer={optimizer!r} is not in the table; for {framework} it has: {', '.join(names)}")
    return names[optimizer]


def replay(
    row: Convention,
    gradients: np.ndarray | Callable[[np.ndarray], np.ndarray],
    rates: np.ndarray | list[float],
    start: np.ndarray | list[float],
) -> np.ndarray:
    """Run the book's rule with a row's settings, in float64.

    Parameters
    ----------
    row : Convention
        Its ``eta`` is not used: the rates are given, and the largest of them is the one that a corrected weight decay
        is divided by (timm takes its constructor's).
    gradients : array of shape (T, ...), or callable
        What the optimizer is given at each step, weight decay not included; or the gradient at a point.
    rates : array of shape (T,)
        The learning rate of each step.
    start : array of shape (...)

    Returns
    -------
    array of shape (T + 1, ...)
        The parameters, the start first.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a rate is negative or not finite.

    Examples
    --------
    >>> hinton = convention("Hinton's slide", "RMSprop").given()
    >>> replay(hinton, np.array([[3.0]]), [0.1], [1.0]).round(3).tolist()
    [[1.0], [0.684]]
    """
    etas, theta = np.asarray(rates, dtype=float), np.array(start, dtype=float)
    if etas.ndim != 1 or not np.all(np.isfinite(etas) & (etas >= 0)):
        raise ValueError(f"rates={rates!r} is not allowed; it must be a list of finite numbers, at least 0")
    needed = etas.shape + theta.shape
    if not callable(gradients) and np.shape(gradients) != needed:
        raise ValueError(f"gradients has shape {np.shape(gradients)}, but rates and start need {needed}")
    path, peak = [theta], etas.max(initial=0.0)
    b = np.zeros_like(theta)
    state = _initial_state(row, theta)
    for t, eta in enumerate(etas, start=1):
        g = np.asarray(gradients(theta) if callable(gradients) else gradients[t - 1], dtype=float)
        if not row.decoupled:
            g = g + row.weight_decay * theta
        d, state = _direction(row, g, state, t)
        if row.rate_inside:
            step, b = rules.heavy_ball(eta * d, b, row.gamma, nesterov=row.nesterov)
        else:
            d, b = rules.heavy_ball(d, b, row.gamma, nesterov=row.nesterov)
            step = eta * d
        if row.caution and row.gamma:
            step = _cautious(step, g)
        if row.decoupled and eta > 0:
            shrinks = eta * row.weight_decay * (eta / peak if row.corrected_decay else 1)
            step = rules.decoupled_weight_decay(step, theta, shrinks)
        theta = theta - step
        path.append(theta)
    return np.array(path)


def _initial_state(row: Convention, theta: np.ndarray) -> tuple[Any, ...]:
    """The accumulators before the first step, in the order in which the rule takes them."""
    zero, squares = np.zeros_like(theta), np.full_like(theta, row.initial)
    if row.rule == "sgd":
        return ()
    if row.rule == "adagrad":
        return (squares,)
    if row.rule == "rmsprop":
        return (squares, zero) if row.centered else (squares,)
    return (zero, squares, zero) if row.amsgrad else (zero, squares)


def _cautious(step: np.ndarray, g: np.ndarray) -> np.ndarray:
    """The step where it has the gradient's sign, divided by the share of such coordinates (in timm at least 0.001)."""
    agrees = step * g > 0
    kept: np.ndarray = step * agrees / max(float(np.mean(agrees)), 1e-3)
    return kept


def _direction(row: Convention, g: np.ndarray, state: tuple[Any, ...], t: int) -> tuple[Any, tuple[Any, ...]]:
    """The rule's direction and the state after it, momentum after scaling not included."""
    inside = row.eps_inside
    rule: Callable[..., tuple[Any, ...]]
    hyperparameters: tuple[Any, ...]
    if row.rule == "sgd":
        rule, hyperparameters = rules.sgd, ()
    elif row.rule == "adagrad":
        rule, hyperparameters = rules.adagrad, (row.eps, inside)
    elif row.rule == "rmsprop":
        assert row.rho is not None  # checked when the row was made
        rho = row.rho
        if row.bias_correction:  # divided by the sum of its weights, an average is one whose decay rises from 0 to ρ
            rho *= rules.weight_sum(rho, t - 1) / rules.weight_sum(rho, t)
        rule = rules.centered_rmsprop if row.centered else rules.rmsprop
        hyperparameters = rho, row.eps, inside
    else:
        assert row.beta2 is not None  # checked when the row was made
        time = t if row.bias_correction else math.inf
        eps = row.eps / math.sqrt(rules.weight_sum(row.beta2, time)) if row.eps_at == "uncorrected" else row.eps
        rule = rules.amsgrad if row.amsgrad else rules.adam
        hyperparameters = time, row.beta1, row.beta2, eps
    d, *after = rule(g, *state, *hyperparameters)
    return d, tuple(after)


@dataclass(frozen=True)
class Trace:
    """The path of a framework's own optimizer, recorded.

    Attributes
    ----------
    row : Convention
        The optimizer, with the arguments of this run.
    arguments : dict
        What its constructor was given beside the rate, under the names that it has there.
    theta : array of shape (T / every, n)
        The parameters after every few steps.
    """

    row: Convention
    arguments: dict[str, Any]
    theta: np.ndarray


@dataclass(frozen=True)
class Recording:
    """What ``tools/measure/record_traces.py`` recorded: what all runs had in common, and each run's path.

    Attributes
    ----------
    versions : dict of str to str
        Of each framework.
    defaults : dict
        Framework, optimizer and argument to the default value that its constructor has.
    gradients : array of shape (T, n)
    rates : array of shape (T,)
    start : array of shape (n,)
    every : int
        How many steps lie between two recorded points.
    traces : tuple of Trace
    """

    versions: dict[str, str]
    defaults: dict[str, dict[str, dict[str, Any]]]
    gradients: np.ndarray
    rates: np.ndarray
    start: np.ndarray
    every: int
    traces: tuple[Trace, ...]

    def distance(self, trace: Trace, row: Convention | None = None) -> float:
        """How far our rule ends up from a recorded path, at most, relative to how far the coordinate has moved.

        Parameters
        ----------
        trace : Trace
            One of this recording.
        row : Convention, optional
            Other settings for our rule than the trace's own.

        Returns
        -------
        float
            The largest over all recorded points and coordinates, without a unit.
        """
        ours = replay(trace.row if row is None else row, self.gradients, self.rates, self.start)
        moved = np.abs(trace.theta - self.start).max(axis=0)
        return float(np.max(np.abs(ours[self.every :: self.every] - trace.theta) / moved))


def recording(path: str | Path = TRACES_FILE) -> Recording:
    """Load the recorded paths of the frameworks' optimizers.

    Parameters
    ----------
    path : str or Path
        The file in the library by default.

    Returns
    -------
    Recording

    Raises
    ------
    FileNotFoundError
        If the file is missing. ``python -m tools.measure.record_traces`` writes it, where the frameworks are installed.
    """
    stored = json.loads(Path(path).read_text(encoding="utf-8"))
    traces = tuple(
        Trace(
            convention(trace["framework"], trace["optimizer"]).given(**trace["arguments"]),
            trace["arguments"],
            np.array(trace["theta"]),
        )
        for trace in stored["traces"]
    )
    return Recording(
        versions=stored["versions"],
        defaults=stored["defaults"],
        gradients=np.array(stored["gradients"]),
        rates=np.array(stored["rates"]),
        start=np.array(stored["start"]),
        every=stored["every"],
        traces=traces,
    )
