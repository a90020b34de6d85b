"""The compiled rules do what the rules do, to many arrays at once, and touch nothing else."""

import platform
import re
import sys
from typing import Any

import numba
import numpy as np
import pytest

from rmsprop_lib import rules
from rmsprop_lib.compiled import arrays, cpu
from rmsprop_lib.compiled.kernels import RisingDecay, WorkList, kinds_and_numbers
from rmsprop_lib.compiled.sorting import disjoint
from rmsprop_lib.numpy_optim import SGD, AdaGrad, Adam, RMSprop

# Each rule with its number of accumulators and what it is given after them; t and eta are set by the step.
RULES: dict[str, tuple[Any, int, tuple[Any, ...]]] = {
    "sgd": (rules.sgd, 0, ()),
    "heavy_ball": (rules.heavy_ball, 1, (0.9, 0.25)),
    "heavy_ball nesterov": (rules.heavy_ball, 1, (0.9, 0.0, True)),
    "adagrad": (rules.adagrad, 1, (0.1,)),
    "rmsprop": (rules.rmsprop, 1, (0.9, 0.1)),
    "rmsprop, epsilon inside": (rules.rmsprop, 1, (0.9, 0.1, True)),
    "rmsprop_momentum": (rules.rmsprop_momentum, 2, (0.9, 0.8, 0.1)),
    "rmsprop_momentum nesterov": (rules.rmsprop_momentum, 2, (0.9, 0.8, 0.1, True)),
    "centered_rmsprop": (rules.centered_rmsprop, 2, (0.9, 0.1)),
    "centered_rmsprop, epsilon inside": (rules.centered_rmsprop, 2, (0.9, 0.1, True)),
    "centered_rmsprop_momentum": (rules.centered_rmsprop_momentum, 3, (0.9, 0.8, 0.1)),
    "heavy_ball_rate_inside": (rules.heavy_ball_rate_inside, 1, ("eta", 0.9, True)),
    "rmsprop_momentum_rate_inside": (rules.rmsprop_momentum_rate_inside, 2, ("eta", 0.9, 0.8, 0.1)),
    "centered_rmsprop_momentum_rate_inside": (
        rules.centered_rmsprop_momentum_rate_inside,
        3,
        ("eta", 0.9, 0.8, 0.1, True, True),
    ),
    "rmsprop, corrected": (rules.rmsprop, 1, (RisingDecay(0.9), 0.1)),
    "centered_rmsprop, corrected": (rules.centered_rmsprop, 2, (RisingDecay(0.9), 0.1)),
    "adam, epsilon uncorrected": (rules.adam, 2, ("t", 0.9, 0.999, 0.1, True)),
    "adam": (rules.adam, 2, ("t", 0.9, 0.999, 0.1)),
    "amsgrad": (rules.amsgrad, 3, ("t", 0.9, 0.5, 0.1)),
}
each_rule = pytest.mark.parametrize(("rule", "states", "arguments"), RULES.values(), ids=RULES.keys())
SIZES = (cpu.BLOCK + 3, 0, 1, 7)


_addressed: list[tuple[list[np.ndarray], ...]] = []


def table_of(*rows: list[np.ndarray]) -> np.ndarray:
    _addressed.append(rows)  # an address does not keep its array alive
    return np.array([[a.ctypes.data for a in row] for row in rows], np.int64)


RATE = 0.1


def at_step(arguments: tuple[Any, ...], t: int) -> tuple[Any, ...]:
    """What the rule itself is given at a step."""
    known = {"t": t, "eta": RATE}
    return tuple(
        rules.rising_decay(a.rho, t) if isinstance(a, RisingDecay) else known.get(a, a) if isinstance(a, str) else a
        for a in arguments
    )


def opened(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """What the kernel is given: it takes the step and the rate from elsewhere."""
    return tuple(1.0 if isinstance(a, str) else a for a in arguments)


class TestTheKernel:
    @each_rule
    @pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-14), ("float32", 2e-6)])
    def test_does_what_the_rule_does_to_whole_arrays(
        self, rule: Any, states: int, arguments: tuple[Any, ...], dtype: str, rtol: float
    ) -> None:
        rng = np.random.default_rng(0)
        params = [rng.normal(size=n).astype(dtype) for n in SIZES]
        state = [[np.zeros(n, dtype) for n in SIZES] for _ in range(states)]
        expected = [(p.astype(float), *(np.zeros(p.size) for _ in range(states))) for p in params]
        for t in (1, 2, 3):
            grads = [(0.5 + rng.normal(size=n)).astype(dtype) for n in SIZES]
            before = [g.copy() for g in grads]
            steps = np.full(len(SIZES), float(t))
            table, work = table_of(params, grads, *state), WorkList(SIZES, cpu.BLOCK)
            cpu.step(rule, opened(arguments), table, work, steps, dtype, RATE)
            for i, (p, *s) in enumerate(expected):
                d, *s = rule(grads[i].astype(float), *s, *at_step(arguments, t))
                expected[i] = p - (d if "eta" in arguments else RATE * d), *s
            assert all((a == b).all() for a, b in zip(grads, before, strict=True))
        for i, (p, *s) in enumerate(expected):
            np.testing.assert_allclose(params[i], p, rtol=rtol, atol=rtol)
            for k in range(states):
                np.testing.assert_allclose(state[k][i], s[k], rtol=10 * rtol, atol=rtol)

    def test_each_array_has_its_own_step_number(self) -> None:
        params, grads = [np.zeros(3), np.zeros(2)], [np.ones(3), np.ones(2)]
        state = [[np.full(a.size, x) for a in params] for x in (0.5, 0.25)]
        steps = np.array([1.0, 7.0])
        table = table_of(params, grads, *state)
        cpu.step(rules.adam, (1, 0.9, 0.99, 0.1), table, WorkList([3, 2], cpu.BLOCK), steps, "float64", 1.0)
        for p, t in zip(params, (1, 7), strict=True):
            np.testing.assert_allclose(p, -rules.adam(1.0, 0.5, 0.25, t, 0.9, 0.99, 0.1)[0], rtol=1e-14)

    @pytest.mark.parametrize("maximize", [False, True])
    @pytest.mark.parametrize("decoupled", [False, True])
    def test_weight_decay_and_ascent(self, decoupled: bool, maximize: bool) -> None:
        p, g, v = np.array([2.0, -3.0]), np.array([1.0, 4.0]), np.array([0.5, 0.25])
        params, state = [p.copy()], [v.copy()]
        options = dict(weight_decay=0.3, decoupled=decoupled, maximize=maximize)
        table = table_of(params, [g], state)
        cpu.step(rules.rmsprop, (0.9, 0.1), table, WorkList([2], cpu.BLOCK), np.ones(1), "float64", 0.1, **options)
        signed = -g if maximize else g
        d, expected_v = rules.rmsprop(signed if decoupled else signed + 0.3 * p, v, 0.9, 0.1)
        d = rules.decoupled_weight_decay(d, p, 0.3) if decoupled else d
        np.testing.assert_allclose(params[0], p - 0.1 * d, rtol=1e-14)
        np.testing.assert_allclose(state[0], expected_v, rtol=1e-14)

    def test_written_elsewhere_it_leaves_its_inputs_alone(self) -> None:
        p, g, v = np.arange(5.0), np.ones(5), np.full(5, 0.5)
        copies = p.copy(), v.copy()
        new_p, new_v = np.empty(5), np.empty(5)
        table = table_of([p], [g], [v], [new_p], [new_v])
        cpu.step(rules.rmsprop, (0.9, 0.1), table, WorkList([5], cpu.BLOCK), np.ones(1), "float64", 0.1, in_place=False)
        assert (p == copies[0]).all() and (v == copies[1]).all()
        d, expected_v = rules.rmsprop(g, v, 0.9, 0.1)
        np.testing.assert_allclose(new_p, p - 0.1 * d, rtol=1e-14)
        np.testing.assert_allclose(new_v, expected_v, rtol=1e-14)

    def test_single_precision_keeps_what_one_minus_the_decay_is(self) -> None:
        """1 − 0.999 rounded after the subtraction, not before: 5e-5 of the first average depend on it."""
        g, state = np.ones(1, np.float32), [np.zeros(1, np.float32) for _ in range(2)]
        table = table_of([np.zeros(1, np.float32)], [g], *([a] for a in state))
        cpu.step(rules.adam, (1, 0.9, 0.999, 1e-8), table, WorkList([1], cpu.BLOCK), np.ones(1), "float32", 1e-3)
        np.testing.assert_allclose(state[1], 0.001, rtol=1e-7)

    def test_new_numbers_compile_nothing(self) -> None:
        table = table_of([np.zeros(1)], [np.ones(1)], [np.zeros(1)])
        work, steps = WorkList([1], cpu.BLOCK), np.ones(1)
        cpu.step(rules.rmsprop, (0.9, 0.1), table, work, steps, "float64", 0.1)
        before = cpu._kernel.cache_info().misses
        (kernel,) = {cpu._kernel(rules.rmsprop, 1, ("decay", "value"), "float64", "none", False, True, True)}
        compiled = len(kernel.signatures)
        for eta, rho in ((0.2, 0.5), (1, 0), (1e-30, 0.999)):
            cpu.step(rules.rmsprop, (rho, 0.2), table, work, steps, "float64", eta)
        assert cpu._kernel.cache_info().misses == before and len(kernel.signatures) == compiled == 1

    def test_a_limit_of_threads_holds_for_its_call_only(self) -> None:
        before = numba.get_num_threads()
        table = table_of([np.zeros(1)], [np.ones(1)], [np.zeros(1)])
        given = rules.adagrad, (0.1,), table, WorkList([1], cpu.BLOCK), np.ones(1), "float64", 0.1
        cpu.step(*given, threads=1)
        assert numba.get_num_threads() == before
        cpu.step(*given, threads=10_000)
        assert numba.get_num_threads() == before

    @pytest.mark.parametrize("threads", [1, None])
    def test_a_division_by_zero_gives_what_numpy_gives(self, threads: int | None) -> None:
        p, g, v = np.ones(3, np.float32), np.array([0, 1, -2], np.float32), np.zeros(3, np.float32)
        table, work = table_of([p], [g], [v]), WorkList([3], cpu.BLOCK)
        cpu.step(rules.rmsprop, (0.0, 0.0), table, work, np.ones(1), "float32", 0.5, threads=threads)
        np.testing.assert_array_equal(p, np.array([np.nan, 0.5, 1.5], np.float32))

    @pytest.mark.skipif(platform.machine() != "x86_64", reason="the names of its instructions")
    @pytest.mark.parametrize("parallel", [True, False])
    def test_several_elements_are_stepped_at_once(self, parallel: bool) -> None:
        kinds, _ = kinds_and_numbers(rules.adam, 2, (1, 0.9, 0.999, 1e-8))
        kernel = cpu._kernel(rules.adam, 2, kinds, "float32", "none", False, True, parallel)
        p, g, m, v = np.ones((4, 3), np.float32)
        nothing = np.empty(0, np.int64)
        pieces = WorkList([3], cpu.BLOCK).pieces
        kernel(table_of([p], [g], [m], [v]), nothing, pieces, np.ones(1), 0.1, 0.0, 0.0, np.array([0.9, 0.999, 1e-8]))
        (code,) = kernel.inspect_asm().values()
        assert re.search(r"v?sqrtps\s", code) and re.search(r"v?divps\s", code)

    def test_what_does_not_fit_is_refused(self) -> None:
        work, steps = WorkList([1], cpu.BLOCK), np.ones(1)
        table = table_of([np.zeros(1)], [np.ones(1)], [np.zeros(1)])
        with pytest.raises(ValueError, match="adagrad takes 2 arguments after its state; it was given 3"):
            cpu.step(rules.adagrad, (0.1, True, 0.2), table, work, steps, "float64", 0.1)
        with pytest.raises(ValueError, match=r"table has shape \(1, 1\); it must be \(2 \+ states, 1\)"):
            cpu.step(rules.sgd, (), table[:1], work, steps, "float64", 0.1)
        with pytest.raises(ValueError, match=r"table has shape \(3, 1\); it must be \(2 \+ states, 2\)"):
            cpu.step(rules.adagrad, (0.1,), table, work, np.ones(2), "float64", 0.1)
        with pytest.raises(ValueError, match=r"table has shape \(4, 1\); it must be \(3 \+ 2·states, 1\)"):
            table = np.concatenate([table, table[:1]])
            cpu.step(rules.adagrad, (0.1,), table, work, steps, "float64", 0.1, in_place=False)


@pytest.mark.parametrize(
    ("blocks", "apart"),
    [
        ([], True),
        ([(0, 8), (8, 8)], True),
        ([(8, 8), (0, 8)], True),
        ([(0, 9), (8, 8)], False),
        ([(0, 100), (8, 8), (200, 8)], False),
        ([(4, 8), (4, 8)], False),
        ([(4, 8), (4, 0), (6, 0)], True),
    ],
)
def test_overlap_is_seen(blocks: list[tuple[int, int]], apart: bool) -> None:
    assert disjoint(blocks) is apart


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_element_that_is_not_finite_is_found(dtype: str, bad: float) -> None:
    array = np.ones((300, 300), dtype)
    assert cpu.all_finite(array)
    array[299, 299] = bad
    assert not cpu.all_finite(array)


MAKES = {
    "SGD": lambda: SGD(0.1),
    "SGD momentum": lambda: SGD(0.1, momentum=0.9, nesterov=True),
    "AdaGrad": lambda: AdaGrad(0.1),
    "RMSprop": lambda: RMSprop(0.1),
    "RMSprop both": lambda: RMSprop(0.1, centered=True, momentum=0.9),
    "Adam": lambda: Adam(0.1),
    "AMSGrad": lambda: Adam(0.1, beta2=0.9, amsgrad=True),
    "RMSprop weight decay": lambda: RMSprop(0.1, weight_decay=0.3),
    "AdamW": lambda: Adam(0.1, weight_decay=0.3, decoupled_weight_decay=True),
}


class TestNumpyOptimizers:
    """Large arrays take the compiled path; here every array counts as large."""

    def run(self, optimizer: Any, in_place: bool, dtype: str = "float64") -> Any:
        rng = np.random.default_rng(0)
        params = {"a": rng.normal(size=(40, 50)).astype(dtype), "b": rng.normal(size=3).astype(dtype)}
        for _ in range(4):
            grads = {key: 0.5 + rng.normal(size=p.shape) for key, p in params.items()}
            if in_place:
                optimizer.update_(params, grads)
            else:
                params = optimizer.update(params, grads)
        return params

    @pytest.mark.parametrize("in_place", [False, True])
    @pytest.mark.parametrize("make", MAKES.values(), ids=MAKES.keys())
    def test_the_compiled_path_agrees_with_the_other(
        self, monkeypatch: pytest.MonkeyPatch, make: Any, in_place: bool
    ) -> None:
        plain, compiled = make(), make()
        expected = self.run(plain, in_place)
        monkeypatch.setattr(arrays, "WORTH_COMPILING", 1)
        calls: list[int] = []
        step = cpu.step
        monkeypatch.setattr(cpu, "step", lambda *a, **o: (calls.append(1), step(*a, **o)))
        got = self.run(compiled, in_place)
        assert len(calls) == 4
        for key in expected:
            np.testing.assert_allclose(got[key], expected[key], rtol=1e-13)
        for name in plain.state:
            for key, array in plain.state[name].items():
                np.testing.assert_allclose(compiled.state[name][key], array, rtol=1e-13)
        assert compiled.step == plain.step

    def test_update_leaves_parameters_and_gradients_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(arrays, "WORTH_COMPILING", 1)
        params, grads = {"w": np.arange(6.0)}, {"w": np.ones(6)}
        optimizer = RMSprop(0.1)
        first = optimizer.update(params, grads)
        held = optimizer.cache["w"]
        copy = held.copy()
        optimizer.update(first, grads)
        assert (params["w"] == np.arange(6.0)).all() and (grads["w"] == 1).all()
        assert (held == copy).all(), "an accumulator that was handed out must not change either"

    @pytest.mark.parametrize("in_place", [False, True])
    def test_a_bad_gradient_is_refused_before_anything_changes(
        self, monkeypatch: pytest.MonkeyPatch, in_place: bool
    ) -> None:
        monkeypatch.setattr(arrays, "WORTH_COMPILING", 1)
        params = {"w": np.arange(6.0)}
        optimizer = RMSprop(0.1)
        method = optimizer.update_ if in_place else optimizer.update
        with pytest.raises(ValueError, match=r"grads\['w'\] is nan at index \(2,\)"):
            method(params, {"w": np.array([0, 1, np.nan, 3, 4, 5])})
        assert (params["w"] == np.arange(6.0)).all() and not optimizer.step

    def test_a_step_that_is_zero_over_zero_is_still_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(arrays, "WORTH_COMPILING", 1)
        with pytest.raises(ValueError, match="0/0"):
            RMSprop(0.1, epsilon=0).update({"w": np.ones(3)}, {"w": np.zeros(3)})

    @pytest.mark.parametrize("kind", ["transposed", "strided", "half", "shared"])
    def test_what_is_not_plain_takes_the_other_path(self, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
        monkeypatch.setattr(arrays, "WORTH_COMPILING", 1)
        base = np.arange(24.0).reshape(4, 6)
        theta = {
            "transposed": base.copy().T, "strided": base.copy()[:, ::2], "half": base.astype(np.float16),
            "shared": base.copy(),
        }[kind]  # fmt: skip
        g = theta if kind == "shared" else np.ones(theta.shape)
        expected, _ = rules.rmsprop(g.astype(float), 0.0, 0.9, 1e-8)
        before = theta.astype(float)
        RMSprop(0.1).update_({"w": theta}, {"w": g})
        np.testing.assert_allclose(theta, before - 0.1 * expected, rtol=1e-3 if kind == "half" else 1e-13)

    def test_without_numba_everything_works(self, monkeypatch: pytest.MonkeyPatch) -> None:
        expected = self.run(Adam(0.1), in_place=True)
        monkeypatch.setattr(arrays, "WORTH_COMPILING", 1)
        monkeypatch.setitem(sys.modules, "rmsprop_lib.compiled.cpu", None)
        monkeypatch.delattr("rmsprop_lib.compiled.cpu", raising=False)
        got = self.run(Adam(0.1), in_place=True)
        for key in expected:
            assert (got[key] == expected[key]).all()
