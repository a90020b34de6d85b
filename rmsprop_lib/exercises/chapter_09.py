"""The exercises of chapter 9, moving targets."""

from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake, Slot


def _error(eta: Any, lam: Any, sigma: Any, s: Any) -> Any:
    """Lag and variance of gradient descent under linear drift."""
    a = eta * lam
    return s / a, eta**2 * sigma**2 / (a * (2 - a))


_ERROR = (
    Slot(
        "lag",
        lambda eta, lam, sigma, s: s / (eta * lam),
        (
            Mistake(
                "curvature missing in the lag",
                lambda eta, lam, sigma, s: s / eta + 0 * lam,
                "Your lag does not depend on the curvature. On a flatter function the gradient at the same distance is "
                "smaller, and so is the step that has to keep up with the target.",
            ),
            Mistake(
                "rate missing in the lag",
                lambda eta, lam, sigma, s: s / lam + 0 * eta,
                "Your lag does not depend on the rate. With a smaller rate the parameter is further behind.",
            ),
            Mistake(
                "lag squared",
                lambda eta, lam, sigma, s: (s / (eta * lam)) ** 2,
                "What you return as the lag is its square, which the mean square error contains. The lag is a "
                "distance.",
            ),
            Mistake(
                "with the sign of the error",
                lambda eta, lam, sigma, s: -s / (eta * lam),
                "Your lag is negative: that is the mean of the error. The exercise asks how far the parameter is "
                "behind.",
            ),
            Mistake(
                "lag upside down",
                lambda eta, lam, sigma, s: eta * lam / s,
                "Your lag is upside down: a faster target would be followed more closely.",
            ),
            Mistake(
                "lag multiplied, not divided",
                lambda eta, lam, sigma, s: s * eta * lam,
                "Your lag grows with the rate. That is the step of a parameter that is behind by s.",
            ),
            Mistake(
                "rate times speed over curvature",
                lambda eta, lam, sigma, s: eta * s / lam,
                "Your lag grows with the rate. With a larger rate the parameter keeps up better.",
            ),
            Mistake(
                "curvature times speed over rate",
                lambda eta, lam, sigma, s: lam * s / eta,
                "Your lag grows with the curvature. On a steeper function the pull back is stronger.",
            ),
            Mistake(
                "lag after the step",
                lambda eta, lam, sigma, s: s / (eta * lam) - s,
                "Your lag is what is left behind right after a step. The target has moved on by s before the next "
                "gradient is taken.",
            ),
        ),
    ),
    Slot(
        "noise",
        lambda eta, sigma, s: eta**2 * sigma**2,
        (
            Mistake(
                "noise not squared",
                lambda eta, sigma, s: eta**2 * sigma,
                "You use the standard deviation of the noise where its variance belongs.",
            ),
            Mistake(
                "rate squared forgotten",
                lambda eta, sigma, s: eta * sigma**2,
                "The noise of a gradient is multiplied by the rate when the step is made, and its variance by the "
                "square of the rate. Yours has the rate itself.",
            ),
            Mistake(
                "noise of the gradient, not of the step",
                lambda eta, sigma, s: sigma**2 + 0 * eta,
                "You let the noise of the gradient in whole. It is multiplied by the rate when the step is made, and "
                "its variance by the square of the rate.",
            ),
            Mistake(
                "a random walk's variance",
                lambda eta, sigma, s: eta**2 * sigma**2 + s**2,
                "Your variance contains the movement of the target, as on a random walk. A steady drift is the same in "
                "every run: it makes a lag, and no variance.",
            ),
            Mistake(
                "movement instead of noise",
                lambda eta, sigma, s: s**2 + 0 * eta,
                "Your variance comes from the movement of the target. A steady drift is the same in every run: it "
                "makes a lag, and no variance.",
            ),
        ),
    ),
    Slot(
        "forgotten",
        lambda a: a * (2 - a),
        (
            Mistake(
                "small rates only",
                lambda a: 2 * a,
                "Your variance is the limit for small rates. The formula should hold up to the limit of stability, "
                "where the variance grows beyond all bounds.",
            ),
            Mistake(
                "variance of one step",
                lambda a: 1.0 + 0 * a,
                "Your variance is what the noise of one step adds. The noise of earlier steps is still there, "
                "multiplied by 1 − ηλ at each step since.",
            ),
            Mistake(
                "1 for 2 in the variance",
                lambda a: a * (1 - a),
                "Your variance has 1 − ηλ where 2 − ηλ belongs, and grows beyond all bounds at half of the limit of "
                "stability.",
            ),
            Mistake(
                "1 − ηλ not squared",
                lambda a: a,
                "You multiply the variance by 1 − ηλ at each step. The error is multiplied by that, and its variance "
                "by the square.",
            ),
            Mistake(
                "sign in 2 − ηλ",
                lambda a: a * (2 + a),
                "Your variance has 2 + ηλ where 2 − ηλ belongs. At the limit of stability the variance has to grow "
                "beyond all bounds.",
            ),
            Mistake(
                "first factor missing",
                lambda a: 2 - a,
                "You divide by 2 − ηλ alone. A smaller rate forgets more slowly, so that the noise of more steps is "
                "there.",
            ),
            Mistake(
                "what is kept, not what is forgotten",
                lambda a: (1 - a) ** 2,
                "You divide by (1 − ηλ)², the part of the variance that is kept at a step. In the steady state what is "
                "added is what is forgotten.",
            ),
            Mistake(
                "ηλ squared",
                lambda a: a * a,
                "You divide by the square of ηλ. What is forgotten at each step is 1 − (1 − ηλ)².",
            ),
        ),
    ),
    Slot(
        "variance",
        lambda noise, forgotten, lag, lam: noise / forgotten,
        (
            Mistake(
                "mean square instead of variance",
                lambda noise, forgotten, lag, lam: noise / forgotten + lag**2,
                "Your variance contains the square of the lag: it is the mean square error. The variance is taken "
                "about the mean.",
            ),
            Mistake(
                "standard deviation",
                lambda noise, forgotten, lag, lam: np.sqrt(noise / forgotten),
                "You return the standard deviation. The variance is its square.",
            ),
            Mistake(
                "curvature missing in the variance",
                lambda noise, forgotten, lag, lam: lam * noise / forgotten,
                "Your variance is too large by the factor λ. The pull back to the minimum, which keeps the noise from "
                "adding up, is stronger where the curvature is larger.",
            ),
            Mistake(
                "curvature twice in the variance",
                lambda noise, forgotten, lag, lam: noise / forgotten / lam,
                "Your variance is too small by the factor λ.",
            ),
            Mistake(
                "variance upside down",
                lambda noise, forgotten, lag, lam: forgotten / noise,
                "Your variance is upside down: more noise makes it smaller.",
            ),
            Mistake(
                "variance multiplied, not divided",
                lambda noise, forgotten, lag, lam: noise * forgotten,
                "You multiply by what should divide: the faster noise is forgotten, the larger your variance is.",
            ),
        ),
    ),
)


def _tracking(lag: Any, noise: Any, forgotten: Any, variance: Any) -> Any:
    def error(eta: Any, lam: Any, sigma: Any, s: Any) -> Any:
        behind = s / (eta * lam)
        return lag(eta, lam, sigma, s), variance(noise(eta, sigma, s), forgotten(eta * lam), behind, lam)

    return error


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
    slots=_ERROR,
    built=_tracking,
    mistakes=(),
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


_RATE = (
    Slot(
        "quotient",
        lambda lam, sigma, s: lam * s / sigma,
        (
            Mistake(
                "curvature missing in q",
                lambda lam, sigma, s: s / sigma,
                "You compare the target's step with the noise directly. The noise is in the gradient, and a step of "
                "the target changes the gradient by λ times as much.",
            ),
            Mistake(
                "q turned over",
                lambda lam, sigma, s: sigma / (lam * s),
                "Your q is upside down, noise over movement: more noise makes your rate larger.",
            ),
            Mistake(
                "q turned over and without curvature",
                lambda lam, sigma, s: sigma / s,
                "Your q is noise over movement, and has no curvature in it: it is upside down, and compares a step of "
                "the target with a gradient.",
            ),
            Mistake(
                "curvature divides in q",
                lambda lam, sigma, s: s / (lam * sigma),
                "You divide the target's step by the curvature. A step of the target changes the gradient by λ times "
                "as much.",
            ),
            Mistake(
                "q squared",
                lambda lam, sigma, s: (lam * s / sigma) ** 2,
                "You compare variances: your q is the square of the quotient of step and noise.",
            ),
            Mistake(
                "noise not in q",
                lambda lam, sigma, s: lam * s + 0 * sigma,
                "The noise does not enter your q.",
            ),
        ),
    ),
    Slot(
        "under",
        lambda q: rules.sqrt(q**2 + 4),
        (
            Mistake(
                "1 for 4 under the root",
                lambda q: rules.sqrt(q**2 + 1),
                "You have q² + 1 under the root. The quadratic equation's discriminant has a factor 4.",
            ),
            Mistake(
                "minus under the root",
                lambda q: rules.sqrt(abs(q**2 - 4)),
                "You subtract 4 under the root. The last term of the quadratic equation is negative, so that it is "
                "added.",
            ),
            Mistake(
                "2 for 4 under the root",
                lambda q: rules.sqrt(q**2 + 2),
                "You have q² + 2 under the root. The quadratic equation's discriminant has a factor 4.",
            ),
            Mistake(
                "root forgotten",
                lambda q: q**2 + 4,
                "The root in the solution of the quadratic equation is missing.",
            ),
            Mistake(
                "4 outside the root",
                lambda q: q + 4,
                "You add 4 after taking the root. It stands under the root, beside q².",
            ),
            Mistake(
                "q not squared under the root",
                lambda q: rules.sqrt(q + 4),
                "You have q itself under the root, where its square belongs.",
            ),
        ),
    ),
    Slot(
        "solved",
        lambda q, root: q / 2 * (root - q),
        (
            Mistake(
                "half forgotten",
                lambda q, root: q * (root - q),
                "Your rate is twice the right one: the 2 in the denominator of the solution is missing.",
            ),
            Mistake(
                "divided by 4",
                lambda q, root: q / 4 * (root - q),
                "Your rate is half of the right one: the solution of a quadratic equation is divided by 2.",
            ),
            Mistake(
                "sign in front of the root",
                lambda q, root: q / 2 * (root + q),
                "You add q to the root. In a² + q² a − q² = 0 the coefficient of a is positive, and so is subtracted.",
            ),
            Mistake(
                "the other root",
                lambda q, root: -q / 2 * (root + q),
                "You took the other root of the quadratic equation. It is negative, and with a negative rate the run "
                "climbs.",
            ),
            Mistake(
                "q left out in front",
                lambda q, root: (root - q) / 2,
                "The factor q in front of the bracket is missing. For a target that stands still your rate is large, "
                "and the best one is small.",
            ),
            Mistake(
                "negative root",
                lambda q, root: q / 2 * (q - root),
                "Your rate is negative: in the bracket the two are exchanged, and the run climbs.",
            ),
            Mistake(
                "q² in front",
                lambda q, root: q * q / 2 * (root - q),
                "You have the square of q in front of the bracket.",
            ),
            Mistake(
                "q not subtracted",
                lambda q, root: q / 2 * root,
                "In the solution of the quadratic equation the part without a root is missing.",
            ),
        ),
    ),
    Slot(
        "returned",
        lambda a, lam: a / lam,
        (
            Mistake(
                "ηλ instead of η",
                lambda a, lam: a + 0 * lam,
                "What you return is the product of the rate and the curvature.",
            ),
            Mistake(
                "multiplied by the curvature",
                lambda a, lam: a * lam,
                "You multiply by the curvature. The product ηλ is divided by λ to get η.",
            ),
            Mistake(
                "divided by the curvature twice",
                lambda a, lam: a / lam**2,
                "You divide by the curvature twice.",
            ),
        ),
    ),
)


def _tuned(quotient: Any, under: Any, solved: Any, returned: Any) -> Any:
    def rate(lam: Any, sigma: Any, s: Any) -> Any:
        q = quotient(lam, sigma, s)
        return returned(solved(q, under(q)), lam)

    return rate


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
    slots=_RATE,
    built=_tuned,
    mistakes=(
        Mistake(
            "for small rates only",
            lambda lam, sigma, s: s / sigma + 0 * lam,
            "That is the rate to which the best one tends when the target is slow compared with the noise. For a fast "
            "one it is far too large: beyond 2/λ it would even diverge.",
        ),
        Mistake(
            "the rate for a linear drift",
            lambda lam, sigma, s: (2 * lam * s / sigma) ** (2 / 3) / lam,
            "That is the rate for a target that moves in one direction, and for small rates only.",
        ),
    ),
    hints=(
        "What matters is one number: what a step of the target does to the gradient, over the noise of the gradient.",
        "With q = lam s / sigma the product a = eta lam is the positive root of a² + q² a − q² = 0. Solve, and divide "
        "by lam.",
    ),
    read="The best rate",
)


def _count(K: float, rho: float) -> float:
    """How many steps v needs from K² down to 4 when the new squares are 1."""
    v, n = float(K) ** 2, 0
    while v > 4 and n < 100_000:
        v, n = rules.ema(v, 1.0, rho), n + 1
    return float(n)


def _calculated(K: float, rho: float) -> float:
    return float(np.ceil(np.log(3 / (K**2 - 1)) / np.log(rho)))


_STEPS = (
    Slot(
        "rho",
        lambda rho: rho,
        (
            Mistake(
                "ρ and 1 − ρ swapped",
                lambda rho: 1 - rho,
                "You have ρ where 1 − ρ belongs: your average forgets most of what it holds at every step.",
            ),
            Mistake(
                "root of ρ",
                np.sqrt,
                "You decay with the root of ρ. In v each step multiplies by ρ.",
            ),
            Mistake(
                "ρ squared",
                np.square,
                "You decay with ρ². In v, which is an average of squares already, each step multiplies by ρ.",
            ),
        ),
    ),
    Slot(
        "start",
        lambda K: K**2,
        (
            Mistake(
                "begins at K",
                lambda K: K,
                "Your v begins at K. It is an average of squares: before the fall it is K².",
            ),
            Mistake(
                "begins one too high",
                lambda K: K**2 + 1,
                "Your v begins at K² + 1. Before the fall all squares are K².",
            ),
        ),
    ),
    Slot(
        "level",
        4.0,
        (
            Mistake(
                "v where its root belongs",
                2.0,
                "You wait until v itself is at most 2. Its root is what the gradient is divided by.",
            ),
            Mistake(
                "root of the level",
                np.sqrt(2.0),
                "You wait until v is at most the root of 2. Where the root of v is 2, v is the square of 2.",
            ),
            Mistake(
                "excess of 4",
                5.0,
                "You wait until v is 4 above the new squares. It has to be 4 in all.",
            ),
        ),
    ),
    Slot(
        "new",
        1.0,
        (
            Mistake(
                "new gradients left out",
                0.0,
                "You only let the old v decay. It does not go to zero: the new gradients have a square as well.",
            ),
        ),
    ),
    Slot(
        "whole",
        np.ceil,
        (
            Mistake(
                "rounded down",
                np.floor,
                "You are one step early: after that many steps the root of v is still above 2.",
            ),
            Mistake(
                "one step too many",
                lambda x: np.ceil(x) + 1,
                "You count one step too many. Do you call the first gradient of the new size number 0?",
            ),
            Mistake(
                "two steps too few",
                lambda x: np.ceil(x) - 2,
                "You count two steps too few.",
            ),
            Mistake(
                "not a whole number",
                lambda x: x,
                "It has to be a whole number of steps: the first one after which the condition holds.",
            ),
            Mistake(
                "rounded to the nearest",
                np.rint,
                "You round to the nearest number. Where that is downwards, the root of v is still above 2.",
            ),
        ),
    ),
)


def _counting(rho: Any, start: Any, level: Any, new: Any, whole: Any) -> Any:
    def count(K: float, decay: float) -> float:
        r = rho(decay)
        if start(K) <= level:
            return float(whole(0.0))
        return float(whole(np.log((level - new) / (start(K) - new)) / np.log(r)))

    return count


STEPS = Exercise(
    name="adaptation-steps",
    chapter="09_moving_targets",
    task="After a fall of the gradients' size from K to 1: the first number of steps after which the root of v is ≤ 2.",
    takes="K rho",
    returns="n",
    reference=_count,
    solution=_calculated,
    cases=(
        Case({"K": 3.0, "rho": 0.9}),
        Case({"K": 10.0, "rho": 0.99}),
        Case({"K": 100.0, "rho": 0.8}),
        Case({"K": 30.0, "rho": 0.6}),
    ),
    slots=_STEPS,
    built=_counting,
    mistakes=(
        Mistake(
            "sizes not squared",
            lambda K, rho: np.ceil(np.log(1 / (K - 1)) / np.log(rho)),
            "You average the sizes of the gradients, from K down to 1, and not their squares. A factor of ten in the "
            "gradient is a factor of a hundred in v, and that takes longer to forget.",
        ),
        Mistake(
            "one window",
            lambda K, rho: np.ceil(np.round(1 / (1 - rho), 9)) + 0 * K,
            "You return the length of the window, which does not depend on K. A larger fall takes longer.",
        ),
    ),
    hints=(
        "Write v after n of the small gradients, as a formula in n, or let a loop count.",
        "v is 1 plus (K² − 1) times the n-th power of rho. It has to be at most 4; take logarithms and round up.",
    ),
    read="How long the average should be",
)

EXERCISES = (ERROR, RATE, STEPS)
