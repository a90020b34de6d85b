"""The exercises of chapter 12, Conventions."""

from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake

# Large enough that where ε stands shows, small enough that the rest does too.
EPS = 0.25


def _checkpoint(v: Any, u: Any, epsilon: Any, eta_last: Any, eta_next: Any) -> Any:
    return v, u / eta_next, rules.sqrt(epsilon)


CHECKPOINT = Exercise(
    name="port-checkpoint",
    chapter="12_conventions",
    task="From Keras' v, u and ε, and the rates before and after the stop: PyTorch's square_avg, momentum_buffer, eps.",
    takes="v u epsilon eta_last eta_next",
    returns="square_avg momentum_buffer eps",
    reference=_checkpoint,
    cases=(
        Case({"v": 4.0, "u": 0.3, "epsilon": 0.04, "eta_last": 0.5, "eta_next": 0.1}),
        Case(
            {
                "v": np.array([0.0, 0.09, 25.0]),
                "u": np.array([0.02, -0.5, 3.0]),
                "epsilon": EPS,
                "eta_last": 0.02,
                "eta_next": 0.05,
            }
        ),
    ),
    mistakes=(
        Mistake(
            "buffer copied",
            lambda v, u, epsilon, eta_last, eta_next: (v, u, rules.sqrt(epsilon)),
            "You hand over the buffer as it is. Keras' already has the rate in it, and PyTorch multiplies its own by "
            "the rate: the old momentum is then multiplied by the rate twice and is all but lost.",
            read="The rate inside the buffer",
        ),
        Mistake(
            "divided by the old rate",
            lambda v, u, epsilon, eta_last, eta_next: (v, u / eta_last, rules.sqrt(epsilon)),
            "You divide by the rate before the stop. PyTorch's next step multiplies by the rate after it, so the old "
            "momentum changes with the rate, as it does not in Keras.",
        ),
        Mistake(
            "multiplied by the rate",
            lambda v, u, epsilon, eta_last, eta_next: (v, u * eta_next, rules.sqrt(epsilon)),
            "You multiply the buffer by the rate. That converts from PyTorch to Keras.",
            read="The rate inside the buffer",
        ),
        Mistake(
            "scaled as at a change of the rate",
            lambda v, u, epsilon, eta_last, eta_next: (v, u * eta_last / eta_next, rules.sqrt(epsilon)),
            "You multiply the buffer by the quotient of the two rates. That is right for a buffer that already is "
            "PyTorch's; this one is still Keras'.",
        ),
        Mistake(
            "ε copied",
            lambda v, u, epsilon, eta_last, eta_next: (v, u / eta_next, epsilon),
            "You copy ε. Inside the root it is added to squares, outside to sizes: as a size it is a different number.",
            read="ε inside or outside the root",
        ),
        Mistake(
            "ε squared",
            lambda v, u, epsilon, eta_last, eta_next: (v, u / eta_next, epsilon**2),
            "You square ε. That converts from outside to inside; here ε comes from inside the root.",
            read="ε inside or outside the root",
        ),
        Mistake(
            "root of the accumulator",
            lambda v, u, epsilon, eta_last, eta_next: (rules.sqrt(v), u / eta_next, rules.sqrt(epsilon)),
            "You take the root of the accumulator. Both programs keep the average of the squares, and take the root "
            "at each step.",
            read="One rule and its switches",
        ),
    ),
    hints=(
        "What is v in each program? What must the buffer be multiplied by in each, before it is subtracted from θ? And "
        "at v = 0, what is the denominator?",
        "v stays. PyTorch's next step is η_next (γ b + d), Keras' is γ u + η_next d: find b. And √(0 + ε) = 0 + eps.",
    ),
    read="Porting a run",
)


_g = np.random.default_rng(12).normal(0.3, 1.5, (8, 3))


class _TensorFlow:
    """TensorFlow 1's RMSprop, with places in which to go wrong."""

    v0, u0, inside = 1.0, 0.0, True

    def __init__(self, rho: float, gamma: float, eps: float) -> None:
        self.rho, self.gamma, self.eps, self.v, self.u = rho, gamma, eps, self.v0, self.u0

    def step(self, theta: Any, g: Any, eta: Any) -> Any:
        d, self.v = rules.rmsprop(g, self.v, self.rho, self.eps, self.inside)
        return theta - self.moved(d, eta)

    def moved(self, d: Any, eta: Any) -> Any:
        step, self.u = rules.heavy_ball(eta * d, self.u, self.gamma)
        return step


class _StartsAtZero(_TensorFlow):
    v0 = 0.0


class _BothStartAtOne(_TensorFlow):
    u0 = 1.0


class _EpsilonOutside(_TensorFlow):
    inside = False


class _RateOutside(_TensorFlow):
    def moved(self, d: Any, eta: Any) -> Any:
        step, self.u = rules.heavy_ball(d, self.u, self.gamma)
        return eta * step


class _Averages(_TensorFlow):
    def moved(self, d: Any, eta: Any) -> Any:
        self.u = rules.ema(self.u, eta * d, self.gamma)
        return self.u


class _BufferOfGradients(_TensorFlow):
    def step(self, theta: Any, g: Any, eta: Any) -> Any:
        self.v = rules.ema(self.v, g * g, self.rho)
        return theta - self.moved(g, eta) / rules.sqrt(self.v + self.eps)


class _StartsAgain(_TensorFlow):
    def step(self, theta: Any, g: Any, eta: Any) -> Any:
        self.v = self.v0
        return super().step(theta, g, eta)


class _OldAccumulator(_TensorFlow):
    def step(self, theta: Any, g: Any, eta: Any) -> Any:
        d = g / rules.sqrt(self.v + self.eps)
        self.v = rules.ema(self.v, g * g, self.rho)
        return theta - self.moved(d, eta)


class _NoMomentum(_TensorFlow):
    def moved(self, d: Any, eta: Any) -> Any:
        return eta * d


class _Swapped(_TensorFlow):
    def __init__(self, rho: float, gamma: float, eps: float) -> None:
        super().__init__(gamma, rho, eps)


TENSORFLOW = Exercise(
    name="tf-rmsprop-class",
    chapter="12_conventions",
    task="TensorFlow 1's RMSprop: a class made with (rho, gamma, eps), whose step(theta, g, eta) returns the new θ.",
    takes="rho gamma eps theta g eta",
    returns="theta",
    built_with="rho gamma eps",
    reference=_TensorFlow,
    cases=(
        Case(
            {"rho": 0.75, "gamma": 0.5, "eps": EPS, "theta": np.array([1.0, -2.0, 0.5])},
            {"g": list(_g), "eta": [0.4] * 3 + [0.1] * 3 + [0.2] * 2},
        ),
        Case(
            {"rho": 0.9, "gamma": 0.8, "eps": 0.05, "theta": np.array([2.0])},
            {"g": [np.array([x]) for x in (0.0, 3.0, -0.5, 20.0)], "eta": [0.1, 0.1, 0.01, 0.01]},
        ),
    ),
    mistakes=(
        Mistake(
            "accumulator begins at 0",
            _StartsAtZero,
            "Your accumulator begins at zero, as PyTorch's and Keras' do. The first steps are then much longer than "
            "TensorFlow's.",
            read="An accumulator that starts at 1",
        ),
        Mistake(
            "both buffers begin at 1",
            _BothStartAtOne,
            "Your momentum buffer begins at 1 too: the parameter moves before it has seen any gradient.",
        ),
        Mistake(
            "ε outside the root",
            _EpsilonOutside,
            "You add ε to the root. TensorFlow adds it before taking the root, where it is larger in effect.",
            read="ε inside or outside the root",
        ),
        Mistake(
            "rate outside the buffer",
            _RateOutside,
            "The buffer you keep has no rate in it. As long as the rate is constant this is the same; when it changes, "
            "your momentum changes with it at once.",
            read="The rate inside the buffer",
        ),
        Mistake(
            "momentum as an average",
            _Averages,
            "You average the steps with weights γ and 1 − γ. TensorFlow's buffer adds the whole new step, so on a "
            "steady gradient yours ends up smaller by the factor 1 − γ.",
        ),
        Mistake(
            "momentum before the scaling",
            _BufferOfGradients,
            "Your buffer collects gradients, and their sum is divided by the root of v. A single large gradient then "
            "stays large in the buffer after v has forgotten it.",
        ),
        Mistake(
            "accumulator started afresh at every step",
            _StartsAgain,
            "Your accumulator begins at 1 again in every step, so it never holds more than one gradient.",
            read="An accumulator that starts at 1",
        ),
        Mistake(
            "accumulator updated after its use",
            _OldAccumulator,
            "You divide by the accumulator as it was before this gradient entered. Your very first step is then the "
            "gradient itself, times the rate, up to ε.",
        ),
        Mistake(
            "no momentum",
            _NoMomentum,
            "Your steps have no memory: γ is not used, or the buffer is not kept from one step to the next.",
        ),
        Mistake(
            "ρ and γ swapped",
            _Swapped,
            "You decay the accumulator with γ and the buffer with ρ.",
        ),
    ),
    hints=(
        "Go through the switches one by one: where does v begin, where does ε stand, what goes into the buffer?",
        "v begins at 1, u at 0. In step: v as always; then u = γu + η g/√(v + ε), with the rate of this step; then "
        "return θ − u.",
    ),
    read="One rule and its switches",
)


def _decay(
    g: Any, theta: Any, v: Any, eta: Any, rho: Any, eps: Any, coupled: Any, decoupled: Any, seen: Any = None
) -> Any:
    """One step; ``seen`` is the parameter that the coupled decay is computed from, if another."""
    d, v = rules.rmsprop(g + coupled * (theta if seen is None else seen), v, rho, eps)
    return theta - eta * rules.decoupled_weight_decay(d, theta, decoupled), v


def _inside(g: Any, theta: Any, v: Any, eta: Any, rho: Any, eps: Any, coupled: Any, decoupled: Any) -> Any:
    d, v = rules.rmsprop(g + coupled * theta, v, rho, eps, True)
    return theta - eta * rules.decoupled_weight_decay(d, theta, decoupled), v


def _not_in_the_average(g: Any, theta: Any, v: Any, eta: Any, rho: Any, eps: Any, coupled: Any, decoupled: Any) -> Any:
    v = rules.ema(v, g * g, rho)
    d = (g + coupled * theta) / (rules.sqrt(v) + eps)
    return theta - eta * rules.decoupled_weight_decay(d, theta, decoupled), v


def _only_in_the_average(g: Any, theta: Any, v: Any, eta: Any, rho: Any, eps: Any, coupled: Any, decoupled: Any) -> Any:
    v = rules.ema(v, (g + coupled * theta) ** 2, rho)
    d = g / (rules.sqrt(v) + eps)
    return theta - eta * rules.decoupled_weight_decay(d, theta, decoupled), v


def _after_the_step(g: Any, theta: Any, v: Any, eta: Any, rho: Any, eps: Any, coupled: Any, decoupled: Any) -> Any:
    theta, v = _decay(g, theta, v, eta, rho, eps, coupled, 0.0)
    return theta * (1 - eta * decoupled), v


DECAY = Exercise(
    name="decay-both",
    chapter="12_conventions",
    task="One step of RMSprop with coupled and decoupled weight decay: the new θ, then the new v.",
    takes="g theta v eta rho eps coupled decoupled",
    returns="theta v",
    reference=_decay,
    cases=(
        Case(
            {"theta": 3.0, "v": 0.0, "eta": 0.2, "rho": 0.9, "eps": EPS, "coupled": 0.5, "decoupled": 0.25},
            {"g": [0.0, 3.0, -0.5, 0.02, 10.0]},
        ),
        Case(
            {
                "theta": np.array([2.0, -4.0, 0.1]),
                "v": np.zeros(3),
                "eta": 0.1,
                "rho": 0.75,
                "eps": 0.05,
                "coupled": 0.3,
                "decoupled": 0.8,
            },
            {"g": list(_g[:4])},
        ),
    ),
    mistakes=(
        Mistake(
            "coupled decay not in the average",
            _not_in_the_average,
            "Your average holds the squares of g alone. The coupled decay is part of the gradient, for v as well: "
            "otherwise it is divided by a v that never saw it.",
        ),
        Mistake(
            "coupled decay in the average only",
            _only_in_the_average,
            "The coupled decay enters your v but is missing from the numerator: it slows the weight down and does "
            "not shrink it.",
        ),
        Mistake(
            "both decoupled",
            lambda g, theta, v, eta, rho, eps, coupled, decoupled: _decay(
                g, theta, v, eta, rho, eps, 0.0, coupled + decoupled
            ),
            "You treat both as decoupled: neither of them passes through the denominator.",
        ),
        Mistake(
            "both coupled",
            lambda g, theta, v, eta, rho, eps, coupled, decoupled: _decay(
                g, theta, v, eta, rho, eps, coupled + decoupled, 0.0
            ),
            "You add both to the gradient. The denominator then divides the decoupled one too, which is what "
            "decoupling is meant to prevent.",
        ),
        Mistake(
            "no coupled decay",
            lambda g, theta, v, eta, rho, eps, coupled, decoupled: _decay(g, theta, v, eta, rho, eps, 0.0, decoupled),
            "Your gradient is g alone: the coupled decay does not enter at all.",
        ),
        Mistake(
            "no decoupled decay",
            lambda g, theta, v, eta, rho, eps, coupled, decoupled: _decay(g, theta, v, eta, rho, eps, coupled, 0.0),
            "Your parameter moves by RMSprop's step alone: the decoupled decay does not enter at all.",
        ),
        Mistake(
            "ε inside the root",
            _inside,
            "You add ε before taking the root; here it belongs outside.",
            read="ε inside or outside the root",
        ),
        Mistake(
            "decoupled decay without the rate",
            lambda g, theta, v, eta, rho, eps, coupled, decoupled: _decay(
                g, theta, v, eta, rho, eps, coupled, decoupled / eta
            ),
            "The decoupled decay in your step is not multiplied by the rate, so it goes on when the rate goes to zero.",
        ),
        Mistake(
            "decoupled decay after the step",
            _after_the_step,
            "You shrink the parameter after it has moved, so the step just made shrinks with it. The equation "
            "shrinks θ as it was before the step.",
        ),
        Mistake(
            "gradient taken at the shrunk θ",
            lambda g, theta, v, eta, rho, eps, coupled, decoupled: _decay(
                g, theta, v, eta, rho, eps, coupled, decoupled, theta * (1 - eta * decoupled)
            ),
            "You shrink θ first, and compute the coupled decay from what is left of it. Both should see the same θ.",
        ),
        Mistake(
            "decoupled decay away from zero",
            lambda g, theta, v, eta, rho, eps, coupled, decoupled: _decay(
                g, theta, v, eta, rho, eps, coupled, -decoupled
            ),
            "Your decoupled decay has the wrong sign: without a gradient the weight grows.",
        ),
    ),
    hints=(
        "One of them belongs to the gradient before anything else is done with it. The other never meets v.",
        "First add coupled·θ to g, and do RMSprop's step with that. Then subtract η·decoupled times the θ that came "
        "in, besides η times the direction.",
    ),
    read="One rule and its switches",
)

EXERCISES = (CHECKPOINT, TENSORFLOW, DECAY)
