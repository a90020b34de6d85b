"""The exercises of chapter 10, tuning."""

from typing import Any

from rmsprop_lib import rules
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake


def _reach(rho: Any, T: Any, first: int = 1) -> Any:
    """How far RMSprop gets on a constant gradient, in units of the rate: the sum of its directions."""
    return sum(1 / rules.sqrt(rules.weight_sum(rho, t)) for t in range(first, int(T) + first))


CONVERT = Exercise(
    name="tune-convert",
    chapter="10_tuning",
    task="The rate at which RMSprop with decay new gets as far in T steps as with decay rho and rate eta.",
    takes="eta rho new T",
    returns="rate",
    reference=lambda eta, rho, new, T: eta * _reach(rho, T) / _reach(new, T),
    cases=(
        Case({"eta": 0.1, "rho": 0.9, "new": 0.99, "T": 20}),
        Case({"eta": 2.0, "rho": 0.5, "new": 0.25, "T": 3}),
        Case({"eta": 0.01, "rho": 0.99, "new": 0.75, "T": 50}),
    ),
    mistakes=(
        Mistake(
            "turned over",
            lambda eta, rho, new, T: eta * _reach(new, T) / _reach(rho, T),
            "Your quotient is upside down. A longer window reaches further at the same rate, because its first steps "
            "are longer, so it needs the smaller rate.",
        ),
        Mistake(
            "limit of long windows",
            lambda eta, rho, new, T: eta * ((1 - new) / (1 - rho)) ** 0.5,
            "That is the limit for windows much longer than the run. For shorter ones the rate should hardly change, "
            "and yours does.",
        ),
        Mistake(
            "squares of the steps",
            lambda eta, rho, new, T: (
                eta
                * sum(1 / rules.weight_sum(rho, t) for t in range(1, int(T) + 1))
                / sum(1 / rules.weight_sum(new, t) for t in range(1, int(T) + 1))
            ),
            "You sum 1/(1 − ρᵗ), which is the square of a step: the root is missing.",
        ),
        Mistake(
            "root of the steps' inverse",
            lambda eta, rho, new, T: (
                eta
                * sum(rules.sqrt(rules.weight_sum(rho, t)) for t in range(1, int(T) + 1))
                / sum(rules.sqrt(rules.weight_sum(new, t)) for t in range(1, int(T) + 1))
            ),
            "You sum the denominators √(1 − ρᵗ). A sum of inverses is not the inverse of a sum.",
        ),
        Mistake(
            "last step only",
            lambda eta, rho, new, T: eta * (rules.weight_sum(new, int(T)) / rules.weight_sum(rho, int(T))) ** 0.5,
            "You compare the last step of each run, not the sum of all steps. It is the first steps that differ most.",
        ),
        Mistake(
            "first step left out",
            lambda eta, rho, new, T: eta * _reach(rho, T, 2) / _reach(new, T, 2),
            "Your sums begin with the second step. The first one, 1/√(1 − ρ), is the longest of all.",
        ),
        Mistake(
            "last step left out",
            lambda eta, rho, new, T: eta * _reach(rho, T - 1) / _reach(new, T - 1),
            "Your sums have one step too few: a range that ends at T leaves out step T.",
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


def _impatient(loss: Any, best: Any, waited: Any, eta: Any, factor: Any, patience: Any) -> Any:
    return _plateau(loss, best, waited, eta, factor, patience - 1)


def _compares_with_the_last(loss: Any, best: Any, waited: Any, eta: Any, factor: Any, patience: Any) -> Any:
    _, waited, eta = _plateau(loss, best, waited, eta, factor, patience)
    return loss, waited, eta


def _keeps_counting_after_a_reduction(loss: Any, best: Any, waited: Any, eta: Any, factor: Any, patience: Any) -> Any:
    best, waited = (loss, 0) if loss < best else (best, waited + 1)
    return best, waited, factor * eta if waited > patience else eta


def _keeps_counting_when_better(loss: Any, best: Any, waited: Any, eta: Any, factor: Any, patience: Any) -> Any:
    if loss < best:
        return loss, waited, eta
    return _plateau(loss, best, waited, eta, factor, patience)


def _never_waits(loss: Any, best: Any, waited: Any, eta: Any, factor: Any, patience: Any) -> Any:
    return _plateau(loss, best, waited, eta, factor, 0)


def _forgets_the_best(loss: Any, best: Any, waited: Any, eta: Any, factor: Any, patience: Any) -> Any:
    _, waited, eta = _plateau(loss, best, waited, eta, factor, patience)
    return best, waited, eta


def _ties_are_better(loss: Any, best: Any, waited: Any, eta: Any, factor: Any, patience: Any) -> Any:
    best, waited = (loss, 0) if loss <= best else (best, waited + 1)
    return (best, 0, factor * eta) if waited > patience else (best, waited, eta)


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
    ),
    mistakes=(
        Mistake(
            "one evaluation too early",
            _impatient,
            "You reduce the rate as soon as the count equals the patience. The count has to exceed it.",
        ),
        Mistake(
            "compared with the last loss",
            _compares_with_the_last,
            "What you return as the best loss is the last one. A loss that goes up and then comes down a little "
            "counts as better, so that in noise the rate is hardly ever reduced.",
        ),
        Mistake(
            "count not reset after a reduction",
            _keeps_counting_after_a_reduction,
            "After a reduction your count stays above the patience, so the rate is reduced again at every "
            "evaluation that brings no new best.",
        ),
        Mistake(
            "count not reset by a better loss",
            _keeps_counting_when_better,
            "A better loss leaves your count as it was. It then counts all bad evaluations since the last reduction, "
            "not those in a row.",
        ),
        Mistake(
            "no patience",
            _never_waits,
            "Your rate is reduced at every evaluation that is not better; the patience is not used.",
        ),
        Mistake(
            "best loss not kept",
            _forgets_the_best,
            "You never store a new best loss, so every loss is compared with the first one.",
        ),
        Mistake(
            "an equal loss counts as better",
            _ties_are_better,
            "You count an equal loss as better. A run that stands still would then never have its rate reduced.",
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
