"""Gradient descent and RMSprop on a small network, beside the central flow of each and the flow without oscillation.

Recorded for chapter 15. The network is that of :mod:`rmsprop_lib.experiments.edge`, narrower. The central flow is that
of Cohen, Damian and others, Understanding optimization in deep learning with central flows, ICLR 2025: the oscillation
enters through its covariance matrix Σ, which is chosen at every moment such that no preconditioned curvature exceeds
the edge. Gradient descent is the case v = 1, which nothing changes.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.experiments import edge

SETTINGS: dict[str, Any] = {
    "seeds": [1, 2, 3, 4, 5],
    "points": 20,
    "hidden": 8,
    "steps": 2000,
    "every": 20,
    "window": 40,
    "substeps": 2,
    "block": 6,
    "near": 0.05,
    "stops": 50,
    "rho": 0.99,
    "first_average": 4.0,
    "rates": {"gradient descent": [0.4, 0.3], "RMSprop": [0.001, 0.0007]},
}
COMPARED = ("loss_run", "loss_central", "apart_central", "edge_run", "edge_central", "size_run", "size_central")


class State(NamedTuple):
    """A run or a flow at one time.

    Attributes
    ----------
    w, v : arrays of shape (n,)
        Parameters, and the average of squares; ones for gradient descent.
    block : array of shape (block, n)
        Directions in which the curvature is largest, of length one where that of a is √(aᵀPa).
    curvatures : array of shape (block,)
        In these directions, over the edge, the largest first.
    sigma : array of shape (k, k)
        Σ in the first k directions, those near the edge.
    """

    w: np.ndarray
    v: np.ndarray
    block: np.ndarray
    curvatures: np.ndarray
    sigma: np.ndarray


def begun(settings: dict[str, Any], net: edge.Network, method: str, seed: int) -> State:
    """Where runs and flows begin: RMSprop's average at a multiple of the square of the first gradient.

    At ``settings["first_average"]`` times that square all starts are below the edge.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    net : edge.Network
    method : str
        A name in ``settings["rates"]``.
    seed : int

    Returns
    -------
    State
    """
    w = net.start([seed])[0]
    first = settings["first_average"] * net.loss_and_gradient(w)[1] ** 2
    v = np.ones_like(w) if method == "gradient descent" else first
    block = np.random.default_rng(0).standard_normal((settings["block"], len(w)))
    return State(w, v, block, np.zeros(settings["block"]), np.zeros((0, 0)))


def products(net: edge.Network, w: np.ndarray, block: np.ndarray) -> np.ndarray:
    """The Hessian times each row, by differences of gradients."""
    length = np.linalg.norm(block, axis=-1, keepdims=True)
    shift = 1e-4 * block / length
    forth, back = net.loss_and_gradient(w + shift)[1], net.loss_and_gradient(w - shift)[1]
    return np.asarray((forth - back) * (length / 2e-4))


def curvature_slopes(net: edge.Network, w: np.ndarray, block: np.ndarray) -> np.ndarray:
    """The gradients of aᵀH(w)b for all pairs of rows a and b, by second differences, of shape (k, k, n)."""

    def along(a: np.ndarray) -> np.ndarray:
        length = np.linalg.norm(a, axis=-1, keepdims=True)
        shift = 3e-3 * a / np.where(length > 0, length, 1)
        outer = net.loss_and_gradient(w + shift)[1] + net.loss_and_gradient(w - shift)[1]
        return np.asarray((outer - 2 * net.loss_and_gradient(w)[1]) * (length / 3e-3) ** 2)

    return np.asarray((along(block[:, None] + block) - along(block[:, None] - block)) / 4)


def with_curvatures(net: edge.Network, eta: float, state: State, iterations: int = 2) -> State:
    """The state with its block and curvatures renewed, by power iteration with several vectors at once.

    Parameters
    ----------
    net : edge.Network
    eta : float
        The rate.
    state : State
        Its block is where the iteration begins.
    iterations : int

    Returns
    -------
    State
    """
    r = state.v**-0.25
    rows = state.block / r
    for _ in range(iterations):
        rows = np.linalg.qr((r * products(net, state.w, r * rows)).T)[0].T
    inside = rows @ (r * products(net, state.w, r * rows)).T
    values, turn = np.linalg.eigh((inside + inside.T) / 2)
    return state._replace(block=r * (turn.T @ rows)[::-1], curvatures=eta / 2 * values[::-1])


def complementary(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The matrix X with X ⪰ 0, A + B[X] ⪰ 0 and ⟨X, A + B[X]⟩ = 0.

    Parameters
    ----------
    a : array of shape (k, k)
        Symmetric.
    b : array of shape (k, k, k, k)
        A linear map of symmetric matrices, positive definite: B[X] is ``np.tensordot(b, x)``.

    Returns
    -------
    array of shape (k, k)
        Zero if A ⪰ 0; −A/B if k = 1 and A < 0.
    """
    k = len(a)
    if k == 0 or np.linalg.eigvalsh(a)[0] >= 0:
        return np.zeros((k, k))
    i, j = np.triu_indices(k)
    matrix = b[i, j][:, i, j] * np.where(i == j, 1, 2)
    x = np.zeros((k, k))
    x[i, j] = x[j, i] = np.linalg.lstsq(matrix, -a[i, j])[0]
    if np.linalg.eigvalsh(x)[0] >= 0:  # every direction oscillates
        return x
    flat = b.reshape(k * k, k * k)
    flat = (flat + flat.T) / 2
    largest = np.linalg.eigvalsh(flat)[-1]
    x = ahead = np.zeros((k, k))
    momentum = 1.0
    for _ in range(5000):  # the least ½⟨X, B[X]⟩ + ⟨A, X⟩ over X ⪰ 0, by projected steps
        values, vectors = np.linalg.eigh(ahead - (a + (flat @ ahead.ravel()).reshape(k, k)) / largest)
        before, x = x, (vectors * np.maximum(values, 0)) @ vectors.T
        previous, momentum = momentum, (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = x + (previous - 1) / momentum * (x - before)
        if np.abs(x - before).max() <= 1e-9 * np.abs(x).max():
            break
    return x


def pull_of(settings: dict[str, Any], v: np.ndarray) -> float:
    """How fast v follows the squares in a flow: (1 − ρ)/ρ, as a step moves v by this times g² minus the new v."""
    return 0.0 if np.all(v == 1) else (1 - settings["rho"]) / settings["rho"]


def without(
    settings: dict[str, Any], net: edge.Network, eta: float, w: np.ndarray, v: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The time derivatives of w and v where nothing oscillates."""
    g = net.loss_and_gradient(w)[1]
    return -eta * g / np.sqrt(v), pull_of(settings, v) * (g**2 - v)


def moved(
    settings: dict[str, Any], net: edge.Network, eta: float, state: State, dt: float, penalty: float = 1.0
) -> State:
    """The central flow a time dt later, by one step of Euler's.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    net : edge.Network
    eta : float
        The rate.
    state : State
    dt : float
        One step of the optimizer is one unit of time.
    penalty : float
        A factor of the push towards smaller curvature; 0 leaves the oscillation's part in v alone.

    Returns
    -------
    State
        Its sigma is that of the time in between.
    """
    w, v, block, curvatures, _ = with_curvatures(net, eta, state)
    p, pull = np.sqrt(v), pull_of(settings, v)
    dw, dv = without(settings, net, eta, w, v)
    k = int(np.sum(curvatures > 1 - settings["near"]))
    sigma = np.zeros((k, k))
    if k:
        u = block[:k]
        hu = products(net, w, u)
        slopes = curvature_slopes(net, w, u)
        dw_of = -penalty * eta / 2 * slopes / p  # what an entry of sigma adds to dw, and to dv
        dv_of = pull * hu[:, None] * hu

        def widening(dw: np.ndarray, dv: np.ndarray) -> np.ndarray:  # of the gap uᵀ(P − ηH/2)u
            faster = np.einsum("ic,...c,jc->...ij", u, dv / (2 * p), u)
            return np.asarray(faster - eta / 2 * np.tensordot(dw, slopes, (-1, -1)))

        gap = np.diag(1 - curvatures[:k]) + dt * widening(dw, dv)
        sigma = complementary(gap, dt * np.moveaxis(widening(dw_of, dv_of), (2, 3), (0, 1)))
        dw, dv = dw + np.tensordot(sigma, dw_of), dv + np.tensordot(sigma, dv_of)
    return State(w + dt * dw, v + dt * dv, block, curvatures, sigma)


def central(
    settings: dict[str, Any], net: edge.Network, eta: float, state: State, penalty: float = 1.0
) -> Iterator[State]:
    """The central flow at the times 1, 2, ..., without end.

    Parameters
    ----------
    settings, net, eta, state, penalty
        As for :func:`moved`.

    Yields
    ------
    State
    """
    while True:
        for _ in range(settings["substeps"]):
            state = moved(settings, net, eta, state, 1 / settings["substeps"], penalty)
        yield state


def plain(settings: dict[str, Any], net: edge.Network, eta: float, state: State) -> Iterator[State]:
    """The flow without oscillation at the times 1, 2, ..., until its curvature is beyond ``settings["stops"]`` edges.

    Parameters
    ----------
    settings, net, eta, state
        As for :func:`moved`.

    Yields
    ------
    State
    """
    while True:
        state = with_curvatures(net, eta, state)
        if not state.curvatures[0] < settings["stops"]:
            return
        parts = max(settings["substeps"], int(np.ceil(3 * state.curvatures[0])))  # nothing keeps it from growing stiff
        for _ in range(parts):
            dw, dv = without(settings, net, eta, state.w, state.v)
            state = state._replace(w=state.w + dw / parts, v=state.v + dv / parts)
        yield state


def run(settings: dict[str, Any], net: edge.Network, eta: float, state: State) -> Iterator[State]:
    """The optimizer itself, after each step, without end.

    Parameters
    ----------
    settings, net, eta, state
        As for :func:`moved`.

    Yields
    ------
    State
        Its block and curvatures are those of the start.
    """
    w, v, still = state.w, state.v, bool(np.all(state.v == 1))
    while True:
        g = net.loss_and_gradient(w)[1]
        if still:
            (d,) = rules.sgd(g)
        else:
            d, v = rules.rmsprop(g, v, settings["rho"], 0.0)
        w = w - eta * d
        yield state._replace(w=w, v=v)


def compared(settings: dict[str, Any], method: str, eta: float, seed: int, steps: int) -> dict[str, np.ndarray]:
    """A run and its flows at every so many steps.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    method : str
        A name in ``settings["rates"]``.
    eta : float
    seed : int
    steps : int

    Returns
    -------
    dict
        Each of shape (steps / every,): the loss at the run's mean over a window and at the flows, ``loss_run``,
        ``loss_central``, ``loss_plain``, and for RMSprop ``loss_bare``, of the central flow without its penalty; the
        distances of that mean from the central and the plain flow, ``apart_central`` and ``apart_plain``; the largest
        preconditioned curvature over the edge, ``edge_run``, ``edge_central``, ``edge_plain``, and the second of the
        central flow, ``edge_second``; the mean of δᵀPδ, with δ the part of the run that changes its sign at every
        step, ``size_run``, and what the flow says of it, ⟨Σ, P⟩, ``size_central``. NaN where the plain flow has ended.
    """
    net = edge.network(settings)
    start = begun(settings, net, method, seed)
    half = settings["window"] // 2
    runs = [start, *islice(run(settings, net, eta, start), steps + half + 1)]
    flows = [start, *islice(central(settings, net, eta, start), steps + half)]
    plains = [start, *islice(plain(settings, net, eta, start), steps)]
    bares = [start]
    if method == "RMSprop":
        bares += islice(central(settings, net, eta, start, 0.0), steps)
    path = np.array([state.w for state in runs])
    delta = (2 * path[1:-1] - path[:-2] - path[2:]) / 4  # of the times 1, 2, ...
    sizes = np.array([d**2 @ np.sqrt(state.v) for d, state in zip(delta, runs[1:-1], strict=True)])
    told = np.array([np.trace(state.sigma) for state in flows])

    def loss(state: State) -> float:
        return float(net.loss_and_gradient(state.w)[0])

    nowhere = start._replace(w=start.w * np.nan, curvatures=start.curvatures * np.nan)
    found: dict[str, list[float]] = {}
    for t in range(settings["every"], steps + 1, settings["every"]):
        around = path[t - half : t + half + 1]
        mean = runs[t]._replace(w=(around[:-1] + around[1:]).mean(axis=0) / 2, block=flows[t].block)
        there = plains[t] if t < len(plains) else nowhere
        row = {
            "loss_run": loss(mean),
            "loss_central": loss(flows[t]),
            "loss_plain": loss(there),
            "apart_central": float(np.linalg.norm(mean.w - flows[t].w)),
            "apart_plain": float(np.linalg.norm(mean.w - there.w)),
            "edge_run": float(with_curvatures(net, eta, mean, 8).curvatures[0]),
            "edge_central": float(flows[t].curvatures[0]),
            "edge_second": float(flows[t].curvatures[1]),
            "edge_plain": float(there.curvatures[0]),
            "size_run": float(sizes[t - half : t + half].mean()),
            "size_central": float(told[t - half + 1 : t + half + 1].mean()),
        }
        if len(bares) > 1:
            row["loss_bare"] = loss(bares[t])
            row["apart_bare"] = float(np.linalg.norm(mean.w - bares[t].w))
        for name, value in row.items():
            found.setdefault(name, []).append(value)
    return {name: np.array(values) for name, values in found.items()}


def keys(settings: dict[str, Any]) -> list[str]:
    """Method and rate.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.

    Returns
    -------
    list of str
    """
    return [f"{method}/{rate}" for method, rates in settings["rates"].items() for rate in rates]


def piece(settings: dict[str, Any], key: str) -> dict[str, Any]:
    """The runs from all starts, with their flows.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    key : str
        One of :func:`keys`.

    Returns
    -------
    dict
        As :func:`compared` gives it, each of shape (seeds, steps / every).
    """
    method, rate = key.split("/")
    found = [compared(settings, method, float(rate), seed, settings["steps"]) for seed in settings["seeds"]]
    return {name: np.array([one[name] for one in found]) for name in found[0]}
