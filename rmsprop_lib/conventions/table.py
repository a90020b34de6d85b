"""Every framework's optimizers in the book's notation, one row each."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args

from rmsprop_lib.hyperparameters import DECAY, NON_NEGATIVE, Interval

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
    slots : mapping of str to str
        The framework's name of an array of its state to what it holds: the averages "squares" and "mean" of RMSprop,
        the "sum" of AdaGrad, "m", "v" and "largest" of Adam, the momentum "buffer", or with a minus its negative.
        Empty where no program keeps a state.

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
    slots: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

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

    @property
    def keeps(self) -> tuple[str, ...]:
        """What its state consists of with these settings, in the order in which the rule takes it."""
        buffer = ("buffer",) if self.gamma else ()
        if self.rule == "rmsprop":
            return ("squares", *(("mean",) if self.centered else ()), *buffer)
        if self.rule == "adam":
            return ("m", "v", *(("largest",) if self.amsgrad else ()))
        return ("sum",) if self.rule == "adagrad" else buffer

    def settings(self) -> dict[str, Any]:
        """All but the names and slots: what the rule does, in the book's notation.

        Returns
        -------
        dict of str to bool, float, str or None
            The attributes from ``rule`` to ``corrected_decay``, under their names; ``eps_at`` is where ε stands with
            these settings, so never "by momentum".
        """
        apart = ("framework", "optimizer", "names", "slots")
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
_MXNET = {"learning_rate": "eta", "gamma1": "rho", "epsilon": "eps", "wd": "weight_decay"}
_TORCH_STATE = {"square_avg": "squares", "grad_avg": "mean", "momentum_buffer": "buffer"}
_TORCH_ADAM_STATE = {"exp_avg": "m", "exp_avg_sq": "v", "max_exp_avg_sq": "largest"}
_KERAS_ADAM_STATE = {"momentum": "m", "velocity": "v", "velocity_hat": "largest"}
_OPTAX_ADAM_STATE = {"mu": "m", "nu": "v"}
_TENSORFLOW_STATE = {"rms": "squares", "mg": "mean", "momentum": "buffer"}

# fmt: off
TABLE: tuple[Convention, ...] = (
    Convention(framework="PyTorch", optimizer="RMSprop", rule="rmsprop", eta=0.01, rho=0.99, eps=1e-8,
               names=_TORCH | _RMSPROP | {"alpha": "rho"},
               slots=_TORCH_STATE),
    Convention(framework="Keras 3", optimizer="RMSprop", rule="rmsprop", eta=0.001, rho=0.9, eps=1e-7,
               eps_at="inside", rate_inside=True, decoupled=True,
               names=_KERAS | {"rho": "rho", "epsilon": "eps", "centered": "centered", "momentum": "gamma"},
               slots={"velocity": "squares", "average_gradient": "mean", "momentum": "buffer"}),
    Convention(framework="Optax", optimizer="rmsprop", rule="rmsprop", rho=0.9, eps=1e-8,
               eps_at="inside", rate_inside=True,
               names=_RATE | _RMSPROP | {"decay": "rho", "nesterov": "nesterov", "eps_in_sqrt": "eps_at",
                                         "initial_scale": "initial", "bias_correction": "bias_correction"},
               slots={"nu": "squares", "mu": "mean", "trace": "-buffer"}),
    Convention(framework="TensorFlow 1", optimizer="RMSPropOptimizer", rule="rmsprop", rho=0.9, eps=1e-10,
               eps_at="inside", initial=1.0, rate_inside=True,
               names=_RATE | {"decay": "rho", "epsilon": "eps", "centered": "centered", "momentum": "gamma"},
               slots=_TENSORFLOW_STATE),
    Convention(framework="timm", optimizer="RMSpropTF", rule="rmsprop", eta=0.01, rho=0.9, eps=1e-10,
               eps_at="inside", initial=1.0, rate_inside=True,
               names=_TORCH | _RMSPROP | {"alpha": "rho", "lr_in_momentum": "rate_inside",
                                          "decoupled_decay": "decoupled", "caution": "caution",
                                          "corrected_weight_decay": "corrected_decay"},
               slots=_TORCH_STATE),
    Convention(framework="tf.keras 2", optimizer="RMSprop", rule="rmsprop", eta=0.001, rho=0.9, eps=1e-7,
               eps_at="by momentum", rate_inside=True,
               names=_RATE | {"rho": "rho", "epsilon": "eps", "centered": "centered", "momentum": "gamma"},
               slots=_TENSORFLOW_STATE),
    Convention(framework="Stable-Baselines3", optimizer="RMSpropTFLike", rule="rmsprop", eta=0.01, rho=0.99, eps=1e-8,
               eps_at="inside", initial=1.0, names=_TORCH | _RMSPROP | {"alpha": "rho"},
               slots=_TORCH_STATE),
    # What MXNet calls gamma2 is used if it is centered.
    Convention(framework="MXNet 1", optimizer="RMSProp", rule="rmsprop", eta=0.001, rho=0.9, eps=1e-8,
               eps_at="inside", names=_MXNET, slots={"n": "squares"}),
    Convention(framework="MXNet 1", optimizer="RMSProp(centered=True)", rule="rmsprop", eta=0.001, rho=0.9, eps=1e-8,
               eps_at="inside", rate_inside=True, centered=True, gamma=0.9, names=_MXNET | {"gamma2": "gamma"},
               slots={"n": "squares", "g": "mean", "delta": "-buffer"}),
    # The paper's "gradient momentum" and "squared gradient momentum" are both ρ, its "min squared gradient" is ε.
    Convention(framework="DQN (2015)", optimizer="RMSprop", rule="rmsprop", eta=0.00025, rho=0.95, eps=0.01,
               eps_at="inside", centered=True, names=_RATE),
    Convention(framework="Graves (2013)", optimizer="RMSprop", rule="rmsprop", eta=1e-4, rho=0.95, eps=1e-4,
               eps_at="inside", rate_inside=True, centered=True, gamma=0.9, names=_RATE),
    Convention(framework="Hinton's slide", optimizer="RMSprop", rule="rmsprop", rho=0.9, names=_RATE),

    Convention(framework="PyTorch", optimizer="Adagrad", rule="adagrad", eta=0.01, eps=1e-10,
               names=_TORCH | {"eps": "eps", "initial_accumulator_value": "initial"},
               slots={"sum": "sum"}),
    Convention(framework="Keras 3", optimizer="Adagrad", rule="adagrad", eta=0.001, eps=1e-7,
               eps_at="inside", initial=0.1, decoupled=True,
               names=_KERAS | {"epsilon": "eps", "initial_accumulator_value": "initial"},
               slots={"accumulator": "sum"}),
    Convention(framework="Optax", optimizer="adagrad", rule="adagrad", eps=1e-7, eps_at="inside", initial=0.1,
               names=_RATE | {"eps": "eps", "initial_accumulator_value": "initial"},
               slots={"sum_of_squares": "sum"}),
    Convention(framework="TensorFlow 1", optimizer="AdagradOptimizer", rule="adagrad", initial=0.1,
               names=_RATE | {"initial_accumulator_value": "initial"},
               slots={"accumulator": "sum"}),

    Convention(framework="PyTorch", optimizer="Adam", rule="adam", eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8,
               bias_correction=True, names=_TORCH_ADAM | {"decoupled_weight_decay": "decoupled"},
               slots=_TORCH_ADAM_STATE),
    Convention(framework="PyTorch", optimizer="AdamW", rule="adam", eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8,
               bias_correction=True, weight_decay=0.01, decoupled=True, names=_TORCH_ADAM,
               slots=_TORCH_ADAM_STATE),
    Convention(framework="Keras 3", optimizer="Adam", rule="adam", eta=0.001, beta1=0.9, beta2=0.999, eps=1e-7,
               eps_at="uncorrected", bias_correction=True, decoupled=True, names=_KERAS_ADAM,
               slots=_KERAS_ADAM_STATE),
    Convention(framework="Keras 3", optimizer="AdamW", rule="adam", eta=0.001, beta1=0.9, beta2=0.999, eps=1e-7,
               eps_at="uncorrected", bias_correction=True, weight_decay=0.004, decoupled=True, names=_KERAS_ADAM,
               slots=_KERAS_ADAM_STATE),
    Convention(framework="Optax", optimizer="adam", rule="adam", beta1=0.9, beta2=0.999, eps=1e-8,
               bias_correction=True, names=_OPTAX_ADAM,
               slots=_OPTAX_ADAM_STATE),
    Convention(framework="Optax", optimizer="adamw", rule="adam", beta1=0.9, beta2=0.999, eps=1e-8,
               bias_correction=True, weight_decay=1e-4, decoupled=True,
               names=_OPTAX_ADAM | {"weight_decay": "weight_decay"},
               slots=_OPTAX_ADAM_STATE),
    Convention(framework="TensorFlow 1", optimizer="AdamOptimizer", rule="adam", eta=0.001, beta1=0.9, beta2=0.999,
               eps=1e-8, eps_at="uncorrected", bias_correction=True,
               names=_RATE | {"beta1": "beta1", "beta2": "beta2", "epsilon": "eps"},
               slots={"m": "m", "v": "v"}),

    Convention(framework="PyTorch", optimizer="SGD", rule="sgd", eta=0.001, names=_TORCH | _SGD,
               slots={"momentum_buffer": "buffer"}),
    Convention(framework="Keras 3", optimizer="SGD", rule="sgd", eta=0.01, rate_inside=True, decoupled=True,
               names=_KERAS | _SGD,
               slots={"momentum": "-buffer"}),
    Convention(framework="Optax", optimizer="sgd", rule="sgd", names=_RATE | _SGD,
               slots={"trace": "buffer"}),
    Convention(framework="TensorFlow 1", optimizer="GradientDescentOptimizer", rule="sgd", names=_RATE),
    Convention(framework="TensorFlow 1", optimizer="MomentumOptimizer", rule="sgd",
               names=_RATE | {"momentum": "gamma", "use_nesterov": "nesterov"},
               slots={"momentum": "buffer"}),
)
# fmt: on


def convention(framework: str, optimizer: str) -> Convention:
    """The row of :data:`~rmsprop_lib.conventions.TABLE` for an optimizer, with its defaults.

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
