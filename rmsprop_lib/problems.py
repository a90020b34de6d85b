"""Objectives with analytic gradients and known minima.

Points are arrays of shape (..., n): all leading axes are independent points, so a map or a whole grid of runs
is one call. Values have shape (...), gradients the shape of the points.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Problem:
    """An objective to minimise.

    Attributes
    ----------
    name : str
    value : callable
        Points (..., n) to values (...).
    gradient : callable
        Points (..., n) to gradients (..., n).
    start : array of shape (n,)
        Where runs begin unless told otherwise.
    minimizer : array of shape (n,), or None
        A point where the minimum is reached; None where the objective is unbounded below.
    minimum : float
        The lowest value, -inf if unbounded.
    """

    name: str
    value: Callable[[np.ndarray], np.ndarray]
    gradient: Callable[[np.ndarray], np.ndarray]
    start: np.ndarray
    minimizer: np.ndarray | None
    minimum: float


def quadratic(
    curvatures: np.ndarray | list[float], angle: float = 0.0, start: np.ndarray | list[float] | None = None
) -> Problem:
    r"""The quadratic :math:`f(\theta) = \tfrac12 \theta^\top H \theta` with given curvatures.

    Parameters
    ----------
    curvatures : array of shape (n,)
        Eigenvalues of H, at least 0. Its condition number is their largest ratio.
    angle : float, radians
        The eigenvectors are the axes, turned by this angle in the plane of the first two.
    start : array of shape (n,), optional
        Ones by default.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        If a curvature is negative or not finite, or the shapes do not fit.
    """
    lam = np.asarray(curvatures, dtype=float)
    if lam.ndim != 1 or not lam.size or not np.all(np.isfinite(lam) & (lam >= 0)):
        raise ValueError(f"curvatures={curvatures!r} is not allowed; it must be a list of numbers, at least 0")
    origin = np.ones(lam.size) if start is None else np.asarray(start, dtype=float)
    if origin.shape != lam.shape:
        raise ValueError(f"start has shape {origin.shape}, but curvatures has {lam.shape}")
    H = np.diag(lam)
    if angle:
        if lam.size < 2:
            raise ValueError(f"angle={angle!r} needs two curvatures or more; got {lam.size}")
        Q = np.eye(lam.size)
        Q[:2, :2] = _turn(angle)
        H = Q @ H @ Q.T
    return Problem(
        name=f"quadratic, curvatures {', '.join(f'{x:g}' for x in lam)}",
        value=lambda theta: 0.5 * np.einsum("...i,ij,...j->...", theta, H, theta),
        gradient=lambda theta: theta @ H,
        start=origin,
        minimizer=np.zeros(lam.size),
        minimum=0.0,
    )


def ravine(condition: float = 100.0, angle: float = 0.0) -> Problem:
    """A quadratic ravine: curvature 1 along its floor, ``condition`` across, turned by ``angle`` radians.

    Unturned, the floor lies along the second axis. The start turns with it, so that the problem is the same up
    to the choice of coordinates at every angle.

    Parameters
    ----------
    condition : float, at least 0
        The condition number κ, if it is at least 1.
    angle : float, radians

    Returns
    -------
    Problem
        Of two parameters.
    """
    return quadratic([condition, 1.0], angle, _turn(angle) @ np.array([1.0, 10.0]))


def _turn(angle: float) -> np.ndarray:
    """The matrix that turns the plane by ``angle`` radians."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def rosenbrock() -> Problem:
    r"""Rosenbrock's (1960) curved valley, :math:`(1-x)^2 + 100\,(y-x^2)^2`, minimum 0 at (1, 1).

    Returns
    -------
    Problem
        Of two parameters.
    """

    def value(theta: np.ndarray) -> np.ndarray:
        x, y = theta[..., 0], theta[..., 1]
        return np.asarray((1 - x) ** 2 + 100 * (y - x**2) ** 2)

    def gradient(theta: np.ndarray) -> np.ndarray:
        x, y = theta[..., 0], theta[..., 1]
        return np.stack([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)], axis=-1)

    return Problem("Rosenbrock", value, gradient, np.array([-1.2, 1.0]), np.array([1.0, 1.0]), 0.0)


def beale() -> Problem:
    """Beale's (1958) function, flat far out and steep at the corners, minimum 0 at (3, 0.5).

    Returns
    -------
    Problem
        Of two parameters.
    """
    targets = (1.5, 2.25, 2.625)

    def value(theta: np.ndarray) -> np.ndarray:
        x, y = theta[..., 0], theta[..., 1]
        residuals = np.stack([c - x * (1 - y**k) for k, c in enumerate(targets, start=1)])
        return np.asarray((residuals**2).sum(axis=0))

    def gradient(theta: np.ndarray) -> np.ndarray:
        x, y = theta[..., 0], theta[..., 1]
        g = np.zeros_like(theta, dtype=np.result_type(theta, 1.0))  # integers are points too
        for k, c in enumerate(targets, start=1):
            residual = c - x * (1 - y**k)
            g[..., 0] += -2 * residual * (1 - y**k)
            g[..., 1] += 2 * residual * x * k * y ** (k - 1)
        return g

    return Problem("Beale", value, gradient, np.array([1.0, 1.0]), np.array([3.0, 0.5]), 0.0)


def saddle() -> Problem:
    r"""The saddle :math:`\tfrac12 (x^2 - y^2)`: no minimum, and a start almost on the axis that leads to the saddle.

    Returns
    -------
    Problem
        Of two parameters.
    """
    signs = np.array([1.0, -1.0])
    return Problem(
        name="saddle",
        value=lambda theta: 0.5 * (theta**2 @ signs),
        gradient=lambda theta: theta * signs,
        start=np.array([1.0, 1e-3]),
        minimizer=None,
        minimum=-np.inf,
    )
