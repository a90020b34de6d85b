"""The exercises of chapter 8, recurrent networks."""

from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake

_rng = np.random.default_rng(8)


def _deltas(W: Any, h: Any, dh: Any, derivative: Any = None, back: Any = None) -> np.ndarray:
    """δ_1, …, δ_N, with places in which to go wrong."""
    delta: np.ndarray = np.zeros_like(h[1:])
    for n in reversed(range(len(delta))):
        slope = 1 - h[n + 1] ** 2 if derivative is None else derivative(h, n)
        delta[n] = slope * dh
        dh = W.T @ delta[n] if back is None else back(W, delta[n], dh)
    return delta


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
    mistakes=(
        Mistake(
            "W not transposed",
            lambda W, h, dh: _deltas(W, h, dh, back=lambda W, delta, dh: W @ delta),
            "You go back through W as the states went forward. The element (i, j) of W leads from unit j to unit i; on "
            "the way back it leads from i to j.",
        ),
        Mistake(
            "derivative at the state before",
            lambda W, h, dh: _deltas(W, h, dh, derivative=lambda h, n: 1 - h[n] ** 2),
            "You take the derivative of tanh from the state that goes into a position. It belongs to the state that "
            "comes out: h[0] is the start, and the first position makes h[1].",
        ),
        Mistake(
            "1 − h instead of 1 − h²",
            lambda W, h, dh: _deltas(W, h, dh, derivative=lambda h, n: 1 - h[n + 1]),
            "You multiply by 1 − h. For a negative state that is more than 1, and the derivative of tanh never is.",
        ),
        Mistake(
            "derivative of tanh left out",
            lambda W, h, dh: _deltas(W, h, dh, derivative=lambda h, n: 1.0),
            "You go back through W alone, as if the network were linear. Saturated units then pass on as much as all "
            "others.",
            read="A product of Jacobians",
        ),
        Mistake(
            "dh the same at every position",
            lambda W, h, dh: _deltas(W, h, dh, back=lambda W, delta, dh: dh),
            "Every position gets the dh of the last one. That would be right if the loss saw every state directly and "
            "no state saw another.",
        ),
        Mistake(
            "not multiplied by W",
            lambda W, h, dh: _deltas(W, h, dh, back=lambda W, delta, dh: delta),
            "From one position to the one before you pass δ on as it is. Between the two lies the matrix.",
        ),
        Mistake(
            "last position first",
            lambda W, h, dh: _deltas(W, h, dh)[::-1],
            "All δ are right, but in the order in which they were computed. The row of the first position comes first.",
        ),
    ),
    hints=(
        "Go from the last position to the first. What you carry is ∂ℓ/∂h of the position you are at, dh at the start.",
        "At position n, counted from 0: delta[n] is 1 − h[n + 1]² times what you carry; then carry Wᵀ delta[n].",
    ),
    read="Back-propagation through time",
)


def _clipped(g: Any, c: Any, norm: float) -> Any:
    return g * (c / norm) if norm > c else g * 1.0


def _by_rows(g: Any, c: Any) -> Any:
    g = np.asarray(g, dtype=float)
    return np.stack([_by_rows(row, c) for row in g]) if g.ndim > 1 else _clipped(g, c, float(np.linalg.norm(g)))


def _always(g: Any, c: Any) -> Any:
    norm = np.linalg.norm(g)
    return g * (c / norm) if norm else g * 1.0


CLIP = Exercise(
    name="clip-norm",
    chapter="08_recurrent",
    task="Return the gradient g, an array of any shape, clipped by its norm over all elements at the threshold c.",
    takes="g c",
    returns="clipped",
    reference=lambda g, c: _clipped(g, c, float(np.linalg.norm(g))),
    cases=(
        Case({"g": np.array([3.0, -4.0, 12.0, 0.5]), "c": 2.0}),
        Case({"g": np.array([[3.0, 0.2, -4.0], [0.1, 1.0, -0.3]]), "c": 2.5}),
        Case({"g": np.array([0.3, -0.4]), "c": 2.0}),
        Case({"g": np.zeros(3), "c": 0.5}),
        Case({"g": np.array([0.6, -0.7, 0.8]), "c": 1.0}),
    ),
    mistakes=(
        Mistake(
            "clipped by value",
            lambda g, c: np.clip(g, -c, c),
            "You limit every element by itself: that is clipping by value, which turns the gradient.",
        ),
        Mistake(
            "always scaled to the norm c",
            _always,
            "You scale every gradient to the norm c, the short ones as well. A gradient that is below the threshold "
            "stays as it is; yours never become small, not even at a minimum.",
        ),
        Mistake(
            "root of the norm forgotten",
            lambda g, c: _clipped(g, c, float(np.sum(np.square(g)))),
            "You compare the threshold with the sum of squares. Its root is the norm.",
        ),
        Mistake(
            "sum of the absolute values",
            lambda g, c: _clipped(g, c, float(np.sum(np.abs(g)))),
            "Your norm is the sum of the absolute values, which is larger than the Euclidean norm: you clip too often "
            "and too much.",
        ),
        Mistake(
            "largest element",
            lambda g, c: _clipped(g, c, float(np.max(np.abs(g)))),
            "Your norm is the largest element. The direction is kept, but many moderate elements together may be far "
            "longer than c.",
        ),
        Mistake(
            "root mean square",
            lambda g, c: _clipped(g, c, float(np.sqrt(np.mean(np.square(g))))),
            "You divide by the number of elements before taking the root. The threshold then means something else in "
            "every network.",
        ),
        Mistake(
            "each row by itself",
            _by_rows,
            "You clip each row of a matrix by its own norm. The rows are then scaled by different factors, and the "
            "direction of the whole is lost.",
        ),
        Mistake(
            "c forgotten in the factor",
            lambda g, c: _clipped(g, c, float(np.linalg.norm(g))) / (c if np.linalg.norm(g) > c else 1.0),
            "What you clip ends up with the norm 1, whatever the threshold is.",
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


def _burst(C: float, decay: float) -> float:
    return float(1 / np.sqrt(1 + C * decay))


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
    mistakes=(
        Mistake(
            "K not squared",
            lambda K, rho, j: _burst((1 - rho) * (K - 1), rho**j),
            "You put K itself into the average. The average is of squares.",
        ),
        Mistake(
            "K² instead of K² − 1",
            lambda K, rho, j: _burst((1 - rho) * K**2, rho**j),
            "You add the burst to an average that is already 1. But the burst takes the place of an ordinary gradient: "
            "with K = 1 nothing should happen at all.",
        ),
        Mistake(
            "one decay too many",
            lambda K, rho, j: _burst((1 - rho) * (K**2 - 1), rho ** (j + 1)),
            "Your excess has been decayed once too often. When the burst comes in, it has not been decayed yet.",
        ),
        Mistake(
            "one decay too few",
            lambda K, rho, j: _burst((1 - rho) * (K**2 - 1), rho ** (j - 1)),
            "Your excess has been decayed one time too few. At the first step after the burst there has been one "
            "decay.",
        ),
        Mistake(
            "factor 1 − ρ missing",
            lambda K, rho, j: _burst(K**2 - 1, rho**j),
            "The burst enters your average with its full weight. Only a part of each new square does.",
            read="Clipping",
        ),
        Mistake(
            "root forgotten",
            lambda K, rho, j: _burst((1 - rho) * (K**2 - 1), rho**j) ** 2,
            "You divide by the average v, not by its root.",
        ),
        Mistake(
            "ρ and 1 − ρ swapped",
            lambda K, rho, j: _burst(rho * (K**2 - 1), (1 - rho) ** j),
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
    mistakes=(
        Mistake(
            "from the wrong end",
            lambda f: np.concatenate([np.ones((1, f.shape[1])), np.cumprod(f, axis=0)]),
            "Row τ holds the gates up to τ: that is how much of c_0 is left at τ. The question is how much of c_τ "
            "reaches N.",
        ),
        Mistake(
            "own gate included",
            lambda f: np.concatenate([_paths(f)[:1], _paths(f)[:-1]]),
            "At τ ≥ 1 your product also has the gate of τ itself. It is on the way into c_τ, not on the way out.",
        ),
        Mistake(
            "last position first",
            lambda f: _paths(f)[::-1],
            "The products are right, ordered by the lag. The row of τ = 0, the longest path, comes first.",
        ),
        Mistake(
            "units multiplied together",
            lambda f: np.repeat(np.prod(_paths(f), axis=1, keepdims=True), f.shape[1], axis=1),
            "You multiply over the units as well. Along the direct path each unit has its own gate and sees no other.",
        ),
        Mistake(
            "the last gate to a power",
            lambda f: np.stack([np.asarray(f[-1]) ** (len(f) - k) for k in range(len(f) + 1)]),
            "You take the gate of the last position for all of them. The gates differ from position to position.",
        ),
    ),
    hints=(
        "What is the derivative for τ = N? And for τ = N − 1? Go on from there.",
        "The row of N is 1, and the row of τ is the row of τ + 1 times the gate of τ + 1, element by element. "
        "np.cumprod over the reversed rows does all at once.",
    ),
    read="The cell of an LSTM",
)

EXERCISES = (DELTAS, PATHS, BURST, CLIP)
