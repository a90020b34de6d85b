"""The playground's runs in Python: the same settings, the library's rules, the same numbers."""

import reprlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.playground.state import RATE, Settings, defaults
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


Rule = Callable[[np.ndarray, dict[str, Any], int], Any]
"""A rule of a reader's own: of the gradient, a dict that is empty at first and keeps what is put into it, and t."""


class Record(NamedTuple):
    """A run of n steps.

    Attributes
    ----------
    theta : array of shape (n + 1, 2)
        The points, the start first.
    g, d : arrays of shape (n, 2)
        The gradient of each step, with its noise, and the direction that the learning rate multiplied.
    loss : array of shape (n + 1,)
        The surface's height at each point, at the time of the step from there.
    """

    theta: np.ndarray
    g: np.ndarray
    d: np.ndarray
    loss: np.ndarray


def run(optimizer: str | Rule, settings: Settings, eta: float | None = None) -> np.ndarray:
    """The points of a run.

    Parameters
    ----------
    optimizer : str, or a function
        A key of ``STEPS``, such as ``"rmsprop"``; the addresses name them so too. Or a rule of your own, as a function
        of (g, state, t): the gradient, shape (2,); a dict, empty at first, for what the rule wants to find again at
        the next step; the number of the step, from 1. It returns the direction that the learning rate multiplies and
        that is then subtracted: shape (2,), or one number for both coordinates.
    settings : dict
        A state, as :func:`rmsprop_lib.playground.from_address` gives it. What is left out has its default.
    eta : float > 0, optional
        The learning rate. If it is left out, the optimizer's in the settings; for a rule of your own 0.1.

    Returns
    -------
    array of shape (steps + 1, 2)
        The start first. Shorter if the run diverged, that is, came farther out than 10¹².

    Raises
    ------
    ValueError
        If the surface is the network, which :func:`rmsprop_lib.playground.train` trains; if ``eta`` is not a positive
        number; or if a rule of your own returns something else than is said above.

    Examples
    --------
    >>> run("sgd", {"surface": "saddle", "start": (1, 0), "steps": 10, "eta": {"sgd": 0.5}})[:3, 0]
    array([1.  , 0.5 , 0.25])
    >>> run(lambda g, state, t: np.sign(g), {"surface": "saddle", "start": (1, 0)}, eta=0.25)[:3, 0]
    array([1.  , 0.75, 0.5 ])
    """
    return record(optimizer, settings, eta).theta


def record(optimizer: str | Rule, settings: Settings, eta: float | None = None) -> Record:
    """A run with its gradients, directions and losses. What it is given, and raises, is what :func:`run` is given."""
    settings = {**defaults(settings.get("surface", "ravine")), **settings}
    surface = settings["surface"]
    if surface not in LANDSCAPES:
        raise ValueError(f"surface={surface} has no paths; train of rmsprop_lib.playground trains it")
    value, gradient = LANDSCAPES[surface]
    eta = _rate(optimizer, settings, eta)
    steps = settings["steps"]
    added = noise(settings, steps)
    step = _stepper(optimizer, settings)
    x, y = map(float, settings["start"])
    points, gradients, directions, losses = [(x, y)], [], [], [value(x, y, 1, settings)]
    with np.errstate(all="ignore"):
        for t in range(1, steps + 1):
            g = np.array(gradient(x, y, t, settings))
            if settings["noise"]:
                g = g + added[t - 1]
            d = step(g, t)
            theta = project(surface, *map(float, np.array((x, y)) - eta * d))
            if not all(abs(coordinate) < FAR for coordinate in theta):
                break
            x, y = theta
            points.append(theta)
            gradients.append(g)
            directions.append(d)
            losses.append(value(x, y, min(t + 1, steps), settings))
    by_step = np.array(gradients).reshape(-1, 2), np.array(directions).reshape(-1, 2)
    return Record(np.array(points), *by_step, np.array(losses))


def _rate(optimizer: str | Rule, settings: Settings, eta: float | None) -> float:
    if eta is None:
        eta = float(RATE[2] if callable(optimizer) else settings["eta"][optimizer])
    if not 0 < eta < np.inf:
        raise ValueError(f"eta={eta} is not allowed; it must be a positive number")
    return eta


def _stepper(optimizer: str | Rule, settings: Settings) -> Callable[[np.ndarray, int], np.ndarray]:
    """The direction of a step, from the gradient and t. It keeps the accumulators."""
    if callable(optimizer):
        return _own(optimizer)
    accumulators, step = STEPS[optimizer]
    state: list[Any] = [np.zeros(2)] * accumulators

    def take(g: np.ndarray, t: int) -> np.ndarray:
        nonlocal state
        d, *state = step(g, *state, t, settings)
        return np.asarray(d)

    return take


def _own(rule: Rule) -> Callable[[np.ndarray, int], np.ndarray]:
    state: dict[str, Any] = {}

    def take(g: np.ndarray, t: int) -> np.ndarray:
        d = rule(g.copy(), state, t)  # what the rule writes into its gradient stays its own
        try:
            return _two_numbers(d)
        except (TypeError, ValueError):
            what = f"an array of shape {d.shape}" if isinstance(d, np.ndarray) else reprlib.repr(d)
            raise ValueError(
                f"The rule returned {what} at step {t}; it must return two numbers, or one for both coordinates."
            ) from None

    return take


def _two_numbers(d: Any) -> np.ndarray:
    numbers = np.asarray(d)
    if numbers.dtype.kind not in "biuf":
        raise TypeError
    return np.array(np.broadcast_to(numbers, 2), dtype=float)
