"""The NumPy optimizers: same results as the Torch ones, in place as out of place, and a clear refusal of bad input."""

import copy
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from rmsprop_lib import numpy_optim, torch_optim
from rmsprop_lib.numpy_optim import BLOCK, SGD, AdaGrad, Adam, Optimizer, RMSprop

PROPERTY = settings(deadline=None, derandomize=True, max_examples=12)

rates = st.floats(1e-4, 0.1)
epsilons = st.sampled_from([1e-8, 1e-3, 0.5])
decays = st.floats(0, 0.95)
weight_decays = st.sampled_from([0.0, 0.1, 1.0])

# Every option of every optimizer, and one of each kind by name.
OPTIMIZERS = {
    "SGD": lambda: SGD(0.1),
    "SGD momentum": lambda: SGD(0.1, momentum=0.9),
    "SGD nesterov": lambda: SGD(0.1, momentum=0.9, nesterov=True),
    "AdaGrad": lambda: AdaGrad(0.1),
    "RMSprop": lambda: RMSprop(0.1),
    "RMSprop momentum": lambda: RMSprop(0.1, momentum=0.9),
    "RMSprop centered": lambda: RMSprop(0.1, centered=True),
    "RMSprop centered momentum": lambda: RMSprop(0.1, centered=True, momentum=0.9),
    "Adam": lambda: Adam(0.1),
    "Adam amsgrad": lambda: Adam(0.1, beta2=0.9, amsgrad=True),
    "RMSprop weight decay": lambda: RMSprop(0.1, weight_decay=0.3),
    "AdamW": lambda: Adam(0.1, weight_decay=0.3, decoupled_weight_decay=True),
}
each_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
each_class = pytest.mark.parametrize("cls", [SGD, AdaGrad, RMSprop, Adam], ids=lambda c: c.__name__)


def gradients(shapes: dict[str, tuple[int, ...]], steps: int, seed: int = 0, dtype: Any = float) -> Iterator[Any]:
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        yield {key: rng.normal(0.5, 1, shape).astype(dtype) for key, shape in shapes.items()}


def example(dtype: Any = float) -> tuple[dict[str, np.ndarray], list[dict[str, np.ndarray]]]:
    """Parameters and ten gradients for them: a matrix, a vector and a scalar."""
    shapes = {"matrix": (2, 3), "vector": (4,), "scalar": ()}
    start = next(gradients(shapes, 1, seed=1, dtype=dtype))
    return start, list(gradients(shapes, 10, dtype=dtype))


def assert_equal(a: Any, b: Any, rtol: float = 0.0) -> None:
    assert a.keys() == b.keys()
    for key in a:
        assert a[key].dtype == b[key].dtype and a[key].shape == b[key].shape
        np.testing.assert_allclose(a[key], b[key], rtol=rtol)


def assert_same_inside(a: Optimizer, b: dict[str, Any]) -> None:
    """The optimizer holds exactly what ``b``, a deep copy of its ``__dict__``, holds."""
    inside = dict(a.__dict__)
    state, old = inside.pop("state"), dict(b)
    old_state = old.pop("state")
    assert inside == old
    assert state.keys() == old_state.keys()
    for name in state:
        assert_equal(state[name], old_state[name])


class TestSameResultsAsTheTorchOptimizers:
    @staticmethod
    def assert_agree(ours: Optimizer, theirs: Any, shape: tuple[int, ...], seed: int, dtype: Any, steps: int) -> None:
        rng = np.random.default_rng(seed)
        params = {"w": rng.normal(0, 1, shape).astype(dtype)}
        w = torch.from_numpy(params["w"].copy()).requires_grad_()
        reference = theirs([w])
        for grads in gradients({"w": shape}, steps, seed, dtype):
            params = ours.update(params, grads)
            w.grad = torch.from_numpy(grads["w"])
            reference.step()
        rtol = 1e-11 if dtype == np.float64 else 2e-4
        assert params["w"].dtype == dtype and params["w"].shape == shape
        np.testing.assert_allclose(params["w"], w.detach().numpy(), rtol=rtol, atol=rtol)

    common = given(
        shape=array_shapes(min_dims=0, max_dims=3, max_side=4),
        seed=st.integers(0, 2**31),
        dtype=st.sampled_from([np.float64, np.float64, np.float32]),
        data=st.data(),
    )

    @pytest.mark.parametrize("nesterov", [False, True])
    @settings(PROPERTY, max_examples=8)
    @common
    def test_sgd(self, shape, seed, dtype, data, nesterov):
        lr, momentum = data.draw(rates), data.draw(st.floats(0.1, 0.95) if nesterov else decays)
        decay = data.draw(weight_decays)
        self.assert_agree(
            SGD(lr, momentum, nesterov, weight_decay=decay),
            lambda ps: torch_optim.SGD(ps, lr, momentum, weight_decay=decay, nesterov=nesterov),
            shape, seed, dtype, 200,
        )  # fmt: skip

    @PROPERTY
    @common
    def test_adagrad(self, shape, seed, dtype, data):
        lr, eps, decay = data.draw(rates), data.draw(epsilons), data.draw(weight_decays)
        self.assert_agree(
            AdaGrad(lr, eps, weight_decay=decay),
            lambda ps: torch_optim.AdaGrad(ps, lr, weight_decay=decay, eps=eps),
            shape, seed, dtype, 200,
        )  # fmt: skip

    @settings(PROPERTY, max_examples=25)
    @common
    def test_rmsprop(self, shape, seed, dtype, data):
        lr, eps, centered = data.draw(rates), data.draw(epsilons), data.draw(st.booleans())
        rho = data.draw(st.floats(0.5, 0.99))
        momentum, decay = data.draw(st.just(0.0) | st.floats(0.1, 0.95)), data.draw(weight_decays)
        names = ("eps_inside", "rate_inside", "nesterov", "caution", "decoupled_weight_decay")
        more: dict[str, Any] = {name: data.draw(st.booleans()) for name in names}
        # Corrected and centered, the first variance is 0 and every digit of the first step is ε's.
        more["bias_correction"] = not centered and data.draw(st.booleans())
        more["initial_square"] = 0.0 if more["bias_correction"] else data.draw(st.sampled_from([0.0, 1.0]))
        if more["caution"] and dtype == np.float32:  # a sign that rounding decides is a jump
            more["caution"] = False
        self.assert_agree(
            RMSprop(lr, rho, eps, momentum, centered, weight_decay=decay, **more),
            lambda ps: torch_optim.RMSprop(ps, lr, rho, eps, decay, momentum, centered, **more),
            shape, seed, dtype, 200,
        )  # fmt: skip

    @PROPERTY
    @common
    def test_adam(self, shape, seed, dtype, data):
        lr, eps, amsgrad = data.draw(rates), data.draw(epsilons), data.draw(st.booleans())
        betas = data.draw(decays), data.draw(st.floats(0.5, 0.999))
        decay = dict(weight_decay=data.draw(weight_decays), decoupled_weight_decay=data.draw(st.booleans()))
        self.assert_agree(
            Adam(lr, *betas, eps, amsgrad, **decay),
            lambda ps: torch_optim.Adam(ps, lr, betas, eps, amsgrad=amsgrad, **decay),
            shape, seed, dtype, 200,
        )  # fmt: skip


class TestThreeKnownRuns:
    def test_50_steps_of_rmsprop_on_a_bowl(self):
        optimizer, params = RMSprop(learning_rate=0.1, rho=0.9), {"x": np.array(10.0), "y": np.array(10.0)}
        for _ in range(50):
            params = optimizer.update(params, {key: 2 * value for key, value in params.items()})
        assert f"{params['x']:.8f}" == f"{params['y']:.8f}" == "4.59238901"

    @pytest.mark.parametrize(
        ("optimizer", "loss"), [(RMSprop(learning_rate=0.1), 452.221025), (SGD(learning_rate=0.001), 72.301563)]
    )
    def test_81_steps_in_a_ravine(self, optimizer, loss):
        params = {"theta": np.array([10.0, 10.0])}
        for _ in range(81):
            params = optimizer.update(params, {"theta": np.array([200.0, 2.0]) * params["theta"]})
        assert round(float(np.array([100.0, 1.0]) @ params["theta"] ** 2), 6) == loss

    @pytest.mark.parametrize(("optimizer", "x"), [(RMSprop(0.5, 0.9), "-0.25157148"), (AdaGrad(1.0), "0.03871401")])
    def test_161_steps_on_a_parabola(self, optimizer, x):
        params = {"x": np.array(10.0)}
        for _ in range(161):
            params = optimizer.update(params, {"x": 2 * params["x"]})
        assert f"{params['x']:.8f}" == x


class TestWhatUpdateReturnsAndLeavesAlone:
    @each_optimizer
    def test_arrays_passed_in_are_unchanged_and_those_returned_are_new(self, make):
        optimizer = make()
        params, all_grads = example()
        for grads in all_grads[:3]:
            kept = copy.deepcopy((params, grads))
            for array in (*params.values(), *grads.values()):
                array.flags.writeable = False
            new = optimizer.update(params, grads)
            assert_equal(params, kept[0])
            assert_equal(grads, kept[1])
            others = [*params.values(), *grads.values(), *(a for s in optimizer.state.values() for a in s.values())]
            assert not any(np.shares_memory(array, other) for array in new.values() for other in others)
            params = new

    @each_optimizer
    def test_the_state_shares_no_memory_with_the_gradients(self, make):
        optimizer = make()
        params, (grads, *_) = example()
        optimizer.update(params, grads)
        before = copy.deepcopy(optimizer.__dict__)
        for g in grads.values():
            g[...] = 99
        assert_same_inside(optimizer, before)

    @each_optimizer
    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_dtype_and_shape_of_the_parameters_are_kept_everywhere(self, make, dtype):
        optimizer = make()
        params, all_grads = example(dtype)
        for grads in all_grads[:2]:
            new = optimizer.update(params, {key: g.astype(float) for key, g in grads.items()})
            of_state = np.float32 if dtype == np.float16 else dtype
            for arrays, expected in ((new, dtype), *((arrays, of_state) for arrays in optimizer.state.values())):
                assert all(isinstance(a, np.ndarray) for a in arrays.values())
                assert {k: (a.shape, a.dtype) for k, a in arrays.items()} == {
                    k: (a.shape, expected) for k, a in params.items()
                }
            params = new

    @each_optimizer
    def test_keys_come_back_in_the_order_of_the_parameters(self, make):
        params, (grads, *_) = example()
        assert list(make().update(params, dict(reversed(grads.items())))) == list(params)

    @each_optimizer
    def test_parameters_do_not_influence_each_other(self, make):
        params, (grads, *_) = example()
        together = make().update(params, grads)
        for key in params:
            assert_equal(make().update({key: params[key]}, {key: grads[key]}), {key: together[key]})

    def test_integer_gradients_are_taken(self):
        new = SGD(0.5).update({"w": np.array([1.0, 2.0])}, {"w": np.array([2, 4])})
        np.testing.assert_array_equal(new["w"], [0, 0])

    @each_optimizer
    def test_no_parameters_and_empty_arrays_are_fine(self, make):
        assert make().update({}, {}) == {}
        empty = {"w": np.zeros((0, 3))}
        assert_equal(make().update(empty, empty), empty)
        make().update_(empty, empty)

    @each_optimizer
    def test_a_run_repeats_bit_for_bit(self, make):
        ends = []
        for _ in range(2):
            optimizer = make()
            params, all_grads = example()
            for grads in all_grads:
                params = optimizer.update(params, grads)
            ends.append(params)
        assert_equal(*ends)


class TestInPlace:
    @staticmethod
    def assert_in_place_is_update(make: Any, theta: np.ndarray, grads: list[np.ndarray]) -> None:
        """``update_`` on the very memory of ``theta`` does what ``update`` does on a copy of it."""
        one, other = make(), make()
        params, in_place = {"w": theta.copy()}, {"w": theta}
        for g in grads:
            before = g.copy()
            params = one.update(params, {"w": g})
            assert other.update_(in_place, {"w": g}) is None
            np.testing.assert_array_equal(g, before)
        assert in_place["w"] is theta
        assert_equal(in_place, params, rtol=1e-14)
        assert one.step == other.step and one.state.keys() == other.state.keys()
        for name in one.state:
            assert_equal(other.state[name], one.state[name], rtol=1e-14)

    @staticmethod
    def grads(shape: tuple[int, ...], steps: int = 3) -> list[np.ndarray]:
        return [grads["w"] for grads in gradients({"w": shape}, steps)]

    @each_optimizer
    def test_on_small_arrays_and_scalars(self, make):
        for shape in ((), (1,), (2, 3)):
            self.assert_in_place_is_update(make, np.full(shape, 2.0), self.grads(shape, 20))

    @each_optimizer
    @pytest.mark.parametrize("size", [BLOCK, BLOCK + 1, 2 * BLOCK + 7])
    def test_on_arrays_larger_than_a_block(self, make, size):
        self.assert_in_place_is_update(make, np.linspace(-1, 1, size), self.grads((size,), 2))

    def test_on_a_matrix_whose_rows_do_not_fill_blocks(self):
        shape = (3, BLOCK // 2 + 5)
        self.assert_in_place_is_update(RMSprop, np.ones(shape), self.grads(shape, 2))

    @each_optimizer
    def test_on_fortran_ordered_arrays(self, make):
        self.assert_in_place_is_update(make, np.asfortranarray(np.ones((3, 4))), self.grads((3, 4)))

    @each_optimizer
    def test_on_views_without_touching_what_they_leave_out(self, make):
        whole = np.ones((6, 8))
        self.assert_in_place_is_update(make, whole[::2, 1::3], self.grads((3, 3)))
        left_out = np.ones_like(whole, bool)
        left_out[::2, 1::3] = False
        assert (whole[left_out] == 1).all() and (whole[~left_out] != 1).all()

    @each_optimizer
    def test_with_gradients_in_another_memory_order(self, make):
        grads = [np.asfortranarray(g) for g in self.grads((3, 4))]
        self.assert_in_place_is_update(make, np.ones((3, 4)), grads)
        grads = [np.repeat(g, 2, axis=1)[:, ::2] for g in self.grads((3, 4))]
        self.assert_in_place_is_update(make, np.ones((3, 4)), grads)

    @each_optimizer
    def test_in_single_precision_to_rounding(self, make):
        params, all_grads = example(np.float32)
        one, other = make(), make()
        in_place = copy.deepcopy(params)
        for grads in all_grads:
            params = one.update(params, grads)
            other.update_(in_place, grads)
        assert_equal(in_place, params, rtol=1e-5)

    @each_optimizer
    def test_may_be_mixed_with_update(self, make):
        one, other = make(), make()
        params, all_grads = example()
        mixed = copy.deepcopy(params)
        for t, grads in enumerate(all_grads):
            params = one.update(params, grads)
            if t % 2:
                mixed = other.update(mixed, grads)
            else:
                other.update_(mixed, grads)
        assert_equal(mixed, params, rtol=1e-13)

    def test_the_gradient_may_be_the_parameter_itself(self):
        """∇½θ² = θ, without a copy."""
        theta = np.array([4.0, -2.0])
        SGD(0.25).update_({"w": theta}, {"w": theta})
        np.testing.assert_array_equal(theta, [3, -1.5])

    @each_class
    def test_what_is_no_writeable_array_is_refused(self, cls):
        optimizer = cls()
        good = np.ones(2)
        with pytest.raises(TypeError, match=r"params\['b'\] is a list"):
            optimizer.update_({"a": good, "b": [1.0, 2.0]}, {"a": np.ones(2), "b": np.ones(2)})
        frozen = np.ones(2)
        frozen.flags.writeable = False
        with pytest.raises(ValueError, match=r"params\['b'\] is read-only"):
            optimizer.update_({"a": good, "b": frozen}, {"a": np.ones(2), "b": np.ones(2)})
        assert (good == 1).all() and optimizer.step == {} and optimizer.state == {}


class TestHalfPrecision:
    """float16 is stepped in float32, in which ε = 1e-8 is not 0 and no square is lost, and rounded once."""

    @staticmethod
    def steps(make: Any, theta: np.ndarray, grads: list[np.ndarray], *, in_place: bool) -> tuple[np.ndarray, Optimizer]:
        optimizer, params = make(), {"w": theta.copy()}
        for g in grads:
            if in_place:
                optimizer.update_(params, {"w": g})
            else:
                params = optimizer.update(params, {"w": g})
        return params["w"], optimizer

    @each_optimizer
    @pytest.mark.parametrize("in_place", [False, True])
    @pytest.mark.parametrize("shape", [(), (7,), (BLOCK + 5,)], ids=str)
    def test_each_step_is_that_of_float32_rounded_once(self, make, in_place, shape):
        rng = np.random.default_rng(0)
        half = rng.normal(0, 1, shape).astype(np.float16)
        grads = [(rng.normal(0, 1, shape) * 10.0 ** rng.uniform(-7, 0, shape)).astype(np.float16) for _ in range(2)]
        one, single = make(), make()
        for g in grads:
            expected = {"w": half.astype(np.float32)}
            if in_place:
                single.update_(expected, {"w": g.astype(np.float32)})
                params = {"w": half.copy()}
                one.update_(params, {"w": g})
            else:
                expected = single.update(expected, {"w": g.astype(np.float32)})
                params = one.update({"w": half}, {"w": g})
            assert params["w"].dtype == np.float16
            np.testing.assert_array_equal(params["w"], expected["w"].astype(np.float16))
            for name, arrays in single.state.items():
                assert one.state[name]["w"].dtype == np.float32
                np.testing.assert_array_equal(one.state[name]["w"], arrays["w"])
            half = params["w"]

    @pytest.mark.parametrize("in_place", [False, True])
    def test_so_is_that_of_an_array_large_enough_to_compile_the_rule(self, in_place):
        size = numpy_optim.WORTH_COMPILING
        small = np.random.default_rng(0).normal(0, 1, (2, 1000)).astype(np.float16)
        large = np.tile(small, size // 1000)
        ends = [self.steps(RMSprop, a[0], [a[1]] * 2, in_place=in_place)[0] for a in (small, large)]
        np.testing.assert_array_equal(ends[1], np.tile(ends[0], size // 1000))

    @each_optimizer
    def test_it_is_what_the_torch_optimizer_does(self, make):
        ours = make()
        theirs = {
            "SGD": torch_optim.SGD,
            "AdaGrad": torch_optim.AdaGrad,
            "RMSprop": torch_optim.RMSprop,
            "Adam": torch_optim.Adam,
        }
        options: dict[str, Any] = {"lr": ours.learning_rate, "weight_decay": ours.weight_decay}
        options |= {"eps": ours.epsilon} if hasattr(ours, "epsilon") else {}
        options |= {
            name: getattr(ours, name) for name in ("momentum", "nesterov", "centered", "amsgrad") if hasattr(ours, name)
        }
        options |= {"alpha": ours.rho} if isinstance(ours, RMSprop) else {}
        if isinstance(ours, Adam):
            options |= {"betas": (ours.beta1, ours.beta2), "decoupled_weight_decay": ours.decoupled_weight_decay}
        params, all_grads = example(np.float16)
        w = torch.from_numpy(params["matrix"].copy()).requires_grad_()
        reference = theirs[type(ours).__name__]([w], **options)
        for grads in all_grads:
            params = ours.update(params, grads)
            w.grad = torch.from_numpy(grads["matrix"])
            reference.step()
        np.testing.assert_allclose(params["matrix"], w.detach().numpy(), rtol=2e-3, atol=1e-4)

    @pytest.mark.parametrize("make", [AdaGrad, RMSprop, Adam])
    @pytest.mark.parametrize("in_place", [False, True])
    def test_at_the_default_epsilon_no_step_is_infinite_or_nan(self, make, in_place):
        """In float16 the square of 1e-5 is 0, and so is ε."""
        grads = [np.array([0.0, 1e-5, 6e-8, 1.0], np.float16)] * 3
        w, optimizer = self.steps(make, np.ones(4, np.float16), grads, in_place=in_place)
        assert np.isfinite(w).all() and w[0] == 1
        rate = optimizer.effective_rate("w")
        assert rate.dtype == np.float32 and np.isfinite(rate).all()

    def test_an_average_moves_by_less_than_float16_has(self):
        """With ρ = 0.9999 the average of squares of 1 takes in 1e-4 a step; in float16 it would stop at 0.2."""
        optimizer = RMSprop(rho=0.9999)
        for _ in range(5000):
            optimizer.update_({"w": np.ones(1, np.float16)}, {"w": np.ones(1, np.float16)})
        np.testing.assert_allclose(optimizer.cache["w"], 1 - 0.9999**5000, rtol=1e-3)

    @pytest.mark.parametrize(
        ("dtype", "of_state"), [(np.float16, np.float16), (np.float16, np.float64), (np.float32, np.float64)]
    )
    def test_a_state_of_another_precision_goes_on_in_that_of_the_arithmetic(self, dtype, of_state):
        optimizer, w = RMSprop(), np.ones(2, dtype)
        optimizer.update({"w": w}, {"w": w})
        for _ in range(2):
            optimizer.state["cache"]["w"] = optimizer.state["cache"]["w"].astype(of_state)
            new = optimizer.update({"w": w}, {"w": w})
            assert new["w"].dtype == dtype and optimizer.cache["w"].dtype == np.float32
            optimizer.state["cache"]["w"] = optimizer.state["cache"]["w"].astype(of_state)
            optimizer.update_({"w": new["w"]}, {"w": w})
            assert optimizer.cache["w"].dtype == np.float32

    def test_a_gradient_that_is_too_large_for_float16_is_taken(self):
        new = SGD(1e-5).update({"w": np.zeros(1, np.float16)}, {"w": np.array([1e5])})
        np.testing.assert_array_equal(new["w"], [-1])

    def test_long_double_stays_as_it_is(self):
        params, all_grads = example(np.longdouble)
        optimizer = RMSprop(0.1, epsilon=1e-30)
        for grads in all_grads:
            params = optimizer.update(params, grads)
            optimizer.update_(params, grads)
        assert {a.dtype for a in (*params.values(), *optimizer.cache.values())} == {np.dtype(np.longdouble)}


class TestStateAndEffectiveRate:
    def test_cache_of_adagrad_is_the_sum_of_squares(self):
        optimizer = AdaGrad()
        for g in (3.0, 4.0):
            optimizer.update({"w": np.zeros(1)}, {"w": np.array([g])})
        np.testing.assert_array_equal(optimizer.cache["w"], [25])

    def test_cache_of_rmsprop_is_the_moving_average_of_squares(self):
        optimizer = RMSprop(rho=0.75)
        for g in (4.0, 8.0):
            optimizer.update({"w": np.zeros(1)}, {"w": np.array([g])})
        np.testing.assert_array_equal(optimizer.cache["w"], [0.75 * 4 + 16])

    def test_cache_of_centered_rmsprop_is_the_moving_variance(self):
        optimizer = RMSprop(rho=0.5, centered=True)
        for g in (4.0, 8.0):
            optimizer.update({"w": np.zeros(1)}, {"w": np.array([g])})
        mean, squares = 0.25 * 4 + 0.5 * 8, 0.25 * 16 + 0.5 * 64
        np.testing.assert_array_equal(optimizer.state["mean"]["w"], [mean])
        np.testing.assert_array_equal(optimizer.cache["w"], [squares - mean**2])

    def test_cache_of_adam_is_the_average_of_squares_before_bias_correction(self):
        optimizer = Adam(beta1=0.5, beta2=0.75)
        optimizer.update({"w": np.zeros(1)}, {"w": np.array([4.0])})
        np.testing.assert_array_equal(optimizer.cache["w"], [4])
        np.testing.assert_array_equal(optimizer.state["mean"]["w"], [2])

    def test_cache_of_gradient_descent_is_empty(self):
        optimizer = SGD(momentum=0.5)
        optimizer.update({"w": np.zeros(1)}, {"w": np.ones(1)})
        assert optimizer.cache == {}
        np.testing.assert_array_equal(optimizer.state["velocity"]["w"], [1])

    @each_optimizer
    def test_state_is_empty_before_the_first_step(self, make):
        optimizer = make()
        assert optimizer.state == {} and optimizer.cache == {} and optimizer.step == {}

    @each_optimizer
    def test_steps_are_counted_per_parameter(self, make):
        optimizer = make()
        for keys in ("a", "ab", "ab"):
            optimizer.update({key: np.ones(1) for key in keys}, {key: np.ones(1) for key in keys})
        assert optimizer.step == {"a": 3, "b": 2}

    def test_bias_correction_of_a_late_parameter_starts_with_it(self):
        optimizer = Adam(0.5, epsilon=0.0)
        for _ in range(5):
            optimizer.update({"a": np.ones(1)}, {"a": np.ones(1)})
        new = optimizer.update({"b": np.ones(1)}, {"b": np.full(1, 7.0)})
        np.testing.assert_allclose(new["b"], [0.5])

    @each_optimizer
    def test_effective_rate_has_shape_and_dtype_of_the_parameter(self, make):
        optimizer = make()
        params, (grads, *_) = example(np.float32)
        optimizer.update(params, grads)
        for key, theta in params.items():
            rate = optimizer.effective_rate(key)
            assert isinstance(rate, np.ndarray)
            assert (rate.shape, rate.dtype) == (theta.shape, theta.dtype)

    @pytest.mark.parametrize("make", [lambda: SGD(0.1), lambda: AdaGrad(0.1, 0.5), lambda: RMSprop(0.1, epsilon=0.5)])
    def test_effective_rate_times_gradient_is_the_step(self, make):
        optimizer = make()
        params, all_grads = example()
        for grads in all_grads:
            new = optimizer.update(params, grads)
            for key in params:
                expected = params[key] - optimizer.effective_rate(key) * grads[key]
                np.testing.assert_allclose(new[key], expected, rtol=1e-13)
            params = new

    @pytest.mark.parametrize("amsgrad", [False, True])
    def test_effective_rate_of_adam_times_the_corrected_average_is_the_step(self, amsgrad):
        optimizer = Adam(0.1, 0.5, 0.75, epsilon=0.5, amsgrad=amsgrad)
        params, all_grads = example()
        for t, grads in enumerate(all_grads, start=1):
            new = optimizer.update(params, grads)
            for key in params:
                m_hat = optimizer.state["mean"][key] / (1 - 0.5**t)
                np.testing.assert_allclose(new[key], params[key] - optimizer.effective_rate(key) * m_hat, rtol=1e-13)
            params = new

    def test_effective_rate_of_centered_rmsprop_divides_by_the_deviation(self):
        optimizer = RMSprop(0.3, 0.5, epsilon=14.0, centered=True)
        optimizer.update({"w": np.zeros(1)}, {"w": np.array([4.0])})
        np.testing.assert_allclose(optimizer.effective_rate("w"), [0.3 / 16])

    @each_class
    def test_effective_rate_of_an_unknown_parameter_is_refused(self, cls):
        optimizer = cls()
        optimizer.update({"a": np.ones(1)}, {"a": np.ones(1)})
        with pytest.raises(KeyError, match=r"no update of 'b' yet; updated so far: \['a'\]"):
            optimizer.effective_rate("b")

    @each_optimizer
    def test_a_copy_goes_on_as_the_original_and_apart_from_it(self, make):
        optimizer = make()
        params, all_grads = example()
        params = optimizer.update(params, all_grads[0])
        twin = copy.deepcopy(optimizer)
        before = copy.deepcopy(optimizer.__dict__)
        of_twin = twin.update(params, all_grads[1])
        assert_same_inside(optimizer, before)
        assert_equal(optimizer.update(params, all_grads[1]), of_twin)


class TestSchedules:
    def test_a_rate_assigned_between_steps_is_used_from_the_next_on(self):
        optimizer, params = SGD(1.0), {"w": np.array([10.0])}
        params = optimizer.update(params, {"w": np.array([1.0])})
        optimizer.learning_rate = 0.5
        params = optimizer.update(params, {"w": np.array([1.0])})
        np.testing.assert_array_equal(params["w"], [8.5])

    def test_decay_one_minus_one_over_t_makes_adagrad_of_rmsprop(self):
        params, all_grads = example()
        of_adagrad, adagrad, rmsprop = params, AdaGrad(0.1, 0.0), RMSprop(epsilon=0.0)
        for t, grads in enumerate(all_grads, start=1):
            rmsprop.rho, rmsprop.learning_rate = 1 - 1 / t, 0.1 / math.sqrt(t)
            of_adagrad = adagrad.update(of_adagrad, grads)
            params = rmsprop.update(params, grads)
        assert_equal(params, of_adagrad, rtol=1e-12)

    @pytest.mark.parametrize("cls", [SGD, RMSprop])
    def test_momentum_may_be_switched_on_between_steps(self, cls):
        """The buffer then starts from zero: the first step with it is the step without."""
        params, all_grads = example()
        switched, plain = cls(0.1), cls(0.1)
        for grads in all_grads[:3]:
            assert_equal(switched.update(params, grads), plain.update(params, grads))
        switched.momentum = 0.9
        first = switched.update(params, all_grads[3])
        assert_equal(first, plain.update(params, all_grads[3]))
        second, without = switched.update(params, all_grads[4]), plain.update(params, all_grads[4])
        for key in params:
            travelled = 0.9 * (params[key] - first[key])
            np.testing.assert_allclose(second[key], without[key] - travelled, rtol=1e-12)

    @pytest.mark.parametrize("cls", [SGD, RMSprop])
    def test_momentum_may_be_switched_off_between_steps(self, cls):
        params, (grads, *_) = example()
        switched, plain = cls(0.1, momentum=0.9), cls(0.1)
        for optimizer in (switched, plain):
            optimizer.update(params, grads)
        switched.momentum = 0
        assert_equal(switched.update(params, grads), plain.update(params, grads))


HYPERPARAMETERS = [
    (SGD, "learning_rate", False), (SGD, "momentum", True),
    (AdaGrad, "learning_rate", False), (AdaGrad, "epsilon", False),
    (RMSprop, "learning_rate", False), (RMSprop, "rho", True), (RMSprop, "epsilon", False), (RMSprop, "momentum", True),
    (SGD, "weight_decay", False), (Adam, "weight_decay", False),
    (Adam, "learning_rate", False), (Adam, "beta1", True), (Adam, "beta2", True), (Adam, "epsilon", False),
]  # fmt: skip
each_hyperparameter = pytest.mark.parametrize(
    ("cls", "name", "decay"), [pytest.param(*h, id=f"{h[0].__name__} {h[1]}") for h in HYPERPARAMETERS]
)


def refused(optimizer: Optimizer, params: Any, grads: Any, error: type[Exception], match: str) -> None:
    """Both ways of stepping refuse, with a message that matches, and leave optimizer and parameters as they were."""
    before = copy.deepcopy((optimizer.__dict__, params))
    for step in (optimizer.update, optimizer.update_):
        with pytest.raises(error, match=match):
            step(params, grads)
        assert_same_inside(optimizer, before[0])
        for key in params:
            np.testing.assert_array_equal(params[key], before[1][key])


def used(make: Any = RMSprop) -> Optimizer:
    """An optimizer with a step behind it for the parameters ``good`` and ``w``."""
    optimizer = make()
    optimizer.update({"good": np.ones(2), "w": np.ones(3)}, {"good": np.ones(2), "w": np.ones(3)})
    return optimizer


class TestRefusals:
    @each_hyperparameter
    def test_numbers_out_of_range(self, cls, name, decay):
        allowed = r"in \[0, 1\)" if decay else "a finite number, at least 0"
        for value in (-0.1, math.nan, math.inf, *([1.0, 1.5] if decay else [])):
            with pytest.raises(ValueError, match=f"{name}={value!r} is not allowed; it must be {allowed}"):
                cls(**{name: value})
            optimizer = cls()
            before = copy.deepcopy(optimizer.__dict__)
            with pytest.raises(ValueError, match=f"{name}={value!r}"):
                setattr(optimizer, name, value)
            assert_same_inside(optimizer, before)

    @each_hyperparameter
    @pytest.mark.parametrize("value", ["0.1", True, None, 1j, [0.1]])
    def test_what_is_no_number(self, cls, name, decay, value):
        with pytest.raises(TypeError) as info:
            cls(**{name: value})
        allowed = "a number in [0, 1)" if decay else "a finite number, at least 0"
        assert str(info.value) == f"{name}={value!r} is a {type(value).__name__}; it must be {allowed}"
        optimizer = cls()
        before = copy.deepcopy(optimizer.__dict__)
        with pytest.raises(TypeError, match=name):
            setattr(optimizer, name, value)
        assert_same_inside(optimizer, before)

    @each_hyperparameter
    def test_numbers_of_other_types_are_taken(self, cls, name, decay):
        for value in (0, np.float32(0.5), np.float64(0.5), np.int64(0)):
            optimizer = cls(**{name: value})
            assert type(getattr(optimizer, name)) is float and getattr(optimizer, name) == value

    @each_optimizer
    def test_a_missing_key(self, make):
        refused(
            used(make), {"good": np.ones(2), "w": np.ones(3)}, {"good": np.ones(2)}, ValueError, r"grads lacks \['w'\]"
        )

    @each_optimizer
    def test_an_unknown_key(self, make):
        grads = {"good": np.ones(2), "b": np.ones(3)}
        refused(used(make), {"good": np.ones(2)}, grads, ValueError, r"grads has \['b'\], which params has not")

    @each_class
    def test_names_of_several_types(self, cls):
        """They cannot be sorted, so they are named in their order."""
        refused(
            cls(), {"w": np.ones(2), 1: np.ones(2)}, {"b": np.ones(2), 1: np.ones(2)},
            ValueError, r"grads lacks \['w'\]; params has \['w', 1\]",
        )  # fmt: skip
        refused(
            cls(), {1: np.ones(2), "w": np.ones(2)}, {2: np.ones(2), "b": np.ones(2), 1: np.ones(2), "w": np.ones(2)},
            ValueError, r"grads has \[2, 'b'\], which params has not; params has \[1, 'w'\]",
        )  # fmt: skip
        optimizer = cls()
        optimizer.update({"w": np.ones(2), 1: np.ones(2)}, {"w": np.ones(2), 1: np.ones(2)})
        with pytest.raises(KeyError, match=r"no update of 2 yet; updated so far: \['w', 1\]"):
            optimizer.effective_rate(2)

    @each_class
    @pytest.mark.parametrize("given", [[np.ones(2)], np.ones(2), None, ("w",)], ids=["list", "array", "None", "tuple"])
    def test_what_is_no_dict(self, cls, given):
        kind = type(given).__name__
        for params, grads, name in ((given, {"w": np.ones(2)}, "params"), ({"w": np.ones(2)}, given, "grads")):
            for step in (cls().update, cls().update_):
                with pytest.raises(TypeError, match=f"^{name} is a {kind}; it must be a dict of arrays by name$"):
                    step(params, grads)

    @each_optimizer
    def test_a_gradient_that_is_none(self, make):
        refused(
            used(make), {"good": np.ones(2), "w": np.ones(3)}, {"good": np.ones(2), "w": None},
            TypeError, r"grads\['w'\] is None; where there is no gradient, leave 'w' out of params and grads",
        )  # fmt: skip

    @each_class
    def test_rows_of_several_lengths(self, cls):
        ragged = [[1.0], [2.0, 3.0]]
        for params, grads, name in (
            ({"w": ragged}, {"w": np.ones(2)}, "params"),
            ({"w": np.ones(2)}, {"w": ragged}, "grads"),
        ):
            with pytest.raises(ValueError, match=rf"^{name}\['w'\] is no array of numbers: .*inhomogeneous"):
                cls().update(params, grads)

    @each_optimizer
    def test_shapes_that_differ(self, make):
        refused(
            used(make), {"good": np.ones(2), "w": np.ones(3)}, {"good": np.ones(2), "w": np.ones((3, 1))},
            ValueError, r"grads\['w'\] has shape \(3, 1\), but params\['w'\] has \(3,\)",
        )  # fmt: skip

    @pytest.mark.parametrize("make", [v for k, v in OPTIMIZERS.items() if k != "SGD"])
    def test_a_shape_that_changed_between_steps(self, make):
        refused(
            used(make), {"good": np.ones(2), "w": np.ones(4)}, {"good": np.ones(2), "w": np.ones(4)},
            ValueError, r"params\['w'\] has shape \(4,\), but its \w+ has \(3,\)",
        )  # fmt: skip

    @each_optimizer
    @pytest.mark.parametrize("dtype", [np.int64, bool, complex])
    def test_parameters_that_are_not_floating(self, make, dtype):
        refused(
            used(make), {"good": np.ones(2), "w": np.ones(3, dtype)}, {"good": np.ones(2), "w": np.ones(3)},
            TypeError, rf"params\['w'\] has dtype {np.dtype(dtype)}; it must be floating",
        )  # fmt: skip

    @each_optimizer
    @pytest.mark.parametrize("dtype", [complex, bool, object, "U1"])
    def test_gradients_that_are_not_real_numbers(self, make, dtype):
        refused(
            used(make), {"good": np.ones(2), "w": np.ones(3)}, {"good": np.ones(2), "w": np.ones(3).astype(dtype)},
            TypeError, r"grads\['w'\] has dtype .*; it must be real and numeric",
        )  # fmt: skip

    @each_optimizer
    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_gradients_that_are_not_finite(self, make, value):
        refused(
            used(make), {"good": np.ones(2), "w": np.ones(3)}, {"good": np.ones(2), "w": np.array([1.0, 2.0, value])},
            ValueError, rf"grads\['w'\] is {value} at index \(2,\); gradients must be finite",
        )  # fmt: skip

    @each_optimizer
    def test_gradients_that_are_finite_only_in_a_wider_type(self, make):
        """1e300 is no float32: converted to the type of the parameter it is infinite."""
        refused(
            used(make), {"good": np.ones(2), "v": np.ones(1, np.float32)}, {"good": np.ones(2), "v": np.array([1e300])},
            ValueError, r"grads\['v'\].*finite",
        )  # fmt: skip

    @pytest.mark.parametrize(
        "make", [lambda: AdaGrad(epsilon=0), lambda: RMSprop(epsilon=0), lambda: RMSprop(epsilon=0, centered=True),
                 lambda: RMSprop(epsilon=0, momentum=0.9), lambda: Adam(epsilon=0)],
    )  # fmt: skip
    def test_a_step_of_zero_by_zero(self, make):
        optimizer = used(make)
        before = copy.deepcopy(optimizer.__dict__)
        with pytest.raises(ValueError, match="the step of 'new' is 0/0: with epsilon=0 a gradient may not be zero"):
            optimizer.update({"good": np.ones(2), "new": np.ones(2)}, {"good": np.ones(2), "new": np.array([1.0, 0.0])})
        assert_same_inside(optimizer, before)

    @pytest.mark.parametrize("make", [AdaGrad, RMSprop, Adam])
    def test_a_square_that_vanishes_where_epsilon_is_zero(self, make):
        """1e-200 squared is 0, and the step 1e-200/0."""
        optimizer = make(epsilon=0)
        with pytest.raises(ValueError, match="the step of 'w' is infinite: with epsilon=0 the square of a gradient"):
            optimizer.update({"w": np.ones(1)}, {"w": np.array([1e-200])})
        assert optimizer.state == {} and optimizer.step == {}

    @pytest.mark.parametrize("make", [AdaGrad, RMSprop, Adam])
    @pytest.mark.parametrize("size", [2, numpy_optim.WORTH_COMPILING])
    def test_an_epsilon_that_vanishes_in_the_dtype_is_said_as_what_it_is(self, make, size):
        said = "epsilon=1e-50, which is 0 in float32,"
        for dtype in (np.float16, np.float32):
            with pytest.raises(ValueError, match=f"the step of 'w' is 0/0: with {said} a gradient may not be zero"):
                make(epsilon=1e-50).update({"w": np.ones(size, dtype)}, {"w": np.zeros(size)})

    def test_what_overflows_is_not_laid_to_epsilon(self):
        said = r"the step of 'w' cannot be computed in float64, where what is above 1.8e\+308 is infinite"
        with pytest.warns(RuntimeWarning, match="overflow"), pytest.raises(ValueError, match=said):
            RMSprop(weight_decay=10).update({"w": np.full(1, 1e308)}, {"w": np.ones(1)})

    @each_optimizer
    def test_with_epsilon_a_gradient_that_was_always_zero_moves_nothing(self, make):
        optimizer = make()
        optimizer.weight_decay = 0
        new = optimizer.update({"w": np.array([3.0])}, {"w": np.zeros(1)})
        np.testing.assert_array_equal(new["w"], [3])

    def test_without_the_check_nan_enters_the_state_and_stays(self):
        optimizer = RMSprop(check_finite=False)
        params = {"w": np.array([1.0, 2.0])}
        for g in ([math.nan, 1.0], [1.0, 1.0]):
            params = optimizer.update(params, {"w": np.array(g)})
        assert np.isnan(params["w"]).tolist() == [True, False]
        assert np.isnan(optimizer.cache["w"]).tolist() == [True, False]

    def test_what_has_no_rule_cannot_be_made(self):
        with pytest.raises(TypeError, match="abstract"):
            numpy_optim.Optimizer(0.1, True)
