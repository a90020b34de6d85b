"""The playground's runs in Python: the same settings, the library's rules, the same numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.playground.state import Settings, defaults
from rmsprop_lib.playground.surfaces import LANDSCAPES, noise, project

FAR = 1e12
"""A run whose point is farther out than this has diverged."""


def _of_adams_kind(rule: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
    """The step of a rule that is given what Adam's is."""
    return lambda g, m, v, t, h: rule(g, m, v, t, h["beta1"], h["beta2"], h["eps"])


STEPS: dict[str, tuple[int, Callable[..., tuple[Any, ...]]]] = {
    "sgd": (0, lambda g, t, h: rules.sgd(g)),
    "momentum": (1, lambda g, b, t, h: rules.heavy_ball(g, b, h["gamma"])),
    "nesterov": (1, lambda g, b, t, h: rules.heavy_ball(g, b, h["gamma"], nesterov=True)),
    "adagrad": (1, lambda g, G, t, h: rules.adagrad(g, G, h["eps"], h["inside"])),
    "rmsprop": (1, lambda g, v, t, h: rules.rmsprop(g, v, h["rho"], h["eps"], h["inside"])),
    "centered": (2, lambda g, v, mu, t, h: rules.centered_rmsprop(g, v, mu, h["rho"], h["eps"], h["inside"])),
    "rmspropm": (
        2,
        lambda g, v, b, t, h: rules.rmsprop_momentum(g, v, b, h["rho"], h["gamma"], h["eps"], eps_inside=h["inside"]),
    ),
    "adam": (2, _of_adams_kind(rules.adam)),
    "adadelta": (2, lambda g, v, u, t, h: rules.adadelta(g, v, u, h["rho"], h["eps"])),
    "adamax": (2, _of_adams_kind(rules.adamax)),
    "nadam": (2, _of_adams_kind(rules.nadam)),
    "radam": (2, _of_adams_kind(rules.radam)),
    "laprop": (2, _of_adams_kind(rules.laprop)),
    "adabelief": (2, _of_adams_kind(rules.adabelief)),
    "yogi": (2, _of_adams_kind(rules.yogi)),
    "lion": (1, lambda g, m, t, h: rules.lion(g, m, h["beta1"], h["beta2"])),
}
"""How many accumulators each optimizer has, and its step from gradient, accumulators, t and settings."""


def run(optimizer: str, settings: Settings) -> np.ndarray:
    """The points of a run.

    Parameters
    ----------
    optimizer : str
        A key of ``STEPS``, such as ``"rmsprop"``; the addresses name them so too.
    settings : dict
        A state, as :func:`rmsprop_lib.playground.from_address` gives it. What is left out has its default.

    Returns
    -------
    array of shape (steps + 1, 2)
        The start first. Shorter if the run diverged, that is, came farther out than 10¹².

    Raises
    ------
    ValueError
        If the surface is the network, which :func:`rmsprop_lib.playground.train` trains.

    Examples
    --------
    >>> run("sgd", {"surface": "saddle", "start": (1, 0), "steps": 10, "eta": {"sgd": 0.5}})[:3, 0]
    array([1.  , 0.5 , 0.25])
    """
    settings = {**defaults(settings.get("surface", "ravine")), **settings}
    if settings["surface"] not in LANDSCAPES:
        raise ValueError(f"surface={settings['surface']} has no paths; train of rmsprop_lib.playground trains it")
    accumulators, step = STEPS[optimizer]
    surface = settings["surface"]
    _, gradient = LANDSCAPES[surface]
    eta, steps = settings["eta"][optimizer], settings["steps"]
    added = noise(settings, steps)
    theta = np.array(settings["start"], dtype=float)
    state: list[Any] = [np.zeros(2)] * accumulators
    points = [theta]
    with np.errstate(all="ignore"):
        for t in range(1, steps + 1):
            g = np.array(gradient(float(theta[0]), float(theta[1]), t, settings))
            if settings["noise"]:
                g = g + added[t - 1]
            d, *state = step(g, *state, t, settings)
            x, y = theta - eta * d
            theta = np.array(project(surface, x, y))
            if not (np.abs(theta) < FAR).all():
                break
            points.append(theta)
    return np.array(points)
