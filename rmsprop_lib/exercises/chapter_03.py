"""The exercises of chapter 3, RMSprop."""

from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises import fillings
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake, Slot
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


_WINDOW = "How far back the average looks"
_SLOTS = (
    fillings.squared("v"),
    fillings.averaged("v", "ρ", window=_WINDOW, sums="From a sum to an average"),
    fillings.used("v", read="How long a step can be"),
    fillings.root("v"),
    fillings.epsilon(),
    fillings.quotient(),
    fillings.numerator(),
    fillings.kept("v"),
)


STEP = Exercise(
    name="rmsprop-step",
    chapter="03_rmsprop",
    task="From the gradient g and the average v before the step, return the direction d, then the new v.",
    takes="g v rho eps",
    returns="d v",
    reference=rules.rmsprop,
    cases=_cases,
    slots=_SLOTS,
    built=fillings.adaptive_step,
    mistakes=(),
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


def _class(stepped: Any, begun: Any, remembered: Any, given: Any, **choices: Any) -> Any:
    """A class made with (lr, rho, eps) as a product of choices, those of the step among them."""
    direction = fillings.adaptive_step(**choices)

    class Own:
        def __init__(self, lr: float, rho: float, eps: float) -> None:
            self.lr, self.rho, self.eps = lr, rho, eps
            self.v: Any = None

        def step(self, theta: Any, g: Any) -> Any:
            if self.v is None:
                self.v = begun(choices["squared"](given(self.lr, g)))
            d, new = direction(given(self.lr, g), self.v, self.rho, self.eps)
            self.v = remembered(self.v, new)
            return stepped(theta, self.lr, d)

    return Own


_GIVEN = Slot(
    "given",
    lambda lr, g: g,
    (
        Mistake(
            "rate inside the average",
            lambda lr, g: lr * g,
            "You multiply the gradient by the rate before squaring it. The rate then cancels in the quotient, up to ε, "
            "and what is left of it is not what it was.",
            read="What RMSprop cannot see: scale",
        ),
    ),
)


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
    slots=(
        fillings.stepped(),
        fillings.begun("the average"),
        fillings.remembered("the average", read="From a sum to an average"),
        _GIVEN,
        *fillings.without(_SLOTS, "average begun anew at every call"),
    ),
    built=_class,
    mistakes=(),
    hints=(
        "The object has to remember one array between two calls. Where does it begin, and which line changes it?",
        "In __init__: keep lr, rho, eps, and v = 0. In step: store the new v in self.v, then return theta minus lr "
        "times the direction.",
    ),
    read="From equation to code",
)


def _weights(rho: float, t: int) -> np.ndarray:
    """Element s − 1: the weight of the s-th number."""
    s = np.arange(1, t + 1)
    return np.asarray((1 - rho) * rho ** (t - s))


_WEIGHT_SLOTS = (
    Slot(
        "shares",
        lambda rho: (1 - rho, rho),
        (
            Mistake(
                "ρ and 1 − ρ swapped",
                lambda rho: (rho, 1 - rho),
                "You have ρ where 1 − ρ belongs, and the other way round.",
            ),
            Mistake(
                "factor 1 − ρ missing",
                lambda rho: (1.0, rho),
                "Your newest weight is 1. Every number enters the average with a factor of its own before it is "
                "decayed.",
            ),
            Mistake(
                "weighted with ρ",
                lambda rho: (rho, rho),
                "Your newest weight is ρ. What enters the average has the weight that the old average has not.",
            ),
            Mistake(
                "decayed with 1 − ρ",
                lambda rho: (1 - rho, 1 - rho),
                "Your weights shrink by the factor 1 − ρ from one number to the one before. The old average keeps ρ.",
            ),
            Mistake(
                "divided by 1 − ρ",
                lambda rho: (1 / (1 - rho), rho),
                "You divide by 1 − ρ. It is the factor with which each number enters.",
            ),
        ),
    ),
    Slot(
        "power",
        lambda t, s: t - s,
        (
            Mistake(
                "decayed once too often",
                lambda t, s: t - s + 1,
                "Your weights are too small by a factor of ρ: the newest number has not been decayed yet.",
            ),
            Mistake(
                "decayed once too rarely",
                lambda t, s: t - s - 1,
                "Your weights are too large by a factor of 1/ρ: the number before the newest has been decayed once.",
            ),
            Mistake(
                "no decay",
                lambda t, s: 0.0 * s,
                "All your weights are the same, as in a plain mean. Older numbers have been decayed more often.",
            ),
            Mistake(
                "power s",
                lambda t, s: s,
                "You have the power s for the s-th number: the later a number came, the smaller its weight. The s-th "
                "number has been decayed at the steps after it.",
            ),
            Mistake(
                "two powers in a step",
                lambda t, s: 2 * (t - s),
                "You decay twice in every step.",
            ),
            Mistake(
                "powers of t",
                lambda t, s: t + 0.0 * s,
                "You have the same power t for all numbers. The later a number came, the less often it has been "
                "decayed.",
            ),
        ),
    ),
    Slot(
        "order",
        lambda weights: weights,
        (
            Mistake(
                "newest first",
                lambda weights: weights[::-1],
                "In your answer the newest number comes first. The oldest one is asked for first.",
            ),
        ),
    ),
    Slot(
        "scaled",
        lambda weights: weights,
        (
            Mistake(
                "made to sum to one",
                lambda weights: weights / np.sum(weights),
                "Your weights sum to one. Those of an average that begins at zero do not: at first most of the weight "
                "is on that zero. (Adam divides by the sum, RMSprop does not.)",
            ),
            Mistake(
                "divided by their number",
                lambda weights: weights / len(weights),
                "You divide by the number of weights. The factor 1 − ρ is all that makes an average of the sum.",
            ),
            Mistake(
                "added up",
                np.cumsum,
                "You add the weights up. Each number has a weight of its own.",
            ),
        ),
    ),
)


def _weighting(shares: Any, power: Any, order: Any, scaled: Any) -> Any:
    def weights(rho: float, t: int) -> Any:
        enters, stays = shares(rho)
        return scaled(order(enters * stays ** power(t, np.arange(1.0, t + 1))))

    return weights


WEIGHTS = Exercise(
    name="ema-weights",
    chapter="03_rmsprop",
    task="Return the weights, oldest first, that an average begun at 0 with decay rho gives x_1, …, x_t after t steps.",
    takes="rho t",
    returns="weights",
    reference=_weights,
    cases=(Case({"rho": 0.9, "t": 6}), Case({"rho": 0.5, "t": 1}), Case({"rho": 0.75, "t": 10})),
    slots=_WEIGHT_SLOTS,
    built=_weighting,
    mistakes=(
        Mistake(
            "beginning counted in full",
            lambda rho, t: np.where(np.arange(t) == 0, 1.0, 1 - rho) * rho ** np.arange(t - 1.0, -1.0, -1.0),
            "Your oldest weight is too large: you let the average begin with the first number. It begins at 0.",
        ),
    ),
    hints=(
        "Write the average after one, two and three steps, and look at what stands in front of x₁.",
        "In front of x_s stands 1 − ρ, and a ρ for every later step: t − s of them.",
    ),
    read="How far back the average looks",
)

EXERCISES = (STEP, CLASS, WEIGHTS)
