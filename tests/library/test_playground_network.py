"""The playground's network without a browser: its derivatives, its curvature, the edges, and the trainings."""

from functools import cache

import numpy as np
import pytest
import torch
import traitlets
from hypothesis import given
from hypothesis import strategies as st

from rmsprop_lib import figures
from rmsprop_lib.playground import Playground, from_address, network, run, still, to_address, train, training
from rmsprop_lib.playground.edges import EDGES, edge_of
from rmsprop_lib.playground.network import INPUTS, OUTPUTS, SHAPES, SIZE, fit, hessian_product, initial, passed
from rmsprop_lib.playground.race import STEPS
from rmsprop_lib.playground.state import OPTIMIZERS
from rmsprop_lib.playground.training import EVERY, ROUNDS, Training, largest

USUAL = from_address("surface=network")


@cache
def usual(optimizer: str) -> Training:
    return train(optimizer, USUAL)


def loss(theta: torch.Tensor) -> torch.Tensor:
    """By Torch, which has its own tanh and derivatives."""
    pieces = theta.split([rows * columns for rows, columns in SHAPES])
    w1, b1, w2, b2, w3, b3 = (p.reshape(shape) for p, shape in zip(pieces, SHAPES, strict=True))
    x, y = torch.tensor(INPUTS), torch.tensor(OUTPUTS)
    return 0.5 * torch.mean((torch.tanh(torch.tanh(x @ w1 + b1) @ w2 + b2) @ w3 + b3 - y) ** 2)


def gradient(theta: np.ndarray) -> np.ndarray:
    return torch.func.grad(loss)(torch.tensor(theta)).numpy()


def hessian(theta: np.ndarray) -> np.ndarray:
    return torch.autograd.functional.hessian(loss, torch.tensor(theta)).numpy()


class TestNetwork:
    @given(st.floats(-1e3, 1e3))
    def test_tanh_is_right_to_nearly_the_last_digit(self, x):
        assert network.tanh(np.array([x]))[0] == pytest.approx(np.tanh(x), abs=3e-16)

    @pytest.mark.parametrize("seed", [1, 7])
    def test_loss_and_gradient_are_torchs(self, seed):
        theta = 1.5 * initial(seed) + 0.1
        at = passed(theta)
        assert at.loss == pytest.approx(loss(torch.tensor(theta)).item(), rel=1e-13)
        np.testing.assert_allclose(at.gradient, gradient(theta), rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(0.5 * np.mean((fit(theta, INPUTS) - OUTPUTS) ** 2), at.loss, rtol=1e-13)

    @pytest.mark.parametrize("seed", [1, 7])
    def test_the_products_are_those_of_torchs_hessian(self, seed):
        theta = 1.5 * initial(seed) + 0.1
        at = passed(theta)
        products = np.array([hessian_product(at, q) for q in np.eye(SIZE)])
        np.testing.assert_allclose(products, hessian(theta), rtol=1e-9, atol=1e-13)

    def test_the_weights_depend_on_the_seed_and_have_the_variance_of_one_over_the_inputs(self):
        many = np.array([initial(seed) for seed in range(200)])
        assert not many[:, [*range(8, 16), *range(80, 88), 96]].any()
        for part, variance in ((slice(0, 8), 1), (slice(16, 80), 1 / 8), (slice(88, 96), 1 / 8)):
            assert many[:, part].var() == pytest.approx(variance, rel=0.1)


class TestPowerIteration:
    @pytest.mark.parametrize("seed", range(5))
    def test_it_finds_the_largest_eigenvalue_and_never_more(self, seed):
        rng = np.random.default_rng(seed)
        a = rng.standard_normal((30, 30))
        a = a + a.T - 5 * np.eye(30)  # the one that is largest in modulus is negative
        top = np.linalg.eigvalsh(a)[-1]
        values = [largest(lambda v: a @ v, np.ones(30), rounds)[0] for rounds in (1, 5, 20, 80, 400)]
        assert np.diff(values).min() > -1e-10 and values[-1] <= top + 1e-10
        assert values[-1] == pytest.approx(top, rel=1e-3)

    def test_an_eigenvector_stays_one(self):
        value, q = largest(lambda v: np.diag([3.0, 1.0]) @ v, np.array([2.0, 0.0]))
        assert value == 3 and q.tolist() == [1, 0]

    def test_it_takes_the_same_number_of_products_in_every_measurement(self, monkeypatch):
        counted = []
        monkeypatch.setattr(training, "hessian_product", lambda at, q: counted.append(1) or hessian_product(at, q))
        train("rmsprop", {"steps": 200})
        assert len(counted) == (200 // EVERY) * (ROUNDS + 1)


class TestEdges:
    @staticmethod
    def radius(optimizer, h, curvature):
        """The largest modulus of an eigenvalue of one step from (θ, memory) on ½ curvature θ², with P held at 1.

        What divides is 1 and next to nothing is added to it: decays of squares are next to 1, and points next to 0. All
        corrections have faded.
        """
        frozen = {**h, "rho": 1 - 1e-12, "beta2": 1 - 1e-12, "eps": 0.0, "inside": False}
        eta, far, near = h["eta"][optimizer], 10**16, 1e-9
        squares = [symbol in ("G", "v", "s", "u") for symbol in OPTIMIZERS[optimizer][1]]

        def step(theta, memory):
            state = [1.0 if square else near * memory for square in squares]
            d, *state = STEPS[optimizer][1](curvature * near * theta, *state, far, frozen)
            assert [k for k, square in zip(state, squares, strict=True) if square] == pytest.approx(
                [1.0] * sum(squares)
            )
            kept = [k for k, square in zip(state, squares, strict=True) if not square]
            return theta - eta * d / near, sum(kept) / near

        return np.abs(np.linalg.eigvals(np.array([step(1.0, 0.0), step(0.0, 1.0)]).T)).max()

    @pytest.mark.parametrize("gamma", [0.0, 0.5, 0.9])
    @pytest.mark.parametrize("optimizer", [name for name in EDGES if name != "centered"])
    def test_a_quadratic_is_stable_below_and_unstable_above(self, optimizer, gamma):
        h = {**USUAL, "gamma": gamma, "beta1": gamma}
        edge = edge_of(optimizer, h)
        assert self.radius(optimizer, h, 0.999 * edge) < 1 < self.radius(optimizer, h, 1.001 * edge)

    def test_the_variance_divides_as_the_squares_do(self):
        assert edge_of("centered", USUAL) * USUAL["eta"]["centered"] == 2

    def test_all_optimizers_but_the_sign_have_one(self):
        assert list(EDGES) == [name for name in OPTIMIZERS if name != "lion"]
        assert np.isnan(edge_of("newton", USUAL))


class TestTrainings:
    @pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"])
    def test_weights_and_curvature_are_those_of_torch(self, optimizer):
        """Torch's optimizer on Torch's gradient, and the eigenvalues of Torch's whole Hessian."""
        h = {**USUAL, "steps": 120, "eps": 1e-6}
        eta = h["eta"][optimizer]
        theta = torch.tensor(initial(1), requires_grad=True)
        made = {
            "sgd": lambda: torch.optim.SGD([theta], eta),
            "momentum": lambda: torch.optim.SGD([theta], eta, momentum=h["gamma"]),
            "nesterov": lambda: torch.optim.SGD([theta], eta, momentum=h["gamma"], nesterov=True),
            "adagrad": lambda: torch.optim.Adagrad([theta], eta, eps=h["eps"]),
            "rmsprop": lambda: torch.optim.RMSprop([theta], eta, alpha=h["rho"], eps=h["eps"]),
            "adam": lambda: torch.optim.Adam([theta], eta, (h["beta1"], h["beta2"]), h["eps"]),
        }[optimizer]()
        found = train(optimizer, h)
        for t in range(1, 121):
            made.zero_grad()
            loss(theta).backward()
            made.step()
            if t % EVERY:
                continue
            np.testing.assert_allclose(found.weights[t // EVERY], theta.detach().numpy(), rtol=1e-7, atol=1e-9)
            memory = made.state[theta]
            sums = {"sum": 1, "square_avg": 1, "exp_avg_sq": 1 - h["beta2"] ** t}
            squares = [memory[name] / weights for name, weights in sums.items() if name in memory]
            p = squares[0].sqrt() + h["eps"] if squares else torch.ones(SIZE)
            whole = hessian(theta.detach().numpy()) / np.sqrt(np.outer(p, p))
            # Close eigenvalues take the iteration long to tell apart, and its value lies between them.
            assert found.curvature[t // EVERY - 1] == pytest.approx(np.linalg.eigvalsh(whole)[-1], rel=0.02)

    @pytest.mark.parametrize(("optimizer", "near"), [("sgd", 1e-4), ("momentum", 1e-3), ("nesterov", 1e-3)])
    def test_late_curvatures_are_those_of_the_whole_hessian(self, optimizer, near):
        found = usual(optimizer)
        for k in (50, 100, 150, 200):
            top = np.linalg.eigvalsh(hessian(found.weights[k]))[-1]
            assert top * (1 - near) <= found.curvature[k - 1] <= top * (1 + 1e-9)

    @pytest.mark.parametrize("optimizer", EDGES)
    def test_every_optimizer_settles_at_its_edge(self, optimizer):
        found = usual(optimizer)
        assert found.curvature[0] < 1.2 * found.edge
        height = found.curvature[-50:] / found.edge
        assert 0.9 < height.mean() < 1.1, height
        assert found.loss[-1] < 0.05 * found.loss[0]

    def test_the_curvature_of_gradient_descent_follows_two_over_its_rate(self):
        for eta in (0.2, 0.3, 0.4):
            found = train("sgd", {**USUAL, "eta": {"sgd": eta}})
            assert found.edge == 2 / eta
            assert found.curvature[-50:].mean() == pytest.approx(2 / eta, rel=0.1)
        assert usual("sgd").curvature[0] < 0.5 * 10  # it rises to it

    def test_a_training_that_diverges_ends(self):
        found = train("sgd", {**USUAL, "eta": {"sgd": 10.0}})
        assert 1 < len(found.loss) < 1000
        assert np.isfinite(found.theta).all()

    def test_a_shorter_one_is_the_beginning_of_a_longer_one(self):
        short, long = (train("adam", {**USUAL, "steps": steps}) for steps in (100, 160))
        np.testing.assert_array_equal(short.loss, long.loss[:101])
        np.testing.assert_array_equal(short.curvature, long.curvature[:5])
        np.testing.assert_array_equal(short.theta, long.weights[5])

    def test_what_is_left_out_has_its_default(self):
        np.testing.assert_array_equal(train("sgd", {"steps": 100}).loss, train("sgd", {**USUAL, "steps": 100}).loss)

    def test_it_has_no_path(self):
        with pytest.raises(ValueError, match="surface=network has no paths; train of"):
            run("sgd", USUAL)


class TestState:
    def test_it_has_more_steps_than_a_race_and_no_start(self):
        assert (USUAL["steps"], USUAL["start"]) == (4000, None)
        state = from_address("surface=network&steps=8000&at=7999")
        assert to_address(state) == "surface=network&steps=8000&at=7999"
        with pytest.raises(ValueError, match="steps=99 is not allowed; it must be a number from 100 to 8000"):
            from_address("surface=network&steps=99")
        with pytest.raises(ValueError, match="start=1,2 is not allowed; the network starts where its seed says"):
            from_address("surface=network&start=1,2")

    def test_the_widget_follows_it_and_takes_no_start(self):
        playground = Playground("surface=network")
        assert (playground.start, playground.step) == (None, 4000)
        playground.step = 20
        assert playground.address == "surface=network&at=20"
        with pytest.raises(traitlets.TraitError, match="start=1,2 is not allowed"):
            playground.start = (1, 2)
        playground.address = "surface=ravine&start=2,3"
        assert playground.start == (2.0, 3.0)
        with pytest.raises(traitlets.TraitError, match="start=None is not allowed"):
            playground.start = None
        playground.address = "surface=network"
        assert playground.start is None


class TestStill:
    def test_it_draws_the_curvature_over_the_edge(self):
        axes = still("surface=network&steps=300&on=sgd,adam")
        drawn = {line.get_label(): line.get_xydata() for line in axes.lines}
        for name in ("sgd", "adam"):
            found = train(name, from_address("surface=network&steps=300"))
            np.testing.assert_array_equal(drawn[OPTIMIZERS[name][0]][:, 1], found.curvature / found.edge)
            assert drawn[OPTIMIZERS[name][0]][:, 0].tolist() == list(range(EVERY, 301, EVERY))
        assert "RMSprop" not in drawn
        figures.plt.close(axes.figure)
