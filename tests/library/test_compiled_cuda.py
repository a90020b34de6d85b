"""The rules compiled by Triton: on a card in `make test-gpu`, in Triton's interpreter here; and what is compiled."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rmsprop_lib import rules
from rmsprop_lib.compiled import cpu
from rmsprop_lib.compiled.kernels import RisingDecay, WorkList, kinds_and_numbers
from rmsprop_lib.devices import device

pytest.importorskip("triton", reason="Triton exists for Linux only")
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from rmsprop_lib.compiled import cuda

WHERE = device()
SIZES = (cuda.BLOCK + cuda.CHUNK + 3, 7, 0, cuda.BLOCK)
STEPS = (0, 4, 9, 99)

RULES: dict[str, tuple[Any, int, tuple[Any, ...]]] = {
    "sgd": (rules.sgd, 0, ()),
    "heavy_ball": (rules.heavy_ball, 1, (0.9, 0.3)),
    "nesterov": (rules.heavy_ball, 1, (0.9, 0.0, True)),
    "adagrad": (rules.adagrad, 1, (0.1,)),
    "adagrad eps inside": (rules.adagrad, 1, (0.1, True)),
    "rmsprop": (rules.rmsprop, 1, (0.999, 0.1)),
    "rmsprop eps inside": (rules.rmsprop, 1, (0.999, 0.1, True)),
    "rmsprop_momentum": (rules.rmsprop_momentum, 2, (0.9, 0.8, 0.1)),
    "centered_rmsprop": (rules.centered_rmsprop, 2, (0.999, 0.1)),
    "centered_rmsprop_momentum": (rules.centered_rmsprop_momentum, 3, (0.9, 0.8, 0.1, True)),
    "heavy_ball_rate_inside": (rules.heavy_ball_rate_inside, 1, (1.0, 0.9, True)),
    "rmsprop_momentum_rate_inside": (rules.rmsprop_momentum_rate_inside, 2, (1.0, 0.9, 0.8, 0.1)),
    "centered_rmsprop_momentum_rate_inside": (
        rules.centered_rmsprop_momentum_rate_inside,
        3,
        (1.0, 0.9, 0.8, 0.1, True, True),
    ),
    "rmsprop corrected": (rules.rmsprop, 1, (RisingDecay(0.999), 0.1)),
    "centered_rmsprop corrected": (rules.centered_rmsprop, 2, (RisingDecay(0.999), 0.1)),
    "adam": (rules.adam, 2, (1, 0.9, 0.999, 1e-3)),
    "adam eps uncorrected": (rules.adam, 2, (1, 0.9, 0.999, 1e-3, True)),
    "amsgrad": (rules.amsgrad, 3, (1, 0.9, 0.999, 1e-3)),
}
each_rule = pytest.mark.parametrize(("rule", "states", "arguments"), RULES.values(), ids=RULES.keys())
# The same operations in the same order as Numba's kernel: no bit differs. The others take 1 − δ or ρ·(g − μ) in
# double precision there, or a power where here it is an exponential.
EXACT = ("sgd", "adagrad", "rmsprop")


@pytest.fixture(autouse=True)
def _as_on_a_card() -> Iterator[None]:
    """The interpreter computes with NumPy, which would warn of infinities; a card does not."""
    with np.errstate(all="ignore"):
        yield


def lists(states: int, dtype: torch.dtype, offset: int = 0) -> list[list[Tensor]]:
    """Parameters, gradients and accumulators, on the CPU; ``offset`` elements after an aligned address."""
    wide = torch.float64 if dtype is torch.float64 else torch.float32
    generator = torch.Generator().manual_seed(0)

    def some(kind: torch.dtype) -> list[Tensor]:
        made = [torch.randn(n + offset, generator=generator, dtype=torch.float64) for n in SIZES]
        return [tensor.to(kind)[offset:] for tensor in made]

    return [some(dtype), some(dtype), *([tensor.abs() for tensor in some(wide)] for _ in range(states))]


def on_device(row: list[Tensor], offset: int) -> list[Tensor]:
    """Copies that lie ``offset`` elements after an aligned address."""
    return [torch.cat([x.new_zeros(offset), x]).to(WHERE)[offset:] for x in row]


def addresses(counters: Tensor) -> Tensor:
    """Of numbers in single precision, each where it is."""
    return torch.tensor([x.data_ptr() for x in counters], dtype=torch.int64).to(WHERE)


def by_triton(
    rule: Any, arguments: Any, rows: list[list[Tensor]], lr: Any = 0.1, offset: int = 0, **options: Any
) -> list[list[Tensor]]:
    """Parameters and accumulators after one step, back on the CPU."""
    p, g, *state = (on_device(row, offset) for row in rows)
    table = torch.tensor([[x.data_ptr() for x in row] for row in (p, *state)]).to(WHERE)
    gradients = torch.zeros(len(p), dtype=torch.int64, device=WHERE)
    cuda.write(gradients, [x.data_ptr() for x in g])
    wide = torch.float64 if p[0].dtype is torch.float64 else torch.float32
    scalars = torch.empty(cuda.SCALARS, len(p), dtype=wide, device=WHERE)
    counters = torch.tensor(STEPS, dtype=torch.float32).to(WHERE)
    work = cuda.Work(SIZES, WHERE)
    cuda.step(rule, arguments, table, gradients, work, addresses(counters), scalars, p[0].dtype, lr, **options)
    assert counters.tolist() == [t + 1 for t in STEPS]
    for given, before in zip(g, rows[1], strict=True):
        torch.testing.assert_close(given.cpu(), before, rtol=0, atol=0, equal_nan=True, msg="gradients are only read")
    return [[x.cpu() for x in row] for row in (p, *state)]


def by_numba(
    rule: Any, arguments: Any, rows: list[list[Tensor]], lr: float = 0.1, **options: Any
) -> list[list[Tensor]]:
    copies = [[x.clone() for x in row] for row in rows]
    table = np.array([[x.data_ptr() for x in row] for row in copies], np.int64)
    dtype = str(rows[0][0].dtype).removeprefix("torch.")
    steps = np.array(STEPS, float) + 1
    cpu.step(rule, arguments, table, WorkList(SIZES, cpu.BLOCK), steps, dtype, lr, **options)
    return [copies[0], *copies[2:]]


def assert_close(ours: list[list[Tensor]], theirs: list[list[Tensor]], rtol: float) -> None:
    for row, expected in zip(ours, theirs, strict=True):
        for x, y in zip(row, expected, strict=True):
            torch.testing.assert_close(x, y, rtol=rtol, atol=rtol, equal_nan=True)


class TestOneStepIsThatOfTheCpu:
    @each_rule
    @pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 4e-7), (torch.float64, 1e-13)])
    def test_every_rule(self, rule: Any, states: int, arguments: Any, dtype: torch.dtype, rtol: float) -> None:
        rows = lists(states, dtype)
        options = dict(rate_decay=0.5, weight_decay=0.1, maximize=True)
        exact = rule.__name__ in EXACT and not any(isinstance(a, RisingDecay) for a in arguments)
        assert_close(
            by_triton(rule, arguments, rows, **options),
            by_numba(rule, arguments, rows, **options),
            0 if exact else rtol,
        )

    @pytest.mark.parametrize("options", [{}, {"weight_decay": 0.1, "decoupled": True}, {"maximize": True}])
    def test_every_option(self, options: dict[str, Any]) -> None:
        rows = lists(1, torch.float32)
        given = rules.rmsprop, (0.9, 0.1)
        assert_close(by_triton(*given, rows, **options), by_numba(*given, rows, **options), 0)

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    @each_rule
    def test_half_precision_is_rounded_once(self, rule: Any, states: int, arguments: Any, dtype: torch.dtype) -> None:
        rows = lists(states, dtype)
        wide = [[x.float() for x in row] for row in rows]
        p, *state = by_triton(rule, arguments, rows)
        expected_p, *expected_state = by_numba(rule, arguments, wide)
        assert_close(state, expected_state, 4e-7)
        # The interpreter cuts bfloat16 off where a card rounds.
        ulp = torch.finfo(dtype).eps
        assert_close([[x.float() for x in p]], [expected_p], ulp)

    @pytest.mark.parametrize("offset", [0, 1, 2, 4])
    def test_wherever_the_elements_begin(self, offset: int) -> None:
        rows = lists(2, torch.float32)
        given = rules.adam, (1, 0.9, 0.999, 1e-3)
        assert_close(by_triton(*given, rows, offset=offset), by_numba(*given, rows), 4e-7)

    def test_nothing_before_and_after_is_touched(self) -> None:
        whole = torch.full((100,), 7.0, device=WHERE)
        p, g, v = whole[11:60], torch.ones(49, device=WHERE), torch.ones(49, device=WHERE)
        table, gradients = (
            torch.tensor([[p.data_ptr()], [v.data_ptr()]]).to(WHERE),
            torch.tensor([g.data_ptr()]).to(WHERE),
        )
        scalars = torch.empty(cuda.SCALARS, 1, device=WHERE)
        work = cuda.Work([49], WHERE)
        cuda.step(rules.rmsprop, (0.9, 0.1), table, gradients, work, None, scalars, torch.float32, 0.1)
        assert (p != 7).all() and (whole[:11] == 7).all() and (whole[60:] == 7).all()

    def test_nan_and_infinity_stay_where_they_are(self) -> None:
        rows = lists(3, torch.float32)
        rows[1][0][3], rows[1][0][5] = torch.nan, torch.inf
        given = rules.amsgrad, (1, 0.9, 0.999, 1e-3)
        assert_close(by_triton(*given, rows), by_numba(*given, rows), 4e-7)

    def test_gradients_whose_squares_are_subnormal(self) -> None:
        rows = lists(1, torch.float32)
        rows[1] = [1e-20 * (0.1 + g.abs()) for g in rows[1]]
        rows[2] = [torch.zeros_like(v) for v in rows[2]]
        assert 0 < max(g.max() for g in rows[1] if g.numel()) ** 2 < torch.finfo(torch.float32).tiny
        given = rules.rmsprop, (0.0, torch.finfo(torch.float32).tiny)
        ours, expected = by_triton(*given, rows), by_numba(*given, rows)
        assert_close(ours, expected, 0)
        assert any((v > 0).any() for v in ours[1]) and max(p.abs().max() for p in ours[0] if p.numel()) < 10, (
            "g/√g² is 1"
        )


class TestWhatIsComputedOnceForATensor:
    @pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.999, 0.9999999])
    def test_rates_and_sums_of_weights(self, beta: float) -> None:
        before = torch.tensor([0, 1, 9, 999, 10**6 - 1, 2**24 - 1], dtype=torch.float32).to(WHERE)
        counters, scalars = before.clone(), torch.empty(cuda.SCALARS, 6, dtype=torch.float64, device=WHERE)
        nothing = torch.zeros(1, 6, dtype=torch.int64, device=WHERE)
        cuda.step(
            rules.adam,
            (1, beta, 0.25, 1e-8),
            nothing.expand(3, 6),
            nothing[0],
            cuda.Work([0] * 6, WHERE),
            addresses(counters),
            scalars,
            torch.float64,
            3.0,
            rate_decay=0.5,
        )
        steps = [int(t) + 1 for t in before.tolist()]
        assert [int(t) for t in counters.tolist()] == steps
        np.testing.assert_allclose(scalars[0].cpu(), [3.0 / (1 + (t - 1) * 0.5) for t in steps], rtol=1e-15)
        # 1 − β^t has the relative error of β^t, which is t·log β's, and no more.
        for row, decay in ((1, beta), (2, 0.25)):
            np.testing.assert_allclose(scalars[row].cpu(), [1 - decay**t for t in steps], rtol=1e-15 / (1 - decay))
        assert scalars[3].tolist() == steps

    @pytest.mark.parametrize("shape", [(cuda.SCALARS - 1, 1), (cuda.SCALARS, 2), (cuda.SCALARS,)])
    def test_memory_of_another_shape_is_not_written_to(self, shape: tuple[int, ...]) -> None:
        p, table = torch.ones(8, device=WHERE), torch.zeros(1, 1, dtype=torch.int64, device=WHERE)
        table[0, 0] = p.data_ptr()
        scalars, work = torch.full(shape, 7.0, device=WHERE), cuda.Work([8], WHERE)
        with pytest.raises(ValueError, match=r"scalars must have shape \(4, 1\), got"):
            cuda.step(rules.sgd, (), table, table[0], work, None, scalars, torch.float32, 0.1)
        assert (scalars == 7).all() and (p == 1).all()

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_a_rate_in_a_tensor_is_read_where_it_is(self, dtype: torch.dtype) -> None:
        rows = lists(1, torch.float32)
        given = rules.rmsprop, (0.9, 0.1)
        rate = torch.tensor(0.25, dtype=dtype)
        assert_close(by_triton(*given, rows, lr=rate.to(WHERE)), by_numba(*given, rows, lr=0.25), 0)

    def test_addresses_of_any_number_and_size(self) -> None:
        for count in (0, 1, cuda.ADDRESSES, 2 * cuda.ADDRESSES + 1):
            numbers = [(2**45 if k % 2 else 1) * (k + 1) for k in range(count)]
            row = torch.full((count + 5,), -1, dtype=torch.int64, device=WHERE)
            cuda.write(row[:count], numbers)
            assert row.tolist() == numbers + [-1] * 5

    def test_a_new_number_compiles_nothing_and_more_arguments_than_there_are_do_not_either(self) -> None:
        rows = lists(1, torch.float32)
        by_triton(rules.rmsprop, (0.9, 0.1), rows)
        before = cuda._kernel.cache_info().misses, cuda._count_kernel.cache_info().misses
        by_triton(rules.rmsprop, (0.5, 0), rows, lr=1)
        with pytest.raises(ValueError, match="rmsprop takes 3 arguments after its state; it was given 4"):
            by_triton(rules.rmsprop, (0.9, 0.1, False, 1.0), rows)
        assert (cuda._kernel.cache_info().misses, cuda._count_kernel.cache_info().misses) == before


POINTERS = {
    "table": "*i64",
    "gradients": "*i64",
    "arrays": "i32",
    "array": "*i32",
    "offset": "*i64",
    "length": "*i32",
}
CONSTANTS = {"BLOCK": cuda.BLOCK, "CHUNK": cuda.CHUNK}


def machine_code(rule: Any, states: int, arguments: Any, dtype: str, capability: int) -> str:
    """What Triton makes of the kernel for a card of this compute capability. No card is needed to compile."""
    kinds, _ = kinds_and_numbers(rule, states, arguments)
    kernel = cuda._kernel(rule, states, kinds, dtype, "decoupled", False, False)
    scalars = "*fp64" if dtype == "float64" else "*fp32"
    types = {
        x.name: "constexpr" if x.name in CONSTANTS else x.annotation_type or {**POINTERS, "scalars": scalars}[x.name]
        for x in kernel.params
    }
    compiled = triton.compile(
        ASTSource(kernel, types, constexprs=CONSTANTS),
        target=GPUTarget("cuda", capability, 32),
        options=cuda.COMPILED_WITH,
    )
    return compiled.asm["ptx"]


def thirds(g: Any, v: Any) -> tuple[Any, Any]:
    return (g + 2 * v) / 3, v


COMPILED = ("sgd", "rmsprop", "centered_rmsprop_momentum", "adam", "amsgrad")


class TestTheMachineCode:
    @pytest.mark.parametrize(("rule", "states", "arguments"), [RULES[name] for name in COMPILED], ids=COMPILED)
    @pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float16"])
    def test_reads_in_wide_loads_and_rounds_every_operation(
        self, rule: Any, states: int, arguments: Any, dtype: str
    ) -> None:
        code = machine_code(rule, states, arguments, dtype, 90)
        wide = {"float64": "v2.b64", "float32": "v4.b32"}.get(dtype, "v4.b32")
        narrow = wide if dtype.startswith("float") and dtype != "float16" else "v2.b32"
        at_least = {wide: states, narrow: 2} if wide != narrow else {wide: states + 2}
        for form, count in at_least.items():
            assert len(re.findall(rf"ld\.global\.{re.escape(form)}", code)) >= count
        assert re.search(r"and\.b64\s+%rd\d+, %rd\d+, 15;", code), "a wide load asks first whether it is aligned"
        for loose in (r"fma\.", r"\.approx", r"\.full\.", r"\.ftz"):
            assert not re.search(loose, code), loose
        if rule in (rules.adagrad, rules.rmsprop, rules.adam):
            kind = "f64" if dtype == "float64" else "f32"
            assert f"sqrt.rn.{kind}" in code and f"div.rn.{kind}" in code
        if dtype == "bfloat16":
            assert "cvt.rn.bf16" in code

    @pytest.mark.parametrize(("dtype", "kind"), [("float32", "f32"), ("float64", "f64")])
    def test_a_rule_may_hold_numbers_of_its_own(self, dtype: str, kind: str) -> None:
        code = machine_code(thirds, 1, (), dtype, 90)
        assert f"div.rn.{kind}" in code and "div.full" not in code

    @pytest.mark.parametrize("capability", [75, 80, 86, 89, 100, 120])
    def test_other_cards(self, capability: int) -> None:
        assert "sqrt.rn.f32" in machine_code(rules.rmsprop, 1, (0.9, 0.1), "float32", capability)


class _Driver:
    """A card that Triton may compile for, and on which nothing runs."""

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int) -> int:
        return 0

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", 90, 32)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What Triton has compiled for each launch, in the way from the call to the machine code; it stops there."""
    seen: list[Any] = []
    run = triton.runtime.jit.JITFunction.run

    def compile_only(self: Any, *arguments: Any, grid: Any, warmup: bool, **options: Any) -> None:
        seen.append(run(self, *arguments, grid=grid, warmup=True, **options))

    monkeypatch.setattr(triton.runtime.jit.JITFunction, "run", compile_only)
    monkeypatch.setattr(triton.runtime.driver, "_active", _Driver())
    monkeypatch.setattr(cuda, "_is_interpreted", lambda tensor: False)
    return seen


class TestTheLaunch:
    def launch(self, numbers: tuple[Any, ...], lr: Any, dtype: torch.dtype = torch.float32, count: int = 1) -> None:
        table = torch.zeros(3, count, dtype=torch.int64)
        work = cuda.Work([5] * count, torch.device("cpu"))
        counters, scalars = torch.zeros(count, dtype=torch.int64), torch.empty(cuda.SCALARS, count)
        cuda.step(rules.adam, (1, *numbers), table, table[0], work, counters, scalars, dtype, lr, weight_decay=1)

    def test_numbers_compile_nothing_anew(self, compiled: list[Any]) -> None:
        # Triton would take an integer for another type, 1 for a constant, and 16 for something aligned.
        for numbers in ((0.9, 0.999, 1e-8), (0, 0.5, 1), (0.5, 0, 16)):
            for lr in (0.1, 1, 16, 0, torch.tensor(0.5)):
                for count in (1, 2, 16):
                    self.launch(numbers, lr, count=count)
        assert len(compiled) == 2 * 3 * 5 * 3
        assert {kernel.metadata.name for kernel in compiled} == {"count", "kernel"}
        assert len({kernel.hash for kernel in compiled}) == 2
        self.launch((0.9, 0.999, 1e-8), 0.1, torch.bfloat16)
        assert len({kernel.hash for kernel in compiled}) == 3

    def test_addresses_compile_nothing_anew(self, compiled: list[Any]) -> None:
        row = torch.zeros(1000, dtype=torch.int64)
        for numbers in ([1], [16, 2**45, -1], list(range(1000)), [2**62] * cuda.ADDRESSES):
            cuda.write(row, numbers)
        assert len(compiled) == 1 + 1 + -(-1000 // cuda.ADDRESSES) + 1
        assert len({kernel.hash for kernel in compiled}) == 1

    def test_a_rate_may_be_on_the_device(self, compiled: list[Any]) -> None:
        kernel = cuda._count_kernel(True, 2, True, "float32", False)
        for dtype, name in ((torch.float32, "*fp32"), (torch.float64, "*fp64")):
            rate = torch.tensor(0.1, dtype=dtype)
            kernel[(1,)](
                torch.zeros(1, dtype=torch.int64), torch.zeros(3, 1), 1, rate, 0.0, 0.9, 0.99, SIZE=128, num_warps=4
            )
            assert compiled[-1].src.signature["learning_rate"] == name

    def test_numbers_keep_their_digits(self, compiled: list[Any]) -> None:
        self.launch((0.9, 0.999, 1e-8), 0.1)
        count, kernel = (launched.src.signature for launched in compiled)
        assert {count[name] for name in ("learning_rate", "rate_decay", "beta0", "beta1")} == {"fp64"}
        assert {kernel[name] for name in ("decay", "h0", "rest0", "h1", "rest1", "h2")} == {"fp32"}


def test_a_rule_is_translated_and_not_written_anew() -> None:
    assert cuda.translated(rules.rmsprop).splitlines() == [
        "def rmsprop(g, v, rho, eps, eps_inside=False):",
        "    v = ema(v, g * g, rho)",
        "    return (divide(g, sqrt(v + eps) if eps_inside else sqrt(v) + eps), v)",
    ]
    assert "ema(v, rho[0] * (g - mu) * (g - mu), rho)" in cuda.translated(rules.centered_rmsprop)
