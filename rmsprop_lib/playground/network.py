"""The network that the playground trains: ``static/network.mjs`` in NumPy.

One input, two hidden layers of eight tanh units and one output fit the Chebyshev polynomial of degree four at twenty
points of [−1, 1], all of them in every step. Parameters are one vector: weights and biases, layer by layer.

At its edge of stability a training magnifies the last digit of a sum until nothing is left of it. So that it is the
same in every browser and here, what goes into a step is added in one order, and tanh is made of exact operations.
"""

import math
from typing import NamedTuple

import numpy as np

from rmsprop_lib.playground.surfaces import normal

HIDDEN = 8
POINTS = 20
SHAPES = ((1, HIDDEN), (1, HIDDEN), (HIDDEN, HIDDEN), (1, HIDDEN), (HIDDEN, 1), (1, 1))
"""Rows and columns of weights and biases, in the order in which the parameters have them."""
ENDS = np.cumsum([rows * columns for rows, columns in SHAPES])
SIZE = int(ENDS[-1])


def target(x: np.ndarray) -> np.ndarray:
    """What the network has to fit."""
    return np.asarray(8 * x * x * (x * x - 1) + 1)


INPUTS = -1 + 2 * np.arange(POINTS)[:, None] / (POINTS - 1)
OUTPUTS = target(INPUTS)


def initial(seed: int) -> np.ndarray:
    """Parameters to begin with: weights of variance one over the inputs of their unit, biases zero."""
    theta = np.zeros(SIZE)
    for (rows, _), end, begin in list(zip(SHAPES, ENDS, [0, *ENDS[:-1]], strict=True))[::2]:
        theta[begin:end] = [normal(seed, i) / np.sqrt(rows) for i in range(begin, end)]
    return theta


def split(theta: np.ndarray) -> list[np.ndarray]:
    """Weights and biases as views of the parameters."""
    return [part.reshape(shape) for part, shape in zip(np.split(theta, ENDS[:-1]), SHAPES, strict=True)]


def tanh(x: np.ndarray) -> np.ndarray:
    """To nearly the last digit, and to the last one as the browser has it: 1 − 2/(e^(2|x|) + 1), with x's sign."""
    y = np.minimum(2 * np.abs(x), 40.0)
    k = np.floor(y * LOG2E + 0.5)
    r = (y - k * LN2_HIGH) - k * LN2_LOW
    power = np.full_like(r, COEFFICIENTS[0])
    for c in COEFFICIENTS[1:]:
        power = power * r + c
    return np.asarray(np.copysign(1 - 2 / (np.ldexp(power, k.astype(int)) + 1), x))


LOG2E, LN2_HIGH, LN2_LOW = 1.4426950408889634, 0.6931471803691238, 1.9082149292705877e-10
COEFFICIENTS = [1 / math.factorial(k) for k in range(13, -1, -1)]
"""Of the series of the exponential, for half of log 2 at most."""


def _sum(terms: np.ndarray, axis: int) -> np.ndarray:
    """From the first to the last, which neither ``np.sum`` nor a product of matrices does."""
    return np.asarray(np.cumsum(terms, axis=axis).take(-1, axis=axis))


class Pass(NamedTuple):
    """What a forward and a backward pass leave for the products with the Hessian at the same parameters."""

    parts: list[np.ndarray]
    a1: np.ndarray
    a2: np.ndarray
    d3: np.ndarray
    d2: np.ndarray
    loss: float
    gradient: np.ndarray


def _joined(*parts: np.ndarray) -> np.ndarray:
    return np.concatenate([part.ravel() for part in parts])


def fit(theta: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The network's outputs at inputs of shape (points, 1)."""
    w1, b1, w2, b2, w3, b3 = split(theta)
    return np.asarray(tanh(tanh(x @ w1 + b1) @ w2 + b2) @ w3 + b3)


def passed(theta: np.ndarray) -> Pass:
    """Half the mean square error, its gradient, and what is between."""
    w1, b1, w2, b2, w3, b3 = parts = split(theta)
    a1 = tanh(INPUTS * w1 + b1)
    a2 = tanh(_sum(a1[:, :, None] * w2, 1) + b2)
    residual = _sum(a2 * w3.T, 1)[:, None] + b3 - OUTPUTS
    d3 = residual / POINTS
    d2 = d3 * w3.T * (1 - a2 * a2)
    d1 = _sum(d2[:, None, :] * w2, 2) * (1 - a1 * a1)
    each = (INPUTS * d1, d1, (a1[:, :, None] * d2[:, None, :]).reshape(POINTS, -1), d2, a2 * d3, d3)
    loss = float(_sum(residual * residual / (2 * POINTS), 0)[0])
    return Pass(parts, a1, a2, d3, d2, loss, _sum(np.concatenate(each, axis=1), 0))


def hessian_product(at: Pass, q: np.ndarray) -> np.ndarray:
    """The Hessian times q: the derivative along q of every line of :func:`passed` (R-operator, Pearlmutter 1994)."""
    _, _, w2, _, w3, _ = at.parts
    q1, c1, q2, c2, q3, c3 = split(q)
    a1, a2 = at.a1, at.a2
    s1, s2 = 1 - a1 * a1, 1 - a2 * a2
    r1 = s1 * (INPUTS @ q1 + c1)
    r2 = s2 * (r1 @ w2 + a1 @ q2 + c2)
    e3 = (r2 @ w3 + a2 @ q3 + c3) / POINTS
    e2 = (e3 @ w3.T + at.d3 @ q3.T) * s2 - 2 * a2 * r2 * (at.d3 @ w3.T)
    e1 = (e2 @ w2.T + at.d2 @ q2.T) * s1 - 2 * a1 * r1 * (at.d2 @ w2.T)
    return _joined(INPUTS.T @ e1, e1.sum(0), r1.T @ at.d2 + a1.T @ e2, e2.sum(0), r2.T @ at.d3 + a2.T @ e3, e3.sum(0))
