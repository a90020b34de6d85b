"""The objectives against automatic differentiation and their known minima, and the records of runs on them."""

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rmsprop_lib import rules
from rmsprop_lib.descent import Trajectory, descend, final_losses
from rmsprop_lib.numpy_optim import SGD, AdaGrad, Adam, Optimizer, RMSprop
from rmsprop_lib.problems import Problem, beale, quadratic, ravine, rosenbrock, saddle

PROPERTY = settings(deadline=None, derandomize=True, max_examples=25)

PROBLEMS = {
    "quadratic": quadratic([3.0, 0.5]),
    "turned quadratic": quadratic([100.0, 1.0], angle=0.6),
    "ravine": ravine(50.0, angle=-1.0),
    "rosenbrock": rosenbrock(),
    "beale": beale(),
    "saddle": saddle(),
}
each_problem = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS.keys())
bounded = pytest.mark.parametrize("problem", [PROBLEMS[k] for k in PROBLEMS if k != "saddle"])

coordinates = st.floats(-4, 4).map(lambda x: round(x, 6))
points = st.tuples(coordinates, coordinates).map(np.array)

# The objectives once more, in the operations of Torch, which knows how to differentiate them.
TORCH = {
    "rosenbrock": lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
    "beale": lambda x, y: (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2,
    "saddle": lambda x, y: (x**2 - y**2) / 2,
    "quadratic": lambda x, y: (3 * x**2 + 0.5 * y**2) / 2,
    "turned quadratic": lambda x, y: (
        (100 * (math.cos(0.6) * x + math.sin(0.6) * y) ** 2 + (math.cos(0.6) * y - math.sin(0.6) * x) ** 2) / 2
    ),
    "ravine": lambda x, y: (
        (50 * (math.cos(1) * x - math.sin(1) * y) ** 2 + (math.cos(1) * y + math.sin(1) * x) ** 2) / 2
    ),
}


class TestObjectives:
    @pytest.mark.parametrize("name", PROBLEMS)
    @PROPERTY
    @given(point=points)
    def test_value_and_gradient_are_those_of_automatic_differentiation(self, name, point):
        theta = torch.tensor(point, requires_grad=True)
        value = TORCH[name](theta[0], theta[1])
        value.backward()
        scale = 1 + abs(value.item())
        assert PROBLEMS[name].value(point) == pytest.approx(value.item(), rel=1e-11, abs=1e-11)
        np.testing.assert_allclose(PROBLEMS[name].gradient(point), theta.grad, rtol=1e-10, atol=1e-12 * scale)

    @each_problem
    @PROPERTY
    @given(point=points)
    def test_gradient_is_the_limit_of_central_differences(self, problem, point):
        h = 1e-5
        differences = [(problem.value(point + h * e) - problem.value(point - h * e)) / (2 * h) for e in np.eye(2)]
        gradient = problem.gradient(point)
        scale = 1 + abs(problem.value(point)) + np.abs(gradient).max()
        np.testing.assert_allclose(gradient, differences, atol=1e-6 * scale)

    @bounded
    def test_at_the_minimizer_the_value_is_the_minimum_and_the_gradient_zero(self, problem):
        assert problem.value(problem.minimizer) == pytest.approx(problem.minimum, abs=1e-15)
        np.testing.assert_allclose(problem.gradient(problem.minimizer), 0, atol=1e-13)

    @bounded
    @PROPERTY
    @given(point=points)
    def test_nowhere_is_the_value_below_the_minimum(self, problem, point):
        assert problem.value(point) >= problem.minimum

    def test_the_saddle_has_no_minimum_and_its_gradient_vanishes_at_the_origin(self):
        problem = saddle()
        assert problem.minimizer is None and problem.minimum == -math.inf
        assert problem.value(np.array([0.0, 1e6])) < -1e11
        np.testing.assert_array_equal(problem.gradient(np.zeros(2)), [0, 0])

    @each_problem
    def test_a_batch_of_points_is_each_of_its_points(self, problem):
        batch = np.random.default_rng(0).normal(size=(4, 3, 2))
        values, gradients = problem.value(batch), problem.gradient(batch)
        assert values.shape == (4, 3) and gradients.shape == (4, 3, 2)
        for index in np.ndindex(4, 3):
            np.testing.assert_allclose(values[index], problem.value(batch[index]), rtol=1e-14)
            np.testing.assert_allclose(gradients[index], problem.gradient(batch[index]), rtol=1e-13, atol=1e-13)

    @each_problem
    def test_integer_points_are_points_too(self, problem):
        point = np.array([2, 1])
        assert problem.value(point) == pytest.approx(problem.value(point.astype(float)))
        np.testing.assert_allclose(problem.gradient(point), problem.gradient(point.astype(float)))

    @each_problem
    def test_points_and_start_are_left_alone(self, problem):
        point = np.array([0.3, -0.7])
        problem.value(point)
        problem.gradient(point)[...] = 99
        np.testing.assert_array_equal(point, [0.3, -0.7])
        gradient = problem.gradient(problem.start)
        assert problem.start.shape == (2,) and not np.shares_memory(gradient, problem.start)

    @PROPERTY
    @given(curvatures=st.lists(st.floats(0, 100), min_size=2, max_size=5), angle=st.floats(-4, 4))
    def test_curvatures_are_the_eigenvalues_whatever_the_angle(self, curvatures, angle):
        hessian = quadratic(curvatures, angle).gradient(np.eye(len(curvatures)))
        np.testing.assert_allclose(np.linalg.eigvalsh(hessian), np.sort(curvatures), atol=1e-11)

    def test_an_unturned_quadratic_is_a_sum_along_the_axes(self):
        problem = quadratic([4.0, 1.0, 0.0])
        assert problem.value(np.array([1.0, 2.0, 3.0])) == 4.0
        np.testing.assert_array_equal(problem.gradient(np.array([1.0, 2.0, 3.0])), [4, 2, 0])

    @pytest.mark.parametrize("curvatures", [[-1.0, 1.0], [], [math.nan], [math.inf], 3.0, [[1.0, 2.0]]])
    def test_curvatures_out_of_range_are_refused(self, curvatures):
        with pytest.raises(ValueError, match=r"curvatures=.* is not allowed; it must be a list of numbers, at least 0"):
            quadratic(curvatures)

    def test_a_start_of_another_shape_is_refused(self):
        with pytest.raises(ValueError, match=r"start has shape \(3,\), but curvatures has \(2,\)"):
            quadratic([1.0, 2.0], start=[1.0, 2.0, 3.0])

    def test_a_line_cannot_be_turned(self):
        with pytest.raises(ValueError, match=r"angle=0.5 needs two curvatures or more; got 1"):
            quadratic([1.0], angle=0.5)

    @pytest.mark.parametrize("condition", [-1.0, math.nan])
    def test_a_ravine_with_a_bad_condition_is_refused(self, condition):
        with pytest.raises(ValueError, match="is not allowed"):
            ravine(condition)


def turned(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


class TestTurningTheRavine:
    def test_unturned_it_is_steep_across_and_flat_along_the_second_axis(self):
        np.testing.assert_array_equal(ravine(100.0).gradient(np.ones(2)), [100, 1])

    @PROPERTY
    @given(points, st.floats(-4, 4))
    def test_values_are_equal_at_turned_points_and_gradients_turn_along(self, point, angle):
        plain, other, Q = ravine(30.0), ravine(30.0, angle), turned(angle)
        assert other.value(Q @ point) == pytest.approx(plain.value(point), abs=1e-11)
        np.testing.assert_allclose(other.gradient(Q @ point), Q @ plain.gradient(point), atol=1e-11)
        np.testing.assert_allclose(other.start, Q @ plain.start, atol=1e-14)

    @PROPERTY
    @given(st.floats(-4, 4))
    def test_gradient_descent_does_not_notice(self, angle):
        plain, other = (descend(ravine(30.0, a), SGD(0.05, momentum=0.5), 40) for a in (0.0, angle))
        np.testing.assert_allclose(other.loss, plain.loss, rtol=1e-9, atol=1e-12)

    def test_rmsprop_does(self):
        plain, other = (descend(ravine(100.0, a), RMSprop(0.1), 40) for a in (0.0, math.pi / 4))
        assert abs(other.loss[-1] / plain.loss[-1] - 1) > 0.1


RUNS = {
    "SGD": lambda: SGD(0.01),
    "SGD momentum": lambda: SGD(0.01, momentum=0.9),
    "AdaGrad": lambda: AdaGrad(0.5),
    "RMSprop": lambda: RMSprop(0.05),
    "RMSprop centered momentum": lambda: RMSprop(0.01, centered=True, momentum=0.5),
    "Adam": lambda: Adam(0.05),
}
each_run = pytest.mark.parametrize("make", RUNS.values(), ids=RUNS.keys())


class TestRecordedRuns:
    @each_run
    @pytest.mark.parametrize("problem", [ravine(20.0, 0.3), beale()], ids=["ravine", "beale"])
    def test_rows_agree_with_each_other(self, make, problem):
        run = descend(problem, make(), 25)
        assert run.theta.shape == (26, 2) and run.loss.shape == (26,)
        assert run.gradient.shape == run.step.shape == run.effective_rate.shape == (25, 2)
        np.testing.assert_array_equal(run.theta[0], problem.start)
        np.testing.assert_array_equal(np.diff(run.theta, axis=0), run.step)
        np.testing.assert_allclose(run.loss, problem.value(run.theta), rtol=1e-14)
        np.testing.assert_allclose(run.gradient, problem.gradient(run.theta[:-1]), rtol=1e-13, atol=1e-13)
        assert not run.diverged

    @each_run
    def test_points_are_those_of_the_optimizer_by_itself(self, make):
        problem, optimizer = beale(), make()
        run = descend(problem, make(), 10, start=np.array([0.5, 0.5]))
        params = {"theta": np.array([0.5, 0.5])}
        for t in range(10):
            params = optimizer.update(params, {"theta": problem.gradient(params["theta"])})
            np.testing.assert_array_equal(run.theta[t + 1], params["theta"])
            np.testing.assert_array_equal(run.effective_rate[t], np.broadcast_to(optimizer.effective_rate("theta"), 2))
            for name, arrays in optimizer.state.items():
                np.testing.assert_array_equal(run.accumulators[name][t], arrays["theta"])
        assert run.accumulators.keys() == optimizer.state.keys()

    @pytest.mark.parametrize("optimizer", [RMSprop(0.05), RMSprop(0.05, centered=True), AdaGrad(0.5), SGD(0.01)])
    def test_effective_rate_times_gradient_is_minus_the_step(self, optimizer):
        run = descend(ravine(20.0), optimizer, 30)
        np.testing.assert_allclose(run.effective_rate * run.gradient, -run.step, atol=1e-14)

    @each_run
    def test_no_step_leaves_the_start(self, make):
        run = descend(ravine(), make(), 0)
        np.testing.assert_array_equal(run.theta, [ravine().start])
        assert run.loss.shape == (1,) and run.gradient.shape == run.step.shape == run.effective_rate.shape == (0, 2)

    @each_run
    def test_many_points_run_at_once_as_each_alone(self, make):
        starts = np.random.default_rng(0).normal(size=(3, 4, 2))
        together = descend(ravine(20.0), make(), 12, start=starts)
        assert together.theta.shape == (13, 3, 4, 2) and together.loss.shape == (13, 3, 4)
        assert together.gradient.shape == together.effective_rate.shape == together.step.shape == (12, 3, 4, 2)
        alone = descend(ravine(20.0), make(), 12, start=starts[2, 1])
        np.testing.assert_allclose(together.theta[:, 2, 1], alone.theta, rtol=1e-12)
        np.testing.assert_allclose(together.effective_rate[:, 2, 1], alone.effective_rate, rtol=1e-12)
        for name in alone.accumulators:
            np.testing.assert_allclose(together.accumulators[name][:, 2, 1], alone.accumulators[name], rtol=1e-12)

    def test_the_start_is_left_alone(self):
        problem, start = ravine(), np.array([3, 4])
        descend(problem, SGD(0.01), 3, start=start)
        descend(problem, SGD(0.01), 3)
        assert start.tolist() == [3, 4] and problem.start.tolist() == [1, 10]

    def test_a_diverging_run_ends_where_values_cease_to_be_finite(self):
        run = descend(quadratic([1.0]), SGD(1e60), 50)
        assert run.diverged
        assert 0 < len(run.step) < 50
        assert run.theta.shape[0] == run.loss.shape[0] == len(run.step) + 1
        assert len(run.gradient) == len(run.effective_rate) == len(run.step)
        assert np.isfinite(run.gradient).all() and np.isfinite(run.loss[:-1]).all()
        assert not np.isfinite(run.loss[-1])

    def test_a_run_that_diverges_in_one_point_of_many_ends_for_all(self):
        run = descend(quadratic([1.0, 1.0]), SGD(1e60), 50, start=np.array([[0.0, 0.0], [0.0, 1.0]]))
        assert run.diverged and run.theta.shape[0] < 51

    def test_a_slow_escape_from_the_saddle_is_no_divergence(self):
        run = descend(saddle(), SGD(0.5), 100)
        assert not run.diverged and run.loss[-1] < -1e20

    def test_noise_enters_the_gradient_and_not_the_loss(self):
        problem = ravine()
        seen = []

        def noise(t: int) -> np.ndarray:
            seen.append(t)
            return np.array([t, -t], dtype=float)

        run = descend(problem, SGD(0.01), 5, noise=noise)
        assert seen == [1, 2, 3, 4, 5]
        added = np.array([[t, -t] for t in seen])
        np.testing.assert_allclose(run.gradient, problem.gradient(run.theta[:-1]) + added, rtol=1e-12)
        np.testing.assert_allclose(run.step, -0.01 * run.gradient, rtol=1e-10)
        np.testing.assert_allclose(run.loss, problem.value(run.theta), rtol=1e-14)

    def test_before_step_sets_hyperparameters_for_the_step_that_follows(self):
        def halve(t: int, optimizer: Optimizer) -> None:
            optimizer.learning_rate = 0.02 * 0.5**t

        run = descend(ravine(), SGD(7.0), 4, before_step=halve)
        np.testing.assert_allclose(run.effective_rate, np.repeat([[0.01], [0.005], [0.0025], [0.00125]], 2, axis=1))
        np.testing.assert_allclose(run.step, -run.effective_rate * run.gradient, rtol=1e-10)

    def test_an_accumulator_that_begins_later_has_a_row_for_every_step(self):
        """Momentum switched on at step 3: until then its buffer is as good as zero."""

        def switch(t: int, optimizer: Any) -> None:
            optimizer.momentum = 0.5 if t >= 3 else 0.0

        run = descend(ravine(), SGD(0.001), 5, before_step=switch)
        assert run.accumulators["velocity"].shape == run.gradient.shape
        np.testing.assert_array_equal(run.accumulators["velocity"][:2], 0)
        np.testing.assert_array_equal(run.accumulators["velocity"][2], run.gradient[2])

    def test_an_optimizer_that_has_been_used_is_refused(self):
        optimizer = RMSprop(0.1)
        descend(ravine(), optimizer, 1)
        before = copy.deepcopy(optimizer.__dict__)
        with pytest.raises(ValueError, match="has been used before"):
            descend(ravine(), optimizer, 1)
        assert optimizer.step == before["step"]

    def test_a_negative_number_of_steps_is_refused(self):
        with pytest.raises(ValueError, match=r"steps=-1 is not allowed; it must be at least 0"):
            descend(ravine(), SGD(), -1)

    def test_a_record_cannot_be_reassigned(self):
        run = descend(ravine(), SGD(), 1)
        with pytest.raises(AttributeError):
            run.theta = np.zeros(2)
        assert isinstance(run, Trajectory) and isinstance(ravine(), Problem)


def momentum_rule(t: int, g: np.ndarray, b: Any = 0.0) -> Any:
    return rules.heavy_ball(g, b, 0.8)


class TestFinalLosses:
    def test_without_noise_they_are_the_mean_over_the_last_tenth(self) -> None:
        rates, curvature = np.array([0.1, 0.3]), 2.0
        losses = final_losses(lambda t, g: rules.sgd(g), quadratic([curvature], start=[3.0]), rates, 40, seeds=2)
        theta = 3.0 * (1 - rates[:, None] * curvature) ** np.arange(37, 41)
        expected = (curvature / 2 * theta**2).mean(axis=1)
        np.testing.assert_allclose(losses, np.column_stack([expected, expected]), rtol=1e-12)

    def test_each_rate_and_seed_is_a_run_of_its_own(self) -> None:
        problem, noise = ravine(20.0), np.random.default_rng(1).normal(size=(50, 3, 2))
        losses = final_losses(momentum_rule, problem, np.array([0.001, 0.01]), 50, noise=0.5, seeds=3)
        for i, rate in enumerate((0.001, 0.01)):
            for seed in range(3):
                run = descend(problem, SGD(rate, momentum=0.8), 50, noise=lambda t, k=seed: 0.5 * noise[t - 1, k])
                assert losses[i, seed] == pytest.approx(run.loss[-5:].mean(), rel=1e-10)

    def test_the_step_number_begins_with_one(self) -> None:
        seen = []
        final_losses(lambda t, g: (seen.append(t), rules.sgd(g))[1], quadratic([1.0]), np.array([0.1]), 3)
        assert seen == [1, 2, 3]

    def test_a_run_that_diverges_is_as_bad_as_can_be(self) -> None:
        rates = np.array([0.1, 1e3])
        losses = final_losses(lambda t, g: rules.sgd(g), quadratic([1.0]), rates, 200, seeds=1)
        assert losses[0, 0] < 1 and losses[1, 0] == 1e100

    @pytest.mark.parametrize(("name", "counts"), [("steps", (0, 2)), ("seeds", (5, 0)), ("seeds", (5, -1))])
    def test_counts_have_to_be_positive(self, name: str, counts: tuple[int, int]) -> None:
        steps, seeds = counts
        bad = {"steps": steps, "seeds": seeds}[name]
        with pytest.raises(ValueError, match=f"{name}={bad} is not allowed; it must be at least 1"):
            final_losses(lambda t, g: rules.sgd(g), quadratic([1.0]), np.array([0.1]), steps, seeds=seeds)
