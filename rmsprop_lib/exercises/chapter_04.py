"""The exercises of chapter 4, centered RMSprop."""

from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake

# Large enough that where ε stands shows, small enough that the rest does too.
EPS = 0.25
_g = np.random.default_rng(4).normal(1.0, 2.0, (12, 5))


def _direction(g: Any, v: Any, eps: Any) -> Any:
    return g / (rules.sqrt(v) + eps)


def _factor_missing(g: Any, v: Any, mu: Any, rho: Any, eps: Any) -> Any:
    v = rules.ema(v, (g - mu) * (g - mu), rho)
    return _direction(g, v, eps), v, rules.ema(mu, g, rho)


def _mean_first(g: Any, v: Any, mu: Any, rho: Any, eps: Any) -> Any:
    mu = rules.ema(mu, g, rho)
    v = rules.ema(v, rho * (g - mu) * (g - mu), rho)
    return _direction(g, v, eps), v, mu


def _mean_first_and_factor_missing(g: Any, v: Any, mu: Any, rho: Any, eps: Any) -> Any:
    mu = rules.ema(mu, g, rho)
    v = rules.ema(v, (g - mu) * (g - mu), rho)
    return _direction(g, v, eps), v, mu


def _not_centered(g: Any, v: Any, mu: Any, rho: Any, eps: Any) -> Any:
    return *rules.rmsprop(g, v, rho, eps), rules.ema(mu, g, rho)


def _deviation_not_squared(g: Any, v: Any, mu: Any, rho: Any, eps: Any) -> Any:
    v = rules.ema(v, rho * abs(g - mu), rho)
    return _direction(g, v, eps), v, rules.ema(mu, g, rho)


def _keeps_the_average_of_squares(g: Any, v: Any, mu: Any, rho: Any, eps: Any) -> Any:
    v, mu = rules.ema(v, g * g, rho), rules.ema(mu, g, rho)
    return _direction(g, v - mu * mu, eps), v, mu


def _subtracted_from_a_variance(g: Any, v: Any, mu: Any, rho: Any, eps: Any) -> Any:
    mu = rules.ema(mu, g, rho)
    v = rules.ema(v, g * g, rho) - mu * mu
    return _direction(g, v, eps), v, mu


def _numerator_less_the_old_mean(g: Any, v: Any, mu: Any, rho: Any, eps: Any) -> Any:
    _, new, mean = rules.centered_rmsprop(g, v, mu, rho, eps)
    return _direction(g - mu, new, eps), new, mean


def _numerator_less_the_new_mean(g: Any, v: Any, mu: Any, rho: Any, eps: Any) -> Any:
    _, v, mu = rules.centered_rmsprop(g, v, mu, rho, eps)
    return _direction(g - mu, v, eps), v, mu


def _numerator_is_the_mean(g: Any, v: Any, mu: Any, rho: Any, eps: Any) -> Any:
    _, v, mu = rules.centered_rmsprop(g, v, mu, rho, eps)
    return _direction(mu, v, eps), v, mu


def _divided_by_the_variance(g: Any, v: Any, mu: Any, rho: Any, eps: Any) -> Any:
    _, v, mu = rules.centered_rmsprop(g, v, mu, rho, eps)
    return g / (v + eps), v, mu


def _old_variance_used(g: Any, v: Any, mu: Any, rho: Any, eps: Any) -> Any:
    return _direction(g, v, eps), *rules.centered_rmsprop(g, v, mu, rho, eps)[1:]


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
    mistakes=(
        Mistake(
            "factor ρ missing",
            _factor_missing,
            "You give the squared deviation the weight 1 − ρ alone, as an average gives it to its numbers. But this "
            "deviation is from a mean that has not seen g yet, and what you keep is 1/ρ times the variance.",
        ),
        Mistake(
            "mean updated before the variance",
            _mean_first,
            "You update the mean first and then measure the deviation from it. The new mean has already moved towards "
            "g, so that every squared deviation is too small by the factor ρ².",
        ),
        Mistake(
            "mean updated first, and the factor ρ missing",
            _mean_first_and_factor_missing,
            "You average the squared deviations from the new mean. It has already moved towards g, so that v is ρ "
            "times the variance.",
        ),
        Mistake(
            "not centered",
            _not_centered,
            "You average the squares of the gradients themselves. The mean is kept but never used: this is plain "
            "RMSprop.",
            read="A variance in the denominator",
        ),
        Mistake(
            "deviation not squared",
            _deviation_not_squared,
            "You average the size of the deviation, not its square, and then take a root of that.",
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
        Mistake(
            "numerator centered, with the old mean",
            _numerator_less_the_old_mean,
            "You subtract the old mean from the gradient in the numerator too. What is left there is noise about "
            "zero: on a constant gradient, which has no noise at all, such an optimizer comes to a halt.",
        ),
        Mistake(
            "numerator centered, with the new mean",
            _numerator_less_the_new_mean,
            "You subtract the new mean from the gradient in the numerator too. What is left there is noise about "
            "zero: on a constant gradient, which has no noise at all, such an optimizer comes to a halt.",
        ),
        Mistake(
            "mean in the numerator",
            _numerator_is_the_mean,
            "You divide the mean of the gradients, not the gradient. That is a momentum of its own, which this rule "
            "does not have.",
        ),
        Mistake(
            "divided by the variance, not by its root",
            _divided_by_the_variance,
            "You divide by v itself. Its unit is that of the gradient squared, so that large gradients now make small "
            "steps.",
        ),
        Mistake(
            "variance updated after its use",
            _old_variance_used,
            "You divide by the variance as it was before this gradient entered. The very first step then divides by ε "
            "alone.",
            read="From equation to code",
        ),
        Mistake(
            "ρ and 1 − ρ swapped",
            lambda g, v, mu, rho, eps: rules.centered_rmsprop(g, v, mu, 1 - rho, eps),
            "You have ρ where 1 − ρ belongs, and the other way round. With ρ = 0.9 both averages then forget nine "
            "tenths of themselves at every step. (The factor ρ(1 − ρ) does not show it.)",
        ),
        Mistake(
            "ε inside the root",
            lambda g, v, mu, rho, eps: rules.centered_rmsprop(g, v, mu, rho, eps, True),
            "You add ε before taking the root. That is Graves' form; the equation here adds it afterwards.",
            read="Graves' form",
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
    mistakes=(
        Mistake(
            "upside down",
            lambda v, mu, eps: 1 / _ratio(v, mu, eps),
            "You have the plain step over the centered one. The longer step is the one with the smaller denominator.",
        ),
        Mistake(
            "v taken for the average of squares",
            lambda v, mu, eps: (rules.sqrt(v) + eps) / (rules.sqrt(v - mu * mu) + eps),
            "You take v for the average of squares and subtract the squared mean from it. The v of this chapter is the "
            "variance: the squared mean is no longer in it.",
            read="A variance in the denominator",
        ),
        Mistake(
            "mean not squared",
            lambda v, mu, eps: (rules.sqrt(v + abs(mu)) + eps) / (rules.sqrt(v) + eps),
            "You add the size of the mean to the variance. They have different units: one is a gradient, the other a "
            "gradient squared.",
            read="A variance in the denominator",
        ),
        Mistake(
            "roots added",
            lambda v, mu, eps: (rules.sqrt(v) + abs(mu) + eps) / (rules.sqrt(v) + eps),
            "You add the size of the mean to the root of the variance. The root of a sum is not the sum of the roots: "
            "where both are equally large, you are too high.",
        ),
        Mistake(
            "no roots",
            lambda v, mu, eps: (v + mu * mu + eps) / (v + eps),
            "You compare the average of squares with the variance. Both rules divide by a root.",
        ),
        Mistake(
            "ε forgotten",
            lambda v, mu, eps: _ratio(v, mu, 0.0),
            "There is no ε in your denominators. Without it nothing limits the ratio where v is zero.",
            read="No bound but ε",
        ),
        Mistake(
            "ε inside the roots",
            lambda v, mu, eps: rules.sqrt((v + mu * mu + eps) / (v + eps)),
            "You add ε before taking the roots. That compares the two rules in Graves' form; here it is added to "
            "the root.",
            read="Graves' form",
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
    return {"v": v, "mu": mu, "t": float(t), "rho": rho}


PHANTOM = Exercise(
    name="centered-phantom",
    chapter="04_centered_rmsprop",
    task="From v and mu after t steps, compute the variance of the t gradients alone, under weights that sum to one.",
    takes="v mu t rho",
    returns="variance",
    reference=_alone,
    cases=(Case(_state(0.9, 3)), Case(_state(0.75, 2)), Case(_state(0.9, 12))),
    mistakes=(
        Mistake(
            "variance divided like an average",
            lambda v, mu, t, rho: v / rules.weight_sum(rho, t),
            "You divide v by the sum of the weights, as one does with an average. But v is a difference, mean square "
            "less squared mean, and the mean has been pulled towards the zero as well. At t = 1 a single gradient "
            "would be left with a variance.",
        ),
        Mistake(
            "v taken for the average of squares",
            lambda v, mu, t, rho: v / rules.weight_sum(rho, t) - (mu / rules.weight_sum(rho, t)) ** 2,
            "You subtract a squared mean from v. It is a variance: the squared mean is no longer in it.",
        ),
        Mistake(
            "mean not divided",
            lambda v, mu, t, rho: (v + mu * mu) / rules.weight_sum(rho, t) - mu * mu,
            "Your mean square has weights that sum to one, but the mean that you subtract still contains the zero.",
        ),
        Mistake(
            "mean square not divided",
            lambda v, mu, t, rho: v + mu * mu - (mu / rules.weight_sum(rho, t)) ** 2,
            "Your mean has weights that sum to one, but the mean square from which you subtract its square still "
            "contains the zero.",
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
        Mistake(
            "divided by the zero's weight",
            lambda v, mu, t, rho: _rescaled(v, mu, rho**t),
            "You divide by the weight of the zero. The gradients have the rest.",
        ),
        Mistake(
            "divided by the newest weight",
            lambda v, mu, t, rho: _rescaled(v, mu, 1 - rho),
            "You divide by the weight of the newest gradient, which would be right after one step only.",
        ),
        Mistake(
            "one step too few",
            lambda v, mu, t, rho: _rescaled(v, mu, rules.weight_sum(rho, t - 1)),
            "Your sum of weights is that of t − 1 steps. The t that is given has counted the step already.",
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
