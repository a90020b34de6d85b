"""The exercises of chapter 6, Adam."""

import math
from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake
from rmsprop_lib.numpy_optim import Adam

EPS = 0.25
_g = np.random.default_rng(6).normal(0.5, 2.0, (12, 5))
_small_and_large = [0.0, 3.0, -0.5, 0.02, 40.0, -1.0, 0.7, 2.0]


def _counted(gradients: Any, first: int = 1) -> dict[str, Any]:
    """The stream of a case: gradients and the numbers of their steps."""
    return {"g": list(gradients), "t": list(range(first, first + len(gradients)))}


def _direction(m_hat: Any, v_hat: Any, eps: Any) -> Any:
    return m_hat / (rules.sqrt(v_hat) + eps)


# From zero; the same for arrays, with decays that are far apart the other way; and from the middle of a run.
_step_cases = (
    Case({"m": 0.0, "v": 0.0, "beta1": 0.8, "beta2": 0.95, "eps": EPS}, _counted(_small_and_large)),
    Case({"m": np.zeros(5), "v": np.zeros(5), "beta1": 0.75, "beta2": 0.5, "eps": EPS}, _counted(_g)),
    Case(
        {"m": np.full(3, -0.5), "v": np.full(3, 4.0), "beta1": 0.5, "beta2": 0.9, "eps": EPS}, _counted(_g[:4, :3], 7)
    ),
)


def _corrected(of_m: Any, of_v: Any) -> Any:
    """Adam with other divisors than the sums of weights; each is made of (β₁, β₂, t)."""

    def variant(g: Any, m: Any, v: Any, t: Any, beta1: Any, beta2: Any, eps: Any) -> Any:
        m, v = rules.ema(m, g, beta1), rules.ema(v, g * g, beta2)
        return _direction(m / of_m(beta1, beta2, t), v / of_v(beta1, beta2, t), eps), m, v

    return variant


def _not_squared(g: Any, m: Any, v: Any, t: Any, beta1: Any, beta2: Any, eps: Any) -> Any:
    m, v = rules.ema(m, g, beta1), rules.ema(v, g, beta2)
    return _direction(m / rules.weight_sum(beta1, t), v / rules.weight_sum(beta2, t), eps), m, v


def _weights_swapped(g: Any, m: Any, v: Any, t: Any, beta1: Any, beta2: Any, eps: Any) -> Any:
    m, v = rules.ema(m, g, 1 - beta1), rules.ema(v, g * g, 1 - beta2)
    return _direction(m / rules.weight_sum(beta1, t), v / rules.weight_sum(beta2, t), eps), m, v


def _divided_by_v(g: Any, m: Any, v: Any, t: Any, beta1: Any, beta2: Any, eps: Any) -> Any:
    _, m, v = rules.adam(g, m, v, t, beta1, beta2, eps)
    return m / rules.weight_sum(beta1, t) / (v / rules.weight_sum(beta2, t) + eps), m, v


def _gradient_itself(g: Any, m: Any, v: Any, t: Any, beta1: Any, beta2: Any, eps: Any) -> Any:
    _, m, v = rules.adam(g, m, v, t, beta1, beta2, eps)
    return _direction(g, v / rules.weight_sum(beta2, t), eps), m, v


def _eps_inside(g: Any, m: Any, v: Any, t: Any, beta1: Any, beta2: Any, eps: Any) -> Any:
    _, m, v = rules.adam(g, m, v, t, beta1, beta2, eps)
    return m / rules.weight_sum(beta1, t) / rules.sqrt(v / rules.weight_sum(beta2, t) + eps), m, v


def _eps_before_correction(g: Any, m: Any, v: Any, t: Any, beta1: Any, beta2: Any, eps: Any) -> Any:
    _, m, v = rules.adam(g, m, v, t, beta1, beta2, eps)
    rate = rules.sqrt(rules.weight_sum(beta2, t)) / rules.weight_sum(beta1, t)
    return rate * _direction(m, v, eps), m, v


def _keeps_corrected(g: Any, m: Any, v: Any, t: Any, beta1: Any, beta2: Any, eps: Any) -> Any:
    d, m, v = rules.adam(g, m, v, t, beta1, beta2, eps)
    return d, m / rules.weight_sum(beta1, t), v / rules.weight_sum(beta2, t)


def _old_averages(g: Any, m: Any, v: Any, t: Any, beta1: Any, beta2: Any, eps: Any) -> Any:
    _, new_m, new_v = rules.adam(g, m, v, t, beta1, beta2, eps)
    return _direction(m / rules.weight_sum(beta1, t), v / rules.weight_sum(beta2, t), eps), new_m, new_v


STEP = Exercise(
    name="adam-step",
    chapter="06_adam",
    task="From the gradient g, the averages m and v before the step, and the step's number t from 1: d, m and v.",
    takes="g m v t beta1 beta2 eps",
    returns="d m v",
    reference=rules.adam,
    cases=_step_cases,
    mistakes=(
        Mistake(
            "no bias correction",
            lambda g, m, v, t, beta1, beta2, eps: rules.adam(g, m, v, math.inf, beta1, beta2, eps),
            "You divide the averages as they are. Both begin at zero and are pulled towards it, the longer one for "
            "longer, so that the first steps have the wrong length.",
            read="Bias correction",
        ),
        Mistake(
            "only m corrected",
            _corrected(lambda beta1, beta2, t: rules.weight_sum(beta1, t), lambda beta1, beta2, t: 1.0),
            "You correct m and leave v too small. At the first step on any gradient the quotient is then too long by "
            "the root of 1/(1 − β₂), up to ε.",
            read="Bias correction",
        ),
        Mistake(
            "only v corrected",
            _corrected(lambda beta1, beta2, t: 1.0, lambda beta1, beta2, t: rules.weight_sum(beta2, t)),
            "You correct v and leave m too small. The first step then has only 1 − β₁ of its right length.",
            read="Bias correction",
        ),
        Mistake(
            "one decay in both corrections",
            _corrected(
                lambda beta1, beta2, t: rules.weight_sum(beta1, t), lambda beta1, beta2, t: rules.weight_sum(beta1, t)
            ),
            "You correct both averages with β₁. The two have windows of different length, and their weights sum to "
            "different numbers.",
            read="Two averages",
        ),
        Mistake(
            "t not used",
            _corrected(lambda beta1, beta2, t: 1 - beta1, lambda beta1, beta2, t: 1 - beta2),
            "You divide by 1 − β at every step. That is right for the first step, and takes away the weights of the "
            "averages for good: m becomes a plain decaying sum.",
            read="Bias correction",
        ),
        Mistake(
            "t one too small",
            lambda g, m, v, t, beta1, beta2, eps: rules.adam(g, m, v, t - 1, beta1, beta2, eps),
            "You correct with t − 1. The t that you are given counts from 1, this step included; one less makes the "
            "first step a division by zero.",
            read="Two averages",
        ),
        Mistake(
            "t one too large",
            lambda g, m, v, t, beta1, beta2, eps: rules.adam(g, m, v, t + 1, beta1, beta2, eps),
            "You correct with t + 1. The t that you are given includes this step already; counted twice, the first "
            "steps are corrected too little.",
            read="Two averages",
        ),
        Mistake(
            "β₁ and β₂ swapped",
            lambda g, m, v, t, beta1, beta2, eps: rules.adam(g, m, v, t, beta2, beta1, eps),
            "You average the gradients with β₂ and their squares with β₁.",
            read="Two averages",
        ),
        Mistake(
            "β and 1 − β swapped",
            _weights_swapped,
            "You give what is new the weight β and the old average 1 − β. The averages then forget most of themselves "
            "at every step.",
            read="Two averages",
        ),
        Mistake(
            "gradient not squared",
            _not_squared,
            "You put the gradient into v, not its square. Such a v can be negative, and then has no root.",
            read="Two averages",
        ),
        Mistake(
            "divided by v̂, not by its root",
            _divided_by_v,
            "You divide by v̂ itself. Its unit is that of the gradient squared: double all gradients, and the steps are "
            "halved.",
            read="Two averages",
        ),
        Mistake(
            "the gradient, not its average, in the numerator",
            _gradient_itself,
            "Your direction has the gradient itself in the numerator; m is kept and never used. That is RMSprop with a "
            "correction.",
            read="AdaGrad, RMSprop and the sign as limits",
        ),
        Mistake(
            "ε inside the root",
            _eps_inside,
            "You add ε before taking the root. The equation here adds it afterwards.",
        ),
        Mistake(
            "ε before the correction",
            _eps_before_correction,
            "You add ε to the root of the uncorrected v and correct the quotient. The correction then acts on ε too, "
            "which is largest, against the rest, in the first steps.",
        ),
        Mistake(
            "corrected averages kept",
            _keeps_corrected,
            "You return the corrected averages, and they are what the next step begins with. It then corrects what has "
            "been corrected, and these are no longer averages.",
            read="Bias correction",
        ),
        Mistake(
            "averages updated after their use",
            _old_averages,
            "Your direction is made of the averages as they were before this gradient entered. At the first step both "
            "are zero.",
        ),
    ),
    hints=(
        "Four lines: two averages, two corrected copies of them. What goes into the direction, and what is kept?",
        "m and v as in the equation; m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ) under names of their own; the direction is "
        "m̂ over the root of v̂ plus ε. Return the direction, m and v.",
    ),
    read="From equation to code",
)


def _folded(eta: float, beta1: float, beta2: float, eps: float, t: int) -> tuple[float, float]:
    root = rules.sqrt(rules.weight_sum(beta2, t))
    return eta * root / rules.weight_sum(beta1, t), eps * root


def _folded_wrongly(rate: Any, eps_t: Any) -> Any:
    """Made of η and ε and of the two sums of weights."""

    def variant(eta: float, beta1: float, beta2: float, eps: float, t: int) -> Any:
        one, two = rules.weight_sum(beta1, t), rules.weight_sum(beta2, t)
        return rate(eta, one, two), eps_t(eps, one, two)

    return variant


def _right_rate(eta: float, one: float, two: float) -> Any:
    return eta * rules.sqrt(two) / one


def _right_eps(eps: float, one: float, two: float) -> Any:
    return eps * rules.sqrt(two)


FOLDED = Exercise(
    name="adam-folded",
    chapter="06_adam",
    task="The two numbers, rate and eps_t, with which θ − rate · m/(√v + eps_t) is Adam's step number t, exactly.",
    takes="eta beta1 beta2 eps t",
    returns="rate eps_t",
    reference=_folded,
    cases=(
        Case({"eta": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": EPS}, {"t": [1, 2, 12, 100, 5000]}),
        Case({"eta": 2.0, "beta1": 0.8, "beta2": 0.5, "eps": 0.01}, {"t": [1, 3, 6]}),
    ),
    mistakes=(
        Mistake(
            "ε left as it was",
            _folded_wrongly(_right_rate, lambda eps, one, two: eps),
            "The rate is right, and ε is as it was. It now stands beside the root of the uncorrected v, which is too "
            "small in the first steps, and weighs more there than Adam's does.",
        ),
        Mistake(
            "rate upside down",
            _folded_wrongly(lambda eta, one, two: eta * one / rules.sqrt(two), _right_eps),
            "Your factor is the length of an uncorrected step over that of a corrected one. Multiplied by it, the "
            "first steps miss the right length twice over.",
        ),
        Mistake(
            "root forgotten in the rate",
            _folded_wrongly(lambda eta, one, two: eta * two / one, _right_eps),
            "In your rate the correction of v is not under a root, though v is.",
        ),
        Mistake(
            "root forgotten in ε",
            _folded_wrongly(_right_rate, lambda eps, one, two: eps * two),
            "The rate is right. In ε the correction of v is not under a root, though it was taken out of one.",
        ),
        Mistake(
            "ε divided, not multiplied",
            _folded_wrongly(_right_rate, lambda eps, one, two: eps / rules.sqrt(two)),
            "The rate is right. ε has been divided by the root that was taken out of the denominator; look once more "
            "at what happens to the second summand when a factor is taken out of a sum.",
        ),
        Mistake(
            "ε multiplied as the rate is",
            _folded_wrongly(_right_rate, lambda eps, one, two: eps * rules.sqrt(two) / one),
            "The rate is right. You treat ε as you treat the rate, but the correction of m belongs to the numerator, "
            "where ε is not.",
        ),
        Mistake(
            "correction of v left out of the rate",
            _folded_wrongly(lambda eta, one, two: eta / one, _right_eps),
            "Your rate corrects m only: the factor that was taken out of the denominator has not gone into it.",
        ),
        Mistake(
            "correction of m left out",
            _folded_wrongly(lambda eta, one, two: eta * rules.sqrt(two), _right_eps),
            "Your rate corrects v only. With it the first steps are too short.",
        ),
        Mistake(
            "β₁ and β₂ swapped",
            lambda eta, beta1, beta2, eps, t: _folded(eta, beta2, beta1, eps, t),
            "You take β₁ for the decay of the squares and β₂ for that of the gradients.",
            read="Two averages",
        ),
        Mistake(
            "t one too small",
            lambda eta, beta1, beta2, eps, t: _folded(eta, beta1, beta2, eps, t - 1),
            "You use t − 1 where t belongs. The first step has t = 1, and one gradient is in the averages by then.",
            read="Two averages",
        ),
    ),
    hints=(
        "Write Adam's step with m/(1 − β₁ᵗ) and v/(1 − β₂ᵗ) in it. Which factor can be taken out of the root, and what "
        "has to be done to ε so that it can leave the denominator?",
        "With c₁ = 1 − β₁ᵗ and c₂ = 1 − β₂ᵗ: multiply numerator and denominator of (m/c₁)/(√v/√c₂ + ε) by √c₂, and "
        "read off what stands before m and what is added to √v.",
    ),
    read="Bias correction",
)


class _Library:
    """The library's optimizer in the form that the exercise asks for."""

    def __init__(self, lr: float, beta1: float, beta2: float, eps: float, decay: float) -> None:
        self.optimizer = Adam(lr, beta1, beta2, eps, weight_decay=decay, decoupled_weight_decay=True)

    def step(self, theta: Any, g: Any) -> Any:
        return self.optimizer.update({"theta": np.asarray(theta, float)}, {"theta": np.asarray(g, float)})["theta"]


class _Own:
    """AdamW with places in which to go wrong."""

    def __init__(self, lr: float, beta1: float, beta2: float, eps: float, decay: float) -> None:
        self.lr, self.beta1, self.beta2, self.eps, self.decay = lr, beta1, beta2, eps, decay
        self.m = self.v = 0.0
        self.t = 0

    def direction(self, g: Any) -> Any:
        self.t += 1
        d, self.m, self.v = rules.adam(g, self.m, self.v, self.t, self.beta1, self.beta2, self.eps)
        return d

    def step(self, theta: Any, g: Any) -> Any:
        return theta - self.lr * rules.decoupled_weight_decay(self.direction(g), theta, self.decay)


class _Coupled(_Own):
    def step(self, theta: Any, g: Any) -> Any:
        return theta - self.lr * self.direction(g + self.decay * theta)


class _WithoutRate(_Own):
    def step(self, theta: Any, g: Any) -> Any:
        return theta - self.lr * self.direction(g) - self.decay * theta


class _Ascends(_Own):
    def step(self, theta: Any, g: Any) -> Any:
        return theta - self.lr * rules.decoupled_weight_decay(-self.direction(g), theta, self.decay)


class _Grows(_Own):
    def step(self, theta: Any, g: Any) -> Any:
        return theta - self.lr * rules.decoupled_weight_decay(self.direction(g), theta, -self.decay)


class _DecaysTheNew(_Own):
    def step(self, theta: Any, g: Any) -> Any:
        return (1 - self.lr * self.decay) * (theta - self.lr * self.direction(g))


class _DecayScaled(_Own):
    def step(self, theta: Any, g: Any) -> Any:
        self.direction(g)
        m_hat = self.m / rules.weight_sum(self.beta1, self.t)
        v_hat = self.v / rules.weight_sum(self.beta2, self.t)
        return theta - self.lr * _direction(m_hat + self.decay * theta, v_hat, self.eps)


class _NoDecay(_Own):
    def step(self, theta: Any, g: Any) -> Any:
        return theta - self.lr * self.direction(g)


class _Uncorrected(_Own):
    def direction(self, g: Any) -> Any:
        d, self.m, self.v = rules.adam(g, self.m, self.v, math.inf, self.beta1, self.beta2, self.eps)
        return d


class _NeverAdvances(_Own):
    def direction(self, g: Any) -> Any:
        self.t = 0
        return super().direction(g)


class _AdvancesAfterwards(_Own):
    def direction(self, g: Any) -> Any:
        self.t -= 1
        d = super().direction(g)
        self.t += 1
        return d


class _AveragesAnew(_Own):
    def direction(self, g: Any) -> Any:
        self.m = self.v = 0.0
        return super().direction(g)


class _AllAnew(_AveragesAnew):
    def direction(self, g: Any) -> Any:
        self.t = 0
        return super().direction(g)


class _KeepsCorrected(_Own):
    def direction(self, g: Any) -> Any:
        d = super().direction(g)
        self.m /= rules.weight_sum(self.beta1, self.t)
        self.v /= rules.weight_sum(self.beta2, self.t)
        return d


CLASS = Exercise(
    name="adamw-class",
    chapter="06_adam",
    task="A class made with (lr, beta1, beta2, eps, decay), whose step(theta, g) returns the parameters after one step "
    "of AdamW, and which keeps averages and count itself.",
    takes="lr beta1 beta2 eps decay theta g",
    returns="theta",
    built_with="lr beta1 beta2 eps decay",
    reference=_Library,
    cases=(
        Case(
            {
                "lr": 0.1,
                "beta1": 0.8,
                "beta2": 0.95,
                "eps": EPS,
                "decay": 0.5,
                "theta": np.array([1.0, -2.0, 0.5, 30.0, 0.0]),
            },
            {"g": list(_g)},
        ),
        Case(
            {"lr": 0.5, "beta1": 0.75, "beta2": 0.5, "eps": EPS, "decay": 0.25, "theta": np.array([2.0])},
            {"g": [np.array([x]) for x in _small_and_large]},
        ),
    ),
    mistakes=(
        Mistake(
            "penalty instead of decay",
            _Coupled,
            "You add λθ to the gradient. It then goes through both averages and is divided by the root, so that "
            "weights with large gradients decay less: that is Adam with an L2 penalty.",
        ),
        Mistake(
            "decay divided by the root",
            _DecayScaled,
            "You keep λθ out of the averages, and divide it by the root of v̂ all the same. Weights with large "
            "gradients still decay less than others.",
        ),
        Mistake(
            "decay without the rate",
            _WithoutRate,
            "You take λθ off without the rate. A weight then loses the share λ at every step however small the rate "
            "is, and a schedule for the rate does not reach the decay.",
        ),
        Mistake(
            "decay with the wrong sign",
            _Grows,
            "Your weights grow by the factor 1 + ηλ at every step where they should shrink.",
        ),
        Mistake(
            "up instead of down",
            _Ascends,
            "The decay is right, but you add the direction. The gradient points uphill, so that the loss grows.",
            read="Two averages",
        ),
        Mistake(
            "decay after the step",
            _DecaysTheNew,
            "You shrink the weights after the step, so that a part of the step just taken is undone. In the equation "
            "the decay acts on the weights from before it.",
        ),
        Mistake(
            "decay forgotten",
            _NoDecay,
            "This is Adam, right as far as it goes: λ has no effect.",
        ),
        Mistake(
            "no bias correction",
            _Uncorrected,
            "You use the averages without dividing them by their sums of weights.",
            read="Bias correction",
        ),
        Mistake(
            "t never advances",
            _NeverAdvances,
            "Your t is 1 at every step. The correction of the first step then acts at every step: does the count live "
            "in the object, and does step change it there?",
            read="Bias correction",
        ),
        Mistake(
            "t advanced after its use",
            _AdvancesAfterwards,
            "Your first step is corrected with t = 0, which divides by zero.",
            read="Two averages",
        ),
        Mistake(
            "averages begun anew at every step",
            _AveragesAnew,
            "The count advances, but both averages begin at zero in every step: what step computes is not kept in the "
            "object.",
            read="Two averages",
        ),
        Mistake(
            "nothing is kept",
            _AllAnew,
            "Every step is a first step: neither the averages nor the count are kept in the object. What is left is "
            "the sign of the gradient, softened by ε.",
            read="AdaGrad, RMSprop and the sign as limits",
        ),
        Mistake(
            "corrected averages kept",
            _KeepsCorrected,
            "You keep the corrected averages in the object, so that the next step corrects what has been corrected.",
            read="Bias correction",
        ),
    ),
    hints=(
        "Three things outlive a step. And the decay never meets the gradient: where does it enter?",
        "In __init__: the settings, m = v = 0, t = 0. In step: first t up by one, then the averages into self, the "
        "corrected ones under local names, and at the end theta − lr · (direction + decay · theta).",
    ),
    read="Weight decay is not an L2 penalty",
)


def _largest_corrected(
    g: Any, m: Any, v: Any, v_max: Any, t: Any, beta1: Any, beta2: Any, eps: Any
) -> tuple[Any, Any, Any, Any]:
    _, m, v = rules.adam(g, m, v, t, beta1, beta2, eps)
    v_max = rules.maximum(v_max, v / rules.weight_sum(beta2, t))
    return _direction(m / rules.weight_sum(beta1, t), v_max, eps), m, v, v_max


def _other_largest(choose: Any) -> Any:
    """AMSGrad with another largest average, made of (v_max, v, g²)."""

    def variant(g: Any, m: Any, v: Any, v_max: Any, t: Any, beta1: Any, beta2: Any, eps: Any) -> Any:
        _, m, v = rules.adam(g, m, v, t, beta1, beta2, eps)
        v_max = choose(v_max, v, g * g)
        m_hat, v_hat = m / rules.weight_sum(beta1, t), v_max / rules.weight_sum(beta2, t)
        return _direction(m_hat, v_hat, eps), m, v, v_max

    return variant


def _overwrites_v(g: Any, m: Any, v: Any, v_max: Any, t: Any, beta1: Any, beta2: Any, eps: Any) -> Any:
    d, m, _, v_max = rules.amsgrad(g, m, v, v_max, t, beta1, beta2, eps)
    return d, m, v_max, v_max


def _uses_v(g: Any, m: Any, v: Any, v_max: Any, t: Any, beta1: Any, beta2: Any, eps: Any) -> Any:
    d, *_ = rules.adam(g, m, v, t, beta1, beta2, eps)
    return d, *rules.amsgrad(g, m, v, v_max, t, beta1, beta2, eps)[1:]


def _not_stored(g: Any, m: Any, v: Any, v_max: Any, t: Any, beta1: Any, beta2: Any, eps: Any) -> Any:
    return *rules.amsgrad(g, m, v, v_max, t, beta1, beta2, eps)[:3], v_max


def _old_largest(g: Any, m: Any, v: Any, v_max: Any, t: Any, beta1: Any, beta2: Any, eps: Any) -> Any:
    _, m, v, new = rules.amsgrad(g, m, v, v_max, t, beta1, beta2, eps)
    return _direction(m / rules.weight_sum(beta1, t), v_max / rules.weight_sum(beta2, t), eps), m, v, new


def _only_m_corrected(g: Any, m: Any, v: Any, v_max: Any, t: Any, beta1: Any, beta2: Any, eps: Any) -> Any:
    _, m, v, v_max = rules.amsgrad(g, m, v, v_max, t, beta1, beta2, eps)
    return _direction(m / rules.weight_sum(beta1, t), v_max, eps), m, v, v_max


AMSGRAD = Exercise(
    name="amsgrad-step",
    chapter="06_adam",
    task="From g, the averages m and v, the largest v so far, v_max, and the step's number t: d, m, v and v_max.",
    takes="g m v v_max t beta1 beta2 eps",
    returns="d m v v_max",
    reference=rules.amsgrad,
    cases=(
        Case({"m": 0.0, "v": 0.0, "v_max": 0.0, "beta1": 0.8, "beta2": 0.75, "eps": EPS}, _counted(_small_and_large)),
        Case(
            {"m": np.zeros(5), "v": np.zeros(5), "v_max": np.zeros(5), "beta1": 0.5, "beta2": 0.9, "eps": EPS},
            _counted(_g),
        ),
    ),
    mistakes=(
        Mistake(
            "largest of the corrected averages",
            _largest_corrected,
            "You correct v first and keep the largest of the corrected averages, as some libraries do. The equation "
            "here takes the maximum first. The two part where an early gradient is large: corrected, it is remembered "
            "whole.",
        ),
        Mistake(
            "largest square instead of largest average",
            _other_largest(lambda v_max, v, square: rules.maximum(v_max, square)),
            "You keep the largest squared gradient. One outlier then sets the rate for ever, where the average would "
            "have let in a part 1 − β₂ of it.",
        ),
        Mistake(
            "smallest instead of largest",
            _other_largest(lambda v_max, v, square: -rules.maximum(-v_max, -v)),
            "You keep the smaller of the two. It begins at zero and stays there, so that only ε is left in the "
            "denominator.",
        ),
        Mistake(
            "the largest average goes on as v",
            _overwrites_v,
            "You put the maximum into v itself. The next average then starts from it, and is no average of squares any "
            "more: v and its largest value are two arrays.",
        ),
        Mistake(
            "largest average not used",
            _uses_v,
            "You keep the largest average and divide by the present one: the direction is Adam's, and its rate rises "
            "whenever v falls.",
        ),
        Mistake(
            "largest average not kept",
            _not_stored,
            "Your direction is right at the first step, but the v_max you return is the one that was passed in. The "
            "next step does not know what this one has seen.",
        ),
        Mistake(
            "largest average updated after its use",
            _old_largest,
            "You divide by the largest average from before this gradient. At the first step that is zero, and nothing "
            "but ε bounds the step.",
        ),
        Mistake(
            "no bias correction",
            lambda g, m, v, v_max, t, beta1, beta2, eps: rules.amsgrad(g, m, v, v_max, math.inf, beta1, beta2, eps),
            "You correct neither m nor the largest average. That is AMSGrad as it was published; the equation here "
            "corrects both.",
        ),
        Mistake(
            "only m corrected",
            _only_m_corrected,
            "You correct m, and the largest average not. Its first value is as much too small as v is.",
        ),
        Mistake(
            "β₁ and β₂ swapped",
            lambda g, m, v, v_max, t, beta1, beta2, eps: rules.amsgrad(g, m, v, v_max, t, beta2, beta1, eps),
            "You average the gradients with β₂ and their squares with β₁.",
            read="Two averages",
        ),
    ),
    hints=(
        "It is Adam with one line more. Which of v, v̂ and g² does that line look at, and what does the next step need?",
        "After the new v: v_max becomes the elementwise maximum (np.maximum) of the old v_max and v. Then correct m "
        "and v_max, and leave v out of the direction. Return the direction, m, v and v_max.",
    ),
    read="The wrong way",
)

EXERCISES = (STEP, FOLDED, CLASS, AMSGRAD)
