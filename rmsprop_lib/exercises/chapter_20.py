"""The exercises of chapter 20, the family."""

from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake

# Many elements, for a sign tells little of what it is the sign of.
_g = np.random.default_rng(20).normal(0.2, 2.0, (8, 40))


def _yogi(g: Any, v: Any, beta2: Any) -> Any:
    return v - (1 - beta2) * rules.sign(v - g * g) * g * g


LION = Exercise(
    name="family-lion",
    chapter="20_family",
    task="From a gradient g and the memory m: Lion's direction, and the memory after the step.",
    takes="g m beta1 beta2",
    returns="direction m",
    reference=rules.lion,
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
    mistakes=(
        Mistake(
            "no sign",
            lambda g, m, beta1, beta2: (rules.ema(m, g, beta1), rules.ema(m, g, beta2)),
            "You step by the average itself. Lion keeps its sign only, so that every element moves by the rate.",
        ),
        Mistake(
            "decays swapped",
            lambda g, m, beta1, beta2: rules.lion(g, m, beta2, beta1),
            "You have the two decays in each other's place: beta1 belongs to the step, beta2 to what is kept.",
        ),
        Mistake(
            "signum",
            lambda g, m, beta1, beta2: rules.lion(g, m, beta2, beta2),
            "Your step is the sign of the new memory. That is signum, Lion with both decays equal.",
        ),
        Mistake(
            "memory first",
            lambda g, m, beta1, beta2: (
                np.sign(rules.ema(rules.ema(m, g, beta2), g, beta1)),
                rules.ema(m, g, beta2),
            ),
            "You mix the gradient with the memory that it has already entered, so that it counts twice. The step is "
            "made from the old memory.",
        ),
        Mistake(
            "sign of the gradient",
            lambda g, m, beta1, beta2: (np.sign(g) + 0 * m, rules.ema(m, g, beta2)),
            "You step by the sign of the gradient alone, and your memory is never used.",
        ),
        Mistake(
            "one memory",
            lambda g, m, beta1, beta2: (np.sign(rules.ema(m, g, beta1)), rules.ema(m, g, beta1)),
            "You keep what you have taken the sign of. The memory has a longer decay of its own, beta2.",
        ),
        Mistake(
            "sign remembered",
            lambda g, m, beta1, beta2: (
                np.sign(rules.ema(m, g, beta1)),
                rules.ema(m, np.sign(g), beta2),
            ),
            "Your memory averages signs. Lion's averages the gradients themselves, so that large ones count for more.",
        ),
    ),
    hints=(
        "There are two averages of the old memory and the gradient, with two decays. One of them is only looked at.",
        "The direction is the sign of beta1·m + (1 − beta1)·g; the new memory is beta2·m + (1 − beta2)·g.",
    ),
    read="What is averaged",
)

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
    mistakes=(
        Mistake(
            "Adam's",
            lambda g, v, beta2: rules.ema(v, g * g, beta2),
            "That is Adam's average. It moves by a share of the distance from v to g², Yogi by a share of g².",
        ),
        Mistake(
            "wrong way",
            lambda g, v, beta2: v + (1 - beta2) * np.sign(v - g * g) * g * g,
            "Your v moves away from g²: it grows where it is larger already.",
        ),
        Mistake(
            "no share",
            lambda g, v, beta2: v - np.sign(v - g * g) * g * g,
            "Your v moves by all of g². It should move by the share 1 − beta2 of it.",
        ),
        Mistake(
            "square forgotten in the sign",
            lambda g, v, beta2: v - (1 - beta2) * np.sign(v - np.abs(g)) * g * g,
            "You compare v, which is in squares, with the gradient itself.",
        ),
        Mistake(
            "square forgotten in the change",
            lambda g, v, beta2: v - (1 - beta2) * np.sign(v - g * g) * np.abs(g),
            "Your change has the unit of a gradient, and v that of its square.",
        ),
        Mistake(
            "only up",
            lambda g, v, beta2: v + (1 - beta2) * g * g,
            "Your v can only grow, as AdaGrad's sum does.",
        ),
        Mistake(
            "decay for the share",
            lambda g, v, beta2: v - beta2 * np.sign(v - g * g) * g * g,
            "You have taken beta2 where the share of the newest square, 1 − beta2, belongs.",
        ),
    ),
    hints=(
        "Does v go up or down? By how much, if the distance to g² is not to matter?",
        "The change has the size (1 − beta2)·g² and the sign of g² − v.",
    ),
    read="What the gradient is divided by",
)

EXERCISES = (LION, YOGI)
