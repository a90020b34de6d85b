"""How far out the curvature may be: ``static/edges.mjs`` in Python.

With P, the diagonal matrix of what divides the gradient, held fixed, a run on a quadratic converges if the largest
eigenvalue of P⁻¹H is below the optimizer's edge (chapter 15).
"""

import math
from collections.abc import Callable

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.playground.state import OPTIMIZERS, Settings


def _of_an_average(h: Settings) -> float:
    """Where gradients are averaged with β₁, when the corrections of the averages have faded."""
    return float(2 * (1 + h["beta1"]) / (1 - h["beta1"]))


EDGES: dict[str, Callable[[Settings], float]] = {
    "sgd": lambda h: 2.0,
    "momentum": lambda h: 2 * (1 + h["gamma"]),
    "nesterov": lambda h: 2 * (1 + h["gamma"]) / (1 + 2 * h["gamma"]),
    "adagrad": lambda h: 2.0,
    "rmsprop": lambda h: 2.0,
    "centered": lambda h: 2.0,
    "rmspropm": lambda h: 2 * (1 + h["gamma"]),
    "adam": _of_an_average,
    "adadelta": lambda h: 2.0,
    "adamax": _of_an_average,
    # Nesterov's step with γ = β₁ and the rate (1 − β₁)η.
    "nadam": lambda h: 2 * (1 + h["beta1"]) / ((1 - h["beta1"]) * (1 + 2 * h["beta1"])),
    "radam": _of_an_average,
    "laprop": _of_an_average,
    "adabelief": _of_an_average,
    "yogi": _of_an_average,
}
"""The edge times the learning rate. An optimizer without an entry is trained without an edge."""


def edge_of(optimizer: str, settings: Settings) -> float:
    """The largest eigenvalue of P⁻¹H with which the optimizer is stable, NaN where none is known."""
    if optimizer not in EDGES:
        return math.nan
    return EDGES[optimizer](settings) / float(settings["eta"][optimizer])


def divisor(optimizer: str, accumulators: list[np.ndarray], t: int, settings: Settings) -> np.ndarray | float:
    """The diagonal of P after step t; 1 where the optimizer keeps no squares. AdaDelta's is that of the u given."""
    symbols = OPTIMIZERS[optimizer][1]
    squares = [k for k, symbol in enumerate(symbols) if symbol in ("G", "v", "s", "u")]
    if not squares:
        return 1.0
    v, beta2, eps = accumulators[squares[0]], settings["beta2"], settings["eps"]
    if optimizer == "adadelta":
        return np.asarray(np.sqrt(v + eps) / np.sqrt(accumulators[1] + eps))
    if optimizer == "adamax":
        return v
    if optimizer == "radam":
        r = rules.rectification(beta2, t)
        return np.asarray(1 / (r * math.sqrt(rules.weight_sum(beta2, t)) / (np.sqrt(v) + eps) + (r == 0)))
    if symbols[0] == "m":
        return np.asarray(np.sqrt(rules.corrected(v, beta2, t)) + eps)
    return np.asarray(np.sqrt(v + eps) if settings["inside"] else np.sqrt(v) + eps)
