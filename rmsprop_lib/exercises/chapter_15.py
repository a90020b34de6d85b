"""The exercises of chapter 15, the edge of stability."""

from typing import Any

import numpy as np

from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake, Slot


def _limit(eta: Any, beta1: Any) -> Any:
    """The edge of Adam with a settled v."""
    return 2 * (1 + beta1) / ((1 - beta1) * eta)


_LIMIT = (
    Slot(
        "number",
        2.0,
        (
            Mistake(
                "1 for 2",
                1.0,
                "Your limit has a 1 where a 2 belongs. At curvature 1/η a step of gradient descent leads exactly to "
                "the minimum; it takes twice as much to be thrown as far to the other side.",
            ),
            Mistake(
                "2 twice",
                4.0,
                "Your limit has a 4 where a 2 belongs: the 2 of gradient descent is in it twice.",
            ),
        ),
    ),
    Slot(
        "momentum",
        lambda b: (1 + b) / (1 - b),
        (
            Mistake(
                "without momentum",
                lambda b: 1.0 + 0 * b,
                "beta1 does not enter your limit, as in gradient descent and RMSprop. Averaging the gradients weakens "
                "a step whose gradients alternate in sign.",
            ),
            Mistake(
                "the heavy ball's",
                lambda b: 1 + b,
                "You take the factor of a heavy ball, whose buffer adds the gradients. Adam's average gives the newest "
                "one the weight 1 − beta1, which shortens every step.",
            ),
            Mistake(
                "upside down",
                lambda b: (1 - b) / (1 + b),
                "Your limit falls as beta1 grows. An average over more steps cancels more of an oscillation, so that "
                "more curvature is needed to keep it up.",
            ),
            Mistake(
                "weight of the newest gradient alone",
                lambda b: 1 / (1 - b),
                "You have counted the weight of the newest gradient and left out the older ones, which still pull the "
                "other way.",
            ),
            Mistake(
                "weight of the newest gradient multiplied",
                lambda b: (1 + b) * (1 - b),
                "You multiply by the weight of the newest gradient. It makes the steps shorter, so that they stay "
                "stable at a larger curvature.",
            ),
            Mistake(
                "weight of the newest gradient as a factor",
                lambda b: 1 - b,
                "Your only factor is the weight of the newest gradient. It makes the steps shorter, so that they stay "
                "stable at a larger curvature.",
            ),
            Mistake(
                "divided by 1 + beta1",
                lambda b: 1 / (1 + b),
                "You divide by 1 + beta1. Momentum makes a run more stable against oscillations, not less.",
            ),
            Mistake(
                "squares",
                lambda b: ((1 + b) / (1 - b)) ** 2,
                "The factor of the momentum is squared in your limit.",
            ),
            Mistake(
                "root",
                lambda b: ((1 + b) / (1 - b)) ** 0.5,
                "You take the root of the momentum's factor. In the limit it stands without one.",
            ),
            Mistake(
                "without the 1",
                lambda b: b / (1 - b),
                "You have beta1 where 1 + beta1 belongs. Without momentum your limit is zero.",
            ),
        ),
    ),
    Slot(
        "rate",
        lambda eta: 1 / eta,
        (
            Mistake(
                "times the rate",
                lambda eta: eta,
                "Your limit grows with the rate. A longer step is unstable at a smaller curvature.",
            ),
            Mistake(
                "rate forgotten",
                lambda eta: 1.0 + 0 * eta,
                "Your limit does not depend on the rate. A longer step is unstable at a smaller curvature.",
            ),
            Mistake(
                "rate squared",
                lambda eta: 1 / eta**2,
                "You divide by the square of the rate.",
            ),
            Mistake(
                "root of the rate",
                lambda eta: eta**-0.5,
                "You divide by the root of the rate.",
            ),
        ),
    ),
)


def _limiting(number: Any, momentum: Any, rate: Any) -> Any:
    return lambda eta, beta1: number * momentum(beta1) * rate(eta)


LIMIT = Exercise(
    name="edge-limit",
    chapter="15_edge_of_stability",
    task="From the rate eta and Adam's beta1: the largest stable preconditioned curvature, for a fixed v.",
    takes="eta beta1",
    returns="limit",
    reference=_limit,
    cases=(
        Case({"eta": 0.05, "beta1": 0.8}),
        Case({"eta": np.array([0.001, 0.5, 3.0]), "beta1": np.array([0.9, 0.25, 0.6])}),
    ),
    slots=_LIMIT,
    built=_limiting,
    mistakes=(),
    hints=(
        "Adam's average m is (1 − beta1) times the buffer of a heavy ball with γ = beta1. Which rate has that ball?",
        "The heavy ball is stable below 2(1 + γ) over its rate, and its rate is (1 − beta1) times eta.",
    ),
    read="The edge of each optimizer",
)


def _sharpness(H: Any, v: Any) -> Any:
    """The largest eigenvalue of the symmetric matrix that has the same ones as P⁻¹H."""
    p = np.sqrt(v)
    return np.max(np.linalg.eigvalsh(H / np.sqrt(p[:, None] * p[None, :])))


_SHARPNESS = (
    Slot(
        "preconditioner",
        np.sqrt,
        (
            Mistake(
                "root forgotten",
                lambda v: v,
                "You divide by v, not by its root. RMSprop divides the gradient by the root, so that the root is its "
                "preconditioner. (The root on both sides of H does the same: one on each side makes v.)",
            ),
            Mistake(
                "not preconditioned",
                lambda v: 1.0 + 0 * v,
                "You take the Hessian of the loss itself; v does not enter. Its sharpness decides about gradient "
                "descent only.",
            ),
            Mistake(
                "multiplied",
                lambda v: 1 / np.sqrt(v),
                "You multiply by the root of v where RMSprop divides.",
            ),
            Mistake(
                "multiplied by v",
                lambda v: 1 / v,
                "You multiply by v where RMSprop divides by its root.",
            ),
            Mistake(
                "root taken twice",
                lambda v: v**0.25,
                "You divide by the fourth root of v. Do you take the root twice, or divide by the root of P on one "
                "side of H only?",
            ),
            Mistake(
                "v squared",
                lambda v: v**2,
                "You divide by the square of v. RMSprop divides the gradient by the root.",
            ),
            Mistake(
                "one divisor for all coordinates",
                lambda v: np.sqrt(np.mean(v)) + 0 * v,
                "You divide by the root of the mean of v. Each coordinate has its own divisor.",
            ),
            Mistake(
                "one divisor, the largest",
                lambda v: np.sqrt(np.max(v)) + 0 * v,
                "You divide by the root of the largest v. Each coordinate has its own divisor.",
            ),
        ),
    ),
    Slot(
        "chosen",
        lambda M: np.linalg.eigvalsh(M)[-1],
        (
            Mistake(
                "trace",
                np.trace,
                "You return the sum of all eigenvalues. The direction that becomes unstable first belongs to the "
                "largest.",
            ),
            Mistake(
                "smallest",
                lambda M: np.linalg.eigvalsh(M)[0],
                "You return the smallest eigenvalue.",
            ),
            Mistake(
                "diagonal only",
                lambda M: np.max(np.diag(M)),
                "You looked at the coordinates one by one. Off the diagonal H couples them, and a direction between "
                "the axes can be steeper than each of them.",
            ),
            Mistake(
                "condition number",
                lambda M: np.linalg.eigvalsh(M)[-1] / np.linalg.eigvalsh(M)[0],
                "You return the ratio of the largest and the smallest eigenvalue.",
            ),
            Mistake(
                "norm of all entries",
                np.linalg.norm,
                "You return the root of the sum of the squares of all entries. The sharpness is an eigenvalue.",
            ),
            Mistake(
                "mean of the eigenvalues",
                lambda M: np.mean(np.linalg.eigvalsh(M)),
                "You return the mean of the eigenvalues. The direction that becomes unstable first belongs to the "
                "largest.",
            ),
            Mistake(
                "largest sum of a row",
                lambda M: np.max(np.sum(np.abs(M), axis=1)),
                "You return the largest sum of a row. It bounds the eigenvalues and is larger.",
            ),
            Mistake(
                "determinant",
                np.linalg.det,
                "You return the determinant, the product of all eigenvalues.",
            ),
        ),
    ),
)


def _preconditioned(preconditioner: Any, chosen: Any) -> Any:
    def sharpness(H: Any, v: Any) -> Any:
        p = preconditioner(v)
        return chosen(H / np.sqrt(p[:, None] * p[None, :]))

    return sharpness


PRECONDITIONED = Exercise(
    name="edge-preconditioned",
    chapter="15_edge_of_stability",
    task="From the Hessian H and RMSprop's average of squares v, with eps = 0: the preconditioned sharpness.",
    takes="H v",
    returns="sharpness",
    reference=_sharpness,
    cases=(
        Case({"H": np.array([[9.0, 2.0], [2.0, 4.0]]), "v": np.array([16.0, 0.25])}),
        Case(
            {
                "H": np.array([[5.0, 1.0, 0.5], [1.0, 7.0, -2.0], [0.5, -2.0, 3.0]]),
                "v": np.array([9.0, 4.0, 0.04]),
            }
        ),
    ),
    slots=_SHARPNESS,
    built=_preconditioned,
    mistakes=(
        Mistake(
            "largest singular value",
            lambda H, v: np.linalg.norm(H / np.sqrt(v)[:, None], 2),
            "You return the largest singular value of P⁻¹H. That matrix is not symmetric, so that its singular values "
            "are not its eigenvalues.",
        ),
        Mistake(
            "eigenvalue of the symmetric part",
            lambda H, v: np.linalg.eigvalsh((H / np.sqrt(v)[:, None] + H.T / np.sqrt(v)[None, :]) / 2)[-1],
            "You make P⁻¹H symmetric by averaging it with its transpose. That changes its eigenvalues.",
        ),
        Mistake(
            "eigvalsh of a matrix that is not symmetric",
            lambda H, v: np.linalg.eigvalsh(H / np.sqrt(v)[:, None])[-1],
            "You give P⁻¹H to eigvalsh. That matrix is not symmetric, and eigvalsh looks at its lower half alone.",
        ),
        Mistake(
            "columns divided, and eigvalsh of the result",
            lambda H, v: np.linalg.eigvalsh(H / np.sqrt(v))[-1],
            "You divide the columns of H and give the result to eigvalsh. That matrix is not symmetric, and eigvalsh "
            "looks at its lower half alone.",
        ),
    ),
    hints=(
        "P is the diagonal matrix of the root of v. P⁻¹H is not symmetric, but has the same eigenvalues as the "
        "symmetric matrix with one root of P on each side of H.",
        "Divide the entry H[i, j] by the root of p[i] p[j], with p the root of v, and take the largest value that "
        "numpy.linalg.eigvalsh gives.",
    ),
    read="Sharpness, and how it is measured",
)

EXERCISES = (LIMIT, PRECONDITIONED)
