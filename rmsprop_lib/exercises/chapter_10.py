"""The exercises of chapter 10, tuning."""

from typing import Any

import numpy as np

from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake, Slot


def _converted(eta: Any, rho: Any, new: Any, T: Any) -> Any:
    t = np.arange(1, int(T) + 1)
    return eta * np.sum((1 - rho**t) ** -0.5) / np.sum((1 - new**t) ** -0.5)


_CONVERTED = (
    Slot(
        "steps",
        lambda T: np.arange(1, int(T) + 1),
        (
            Mistake(
                "first step left out",
                lambda T: np.arange(2, int(T) + 1),
                "Your sums leave the first step out. It, 1/√(1 − ρ), is the longest of all.",
            ),
            Mistake(
                "last step left out",
                lambda T: np.arange(1, int(T)),
                "Your sums have one step too few: a range that ends at T leaves out step T.",
            ),
            Mistake(
                "one step too many",
                lambda T: np.arange(1, int(T) + 2),
                "Your sums have one step too many.",
            ),
            Mistake(
                "steps 2 to T + 1",
                lambda T: np.arange(2, int(T) + 2),
                "Your sums have T steps, but begin with the second. The first one, 1/√(1 − ρ), is the longest of all.",
            ),
            Mistake(
                "last step only",
                lambda T: np.array([int(T)]),
                "You compare the last step of each run, not the sum of all steps. It is the first steps that differ "
                "most.",
            ),
            Mistake(
                "first step only",
                lambda T: np.array([1]),
                "You compare the first step of each run, or let all steps be as long as the first: the others become "
                "shorter. That is the limit for windows much longer than the run; for shorter ones the rate should "
                "hardly change, and yours does.",
            ),
        ),
    ),
    Slot(
        "length",
        lambda rho, t: (1 - rho**t) ** -0.5,
        (
            Mistake(
                "squares of the steps",
                lambda rho, t: 1 / (1 - rho**t),
                "You sum 1/(1 − ρᵗ), which is the square of a step: the root is missing.",
            ),
            Mistake(
                "root of the steps' inverse",
                lambda rho, t: (1 - rho**t) ** 0.5,
                "You sum the denominators √(1 − ρᵗ). A sum of inverses is not the inverse of a sum.",
            ),
            Mistake(
                "averages summed",
                lambda rho, t: 1 - rho**t,
                "You sum the averages 1 − ρᵗ. A step is 1 over the root of that.",
            ),
            Mistake(
                "1 + ρᵗ instead of 1 − ρᵗ",
                lambda rho, t: (1 + rho**t) ** -0.5,
                "You have 1 + ρᵗ. An average that begins at zero is smaller than what it averages.",
            ),
            Mistake(
                "ρᵗ alone",
                lambda rho, t: rho ** (-t / 2),
                "You divide by the root of ρᵗ, which is what the average still lacks of 1.",
            ),
            Mistake(
                "ρ times t",
                lambda rho, t: abs(1 - rho * t) ** -0.5,
                "You multiply ρ by t. Each step multiplies what is missing by ρ once more.",
            ),
        ),
    ),
    Slot(
        "combined",
        np.sum,
        (
            Mistake(
                "steps multiplied",
                np.prod,
                "You multiply the steps. Distances add up.",
            ),
            Mistake(
                "root of the sum",
                lambda x: np.sqrt(np.sum(x)),
                "You take the root of the sums. A distance is the sum of the steps.",
            ),
        ),
    ),
    Slot(
        "rate",
        lambda eta, before, after: eta * before / after,
        (
            Mistake(
                "turned over",
                lambda eta, before, after: eta * after / before,
                "Your quotient is upside down. A longer window reaches further at the same rate, because its first "
                "steps are longer, so it needs the smaller rate.",
            ),
            Mistake(
                "rate not used",
                lambda eta, before, after: before / after,
                "You return the quotient of the two distances. The rate is that many times the old one.",
            ),
            Mistake(
                "divided by the rate",
                lambda eta, before, after: before / (after * eta),
                "You divide by the old rate. The new rate is proportional to it.",
            ),
            Mistake(
                "distance before",
                lambda eta, before, after: eta * before,
                "You return how far the run got before. The new rate is this distance over the sum of the new "
                "directions.",
            ),
            Mistake(
                "one over the new distance",
                lambda eta, before, after: eta / after,
                "How far the old window gets does not enter.",
            ),
            Mistake(
                "difference of the distances",
                lambda eta, before, after: eta * (before - after),
                "You subtract the two sums. The distance is the rate times a sum, so that it is a quotient which has "
                "to be made good.",
            ),
        ),
    ),
)


def _converting(steps: Any, length: Any, combined: Any, rate: Any) -> Any:
    def convert(eta: Any, rho: Any, new: Any, T: Any) -> Any:
        t = steps(T)
        return rate(eta, combined(length(rho, t)), combined(length(new, t)))

    return convert


CONVERT = Exercise(
    name="tune-convert",
    chapter="10_tuning",
    task="The rate at which RMSprop with decay new gets as far in T steps as with decay rho and rate eta.",
    takes="eta rho new T",
    returns="rate",
    reference=_converted,
    cases=(
        Case({"eta": 0.1, "rho": 0.9, "new": 0.99, "T": 20}),
        Case({"eta": 2.0, "rho": 0.5, "new": 0.25, "T": 3}),
        Case({"eta": 0.01, "rho": 0.99, "new": 0.75, "T": 50}),
    ),
    slots=_CONVERTED,
    built=_converting,
    mistakes=(
        Mistake(
            "ratio of the windows",
            lambda eta, rho, new, T: eta * (1 - new) / (1 - rho),
            "You compare the lengths of the windows. What has to stay the same is the distance in T steps.",
        ),
    ),
    hints=(
        "The distance is the rate times the sum of the directions. What has to be the same before and after?",
        "Sum 1/√(1 − ρᵗ) over t = 1 to T, once with rho and once with new. The rate is eta times the first sum over "
        "the second.",
    ),
    read="The rate and the window",
)


def _plateau(loss: Any, best: Any, waited: Any, eta: Any, factor: Any, patience: Any) -> Any:
    best, waited = (loss, 0) if loss < best else (best, waited + 1)
    return (best, 0, factor * eta) if waited > patience else (best, waited, eta)


_PLATEAU = (
    Slot(
        "better",
        lambda loss, best: loss < best,
        (
            Mistake(
                "an equal loss counts as better",
                lambda loss, best: loss <= best,
                "You count an equal loss as better. A run that stands still would then never have its rate reduced.",
            ),
            Mistake(
                "higher counts as better",
                lambda loss, best: loss > best,
                "A higher loss counts as better in your answer.",
            ),
            Mistake(
                "never better",
                lambda loss, best: False,
                "No loss counts as better in your answer.",
            ),
        ),
    ),
    Slot(
        "when_better",
        lambda loss, best, waited: (loss, 0),
        (
            Mistake(
                "count not reset by a better loss",
                lambda loss, best, waited: (loss, waited),
                "A better loss leaves your count as it was. It then counts all bad evaluations since the last "
                "reduction, not those in a row.",
            ),
            Mistake(
                "best loss not kept",
                lambda loss, best, waited: (best, 0),
                "You never store a new best loss, so every loss is compared with the first one.",
            ),
            Mistake(
                "count begins at 1 after a better loss",
                lambda loss, best, waited: (loss, 1),
                "After a better loss your count begins at 1. There has been no evaluation without a better one yet.",
            ),
            Mistake(
                "every evaluation counted",
                lambda loss, best, waited: (loss, waited + 1),
                "Your count goes up at a better loss too. It counts the evaluations that are not better.",
            ),
            Mistake(
                "count lowered by a better loss",
                lambda loss, best, waited: (loss, max(waited - 1, 0)),
                "A better loss lowers your count by one. It begins again at 0.",
            ),
            Mistake(
                "mean of the old and the new best",
                lambda loss, best, waited: ((loss + best) / 2, 0),
                "You store the mean of the loss and the best one. The best one is the lowest.",
            ),
        ),
    ),
    Slot(
        "when_not",
        lambda loss, best, waited: (best, waited + 1),
        (
            Mistake(
                "compared with the last loss",
                lambda loss, best, waited: (loss, waited + 1),
                "What you return as the best loss is the last one. A loss that goes up and then comes down a little "
                "counts as better, so that in noise the rate is hardly ever reduced.",
            ),
            Mistake(
                "count never raised",
                lambda loss, best, waited: (best, waited),
                "Your count does not go up at an evaluation that is not better.",
            ),
            Mistake(
                "count set to 1",
                lambda loss, best, waited: (best, 1),
                "At an evaluation that is not better your count becomes 1, whatever it was before.",
            ),
            Mistake(
                "counted twice",
                lambda loss, best, waited: (best, waited + 2),
                "Your count goes up by two at each evaluation that is not better.",
            ),
        ),
    ),
    Slot(
        "late",
        lambda waited, patience: waited > patience,
        (
            Mistake(
                "one evaluation too early",
                lambda waited, patience: waited >= patience,
                "You reduce the rate as soon as the count equals the patience. The count has to exceed it.",
            ),
            Mistake(
                "one evaluation too late",
                lambda waited, patience: waited > patience + 1,
                "You reduce the rate one evaluation too late.",
            ),
            Mistake(
                "no patience",
                lambda waited, patience: waited > 0,
                "Your rate is reduced at every evaluation that is not better; the patience is not used.",
            ),
            Mistake(
                "reduced while there is patience",
                lambda waited, patience: waited < patience,
                "Your comparison of count and patience is turned round.",
            ),
            Mistake(
                "never reduced",
                lambda waited, patience: False,
                "Your rate is never reduced.",
            ),
        ),
    ),
    Slot(
        "after",
        lambda waited: 0,
        (
            Mistake(
                "count not reset after a reduction",
                lambda waited: waited,
                "After a reduction your count stays above the patience, so the rate is reduced again at every "
                "evaluation that brings no new best.",
            ),
            Mistake(
                "count begins at 1 after a reduction",
                lambda waited: 1,
                "After a reduction your count begins at 1. There has been no evaluation since.",
            ),
        ),
    ),
    Slot(
        "reduced",
        lambda eta, factor: factor * eta,
        (
            Mistake(
                "divided by the factor",
                lambda eta, factor: eta / factor,
                "You divide by the factor. It is less than 1, so that your rate grows.",
            ),
            Mistake(
                "factor returned as the rate",
                lambda eta, factor: factor,
                "Your reduced rate is the factor itself.",
            ),
            Mistake(
                "reduced by the factor, not to it",
                lambda eta, factor: (1 - factor) * eta,
                "You take the factor's part of the rate away. What is left has to be the factor's part.",
            ),
            Mistake(
                "factor subtracted",
                lambda eta, factor: eta - factor,
                "You subtract the factor from the rate.",
            ),
        ),
    ),
)


def _waiting(better: Any, when_better: Any, when_not: Any, late: Any, after: Any, reduced: Any) -> Any:
    def evaluate(loss: Any, best: Any, waited: Any, eta: Any, factor: Any, patience: Any) -> Any:
        best, waited = (when_better if better(loss, best) else when_not)(loss, best, waited)
        return (best, after(waited), reduced(eta, factor)) if late(waited, patience) else (best, waited, eta)

    return evaluate


_losses = [4.0, 3.0, 3.0, 3.5, 2.0, 2.5, 2.25, 2.125, 2.0625, 2.5, 2.25, 2.75, 1.0, 1.5]

PLATEAU = Exercise(
    name="tune-plateau",
    chapter="10_tuning",
    task="The best loss, the count of evaluations without a better one and the rate, after one more evaluation.",
    takes="loss best waited eta factor patience",
    returns="best waited eta",
    reference=_plateau,
    cases=(
        Case({"best": 10.0, "waited": 0, "eta": 0.8, "factor": 0.5, "patience": 2}, {"loss": _losses}),
        Case({"best": 1.0, "waited": 0, "eta": 2.0, "factor": 0.25, "patience": 1}, {"loss": [2.0] * 6 + [0.5, 0.5]}),
        Case(
            {"best": 10.0, "waited": 0, "eta": 1.0, "factor": 0.5, "patience": 3},
            {"loss": [5.0, 6.0, 4.0, 4.5, 4.25, 4.125, 4.0625, 7.0]},
        ),
    ),
    slots=_PLATEAU,
    built=_waiting,
    mistakes=(
        Mistake(
            "best loss forgotten at a reduction",
            lambda loss, best, waited, eta, factor, patience: (lambda b, w, e: (b if e == eta else loss, w, e))(
                *_plateau(loss, best, waited, eta, factor, patience)
            ),
            "When you reduce the rate you begin with a new best loss as well. The best one is still the best.",
        ),
    ),
    hints=(
        "Two questions in a row: is this loss lower than the best? And has the count become too large?",
        "If loss < best: best is loss, and waited is 0; else waited goes up by one. Then, if waited > patience: eta "
        "times factor, and waited is 0 again.",
    ),
    read="Schedules",
)

EXERCISES = (CONVERT, PLATEAU)
