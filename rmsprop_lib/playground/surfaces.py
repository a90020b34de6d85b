"""What the playground descends, and its noise: ``static/surfaces.mjs`` and ``static/noise.mjs`` operation by operation.

Settings are those of :func:`rmsprop_lib.playground.state.from_address`.
"""

import math
from collections.abc import Callable

import numpy as np

from rmsprop_lib.playground.state import Settings

Point = tuple[float, float]

_MASK = 0xFFFFFFFF


def _mix(x: int) -> int:
    """Wellons' lowbias32, a bijection of 32-bit integers."""
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & _MASK
    x = ((x ^ (x >> 15)) * 0x846CA68B) & _MASK
    return x ^ (x >> 16)


def uniform(seed: int, counter: int) -> float:
    """A number in [0, 1), a multiple of 2⁻³², which depends on the two alone."""
    return _mix((_mix(seed) + counter) & _MASK) * 2.0**-32


def normal(seed: int, counter: int) -> float:
    """A nearly normal number of mean 0 and variance 1: twelve uniform ones, less six. Never beyond ±6."""
    total = -6.0
    for k in range(12):
        total += uniform(seed, 12 * counter + k)
    return total


def noise(settings: Settings, steps: int) -> np.ndarray:
    """The noise of a run, shape (steps, 2), in units of the gradient."""
    sigma, seed = settings["noise"], settings["seed"]
    return np.array([sigma * normal(seed, i) if sigma else 0.0 for i in range(2 * steps)]).reshape(steps, 2)


def _hessian(h: Settings) -> tuple[float, float, float]:
    c, s = math.cos(h["angle"] * math.pi / 180), math.sin(h["angle"] * math.pi / 180)
    kappa = h["kappa"]
    return kappa * c * c + s * s, (kappa - 1) * c * s, kappa * s * s + c * c


def _quadratic_value(x: float, y: float, t: int, h: Settings) -> float:
    a, b, d = _hessian(h)
    return 0.5 * (a * x * x + 2 * b * x * y + d * y * y)


def _quadratic_gradient(x: float, y: float, t: int, h: Settings) -> Point:
    a, b, d = _hessian(h)
    return a * x + b * y, b * x + d * y


def _beale(x: float, y: float) -> tuple[float, float, float]:
    return 1.5 - x * (1 - y), 2.25 - x * (1 - y * y), 2.625 - x * (1 - y * y * y)


def _beale_value(x: float, y: float, t: int, h: Settings) -> float:
    r, s, u = _beale(x, y)
    return r * r + s * s + u * u


def _beale_gradient(x: float, y: float, t: int, h: Settings) -> Point:
    r, s, u = _beale(x, y)
    return -2 * (r * (1 - y) + s * (1 - y * y) + u * (1 - y * y * y)), 2 * x * (r + 2 * y * s + 3 * y * y * u)


def drift(t: int, speed: float) -> float:
    """Where a point is that goes to and fro between −2 and 2, from 0.

    Parameters
    ----------
    t : int
        Steps since the start.
    speed : float
        Its way in a step.

    Returns
    -------
    float
        In [−2, 2].
    """
    way = math.fmod(speed * t + 2, 8)
    return way - 2 if way < 4 else 6 - way


def _drifting_value(x: float, y: float, t: int, h: Settings) -> float:
    u = x - drift(t, h["speed"])
    return 0.5 * (u * u + y * y)


def _ripple(x: float) -> float:
    """From −1 at a whole number to 1 at the next, outwards from 0."""
    return 2 * math.fmod(abs(x), 1) - 1


def _bumps_value(x: float, y: float, t: int, h: Settings) -> float:
    s = _ripple(x)
    q = 1 - s * s
    height: float = h["height"]
    return 0.5 * (0.2 * x * x + y * y) + height * (q * q)


def _bumps_gradient(x: float, y: float, t: int, h: Settings) -> Point:
    s = _ripple(x)
    slope = 8 * h["height"] * s * (1 - s * s)
    return 0.2 * x + (slope if x < 0 else -slope), y


Value = Callable[[float, float, int, Settings], float]
Gradient = Callable[[float, float, int, Settings], Point]

LANDSCAPES: dict[str, tuple[Value, Gradient]] = {
    "ravine": (_quadratic_value, _quadratic_gradient),
    "noisy": (_quadratic_value, _quadratic_gradient),
    "rosenbrock": (
        lambda x, y, t, h: (1 - x) * (1 - x) + 100 * (y - x * x) * (y - x * x),
        lambda x, y, t, h: (-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)),
    ),
    "beale": (_beale_value, _beale_gradient),
    "saddle": (lambda x, y, t, h: 0.5 * (x * x - y * y), lambda x, y, t, h: (x, -y)),
    "drifting": (_drifting_value, lambda x, y, t, h: (x - drift(t, h["speed"]), y)),
    "sparse": (
        lambda x, y, t, h: 0.5 * (x * x + y * y),
        lambda x, y, t, h: (x, y if uniform(h["seed"] + 1, t) < h["share"] else 0.0),
    ),
    "bumps": (_bumps_value, _bumps_gradient),
    "reddi": (
        lambda x, y, t, h: (h["large"] - 2) / 3 * (x + 1) + 0.5 * y * y,
        lambda x, y, t, h: (h["large"] if t % 3 == 1 else -1.0, y),
    ),
}
"""Value and gradient of each surface at a point and a step t, counted from 1."""


def project(surface: str, x: float, y: float) -> Point:
    """Back into where the parameters have to stay: x in [−1, 1] in the problem of Reddi et al."""
    return (min(1.0, max(-1.0, x)), y) if surface == "reddi" else (x, y)


def minimum(t: int, h: Settings) -> Point | None:
    """Where the surface is lowest at step t, None where it is nowhere lowest."""
    fixed = {"rosenbrock": (1.0, 1.0), "beale": (3.0, 0.5), "saddle": None, "reddi": (-1.0, 0.0)}
    if h["surface"] == "drifting":
        return drift(t, h["speed"]), 0.0
    return fixed.get(h["surface"], (0.0, 0.0))
