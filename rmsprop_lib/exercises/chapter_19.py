"""The exercises of chapter 19, images."""

import numpy as np

from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake


def _quotient(eta: float, curvature: float, beta: float) -> float:
    return _at(1 - eta * curvature, beta)


def _at(a: float, beta: float) -> float:
    """The variance of an average with decay beta of numbers whose neighbours have the correlation a."""
    return (1 - beta) / (1 + beta) * (1 + a * beta) / (1 - a * beta)


def _further(etas: np.ndarray, gamma: float) -> float:
    t = np.arange(1, len(etas) + 1)
    return float(np.sum(etas * gamma**t) / (1 - gamma))


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
    mistakes=(
        Mistake(
            "as if independent",
            lambda eta, curvature, beta: _at(0.0, beta),
            "That is the variance of an average of independent numbers. A weight is close to what it was a step ago, "
            "so averaging wins less.",
        ),
        Mistake(
            "ηλ for the correlation",
            lambda eta, curvature, beta: _at(eta * curvature, beta),
            "You took eta times the curvature for the correlation between neighbours. A small rate moves the weight "
            "little: then neighbours are nearly equal.",
        ),
        Mistake(
            "standard deviations",
            lambda eta, curvature, beta: np.sqrt(_quotient(eta, curvature, beta)),
            "That is the quotient of the standard deviations.",
        ),
        Mistake(
            "upside down",
            lambda eta, curvature, beta: 1 / _quotient(eta, curvature, beta),
            "Your quotient is above 1: averaging would make the weight noisier.",
        ),
        Mistake(
            "squares of the weights alone",
            lambda eta, curvature, beta: (1 - beta) / (1 + beta) / (1 - (1 - eta * curvature) * beta),
            "You have counted pairs of steps on one side only. Each pair i, j with i before j is there twice.",
        ),
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
    read="What averaging the weights wins",
)


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
    mistakes=(
        Mistake(
            "the whole way",
            lambda etas, gamma: np.sum(etas) / (1 - gamma),
            "That is how far the run with the rate inside goes. Take away what the other one does.",
        ),
        Mistake(
            "counted from zero",
            lambda etas, gamma: _further(etas, gamma) / gamma,
            "You count steps from 0. At the first step both buffers hold one direction, and gamma has acted on "
            "neither.",
        ),
        Mistake(
            "one step of each rate",
            lambda etas, gamma: _further(etas, gamma) * (1 - gamma),
            "You let each rate act once. Inside the buffer it acts at its own step and, weaker and weaker, at all "
            "later ones.",
        ),
        Mistake(
            "from a full buffer",
            lambda etas, gamma: gamma / (1 - gamma) ** 2 * (etas[0] - etas[-1]),
            "That is the difference between the forms when both buffers were full before the first rate fell. Here "
            "they begin empty.",
        ),
        Mistake(
            "the other sign",
            lambda etas, gamma: -_further(etas, gamma),
            "Your run with the rate inside goes less far. When the rate falls, it is the one that keeps the old rate.",
        ),
        Mistake(
            "the last rate for all",
            lambda etas, gamma: etas[-1] * np.sum(gamma ** np.arange(1, len(etas) + 1)) / (1 - gamma),
            "You use one rate for all steps. Each step has its own.",
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
