"""The exercises of chapter 17, words."""

from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises import fillings
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake, Slot

EPS = 0.25
_rng = np.random.default_rng(17)


def _ratio(beta1: Any, beta2: Any) -> Any:
    """What each step of a row without gradients is over the one before."""
    return beta1 / np.sqrt(beta2)


def _drift(d: Any, eta: Any, beta1: Any, beta2: Any) -> Any:
    """The sum of all steps after the last gradient."""
    q = _ratio(beta1, beta2)
    return -(eta * d * q / (1 - q))


_DRIFT = (
    Slot(
        "ratio",
        _ratio,
        (
            Mistake(
                "average of squares held fixed",
                lambda beta1, beta2: beta1 + 0 * beta2,
                "You let the average of gradients fade and keep the one of squares as it is. It fades too, which makes "
                "the later steps longer.",
            ),
            Mistake(
                "average of gradients held fixed",
                lambda beta1, beta2: 1 / np.sqrt(beta2) + 0 * beta1,
                "You let the average of squares fade and keep the one of gradients as it is. Your steps then grow.",
            ),
            Mistake(
                "square not rooted",
                lambda beta1, beta2: beta1 / beta2,
                "You divide by the average of squares. Adam divides by its root, which fades more slowly.",
            ),
            Mistake(
                "both rooted",
                lambda beta1, beta2: np.sqrt(beta1 / beta2),
                "You take the root of beta1 too. Adam takes no root of the average of gradients.",
            ),
            Mistake(
                "quotient of the decays upside down",
                lambda beta1, beta2: np.sqrt(beta2) / beta1,
                "You take the root of beta2 over beta1 for the factor from one step to the next: what divides stands "
                "above. (To count the step that still had a gradient, and to add all steps, comes to the same.)",
            ),
            Mistake(
                "decays multiplied",
                lambda beta1, beta2: beta1 * np.sqrt(beta2),
                "You multiply the two factors. The average of squares divides, so that its fading makes steps longer.",
            ),
            Mistake(
                "decays exchanged",
                lambda beta1, beta2: beta2 / np.sqrt(beta1),
                "You have the two decays in each other's place: beta1 belongs to the average of gradients, beta2 to "
                "that of squares.",
            ),
            Mistake(
                "weights of the newest for the decays",
                lambda beta1, beta2: (1 - beta1) / np.sqrt(1 - beta2),
                "You take 1 − beta1 and 1 − beta2, the weights of a new gradient and square. There are none here, and "
                "what is left of the averages is not what enters them.",
            ),
        ),
    ),
    Slot(
        "added",
        lambda q: q / (1 - q),
        (
            Mistake(
                "last step counted",
                lambda q: 1 / (1 - q),
                "You count the step that still had a gradient. Asked for is what comes after it.",
            ),
            Mistake(
                "one step only",
                lambda q: q,
                "That is the first of the steps without a gradient. All later ones follow it.",
            ),
            Mistake(
                "first step left out",
                lambda q: q * q / (1 - q),
                "Your sum begins with the square of the factor. The first step without a gradient has been multiplied "
                "by it once.",
            ),
            Mistake(
                "no sum",
                lambda q: 1.0 + 0 * q,
                "You return the step that still had a gradient. Asked for is what comes after it.",
            ),
            Mistake(
                "multiplied by 1 − q",
                lambda q: q * (1 - q),
                "With q for the factor from one step to the next, you multiply by 1 − q. A sum of so many steps is "
                "longer than the first of them, not shorter.",
            ),
            Mistake(
                "sum with alternating signs",
                lambda q: q / (1 + q),
                "With q for the factor from one step to the next, you divide by 1 + q. That is the sum of steps whose "
                "signs alternate; these all have the same one.",
            ),
        ),
    ),
    Slot(
        "direction",
        lambda d: d,
        (
            Mistake(
                "size of the direction",
                abs,
                "You take the size of d. A weight goes on in the direction in which it went.",
            ),
            Mistake(
                "sign of the direction",
                np.sign,
                "You take the sign of d. The steps that follow are in proportion to d itself.",
            ),
        ),
    ),
    Slot(
        "sign",
        -1.0,
        (
            Mistake(
                "uphill",
                1.0,
                "You add the steps. A step is subtracted, so the weight moves against d.",
            ),
        ),
    ),
    Slot(
        "rate",
        lambda eta: eta,
        (
            Mistake(
                "rate forgotten",
                lambda eta: 1.0 + 0 * eta,
                "You have added up the directions. A step is the rate times the direction.",
            ),
            Mistake(
                "divided by the rate",
                lambda eta: 1 / eta,
                "You divide by the rate. A smaller rate then makes longer steps.",
            ),
        ),
    ),
)


def _drifting(ratio: Any, added: Any, direction: Any, sign: float, rate: Any) -> Any:
    return lambda d, eta, beta1, beta2: sign * rate(eta) * direction(d) * added(ratio(beta1, beta2))


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
    slots=_DRIFT,
    built=_drifting,
    mistakes=(
        Mistake(
            "no drift",
            lambda d, eta, beta1, beta2: 0 * d * eta * beta1 * beta2,
            "You say that a weight without a gradient stays where it is. The average of gradients is not zero yet.",
        ),
        Mistake(
            "averages summed before the quotient",
            lambda d, eta, beta1, beta2: -eta * d * beta1 / (1 - beta1) / np.sqrt(beta2 / (1 - beta2)),
            "You sum what is left of each average over all steps, and divide the one sum by the root of the other. "
            "Every step is a quotient of its own, and the steps are summed.",
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


_AFTERWARDS = (
    Mistake(
        "average updated after its use",
        lambda old, new: old + 0 * new,
        "You divide by the average as it was before this gradient entered.",
    ),
    Mistake(
        "old and new average added",
        lambda old, new: old + new,
        "You divide by the root of the old and the new average together.",
    ),
)

_LAZY = (
    Slot(
        "rows",
        lambda seen, g: np.asarray(seen)[:, None],
        (
            Mistake(
                "the other rows",
                lambda seen, g: ~np.asarray(seen)[:, None],
                "You step the rows that were not seen, and leave those that were.",
            ),
            Mistake(
                "element by element",
                lambda seen, g: np.asarray(g) != 0,
                "You go by which elements of the gradient are zero. A row that was seen can have a zero in it, and "
                "there the average has to take in that zero.",
            ),
            Mistake(
                "all rows as soon as one was seen",
                lambda seen, g: np.any(seen),
                "Where at least one row was seen you step all of them. Each row decides for itself.",
            ),
            Mistake(
                "only when all rows were seen",
                lambda seen, g: np.all(seen),
                "You step only where every row was seen. Each row decides for itself.",
            ),
        ),
    ),
    Slot(
        "unseen",
        lambda old, new: old,
        (
            Mistake(
                "not lazy",
                lambda old, new: new,
                "The averages of the rows that were not seen fade. Their weights stay, for RMSprop does not move what "
                "has no gradient, but at its next occurrence a rare word takes a step that is too long.",
            ),
            Mistake(
                "unseen rows start again",
                lambda old, new: 0 * old,
                "You set the averages of unseen rows to zero. They should be kept as they are.",
            ),
        ),
    ),
    Slot(
        "resting",
        lambda theta: theta,
        (
            Mistake(
                "weights of unseen rows set to zero",
                lambda theta: 0 * theta,
                "You set the weights of unseen rows to zero. A word that does not occur keeps what it has learnt.",
            ),
        ),
    ),
    fillings.also(
        fillings.squared("v"),
        1,
        Mistake(
            "one number for each row",
            lambda g: np.mean(np.square(g), axis=1, keepdims=True) + 0 * g,
            "You put the mean of the squares of a row into v, so that all elements of a row have the same rate.",
        ),
        Mistake(
            "one sum for each row",
            lambda g: np.sum(np.square(g), axis=1, keepdims=True) + 0 * g,
            "You put the sum of the squares of a row into v, so that all elements of a row have the same rate.",
        ),
    ),
    fillings.averaged("v", "ρ"),
    Slot("used", lambda old, new: new, _AFTERWARDS),
    fillings.root("v"),
    # The averages of its cases do not begin at zero.
    fillings.epsilon(without="All steps are then too long, most of all where v is small."),
    fillings.quotient(),
    fillings.numerator(),
    fillings.stepped(),
)


def _stepping_rows(rows: Any, unseen: Any, resting: Any, stepped: Any, **choices: Any) -> Any:
    """The lazy step as a product of choices, those of RMSprop's step among them."""
    direction = fillings.adaptive_step(**choices, kept=lambda new: new)

    def step(theta: Any, g: Any, v: Any, seen: Any, eta: Any, rho: Any, eps: Any) -> Any:
        d, new = direction(g, v, rho, eps)
        chosen = rows(seen, g)
        return np.where(chosen, stepped(theta, eta, d), resting(theta)), np.where(chosen, new, unseen(v, new))

    return step


def _case(rows: int, columns: int, steps: int, v: float = 0.5) -> Case:
    """Rows that are seen about half of the time, with some elements of the gradient zero even then."""
    seen = _rng.random((steps, rows)) < 0.5
    seen[0], seen[-1] = True, np.arange(rows) % 2 == 0
    g = _rng.normal(size=(steps, rows, columns)) * seen[:, :, None]
    g[:, :, 0] *= _rng.random((steps, rows)) < 0.5
    start = {"theta": _rng.normal(size=(rows, columns)), "v": np.full((rows, columns), v)}
    return Case(start | {"eta": 0.1, "rho": 0.9, "eps": EPS}, {"g": list(g), "seen": list(seen)})


LAZY = Exercise(
    name="words-lazy",
    chapter="17_words",
    task="From weights theta, gradients g and averages v, a row for each word, and which rows were seen: the lazy "
    "RMSprop step, new weights and new averages.",
    takes="theta g v seen eta rho eps",
    returns="theta v",
    reference=_lazy,
    # The last with roots that are smaller than ε.
    cases=(_case(4, 3, 6), _case(2, 2, 4), _case(3, 2, 5, 0.01)),
    slots=_LAZY,
    built=_stepping_rows,
    mistakes=(),
    hints=(
        "Do RMSprop's step for all rows, then decide for each row whether to take the result.",
        "numpy.where(seen[:, None], new, old) takes whole rows; use it for the weights and for the averages.",
    ),
    read="Rows that move without a gradient",
)

EXERCISES = (DRIFT, LAZY)
