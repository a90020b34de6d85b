"""The family of chapter 20: every rule against an implementation that is not ours, to rounding, over many steps."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import pytorch_optimizer
import schedulefree
import torch
from numpy.typing import NDArray
from torch import Tensor

from rmsprop_lib import matrix_rules, numpy_optim, rules, torch_optim

STEPS = 300


@pytest.fixture(autouse=True)
def double() -> Any:
    """NAdam's product of momenta is kept in torch's default type."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def gradients(shape: Sequence[int], seed: int = 0) -> NDArray:
    """Of sizes from 0.01 to 100 among the elements and with a quiet time among the steps."""
    rng = np.random.default_rng(seed)
    size = 10 ** rng.uniform(-2, 2, shape)
    quiet = np.where(np.arange(STEPS) % 90 > 60, 1e-3, 1.0).reshape(-1, *[1] * len(shape))
    return (rng.standard_normal((STEPS, *shape)) + 0.3) * size * quiet


def path(make: Callable[[list[Tensor]], Any], shape: Sequence[int], seed: int = 0, scale: float = 1.0) -> NDArray:
    """The parameter after every step of a Torch optimizer that is given these gradients."""
    theta = torch.from_numpy(start(shape)).requires_grad_()
    optimizer = make([theta])
    points = []
    for g in gradients(shape, seed):
        theta.grad = torch.from_numpy(scale * g)
        optimizer.step()
        points.append(theta.detach().numpy().copy())
    return np.array(points)


def start(shape: Sequence[int]) -> NDArray:
    return np.random.default_rng(99).uniform(-0.5, 0.5, shape)


CORRECTED = {"betas": (0.8, 0.97), "weight_decay": 0.05}
PO = pytorch_optimizer
# Ours, another's, and whose: what is the same method there.
PAIRS: dict[str, tuple[Any, Any]] = {
    "AdaDelta": (
        lambda p: torch_optim.AdaDelta(p, 0.7, 0.95, 1e-3),
        lambda p: torch.optim.Adadelta(p, 0.7, 0.95, 1e-3),
    ),
    "AdaDelta, defaults": (torch_optim.AdaDelta, torch.optim.Adadelta),
    "AdaMax": (lambda p: torch_optim.AdaMax(p, **CORRECTED), lambda p: torch.optim.Adamax(p, **CORRECTED)),
    "NAdam": (lambda p: torch_optim.NAdam(p, **CORRECTED), lambda p: torch.optim.NAdam(p, **CORRECTED)),
    "NAdam, fast schedule": (
        lambda p: torch_optim.NAdam(p, momentum_decay=0.3, decoupled_weight_decay=True, **CORRECTED),
        lambda p: torch.optim.NAdam(p, momentum_decay=0.3, decoupled_weight_decay=True, **CORRECTED),
    ),
    "RAdam": (lambda p: torch_optim.RAdam(p, **CORRECTED), lambda p: torch.optim.RAdam(p, **CORRECTED)),
    "RAdam, never rectified": (
        lambda p: torch_optim.RAdam(p, betas=(0.5, 0.5)),
        lambda p: torch.optim.RAdam(p, betas=(0.5, 0.5)),
    ),
    "RAdam, defaults": (torch_optim.RAdam, torch.optim.RAdam),
    "LaProp": (
        # It adds ε before the correction of v, the paper and we after it; and 1e-15 to v, which large gradients hide.
        lambda p: torch_optim.LaProp(p, 0.01, (0.8, 0.97), 0.0),
        lambda p: PO.LaProp(p, 0.01, (0.8, 0.97), eps=0.0, foreach=False),
    ),
    "AdaBelief": (
        lambda p: torch_optim.AdaBelief(p, 0.01, (0.8, 0.97), 1e-4),
        lambda p: PO.AdaBelief(p, 0.01, (0.8, 0.97), eps=1e-4),
    ),
    "AdaBelief, decoupled decay": (
        lambda p: torch_optim.AdaBelief(p, 0.01, weight_decay=0.1, decoupled_weight_decay=True),
        lambda p: PO.AdaBelief(p, 0.01, weight_decay=0.1, weight_decouple=True, rectify=False),
    ),
    "Yogi": (
        lambda p: torch_optim.Yogi(p, 0.01, (0.8, 0.97)),
        lambda p: PO.Yogi(p, 0.01, (0.8, 0.97), initial_accumulator=0.0),
    ),
    "Lion": (
        lambda p: torch_optim.Lion(p, 0.01, (0.8, 0.95), 0.1),
        lambda p: PO.Lion(p, 0.01, (0.8, 0.95), weight_decay=0.1, weight_decouple=True),
    ),
    "signum": (lambda p: torch_optim.Lion(p, 0.01, (0.9, 0.9)), lambda p: PO.SignSGD(p, 0.01, 0.9)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_shell_goes_where_the_other_implementation_goes(name: str) -> None:
    ours, theirs = (path(make, (5, 4), scale=1e5 if name == "LaProp" else 1.0) for make in PAIRS[name])
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11)


ARRAYS: dict[str, tuple[Any, Any]] = {
    "AdaDelta": (numpy_optim.AdaDelta(0.7, 0.95, 1e-3), PAIRS["AdaDelta"][0]),
    "AdaMax": (numpy_optim.AdaMax(0.002, 0.8, 0.97, weight_decay=0.05), PAIRS["AdaMax"][0]),
    "NAdam": (
        numpy_optim.NAdam(0.01, 0.8, 0.97),
        lambda p: torch_optim.NAdam(p, 0.01, (0.8, 0.97), momentum_decay=None),
    ),
    "RAdam": (numpy_optim.RAdam(0.001, 0.8, 0.97, weight_decay=0.05), PAIRS["RAdam"][0]),
    "LaProp": (numpy_optim.LaProp(0.01, 0.8, 0.97, 0.0), PAIRS["LaProp"][0]),
    "AdaBelief": (numpy_optim.AdaBelief(0.01, 0.8, 0.97, 1e-4), PAIRS["AdaBelief"][0]),
    "Yogi": (numpy_optim.Yogi(0.01, 0.8, 0.97, 1e-3), PAIRS["Yogi"][0]),
    "Lion": (numpy_optim.Lion(0.01, 0.8, 0.95, weight_decay=0.1), PAIRS["Lion"][0]),
}


@pytest.mark.parametrize(("optimizer", "torch_one"), ARRAYS.values(), ids=ARRAYS)
def test_arrays_go_where_tensors_go(optimizer: Any, torch_one: Any) -> None:
    params, points = {"w": start((5, 4))}, []
    for g in gradients((5, 4)):
        params = optimizer.update(params, {"w": g})
        points.append(params["w"])
    np.testing.assert_allclose(np.array(points), path(torch_one, (5, 4)), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", [name for name in ARRAYS if name not in ("AdaDelta", "Lion")])
def test_the_effective_rate_is_what_a_step_without_memory_is_over_the_gradient(name: str) -> None:
    optimizer = type(ARRAYS[name][0])(0.1, 0.0, 0.99, 0.01)
    params = {"w": np.array([1.0, -2.0, 0.5])}
    for t, scale in enumerate((1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.3, 5.0)):
        g = np.array([0.5, -3.0, 20.0]) * scale
        after = optimizer.update(params, {"w": g})
        if name not in ("AdaBelief", "LaProp") and t != 0:  # g − m is 0 without memory
            np.testing.assert_allclose((params["w"] - after["w"]) / g, optimizer.effective_rate("w"), rtol=1e-9)
        params = after


@pytest.mark.parametrize("name", ["AdaDelta", "Lion"])
def test_where_there_is_no_effective_rate_it_is_said(name: str) -> None:
    optimizer = ARRAYS[name][0]
    optimizer.update({"z": np.ones(2)}, {"z": np.ones(2)})
    with pytest.raises(NotImplementedError, match=name):
        optimizer.effective_rate("z")


def test_frameworks_whose_optimizers_are_not_in_the_table_are_refused() -> None:
    with pytest.raises(ValueError, match="not in the table for lion; it has: none"):
        numpy_optim.Lion.like("Keras 3", learning_rate=0.1)


def test_nadam_s_schedule_is_not_compiled_and_says_so() -> None:
    with pytest.raises(ValueError, match="fused=True needs momentum_decay=None"):
        torch_optim.NAdam([torch.zeros(3, requires_grad=True)], fused=True)
    with pytest.raises(ValueError, match="Invalid momentum_decay value: -1"):
        torch_optim.NAdam([torch.zeros(3, requires_grad=True)], momentum_decay=-1)


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(TypeError, match="'momentum' is no option; there are weight_decay"):
        torch_optim.Yogi([torch.zeros(3, requires_grad=True)], momentum=0.9)


class TestWhatIsKnownInClosedForm:
    def test_nadam_looks_one_step_ahead(self):
        # As if the next gradient were this one again, and the average of squares what it is.
        g, m, v, t = 1.3, 0.4, 2.0, 7
        d, m, v = rules.nadam(g, m, v, t, 0.9, 0.99, 0.0)
        looked = rules.ema(m, g, 0.9)
        equal_now = rules.ema(m / (1 - 0.9 ** (t + 1)), g / (1 - 0.9**t), 0.9)
        assert d == pytest.approx(equal_now / math.sqrt(v / (1 - 0.99**t)), rel=1e-14)
        # Late, when all corrections are 1, it is the look-ahead itself.
        d, m, v = rules.nadam(g, 0.4, 2.0, math.inf, 0.9, 0.99, 0.0)
        looked = rules.ema(m, g, 0.9)
        assert d == pytest.approx(looked / math.sqrt(v), rel=1e-14)

    def test_laprop_is_momentum_after_scaling(self):
        rng = np.random.default_rng(0)
        v = b = m = vl = 0.0
        for g in rng.standard_normal(50):
            d, v, b = rules.rmsprop_momentum(g, v, b, 0.95, 0.8, 1e-3)
            direction, m, vl = rules.laprop(g, m, vl, math.inf, 0.8, 0.95, 1e-3)
            assert direction == pytest.approx((1 - 0.8) * d, rel=1e-12)

    def test_lion_with_equal_decays_is_the_sign_of_the_momentum(self):
        m = 0.0
        for g in np.random.default_rng(1).standard_normal(50):
            d, m = rules.lion(g, m, 0.9, 0.9)
            assert d == np.sign(m)

    def test_sign_is_that_of_numpy_and_of_torch_but_for_what_is_not_finite(self):
        x = np.array([-2.0, -1e-320, 0.0, 5e-324, 7.0])
        np.testing.assert_array_equal(rules.sign(x), np.sign(x))
        np.testing.assert_array_equal(rules.sign(torch.from_numpy(x)).numpy(), np.sign(x))
        assert rules.sign(np.float32(3)).dtype == np.float32
        assert rules.sign(np.ones(2, np.float32)).dtype == np.float32
        with np.errstate(invalid="ignore"):
            assert np.isnan(rules.sign(np.array([np.nan, np.inf]))).all()

    def test_yogi_moves_v_by_a_share_of_the_square_and_no_more(self):
        for v in (0.01, 5.0):
            _, _, new = rules.yogi(1.5, 0.0, v, 3, 0.9, 0.99, 0.0)
            assert abs(new - v) == pytest.approx(0.01 * 1.5**2, rel=1e-12)

    def test_adadelta_starts_from_epsilon(self):
        d, v, u = rules.adadelta(-50.0, 0.0, 0.0, 0.9, 1e-6)
        assert d == pytest.approx(-math.sqrt(1e-6 / 0.1), rel=1e-6) and u == pytest.approx(0.1 * d * d)
        assert rules.adadelta(-50.0, v, 0.0, 0.9, 0.0)[0] == 0  # without ε nothing ever moves

    def test_adamax_s_first_step_is_the_rate(self):
        assert rules.adamax(-7.0, 0.0, 0.0, 1, 0.9, 0.999, 0.0)[0] == pytest.approx(-1, rel=1e-14)

    def test_adabelief_on_a_steady_gradient_divides_by_almost_nothing(self):
        m = s = 0.0
        for t in range(1, 200):
            d, m, s = rules.adabelief(2.0, m, s, t, 0.5, 0.9, 1e-12)
        assert d > 1e5

    def test_schedule_free_with_beta_1_is_the_average_of_gradient_descent_s_points(self):
        x = z = 3.0
        points = []
        for t in range(1, 20):
            _, x, z = rules.schedule_free(x, z, math.cos(t), 0.1, 1 / t, 0.9)
            points.append(z)
        assert x == pytest.approx(np.mean(points), rel=1e-13)


class TestMatrixRules:
    def run(self, step: Callable[..., Any], shape: Sequence[int], *state: Any, eta: float = 0.01) -> NDArray:
        theta, points = start(shape), []
        for t, g in enumerate(gradients(shape), start=1):
            d, *state = step(g, theta, t, *state)
            theta = theta - eta * d
            points.append(theta)
        return np.array(points)

    @pytest.mark.parametrize("clip", [1.0, 1.5])
    def test_adafactor_goes_where_torch_goes(self, clip):
        def step(g, theta, t, R, C):
            d, R, C = matrix_rules.adafactor(g, R, C, t, eps=1e-9, clip=clip)
            return d * matrix_rules.adafactor_rate(theta, t, 0.05), R, C

        ours = self.run(step, (5, 4), np.zeros((5, 1)), np.zeros((1, 4)), eta=1.0)
        theirs = path(lambda p: torch.optim.Adafactor(p, 0.05, eps=(1e-9, 1e-3), d=clip), (5, 4))
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)

    def test_adafactor_s_product_is_exact_where_squares_have_rank_one(self):
        rng = np.random.default_rng(0)
        g = np.outer(rng.uniform(0.1, 9, 5), rng.uniform(0.1, 9, 4))
        d, *_ = matrix_rules.adafactor(g, np.zeros((5, 1)), np.zeros((1, 4)), 1)
        np.testing.assert_allclose(d, 1, rtol=1e-12)

    @pytest.mark.parametrize("weight_decay", [0.0, 0.1])
    def test_lamb_goes_where_the_other_goes(self, weight_decay):
        def step(g, theta, t, m, v):
            return matrix_rules.lamb(g, theta, m, v, math.inf, 0.8, 0.97, 0.0, weight_decay)

        ours = self.run(step, (5, 4), np.zeros((5, 4)), np.zeros((5, 4)))
        options = dict(eps=0.0, adam_debias=True, weight_decay=weight_decay, weight_decouple=False, foreach=False)
        theirs = path(lambda p: PO.Lamb(p, 0.01, (0.8, 0.97), **options), (5, 4))
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)

    def test_lamb_corrected_is_adamw_s_direction_at_the_length_of_the_weights(self):
        m = v = np.zeros((5, 4))
        theta = start((5, 4))
        moved = torch.zeros((5, 4), requires_grad=True)
        adam = torch.optim.Adam([moved], 1.0, eps=1e-6)
        for t, g in enumerate(gradients((5, 4))[:20], start=1):
            before = moved.detach().numpy().copy()
            moved.grad = torch.from_numpy(g)
            adam.step()
            u = before - moved.detach().numpy() + 0.1 * theta
            d, m, v = matrix_rules.lamb(g, theta, m, v, t, 0.9, 0.999, 1e-6, 0.1)
            np.testing.assert_allclose(d, u * np.linalg.norm(theta) / np.linalg.norm(u), rtol=1e-9)
            theta = theta - 0.01 * d

    def test_lamb_does_not_stretch_from_or_to_nothing(self):
        zero = np.zeros((2, 2))
        np.testing.assert_allclose(
            matrix_rules.lamb(np.ones((2, 2)), zero, zero, zero, 1, 0.9, 0.99, 0.0)[0], 1, rtol=1e-12
        )
        np.testing.assert_array_equal(matrix_rules.lamb(zero, zero + 1, zero, zero, 1, 0.9, 0.99, 0.1)[0], 0)

    @pytest.mark.parametrize("shape", [(5, 4), (3, 6)])
    def test_shampoo_goes_where_the_other_goes(self, shape):
        def step(g, theta, t, L, R):
            return matrix_rules.shampoo(g, L, R)

        n, m = shape
        ours = self.run(step, shape, 1e-3 * np.eye(n), 1e-3 * np.eye(m))
        theirs = path(lambda p: PO.Shampoo(p, 0.01, matrix_eps=1e-3), shape)
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)

    def test_soap_goes_where_the_other_goes_in_a_fixed_basis(self):
        # The other takes its basis from the first gradient, with which it does not step.
        first = gradients((5, 4))[0]
        left, right = (np.linalg.eigh(a)[1][:, ::-1] for a in (first @ first.T, first.T @ first))

        def step(g, theta, t, m, v):
            if t == 1:
                return np.zeros_like(g), m, v
            return matrix_rules.soap(g, m, v, t - 1, left, right, 0.8, 0.97, 1e-6)

        ours = self.run(step, (5, 4), np.zeros((5, 4)), np.zeros((5, 4)))
        options = dict(eps=1e-6, weight_decay=0.0, precondition_frequency=10**6)
        theirs = path(lambda p: PO.SOAP(p, 0.01, (0.8, 0.97), **options), (5, 4))
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)

    @pytest.mark.parametrize("shape", [(5, 4), (3, 6)])
    @pytest.mark.parametrize("nesterov", [True, False])
    def test_muon_goes_where_torch_goes_with_its_half_precision_off(self, shape, nesterov, monkeypatch):
        monkeypatch.setattr(Tensor, "bfloat16", lambda x: x.clone())

        def step(g, theta, t, m):
            return matrix_rules.muon(g, m, 0.9, nesterov)

        ours = self.run(step, shape, np.zeros(shape))
        options = dict(weight_decay=0.0, momentum=0.9, nesterov=nesterov, adjust_lr_fn="match_rms_adamw")
        theirs = path(lambda p: torch.optim.Muon(p, 0.01 / (0.2 * max(shape) ** 0.5), **options), shape)
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11)

    def test_muon_is_near_torch_s_in_half_precision(self):
        g = gradients((6, 6))[0]
        theirs = path(lambda p: torch.optim.Muon(p, 1.0, weight_decay=0.0, momentum=0.0), (6, 6))[0]
        d, _ = matrix_rules.muon(g, np.zeros((6, 6)), 0.0)
        assert np.abs(start((6, 6)) - theirs - d).max() < 0.06

    def test_newton_schulz_with_its_own_coefficients_converges_to_the_polar_factor(self):
        g = gradients((6, 4))[0]
        np.testing.assert_allclose(
            matrix_rules.newton_schulz(g, 60, matrix_rules.CUBIC), matrix_rules.polar(g), atol=1e-12
        )

    def test_shampoo_s_first_step_is_the_polar_factor(self):
        g = gradients((4, 4))[0]
        d, *_ = matrix_rules.shampoo(g, 1e-14 * np.eye(4), 1e-14 * np.eye(4))
        np.testing.assert_allclose(d, matrix_rules.polar(g), atol=1e-7)


@pytest.mark.parametrize("beta", [0.3, 0.9, 0.98])
def test_schedule_free_goes_where_its_authors_code_goes(beta: float) -> None:
    w = torch.from_numpy(start((6,))).requires_grad_()
    theirs = schedulefree.SGDScheduleFree([w], lr=0.05, momentum=beta, warmup_steps=0, foreach=False)
    theirs.train()
    x = z = y = start((6,))
    for t, slope in enumerate(gradients((6,)), start=1):
        np.testing.assert_allclose(y, w.detach().numpy(), rtol=1e-9, atol=1e-11)
        w.grad = torch.from_numpy(slope * y)
        theirs.step()
        y, x, z = rules.schedule_free(x, z, slope * y, 0.05, 1 / t, beta)
    theirs.eval()
    np.testing.assert_allclose(x, w.detach().numpy(), rtol=1e-8, atol=1e-10)
