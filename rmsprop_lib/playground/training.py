"""Trainings of the playground's network in Python: ``static/training.mjs`` with the library's rules."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rmsprop_lib.playground.edges import divisor, edge_of
from rmsprop_lib.playground.network import SIZE, Pass, hessian_product, initial, passed
from rmsprop_lib.playground.race import FAR, STEPS
from rmsprop_lib.playground.state import Settings, defaults
from rmsprop_lib.playground.surfaces import normal

EVERY = 20
"""Steps from one measurement of the curvature to the next."""
ROUNDS = 5
"""Of the power iteration in each of them, which take one product with the Hessian more."""


class Training(NamedTuple):
    """What :func:`train` has recorded.

    Attributes
    ----------
    theta : array of shape (97,)
        The weights and biases at the end.
    loss : array of shape (steps + 1,)
        Half the mean square error over all points: at the start and after each step.
    curvature : array of shape (steps // 20,)
        The largest eigenvalue of P⁻¹H after every twentieth step, where H is the Hessian and P the diagonal matrix of
        what divides the gradient. Five rounds of power iteration each time, from where the last one ended: where
        several eigenvalues lie close together, at the edge, the number lies among them.
    edge : float
        The curvature up to which the optimizer is stable on a quadratic, with P held fixed; NaN where none is known.
    weights : array of shape (steps // 20 + 1, 97)
        The weights and biases at the start and whenever the curvature was measured.
    """

    theta: np.ndarray
    loss: np.ndarray
    curvature: np.ndarray
    edge: float
    weights: np.ndarray


def largest(
    product: Callable[[np.ndarray], np.ndarray], q: np.ndarray, rounds: int = ROUNDS
) -> tuple[float, np.ndarray]:
    """The largest eigenvalue of a symmetric matrix, given by its products, and a vector nearer its eigenvector than q.

    Each round is one of power iteration that takes the best of the plane of q and its product, not the product alone.
    What it finds is never above the largest eigenvalue.
    """
    q = q / np.sqrt(q @ q)
    w = product(q)
    value = float(q @ w)
    for _ in range(rounds):
        beside = w - value * q
        length = np.sqrt(beside @ beside)
        if not length > 0:
            break
        r = beside / length
        u = product(r)
        b, half = float(q @ u), (value - float(r @ u)) / 2
        root = np.sqrt(half * half + b * b)
        value = float(value - half + root)
        # The eigenvector of [[half, b], [b, −half]] to the eigenvalue root, without cancellation.
        x, y = (b, root - half) if half < 0 else (root + half, b)
        norm = np.sqrt(x * x + y * y)
        if not norm > 0:
            break
        q, w = x / norm * q + y / norm * r, x / norm * w + y / norm * u
    return value, q


def train(optimizer: str, settings: Settings) -> Training:
    """Train the network of the playground, as its page does.

    Parameters
    ----------
    optimizer : str
        A name such as ``"rmsprop"``, as for :func:`rmsprop_lib.playground.run`.
    settings : dict
        A state, as :func:`rmsprop_lib.playground.from_address` gives it. What is left out has its default on the
        surface ``"network"``.

    Returns
    -------
    Training
        Its arrays are shorter if the run diverged, that is, if a weight came farther out than 10¹².

    Examples
    --------
    >>> training = train("sgd", {"steps": 2000})
    >>> round(training.edge, 2), bool(abs(training.curvature[-1] / training.edge - 1) < 0.1)
    (10.0, True)
    """
    h = {**defaults("network"), **settings}
    accumulators, step = STEPS[optimizer]
    eta, edge = h["eta"][optimizer], edge_of(optimizer, h)
    theta = initial(h["seed"])
    q = np.array([normal(h["seed"] + 1, i) for i in range(SIZE)])
    state: list[Any] = [np.zeros(SIZE)] * accumulators
    at = passed(theta)
    losses, curvatures, weights = [at.loss], [], [theta]
    with np.errstate(all="ignore"):
        for t in range(1, h["steps"] + 1):
            d, *state = step(at.gradient, *state, t, h)
            moved = theta - eta * d
            if not (np.abs(moved) < FAR).all():
                break
            theta, at = moved, passed(moved)
            losses.append(at.loss)
            if t % EVERY == 0:
                weights.append(theta)
                scale = 1 / np.sqrt(divisor(optimizer, state, t, h))
                value, q = largest(_scaled(at, scale), q)
                curvatures.append(value)
    return Training(theta, np.array(losses), np.array(curvatures), edge, np.array(weights))


def _scaled(at: Pass, scale: np.ndarray | float) -> Callable[[np.ndarray], np.ndarray]:
    """Products with P^(−1/2) H P^(−1/2), which is symmetric and has the eigenvalues of P⁻¹H."""
    return lambda v: scale * hessian_product(at, scale * v)
