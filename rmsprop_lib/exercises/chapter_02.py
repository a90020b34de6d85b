"""The exercises of chapter 2, AdaGrad."""

from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises import fillings
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake

# Large enough that where ε stands shows, small enough that the rest does too.
EPS = 0.25
_rng = np.random.default_rng(2)


_STEPS = "How long its steps are, and how far they lead"


def _step(
    squared: Any, added: Any, used: Any, root: Any, epsilon: Any, quotient: Any, numerator: Any, kept: Any
) -> Any:
    """AdaGrad's step as a product of choices: RMSprop's with a sum for the average."""
    step = fillings.adaptive_step(
        squared, lambda v, x, rho: added(v, x), used, root, epsilon, quotient, numerator, kept
    )
    return lambda g, G, eps: step(g, G, None, eps)


def _sizes_added(g: Any, G: Any, eps: Any) -> Any:
    G = G + abs(g)
    return g / (G + eps), G


STEP = Exercise(
    name="adagrad-step",
    chapter="02_adagrad",
    task="From the gradient g and the sum G before the step: the direction d, then the new G.",
    takes="g G eps",
    returns="d G",
    reference=rules.adagrad,
    cases=(
        Case({"G": 0.0, "eps": EPS}, {"g": [0.0, 3.0, -0.5, 0.02, 40.0, -1.0, 0.7]}),
        Case({"G": np.zeros(4), "eps": EPS}, {"g": list(_rng.normal(0.5, 2.0, (10, 4)))}),
        Case({"G": np.full((2, 3), 4.0), "eps": 2.0}, {"g": list(_rng.normal(size=(3, 2, 3)))}),
    ),
    slots=(
        fillings.squared("G"),
        fillings.added_up("G"),
        fillings.used("G", read=_STEPS),
        fillings.root("G", read=_STEPS),
        fillings.epsilon(read="From equation to code"),
        fillings.quotient(),
        fillings.numerator(),
        fillings.kept("G"),
    ),
    built=_step,
    mistakes=(
        Mistake(
            "sizes instead of squares, and no root",
            _sizes_added,
            "You divide by the sum of the sizes. That has the right unit, but it grows like t on a steady gradient, "
            "and the steps fall too fast: the distance they cover grows like a logarithm only.",
            read=_STEPS,
        ),
    ),
    hints=(
        "Two lines: first the new sum, of what? Then the direction, from the new sum.",
        "The new G is the old one plus the squared gradient. The direction is the gradient over the root of the new "
        "G, with ε added to the root.",
    ),
    read="The best diagonal scaling in hindsight",
)


def _reach(g: Any, G: Any, steps: int) -> Any:
    """The length of so many directions together, under a constant gradient."""
    total = 0.0
    for _ in range(steps):
        d, G = rules.adagrad(g, G, 0.0)
        total = total + abs(d)
    return total


def _reach_of_old_sums(g: Any, G: Any, steps: int) -> Any:
    total = 0.0
    for _ in range(steps):
        d = g / rules.sqrt(G)
        G = rules.adagrad(g, G, 0.0)[1]
        total = total + abs(d)
    return total


def _root_of_first_sum_added(D: Any, T: Any, g: Any, G: Any) -> Any:
    return D / sum(abs(g) / (rules.sqrt(G) + rules.sqrt(t * g * g)) for t in range(1, T + 1))


RATE = Exercise(
    name="adagrad-rate",
    chapter="02_adagrad",
    task="The rate with which T steps under the constant gradient g, from the sum G, cover the distance D (ε = 0).",
    takes="D T g G",
    returns="eta",
    reference=lambda D, T, g, G: D / _reach(g, G, T),
    cases=(
        Case({"D": 10.0, "T": 1, "g": 3.0, "G": 0.0}),
        Case({"D": 10.0, "T": 8, "g": -0.5, "G": 0.0}),
        Case({"D": 2.0, "T": 50, "g": 0.3, "G": 4.0}),
        Case({"D": 7.0, "T": 5, "g": -2.0, "G": 0.1}),
    ),
    mistakes=(
        Mistake(
            "steps that do not shorten",
            lambda D, T, g, G: D / (T * _reach(g, G, 1)),
            "You count every step as if it were as long as the first. Each added square makes the next shorter.",
        ),
        Mistake(
            "all steps as short as the last",
            lambda D, T, g, G: D * rules.sqrt(G + T * g * g) / (T * abs(g)),
            "You count every step as if it were as short as the last, so your rate leads too far: the sum is that "
            "large only at the end.",
        ),
        Mistake(
            "initial sum ignored",
            lambda D, T, g, G: D / _reach(g, 0 * G, T),
            "Your sum begins at 0. What is in G at the start makes all steps shorter, the first ones most.",
        ),
        Mistake(
            "root of the initial sum added",
            _root_of_first_sum_added,
            "You take the root of the initial sum and that of the new squares, and add the two roots. There is one "
            "sum, and one root of it.",
        ),
        Mistake(
            "sum updated after its use",
            lambda D, T, g, G: D / _reach_of_old_sums(g, G, T),
            "Each of your steps is divided by the sum before its own gradient. From the sum 0 the first one is "
            "infinitely long, and the rate you return is 0.",
            read="The best diagonal scaling in hindsight",
        ),
        Mistake(
            "an integral instead of the sum",
            lambda D, T, g, G: D * abs(g) / (2 * (rules.sqrt(G + T * g * g) - rules.sqrt(G))),
            "You have replaced the sum over the steps by an integral (without an initial sum: by twice the root of "
            "T). For many steps that is close, for few it is not; the exercise asks for the exact sum.",
        ),
        Mistake(
            "the formula for many steps",
            lambda D, T, g, G: D / (2 * T**0.5),
            "You use D/(2√T). That is close if many steps start from the sum 0. Here the steps may be few, and there "
            "may be an initial sum.",
        ),
        Mistake(
            "one step too few",
            lambda D, T, g, G: D / _reach(g, G, T - 1),
            "You add up T − 1 steps: in Python range(1, T) ends before T. With T = 1 no step is left.",
        ),
        Mistake(
            "a negative rate",
            lambda D, T, g, G: np.sign(g) * D / _reach(g, G, T),
            "Where the gradient is negative your rate is too. A distance is covered in either direction.",
        ),
        Mistake(
            "gradient not squared",
            lambda D, T, g, G: D / _reach(rules.sqrt(abs(g)), G, T) / rules.sqrt(abs(g)),
            "You add g to the sum at each step, not its square.",
            read="The best diagonal scaling in hindsight",
        ),
    ),
    hints=(
        "With the rate 1, how far would the T steps lead? The distance is proportional to the rate.",
        "The t-th step has the length η|g| over the root of G + t·g². Add this up for t = 1 to T without the η, and "
        "divide D by it.",
    ),
    read="How long its steps are, and how far they lead",
)


def _bounds(g: Any, D: Any) -> tuple[Any, Any]:
    """By the two theorems: the regret of AdaGrad, and of the best common fixed rate."""
    return _from_sums(np.sum(g * g, axis=0), D, g.shape[1])


def _from_sums(G: Any, D: Any, n: int) -> tuple[Any, Any]:
    return 2**0.5 * D * np.sum(rules.sqrt(G)), D * rules.sqrt(n * np.sum(G))


def _root_of_all(g: Any, D: Any) -> tuple[Any, Any]:
    return 2**0.5 * D * np.sum(g * g) ** 0.5, _bounds(g, D)[1]


BOUNDS = Exercise(
    name="adagrad-bounds",
    chapter="02_adagrad",
    task="From gradients of shape (T, n) and the side D: AdaGrad's best regret bound, then that of one fixed rate.",
    takes="g D",
    returns="adaptive common",
    reference=_bounds,
    cases=(
        Case({"g": _rng.normal(size=(6, 3)) * np.array([10.0, 1.0, 0.1]), "D": 2.0}),
        Case({"g": np.array([[0.0, 2.0], [0.0, -1.0], [3.0, 0.5], [0.0, 4.0]]), "D": 0.5}),
        Case({"g": _rng.choice([-1.0, 1.0], size=(40, 5)) * (_rng.random((40, 5)) < 0.3), "D": 1.0}),
    ),
    mistakes=(
        Mistake(
            "one root for all coordinates",
            _root_of_all,
            "In AdaGrad's bound you add up the squares of all coordinates and take one root of that. Then it would not "
            "matter how the squares are spread over the coordinates, and that is what the bound is about.",
        ),
        Mistake(
            "a root for each coordinate in both",
            lambda g, D: (_bounds(g, D)[0], _bounds(g, D)[0] * (g.shape[1] / 2) ** 0.5),
            "The first is right. In the second you take the roots before adding up the coordinates, as in the first. "
            "A common rate sees the sum of all squares only.",
            read="Sparse features",
        ),
        Mistake(
            "summed over coordinates, not rounds",
            lambda g, D: _from_sums(np.sum(g * g, axis=1), D, g.shape[1]),
            "You add up the squares over the coordinates, for each round by itself: the wrong axis. The first axis "
            "counts the rounds.",
        ),
        Mistake(
            "gradients not squared",
            lambda g, D: _from_sums(np.sum(np.abs(g), axis=0), D, g.shape[1]),
            "You add up the sizes of the gradients, not their squares, and then take roots of that.",
        ),
        Mistake(
            "mean instead of sum",
            lambda g, D: _from_sums(np.mean(g * g, axis=0), D, g.shape[1]),
            "You take the mean of the squares over the rounds. Then your bounds do not grow with T; regret does.",
        ),
        Mistake(
            "the bound in hindsight",
            lambda g, D: (_bounds(g, D)[0] / 2**0.5, _bounds(g, D)[1]),
            "Your first number is the bound of the best fixed rates in hindsight, one for each coordinate. AdaGrad "
            "does not know its sums in advance and pays a constant factor for that.",
        ),
        Mistake(
            "number of coordinates missing",
            lambda g, D: (_bounds(g, D)[0], D * np.sum(g * g) ** 0.5),
            "The first is right. The second is the bound for a single coordinate with all the squares: from one "
            "corner of the box to the opposite one a distance of D has to be covered in every coordinate.",
            read="Sparse features",
        ),
        Mistake(
            "rounds instead of coordinates",
            lambda g, D: (_bounds(g, D)[0], D * (len(g) * np.sum(g * g)) ** 0.5),
            "The first is right. In the second you multiply by the number of rounds. It is in the sums already.",
            read="Sparse features",
        ),
        Mistake(
            "D squared",
            lambda g, D: (D * _bounds(g, D)[0], D * _bounds(g, D)[1]),
            "You have D² before the roots. The best rates are proportional to D as well: insert them again.",
            read="The best diagonal scaling in hindsight",
        ),
    ),
    hints=(
        "First the sums of squares, one for each coordinate: over which axis? Then two bounds from them. In which of "
        "the two does the root come before the sum over the coordinates?",
        "With G the sums over the rounds and n their number: √2·D times the sum of the roots of G, and D times the "
        "root of n times the sum of G.",
    ),
    read="The regret theorem",
)

EXERCISES = (STEP, RATE, BOUNDS)
