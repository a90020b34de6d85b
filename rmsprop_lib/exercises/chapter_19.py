"""The exercises of chapter 19, images."""

from typing import Any

import numpy as np

from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake, Slot


def _quotient(eta: float, curvature: float, beta: float) -> float:
    return _at(1 - eta * curvature, beta)


def _at(a: float, beta: float) -> float:
    """The variance of an average with decay beta of numbers whose neighbours have the correlation a."""
    return (1 - beta) / (1 + beta) * (1 + a * beta) / (1 - a * beta)


def _further(etas: np.ndarray, gamma: float) -> float:
    t = np.arange(1, len(etas) + 1)
    return float(np.sum(etas * gamma**t) / (1 - gamma))


_AVERAGE = (
    Slot(
        "correlation",
        lambda eta, curvature: 1 - eta * curvature,
        (
            Mistake(
                "as if independent",
                lambda eta, curvature: 0.0,
                "That is the variance of an average of independent numbers. A weight is close to what it was a step "
                "ago, so averaging wins less.",
            ),
            Mistake(
                "ηλ for the correlation",
                lambda eta, curvature: eta * curvature,
                "You took eta times the curvature for the correlation between neighbours. A small rate moves the "
                "weight little: then neighbours are nearly equal.",
            ),
            Mistake(
                "curvature forgotten",
                lambda eta, curvature: 1 - eta,
                "The curvature is not in your correlation. The steeper the parabola, the sooner a weight is forgotten.",
            ),
            Mistake(
                "rate forgotten",
                lambda eta, curvature: 1 - curvature,
                "The rate is not in your correlation. The smaller it is, the longer a weight stays where it was.",
            ),
            Mistake(
                "correlation above one",
                lambda eta, curvature: 1 + eta * curvature,
                "Your correlation is larger than 1: it is what the weight is multiplied by in a step uphill.",
            ),
            Mistake(
                "correlation of two steps",
                lambda eta, curvature: (1 - eta * curvature) ** 2,
                "You square what a step multiplies the weight by. The square is the correlation of weights that are "
                "two steps apart.",
            ),
            Mistake(
                "correlation in continuous time",
                lambda eta, curvature: np.exp(-eta * curvature),
                "You let the correlation fall exponentially, as it would with infinitely small steps. A step "
                "multiplies the weight by a number of its own, which can even be negative.",
            ),
        ),
    ),
    Slot(
        "weights",
        lambda beta: (1 - beta) ** 2,
        (
            Mistake(
                "1 − β not squared",
                lambda beta: 1 - beta,
                "The factor 1 − β stands once in your variance. It is in each of the two weights that a pair of steps "
                "has.",
            ),
            Mistake(
                "1 − β forgotten",
                lambda beta: 1.0,
                "You have summed the powers of β. Each weight of the average has the factor 1 − β too.",
            ),
            Mistake(
                "1 − β² for (1 − β)²",
                lambda beta: 1 - beta**2,
                "You have 1 − β² where the square of 1 − β belongs, and it cancels against the sum of the squared "
                "powers.",
            ),
            Mistake(
                "β for 1 − β",
                lambda beta: beta**2,
                "You gave the newest weight the share β in the average. What has that share is the old average.",
            ),
        ),
    ),
    Slot(
        "decay",
        lambda beta: beta,
        (
            Mistake(
                "decay forgotten beside the correlation",
                lambda beta: 1.0,
                "You have summed the correlations alone. Of two weights that are k steps apart, one has also decayed k "
                "times more than the other.",
            ),
            Mistake(
                "1 − β beside the correlation",
                lambda beta: 1 - beta,
                "You have 1 − β beside the correlation. From one step to the next what is in the average is multiplied "
                "by β.",
            ),
        ),
    ),
    Slot(
        "squares",
        lambda beta: 1 / (1 - beta**2),
        (
            Mistake(
                "β not squared",
                lambda beta: 1 / (1 - beta),
                "You have summed the powers of β. In a variance the weights are squared, and so are the powers.",
            ),
            Mistake(
                "sign before β²",
                lambda beta: 1 / (1 + beta**2),
                "You divide by 1 + β². The squares of the weights are a geometric series, whose terms are all "
                "positive.",
            ),
        ),
    ),
    Slot(
        "pairs",
        lambda x: 1 + x,
        (
            Mistake(
                "squares of the weights alone",
                lambda x: 1.0,
                "You have counted pairs of steps on one side only. Each pair i, j with i before j is there twice.",
            ),
            Mistake(
                "every step counted twice",
                lambda x: 2.0,
                "You have doubled the sum over the pairs on one side, and with it the squares of the single steps, "
                "which are there once.",
            ),
            Mistake(
                "single steps left out",
                lambda x: 2 * x,
                "You have counted the pairs of different steps only. Each step's own variance belongs to the sum.",
            ),
        ),
    ),
    Slot(
        "quotient",
        lambda q: q,
        (
            Mistake(
                "standard deviations",
                np.sqrt,
                "That is the quotient of the standard deviations.",
            ),
            Mistake(
                "upside down",
                lambda q: 1 / q,
                "You divide the variance of the weight by that of its average. Asked for is the other quotient.",
            ),
            Mistake(
                "what averaging takes away",
                lambda q: 1 - q,
                "You return the part of the variance that averaging takes away. Asked for is the part that is left.",
            ),
        ),
    ),
)


def _averaging(correlation: Any, weights: Any, decay: Any, squares: Any, pairs: Any, quotient: Any) -> Any:
    def of(eta: Any, curvature: Any, beta: Any) -> Any:
        x = correlation(eta, curvature) * decay(beta)
        return quotient(weights(beta) * squares(beta) * pairs(x) / (1 - x))

    return of


AVERAGE_VARIANCE = Exercise(
    name="images-average",
    chapter="19_images",
    task="Gradient descent at the rate eta on a parabola with noise, its weights averaged with the decay beta: the "
    "variance of the average over that of the weight itself, after a long time.",
    takes="eta curvature beta",
    returns="quotient",
    reference=_quotient,
    cases=(
        Case({"eta": 0.1, "curvature": 2.0, "beta": 0.9}),
        Case({"eta": 0.5, "curvature": 3.0, "beta": 0.98}),
        Case({"eta": 0.01, "curvature": 0.5, "beta": 0.75}),
    ),
    slots=_AVERAGE,
    built=_averaging,
    mistakes=(
        Mistake(
            "width of the window",
            lambda eta, curvature, beta: (1 - beta) * (2 - eta * curvature) / (eta * curvature) / 2,
            "You let beta go to 1. That is right only for an average that is long compared with the time in which a "
            "weight is forgotten; the exact quotient is below 1 for every beta.",
        ),
    ),
    hints=(
        "After a long time the covariance of two weights k steps apart is their variance times (1 − eta·curvature) "
        "to the power k. Write the average as a sum with the weights (1 − beta)·beta^i.",
        "With a = 1 − eta·curvature the double sum of beta^(i+j)·a^|i−j| is (1 + a·beta)/((1 − beta²)(1 − a·beta)).",
    ),
    read="What averaging the weights gains",
)


_FURTHER = (
    Slot(
        "rates",
        lambda etas: etas,
        (
            Mistake(
                "the last rate for all",
                lambda etas: etas[-1] + 0 * etas,
                "You use one rate, the last, for all steps. Each step has its own.",
            ),
            Mistake(
                "the first rate for all",
                lambda etas: etas[0] + 0 * etas,
                "You use one rate, the first, for all steps. Each step has its own.",
            ),
            Mistake(
                "the mean rate for all",
                lambda etas: np.mean(etas) + 0 * etas,
                "You use one rate, the mean, for all steps. Each step has its own.",
            ),
        ),
    ),
    Slot(
        "inside",
        lambda gamma, t, T: 1 / (1 - gamma) + 0 * t,
        (
            Mistake(
                "stopped at the last rate",
                lambda gamma, t, T: (1 - gamma ** (T - t + 1)) / (1 - gamma),
                "You stop after the last rate. What is in the buffer then still moves the weights, until it is empty.",
            ),
            Mistake(
                "one step too many inside",
                lambda gamma, t, T: (1 - gamma ** (T - t + 2)) / (1 - gamma),
                "You let the buffer with the rate inside move the weights once more after the last rate. It goes on "
                "until it is empty.",
            ),
            Mistake(
                "no buffer inside",
                lambda gamma, t, T: 1.0 + 0 * t,
                "With the rate inside, each of your rates acts at its own step only. In the buffer it goes on acting, "
                "weaker and weaker, at all later ones.",
            ),
        ),
    ),
    Slot(
        "outside",
        lambda gamma, t, T: (1 - gamma**t) / (1 - gamma),
        (
            Mistake(
                "counted from zero",
                lambda gamma, t, T: (1 - gamma ** (t - 1)) / (1 - gamma),
                "You count steps from 0. At the first step both buffers hold one direction, and gamma has acted on "
                "neither.",
            ),
            Mistake(
                "counted from the end",
                lambda gamma, t, T: (1 - gamma ** (T - t + 1)) / (1 - gamma),
                "With the rate outside, your buffer holds most at the first step and a single direction at the last: "
                "you count from the end.",
            ),
            Mistake(
                "no buffer outside",
                lambda gamma, t, T: 1.0 + 0 * t,
                "With the rate outside, each of your steps is only as long as its rate, as if the buffer never held "
                "more than one direction.",
            ),
        ),
    ),
    Slot(
        "difference",
        lambda inside, outside: inside - outside,
        (
            Mistake(
                "the whole distance",
                lambda inside, outside: inside,
                "That is how far the run with the rate inside goes. Take away what the other one does.",
            ),
            Mistake(
                "the other run's distance",
                lambda inside, outside: outside,
                "That is how far the run with the rate outside goes. Asked for is how much further the other one goes.",
            ),
            Mistake(
                "the other sign",
                lambda inside, outside: outside - inside,
                "Your run with the rate inside goes less far. When the rate falls, it is the one that keeps the old "
                "rate.",
            ),
            Mistake(
                "quotient, not difference",
                lambda inside, outside: inside / outside,
                "You divide one distance by the other. How much further is a difference.",
            ),
            Mistake(
                "both added",
                lambda inside, outside: inside + outside,
                "You add the two distances up.",
            ),
        ),
    ),
    Slot(
        "scale",
        lambda gamma: 1.0,
        (
            Mistake(
                "one step of each rate",
                lambda gamma: 1 - gamma,
                "Your result has lost the factor 1/(1 − gamma). Either you let each rate act once, and not at all "
                "later steps too, or the new direction enters your buffers with the weight 1 − gamma.",
            ),
            Mistake(
                "new direction decayed at once",
                lambda gamma: gamma,
                "There is one gamma too many in your result. Either the new direction is decayed as soon as it enters "
                "your buffers, or you count steps from 2.",
            ),
            Mistake(
                "divided by 1 − gamma twice",
                lambda gamma: 1 / (1 - gamma),
                "You divide by 1 − gamma once too often.",
            ),
        ),
    ),
)


def _going_further(rates: Any, inside: Any, outside: Any, difference: Any, scale: Any) -> Any:
    def further(etas: Any, gamma: Any) -> Any:
        t, eta = np.arange(1.0, len(etas) + 1), rates(np.asarray(etas))
        distances = (np.sum(eta * form(gamma, t, len(etas))) for form in (inside, outside))
        return scale(gamma) * difference(*distances)

    return further


FURTHER = Exercise(
    name="images-further",
    chapter="19_images",
    task="The direction is 1 at every step, and the buffer begins empty. From the rates of all steps, an array, and "
    "gamma: how much further does the run with the rate inside the buffer go in all, until its buffer is empty again?",
    takes="etas gamma",
    returns="further",
    reference=_further,
    cases=(
        Case({"etas": np.array([0.5, 0.25, 0.125, 0.0, 0.0]), "gamma": 0.75}),
        Case({"etas": 0.02 * 0.9 ** np.arange(60), "gamma": 0.9}),
        Case({"etas": np.array([0.25, 0.5, 1.0, 0.5]), "gamma": 0.5}),
    ),
    slots=_FURTHER,
    built=_going_further,
    mistakes=(
        Mistake(
            "from a full buffer",
            lambda etas, gamma: gamma / (1 - gamma) ** 2 * (etas[0] - etas[-1]),
            "That is the difference between the forms when both buffers were full before the first rate fell. Here "
            "they begin empty.",
        ),
    ),
    hints=(
        "With the rate inside, the rate of step s is added at step s and, times gamma each time, at every later one. "
        "Add all of these up.",
        "With the rate outside, step t is as long as etas[t − 1] times 1 + gamma + … + gamma^(t − 1).",
    ),
    read="The rate inside the buffer under a schedule",
)


EXERCISES = (AVERAGE_VARIANCE, FURTHER)
