"""The exercises of chapter 20, the family."""

from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises import fillings
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake, Slot

# Many elements, for a sign tells little of what it is the sign of.
_g = np.random.default_rng(20).normal(0.2, 2.0, (8, 40))


def _lion(g: Any, m: Any, beta1: Any, beta2: Any) -> Any:
    return rules.sign(beta1 * m + (1 - beta1) * g), beta2 * m + (1 - beta2) * g


def _yogi(g: Any, v: Any, beta2: Any) -> Any:
    return v - (1 - beta2) * rules.sign(v - g * g) * g * g


_LION = (
    Slot(
        "decays",
        lambda beta1, beta2: (beta1, beta2),
        (
            Mistake(
                "decays swapped",
                lambda beta1, beta2: (beta2, beta1),
                "You have the two decays in each other's place: beta1 belongs to the step, beta2 to what is kept.",
            ),
            Mistake(
                "signum",
                lambda beta1, beta2: (beta2, beta2),
                "Your step is the sign of the new memory. That is signum, Lion with both decays equal.",
            ),
            Mistake(
                "one memory",
                lambda beta1, beta2: (beta1, beta1),
                "You keep what you have taken the sign of. The memory has a decay of its own, beta2.",
            ),
        ),
    ),
    Slot(
        "mixed",
        rules.ema,
        (
            Mistake(
                "weights swapped in the direction",
                lambda m, g, beta: rules.ema(m, g, 1 - beta),
                "In the direction you give the memory the weight 1 − beta1 and the gradient beta1, so that hardly more "
                "than the gradient decides.",
            ),
            Mistake(
                "gradient not weighted in the direction",
                lambda m, g, beta: beta * m + g,
                "In the direction you add the gradient whole, and it easily outvotes the memory. Under a sign it "
                "matters how large the two are compared with each other.",
            ),
            Mistake(
                "memory not weighted in the direction",
                lambda m, g, beta: m + (1 - beta) * g,
                "In the direction you add the memory whole. Under a sign it matters how large the two are compared "
                "with each other.",
            ),
            Mistake(
                "same weights in the direction",
                lambda m, g, beta: m + g,
                "In the direction you give memory and gradient the same weight.",
            ),
            Mistake(
                "gradient subtracted in the direction",
                lambda m, g, beta: beta * m - (1 - beta) * g,
                "In the direction you subtract the gradient from the memory.",
            ),
            Mistake(
                "signs mixed",
                lambda m, g, beta: rules.ema(rules.sign(m), rules.sign(g), beta),
                "You mix the signs of the memory and of the gradient, so that their sizes do not count: with beta1 "
                "above a half the memory always wins.",
            ),
            Mistake(
                "sign of the gradient",
                lambda m, g, beta: g + 0 * m,
                "You step by the sign of the gradient alone, and your memory is never used.",
            ),
            Mistake(
                "sign of the old memory",
                lambda m, g, beta: m + 0 * g,
                "You step by the sign of the old memory alone: a gradient takes effect one step late.",
            ),
        ),
    ),
    Slot(
        "memory",
        lambda old, new: old,
        (
            Mistake(
                "memory first",
                lambda old, new: new,
                "You mix the gradient with the memory that it has already entered, so that it counts twice. The step "
                "is made from the old memory.",
            ),
        ),
    ),
    Slot(
        "signed",
        rules.sign,
        (
            Mistake(
                "no sign",
                lambda c: c,
                "You step by the average itself. Lion keeps its sign only, so that every element moves by the rate.",
            ),
            Mistake(
                "the other sign",
                lambda c: -rules.sign(c),
                "Your direction has the opposite sign. It is what the weights are moved against, as a gradient is.",
            ),
            Mistake(
                "size of the average",
                abs,
                "You return the size of the average. Lion keeps the sign and drops the size.",
            ),
        ),
    ),
    Slot(
        "enters",
        lambda g, direction: g,
        (
            Mistake(
                "sign remembered",
                lambda g, direction: rules.sign(g),
                "Your memory averages signs. Lion's averages the gradients themselves, so that large ones count for "
                "more.",
            ),
            Mistake(
                "direction remembered",
                lambda g, direction: direction,
                "Your memory averages the directions, not the gradients.",
            ),
            Mistake(
                "square remembered",
                lambda g, direction: g * g,
                "Your memory averages the squares of the gradients, as RMSprop's does. Lion has none of these.",
            ),
        ),
    ),
    fillings.one_of_two_averages("kept", "m", "gradient", "beta2"),
)


def _lion_of(decays: Any, mixed: Any, memory: Any, signed: Any, enters: Any, kept: Any) -> Any:
    """Lion's step as a product of choices."""

    def step(g: Any, m: Any, beta1: Any, beta2: Any) -> Any:
        looking, keeping = decays(beta1, beta2)
        direction = signed(mixed(memory(m, rules.ema(m, g, keeping)), g, looking))
        return direction, kept(m, enters(g, direction), keeping)

    return step


LION = Exercise(
    name="family-lion",
    chapter="20_family",
    task="From a gradient g and the memory m: Lion's direction, and the memory after the step.",
    takes="g m beta1 beta2",
    returns="direction m",
    reference=rules.lion,
    solution=_lion,
    cases=(
        Case({"g": -1.0, "m": 0.15, "beta1": 0.9, "beta2": 0.7}),
        Case(
            {
                "g": np.array([-1.0, 2.0, 0.5, -4.0, 0.0]),
                "m": np.array([0.75, -0.3, 2.0, 1.6, -1.0]),
                "beta1": 0.9,
                "beta2": 0.6,
            }
        ),
        Case({"m": np.zeros(40), "beta1": 0.9, "beta2": 0.7}, {"g": list(_g)}),
        Case({"m": _g[0], "beta1": 0.6, "beta2": 0.95}, {"g": list(_g[::-1] / 4)}),
    ),
    slots=_LION,
    built=_lion_of,
    mistakes=(),
    hints=(
        "There are two averages of the old memory and the gradient, with two decays. One of them is only looked at.",
        "The direction is the sign of beta1·m + (1 − beta1)·g; the new memory is beta2·m + (1 − beta2)·g.",
    ),
    read="What is averaged",
)


_YOGI = (
    Slot(
        "compared",
        lambda v, g: v - g * g,
        (
            Mistake(
                "square forgotten in the sign",
                lambda v, g: v - abs(g),
                "You compare v, which is in squares, with the size of the gradient.",
            ),
            Mistake(
                "compared with the gradient",
                lambda v, g: v - g,
                "You compare v, which is in squares, with the gradient itself. A negative one is always smaller.",
            ),
            Mistake(
                "only up",
                lambda v, g: -1.0 + 0 * v,
                "Your v can only grow, as AdaGrad's sum does.",
            ),
            Mistake(
                "only down",
                lambda v, g: 1.0 + 0 * v,
                "Your v can only fall, and in the end below zero.",
            ),
            Mistake(
                "sign of the gradient",
                lambda v, g: g + 0 * v,
                "Your v goes up or down with the sign of the gradient. A square knows nothing of that sign.",
            ),
        ),
    ),
    Slot(
        "signed",
        rules.sign,
        (
            Mistake(
                "wrong way",
                lambda x: -rules.sign(x),
                "Your v moves away from g²: it grows where it is larger already.",
            ),
            Mistake(
                "sign forgotten",
                lambda x: x,
                "You multiply by the distance from g² to v. The change should not depend on the distance, only on "
                "its sign.",
            ),
            Mistake(
                "size of the distance",
                abs,
                "You multiply by the size of the distance between v and g², where its sign belongs.",
            ),
        ),
    ),
    Slot(
        "share",
        lambda beta2: 1 - beta2,
        (
            Mistake(
                "no share",
                lambda beta2: 1.0,
                "Your v moves by all of g². It should move by the share 1 − beta2 of it.",
            ),
            Mistake(
                "decay for the share",
                lambda beta2: beta2,
                "You have taken beta2 where the share of the newest square, 1 − beta2, belongs.",
            ),
            Mistake(
                "divided by the share",
                lambda beta2: 1 / (1 - beta2),
                "You divide by 1 − beta2. Your v then changes by far more than g².",
            ),
        ),
    ),
    Slot(
        "change",
        lambda v, g: g * g,
        (
            Mistake(
                "square forgotten in the change",
                lambda v, g: abs(g),
                "Your change has the unit of a gradient, and v that of its square.",
            ),
            Mistake(
                "gradient itself in the change",
                lambda v, g: g,
                "Your change is in proportion to the gradient, sign and all. It should have the unit of v, a square.",
            ),
            Mistake(
                "change without a size",
                lambda v, g: 1.0 + 0 * g,
                "Your change has the same size whatever the gradient is.",
            ),
            Mistake(
                "share of v",
                lambda v, g: v + 0 * g,
                "Your change is a share of v: a v that has come near zero could hardly grow again.",
            ),
            Mistake(
                "Adam's",
                lambda v, g: abs(v - g * g),
                "That is Adam's average. It moves by a share of the distance from v to g², Yogi by a share of g².",
            ),
        ),
    ),
    Slot(
        "old",
        lambda v, beta2: v,
        (
            Mistake(
                "old v decayed",
                lambda v, beta2: beta2 * v,
                "You multiply the old v by beta2, as Adam does. Yogi keeps it whole and adds or subtracts.",
            ),
            Mistake(
                "only the change returned",
                lambda v, beta2: 0 * v,
                "You return the change. Asked for is v after it.",
            ),
        ),
    ),
)


def _yogi_of(compared: Any, signed: Any, share: Any, change: Any, old: Any) -> Any:
    """Yogi's average as a product of choices."""
    return lambda g, v, beta2: old(v, beta2) - share(beta2) * signed(compared(v, g)) * change(v, g)


YOGI = Exercise(
    name="family-yogi",
    chapter="20_family",
    task="From a gradient g and Yogi's v: the v after the step.",
    takes="g v beta2",
    returns="v",
    reference=lambda g, v, beta2: rules.yogi(g, 0.0, v, 1, 0.9, beta2, 1.0)[2],
    solution=_yogi,
    cases=(
        Case({"g": 3.0, "v": 2.5, "beta2": 0.9}),
        Case({"g": np.array([0.5, -2.0, 3.0, 0.1]), "v": np.array([4.0, 3.0, 12.0, 0.003]), "beta2": 0.8}),
        Case({"v": np.full(40, 4.0), "beta2": 0.9}, {"g": list(_g)}),
    ),
    slots=_YOGI,
    built=_yogi_of,
    mistakes=(
        Mistake(
            "AMSGrad's",
            lambda g, v, beta2: np.maximum(v, rules.ema(v, g * g, beta2)),
            "You take the larger of v and Adam's average, as AMSGrad does. Yogi's v can fall.",
        ),
    ),
    hints=(
        "Does v go up or down? By how much, if the distance to g² is not to matter?",
        "The change has the size (1 − beta2)·g² and the sign of g² − v.",
    ),
    read="What the gradient is divided by",
)

EXERCISES = (LION, YOGI)
