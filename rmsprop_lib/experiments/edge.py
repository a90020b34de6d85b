"""Small networks trained on all examples, and how their curvature meets the edge of stability of each optimizer.

Recorded for chapter 15. A network with two hidden layers of tanh fits the Chebyshev polynomial of degree four at twenty
points, the data of Cohen et al. 2021, in float64 NumPy: the loss, its gradient, and by differences of gradients the
largest eigenvalues of the Hessian and of the preconditioned Hessian. All seeds are trained at once; arrays have them at
the front.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from rmsprop_lib import rules

SETTINGS: dict[str, Any] = {
    "seeds": [1, 2, 3, 4, 5],
    "points": 20,
    "hidden": 32,
    "steps": 8000,
    "every": 100,
    "iterations": 12,
    "rho": 0.99,
    "gamma": 0.5,
    "beta1": 0.9,
    "rates": {
        "gradient descent": [0.2, 0.1, 0.07],
        "momentum": [0.2, 0.15, 0.1],
        "RMSprop": [0.002, 0.001, 0.0005],
        "Adam": [0.01, 0.005, 0.0025],
    },
    "batches": {"RMSprop": {"rate": 0.001, "sizes": [20, 10, 5, 1]}},
}
COMPARED = ("sharpness", "preconditioned", "loss")


class Network(NamedTuple):
    """A tanh network of one input and one output with two hidden layers, and what it has to fit."""

    x: np.ndarray
    y: np.ndarray
    hidden: int

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Rows and columns of the weights and biases, in the order in which a vector of parameters has them."""
        h = self.hidden
        return [(1, h), (1, h), (h, h), (1, h), (h, 1), (1, 1)]

    def parts(self, theta: np.ndarray) -> list[np.ndarray]:
        """The weights and biases as views of parameters of shape (..., n), each of shape (..., rows, columns)."""
        ends = np.cumsum([rows * columns for rows, columns in self.shapes])[:-1]
        pieces = np.split(theta, ends, axis=-1)
        return [p.reshape(*theta.shape[:-1], *shape) for p, shape in zip(pieces, self.shapes, strict=True)]

    def start(self, seeds: list[int]) -> np.ndarray:
        """Initial parameters of shape (seeds, n): weights of variance one over the inputs, biases zero."""
        starts = []
        for seed in seeds:
            rng = np.random.default_rng(seed)
            draws = [rng.standard_normal(shape) / np.sqrt(shape[0]) for shape in self.shapes]
            draws[1], draws[3], draws[5] = (np.zeros(self.shapes[i]) for i in (1, 3, 5))
            starts.append(np.concatenate([draw.ravel() for draw in draws]))
        return np.array(starts)

    def loss_and_gradient(self, theta: np.ndarray, chosen: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Half the mean square error and its gradient.

        Parameters
        ----------
        theta : array of shape (..., n)
        chosen : array of integers, optional
            The examples of a minibatch; all by default.

        Returns
        -------
        loss : array of shape (...)
        gradient : array of shape (..., n)
        """
        x, y = (self.x, self.y) if chosen is None else (self.x[chosen], self.y[chosen])
        w1, b1, w2, b2, w3, b3 = self.parts(theta)
        a1 = np.tanh(x @ w1 + b1)
        a2 = np.tanh(a1 @ w2 + b2)
        residual = a2 @ w3 + b3 - y
        d3 = residual / len(x)
        d2 = (d3 @ w3.mT) * (1 - a2**2)
        d1 = (d2 @ w2.mT) * (1 - a1**2)
        parts = [x.T @ d1, d1.sum(-2), a1.mT @ d2, d2.sum(-2), a2.mT @ d3, d3.sum(-2)]
        lead = theta.shape[:-1]
        gradient = np.concatenate([part.reshape(*lead, -1) for part in parts], axis=-1)
        return 0.5 * np.mean(residual**2, axis=(-2, -1)), gradient

    def largest_curvature(
        self, theta: np.ndarray, scale: np.ndarray, q: np.ndarray, iterations: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """The largest eigenvalue of ``S H S`` with S the diagonal matrix of the scale, by power iteration.

        Parameters
        ----------
        theta, scale, q : arrays of shape (..., n)
            The parameters; one for the sharpness, or the fourth root of v for the preconditioned one; and the vector
            with which to begin.
        iterations : int

        Returns
        -------
        eigenvalue : array of shape (...)
        q : array of shape (..., n)
            The eigenvector, of length one.
        """
        value = np.zeros(theta.shape[:-1])
        for _ in range(iterations):
            v = scale * q
            length = np.linalg.norm(v, axis=-1, keepdims=True)
            shift = 1e-4 * v / length
            forth, back = self.loss_and_gradient(theta + shift)[1], self.loss_and_gradient(theta - shift)[1]
            w = scale * (forth - back) * (length / 2e-4)
            value = np.vecdot(q, w)
            q = w / np.linalg.norm(w, axis=-1, keepdims=True)
        return value, q


def network(settings: dict[str, Any]) -> Network:
    """The network and its data.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.

    Returns
    -------
    Network
    """
    x = np.linspace(-1, 1, settings["points"])[:, None]
    return Network(x, 8 * x**4 - 8 * x**2 + 1, settings["hidden"])


def edge(settings: dict[str, Any], method: str) -> float:
    """The limit of stability of a method, as a multiple of one over the rate.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    method : str
        A name in ``settings["rates"]``.

    Returns
    -------
    float
    """
    gamma, beta1 = float(settings["gamma"]), float(settings["beta1"])
    momentum, adam = 2 * (1 + gamma), 2 * (1 + beta1) / (1 - beta1)
    return {"gradient descent": 2.0, "momentum": momentum, "RMSprop": 2.0, "Adam": adam}[method]


class State(NamedTuple):
    """A run after a step: parameters and bias-corrected average of squares, of shape (seeds, n), loss before it."""

    t: int
    theta: np.ndarray
    v: np.ndarray
    loss: np.ndarray


def train(settings: dict[str, Any], method: str, rate: Any, size: int | None = None) -> Iterator[State]:
    """Train all seeds, without end.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    method : str
        A name in ``settings["rates"]``.
    rate : float, or function from the step to a float
    size : int, optional
        Of the minibatches, drawn without replacement in each step, the same for all seeds; all examples by default.

    Yields
    ------
    State
        After each step, the first first. Its v is one where the method keeps none.
    """
    net = network(settings)
    theta = net.start(settings["seeds"])
    draw = np.random.default_rng(0)
    a: Any = 0.0
    v: Any = 0.0
    t = 0
    while True:
        t += 1
        eta = rate(t) if callable(rate) else rate
        whole = size is None or size == len(net.x)
        chosen = None if whole else draw.permutation(len(net.x))[:size]
        loss, g = net.loss_and_gradient(theta, chosen)
        corrected: Any = np.ones_like(g)
        if method == "gradient descent":
            (d,) = rules.sgd(g)
        elif method == "momentum":
            d, a = rules.heavy_ball(g, a, settings["gamma"], 0.0)
        else:
            beta1 = settings["beta1"] if method == "Adam" else 0.0
            d, a, v = rules.adam(g, a, v, t, beta1, settings["rho"], 1e-12)
            corrected = v / (1 - settings["rho"] ** t)
        theta = theta - eta * d
        yield State(t, theta, corrected, loss)


def measured(settings: dict[str, Any], method: str, rate: Any, steps: int, size: int | None = None) -> dict[str, Any]:
    """Train all seeds and measure the curvature on the way.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    method, rate, size
        As for :func:`train`.
    steps : int

    Returns
    -------
    dict
        ``sharpness`` and ``preconditioned``, the largest eigenvalues of H and of P⁻¹H with P the diagonal matrix of √v,
        and the ``loss`` on all examples, each of shape (seeds, steps / every).
    """
    net = network(settings)
    q = np.random.default_rng(1).standard_normal((2, *net.start(settings["seeds"]).shape))
    q /= np.linalg.norm(q, axis=-1, keepdims=True)
    found = []
    for state in train(settings, method, rate, size):
        if state.t % settings["every"] == 0:
            ones = np.ones_like(state.theta)
            plain, q[0] = net.largest_curvature(state.theta, ones, q[0], settings["iterations"])
            scale = state.v**-0.25
            conditioned, q[1] = net.largest_curvature(state.theta, scale, q[1], settings["iterations"])
            found.append((plain, conditioned, net.loss_and_gradient(state.theta)[0]))
        if state.t == steps:
            break
    return dict(zip(COMPARED, np.moveaxis(np.array(found), 0, -1), strict=True))


def keys(settings: dict[str, Any]) -> list[str]:
    """Method and rate, and with minibatches their size.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.

    Returns
    -------
    list of str
    """
    whole = [f"{method}/{rate}" for method, rates in settings["rates"].items() for rate in rates]
    parts = [
        f"{method}/{kind['rate']}/{size}"
        for method, kind in settings["batches"].items()
        for size in kind["sizes"]
        if size != settings["points"]
    ]
    return whole + parts


def piece(settings: dict[str, Any], key: str) -> dict[str, Any]:
    """The runs of all seeds.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    key : str
        One of :func:`keys`.

    Returns
    -------
    dict
        As :func:`measured` gives it.
    """
    method, rate, *size = key.split("/")
    return measured(settings, method, float(rate), settings["steps"], *map(int, size))
