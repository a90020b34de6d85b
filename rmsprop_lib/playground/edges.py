"""How far out the curvature may be: ``static/edges.mjs`` in Python.

With P, the diagonal matrix of what divides the gradient, held fixed, a run on a quadratic converges if the largest
eigenvalue of P⁻¹H is below the optimizer's edge (chapter 15).
"""

import math
from collections.abc import Callable

import numpy as np

from rmsprop_lib.playground.state import OPTIMIZERS, Settings

EDGES: dict[str, Callable[[Settings], float]] = {
    "sgd": lambda h: 2.0,
    "momentum": lambda h: 2 * (1 + h["gamma"]),
    "nesterov": lambda h: 2 * (1 + h["gamma"]) / (1 + 2 * h["gamma"]),
    "adagrad": lambda h: 2.0,
    "rmsprop": lambda h: 2.0,
    "centered": lambda h: 2.0,
    "rmspropm": lambda h: 2 * (1 + h["gamma"]),
    "adam": lambda h: 2 * (1 + h["beta1"]) / (1 - h["beta1"]),  # when the correction of its first average has faded
}
"""The edge times the learning rate. An optimizer without an entry is trained without an edge."""


def edge_of(optimizer: str, settings: Settings) -> float:
    """The largest eigenvalue of P⁻¹H with which the optimizer is stable, NaN where none is known."""
    if optimizer not in EDGES:
        return math.nan
    return EDGES[optimizer](settings) / float(settings["eta"][optimizer])


def divisor(optimizer: str, accumulators: list[np.ndarray], t: int, settings: Settings) -> np.ndarray | float:
    """The diagonal of P after step t; 1 where the optimizer keeps no squares."""
    squares = [k for k, symbol in enumerate(OPTIMIZERS[optimizer][1]) if symbol in ("v", "G")]
    if not squares:
        return 1.0
    v = accumulators[squares[0]]
    if optimizer == "adam":
        return np.asarray(np.sqrt(v / (1 - settings["beta2"] ** t)) + settings["eps"])
    return np.asarray(np.sqrt(v + settings["eps"]) if settings["inside"] else np.sqrt(v) + settings["eps"])
