"""The exercises of chapter 4, centered RMSprop."""

from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises import fillings
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake, Slot

# Large enough that where ε stands shows, small enough that the rest does too.
EPS = 0.25
_g = np.random.default_rng(4).normal(1.0, 2.0, (12, 5))


def _direction(g: Any, v: Any, eps: Any) -> Any:
    return g / (rules.sqrt(v) + eps)


def _mean_first_and_factor_missing(g: Any, v: Any, mu: Any, rho: Any, eps: Any) -> Any:
    mu = rules.ema(mu, g, rho)
    v = rules.ema(v, (g - mu) * (g - mu), rho)
    return _direction(g, v, eps), v, mu


def _keeps_the_average_of_squares(g: Any, v: Any, mu: Any, rho: Any, eps: Any) -> Any:
    v, mu = rules.ema(v, g * g, rho), rules.ema(mu, g, rho)
    return _direction(g, v - mu * mu, eps), v, mu


def _subtracted_from_a_variance(g: Any, v: Any, mu: Any, rho: Any, eps: Any) -> Any:
    mu = rules.ema(mu, g, rho)
    v = rules.ema(v, g * g, rho) - mu * mu
    return _direction(g, v, eps), v, mu


def _centered(
    deviation: Any,
    averaged: Any,
    averaged_mean: Any,
    decays: Any,
    used: Any,
    root: Any,
    epsilon: Any,
    quotient: Any,
    numerator: Any,
    kept: Any,
) -> Any:
    """Centered RMSprop's step as a product of choices: a function (g, v, mu, rho, eps) → d, v, mu."""

    def step(g: Any, v: Any, mu: Any, rho: Any, eps: Any) -> Any:
        of_v, of_mu = decays(rho)
        mean = averaged_mean(mu, g, of_mu)
        new = averaged(v, deviation(g, mu, mean), of_v)
        divides = used(v, new)
        d = quotient(numerator(g, mu, mean), root(divides), epsilon(root, divides, eps), eps)
        return d, *kept(new, mean)

    return step


# What is averaged in v: a function of g, and the mean before and after it.
_DEVIATION = Slot(
    "deviation",
    lambda g, mu, mean: (g - mu) * (g - mu),
    (
        Mistake(
            "mean updated before the variance",
            lambda g, mu, mean: (g - mean) * (g - mean),
            "You update the mean first and then measure the deviation from it. The new mean has already moved towards "
            "g, so that every squared deviation is too small by the factor ρ².",
        ),
        Mistake(
            "not centered",
            lambda g, mu, mean: g * g,
            "You average the squares of the gradients themselves. The mean is kept but never used.",
            read="A variance in the denominator",
        ),
        Mistake(
            "deviation not squared",
            lambda g, mu, mean: abs(g - mu),
            "You average the size of the deviation, not its square, and then take a root of that.",
        ),
        Mistake(
            "deviation with its sign",
            lambda g, mu, mean: g - mu,
            "You average the deviation itself, with its sign. Such a v can be negative, and then has no root.",
        ),
        Mistake(
            "difference of squares",
            lambda g, mu, mean: g * g - mu * mu,
            "You average the square of g less that of the mean. The square of a difference is not the difference of "
            "the squares, which can be negative.",
            read="A variance in the denominator",
        ),
        Mistake(
            "mean added to the gradient",
            lambda g, mu, mean: (g + mu) * (g + mu),
            "You square the sum of the gradient and the mean. A deviation is a difference.",
        ),
        Mistake(
            "one number for all elements",
            lambda g, mu, mean: np.mean(np.square(g - mu)) + 0 * g,
            "You take the mean over all elements, so that every element has the same rate.",
        ),
    ),
)

# How v takes a squared deviation in.
_AVERAGED = Slot(
    "averaged",
    lambda v, x, rho: rho * v + rho * (1 - rho) * x,
    (
        Mistake(
            "factor ρ missing",
            lambda v, x, rho: rho * v + (1 - rho) * x,
            "You give the squared deviation the weight 1 − ρ alone, as an average gives it to its numbers. But this "
            "deviation is from a mean that has not seen g yet, and what you keep is 1/ρ times the variance.",
        ),
        Mistake(
            "factor 1 − ρ missing",
            lambda v, x, rho: rho * v + rho * x,
            "You give the squared deviation the weight ρ alone. It enters with nearly its whole size, and v is far "
            "too large.",
        ),
        Mistake(
            "new square not weighted",
            lambda v, x, rho: rho * v + x,
            "You add the squared deviation whole.",
        ),
        Mistake(
            "1 − ρ squared",
            lambda v, x, rho: rho * v + (1 - rho) * (1 - rho) * x,
            "You give the squared deviation the weight (1 − ρ)². One of the two factors is ρ.",
        ),
        Mistake(
            "old variance not decayed",
            lambda v, x, rho: v + rho * (1 - rho) * x,
            "You keep the old variance whole, so that v only grows.",
        ),
        Mistake(
            "old variance decayed by 1 − ρ",
            lambda v, x, rho: (1 - rho) * v + rho * (1 - rho) * x,
            "You multiply the old variance by 1 − ρ. It then forgets most of itself at every step.",
        ),
        Mistake(
            "old variance decayed by ρ²",
            lambda v, x, rho: rho * (rho * v + (1 - rho) * x),
            "You multiply the whole sum by ρ, the old variance too, which is then decayed twice.",
        ),
        Mistake(
            "summed, not averaged",
            lambda v, x, rho: v + x,
            "You add the squared deviation to v and forget nothing.",
        ),
        Mistake(
            "last deviation only",
            lambda v, x, rho: rho * (1 - rho) * x,
            "Your new v holds the last deviation only: the v that is passed in is not used.",
        ),
    ),
)

_DECAYS = Slot(
    "decays",
    lambda rho: (rho, rho),
    (
        Mistake(
            "ρ and 1 − ρ swapped",
            lambda rho: (1 - rho, 1 - rho),
            "You have ρ where 1 − ρ belongs, and the other way round. With ρ = 0.9 both averages then forget nine "
            "tenths of themselves at every step. (The factor ρ(1 − ρ) does not show it.)",
        ),
    ),
)

_NUMERATOR = fillings.also(
    fillings.numerator(),
    1,
    Mistake(
        "numerator centered, with the old mean",
        lambda g, mu, mean: g - mu,
        "You subtract the old mean from the gradient in the numerator too. What is left there is noise about "
        "zero: on a constant gradient, which has no noise at all, such an optimizer comes to a halt.",
    ),
    Mistake(
        "numerator centered, with the new mean",
        lambda g, mu, mean: g - mean,
        "You subtract the new mean from the gradient in the numerator too. What is left there is noise about "
        "zero: on a constant gradient, which has no noise at all, such an optimizer comes to a halt.",
    ),
    Mistake(
        "mean in the numerator",
        lambda g, mu, mean: mean,
        "You divide the mean of the gradients, not the gradient. That is a momentum of its own, which this rule "
        "does not have.",
    ),
    Mistake(
        "old mean in the numerator",
        lambda g, mu, mean: mu + 0 * g,
        "You divide the mean of the gradients before this one, not the gradient.",
    ),
)

_KEPT = Slot(
    "kept",
    lambda v, mu: (v, mu),
    (
        Mistake(
            "root of v kept",
            lambda v, mu: (rules.sqrt(v), mu),
            "You return the root of v, and the next step goes on from that root. The state has to be v itself.",
        ),
        Mistake(
            "average of squares returned",
            lambda v, mu: (v + mu * mu, mu),
            "You return as v the average of squares, in which the squared mean is. Here v is the variance itself.",
            read="A variance in the denominator",
        ),
    ),
)

_LIKELY, _ALONE = fillings.apart(
    _centered,
    (
        _DEVIATION,
        _AVERAGED,
        fillings.one_of_two_averages("averaged_mean", "mu", "gradient", "ρ"),
        _DECAYS,
        fillings.used("v", read="From equation to code"),
        fillings.root("v"),
        fillings.epsilon(
            read="Graves' form", without="As long as v and mu are 0, a gradient that is zero then gives 0/0."
        ),
        fillings.quotient(),
        _NUMERATOR,
        _KEPT,
    ),
    (
        "both with the weight ρ in mu",
        "both with the weight 1 − ρ in mu",
        "old and new v added",
        "root taken twice",
        "squared instead of a root",
        "ε² inside the root",
        "root of ε",
        "ε as a lower limit",
        "ε in both places",
        "square in the numerator",
        "size in the numerator",
        "old mean in the numerator",
    ),
)


STEP = Exercise(
    name="centered-step",
    chapter="04_centered_rmsprop",
    task="From g, v and mu before the step, compute the direction d, then the new variance v, then the new mean mu.",
    takes="g v mu rho eps",
    returns="d v mu",
    reference=rules.centered_rmsprop,
    # A zero gradient first, then numbers of all sizes; and the same for arrays.
    cases=(
        Case({"v": 0.0, "mu": 0.0, "rho": 0.9, "eps": EPS}, {"g": [0.0, 3.0, -0.5, 0.03, 40.0, -1.0, 0.7, 2.0]}),
        Case({"v": np.zeros(5), "mu": np.zeros(5), "rho": 0.75, "eps": EPS}, {"g": list(_g)}),
        Case(
            {"v": np.full((2, 3), 4.0), "mu": np.full((2, 3), 1.0), "rho": 0.5, "eps": EPS},
            {"g": list(np.full((3, 2, 3), -1.5))},
        ),
    ),
    slots=_LIKELY,
    built=_centered,
    mistakes=(
        *_ALONE,
        Mistake(
            "plain RMSprop",
            lambda g, v, mu, rho, eps: (*rules.rmsprop(g, v, rho, eps), rules.ema(mu, g, rho)),
            "You average the squares of the gradients themselves. The mean is kept but never used: this is plain "
            "RMSprop.",
            read="A variance in the denominator",
        ),
        Mistake(
            "mean updated first, and the factor ρ missing",
            _mean_first_and_factor_missing,
            "You average the squared deviations from the new mean. It has already moved towards g, so that v is ρ "
            "times the variance.",
        ),
        Mistake(
            "average of squares kept as v",
            _keeps_the_average_of_squares,
            "You take and return as v the average of squares, from which you subtract the squared mean each "
            "time. This works, and torch.optim does it; but here v is the variance itself.",
        ),
        Mistake(
            "squared mean taken from a variance",
            _subtracted_from_a_variance,
            "You update v like an average of squares and subtract the squared mean from it. But the v that comes in is "
            "a variance, from which the squared mean is missing already: subtracted again at every step, it makes v "
            "negative, and the root is NaN.",
            read="A variance in the denominator",
        ),
    ),
    hints=(
        "It takes three lines: the variance, the mean, the direction. Which mean does the variance need, the old or "
        "the new?",
        "The new v is ρ times the old one plus ρ(1 − ρ) times the square of g minus the old mu. Then update mu like "
        "any average. The direction is g itself over the root of the new v, with ε added to the root.",
    ),
    read="The recurrence",
)


def _ratio(v: Any, mu: Any, eps: Any) -> Any:
    """Plain RMSprop's denominator over the centered one."""
    return (rules.sqrt(v + mu * mu) + eps) / (rules.sqrt(v) + eps)


def _ratio_of(inside: Any, squares: Any, epsilon: Any, present: Any, root: Any, quotient: Any) -> Any:
    """The ratio as a product of choices: what stands under the two roots, the roots, ε, and which is divided."""

    def ratio(v: Any, mu: Any, eps: Any) -> Any:
        both = zip(inside(v, squares(mu)), present, strict=True)
        plain, centered = (epsilon(root, x, times * eps) for x, times in both)
        return quotient(plain, centered)

    return ratio


_RATIO_SLOTS = (
    Slot(
        "inside",
        lambda v, square: (v + square, v),
        (
            Mistake(
                "v taken for the average of squares",
                lambda v, square: (v, v - square),
                "You take v for the average of squares and subtract the squared mean from it. The v of this chapter is "
                "the variance: the squared mean is no longer in it.",
                read="A variance in the denominator",
            ),
            Mistake(
                "squared mean subtracted",
                lambda v, square: (v - square, v),
                "You subtract the squared mean from the variance for the plain denominator. A mean square is the "
                "larger of the two.",
                read="A variance in the denominator",
            ),
            Mistake(
                "squared mean over the variance",
                lambda v, square: (square, v),
                "Above stands the mean alone. Plain RMSprop divides by the root of all the squares, noise included.",
                read="A variance in the denominator",
            ),
        ),
    ),
    Slot(
        "squares",
        lambda mu: mu * mu,
        (
            Mistake(
                "mean not squared",
                abs,
                "You add the size of the mean to the variance. They have different units: one is a gradient, the other "
                "a gradient squared.",
                read="A variance in the denominator",
            ),
            Mistake(
                "mean with its sign",
                lambda mu: mu,
                "You add the mean itself to the variance. They have different units: one is a gradient, the other a "
                "gradient squared.",
                read="A variance in the denominator",
            ),
        ),
    ),
    Slot(
        "epsilon",
        lambda root, v, eps: root(v) + eps,
        (
            Mistake(
                "ε forgotten",
                lambda root, v, eps: root(v),
                "There is no ε in your denominators. Without it nothing limits the ratio where v is zero.",
                read="No bound but ε",
            ),
            Mistake(
                "ε inside the roots",
                lambda root, v, eps: root(v + eps),
                "You add ε before taking the roots. That compares the two rules in Graves' form; here it is added to "
                "the root.",
                read="Graves' form",
            ),
            Mistake(
                "ε subtracted",
                lambda root, v, eps: root(v) - eps,
                "You subtract ε from the roots. A denominator that should be kept away from 0 can then be 0.",
            ),
        ),
    ),
    # How often ε is in the plain denominator, and how often in the centered one.
    Slot(
        "present",
        (1.0, 1.0),
        (
            Mistake(
                "no ε in the plain denominator",
                (0.0, 1.0),
                "Only the centered denominator has an ε in your ratio. Where ε is large the ratio should be near 1; "
                "yours falls below it.",
                read="No bound but ε",
            ),
            Mistake(
                "no ε in the centered denominator",
                (1.0, 0.0),
                "Only the plain denominator has an ε in your ratio. Where v is zero nothing limits it.",
                read="No bound but ε",
            ),
        ),
    ),
    Slot(
        "root",
        rules.sqrt,
        (
            Mistake(
                "no roots",
                lambda v: v,
                "You compare the average of squares with the variance. Both rules divide by a root.",
            ),
        ),
    ),
    Slot(
        "quotient",
        lambda plain, centered: plain / centered,
        (
            Mistake(
                "upside down",
                lambda plain, centered: centered / plain,
                "You have the plain step over the centered one. The longer step is the one with the smaller "
                "denominator.",
            ),
            Mistake(
                "multiplied, not divided",
                lambda plain, centered: plain * centered,
                "You multiply the two denominators. A ratio of two lengths is a quotient.",
            ),
            Mistake(
                "difference, not ratio",
                lambda plain, centered: plain - centered,
                "You subtract one denominator from the other. What is asked for is how many times as long the step is.",
            ),
        ),
    ),
)


RATIO = Exercise(
    name="centered-ratio",
    chapter="04_centered_rmsprop",
    task="From v and mu after a step, and eps, find the length of this centered step over that of plain RMSprop's.",
    takes="v mu eps",
    returns="ratio",
    reference=_ratio,
    cases=(
        Case({"v": 4.0, "mu": 1.5, "eps": EPS}),
        Case({"v": np.array([0.0, 1.0, 0.09, 25.0, 2.0]), "mu": np.array([2.0, -3.0, 0.2, 0.5, 0.0]), "eps": 0.5}),
        Case({"v": np.array([[9.0, 0.25], [1.0, 16.0]]), "mu": np.array([[-30.0, 0.5], [1.0, 3.0]]), "eps": 0.0}),
    ),
    slots=_RATIO_SLOTS,
    built=_ratio_of,
    mistakes=(
        Mistake(
            "roots added",
            lambda v, mu, eps: (rules.sqrt(v) + abs(mu) + eps) / (rules.sqrt(v) + eps),
            "You add the size of the mean to the root of the variance. The root of a sum is not the sum of the roots: "
            "where both are equally large, you are too high.",
        ),
        Mistake(
            "signal to noise",
            lambda v, mu, eps: abs(mu) / (rules.sqrt(v) + eps),
            "You return the signal-to-noise ratio. Where it is zero the two steps are equally long, and the ratio that "
            "is asked for is 1.",
        ),
    ),
    hints=(
        "Both rules have the same numerator. What does plain RMSprop divide by, written in v and mu?",
        "Plain RMSprop's average of squares is v + mu². Take the roots of this and of v, add eps to each, and divide "
        "the first by the second.",
    ),
    read="Signal to noise",
)


def _alone(v: Any, mu: Any, t: Any, rho: Any) -> Any:
    """Mean square less squared mean, after both averages have been divided by their sum of weights."""
    return _rescaled(v, mu, rules.weight_sum(rho, t))


def _rescaled(v: Any, mu: Any, weights: Any) -> Any:
    mean = mu / weights
    return (v + mu * mu) / weights - mean * mean


def _state(rho: float, t: int) -> dict[str, Any]:
    """The state after t steps on the random gradients."""
    v: Any = np.zeros(5)
    mu: Any = np.zeros(5)
    for g in _g[:t]:
        _, v, mu = rules.centered_rmsprop(g, v, mu, rho, EPS)
    return {"v": v, "mu": mu, "t": t, "rho": rho}


_PHANTOM_SLOTS = (
    Slot(
        "given_back",
        lambda v, mu: v + mu * mu,
        (
            Mistake(
                "v taken for the average of squares",
                lambda v, mu: v + 0 * mu,
                "You subtract a squared mean from v. It is a variance: the squared mean is no longer in it.",
            ),
            Mistake(
                "mean given back without its square",
                lambda v, mu: v + mu,
                "You add the mean to v. What was taken away from the average of squares is the square of the mean.",
            ),
            Mistake(
                "squared mean taken away again",
                lambda v, mu: v - mu * mu,
                "You subtract the squared mean from v, which has lost it already. The average of squares is larger "
                "than v.",
            ),
        ),
    ),
    Slot(
        "weights",
        lambda rho, t: rules.weight_sum(rho, t),
        (
            Mistake(
                "divided by the zero's weight",
                lambda rho, t: rho**t,
                "You divide by the weight of the zero. The gradients have the rest.",
            ),
            Mistake(
                "divided by the newest weight",
                lambda rho, t: 1 - rho,
                "You divide by the weight of the newest gradient, which would be right after one step only.",
            ),
            Mistake(
                "one step too few",
                lambda rho, t: rules.weight_sum(rho, t - 1),
                "Your sum of weights is that of t − 1 steps. The t that is given has counted the step already.",
            ),
            Mistake(
                "one step too many",
                lambda rho, t: rules.weight_sum(rho, t + 1),
                "Your sum of weights is that of t + 1 steps. The t that is given has counted the step already.",
            ),
            Mistake(
                "sign before the zero's weight",
                lambda rho, t: 1 + rho**t,
                "You divide by 1 plus the weight of the zero. What the gradients have is 1 less that weight.",
            ),
            Mistake(
                "divided by the number of steps",
                lambda rho, t: t,
                "You divide by t. The averages are not sums: their weights have to be made to sum to one.",
            ),
        ),
    ),
    Slot(
        "squares",
        lambda x, weights: x / weights,
        (
            Mistake(
                "mean square not divided",
                lambda x, weights: x + 0 * weights,
                "The mean square from which you subtract still contains the zero: its weights do not sum to one.",
            ),
            Mistake(
                "mean square multiplied",
                lambda x, weights: x * weights,
                "You multiply the mean square by the sum of the weights. To make the weights sum to one, divide.",
            ),
        ),
    ),
    Slot(
        "mean",
        lambda mu, weights: mu / weights,
        (
            Mistake(
                "variance divided like an average",
                lambda mu, weights: mu / rules.sqrt(weights),
                "You divide v as one divides an average. But v is a difference, mean square less squared mean, and the "
                "mean has been pulled towards the zero as well. At t = 1 a single gradient would be left with a "
                "variance.",
            ),
            Mistake(
                "mean not divided",
                lambda mu, weights: mu + 0 * weights,
                "The mean that you subtract still contains the zero: its weights do not sum to one.",
            ),
            Mistake(
                "mean multiplied",
                lambda mu, weights: mu * weights,
                "You multiply the mean by the sum of the weights. To make the weights sum to one, divide.",
            ),
        ),
    ),
    Slot(
        "subtracted",
        lambda square, mean: square - mean * mean,
        (
            Mistake(
                "mean not squared",
                lambda square, mean: square - mean,
                "You subtract the mean from a mean square. Compare their units.",
            ),
            Mistake(
                "squared mean added",
                lambda square, mean: square + mean * mean,
                "You add the squared mean. A variance is the mean square less the squared mean.",
            ),
            Mistake(
                "mean square alone",
                lambda square, mean: square + 0 * mean,
                "You return the mean square. For the variance the squared mean is subtracted from it.",
            ),
            Mistake(
                "turned round",
                lambda square, mean: mean * mean - square,
                "You subtract the mean square from the squared mean. No variance is negative.",
            ),
        ),
    ),
    Slot(
        "result",
        lambda x: x,
        (
            Mistake(
                "standard deviation",
                rules.sqrt,
                "You take the root: that is the standard deviation. Asked for is the variance.",
            ),
        ),
    ),
)


def _without_the_zero(given_back: Any, weights: Any, squares: Any, mean: Any, subtracted: Any, result: Any) -> Any:
    def variance(v: Any, mu: Any, t: Any, rho: Any) -> Any:
        total = weights(rho, t)
        return result(subtracted(squares(given_back(v, mu), total), mean(mu, total)))

    return variance


PHANTOM = Exercise(
    name="centered-phantom",
    chapter="04_centered_rmsprop",
    task="From v and mu after t steps, compute the variance of the t gradients alone, under weights that sum to one.",
    takes="v mu t rho",
    returns="variance",
    reference=_alone,
    cases=(Case(_state(0.9, 3)), Case(_state(0.75, 2)), Case(_state(0.9, 12))),
    slots=_PHANTOM_SLOTS,
    built=_without_the_zero,
    mistakes=(
        Mistake(
            "v divided before the squared mean is given back",
            lambda v, mu, t, rho: v / (1 - rho**t) + mu * mu - (mu / (1 - rho**t)) ** 2,
            "You divide v by the sum of the weights before you give it the squared mean back. What has to be divided "
            "is the average of squares as a whole.",
        ),
        Mistake(
            "the zero's own term subtracted",
            lambda v, mu, t, rho: v - rho**t * mu * mu,
            "You subtract what the zero itself adds to the variance. What is left are the other deviations, but still "
            "from the mean of all, and with weights that do not sum to one.",
        ),
        Mistake(
            "the zero's own term subtracted, then divided",
            lambda v, mu, t, rho: (v - rho**t * mu * mu) / rules.weight_sum(rho, t),
            "You leave out the zero's own term and make the other weights sum to one. But the deviations are still "
            "from a mean to which the zero belongs.",
        ),
    ),
    hints=(
        "Go back to the two averages of which v is the difference. What do the weights of each sum to?",
        "The average of squares is v + mu². Divide it and mu, each, by 1 − rho**t; then subtract the square of the new "
        "mean from the new mean square.",
    ),
    read="A variance in the denominator",
)

EXERCISES = (STEP, RATIO, PHANTOM)
