"""The exercises of chapter 2, AdaGrad."""

from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises import fillings
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake, Slot

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
        fillings.epsilon(
            read="From equation to code", without="As long as G is 0, a gradient that is zero then gives 0/0."
        ),
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


_RATE_SLOTS = (
    Slot(
        "begun",
        lambda G: G,
        (
            Mistake(
                "initial sum ignored",
                lambda G: 0 * G,
                "Your sum begins at 0. What is in G at the start makes all steps shorter, the first ones most.",
            ),
            Mistake(
                "initial sum squared",
                lambda G: G * G,
                "You square the initial sum. It is a sum of squares already.",
            ),
        ),
    ),
    Slot(
        "numbers",
        lambda T: np.arange(1.0, T + 1),
        (
            Mistake(
                "steps that do not shorten",
                lambda T: np.ones(int(T)),
                "You count every step as if it were as long as the first. Each added square makes the next shorter.",
            ),
            Mistake(
                "all steps as short as the last",
                lambda T: np.full(int(T), float(T)),
                "You count every step as if it were as short as the last, so your rate leads too far: the sum is "
                "that large only at the end.",
            ),
            Mistake(
                "sum updated after its use",
                lambda T: np.arange(0.0, T),
                "Each of your steps is divided by the sum before its own gradient. From the sum 0 the first one is "
                "infinitely long, and the rate you return is 0.",
                read="The best diagonal scaling in hindsight",
            ),
            Mistake(
                "one step too few",
                lambda T: np.arange(1.0, T),
                "You add up T − 1 steps: in Python range(1, T) ends before T. With T = 1 no step is left.",
            ),
            Mistake(
                "one step too many",
                lambda T: np.arange(1.0, T + 2),
                "You add up T + 1 steps.",
            ),
            Mistake(
                "last step alone",
                lambda T: np.array([float(T)]),
                "You count the last step only. The T steps together cover the distance.",
            ),
        ),
    ),
    Slot(
        "squared",
        lambda g: g * g,
        (
            Mistake(
                "gradient not squared",
                abs,
                "You add g to the sum at each step, not its square.",
                read="The best diagonal scaling in hindsight",
            ),
        ),
    ),
    Slot(
        "root",
        lambda G, x: rules.sqrt(G + x),
        (
            Mistake(
                "root of the initial sum added",
                lambda G, x: rules.sqrt(G) + rules.sqrt(x),
                "You take the root of the initial sum and that of the new squares, and add the two roots. There is "
                "one sum, and one root of it.",
            ),
            Mistake(
                "initial sum outside the root",
                lambda G, x: G + rules.sqrt(x),
                "You add the initial sum to the root of the new squares. It is a sum of squares, and belongs under "
                "the root with them.",
            ),
            Mistake(
                "divided by the sum, not by its root",
                lambda G, x: G + x,
                "You divide by the sum itself. Its unit is that of the gradient squared, and the steps would fall "
                "too fast.",
                read="The best diagonal scaling in hindsight",
            ),
            Mistake(
                "root taken twice",
                lambda G, x: rules.sqrt(rules.sqrt(G + x)),
                "You take the root of the sum twice.",
            ),
        ),
    ),
    Slot(
        "numerator",
        abs,
        (
            Mistake(
                "a negative rate",
                lambda g: g,
                "Where the gradient is negative your rate is too. A distance is covered in either direction.",
            ),
            Mistake(
                "no gradient in the step",
                lambda g: 1.0 + 0 * g,
                "A 1 stands where the size of the gradient belongs: you have added up rates, not steps.",
            ),
            Mistake(
                "square in the step",
                lambda g: g * g,
                "The square of the gradient stands where its size belongs.",
            ),
        ),
    ),
    Slot(
        "quotient",
        lambda D, reach, T: D / reach,
        (
            Mistake(
                "quotient upside down",
                lambda D, reach, T: reach / D,
                "You divide the distance at the rate 1 by the distance that is to be covered. The larger that is, "
                "the larger the rate has to be.",
            ),
            Mistake(
                "multiplied, not divided",
                lambda D, reach, T: D * reach,
                "You multiply by the distance at the rate 1. The longer the steps already are, the smaller the rate "
                "has to be.",
            ),
            Mistake(
                "distance missing",
                lambda D, reach, T: 1 / reach + 0 * D,
                "Your rate covers the distance 1. The distance D is not used.",
            ),
            Mistake(
                "multiplied by the number of steps",
                lambda D, reach, T: D / (T * reach),
                "You multiply the sum over the steps by their number. All steps are in the sum already.",
            ),
            Mistake(
                "mean instead of sum",
                lambda D, reach, T: D * T / reach,
                "You divide by the mean length of a step. It is their sum that covers the distance.",
            ),
        ),
    ),
)


def _rating(begun: Any, numbers: Any, squared: Any, root: Any, numerator: Any, quotient: Any) -> Any:
    def rate(D: Any, T: Any, g: Any, G: Any) -> Any:
        lengths = numerator(g) / root(begun(G), numbers(T) * squared(g))
        return quotient(D, np.sum(lengths), T)

    return rate


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
    slots=_RATE_SLOTS,
    built=_rating,
    mistakes=(
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


_BOUNDS_SLOTS = (
    Slot(
        "given",
        lambda g: g,
        (
            Mistake(
                "axes exchanged",
                np.transpose,
                "You take the first axis for the coordinates and the second for the rounds, in the sums and in "
                "their number. The first axis counts the rounds.",
            ),
        ),
    ),
    Slot(
        "squared",
        lambda g: g * g,
        (
            Mistake(
                "gradients not squared",
                abs,
                "You add up the sizes of the gradients, not their squares, and then take roots of that.",
            ),
        ),
    ),
    Slot(
        "summed",
        lambda square, g: np.sum(square(g), axis=0),
        (
            Mistake(
                "summed over coordinates, not rounds",
                lambda square, g: np.sum(square(g), axis=1),
                "You add up the squares over the coordinates, for each round by itself: the wrong axis. The first "
                "axis counts the rounds.",
            ),
            Mistake(
                "squared after the sum",
                lambda square, g: square(np.sum(g, axis=0)),
                "You add up the gradients of each coordinate and square the sum, in which gradients of either sign "
                "cancel. The squares are added up.",
            ),
            Mistake(
                "mean instead of sum",
                lambda square, g: np.mean(square(g), axis=0),
                "You take the mean of the squares over the rounds. Then your bounds do not grow with T; regret does.",
            ),
            Mistake(
                "largest instead of sum",
                lambda square, g: np.max(square(g), axis=0),
                "You take the largest square of each coordinate. Then your bounds do not grow with T; regret does.",
            ),
        ),
    ),
    Slot(
        "adaptive",
        lambda G: np.sum(rules.sqrt(G)),
        (
            Mistake(
                "one root for all coordinates",
                lambda G: rules.sqrt(np.sum(G)),
                "In AdaGrad's bound you add up the squares of all coordinates and take one root of that. Then it "
                "would not matter how the squares are spread over the coordinates, and that is what the bound is "
                "about.",
            ),
            Mistake(
                "no root in AdaGrad's bound",
                np.sum,
                "In AdaGrad's bound you take no root. Regret has the unit of a gradient times a distance.",
            ),
            Mistake(
                "mean over the coordinates",
                lambda G: np.mean(rules.sqrt(G)),
                "In AdaGrad's bound you take the mean over the coordinates. Their regrets add up.",
            ),
        ),
    ),
    Slot(
        "factor",
        2**0.5,
        (
            Mistake(
                "the bound in hindsight",
                1.0,
                "Your first number is the bound of the best fixed rates in hindsight, one for each coordinate. "
                "AdaGrad does not know its sums in advance and pays a constant factor for that.",
            ),
            Mistake(
                "2 for its root",
                2.0,
                "AdaGrad's bound has a factor of 2 in your answer. At the best rate it is the root of 2.",
            ),
            Mistake(
                "divided by the root of 2",
                2**-0.5,
                "You divide AdaGrad's bound by the root of 2. It is above that of the best rates in hindsight, not "
                "below.",
            ),
        ),
    ),
    Slot(
        "common",
        lambda G, n, T: rules.sqrt(n * np.sum(G)),
        (
            Mistake(
                "a root for each coordinate in both",
                lambda G, n, T: n**0.5 * np.sum(rules.sqrt(G)),
                "In the second bound you take the roots before adding up the coordinates, as in the first. A common "
                "rate sees the sum of all squares only.",
                read="Sparse features",
            ),
            Mistake(
                "number of coordinates missing",
                lambda G, n, T: rules.sqrt(np.sum(G)),
                "Your second bound is that for a single coordinate with all the squares: from one corner of the box "
                "to the opposite one a distance of D has to be covered in every coordinate.",
                read="Sparse features",
            ),
            Mistake(
                "number of coordinates before the root",
                lambda G, n, T: n * rules.sqrt(np.sum(G)),
                "In the second bound the number of coordinates stands before the root. The diagonal of the box is "
                "only the root of n times as long as its side.",
                read="Sparse features",
            ),
            Mistake(
                "rounds instead of coordinates",
                lambda G, n, T: rules.sqrt(T * np.sum(G)),
                "In the second bound you multiply by the number of rounds. It is in the sums already.",
                read="Sparse features",
            ),
            Mistake(
                "no root in the second bound",
                lambda G, n, T: n * np.sum(G),
                "In the second bound you take no root. Regret has the unit of a gradient times a distance.",
            ),
            Mistake(
                "root of 2 in the second bound",
                lambda G, n, T: rules.sqrt(2 * n * np.sum(G)),
                "Your second bound has a root of 2 as well. It is the bound of a fixed rate, which needs no such "
                "factor.",
                read="Sparse features",
            ),
        ),
    ),
    Slot(
        "side",
        lambda D: D,
        (
            Mistake(
                "D squared",
                lambda D: D * D,
                "You have D² before the roots. The best rates are proportional to D as well: insert them again.",
                read="The best diagonal scaling in hindsight",
            ),
            Mistake(
                "D missing",
                lambda D: 1.0 + 0 * D,
                "Your bounds do not depend on the side D. In a larger box there is more to lose.",
            ),
            Mistake(
                "half of D",
                lambda D: D / 2,
                "You take half of the side of the box. The distance that counts is from one end of it to the other.",
            ),
        ),
    ),
)


def _bounding(given: Any, squared: Any, summed: Any, adaptive: Any, factor: Any, common: Any, side: Any) -> Any:
    def bounds(g: Any, D: Any) -> Any:
        T, n = given(g).shape
        G = summed(squared, given(g))
        return factor * side(D) * adaptive(G), side(D) * common(G, n, T)

    return bounds


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
    slots=_BOUNDS_SLOTS,
    built=_bounding,
    mistakes=(),
    hints=(
        "First the sums of squares, one for each coordinate: over which axis? Then two bounds from them. In which of "
        "the two does the root come before the sum over the coordinates?",
        "With G the sums over the rounds and n their number: √2·D times the sum of the roots of G, and D times the "
        "root of n times the sum of G.",
    ),
    read="The regret theorem",
)

EXERCISES = (STEP, RATE, BOUNDS)
