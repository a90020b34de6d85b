"""The exercises of chapter 15, the edge of stability."""

from typing import Any

import numpy as np

from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake


def _limit(eta: Any, beta1: Any) -> Any:
    """The edge of Adam with a settled v."""
    return 2 * (1 + beta1) / ((1 - beta1) * eta)


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
    mistakes=(
        Mistake(
            "without momentum",
            lambda eta, beta1: 2 / eta + 0 * beta1,
            "Your limit does not depend on beta1: it is that of gradient descent and of RMSprop. Averaging the "
            "gradients weakens a step whose gradients alternate in sign.",
        ),
        Mistake(
            "the heavy ball's",
            lambda eta, beta1: 2 * (1 + beta1) / eta,
            "That is the limit of a heavy ball, whose buffer adds the gradients. Adam's average gives the newest one "
            "the weight 1 − beta1, which shortens every step.",
        ),
        Mistake(
            "upside down",
            lambda eta, beta1: 2 * (1 - beta1) / ((1 + beta1) * eta),
            "Your limit falls as beta1 grows. An average over more steps cancels more of an oscillation, so that more "
            "curvature is needed to keep it up.",
        ),
        Mistake(
            "1 for 2",
            lambda eta, beta1: _limit(eta, beta1) / 2,
            "Your limit is half of the right one. At curvature 1/η a step of gradient descent leads exactly to the "
            "minimum; it takes twice as much to be thrown as far to the other side.",
        ),
        Mistake(
            "weight of the newest gradient alone",
            lambda eta, beta1: 2 / ((1 - beta1) * eta),
            "You have counted the weight of the newest gradient and left out the older ones, which still pull the "
            "other way.",
        ),
        Mistake(
            "times the rate",
            lambda eta, beta1: _limit(eta, beta1) * eta**2,
            "Your limit grows with the rate. A longer step is unstable at a smaller curvature.",
        ),
    ),
    hints=(
        "Adam's average m is (1 − beta1) times the buffer of a heavy ball with γ = beta1. Which rate has that ball?",
        "The heavy ball is stable below 2(1 + γ) over its rate, and its rate is (1 − beta1) times eta.",
    ),
    read="The edge of each optimizer",
)


def _scaled(H: Any, p: Any) -> Any:
    """The eigenvalues, rising, of the symmetric matrix with the same spectrum as H over the diagonal p."""
    return np.linalg.eigvalsh(H / np.sqrt(p[:, None] * p[None, :]))


PRECONDITIONED = Exercise(
    name="edge-preconditioned",
    chapter="15_edge_of_stability",
    task="From the Hessian H and RMSprop's average of squares v, with eps = 0: the preconditioned sharpness.",
    takes="H v",
    returns="sharpness",
    reference=lambda H, v: _scaled(H, np.sqrt(v))[-1],
    cases=(
        Case({"H": np.array([[9.0, 2.0], [2.0, 4.0]]), "v": np.array([16.0, 0.25])}),
        Case(
            {
                "H": np.array([[5.0, 1.0, 0.5], [1.0, 7.0, -2.0], [0.5, -2.0, 3.0]]),
                "v": np.array([9.0, 4.0, 0.04]),
            }
        ),
    ),
    mistakes=(
        Mistake(
            "root forgotten",
            lambda H, v: _scaled(H, v)[-1],
            "You divide by v, not by its root. RMSprop divides the gradient by the root, so that the root is its "
            "preconditioner. (The root on both sides of H does the same: one on each side makes v.)",
        ),
        Mistake(
            "not preconditioned",
            lambda H, v: np.linalg.eigvalsh(H)[-1] + 0 * v[0],
            "That is the sharpness of the loss itself; v does not enter. It decides about gradient descent only.",
        ),
        Mistake(
            "multiplied",
            lambda H, v: _scaled(H, 1 / np.sqrt(v))[-1],
            "You multiply by the root of v where RMSprop divides.",
        ),
        Mistake(
            "trace",
            lambda H, v: _scaled(H, np.sqrt(v)).sum(),
            "You return the sum of all eigenvalues. The direction that becomes unstable first belongs to the largest.",
        ),
        Mistake(
            "smallest",
            lambda H, v: _scaled(H, np.sqrt(v))[0],
            "You return the smallest eigenvalue.",
        ),
        Mistake(
            "diagonal only",
            lambda H, v: np.max(np.diag(H) / np.sqrt(v)),
            "You looked at the coordinates one by one. Off the diagonal H couples them, and a direction between the "
            "axes can be steeper than each of them.",
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
