"""The exercises of chapter 3, RMSprop."""

from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake
from rmsprop_lib.numpy_optim import RMSprop

# Large enough that where ε stands shows, small enough that the rest does too.
EPS = 0.25
_g = np.random.default_rng(3).normal(0.5, 2.0, (12, 5))

# A zero gradient first, then numbers of all sizes; and the same for arrays.
_cases = (
    Case({"v": 0.0, "rho": 0.9, "eps": EPS}, {"g": [0.0, 3.0, -0.5, 0.02, 40.0, -1.0, 0.7, 2.0]}),
    Case({"v": np.zeros(5), "rho": 0.75, "eps": EPS}, {"g": list(_g)}),
    Case({"v": np.full((2, 3), 4.0), "rho": 0.5, "eps": EPS}, {"g": list(np.full((3, 2, 3), -1.5))}),
)


def _divided_by_v(g: Any, v: Any, rho: Any, eps: Any) -> Any:
    v = rules.ema(v, g * g, rho)
    return g / (v + eps), v


def _not_squared(g: Any, v: Any, rho: Any, eps: Any) -> Any:
    v = rules.ema(v, abs(g), rho)
    return g / (rules.sqrt(v) + eps), v


def _old_average(g: Any, v: Any, rho: Any, eps: Any) -> Any:
    return g / (rules.sqrt(v) + eps), rules.ema(v, g * g, rho)


def _forgetful(g: Any, v: Any, rho: Any, eps: Any) -> Any:
    return rules.rmsprop(g, 0 * v, rho, eps)


STEP = Exercise(
    name="rmsprop-step",
    chapter="03_rmsprop",
    task="From the gradient g and the average v before the step, return the direction d, then the new v.",
    takes="g v rho eps",
    returns="d v",
    reference=rules.rmsprop,
    cases=_cases,
    mistakes=(
        Mistake(
            "divided by v, not by its root",
            _divided_by_v,
            "You divide by v itself. Its unit is that of the gradient squared, so that large gradients now make small "
            "steps: double the gradient and the step is halved.",
        ),
        Mistake(
            "gradient not squared",
            _not_squared,
            "You average the sizes of the gradients, not their squares, and then take a root of that.",
        ),
        Mistake(
            "ρ and 1 − ρ swapped",
            lambda g, v, rho, eps: rules.rmsprop(g, v, 1 - rho, eps),
            "You give the new square the weight ρ and the old average 1 − ρ. With ρ = 0.9 the average then forgets "
            "nine tenths of itself at every step.",
            read="How far back the average looks",
        ),
        Mistake(
            "summed, not averaged",
            lambda g, v, rho, eps: rules.adagrad(g, v, eps),
            "You add the square to v and forget nothing: that is AdaGrad, whose steps only ever shrink.",
            read="From a sum to an average",
        ),
        Mistake(
            "new square not weighted",
            lambda g, v, rho, eps: (g / (rules.sqrt(rho * v + g * g) + eps), rho * v + g * g),
            "You decay the old average, and add the new square whole. The weights then sum to 1/(1 − ρ), and all "
            "steps are shorter by the root of that.",
            read="How far back the average looks",
        ),
        Mistake(
            "ε inside the root",
            lambda g, v, rho, eps: rules.rmsprop(g, v, rho, eps, True),
            "You add ε before taking the root. Several frameworks do so, but the equation here adds it afterwards.",
        ),
        Mistake(
            "ε forgotten",
            lambda g, v, rho, eps: rules.rmsprop(g, v, rho, 0.0),
            "There is no ε in your denominator. The first gradient that is zero then gives 0/0.",
        ),
        Mistake(
            "average updated after its use",
            _old_average,
            "You divide by the average as it was before this gradient entered. Then nothing bounds a step: the very "
            "first one divides by ε alone.",
            read="How long a step can be",
        ),
        Mistake(
            "average begun anew at every call",
            _forgetful,
            "The average you return holds the last gradient only: the v that is passed in is not used. Every step "
            "then has the same length, up to ε.",
            read="The limit ρ → 0: only the sign is left",
        ),
    ),
    hints=(
        "You need two lines: first the new average (of what?), then the direction, from the new average.",
        "The new v is ρ times the old one plus 1 − ρ times the squared gradient. The direction is the gradient over "
        "the root of the new v, with ε added to the root.",
    ),
    read="From equation to code",
)


class _Library:
    """The library's optimizer in the form that the exercise asks for."""

    def __init__(self, lr: float, rho: float, eps: float) -> None:
        self.optimizer = RMSprop(lr, rho, eps)

    def step(self, theta: Any, g: Any) -> Any:
        return self.optimizer.update({"theta": np.asarray(theta, float)}, {"theta": np.asarray(g, float)})["theta"]


class _Own:
    """RMSprop with places in which to go wrong."""

    def __init__(self, lr: float, rho: float, eps: float) -> None:
        self.lr, self.rho, self.eps, self.v = lr, rho, eps, 0.0

    def step(self, theta: Any, g: Any) -> Any:
        d, self.v = rules.rmsprop(g, self.v, self.rho, self.eps)
        return theta - self.lr * d


class _Ascends(_Own):
    def step(self, theta: Any, g: Any) -> Any:
        return 2 * theta - super().step(theta, g)


class _Resets(_Own):
    def step(self, theta: Any, g: Any) -> Any:
        self.v = 0.0
        return super().step(theta, g)


class _OneForAllElements(_Own):
    def step(self, theta: Any, g: Any) -> Any:
        self.v = rules.ema(self.v, np.mean(np.square(g)), self.rho)
        return theta - self.lr * g / (rules.sqrt(self.v) + self.eps)


class _RateInsideTheAverage(_Own):
    def step(self, theta: Any, g: Any) -> Any:
        d, self.v = rules.rmsprop(self.lr * g, self.v, self.rho, self.eps)
        return theta - d


class _Sums(_Own):
    def step(self, theta: Any, g: Any) -> Any:
        d, self.v = rules.adagrad(g, self.v, self.eps)
        return theta - self.lr * d


CLASS = Exercise(
    name="rmsprop-class",
    chapter="03_rmsprop",
    task="Write a class made with (lr, rho, eps) that keeps v and whose step(theta, g) returns the new parameter.",
    takes="lr rho eps theta g",
    returns="theta",
    built_with="lr rho eps",
    reference=_Library,
    cases=(
        Case(
            {"lr": 0.1, "rho": 0.9, "eps": EPS, "theta": np.array([1.0, -2.0, 0.5, 3.0, 0.0])},
            {"g": list(_g)},
        ),
        Case(
            {"lr": 0.5, "rho": 0.5, "eps": EPS, "theta": np.array([2.0])},
            {"g": [np.array([x]) for x in (1.0, 4.0, 0.5)]},
        ),
    ),
    mistakes=(
        Mistake(
            "up instead of down",
            _Ascends,
            "You add the step. The gradient points uphill, so that the loss grows.",
        ),
        Mistake(
            "average begun anew at every step",
            _Resets,
            "In every step the average begins at zero, so that it never sees a second gradient. Either you set it to "
            "zero in step, or the new average is computed there and not kept in the object.",
            read="From a sum to an average",
        ),
        Mistake(
            "one average for all elements",
            _OneForAllElements,
            "You keep one number for the whole array. Then every element has the same rate, and the point of "
            "RMSprop, a rate for each, is lost.",
            read="What RMSprop cannot see: scale",
        ),
        Mistake(
            "rate inside the average",
            _RateInsideTheAverage,
            "You multiply the gradient by the rate before squaring it. The rate then cancels in the quotient, up to ε.",
            read="What RMSprop cannot see: scale",
        ),
        Mistake(
            "summed, not averaged",
            _Sums,
            "You add up the squares and forget nothing: that is AdaGrad.",
            read="From a sum to an average",
        ),
    ),
    hints=(
        "The object has to remember one array between two calls. Where does it begin, and which line changes it?",
        "In __init__: keep lr, rho, eps, and v = 0. In step: store the new v in self.v, then return theta minus lr "
        "times the direction.",
    ),
    read="From equation to code",
)


def _weights(rho: float, t: int) -> np.ndarray:
    """Row s−1: the weight of the s-th number, which is what the average is of a 1 there and zeros elsewhere."""
    v: Any = 0.0
    for one in np.eye(int(t)):
        v = rules.ema(v, one, rho)
    return np.asarray(v)


WEIGHTS = Exercise(
    name="ema-weights",
    chapter="03_rmsprop",
    task="Return the weights, oldest first, that an average begun at 0 with decay rho gives x_1, …, x_t after t steps.",
    takes="rho t",
    returns="weights",
    reference=_weights,
    cases=(Case({"rho": 0.9, "t": 6}), Case({"rho": 0.5, "t": 1}), Case({"rho": 0.75, "t": 10})),
    mistakes=(
        Mistake(
            "newest first",
            lambda rho, t: _weights(rho, t)[::-1],
            "The weights are right, but the newest number comes first. The oldest number has the smallest weight.",
        ),
        Mistake(
            "made to sum to one",
            lambda rho, t: _weights(rho, t) / (1 - rho**t),
            "Your weights sum to one. Those of an average that begins at zero do not: at first most of the weight is "
            "on that zero. (Adam divides by the sum, RMSprop does not.)",
        ),
        Mistake(
            "factor 1 − ρ missing",
            lambda rho, t: _weights(rho, t) / (1 - rho),
            "Your newest weight is 1. Every number enters the average with a factor of its own before it is decayed.",
        ),
        Mistake(
            "decayed once too often",
            lambda rho, t: rho * _weights(rho, t),
            "Every weight is too small by a factor of ρ: the newest number has not been decayed yet.",
        ),
        Mistake(
            "ρ and 1 − ρ swapped",
            lambda rho, t: _weights(1 - rho, t),
            "You have ρ where 1 − ρ belongs, and the other way round.",
        ),
    ),
    hints=(
        "Write the average after one, two and three steps, and look at what stands in front of x₁.",
        "In front of x_s stands 1 − ρ, and a ρ for every later step: t − s of them.",
    ),
    read="How far back the average looks",
)

EXERCISES = (STEP, CLASS, WEIGHTS)
