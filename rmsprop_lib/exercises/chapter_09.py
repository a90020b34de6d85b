"""The exercises of chapter 9, moving targets."""

from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake


def _error(eta: Any, lam: Any, sigma: Any, s: Any) -> Any:
    """Lag and variance of gradient descent under linear drift."""
    a = eta * lam
    return s / a, eta**2 * sigma**2 / (a * (2 - a))


ERROR = Exercise(
    name="tracking-error",
    chapter="09_moving_targets",
    task="From the rate eta, the curvature lam, the noise sigma, the speed s: the lag and the variance of the error.",
    takes="eta lam sigma s",
    returns="lag variance",
    reference=_error,
    cases=(
        Case({"eta": 0.2, "lam": 3.0, "sigma": 1.5, "s": 0.25}),
        Case(
            {"eta": np.array([0.01, 0.1, 0.5]), "lam": np.full(3, 2.5), "sigma": np.full(3, 4.0), "s": np.full(3, 0.6)}
        ),
    ),
    mistakes=(
        Mistake(
            "curvature missing in the lag",
            lambda eta, lam, sigma, s: (s / eta, _error(eta, lam, sigma, s)[1]),
            "Your lag does not depend on the curvature. On a flatter function the gradient at the same distance is "
            "smaller, and so is the step that has to keep up with the target.",
        ),
        Mistake(
            "lag squared",
            lambda eta, lam, sigma, s: (_error(eta, lam, sigma, s)[0] ** 2, _error(eta, lam, sigma, s)[1]),
            "What you return as the lag is its square, which the mean square error contains. The lag is a distance.",
        ),
        Mistake(
            "with the sign of the error",
            lambda eta, lam, sigma, s: (-_error(eta, lam, sigma, s)[0], _error(eta, lam, sigma, s)[1]),
            "Your lag is negative: that is the mean of the error. The exercise asks how far the parameter is behind.",
        ),
        Mistake(
            "small rates only",
            lambda eta, lam, sigma, s: (_error(eta, lam, sigma, s)[0], eta * sigma**2 / (2 * lam)),
            "Your variance is the limit for small rates. The formula should hold up to the limit of stability, where "
            "the variance grows beyond all bounds.",
        ),
        Mistake(
            "noise not squared",
            lambda eta, lam, sigma, s: (_error(eta, lam, sigma, s)[0], _error(eta, lam, sigma**0.5, s)[1]),
            "You use the standard deviation of the noise where its variance belongs.",
        ),
        Mistake(
            "a random walk's variance",
            lambda eta, lam, sigma, s: (
                _error(eta, lam, sigma, s)[0],
                (eta**2 * sigma**2 + s**2) / (eta * lam * (2 - eta * lam)),
            ),
            "Your variance contains the movement of the target, as on a random walk. A steady drift is the same in "
            "every run: it makes a lag, and no variance.",
        ),
        Mistake(
            "mean square instead of variance",
            lambda eta, lam, sigma, s: (
                _error(eta, lam, sigma, s)[0],
                _error(eta, lam, sigma, s)[1] + _error(eta, lam, sigma, s)[0] ** 2,
            ),
            "Your variance contains the square of the lag: it is the mean square error. The variance is taken about "
            "the mean.",
        ),
        Mistake(
            "curvature missing in the variance",
            lambda eta, lam, sigma, s: (_error(eta, lam, sigma, s)[0], lam * _error(eta, lam, sigma, s)[1]),
            "Your variance is too large by the factor λ. The pull back to the minimum, which keeps the noise from "
            "adding up, is stronger where the curvature is larger.",
        ),
        Mistake(
            "variance of one step",
            lambda eta, lam, sigma, s: (_error(eta, lam, sigma, s)[0], eta**2 * sigma**2 + 0 * lam),
            "Your variance is what the noise of one step adds. The noise of earlier steps is still there, multiplied "
            "by 1 − ηλ at each step since.",
        ),
    ),
    hints=(
        "In the steady state the mean does not change any more, and neither does the variance: write both conditions.",
        "The mean: one step, eta times lam times the lag, equals s. The variance V is (1 − eta lam)² V plus "
        "eta² sigma²; solve for V.",
    ),
    read="Gradient descent: lag against noise",
)


def _rate(lam: Any, sigma: Any, s: Any) -> Any:
    """The rate at which gradient descent is the steady Kalman filter of a random walk."""
    q = lam * s / sigma
    return q / 2 * (rules.sqrt(q**2 + 4) - q) / lam


RATE = Exercise(
    name="tracking-rate",
    chapter="09_moving_targets",
    task="From the curvature lam, the noise sigma and the random walk's s: the best rate of gradient descent.",
    takes="lam sigma s",
    returns="eta",
    reference=_rate,
    cases=(
        Case({"lam": 2.0, "sigma": 3.0, "s": 0.75}),
        Case({"lam": np.array([0.5, 4.0, 10.0]), "sigma": np.full(3, 1.5), "s": np.array([0.2, 0.6, 2.0])}),
    ),
    mistakes=(
        Mistake(
            "ηλ instead of η",
            lambda lam, sigma, s: lam * _rate(lam, sigma, s),
            "What you return is the product of the rate and the curvature.",
        ),
        Mistake(
            "for small rates only",
            lambda lam, sigma, s: s / sigma + 0 * lam,
            "That is the rate to which the best one tends when the target is slow compared with the noise. For a fast "
            "one it is far too large: beyond 2/λ it would even diverge.",
        ),
        Mistake(
            "curvature missing in q",
            lambda lam, sigma, s: lam**-1.0 * _rate(1.0, sigma, s),
            "You compare the target's step with the noise directly. The noise is in the gradient, and a step of "
            "the target changes the gradient by λ times as much.",
        ),
        Mistake(
            "q turned over",
            lambda lam, sigma, s: _rate(lam, lam * s, sigma / lam),
            "Your q is upside down, noise over movement: more noise makes your rate larger.",
        ),
        Mistake(
            "the rate for a linear drift",
            lambda lam, sigma, s: (2 * lam * s / sigma) ** (2 / 3) / lam,
            "That is the rate for a target that moves in one direction, and for small rates only.",
        ),
        Mistake(
            "the other root",
            lambda lam, sigma, s: (
                -(lam * s / sigma) / 2 * (rules.sqrt((lam * s / sigma) ** 2 + 4) + lam * s / sigma) / lam
            ),
            "You took the other root of the quadratic equation. It is negative, and with a negative rate the run "
            "climbs.",
        ),
    ),
    hints=(
        "What matters is one number: what a step of the target does to the gradient, over the noise of the gradient.",
        "With q = lam s / sigma the product a = eta lam is the positive root of a² + q² a − q² = 0. Solve, and divide "
        "by lam.",
    ),
    read="The best rate",
)


def _count(K: float, rho: float, level: float = 4.0, new: float = 1.0, power: int = 2) -> float:
    """How many steps v needs from K² down to ``level`` when the new squares are ``new``."""
    v, n = float(K) ** power, 0
    while v > level and n < 100_000:
        v, n = rules.ema(v, new, rho), n + 1
    return float(n)


STEPS = Exercise(
    name="adaptation-steps",
    chapter="09_moving_targets",
    task="After a fall of the gradients' size from K to 1: the first number of steps after which the root of v is ≤ 2.",
    takes="K rho",
    returns="n",
    reference=lambda K, rho: _count(K, rho),
    cases=(
        Case({"K": 3.0, "rho": 0.9}),
        Case({"K": 10.0, "rho": 0.99}),
        Case({"K": 100.0, "rho": 0.8}),
    ),
    mistakes=(
        Mistake(
            "v where its root belongs",
            lambda K, rho: _count(K, rho, level=2.0),
            "You wait until v itself is at most 2. Its root is what the gradient is divided by.",
        ),
        Mistake(
            "sizes not squared",
            lambda K, rho: _count(K, rho, level=2.0, power=1),
            "You average the sizes of the gradients, from K down to 1, and not their squares. A factor of ten in the "
            "gradient is a factor of a hundred in v, and that takes longer to forget.",
        ),
        Mistake(
            "new gradients left out",
            lambda K, rho: _count(K, rho, new=0.0),
            "You only let the old v decay. It does not go to zero: the new gradients have a square as well.",
        ),
        Mistake(
            "ρ and 1 − ρ swapped",
            lambda K, rho: _count(K, 1 - rho),
            "You have ρ where 1 − ρ belongs: your average forgets most of what it holds at every step.",
        ),
        Mistake(
            "one step too many",
            lambda K, rho: _count(K, rho) + 1,
            "You count one step too many. Do you call the first gradient of the new size number 0?",
        ),
        Mistake(
            "one step too few",
            lambda K, rho: _count(K, rho) - 1,
            "You are one step early: after that many steps the root of v is still above 2.",
        ),
        Mistake(
            "one window",
            lambda K, rho: np.ceil(np.round(1 / (1 - rho), 9)) + 0 * K,
            "You return the length of the window, which does not depend on K. A larger fall takes longer.",
        ),
        Mistake(
            "not a whole number",
            lambda K, rho: np.log((K**2 - 1) / 3) / np.log(1 / rho),
            "The time is right, but it has to be a whole number of steps: the first one after which the condition "
            "holds.",
        ),
    ),
    hints=(
        "Write v after n of the small gradients, as a formula in n, or let a loop count.",
        "v is 1 plus (K² − 1) times the n-th power of rho. It has to be at most 4; take logarithms and round up.",
    ),
    read="How long the average should be",
)

EXERCISES = (ERROR, RATE, STEPS)
