"""The central flow: what it takes from the loss, and what it keeps."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmsprop_lib.experiments import edge, flow

SETTINGS = {**flow.SETTINGS, "hidden": 3}
NET = edge.network(SETTINGS)


def hessian(w: np.ndarray) -> np.ndarray:
    h = flow.products(NET, w, np.eye(len(w)))
    return np.asarray((h + h.T) / 2)


@pytest.fixture
def point() -> np.ndarray:
    return np.asarray(NET.start([3])[0])


def test_the_block_finds_the_largest_preconditioned_curvatures(point: np.ndarray) -> None:
    start = flow.begun(SETTINGS, NET, "RMSprop", 3)
    found = flow.with_curvatures(NET, 0.01, start, 200)
    p = np.sqrt(start.v)
    largest = np.linalg.eigvalsh(hessian(point) / np.sqrt(np.outer(p, p)))[::-1][:2]
    assert found.curvatures[:2] == pytest.approx(0.005 * largest, rel=1e-5)
    u = found.block[:2]
    assert u * p @ u.T == pytest.approx(np.eye(2), abs=1e-9)


def test_the_slopes_are_those_of_the_curvature_along_two_directions(point: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    a, b, c = rng.standard_normal((3, len(point)))
    h = 1e-4
    along_c = (a @ hessian(point + h * c) @ b - a @ hessian(point - h * c) @ b) / (2 * h)
    assert flow.curvature_slopes(NET, point, np.array([a, b]))[0, 1] @ c == pytest.approx(along_c, rel=1e-3)


@given(st.integers(1, 3), st.integers(0, 2**20))
@settings(max_examples=40, deadline=None)
def test_the_covariance_is_the_least_that_closes_the_gap(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    draws = rng.standard_normal((2 * k * k + 3, k, k))
    draws = draws + draws.transpose(0, 2, 1)
    b = np.einsum("sij,skl->ijkl", draws[1:], draws[1:])
    x = flow.complementary(draws[0], b)
    gap = draws[0] + np.tensordot(b, x)
    size = np.abs(draws[0]).max()
    assert x == pytest.approx(x.T, abs=1e-12)
    assert np.linalg.eigvalsh(x)[0] >= -1e-9
    assert np.linalg.eigvalsh(gap)[0] >= -1e-4 * size
    assert abs(np.sum(x * gap)) <= 1e-4 * size * max(np.trace(x), 1e-3)


def test_with_one_direction_it_is_a_quotient_or_nothing() -> None:
    b = np.full((1, 1, 1, 1), 4.0)
    assert flow.complementary(np.array([[-3.0]]), b) == pytest.approx(0.75)
    assert flow.complementary(np.array([[3.0]]), b) == 0


@pytest.mark.parametrize(("method", "eta"), [("gradient descent", 0.5), ("RMSprop", 0.002)])
def test_it_goes_to_the_edge_and_no_further(method: str, eta: float) -> None:
    start = flow.begun(SETTINGS, NET, method, 3)
    path = list(islice(flow.central(SETTINGS, NET, eta, start), 700))
    curvatures = np.array([state.curvatures[0] for state in path])
    held = np.array([np.trace(state.sigma) if len(state.sigma) else 0.0 for state in path])
    assert np.any(held > 0)
    assert curvatures[held > 0].max() < 1.01
    assert np.all(held[curvatures < 0.99] == 0)


def test_before_the_edge_it_is_the_flow_without_oscillation() -> None:
    start = flow.begun(SETTINGS, NET, "RMSprop", 3)
    ends = [next(islice(f(SETTINGS, NET, 1e-4, start), 19, None)).w for f in (flow.central, flow.plain)]
    assert ends[0] == pytest.approx(ends[1], abs=1e-12)
