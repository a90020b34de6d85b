"""The exercises of chapter 8, recurrent networks."""

from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake, Slot

_rng = np.random.default_rng(8)


def _deltas(W: Any, h: Any, dh: Any) -> np.ndarray:
    """δ_1, …, δ_N."""
    delta: np.ndarray = np.zeros_like(h[1:])
    for n in reversed(range(len(delta))):
        delta[n] = (1 - h[n + 1] ** 2) * dh
        dh = W.T @ delta[n]
    return delta


_BACK = (
    Slot(
        "state",
        lambda h, n: h[n + 1],
        (
            Mistake(
                "derivative at the state before",
                lambda h, n: h[n],
                "You take the derivative of tanh from the state that goes into a position. It belongs to the state "
                "that comes out: h[0] is the start, and the first position makes h[1].",
            ),
            Mistake(
                "derivative at the last state",
                lambda h, n: h[-1],
                "You take the derivative of tanh from the last state at every position.",
            ),
            Mistake(
                "derivative at tanh of the state",
                lambda h, n: np.tanh(h[n + 1]),
                "You take tanh of the states before you square them. They are values of tanh already.",
            ),
        ),
    ),
    Slot(
        "slope",
        lambda x: 1 - x**2,
        (
            Mistake(
                "1 − h instead of 1 − h²",
                lambda x: 1 - x,
                "You multiply by 1 − h. For a negative state that is more than 1, and the derivative of tanh never is.",
            ),
            Mistake(
                "derivative of tanh left out",
                lambda x: 1.0 + 0 * x,
                "You go back through W alone, as if the network were linear. Saturated units then pass on as much as "
                "all others.",
                read="A product of Jacobians",
            ),
            Mistake(
                "state instead of derivative",
                lambda x: x,
                "You multiply by the state where the derivative of tanh belongs.",
            ),
            Mistake(
                "derivative of a sigmoid",
                lambda x: x * (1 - x),
                "You multiply by h (1 − h), which is the derivative of a sigmoid. The states come from tanh.",
            ),
            Mistake(
                "derivative squared",
                lambda x: (1 - x**2) ** 2,
                "You multiply by the square of the derivative.",
            ),
            Mistake(
                "1 + h² instead of 1 − h²",
                lambda x: 1 + x**2,
                "You multiply by 1 + h². The derivative of tanh is never more than 1.",
            ),
            Mistake(
                "square of the state",
                lambda x: x**2,
                "You multiply by h², which is what the derivative of tanh lacks of 1.",
            ),
            Mistake(
                "sign of the derivative",
                lambda x: x**2 - 1,
                "Your derivative of tanh is negative. The function rises everywhere.",
            ),
            Mistake(
                "divided by the derivative",
                lambda x: 1 / (1 - x**2),
                "You divide by the derivative of tanh. Saturated units then pass on more than all others.",
            ),
        ),
    ),
    Slot(
        "ends",
        lambda factor, last: factor,
        (
            Mistake(
                "no derivative at the last position",
                lambda factor, last: 0 * factor + 1.0 if last else factor,
                "Your last row is dh itself. The last position has a tanh as well, and dh stands behind it.",
            ),
            Mistake(
                "derivative at the last position alone",
                lambda factor, last: factor if last else 0 * factor + 1.0,
                "Only at the last position do you multiply by the derivative of tanh. Every position has one.",
            ),
        ),
    ),
    Slot(
        "matrix",
        lambda W: W.T,
        (
            Mistake(
                "W not transposed",
                lambda W: W,
                "You go back through W as the states went forward. The element (i, j) of W leads from unit j to unit "
                "i; on the way back it leads from i to j.",
            ),
            Mistake(
                "diagonal of W",
                lambda W: np.diag(np.diag(W)),
                "You go back through the diagonal of W alone. Each unit sees all the others.",
            ),
            Mistake(
                "inverse of W",
                np.linalg.inv,
                "You go back through the inverse of W. Derivatives go back through its transpose.",
            ),
        ),
    ),
    Slot(
        "back",
        lambda M, delta, dh: M @ delta,
        (
            Mistake(
                "dh the same at every position",
                lambda M, delta, dh: dh,
                "Every position gets the dh of the last one. That would be right if the loss saw every state directly "
                "and no state saw another.",
            ),
            Mistake(
                "not multiplied by W",
                lambda M, delta, dh: delta,
                "From one position to the one before you pass δ on as it is. Between the two lies the matrix.",
            ),
            Mistake(
                "derivative not passed on",
                lambda M, delta, dh: M @ dh,
                "You pass on what came into the position, without the derivative of tanh: what goes back through the "
                "matrix is δ.",
            ),
            Mistake(
                "what came in added",
                lambda M, delta, dh: dh + M @ delta,
                "To what goes back through the matrix you add what came in. The loss sees the last state only.",
            ),
        ),
    ),
    Slot(
        "order",
        lambda delta: delta,
        (
            Mistake(
                "last position first",
                lambda delta: delta[::-1],
                "Your rows are in the order in which they are computed. The row of the first position comes first.",
            ),
        ),
    ),
)


def _going_back(state: Any, slope: Any, ends: Any, matrix: Any, back: Any, order: Any) -> Any:
    def deltas(W: Any, h: Any, dh: Any) -> Any:
        delta = np.zeros_like(h[1:])
        for n in reversed(range(len(delta))):
            delta[n] = ends(slope(state(h, n)), n == len(delta) - 1) * dh
            dh = back(matrix(W), delta[n], dh)
        return order(delta)

    return deltas


def _states(steps: int, units: int) -> np.ndarray:
    return np.concatenate([np.zeros((1, units)), _rng.uniform(-0.9, 0.9, (steps, units))])


DELTAS = Exercise(
    name="bptt-deltas",
    chapter="08_recurrent",
    task="From W, the states h_0, …, h_N and dh = ∂ℓ/∂h_N, return δ_1, …, δ_N, one row each, δ_1 first.",
    takes="W h dh",
    returns="delta",
    reference=_deltas,
    cases=(
        Case({"W": _rng.normal(size=(3, 3)), "h": _states(5, 3), "dh": np.array([1.0, -2.0, 0.5])}),
        Case({"W": _rng.normal(size=(2, 2)), "h": _states(1, 2), "dh": np.array([3.0, 0.25])}),
        Case({"W": 2 * _rng.normal(size=(4, 4)), "h": _states(8, 4), "dh": np.array([0.0, 1.0, -1.0, 4.0])}),
    ),
    slots=_BACK,
    built=_going_back,
    mistakes=(),
    hints=(
        "Go from the last position to the first. What you carry is ∂ℓ/∂h of the position you are at, dh at the start.",
        "At position n, counted from 0: delta[n] is 1 − h[n + 1]² times what you carry; then carry Wᵀ delta[n].",
    ),
    read="Back-propagation through time",
)


def _clipped(g: Any, c: Any) -> Any:
    norm = np.sqrt(np.sum(g * g))
    if norm > c:
        return g * c / norm
    return g * 1.0


_CLIPPED = (
    Slot(
        "norm",
        lambda g: float(np.linalg.norm(g)),
        (
            Mistake(
                "root of the norm forgotten",
                lambda g: float(np.sum(np.square(g))),
                "You compare the threshold with the sum of squares. Its root is the norm.",
            ),
            Mistake(
                "sum of the absolute values",
                lambda g: float(np.sum(np.abs(g))),
                "Your norm is the sum of the absolute values, which is larger than the Euclidean norm: you clip too "
                "often and too much.",
            ),
            Mistake(
                "largest element",
                lambda g: float(np.max(np.abs(g))),
                "Your norm is the largest element. The direction is kept, but many moderate elements together may be "
                "far longer than c.",
            ),
            Mistake(
                "root mean square",
                lambda g: float(np.sqrt(np.mean(np.square(g)))),
                "You divide by the number of elements before taking the root. The threshold then means something else "
                "in every network.",
            ),
            Mistake(
                "mean of the squares",
                lambda g: float(np.mean(np.square(g))),
                "Your norm is the mean of the squares. The norm is the root of their sum.",
            ),
            Mistake(
                "sum of the elements",
                lambda g: float(abs(np.sum(g))),
                "Your norm is the sum of the elements, in which signs cancel.",
            ),
            Mistake(
                "norm of the first row",
                lambda g: float(np.linalg.norm(np.atleast_2d(g)[0])),
                "Of a matrix you take the norm of the first row alone.",
            ),
            Mistake(
                "largest singular value",
                lambda g: float(np.linalg.norm(g, 2)),
                "Of a matrix you take the largest singular value. The norm asked for is over all its elements.",
            ),
        ),
    ),
    Slot(
        "factor",
        lambda norm, c: c / norm if norm > c else 1.0,
        (
            Mistake(
                "always scaled to the norm c",
                lambda norm, c: c / norm if norm else 1.0,
                "You scale every gradient to the norm c, the short ones as well. A gradient that is below the "
                "threshold stays as it is; yours never become small, not even at a minimum.",
            ),
            Mistake(
                "0/0 for a gradient of zeros",
                lambda norm, c: c / norm if norm else np.nan,
                "You scale every gradient to the norm c, the short ones as well, and one of zeros becomes NaN.",
            ),
            Mistake(
                "c forgotten in the factor",
                lambda norm, c: 1 / norm if norm > c else 1.0,
                "What you clip ends up with the norm 1, whatever the threshold is.",
            ),
            Mistake(
                "norm over c",
                lambda norm, c: norm / c if norm > c else 1.0,
                "Your factor is upside down: long gradients become longer still.",
            ),
            Mistake(
                "clipped when short",
                lambda norm, c: c / norm if 0 < norm < c else 1.0,
                "Your comparison is turned round: short gradients are lengthened, and long ones stay as they are.",
            ),
            Mistake(
                "zeroed where too long",
                lambda norm, c: 0.0 if norm > c else 1.0,
                "You throw a gradient away that is too long. Clipping shortens it.",
            ),
            Mistake(
                "multiplied by c",
                lambda norm, c: c if norm > c else 1.0,
                "You multiply a long gradient by c. The factor is c over the norm.",
            ),
            Mistake(
                "not clipped",
                lambda norm, c: 1.0,
                "You return the gradient as it came in.",
            ),
            Mistake(
                "root of the factor",
                lambda norm, c: np.sqrt(c / norm) if norm > c else 1.0,
                "You take the root of the factor. What you clip is then still longer than c.",
            ),
        ),
    ),
)


def _clipping(norm: Any, factor: Any) -> Any:
    return lambda g, c: g * factor(norm(g), c)


def _by_rows(g: Any, c: Any) -> Any:
    g = np.asarray(g, dtype=float)
    return np.stack([_by_rows(row, c) for row in g]) if g.ndim > 1 else _clipped(g, c)


def _by_columns(g: Any, c: Any) -> Any:
    g = np.asarray(g, dtype=float)
    return _by_rows(g.T, c).T if g.ndim > 1 else _clipped(g, c)


CLIP = Exercise(
    name="clip-norm",
    chapter="08_recurrent",
    task="Return the gradient g, an array of any shape, clipped by its norm over all elements at the threshold c.",
    takes="g c",
    returns="clipped",
    reference=_clipped,
    cases=(
        Case({"g": np.array([3.0, -4.0, 12.0, 0.5]), "c": 2.0}),
        Case({"g": np.array([[3.0, 0.2, -4.0], [0.1, 1.0, -0.3]]), "c": 2.5}),
        Case({"g": np.array([0.3, -0.4]), "c": 2.0}),
        Case({"g": np.zeros(3), "c": 0.5}),
        Case({"g": np.array([0.6, -0.7, 0.8]), "c": 1.0}),
    ),
    slots=_CLIPPED,
    built=_clipping,
    mistakes=(
        Mistake(
            "clipped by value",
            lambda g, c: np.clip(g, -c, c),
            "You limit every element by itself: that is clipping by value, which turns the gradient.",
        ),
        Mistake(
            "clipped from above only",
            lambda g, c: np.minimum(g, c),
            "You limit every element by itself, and negative ones not at all.",
        ),
        Mistake(
            "each row by itself",
            _by_rows,
            "You clip each row of a matrix by its own norm. The rows are then scaled by different factors, and the "
            "direction of the whole is lost.",
        ),
        Mistake(
            "each column by itself",
            _by_columns,
            "You clip each column of a matrix by its own norm. The columns are then scaled by different factors, and "
            "the direction of the whole is lost.",
        ),
    ),
    hints=(
        "One number decides for all elements. What is it when the norm is 10 and the threshold 2, and when it is 1?",
        "The norm is the root of the sum of all squares. Above c, multiply g by c over the norm; otherwise leave it "
        "as it is.",
    ),
    read="Clipping",
)


def _after(K: float, rho: float, j: float) -> float:
    """Let RMSprop do it, with steady gradients of size 1."""
    v: Any = 1.0
    d: Any = 0.0
    for g in [K] + [1.0] * int(j):
        d, v = rules.rmsprop(g, v, rho, 0.0)
    return float(d)


def _after_a_burst(K: float, rho: float, j: float) -> float:
    excess = (1 - rho) * (K**2 - 1) * rho**j
    return float(1 / np.sqrt(1 + excess))


_BURST = (
    Slot(
        "burst",
        lambda K: K**2 - 1,
        (
            Mistake(
                "K not squared",
                lambda K: K - 1,
                "You put K itself into the average. The average is of squares.",
            ),
            Mistake(
                "K² instead of K² − 1",
                lambda K: K**2,
                "You add the burst to an average that is already 1. But the burst takes the place of an ordinary "
                "gradient: with K = 1 nothing should happen at all.",
            ),
            Mistake(
                "(K − 1)² instead of K² − 1",
                lambda K: (K - 1) ** 2,
                "You square the difference of the sizes. What enters the average is the difference of the squares.",
            ),
            Mistake(
                "K instead of K² − 1",
                lambda K: K,
                "You add K itself to the average. The average is of squares, and is 1 before.",
            ),
            Mistake(
                "K² + 1 instead of K² − 1",
                lambda K: K**2 + 1,
                "You add 1 to K². With K = 1 nothing should happen at all.",
            ),
        ),
    ),
    Slot(
        "share",
        lambda rho: 1 - rho,
        (
            Mistake(
                "factor 1 − ρ missing",
                lambda rho: 1.0,
                "The burst enters your average with its full weight. Only a part of each new square does.",
                read="Clipping",
            ),
            Mistake(
                "weight ρ, not 1 − ρ",
                lambda rho: rho,
                "The burst enters your average with the weight ρ. A new square has the weight 1 − ρ.",
                read="Clipping",
            ),
            Mistake(
                "weight 1 − ρ divided",
                lambda rho: 1 / (1 - rho),
                "You divide by 1 − ρ, the share with which a new square enters the average.",
                read="Clipping",
            ),
        ),
    ),
    Slot(
        "left",
        lambda rho, j: rho**j,
        (
            Mistake(
                "one decay too many",
                lambda rho, j: rho ** (j + 1),
                "Your excess has been decayed once too often. When the burst comes in, it has not been decayed yet.",
            ),
            Mistake(
                "one decay too few",
                lambda rho, j: rho ** (j - 1),
                "Your excess has been decayed one time too few. At the first step after the burst there has been one "
                "decay.",
            ),
            Mistake(
                "no decay",
                lambda rho, j: 1.0,
                "Your excess never fades: it is the same at every step after the burst.",
            ),
            Mistake(
                "one decay, whatever j",
                lambda rho, j: rho,
                "Your excess is decayed once, whatever j is.",
            ),
            Mistake(
                "decay with 1 − ρ",
                lambda rho, j: (1 - rho) ** j,
                "Your excess is multiplied by 1 − ρ at each step. The old average keeps ρ.",
            ),
            Mistake(
                "decay times j",
                lambda rho, j: rho * j,
                "You multiply ρ by j. Each step multiplies by ρ once more.",
            ),
            Mistake(
                "two decays in a step",
                lambda rho, j: rho ** (2 * j),
                "You decay the excess with ρ² at each step. It is an excess of squares already.",
            ),
        ),
    ),
    Slot(
        "average",
        lambda excess: 1 + excess,
        (
            Mistake(
                "excess without the 1",
                lambda excess: excess,
                "You divide by the excess alone. The ordinary gradients are in the average as well: long after the "
                "burst the direction is 1.",
            ),
            Mistake(
                "excess subtracted",
                lambda excess: 1 - excess,
                "You subtract the excess from 1. After a large gradient the average is larger.",
            ),
        ),
    ),
    Slot(
        "divided",
        lambda v: 1 / np.sqrt(v),
        (
            Mistake(
                "root forgotten",
                lambda v: 1 / v,
                "You divide by the average v, not by its root.",
            ),
            Mistake(
                "quotient upside down",
                np.sqrt,
                "You return the root of the average. The gradient of size 1 is divided by it.",
            ),
            Mistake(
                "average returned",
                lambda v: v,
                "You return the average. The direction is the gradient over the root of it.",
            ),
            Mistake(
                "what the direction lacks of 1",
                lambda v: 1 - 1 / np.sqrt(v),
                "You return by how much the direction is too short. The question asks for its size.",
            ),
        ),
    ),
    Slot(
        "above",
        lambda K: 1.0,
        (
            Mistake(
                "K in the numerator",
                lambda K: K,
                "Your direction has the large gradient above. At the steps after it the gradient is 1 again.",
            ),
        ),
    ),
)


def _bursting(burst: Any, share: Any, left: Any, average: Any, divided: Any, above: Any) -> Any:
    return lambda K, rho, j: float(above(K) * divided(average(share(rho) * burst(K) * left(rho, j))))


BURST = Exercise(
    name="burst-direction",
    chapter="08_recurrent",
    task="Return the size of RMSprop's direction at the j-th step (j ≥ 1) after a gradient K times as large as all "
    "others.",
    takes="K rho j",
    returns="d",
    reference=_after,
    cases=(
        Case({"K": 3.0, "rho": 0.75, "j": 1}),
        Case({"K": 10.0, "rho": 0.9, "j": 5}),
        Case({"K": 100.0, "rho": 0.99, "j": 200}),
        Case({"K": 1.0, "rho": 0.9, "j": 3}),
    ),
    slots=_BURST,
    built=_bursting,
    solution=_after_a_burst,
    mistakes=(
        Mistake(
            "ρ and 1 − ρ swapped",
            lambda K, rho, j: _after_a_burst(K, 1 - rho, j),
            "You have ρ where 1 − ρ belongs, and the other way round: the burst is then forgotten almost at once.",
        ),
    ),
    hints=(
        "With steady gradients of size 1 the average is 1. How far above 1 is it right after the burst? And then?",
        "Its excess is (1 − ρ)(K² − 1) at the burst and is multiplied by ρ at each later step. Divide 1 by the root of "
        "1 plus the excess.",
    ),
    read="What a rate for each weight repairs, and what it does not",
)


def _paths(f: Any) -> np.ndarray:
    """Row τ: the product of the gates at the positions after τ."""
    f = np.asarray(f, dtype=float)
    return np.concatenate([np.cumprod(f[::-1], axis=0)[::-1], np.ones((1, f.shape[1]))])


_PATHS = (
    Slot(
        "gates",
        lambda f: f,
        (
            Mistake(
                "1 − f instead of f",
                lambda f: 1 - f,
                "You multiply what the gates let go. The cell keeps the part f.",
            ),
            Mistake(
                "the last gate to a power",
                lambda f: 0 * f + f[-1],
                "You take the gate of the last position for all of them. The gates differ from position to position.",
            ),
            Mistake(
                "the first gate to a power",
                lambda f: 0 * f + f[0],
                "You take the gate of the first position for all of them. The gates differ from position to position.",
            ),
            Mistake(
                "mean of the gates",
                lambda f: 0 * f + f.mean(axis=0),
                "You take the mean of the gates to a power. The gates differ from position to position.",
            ),
            Mistake(
                "units multiplied together",
                lambda f: 0 * f + np.prod(f, axis=1, keepdims=True),
                "You multiply over the units as well. Along the direct path each unit has its own gate and sees no "
                "other.",
            ),
            Mistake(
                "gates squared",
                lambda f: f * f,
                "You multiply by each gate twice.",
            ),
        ),
    ),
    Slot(
        "combined",
        lambda f, axis: np.prod(f, axis=axis),
        (
            Mistake(
                "sum instead of product",
                lambda f, axis: np.sum(f, axis=axis) if len(f) else np.ones(f.shape[1]),
                "You add the gates up. Along a path derivatives are multiplied.",
            ),
            Mistake(
                "sum instead of product, 0 at the end",
                lambda f, axis: np.sum(f, axis=axis),
                "You add the gates up. Along a path derivatives are multiplied, and where there is none to multiply, "
                "at τ = N, the derivative is 1.",
            ),
            Mistake(
                "zero at the end",
                lambda f, axis: np.prod(f, axis=axis) if len(f) else np.zeros(f.shape[1]),
                "Where no gate lies between you have 0. The derivative of a number by itself is 1.",
            ),
            Mistake(
                "smallest gate",
                lambda f, axis: np.min(f, axis=axis) if len(f) else np.ones(f.shape[1]),
                "You take the smallest gate of the path. Each gate takes its part: they are multiplied.",
            ),
            Mistake(
                "nearest gate alone",
                lambda f, axis: f[0] if len(f) else np.ones(f.shape[1]),
                "Each row holds a single gate. All gates of the path are multiplied.",
            ),
        ),
    ),
    Slot(
        "between",
        lambda f, k: f[k:],
        (
            Mistake(
                "from the wrong end",
                lambda f, k: f[:k],
                "Row τ holds the gates up to τ: that is how much of c_0 is left at τ. The question is how much of c_τ "
                "reaches N.",
            ),
            Mistake(
                "own gate included",
                lambda f, k: f[max(k - 1, 0) :],
                "At τ ≥ 1 your product also has the gate of τ itself. It is on the way into c_τ, not on the way out.",
            ),
            Mistake(
                "first gate of the path left out",
                lambda f, k: f[k + 1 :],
                "Your product begins one gate too late: that of τ + 1 is on the way as well.",
            ),
            Mistake(
                "last gate left out",
                lambda f, k: f[k:-1],
                "Your product ends one gate too early: that of N is on the way as well.",
            ),
            Mistake(
                "whole path everywhere",
                lambda f, k: f,
                "Every row has all gates. Which of them lie between τ and N depends on τ.",
            ),
        ),
    ),
    Slot(
        "rows",
        lambda rows: rows,
        (
            Mistake(
                "no row for τ = N",
                lambda rows: rows[:-1],
                "You have a row for each gate, and none for τ = N, where no gate lies between.",
            ),
            Mistake(
                "no row for τ = 0",
                lambda rows: rows[1:],
                "You have no row for τ = 0, where the path is longest.",
            ),
        ),
    ),
    Slot(
        "order",
        lambda rows: rows,
        (
            Mistake(
                "last position first",
                lambda rows: rows[::-1],
                "Your rows are ordered by the lag. The row of τ = 0, the longest path, comes first.",
            ),
        ),
    ),
)


def _along(gates: Any, combined: Any, between: Any, rows: Any, order: Any) -> Any:
    def paths(f: Any) -> Any:
        f = gates(np.asarray(f, float))
        return order(rows(np.stack([combined(np.asarray(between(f, k)), 0) for k in range(len(f) + 1)])))

    return paths


def _paths_in_a_loop(f: Any) -> Any:
    path = np.ones((len(f) + 1, f.shape[1]))
    for k in reversed(range(len(f))):
        path[k] = path[k + 1] * f[k]
    return path


PATHS = Exercise(
    name="cell-path",
    chapter="08_recurrent",
    task="From the gates f_1, …, f_N, one row each, return ∂c_N/∂c_τ along the direct path for τ = 0, …, N, N + 1 "
    "rows.",
    takes="f",
    returns="path",
    reference=_paths,
    cases=(
        Case({"f": np.array([[0.9, 0.2], [0.5, 0.7], [0.8, 0.95], [0.6, 0.3]])}),
        Case({"f": np.array([[0.5, 0.25, 0.75]])}),
        Case({"f": _rng.uniform(0.6, 0.99, (7, 2))}),
    ),
    slots=_PATHS,
    built=_along,
    solution=_paths_in_a_loop,
    mistakes=(),
    hints=(
        "What is the derivative for τ = N? And for τ = N − 1? Go on from there.",
        "The row of N is 1, and the row of τ is the row of τ + 1 times the gate of τ + 1, element by element. "
        "np.cumprod over the reversed rows does all at once.",
    ),
    read="The cell of an LSTM",
)

EXERCISES = (DELTAS, PATHS, BURST, CLIP)
