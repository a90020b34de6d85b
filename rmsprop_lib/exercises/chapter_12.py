"""The exercises of chapter 12, Conventions."""

from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises import fillings
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake, Slot

# Large enough that where ε stands shows, small enough that the rest does too.
EPS = 0.25


def _checkpoint(v: Any, u: Any, epsilon: Any, eta_last: Any, eta_next: Any) -> Any:
    return v, u / eta_next, rules.sqrt(epsilon)


_PORTED = (
    Slot(
        "accumulator",
        lambda v, epsilon: v,
        (
            Mistake(
                "root of the accumulator",
                lambda v, epsilon: rules.sqrt(v),
                "You take the root of the accumulator. Both programs keep the average of the squares, and take the "
                "root at each step.",
                read="One rule and its switches",
            ),
            Mistake(
                "accumulator squared",
                lambda v, epsilon: v * v,
                "You square the accumulator. It is an average of squares already, in both programs.",
                read="One rule and its switches",
            ),
            Mistake(
                "ε added to the accumulator",
                lambda v, epsilon: v + epsilon,
                "You add ε to the accumulator. Keras adds ε under the root whenever it divides, and never to what it "
                "keeps; your ε would fade like an old gradient.",
                read="ε inside or outside the root",
            ),
            Mistake(
                "accumulator begun anew",
                lambda v, epsilon: 0 * v,
                "Your accumulator begins at zero again. The first steps after the stop are then too long.",
                read="One rule and its switches",
            ),
        ),
    ),
    Slot(
        "buffer",
        lambda u, last, next: u / next,
        (
            Mistake(
                "buffer copied",
                lambda u, last, next: u,
                "You hand over the buffer as it is. Keras' already has the rate in it, and PyTorch multiplies its own "
                "by the rate: the old momentum is then multiplied by the rate twice and is all but lost.",
                read="The rate inside the buffer",
            ),
            Mistake(
                "divided by the old rate",
                lambda u, last, next: u / last,
                "You divide by the rate before the stop. PyTorch's next step multiplies by the rate after it, so the "
                "old momentum changes with the rate, as it does not in Keras.",
            ),
            Mistake(
                "multiplied by the rate",
                lambda u, last, next: u * next,
                "You multiply the buffer by the rate. That converts from PyTorch to Keras.",
                read="The rate inside the buffer",
            ),
            Mistake(
                "multiplied by the old rate",
                lambda u, last, next: u * last,
                "You multiply the buffer by the rate before the stop. That rate is in Keras' buffer already.",
                read="The rate inside the buffer",
            ),
            Mistake(
                "scaled as at a change of the rate",
                lambda u, last, next: u * last / next,
                "You multiply the buffer by the quotient of the two rates. That is right for a buffer that already is "
                "PyTorch's; this one is still Keras'.",
            ),
            Mistake(
                "scaled against the change of the rate",
                lambda u, last, next: u * next / last,
                "You multiply the buffer by the new rate over the old one. The rate is still in it afterwards, and "
                "PyTorch multiplies by the rate once more.",
            ),
            Mistake(
                "divided by both rates",
                lambda u, last, next: u / (last * next),
                "You divide the buffer by both rates. Only one rate is missing from PyTorch's buffer.",
            ),
            Mistake(
                "momentum lost",
                lambda u, last, next: 0 * u,
                "Your momentum buffer begins at zero again, and what the run had gathered is lost.",
            ),
        ),
    ),
    Slot(
        "eps",
        rules.sqrt,
        (
            Mistake(
                "ε copied",
                lambda epsilon: epsilon,
                "You copy ε. Inside the root it is added to squares, outside to sizes: as a size it is a different "
                "number.",
                read="ε inside or outside the root",
            ),
            Mistake(
                "ε squared",
                lambda epsilon: epsilon**2,
                "You square ε. That converts from outside to inside; here ε comes from inside the root.",
                read="ε inside or outside the root",
            ),
            Mistake(
                "no ε",
                lambda epsilon: 0.0 * epsilon,
                "You leave ε out. Where the accumulator is zero PyTorch would then divide by zero.",
                read="ε inside or outside the root",
            ),
        ),
    ),
)


def _ported(accumulator: Any, buffer: Any, eps: Any) -> Any:
    def port(v: Any, u: Any, epsilon: Any, eta_last: Any, eta_next: Any) -> Any:
        return accumulator(v, epsilon), buffer(u, eta_last, eta_next), eps(epsilon)

    return port


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
    slots=_PORTED,
    built=_ported,
    mistakes=(),
    hints=(
        "What is v in each program? What must the buffer be multiplied by in each, before it is subtracted from θ? And "
        "at v = 0, what is the denominator?",
        "v stays. PyTorch's next step is η_next (γ b + d), Keras' is γ u + η_next d: find b. And √(0 + ε) = 0 + eps.",
    ),
    read="Porting a run",
)


_g = np.random.default_rng(12).normal(0.3, 1.5, (8, 3))


class _TensorFlow:
    """TensorFlow 1's RMSprop."""

    def __init__(self, rho: float, gamma: float, eps: float) -> None:
        self.rho, self.gamma, self.eps = rho, gamma, eps
        self.v: Any = 1.0
        self.u: Any = 0.0

    def step(self, theta: Any, g: Any, eta: Any) -> Any:
        self.v = self.rho * self.v + (1 - self.rho) * g * g
        self.u = self.gamma * self.u + eta * g / rules.sqrt(self.v + self.eps)
        return theta - self.u


_ONE = "An accumulator that starts at 1"
_INSIDE = "The rate inside the buffer"
_EPSILON = "ε inside or outside the root"

_V0 = Slot(
    "v0",
    1.0,
    (
        Mistake(
            "accumulator begins at 0",
            0.0,
            "Your accumulator begins at zero, as PyTorch's and Keras' do. The first steps are then much longer than "
            "TensorFlow's.",
            read=_ONE,
        ),
    ),
)

_U0 = Slot(
    "u0",
    0.0,
    (
        Mistake(
            "both buffers begin at 1",
            1.0,
            "Your momentum buffer begins at 1 too: the parameter moves before it has seen any gradient.",
            read=_ONE,
        ),
    ),
)

_USED = Slot(
    "used",
    lambda old, new: new,
    (
        Mistake(
            "accumulator updated after its use",
            lambda old, new: old + 0 * new,
            "You divide by the accumulator as it was before this gradient entered. Your very first step is then the "
            "gradient itself, times the rate, up to ε.",
        ),
        Mistake(
            "old and new v added",
            lambda old, new: old + new,
            "You divide by the root of the old and the new accumulator together.",
        ),
    ),
)

_REMEMBERED = Slot(
    "remembered",
    lambda start, new, u: (new, u),
    (
        Mistake(
            "accumulator started afresh at every step",
            lambda start, new, u: (start + 0 * new, u),
            "Your accumulator begins at 1 again in every step, so it never holds more than one gradient.",
            read=_ONE,
        ),
    ),
)

_BUFFER = Slot(
    "buffer",
    lambda u, d, gamma: gamma * u + d,
    (
        Mistake(
            "momentum as an average",
            lambda u, d, gamma: gamma * u + (1 - gamma) * d,
            "You average the steps with weights γ and 1 − γ. TensorFlow's buffer adds the whole new step, so on a "
            "steady gradient yours ends up smaller by the factor 1 − γ.",
        ),
        Mistake(
            "no momentum",
            lambda u, d, gamma: d,
            "Your steps have no memory: γ is not used, or the buffer is not kept from one step to the next.",
        ),
        Mistake(
            "momentum never fades",
            lambda u, d, gamma: u + d,
            "Your buffer adds up all steps and forgets none of them: the old buffer is not multiplied by γ.",
        ),
        Mistake(
            "momentum decayed with 1 − γ",
            lambda u, d, gamma: (1 - gamma) * u + d,
            "You multiply the old buffer by 1 − γ. The larger γ is, the less of it you keep.",
        ),
        Mistake(
            "buffer decayed with the new step in it",
            lambda u, d, gamma: gamma * (u + d),
            "You multiply the new step by γ as well. Only what was in the buffer before fades.",
        ),
        Mistake(
            "momentum subtracted",
            lambda u, d, gamma: d - gamma * u,
            "You subtract the old buffer. It then brakes the parameter instead of carrying it on.",
        ),
        Mistake(
            "buffer divided by γ",
            lambda u, d, gamma: u / gamma + d,
            "You divide the old buffer by γ, so that it grows at every step.",
        ),
    ),
)

_RATE = Slot(
    "rate",
    (lambda eta: eta, lambda eta: 1.0),
    (
        Mistake(
            "rate outside the buffer",
            (lambda eta: 1.0, lambda eta: eta),
            "The buffer you keep has no rate in it. As long as the rate is constant this is the same; when it changes, "
            "your momentum changes with it at once.",
            read=_INSIDE,
        ),
        Mistake(
            "rate inside and outside",
            (lambda eta: eta, lambda eta: eta),
            "You multiply by the rate twice, on the way into the buffer and on the way out.",
            read=_INSIDE,
        ),
        Mistake(
            "rate forgotten",
            (lambda eta: 1.0, lambda eta: 1.0),
            "The rate of the step is not used at all.",
        ),
        Mistake(
            "divided by the rate",
            (lambda eta: 1 / eta, lambda eta: 1.0),
            "You divide by the rate. A smaller rate then makes larger steps.",
        ),
    ),
)

_ORDER = Slot(
    "order",
    lambda scaled, moved, g: moved(scaled(g)),
    (
        Mistake(
            "momentum before the scaling",
            lambda scaled, moved, g: scaled(moved(g)),
            "Your buffer collects gradients, and their sum is divided by the root of v. A single large gradient then "
            "stays large in the buffer after v has forgotten it.",
        ),
    ),
)

_SHARES = Slot(
    "shares",
    lambda rho, gamma: (rho, gamma),
    (
        Mistake(
            "ρ and γ swapped",
            lambda rho, gamma: (gamma, rho),
            "You decay the accumulator with γ and the buffer with ρ.",
        ),
        Mistake(
            "ρ for both",
            lambda rho, gamma: (rho, rho),
            "You decay the buffer with ρ; γ is not used.",
        ),
        Mistake(
            "γ for both",
            lambda rho, gamma: (gamma, gamma),
            "You decay the accumulator with γ; ρ is not used.",
        ),
    ),
)


def _tensorflow(
    v0: Any,
    u0: Any,
    shares: Any,
    squared: Any,
    averaged: Any,
    used: Any,
    root: Any,
    epsilon: Any,
    quotient: Any,
    order: Any,
    rate: Any,
    buffer: Any,
    remembered: Any,
    moved: Any,
) -> Any:
    class Own:
        def __init__(self, rho: float, gamma: float, eps: float) -> None:
            self.rho, self.gamma = shares(rho, gamma)
            self.eps, self.v, self.u = eps, v0, u0

        def step(self, theta: Any, g: Any, eta: Any) -> Any:
            into, out = rate
            new = averaged(self.v, squared(g), self.rho)
            divides = used(self.v, new)

            def scaled(x: Any) -> Any:
                return quotient(x, root(divides), epsilon(root, divides, self.eps), self.eps)

            def buffered(x: Any) -> Any:
                self.u = buffer(self.u, into(eta) * x, self.gamma)
                return self.u

            step = out(eta) * order(scaled, buffered, g)
            self.v, self.u = remembered(v0, new, self.u)
            return moved(theta, step)

    return Own


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
        # Small gradients: v falls below ε.
        Case(
            {"rho": 0.5, "gamma": 0.25, "eps": EPS, "theta": np.array([1.0])},
            {"g": [np.array([x]) for x in (0.1, -0.1, 0.2, 0.1, 0.3)], "eta": [0.1, 0.3, 0.3, 0.2, 0.1]},
        ),
    ),
    slots=(
        _V0,
        _U0,
        _SHARES,
        fillings.squared("v"),
        *fillings.without((fillings.averaged("v", "ρ"),), "average begun anew at every call", "no average"),
        _USED,
        fillings.root("v"),
        fillings.epsilon_inside(read=_EPSILON),
        fillings.quotient(),
        _ORDER,
        _RATE,
        _BUFFER,
        _REMEMBERED,
        fillings.moved(),
    ),
    built=_tensorflow,
    mistakes=(),
    hints=(
        "Go through the switches one by one: where does v begin, where does ε stand, what goes into the buffer?",
        "v begins at 1, u at 0. In step: v as always; then u = γu + η g/√(v + ε), with the rate of this step; then "
        "return θ − u.",
    ),
    read="One rule and its switches",
)


def _decay(g: Any, theta: Any, v: Any, eta: Any, rho: Any, eps: Any, coupled: Any, decoupled: Any) -> Any:
    h = g + coupled * theta
    v = rho * v + (1 - rho) * h * h
    return theta - eta * h / (rules.sqrt(v) + eps) - eta * decoupled * theta, v


_SEEN = Slot(
    "seen",
    lambda g, theta, coupled, decoupled, eta: (g + coupled * theta,) * 2,
    (
        Mistake(
            "coupled decay not in the average",
            lambda g, theta, coupled, decoupled, eta: (g, g + coupled * theta),
            "Your average holds the squares of g alone. The coupled decay is part of the gradient, for v as well: "
            "otherwise it is divided by a v that never saw it.",
        ),
        Mistake(
            "coupled decay in the average only",
            lambda g, theta, coupled, decoupled, eta: (g + coupled * theta, g),
            "The coupled decay enters your v but is missing from the numerator: it slows the weight down and does "
            "not shrink it.",
        ),
        Mistake(
            "no coupled decay",
            lambda g, theta, coupled, decoupled, eta: (g, g),
            "Your gradient is g alone: the coupled decay does not enter at all.",
        ),
        Mistake(
            "coupled decay away from zero",
            lambda g, theta, coupled, decoupled, eta: (g - coupled * theta,) * 2,
            "Your coupled decay has the wrong sign: it is added to the gradient so that a step downhill leads towards "
            "zero. Yours drives the weight away from it.",
        ),
        Mistake(
            "coupled decay multiplied by the rate",
            lambda g, theta, coupled, decoupled, eta: (g + eta * coupled * theta,) * 2,
            "You multiply the coupled decay by the rate. It is part of the gradient, and meets the rate with the rest "
            "of the gradient, when the step is made.",
        ),
        Mistake(
            "gradient shrunk, not the weight",
            lambda g, theta, coupled, decoupled, eta: (g + coupled * g,) * 2,
            "You add a part of the gradient to the gradient. What decays is the weight.",
        ),
        Mistake(
            "coupled decay without its factor",
            lambda g, theta, coupled, decoupled, eta: (g + theta,) * 2,
            "You add the whole weight to the gradient: the coupled decay has a factor.",
        ),
        Mistake(
            "decoupled decay in the gradient as well",
            lambda g, theta, coupled, decoupled, eta: (g + (coupled + decoupled) * theta,) * 2,
            "You add the decoupled decay to the gradient as well. It was to enter once, past the denominator.",
        ),
        Mistake(
            "gradient taken at the shrunk θ",
            lambda g, theta, coupled, decoupled, eta: (g + coupled * (theta * (1 - eta * decoupled)),) * 2,
            "You shrink θ first, and compute the coupled decay from what is left of it. Both should see the same θ.",
        ),
    ),
)

_SHRUNK = Slot(
    "shrunk",
    lambda theta, d, eta, coupled, decoupled: theta - eta * d - eta * decoupled * theta,
    (
        Mistake(
            "no decoupled decay",
            lambda theta, d, eta, coupled, decoupled: theta - eta * d,
            "Your parameter moves by RMSprop's step alone: the decoupled decay does not enter at all.",
        ),
        Mistake(
            "decoupled decay without the rate",
            lambda theta, d, eta, coupled, decoupled: theta - eta * d - decoupled * theta,
            "The decoupled decay in your step is not multiplied by the rate, so it goes on when the rate goes to zero.",
        ),
        Mistake(
            "decoupled decay after the step",
            lambda theta, d, eta, coupled, decoupled: (theta - eta * d) * (1 - eta * decoupled),
            "You shrink the parameter after it has moved, so the step just made shrinks with it. The equation "
            "shrinks θ as it was before the step.",
        ),
        Mistake(
            "decoupled decay away from zero",
            lambda theta, d, eta, coupled, decoupled: theta - eta * d + eta * decoupled * theta,
            "Your decoupled decay has the wrong sign: without a gradient the weight grows.",
        ),
        Mistake(
            "decoupled decay of the step",
            lambda theta, d, eta, coupled, decoupled: theta - eta * (1 - decoupled) * d,
            "You shrink the step. What decays is the weight.",
        ),
        Mistake(
            "decoupled decay with the rate twice",
            lambda theta, d, eta, coupled, decoupled: theta - eta * d - eta * eta * decoupled * theta,
            "You multiply the decoupled decay by the rate twice.",
        ),
        Mistake(
            "up instead of down",
            lambda theta, d, eta, coupled, decoupled: theta + eta * d - eta * decoupled * theta,
            "You add RMSprop's step. The gradient points uphill, so that the loss grows.",
        ),
        Mistake(
            "rate forgotten",
            lambda theta, d, eta, coupled, decoupled: theta - d - eta * decoupled * theta,
            "You subtract the direction whole: only the decay is multiplied by the rate.",
        ),
        Mistake(
            "coupled decay subtracted as well",
            lambda theta, d, eta, coupled, decoupled: theta - eta * d - eta * (coupled + decoupled) * theta,
            "You subtract the coupled decay from the weight as well. It was to enter once, in the gradient.",
        ),
        Mistake(
            "coupled factor in the decoupled place",
            lambda theta, d, eta, coupled, decoupled: theta - eta * d - eta * coupled * theta,
            "You shrink the weight by the coupled factor. The decoupled one belongs there.",
        ),
    ),
)


def _decaying(
    seen: Any,
    squared: Any,
    averaged: Any,
    used: Any,
    root: Any,
    epsilon: Any,
    quotient: Any,
    shrunk: Any,
    kept: Any,
) -> Any:
    def step(g: Any, theta: Any, v: Any, eta: Any, rho: Any, eps: Any, coupled: Any, decoupled: Any) -> Any:
        in_v, above = seen(g, theta, coupled, decoupled, eta)
        new = averaged(v, squared(in_v), rho)
        divides = used(v, new)
        d = quotient(above, root(divides), epsilon(root, divides, eps), eps)
        return shrunk(theta, d, eta, coupled, decoupled), kept(new)

    return step


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
        # A small gradient: the root of v is less than ε.
        Case(
            {"theta": 0.5, "v": 0.0, "eta": 0.3, "rho": 0.9, "eps": EPS, "coupled": 0.2, "decoupled": 0.4},
            {"g": [0.1, -0.05, 0.2]},
        ),
    ),
    slots=(
        _SEEN,
        fillings.squared("v"),
        fillings.averaged("v", "ρ"),
        fillings.used("v"),
        fillings.root("v"),
        fillings.epsilon(
            read=_EPSILON,
            without="As long as v is 0, a gradient that is zero with the coupled decay added then gives 0/0.",
        ),
        fillings.quotient(),
        _SHRUNK,
        fillings.kept("v"),
    ),
    built=_decaying,
    mistakes=(
        Mistake(
            "both decoupled",
            lambda g, theta, v, eta, rho, eps, coupled, decoupled: _decay(
                g, theta, v, eta, rho, eps, 0.0, coupled + decoupled
            ),
            "You treat both as decoupled: neither of them passes through the denominator.",
        ),
        Mistake(
            "the two factors exchanged",
            lambda g, theta, v, eta, rho, eps, coupled, decoupled: _decay(
                g, theta, v, eta, rho, eps, decoupled, coupled
            ),
            "You add the decoupled decay to the gradient, and subtract the coupled one from the weight. Each has the "
            "other's place.",
        ),
        Mistake(
            "both coupled",
            lambda g, theta, v, eta, rho, eps, coupled, decoupled: _decay(
                g, theta, v, eta, rho, eps, coupled + decoupled, 0.0
            ),
            "You add both to the gradient. The denominator then divides the decoupled one too, which is what "
            "decoupling is meant to prevent.",
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
