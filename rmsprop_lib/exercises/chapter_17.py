"""The exercises of chapter 17, words."""

from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake

EPS = 0.25
_rng = np.random.default_rng(17)


def _ratio(beta1: Any, beta2: Any) -> Any:
    """What each step of a row without gradients is over the one before."""
    return beta1 / np.sqrt(beta2)


def _drift(d: Any, eta: Any, beta1: Any, beta2: Any) -> Any:
    """The sum of all steps after the last gradient."""
    q = _ratio(beta1, beta2)
    return -eta * d * q / (1 - q)


DRIFT = Exercise(
    name="words-drift",
    chapter="17_words",
    task="From the direction d of the last step that had a gradient: how far Adam moves the weight after that step.",
    takes="d eta beta1 beta2",
    returns="change",
    reference=_drift,
    cases=(
        Case({"d": 0.5, "eta": 0.1, "beta1": 0.9, "beta2": 0.95}),
        Case({"d": np.array([1.0, -2.0, 0.25]), "eta": 0.01, "beta1": 0.5, "beta2": np.array([0.9, 0.99, 0.36])}),
    ),
    mistakes=(
        Mistake(
            "average of squares held fixed",
            lambda d, eta, beta1, beta2: -eta * d * beta1 / (1 - beta1) + 0 * beta2,
            "You let the average of gradients fade and keep the one of squares as it is. It fades too, which makes "
            "the later steps longer.",
        ),
        Mistake(
            "last step counted",
            lambda d, eta, beta1, beta2: _drift(d, eta, beta1, beta2) - eta * d,
            "You count the step that still had a gradient. Asked for is what comes after it.",
        ),
        Mistake(
            "square not rooted",
            lambda d, eta, beta1, beta2: -eta * d * (beta1 / beta2) / (1 - beta1 / beta2),
            "You divide by the average of squares. Adam divides by its root, which fades more slowly.",
        ),
        Mistake(
            "one step only",
            lambda d, eta, beta1, beta2: -eta * d * _ratio(beta1, beta2),
            "That is the first of the steps without a gradient. All later ones follow it.",
        ),
        Mistake(
            "uphill",
            lambda d, eta, beta1, beta2: -_drift(d, eta, beta1, beta2),
            "The size is right. A step is subtracted, so the weight moves against d.",
        ),
        Mistake(
            "rate forgotten",
            lambda d, eta, beta1, beta2: _drift(d, 1.0, beta1, beta2) + 0 * eta,
            "You have added up the directions. A step is the rate times the direction.",
        ),
        Mistake(
            "no drift",
            lambda d, eta, beta1, beta2: 0 * d * eta * beta1 * beta2,
            "You say that a weight without a gradient stays where it is. The average of gradients is not zero yet.",
        ),
    ),
    hints=(
        "With g = 0 the average of gradients is multiplied by beta1 at every step, the average of squares by beta2. "
        "What does that do to their quotient?",
        "Every direction is q times the one before, with q = beta1 over the root of beta2. Sum q + q² + q³ + …, and "
        "mind the sign of a step.",
    ),
    read="Rows that move without a gradient",
)


def _lazy(theta: Any, g: Any, v: Any, seen: Any, eta: Any, rho: Any, eps: Any) -> Any:
    """RMSprop's step on the rows that were seen; all others keep weight and average."""
    d, new = rules.rmsprop(g, v, rho, eps)
    rows = np.asarray(seen)[:, None]
    return np.where(rows, theta - eta * d, theta), np.where(rows, new, v)


def _dense(theta: Any, g: Any, v: Any, seen: Any, eta: Any, rho: Any, eps: Any) -> Any:
    d, new = rules.rmsprop(g, v, rho, eps)
    return theta - eta * d, new


def _by_elements(theta: Any, g: Any, v: Any, seen: Any, eta: Any, rho: Any, eps: Any) -> Any:
    d, new = rules.rmsprop(g, v, rho, eps)
    return theta - eta * d, np.where(np.asarray(g) != 0, new, v)


def _old_average(theta: Any, g: Any, v: Any, seen: Any, eta: Any, rho: Any, eps: Any) -> Any:
    rows = np.asarray(seen)[:, None]
    return np.where(rows, theta - eta * g / (np.sqrt(v) + eps), theta), _lazy(theta, g, v, seen, eta, rho, eps)[1]


def _forgets(theta: Any, g: Any, v: Any, seen: Any, eta: Any, rho: Any, eps: Any) -> Any:
    new, average = _lazy(theta, g, v, seen, eta, rho, eps)
    return new, np.where(np.asarray(seen)[:, None], average, 0 * average)


def _the_others(theta: Any, g: Any, v: Any, seen: Any, eta: Any, rho: Any, eps: Any) -> Any:
    return _lazy(theta, g, v, ~np.asarray(seen), eta, rho, eps)


def _case(rows: int, columns: int, steps: int) -> Case:
    """Rows that are seen about half of the time, with some elements of the gradient zero even then."""
    seen = _rng.random((steps, rows)) < 0.5
    seen[0], seen[-1] = True, np.arange(rows) % 2 == 0
    g = _rng.normal(size=(steps, rows, columns)) * seen[:, :, None]
    g[:, :, 0] *= _rng.random((steps, rows)) < 0.5
    start = {"theta": _rng.normal(size=(rows, columns)), "v": np.full((rows, columns), 0.5)}
    return Case(start | {"eta": 0.1, "rho": 0.9, "eps": EPS}, {"g": list(g), "seen": list(seen)})


LAZY = Exercise(
    name="words-lazy",
    chapter="17_words",
    task="From weights theta, gradients g and averages v, a row for each word, and which rows were seen: the lazy "
    "RMSprop step, new weights and new averages.",
    takes="theta g v seen eta rho eps",
    returns="theta v",
    reference=_lazy,
    cases=(_case(4, 3, 6), _case(2, 2, 4)),
    mistakes=(
        Mistake(
            "not lazy",
            _dense,
            "The averages of the rows that were not seen fade. Their weights stay, for RMSprop does not move what has "
            "no gradient, but at its next occurrence a rare word takes a step that is too long.",
        ),
        Mistake(
            "element by element",
            _by_elements,
            "You go by which elements of the gradient are zero. A row that was seen can have a zero in it, and there "
            "the average has to take in that zero.",
        ),
        Mistake(
            "average updated after its use",
            _old_average,
            "You divide by the average as it was before this gradient entered.",
        ),
        Mistake(
            "unseen rows start again",
            _forgets,
            "You set the averages of unseen rows to zero. They should be kept as they are.",
        ),
        Mistake(
            "the other rows",
            _the_others,
            "You step the rows that were not seen, and leave those that were.",
        ),
    ),
    hints=(
        "Do RMSprop's step for all rows, then decide for each row whether to take the result.",
        "numpy.where(seen[:, None], new, old) takes whole rows; use it for the weights and for the averages.",
    ),
    read="Rows that move without a gradient",
)

EXERCISES = (DRIFT, LAZY)
