"""The update rules as mathematics: closed forms, bounds, identities, and one result for every type of number."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rmsprop_lib import rules

PROPERTY = settings(deadline=None, derandomize=True, max_examples=60)

# Away from zero, so that a division by a root of squares loses nothing to underflow.
gradient = st.floats(1e-3, 1e3) | st.floats(-1e3, -1e-3)
gradients = st.lists(gradient, min_size=1, max_size=40)
decay = st.floats(0, 0.999)
exact_decay = st.fractions(0, Fraction(99, 100), max_denominator=100)
exact_gradients = st.lists(st.fractions(-9, 9, max_denominator=20), min_size=1, max_size=12)

# Each rule with the values of everything it takes; the state is one that gradients can have led to.
EXAMPLES: dict[str, tuple[Any, Sequence[float]]] = {
    "ema": (rules.ema, (0.7, -1.3, 0.9)),
    "sgd": (rules.sgd, (-1.3,)),
    "heavy_ball": (rules.heavy_ball, (-1.3, 0.4, 0.9, 0.25)),
    "heavy_ball nesterov": (lambda *a: rules.heavy_ball(*a, nesterov=True), (-1.3, 0.4, 0.9)),
    "adagrad": (rules.adagrad, (-1.3, 2.1, 0.1)),
    "rmsprop": (rules.rmsprop, (-1.3, 2.1, 0.9, 0.1)),
    "adagrad, epsilon inside": (lambda *a: rules.adagrad(*a, eps_inside=True), (-1.3, 2.1, 0.1)),
    "rmsprop, epsilon inside": (lambda *a: rules.rmsprop(*a, eps_inside=True), (-1.3, 2.1, 0.9, 0.1)),
    "rmsprop_momentum": (rules.rmsprop_momentum, (-1.3, 2.1, 0.4, 0.9, 0.8, 0.1)),
    "centered_rmsprop": (rules.centered_rmsprop, (-1.3, 2.1, 0.4, 0.9, 0.1)),
    "rmsprop_momentum nesterov": (
        lambda *a: rules.rmsprop_momentum(*a, nesterov=True),
        (-1.3, 2.1, 0.4, 0.9, 0.8, 0.1),
    ),
    "centered_rmsprop, epsilon inside": (
        lambda *a: rules.centered_rmsprop(*a, eps_inside=True),
        (-1.3, 2.1, 0.4, 0.9, 0.1),
    ),
    "centered_rmsprop_momentum": (rules.centered_rmsprop_momentum, (-1.3, 2.1, 0.4, 0.6, 0.9, 0.8, 0.1)),
    "heavy_ball_rate_inside": (rules.heavy_ball_rate_inside, (-1.3, 0.4, 0.01, 0.9)),
    "rmsprop_momentum_rate_inside": (rules.rmsprop_momentum_rate_inside, (-1.3, 2.1, 0.4, 0.01, 0.9, 0.8, 0.1)),
    "centered_rmsprop_momentum_rate_inside": (
        rules.centered_rmsprop_momentum_rate_inside,
        (-1.3, 2.1, 0.4, 0.6, 0.01, 0.9, 0.8, 0.1),
    ),
    "rising_decay": (rules.rising_decay, (0.9, 3)),
    "cautious": (rules.cautious, (-1.3, -0.4, 0.5)),
    "adam, epsilon uncorrected": (
        lambda *a: rules.adam(*a, eps_uncorrected=True),
        (-1.3, 0.4, 2.1, 3, 0.9, 0.99, 0.1),
    ),
    "adam": (rules.adam, (-1.3, 0.4, 2.1, 3, 0.9, 0.99, 0.1)),
    "amsgrad": (rules.amsgrad, (-1.3, 0.4, 2.1, 2.2, 3, 0.9, 0.99, 0.1)),
    "decoupled_weight_decay": (rules.decoupled_weight_decay, (-1.3, 0.4, 0.1)),
    "adadelta": (rules.adadelta, (-1.3, 2.1, 0.4, 0.9, 0.1)),
    "adamax": (rules.adamax, (-1.3, 0.4, 2.1, 3, 0.9, 0.99, 0.1)),
    "nadam": (rules.nadam, (-1.3, 0.4, 2.1, 3, 0.9, 0.99, 0.1)),
    "nadam_scheduled": (rules.nadam_scheduled, (-1.3, 0.4, 2.1, 3, 0.9, 0.99, 0.1, 0.3, 0.6)),
    "radam": (rules.radam, (-1.3, 0.4, 2.1, 30, 0.9, 0.99, 0.1)),
    "radam, not yet scaled": (rules.radam, (-1.3, 0.4, 2.1, 3, 0.9, 0.99, 0.1)),
    "laprop": (rules.laprop, (-1.3, 0.4, 2.1, 3, 0.9, 0.99, 0.1)),
    "adabelief": (rules.adabelief, (-1.3, 0.4, 2.1, 3, 0.9, 0.99, 0.1)),
    "yogi": (rules.yogi, (-1.3, 0.4, 2.1, 3, 0.9, 0.99, 0.1)),
    "lion": (rules.lion, (-1.3, 0.4, 0.9, 0.99)),
    "schedule_free": (rules.schedule_free, (0.4, 0.7, -1.3, 0.1, 0.2, 0.9)),
}
each_rule = pytest.mark.parametrize(("rule", "arguments"), EXAMPLES.values(), ids=EXAMPLES.keys())
STATES = {
    "heavy_ball": 1, "adagrad": 1, "rmsprop": 1, "rmsprop_momentum": 2, "centered_rmsprop": 2, "adam": 2, "amsgrad": 3,
    "adadelta": 2, "adamax": 2, "nadam": 2, "radam": 2, "laprop": 2, "adabelief": 2, "yogi": 2, "lion": 1,
}  # fmt: skip


def results(returned: Any) -> tuple[Any, ...]:
    return returned if isinstance(returned, tuple) else (returned,)


def run(rule: Any, gs: Any, zeros: Sequence[Any], *hyperparameters: Any) -> tuple[list[Any], list[Any]]:
    """All directions, and the last state, of a rule that is given the gradients ``gs`` one after another."""
    directions, state = [], list(zeros)
    for g in gs:
        d, *state = rule(g, *state, *hyperparameters)
        directions.append(d)
    return directions, state


def run_adam(gs: Any, beta1: float, beta2: float, eps: float) -> list[Any]:
    directions, m, v = [], 0.0, 0.0
    for t, g in enumerate(gs, start=1):
        d, m, v = rules.adam(g, m, v, t, beta1, beta2, eps)
        directions.append(d)
    return directions


class TestOneRuleForEveryTypeOfNumber:
    @each_rule
    def test_arrays_give_elementwise_what_floats_give(self, rule, arguments):
        expected = results(rule(*arguments))
        got = results(rule(*(np.full((2, 3), x) for x in arguments)))
        for array, number in zip(got, expected, strict=True):
            assert array.shape == (2, 3) and array.dtype == np.float64
            # NumPy's vectorised β^t may be off by units in the last place, and 1 − β^t has fewer digits than β^t.
            np.testing.assert_allclose(array, np.full_like(array, number), rtol=4e-15)

    @each_rule
    def test_tensors_give_elementwise_what_floats_give(self, rule, arguments):
        expected = results(rule(*arguments))
        got = results(rule(*(torch.full((2, 3), x, dtype=torch.float64) for x in arguments)))
        for tensor, number in zip(got, expected, strict=True):
            assert tensor.shape == (2, 3) and tensor.dtype == torch.float64
            torch.testing.assert_close(tensor, torch.full_like(tensor, number), rtol=1e-15, atol=0)

    @pytest.mark.parametrize("make", [np.float32, lambda x: np.full(3, x, np.float32), torch.tensor])
    @pytest.mark.parametrize("name", STATES)
    def test_single_precision_stays_single_precision(self, name, make):
        rule, arguments = EXAMPLES[name]
        head = 1 + STATES[name]
        got = rule(*(make(x) for x in arguments[:head]), *arguments[head:])
        assert len(got) == head
        assert {str(x.dtype).removeprefix("torch.") for x in got} == {"float32"}

    @each_rule
    def test_arrays_passed_in_are_left_alone(self, rule, arguments):
        arrays = [np.full(3, x) for x in arguments]
        tensors = [torch.full((3,), x, dtype=torch.float64) for x in arguments]
        rule(*arrays)
        rule(*tensors)
        for array, tensor, x in zip(arrays, tensors, arguments, strict=True):
            assert (array == x).all() and (tensor == x).all()

    def test_hyperparameters_may_be_arrays(self):
        rho = np.array([[0.5], [0.75]])
        d, v = rules.rmsprop(np.array([4.0, 8.0]), np.zeros((2, 2)), rho, 0.0)
        np.testing.assert_array_equal(v, [[8, 32], [4, 16]])
        np.testing.assert_allclose(d, [[2**0.5] * 2, [2, 2]])

    def test_a_floats_root_is_rounded_once_as_an_arrays_is(self) -> None:
        # Its power of one half is rounded to another number for some of these, with some C libraries.
        weights = [rules.weight_sum(beta, t) for beta in (0.9, 0.98, 0.99, 0.999) for t in range(1, 8001)]
        roots = [rules.sqrt(w) for w in weights]
        assert all(type(root) is float for root in roots)
        np.testing.assert_array_equal(roots, np.sqrt(weights))


class TestMovingAverage:
    def test_decay_weighs_the_past_and_the_rest_the_new(self):
        assert rules.ema(1, 0, Fraction(9, 10)) == Fraction(9, 10)
        assert rules.ema(0, 1, Fraction(9, 10)) == Fraction(1, 10)

    @PROPERTY
    @given(exact_gradients, exact_decay)
    def test_closed_form_is_a_weighted_sum_of_the_past(self, xs, rho):
        average = Fraction(0)
        for x in xs:
            average = rules.ema(average, x, rho)
        t = len(xs)
        assert average == sum((1 - rho) * rho ** (t - i) * x for i, x in enumerate(xs, start=1))

    @PROPERTY
    @given(st.integers(1, 60), exact_decay)
    def test_weights_sum_to_one_minus_rho_to_the_t(self, t, rho):
        average = Fraction(0)
        for _ in range(t):
            average = rules.ema(average, 1, rho)
        assert average == 1 - rho**t

    @PROPERTY
    @given(gradients, decay)
    def test_average_lies_between_the_extremes(self, xs, rho):
        average = xs[0]
        for x in xs:
            average = rules.ema(average, x, rho)
        slack = 1e-12 * max(map(abs, xs))
        assert min(xs) - slack <= average <= max(xs) + slack


class TestGradientDescentAndHeavyBall:
    def test_direction_of_gradient_descent_is_the_gradient(self):
        assert rules.sgd(-3.5) == (-3.5,)

    @PROPERTY
    @given(exact_gradients, exact_decay)
    def test_buffer_is_the_sum_of_decayed_gradients(self, gs, gamma):
        directions, (b,) = run(rules.heavy_ball, gs, [Fraction(0)], gamma, 0)
        t = len(gs)
        assert b == directions[-1] == sum(gamma ** (t - i) * g for i, g in enumerate(gs, start=1))

    def test_dampening_shrinks_what_enters_the_buffer_only(self):
        assert rules.heavy_ball(8.0, 4.0, 0.5, 0.25) == (8.0, 8.0)

    def test_nesterov_looks_one_step_ahead(self):
        d, b = rules.heavy_ball(8.0, 4.0, 0.5, nesterov=True)
        assert (d, b) == (8.0 + 0.5 * 10.0, 10.0)


class TestAdaGrad:
    @PROPERTY
    @given(exact_gradients)
    def test_accumulator_is_the_sum_of_all_squares(self, gs):
        _, (G,) = run(rules.adagrad, gs, [Fraction(0)], 1)
        assert sum(g * g for g in gs) == G

    @PROPERTY
    @given(gradient)
    def test_first_step_is_the_sign_of_the_gradient(self, g):
        assert rules.adagrad(g, 0.0, 0.0)[0] == pytest.approx(math.copysign(1, g), rel=1e-14)

    @PROPERTY
    @given(gradient, st.integers(1, 60))
    def test_on_a_constant_gradient_step_t_is_one_over_root_t(self, g, t):
        directions, _ = run(rules.adagrad, [g] * t, [0.0], 0.0)
        assert directions[-1] == pytest.approx(math.copysign(1, g) / math.sqrt(t), rel=1e-12)


class TestRMSprop:
    @PROPERTY
    @given(gradient, decay)
    def test_first_rmsprop_step_is_eta_over_root_of_one_minus_rho(self, g, rho):
        eta = 0.01
        d, _ = rules.rmsprop(g, 0.0, rho, 0.0)
        assert eta * d == pytest.approx(math.copysign(eta / math.sqrt(1 - rho), g), rel=1e-12)

    @PROPERTY
    @given(st.lists(st.floats(-1e3, 1e3).filter(lambda g: g == 0 or abs(g) > 1e-3), min_size=1), decay)
    def test_no_step_exceeds_one_over_root_of_one_minus_rho(self, gs, rho):
        directions, _ = run(rules.rmsprop, gs, [0.0], rho, 1e-12)
        assert max(map(abs, directions)) <= (1 + 1e-12) / math.sqrt(1 - rho)

    @PROPERTY
    @given(exact_gradients, exact_decay)
    def test_accumulator_is_the_moving_average_of_squares(self, gs, rho):
        _, (v,) = run(rules.rmsprop, gs, [Fraction(0)], rho, 1)
        t = len(gs)
        assert v == sum((1 - rho) * rho ** (t - i) * g * g for i, g in enumerate(gs, start=1))

    @PROPERTY
    @given(gradients)
    def test_without_memory_it_is_sign_descent(self, gs):
        directions, _ = run(rules.rmsprop, gs, [0.0], 0.0, 0.0)
        np.testing.assert_allclose(directions, np.sign(gs), rtol=1e-14)

    @PROPERTY
    @given(gradients)
    def test_with_decay_one_minus_one_over_t_it_is_adagrad(self, gs):
        """ρ_t = 1 − 1/t makes v the mean of all squares, G/t; η_t = η/√t then undoes the 1/t."""
        G = v = 0.0
        for t, g in enumerate(gs, start=1):
            of_adagrad, G = rules.adagrad(g, G, 0.0)
            d, v = rules.rmsprop(g, v, 1 - 1 / t, 0.0)
            assert v == pytest.approx(G / t, rel=1e-12)
            assert d / math.sqrt(t) == pytest.approx(of_adagrad, rel=1e-12)

    @PROPERTY
    @given(gradients, decay, st.integers(-20, 20))
    def test_scale_of_the_gradient_does_not_matter_without_epsilon(self, gs, rho, k):
        directions, _ = run(rules.rmsprop, gs, [0.0], rho, 0.0)
        scaled, _ = run(rules.rmsprop, [g * 2.0**k for g in gs], [0.0], rho, 0.0)
        np.testing.assert_allclose(scaled, directions, rtol=1e-13)

    @PROPERTY
    @given(st.integers(-8, 8), st.integers(-8, 8), st.sampled_from([0.0, 0.5, 0.75, 0.875]), st.sampled_from([1, -1]))
    def test_half_a_step_from_the_minimum_it_jumps_to_and_fro_for_ever(self, i, j, rho, side):
        """On ½λθ² from θ = ±η/2 with v = (λη/2)²: powers of two keep floating point exact."""
        lam, eta = 2.0**i, 2.0**j
        theta, v = side * eta / 2, (lam * eta / 2) ** 2
        for t in range(1, 11):
            d, v = rules.rmsprop(lam * theta, v, rho, 0.0)
            theta -= eta * d
            assert theta == (-1) ** t * side * eta / 2

    @PROPERTY
    @given(gradients, decay, st.floats(0, 0.95))
    def test_momentum_is_the_heavy_ball_fed_with_scaled_gradients(self, gs, rho, gamma):
        got, (v, b) = run(rules.rmsprop_momentum, gs, [0.0, 0.0], rho, gamma, 1e-3)
        scaled, (v_plain,) = run(rules.rmsprop, gs, [0.0], rho, 1e-3)
        t = len(gs)
        ball = math.fsum(gamma ** (t - i) * d for i, d in enumerate(scaled, start=1))
        assert v == v_plain and got[-1] == b
        assert b == pytest.approx(ball, rel=1e-12, abs=1e-12 * t / math.sqrt(1 - rho))


class TestCenteredRMSprop:
    @PROPERTY
    @given(exact_gradients, exact_decay)
    def test_its_recurrence_is_the_average_of_squares_minus_the_square_of_the_average(self, gs, rho):
        _, (v, mu) = run(rules.centered_rmsprop, gs, [Fraction(0)] * 2, rho, 1)
        average = squares = Fraction(0)
        for g in gs:
            average, squares = rules.ema(average, g, rho), rules.ema(squares, g * g, rho)
        assert mu == average
        assert v == squares - average**2

    @PROPERTY
    @given(st.floats(-1e4, 1e4, width=32), st.integers(0, 2**31), st.sampled_from([0.9, 0.99, 0.999]))
    def test_its_variance_never_turns_negative_in_single_precision(self, level, seed, rho):
        noise = np.random.default_rng(seed).normal(0, 1e-5, (200, 8)).astype(np.float32)
        v = mu = np.zeros(8, np.float32)
        for g in np.float32(level) * (1 + noise):
            d, v, mu = rules.centered_rmsprop(g, v, mu, rho, 1e-8)
            assert v.dtype == np.float32 and (v >= 0).all() and np.isfinite(d).all()

    def test_subtracting_the_averages_does_turn_negative_there(self):
        """What the recurrence is for: the difference of averages goes wrong on gradients that hardly change."""
        noise = np.random.default_rng(0).normal(0, 1e-5, (200, 8)).astype(np.float32)
        lowest = mu = squares = np.zeros(8, np.float32)
        for g in np.float32(1000) * (1 + noise):
            mu, squares = rules.ema(mu, g, 0.9), rules.ema(squares, g * g, 0.9)
            lowest = np.minimum(lowest, squares - mu * mu)
        assert (lowest < 0).any()

    @PROPERTY
    @given(gradient, st.floats(0.01, 0.99))
    def test_first_step_is_one_over_root_of_rho_times_one_minus_rho(self, g, rho):
        d, _, _ = rules.centered_rmsprop(g, 0.0, 0.0, rho, 0.0)
        assert d == pytest.approx(math.copysign(1 / math.sqrt(rho * (1 - rho)), g), rel=1e-12)

    @PROPERTY
    @given(gradients, st.floats(0.5, 0.95), st.floats(0, 0.95))
    def test_momentum_is_the_heavy_ball_fed_with_scaled_gradients(self, gs, rho, gamma):
        got, (v, mu, b) = run(rules.centered_rmsprop_momentum, gs, [0.0] * 3, rho, gamma, 1.0)
        scaled, state = run(rules.centered_rmsprop, gs, [0.0] * 2, rho, 1.0)
        t = len(gs)
        ball = math.fsum(gamma ** (t - i) * d for i, d in enumerate(scaled, start=1))
        assert [v, mu] == state and got[-1] == b
        assert b == pytest.approx(ball, rel=1e-12, abs=1e-12 * math.fsum(map(abs, scaled)))


class TestAdam:
    @PROPERTY
    @given(gradient, decay, decay)
    def test_first_step_is_eta_times_the_sign_of_the_gradient(self, g, beta1, beta2):
        eta = 0.01
        assert eta * run_adam([g], beta1, beta2, 0.0)[0] == pytest.approx(math.copysign(eta, g), rel=1e-12)

    @PROPERTY
    @given(gradient, decay, decay)
    def test_on_a_constant_gradient_every_step_is_its_sign(self, g, beta1, beta2):
        directions = run_adam([g] * 50, beta1, beta2, 0.0)
        # 1 − βᵗ loses digits where β is close to 1; nothing else does.
        np.testing.assert_allclose(directions, np.sign(g), rtol=1e-11)

    @PROPERTY
    @given(exact_gradients, exact_decay, exact_decay)
    def test_its_averages_are_of_gradients_and_of_squares(self, gs, beta1, beta2):
        m = v = Fraction(0)
        for t, g in enumerate(gs, start=1):
            _, m, v = rules.adam(g, m, v, t, beta1, beta2, 1)
        average = squares = Fraction(0)
        for g in gs:
            average, squares = rules.ema(average, g, beta1), rules.ema(squares, g * g, beta2)
        assert (m, v) == (average, squares)

    @PROPERTY
    @given(gradients, decay)
    def test_without_the_first_average_it_is_rmsprop_with_bias_correction(self, gs, beta2):
        of_adam = run_adam(gs, 0.0, beta2, 0.0)
        of_rmsprop, _ = run(rules.rmsprop, gs, [0.0], beta2, 0.0)
        corrected = [d * math.sqrt(1 - beta2**t) for t, d in enumerate(of_rmsprop, start=1)]
        np.testing.assert_allclose(of_adam, corrected, rtol=1e-12)

    def test_second_step_on_two_gradients_by_hand(self):
        """β₁ = ½, β₂ = ¾, g = 4, 2: m̂ = (½·2 + ¼·4)/¾, v̂ = (¼·4 + 3/16·16)/(7/16)."""
        directions = run_adam([4.0, 2.0], 0.5, 0.75, 1.0)
        assert directions[1] == pytest.approx((8 / 3) / (math.sqrt(64 / 7) + 1), rel=1e-14)


class TestAMSGrad:
    @PROPERTY
    @given(gradients, decay, st.floats(0, 0.99))
    def test_it_divides_by_the_largest_average_so_far(self, gs, beta1, beta2):
        m = v = v_max = 0.0
        largest = 0.0
        for t, g in enumerate(gs, start=1):
            of_adam, m_adam, v_adam = rules.adam(g, m, v, t, beta1, beta2, 0.0)
            d, m, v, v_max = rules.amsgrad(g, m, v, v_max, t, beta1, beta2, 0.0)
            largest = max(largest, v_adam)
            assert (m, v, v_max) == (m_adam, v_adam, largest)
            assert d * math.sqrt(v_max) == pytest.approx(of_adam * math.sqrt(v), rel=1e-12)

    def test_without_correction_it_is_the_published_rule(self):
        """β₁ = ½, β₂ = ¾, g = 4, 0: m = 1, v = 3, and the largest is 4."""
        d, m, v, v_max = rules.amsgrad(0.0, 2.0, 4.0, 4.0, math.inf, 0.5, 0.75, 0.0)
        assert (d, m, v, v_max) == (0.5, 1.0, 3.0, 4.0)

    @pytest.mark.parametrize("make", [float, np.float64, np.atleast_1d, torch.tensor])
    def test_nan_stays_visible(self, make):
        for state in ((math.nan, 1.0), (1.0, math.nan)):
            v, v_max = (make(x) for x in state)
            *_, largest = rules.amsgrad(make(1.0), make(0.0), v, v_max, 1, 0.9, 0.9, 0.0)
            assert np.isnan(np.asarray(largest)).all()

    def test_infinity_is_the_largest(self):
        assert (
            rules.maximum(math.inf, math.inf)
            == rules.maximum(1.0, math.inf)
            == rules.maximum(math.inf, 1.0)
            == math.inf
        )


class TestDecoupledWeightDecay:
    @PROPERTY
    @given(gradient, st.fractions(-9, 9), st.fractions(0, 1), st.fractions(0, 1))
    def test_it_shrinks_the_parameter_before_the_step(self, d, theta, decay, eta):
        d = Fraction(d)
        assert theta - eta * rules.decoupled_weight_decay(d, theta, decay) == (1 - eta * decay) * theta - eta * d


class TestRateInsideTheBuffer:
    def test_the_buffer_takes_in_steps(self):
        """r = 4/√4 = 2, u = ½·8 + ¼·2."""
        assert rules.heavy_ball_rate_inside(2.0, 8.0, 0.25, 0.5) == (4.5, 4.5)
        assert rules.rmsprop_momentum_rate_inside(4.0, 0.0, 8.0, 0.25, 0.75, 0.5, 0.0) == (4.5, 4.0, 4.5)
        after = rules.centered_rmsprop_momentum_rate_inside(4.0, 0.0, 0.0, 8.0, 0.25, 0.5, 0.5, 0.0)
        assert after == (4.5, 4.0, 2.0, 4.5)

    def test_nesterov_looks_one_step_ahead(self):
        """The step is ¼·2 + ½·4.5."""
        assert rules.rmsprop_momentum_rate_inside(4.0, 0.0, 8.0, 0.25, 0.75, 0.5, 0.0, nesterov=True)[0] == 2.75

    @PROPERTY
    @given(gradients, decay, decay, st.floats(1e-4, 1.0))
    def test_at_a_constant_rate_the_step_is_that_of_the_rate_outside(self, gs, rho, gamma, eta):
        outside, _ = run(rules.rmsprop_momentum, gs, [0.0, 0.0], rho, gamma, 0.1)
        inside, _ = run(rules.rmsprop_momentum_rate_inside, gs, [0.0, 0.0], eta, rho, gamma, 0.1)
        np.testing.assert_allclose(inside, eta * np.array(outside), rtol=1e-9, atol=1e-12)


class TestRisingDecay:
    @given(exact_gradients, exact_decay)
    def test_an_average_kept_with_it_is_one_from_zero_divided_by_its_weights(self, xs, rho):
        plain = corrected = Fraction(0)
        for t, x in enumerate(xs, start=1):
            plain = rules.ema(plain, x, rho)
            corrected = rules.ema(corrected, x, rules.rising_decay(rho, t))
            assert corrected == plain / rules.weight_sum(rho, t)

    @given(decay)
    def test_at_the_first_step_it_is_zero_to_the_last_bit(self, rho):
        assert rules.rising_decay(rho, 1) == 0.0

    @given(gradient)
    def test_where_an_average_starts_is_forgotten(self, start):
        assert rules.ema(start, 2.0, rules.rising_decay(0.9, 1)) == 2.0


class TestCaution:
    def test_what_does_not_agree_is_left_out_and_the_rest_is_lengthened(self):
        d, g = np.array([1.0, -2.0, 3.0, 0.0]), np.array([5.0, 5.0, 5.0, 5.0])
        np.testing.assert_array_equal(rules.cautious(d, g, 0.5), [2.0, 0.0, 6.0, 0.0])

    def test_by_a_thousand_at_most(self):
        assert rules.cautious(1.0, 1.0, 0.0) == 1000.0


class TestEpsilonBeforeTheCorrection:
    @PROPERTY
    @given(gradient, st.integers(1, 50))
    def test_adam_with_it_is_the_paper_s_second_form(self, g, t):
        """Kingma and Ba, section 2: the rate times √(1 − β₂ᵗ)/(1 − β₁ᵗ), and m/(√v + ε)."""
        beta1, beta2, eps = 0.9, 0.99, 0.3
        d, m, v = rules.adam(g, 0.2, 1.7, t, beta1, beta2, eps, eps_uncorrected=True)
        assert d == pytest.approx((1 - beta2**t) ** 0.5 / (1 - beta1**t) * m / (v**0.5 + eps), rel=1e-12)

    def test_and_amsgrad(self):
        """m = 2.5, v_max = 25: ½·2.5·2/(5 + 10)·…, at t = 1 with β₁ = ½ and β₂ = ¾."""
        d, *_ = rules.amsgrad(5.0, 0.0, 0.0, 25.0, 1, 0.5, 0.75, 10.0, True)
        assert d == pytest.approx(0.25**0.5 / 0.5 * 2.5 / (5 + 10))


class TestGravesForm:
    def test_epsilon_is_inside_the_root(self):
        """v = ¼·16 = 4, and 4 + 12 = 16 is a square."""
        assert rules.centered_rmsprop(4.0, 0.0, 0.0, 0.5, 12.0, eps_inside=True) == (1.0, 4.0, 2.0)


class TestNesterovAfterScaling:
    def test_the_direction_looks_one_step_ahead(self):
        """r = 4/√4 = 2, b = ½·8 + 2 = 6, d = 2 + ½·6."""
        assert rules.rmsprop_momentum(4.0, 0.0, 8.0, 0.75, 0.5, 0.0, nesterov=True) == (5.0, 4.0, 6.0)
        assert rules.centered_rmsprop_momentum(4.0, 0.0, 0.0, 8.0, 0.5, 0.5, 0.0, nesterov=True) == (5.0, 4.0, 2.0, 6.0)


class TestEpsilonIsAddedToTheRoot:
    """Each example makes the root a whole number; with ε under the root it would be another."""

    def test_in_adagrad(self):
        assert rules.adagrad(3, 16, 7) == (3 / 12, 25)

    def test_in_rmsprop(self):
        assert rules.rmsprop(4.0, 0.0, 0.75, 14.0) == (0.25, 4.0)

    def test_in_rmsprop_with_momentum(self):
        assert rules.rmsprop_momentum(4.0, 0.0, 8.0, 0.75, 0.5, 14.0) == (4.25, 4.0, 4.25)

    def test_in_centered_rmsprop(self):
        assert rules.centered_rmsprop(4.0, 0.0, 0.0, 0.5, 14.0) == (0.25, 4.0, 2.0)

    def test_in_centered_rmsprop_with_momentum(self):
        assert rules.centered_rmsprop_momentum(4.0, 0.0, 0.0, 8.0, 0.5, 0.5, 14.0) == (4.25, 4.0, 2.0, 4.25)

    def test_in_adam_after_bias_correction(self):
        assert rules.adam(5.0, 0.0, 0.0, 1, 0.5, 0.75, 15.0) == (0.25, 2.5, 6.25)

    def test_in_amsgrad_after_bias_correction(self):
        assert rules.amsgrad(5.0, 0.0, 0.0, 25.0, 1, 0.5, 0.75, 10.0) == (0.25, 2.5, 6.25, 25.0)

    @pytest.mark.parametrize(
        ("rule", "arguments"),
        [
            (rules.adagrad, (0.0, 0.0, 1.0)),
            (rules.rmsprop, (0.0, 0.0, 0.9, 1.0)),
            (rules.centered_rmsprop, (0.0, 0.0, 0.0, 0.9, 1.0)),
            (rules.adam, (0.0, 0.0, 0.0, 1, 0.9, 0.99, 1.0)),
        ],
    )
    def test_a_gradient_that_was_always_zero_moves_nothing(self, rule, arguments):
        assert rule(*arguments)[0] == 0
