"""``fused=True`` on CUDA: the same results as one by one on the CPU, without waiting, in graphs too.

Where the tests run without a card, tensors on the CPU are stepped by Triton's interpreter in its place.
"""

import copy
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from fused_methods import assert_same, assert_same_state, count_calls, drive, each_method, give_gradients, pair, tensors
from torch import Tensor

from rmsprop_lib import torch_optim
from rmsprop_lib.compiled import one_pass
from rmsprop_lib.compiled import tensors as which
from rmsprop_lib.compiled.tensors import plan_class
from rmsprop_lib.devices import device

pytest.importorskip("triton", reason="Triton exists for Linux only")
from rmsprop_lib.compiled import cuda, plan_cuda

WHERE = device()
on_a_card = pytest.mark.skipif(WHERE.type != "cuda", reason="needs a CUDA device: make test-gpu")


@pytest.fixture(autouse=True)
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many tensors each call of the compiled rule had; on the CPU the interpreter takes the calls."""
    seen = count_calls(monkeypatch, cuda)
    if WHERE.type == "cpu":
        monkeypatch.setattr(which, "plan_class", lambda device: plan_cuda.CudaPlan)
    with np.errstate(all="ignore"):
        yield seen


class TestSameResults:
    @each_method
    @pytest.mark.parametrize(("dtype", "rtol"), [(torch.float64, 1e-12), (torch.float32, 3e-6)])
    def test_parameters_and_state(
        self, cls: Any, options: dict[str, Any], dtype: torch.dtype, rtol: float, calls: list[int]
    ) -> None:
        (a, plain), (b, quick) = pair(cls, options, dtype, WHERE)
        assert_same(drive(plain, a), drive(quick, b), rtol)
        assert calls == [5] * 5, "all five tensors in one call, at every step"
        assert_same_state(plain, quick, rtol)

    @each_method
    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
    def test_half_precision_with_single_precision_state(
        self, cls: Any, options: dict[str, Any], dtype: torch.dtype, calls: list[int]
    ) -> None:
        # With a rate of 0 nothing but the state moves, so that it sees the same gradients on both sides.
        (a, plain), (b, quick) = pair(cls, options, dtype, WHERE)
        for optimizer in (plain, quick):
            optimizer.param_groups[0]["lr"] = 0.0
        assert_same(drive(plain, a, 3), drive(quick, b, 3), 0)
        assert calls == [5] * 3
        for p, q in zip(a, b, strict=True):
            for name, x in plain.state[p].items():
                assert quick.state[q][name].dtype == torch.float32
                torch.testing.assert_close(quick.state[q][name].cpu(), x, rtol=3e-6, atol=3e-6)
        # And a step is rounded once. The interpreter cuts bfloat16 off where a card rounds.
        for optimizer in (plain, quick):
            optimizer.param_groups[0]["lr"] = 0.5
        assert_same(drive(plain, a, 1, 3), drive(quick, b, 1, 3), torch.finfo(dtype).eps)

    def test_two_dtypes_in_a_group_are_two_calls(self, calls: list[int]) -> None:
        a = [*tensors(torch.float32), *tensors(torch.bfloat16)]
        b = [*tensors(torch.float32, WHERE), *tensors(torch.bfloat16, WHERE)]
        drive(torch_optim.Adam(a, lr=0.01), a, 1)
        drive(torch_optim.Adam(b, lr=0.01, fused=True), b, 1)
        assert_same(a, b, 2**-7)
        assert calls == [5, 5]

    def test_gradients_made_anew_at_every_step(self, calls: list[int]) -> None:
        (a, plain), (b, quick) = pair(torch_optim.RMSprop, dict(lr=0.01), torch.float64, WHERE)
        held = []  # so that new ones cannot lie where the old were
        for t in range(4):
            for optimizer, params in ((plain, a), (quick, b)):
                held += [p.grad for p in params]
                optimizer.zero_grad(set_to_none=True)
                drive(optimizer, params, 1, t)
        assert_same(a, b)
        assert calls == [5] * 4

    def test_views_that_begin_anywhere(self) -> None:
        def views(where: Any) -> list[Tensor]:
            flat = torch.linspace(-1, 1, 60).to(where)
            return [x.detach().requires_grad_() for x in flat.split([7, 1, 20, 32])]

        a, b = views("cpu"), views(WHERE)
        assert_same(drive(torch_optim.Adam(a, lr=0.01), a), drive(torch_optim.Adam(b, lr=0.01, fused=True), b), 3e-6)

    def test_parameters_at_different_steps(self, calls: list[int]) -> None:
        (a, plain), (b, quick) = pair(torch_optim.AdaGrad, dict(lr=0.1, lr_decay=0.5), torch.float64, WHERE)
        for optimizer, params in ((plain, a), (quick, b)):
            give_gradients(params, 9)
            params[0].grad = None
            optimizer.step()
            drive(optimizer, params, 2)
            assert [int(optimizer.state[p]["step"]) for p in params] == [2, 3, 3, 3, 3]
        assert_same(a, b)
        assert calls == [4, 5, 5]

    @pytest.mark.parametrize("on_the_device", [False, True])
    def test_a_tensor_learning_rate_and_a_schedule(self, on_the_device: bool) -> None:
        def run(where: Any, **options: Any) -> list[Tensor]:
            params = tensors(torch.float64, where)
            lr = torch.tensor(0.1, dtype=torch.float64, device=where if on_the_device else "cpu")
            optimizer = torch_optim.Adam(params, lr=lr, **options)
            schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
            for t in range(4):
                drive(optimizer, params, 1, t)
                schedule.step()
            return params

        assert_same(run("cpu"), run(WHERE, fused=True))

    def test_capturable_makes_no_difference(self, calls: list[int]) -> None:
        (a, plain), (b, quick) = pair(torch_optim.Adam, dict(lr=0.01), torch.float64, WHERE)
        quick.param_groups[0]["capturable"] = True
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*capturable=True.*")  # said by Torch outside of graphs
            assert_same(drive(plain, a), drive(quick, b))
        assert calls == [5] * 5

    def test_a_state_dict_goes_on_as_a_copy_does(self) -> None:
        params = tensors(torch.float32, WHERE)
        optimizer = torch_optim.Adam(params, fused=True)
        drive(optimizer, params, 2)
        other_params, other = copy.deepcopy((params, optimizer))
        loaded_params = [p.detach().clone().requires_grad_() for p in params]
        loaded = torch_optim.Adam(loaded_params, fused=True)
        loaded.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        expected = drive(optimizer, params, 2, first=2)
        assert_same(drive(other, other_params, 2, first=2), expected, 0)
        assert_same(drive(loaded, loaded_params, 2, first=2), expected, 0)


class TestCenteredInHalfPrecision:
    """A constant gradient has the variance 0, which a difference of averages misses by rounding."""

    @pytest.mark.parametrize(("dtype", "steps"), [(torch.bfloat16, 100), (torch.float16, 100), (torch.float32, 300)])
    def test_it_stays_finite_where_torch_optim_does_not(self, dtype: torch.dtype, steps: int) -> None:
        def run(cls: Any, where: Any, **options: Any) -> Any:
            p = torch.ones(1000, dtype=dtype, device=where, requires_grad=True)
            optimizer = cls([p], lr=1e-3, centered=True, alpha=0.9, **options)
            p.grad = torch.linspace(0.3, 3, 1000).to(where, dtype)
            for _ in range(steps):
                optimizer.step()
            return p, optimizer.state[p]

        p, state = run(torch_optim.RMSprop, WHERE, fused=True)
        assert p.isfinite().all() and (state["variance"] >= 0).all()
        theirs, _ = run(torch.optim.RMSprop, "cpu")
        assert theirs.isnan().any()


class TestWhatCannotBeFused:
    def test_a_tensor_of_another_kind_is_left_and_the_others_keep_their_plan(self, calls: list[int]) -> None:
        def some(where: Any) -> list[Tensor]:
            return [
                *tensors(torch.float64, where),
                torch.ones(3, dtype=torch.complex64, device=where, requires_grad=True),
            ]

        a, b = some("cpu"), some(WHERE)
        quick = torch_optim.RMSprop(b, fused=True)
        with pytest.warns(
            UserWarning, match=r"1 tensor is stepped one by one: its dtype is torch.complex64, not float16"
        ):
            drive(quick, b, 1)
        plan = quick._one_pass.plans[id(quick.param_groups[0])]
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # it is said once
            drive(quick, b, 2, first=1)
        assert_same(drive(torch_optim.RMSprop(a), a, 3), b, 1e-6)
        assert calls == [5] * 3 and quick._one_pass.plans[id(quick.param_groups[0])] is plan

    def test_without_triton_it_is_refused_on_construction(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(which.COMPILER, WHERE.type, "Triton")
        monkeypatch.setattr(which, "find_spec", lambda name: None)
        with pytest.raises(
            RuntimeError, match=f"fused=True needs Triton for parameters on {WHERE}: pip install triton"
        ):
            torch_optim.RMSprop(tensors(torch.float32, WHERE), fused=True)

    def test_a_device_that_has_no_compiler(self) -> None:
        assert plan_class(torch.device("meta")) == "it is on meta"

    def test_hyperparameters_that_would_have_to_be_waited_for(self) -> None:
        group = dict(params=[], lr=torch.tensor(0.1, device="meta"), betas=(0.9, 0.999), eps=1e-8)
        assert one_pass.refusal(group) is None
        group["betas"] = torch.tensor(0.9), torch.tensor(0.999, device="meta")
        assert one_pass.refusal(group) == "betas[1] is a tensor on meta"


class TestGraphs:
    def test_a_captured_step_leaves_the_next_eager_one_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is captured has a table of its own, and the gradients it found may be those of the next eager step."""
        (a, plain), (b, quick) = pair(torch_optim.RMSprop, dict(lr=0.01), torch.float64, WHERE)
        assert_same(drive(plain, a, 2), drive(quick, b, 2))
        give_gradients(a, 7), give_gradients(b, 7)
        with monkeypatch.context() as patch:
            patch.setattr(plan_cuda, "_capturing", lambda device: True)
            plain.step(), quick.step()
        kept = len(plan_cuda._in_graphs)
        plain.step(), quick.step()
        assert_same(a, b)
        assert len(plan_cuda._in_graphs) == kept > 0

    def test_a_replay_and_eager_steps_have_their_own_gradients(self, monkeypatch: pytest.MonkeyPatch) -> None:
        (a, plain), (b, quick) = pair(torch_optim.RMSprop, dict(lr=0.01), torch.float64, WHERE)
        gradients = {}
        for name, seed in (("eager", 1), ("captured", 2)):
            give_gradients(a, seed), give_gradients(b, seed)
            gradients[name] = [(p, p.grad) for p in (*a, *b)]

        def use(name: str) -> None:
            for p, g in gradients[name]:
                p.grad = g

        use("eager")
        plain.step(), quick.step()
        recorded: list[Callable[[], None]] = []

        def recording(call: Callable[..., None]) -> Callable[..., None]:
            def again(*given: Any, **more: Any) -> None:
                recorded.append(lambda: call(*given, **more))
                call(*given, **more)

            return again

        with monkeypatch.context() as patch:
            patch.setattr(plan_cuda, "_capturing", lambda device: True)
            for name in ("write", "step"):
                patch.setattr(cuda, name, recording(getattr(cuda, name)))
            use("captured")
            plain.step(), quick.step()
        for turn in ("eager", "replay", "eager", "replay", "replay", "eager"):
            use("captured" if turn == "replay" else "eager")
            plain.step()
            if turn == "eager":
                quick.step()
            else:
                # What stays in place of a replay: the same calls with the same arguments.
                use("eager")
                for call in recorded:
                    call()
        assert_same(a, b)

    def test_the_first_step_cannot_be_captured(self, monkeypatch: pytest.MonkeyPatch) -> None:
        params = tensors(torch.float64, WHERE)
        optimizer = torch_optim.RMSprop(params, fused=True)
        give_gradients(params, 0)
        monkeypatch.setattr(plan_cuda, "_capturing", lambda device: True)
        before = [p.detach().clone() for p in params]
        with pytest.raises(RuntimeError, match="do one before, as a warm-up"):
            optimizer.step()
        assert_same(before, params, 0)

    @on_a_card
    @each_method
    def test_replays_are_steps(self, cls: Any, options: dict[str, Any]) -> None:
        capturable = {"capturable": True} if "capturable" in cls(tensors()).defaults else {}
        (a, plain), (b, quick) = pair(cls, options, torch.float64, WHERE)
        for group in quick.param_groups:
            group.update(capturable)
        inputs = [torch.empty_like(p) for p in b]

        def backward() -> None:
            quick.zero_grad(set_to_none=True)
            sum(((p * x).sum() for p, x in zip(b, inputs, strict=True)), start=torch.zeros((), device=WHERE)).backward()

        def feed(t: int) -> None:
            give_gradients(a, t)
            for x, p in zip(inputs, a, strict=True):
                x.copy_(p.grad)

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*capturable=True.*")
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for t in range(3):
                    feed(t)
                    plain.step()
                    backward()
                    quick.step()
            torch.cuda.current_stream().wait_stream(side)
            feed(3)
            graph = torch.cuda.CUDAGraph()
            quick.zero_grad(set_to_none=True)
            with torch.cuda.graph(graph):
                backward()
                quick.step()
            for t in range(3, 8):
                feed(t)
                plain.step()
                graph.replay()
        assert_same(a, b)

    @on_a_card
    def test_a_rate_on_the_device_is_read_at_each_replay(self) -> None:
        p = torch.ones(1000, device=WHERE, requires_grad=True)
        lr = torch.tensor(0.0, device=WHERE)
        optimizer = torch_optim.RMSprop([p], lr=lr, fused=True, capturable=True)
        p.grad = torch.ones_like(p)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*capturable=True.*")
            optimizer.step()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            optimizer.step()
        graph.replay()
        assert (p == 1).all()
        optimizer.param_groups[0]["lr"].fill_(0.5)
        graph.replay()
        assert (p < 1).all()


@on_a_card
class TestNothingWaits:
    @each_method
    def test_a_step_does_not_synchronize(self, cls: Any, options: dict[str, Any]) -> None:
        params = tensors(torch.float32, WHERE)
        optimizer = cls(params, fused=True, **options)
        drive(optimizer, params, 2)
        fresh = [[torch.empty_like(p).normal_() for p in params] for _ in range(3)]
        torch.cuda.set_sync_debug_mode("error")
        try:
            for gradients in fresh:
                for p, g in zip(params, gradients, strict=True):
                    p.grad = g
                optimizer.step()
        finally:
            torch.cuda.set_sync_debug_mode("default")

    def test_a_step_takes_no_memory(self) -> None:
        params = [torch.ones(1_000_000, device=WHERE, requires_grad=True)]
        optimizer = torch_optim.Adam(params, fused=True)
        drive(optimizer, params, 2)
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        optimizer.step()
        assert torch.cuda.max_memory_allocated() == before

    def test_tensors_of_more_elements_than_32_bits_count(self) -> None:
        n = 2**32 + 4099
        if torch.cuda.mem_get_info()[0] < 5 * n:
            pytest.skip("needs 20 GiB of memory on the device")
        p = torch.ones(n, dtype=torch.bfloat16, device=WHERE, requires_grad=True)
        p.grad = torch.ones_like(p)
        optimizer = torch_optim.SGD([p], lr=0.5, fused=True)
        optimizer.step()
        assert p.min() == p.max() == 0.5
