"""``fused=True`` from step to step: where steps are counted, what is kept, what is asked again."""

import copy
import gc
import warnings
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from fused_methods import count_calls, drive, give_gradients, tensors
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from rmsprop_lib import torch_optim
from rmsprop_lib.compiled import cpu
from rmsprop_lib.compiled import tensors as which

CLASSES = (torch_optim.SGD, torch_optim.AdaGrad, torch_optim.RMSprop, torch_optim.Adam)
each_class = pytest.mark.parametrize("cls", CLASSES)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tensors each call of the compiled rule had."""
    return count_calls(monkeypatch, cpu)


@pytest.fixture(params=["numba", "triton"])
def compiler(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Either compiler in turn; Triton's interpreter takes tensors on the CPU."""
    if request.param == "triton":
        pytest.importorskip("triton", reason="Triton exists for Linux only")
        from rmsprop_lib.compiled import plan_cuda

        monkeypatch.setattr(which, "plan_class", lambda device: plan_cuda.CudaPlan)
    return str(request.param)


def counters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [entry["step"] for entry in optimizer.state.values()]


def one(shape: tuple[int, ...] = (3,), **more: Any) -> Tensor:
    p = torch.ones(shape, requires_grad=True, **more)
    p.grad = torch.ones_like(p)
    return p


@pytest.mark.usefixtures("compiler")
class TestTheCounter:
    @pytest.fixture(params=[torch.float16, torch.bfloat16, torch.float64], ids=str)
    def _default(self, request: pytest.FixtureRequest) -> Iterator[None]:
        before = torch.get_default_dtype()
        torch.set_default_dtype(request.param)
        yield
        torch.set_default_dtype(before)

    @pytest.mark.usefixtures("_default")
    @pytest.mark.parametrize("cls", CLASSES[1:])
    def test_it_is_in_single_precision_whatever_the_default_is(self, cls: Any) -> None:
        params = tensors(torch.float32)
        optimizer = cls(params, fused=True)
        drive(optimizer, params, 1)
        for step in counters(optimizer):
            step.fill_(2048)  # after which float16 counts no further, as bfloat16 does after 256
        drive(optimizer, params, 2)
        assert [step.item() for step in counters(optimizer)] == [2050] * 5
        assert {step.dtype for step in counters(optimizer)} == {torch.float32}

    def test_a_rule_that_does_not_count_has_none(self) -> None:
        params = tensors(torch.float32)
        optimizer = torch_optim.SGD(params, momentum=0.9, fused=True)
        drive(optimizer, params, 2)
        assert {name for entry in optimizer.state.values() for name in entry} == {"momentum_buffer"}
        plain = torch_optim.SGD(params, fused=True)
        drive(plain, params, 2)
        assert not plain.state

    def test_who_holds_one_sees_it_count(self) -> None:
        params = tensors(torch.float32)
        optimizer = torch_optim.Adam(params)
        drive(optimizer, params, 1)
        optimizer.param_groups[0]["fused"] = True
        held = counters(optimizer)
        drive(optimizer, params, 3)
        assert [step.item() for step in held] == [4] * 5
        assert all(a is b for a, b in zip(held, counters(optimizer), strict=True))

    def test_one_that_no_kernel_can_count_is_replaced(self) -> None:
        params = tensors(torch.float64)
        optimizer = torch_optim.Adam(params)
        drive(optimizer, params, 2)
        for p, step in zip(params, (torch.tensor(2.0, dtype=torch.float64), torch.tensor(2), 2, 2.0), strict=False):
            optimizer.state[p]["step"] = step
        optimizer.param_groups[0]["fused"] = True
        drive(optimizer, params, 2)
        assert [(step.item(), step.dtype) for step in counters(optimizer)] == [(4, torch.float32)] * 5

    def test_it_counts_where_it_has_been_moved_to(self) -> None:
        params = tensors(torch.float32)
        optimizer = torch_optim.Adam(params, fused=True)
        drive(optimizer, params, 1)
        for entry in optimizer.state.values():
            for x in entry.values():
                x.share_memory_()
        drive(optimizer, params, 2)
        assert [step.item() for step in counters(optimizer)] == [3] * 5
        assert all(x.is_shared() for entry in optimizer.state.values() for x in entry.values())

    @each_class
    def test_a_default_device_around_the_step(self, cls: Any) -> None:
        a, b = tensors(torch.float32), tensors(torch.float32)
        expected = drive(cls(a, fused=True), a, 3)
        give_gradients(b, 0)
        optimizer = cls(b, fused=True)
        for t in range(3):
            give_gradients(b, t)
            with torch.device("meta"):
                optimizer.step()
        assert all(torch.equal(x, y) for x, y in zip(expected, b, strict=True))


def hogwild(p: Tensor, step: Tensor, optimizer: torch.optim.Optimizer) -> None:
    p.grad = torch.ones_like(p)
    for _ in range(5):
        optimizer.step()
    assert optimizer.state[p]["step"].data_ptr() == step.data_ptr()


def test_a_spawned_worker_counts_in_shared_memory() -> None:
    """As in Hogwild: parameters and state are shared, and each worker steps them."""
    p = one((1000,))
    optimizer = torch_optim.Adam([p], fused=True)
    optimizer.step()
    p.grad = None
    p.share_memory_()
    for x in optimizer.state[p].values():
        x.share_memory_()
    step = optimizer.state[p]["step"]
    context = torch.multiprocessing.get_context("spawn")
    worker = context.Process(target=hogwild, args=(p, step, optimizer))
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    assert step.item() == 6
    p.grad = torch.ones_like(p)
    optimizer.step()
    assert step.item() == 7


class TestNoDataAtAll:
    @each_class
    @pytest.mark.parametrize("fused", [False, True])
    def test_on_meta(self, cls: Any, fused: bool) -> None:
        optimizer = cls([one(device="meta")], fused=fused)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="fused=True: 1 tensor is stepped one by one: it is on meta")
            optimizer.step()
            optimizer.step()
        assert [step.item() for entry in optimizer.state.values() for step in [entry.get("step", torch.tensor(2))]] == [
            2
        ] * len(optimizer.state)

    @each_class
    @pytest.mark.parametrize("fused", [False, True])
    def test_of_fake_tensors(self, cls: Any, fused: bool) -> None:
        with FakeTensorMode(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".* a FakeTensor is not an ordinary tensor")
            p = one()
            optimizer = cls([p], fused=fused)
            optimizer.step()
            optimizer.step()
            assert p.shape == (3,)


class _Kept:
    """Something that a graph keeps."""


class _Keeping(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, kept: _Kept) -> Tensor:
        ctx.kept = kept
        return 2 * x


@pytest.mark.usefixtures("compiler")
class TestNothingIsKept:
    def plan(self, optimizer: torch.optim.Optimizer, params: list[Tensor]) -> None:
        """Two steps: one that plans, and one that goes by the plan."""
        drive(optimizer, params, 2)
        gc.collect()

    def test_a_gradient_and_its_graph(self) -> None:
        (p,) = params = [one()]
        optimizer = torch_optim.Adam(params, fused=True)
        self.plan(optimizer, params)
        optimizer.zero_grad()
        kept = _Kept()
        p.grad = _Keeping.apply(torch.ones(3, requires_grad=True), kept)  # type: ignore[no-untyped-call]
        gradient, in_its_graph = weakref.ref(p.grad), weakref.ref(kept)
        del kept
        optimizer.step()
        assert in_its_graph() is not None
        optimizer.zero_grad()
        assert gradient() is None
        assert in_its_graph() is None

    def test_a_parameter_and_a_state_that_are_replaced(self) -> None:
        params = [one(), one()]
        optimizer = torch_optim.Adam(params, fused=True)
        self.plan(optimizer, params)
        held = [weakref.ref(params[0]), *map(weakref.ref, optimizer.state[params[0]].values())]
        del optimizer.state[params[0]]
        params[0] = optimizer.param_groups[0]["params"][0] = one((5,))
        assert [reference() for reference in held] == [None] * 4
        drive(optimizer, params, 2)
        assert [step.item() for step in counters(optimizer)] == [4, 2]

    def test_an_accumulator_that_is_moved_away(self) -> None:
        params = [one(), one()]
        optimizer = torch_optim.Adam(params, fused=True)
        self.plan(optimizer, params)
        held = weakref.ref(optimizer.state[params[0]]["exp_avg"])
        optimizer.state[params[0]]["exp_avg"] = optimizer.state[params[0]]["exp_avg"].clone()
        assert held() is None

    def test_a_parameter_that_is_left(self) -> None:
        params = [one(), one(dtype=torch.complex64)]
        optimizer = torch_optim.RMSprop(params, fused=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optimizer.step()
        held = weakref.ref(params.pop())
        optimizer.param_groups[0]["params"].pop()
        optimizer.state.popitem()
        assert held() is None

    def test_modules_that_swap_their_parameters_still_can(self) -> None:
        """torch.utils.swap_tensors refuses what there are weak references to."""
        torch.__future__.set_swap_module_params_on_conversion(True)
        try:
            module = torch.nn.Linear(2, 2)
            optimizer = torch_optim.SGD(module.parameters(), fused=True)
            for p in module.parameters():
                p.grad = torch.ones_like(p)
            optimizer.step()
            module.double()
            assert module.weight.dtype is torch.float64
            optimizer.step()
        finally:
            torch.__future__.set_swap_module_params_on_conversion(False)


# Two axes of one element each: their strides say nothing.
ONES = [(4, 1, 1), (1, 4, 1), (4, 2, 1, 1), (1,), (1, 1)]


class TestLayouts:
    def odd(self, x: Tensor) -> Tensor:
        """The same tensor with other strides on axes of one element."""
        strides = [7 + axis if n == 1 else s for axis, (s, n) in enumerate(zip(x.stride(), x.shape, strict=True))]
        return x.as_strided(x.shape, strides)

    @pytest.mark.parametrize("which_first", ["odd first", "odd later"])
    @pytest.mark.parametrize("channels_last", [False, True])
    @pytest.mark.parametrize("shape", ONES)
    def test_axes_of_one_element_do_not_count(
        self, shape: tuple[int, ...], channels_last: bool, which_first: str, calls: list[int]
    ) -> None:
        p = torch.ones(shape)
        if channels_last:
            shape = (3, 2, 5, 1)
            p = torch.ones(shape).to(memory_format=torch.channels_last)
        p.requires_grad_()
        optimizer = torch_optim.RMSprop([p], lr=0.1, fused=True)
        plans = []
        for t in range(3):
            p.grad = torch.ones_like(p)
            if (t > 0) == (which_first == "odd later"):
                p.grad.data = self.odd(p.grad.data)
                assert p.grad.stride() != p.stride()
            optimizer.step()
            plans.append(optimizer._one_pass.plans[id(optimizer.param_groups[0])])
        assert calls == [1] * 3, "no warning, one call a step"
        assert plans[0] is plans[1] is plans[2], "and one plan"
        other = torch.ones(shape, requires_grad=True)
        expected = torch_optim.RMSprop([other], lr=0.1)
        for _ in range(3):
            other.grad = torch.ones(shape)
            expected.step()
        torch.testing.assert_close(p, other, rtol=1e-6, atol=1e-6)

    def test_a_gradient_in_another_order_is_seen_at_any_step(self) -> None:
        p = torch.zeros(2, 2, requires_grad=True)
        optimizer = torch_optim.SGD([p], lr=1.0, fused=True)
        given = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        p.grad = given.clone()
        optimizer.step()
        p.grad = given.T.contiguous().T
        with pytest.warns(UserWarning, match="laid out differently"):
            optimizer.step()
        assert torch.equal(p, -2 * given)

    def test_a_gradient_that_stands_for_its_negative_is_seen_at_any_step(self) -> None:
        p = torch.zeros(1, requires_grad=True)
        optimizer = torch_optim.SGD([p], lr=1.0, fused=True)
        p.grad = torch.ones(1)
        optimizer.step()
        p.grad = torch.tensor([2 - 3j]).conj().imag
        assert p.grad.is_neg() and p.grad.is_contiguous()
        with pytest.warns(UserWarning, match="stands for its negative"):
            optimizer.step()
        assert p.item() == -4

    def test_a_compiled_model_is_stepped_at_once(self, calls: list[int]) -> None:
        """Inductor gives gradients of 1×1 convolutions strides of its own on those axes."""
        p = torch.ones(4, 2, 1, 1, requires_grad=True)
        optimizer = torch_optim.Adam([p], fused=True)
        for strides in ((2, 1, 2, 2), (2, 1, 1, 1), (2, 1, 8, 8)):
            p.grad = torch.ones(8).as_strided((4, 2, 1, 1), strides)
            optimizer.step()
        assert calls == [1] * 3


class TestUnderTorchCompile:
    @each_class
    @pytest.mark.parametrize("backend", ["eager", "aot_eager"])
    def test_the_compiler_is_kept_out(self, cls: Any, backend: str, calls: list[int]) -> None:
        torch._dynamo.reset()
        a, b = [one((4, 2))], [one((4, 2))]
        plain, quick = cls(a, lr=0.1, fused=True), cls(b, lr=0.1, fused=True)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*Profiler record function.*")
            step: Any = torch.compile(quick.step, backend=backend)
            for _ in range(3):
                step()
        assert calls == [1] * 3
        for _ in range(3):
            plain.step()
        assert torch.equal(a[0], b[0])

    def test_also_when_a_whole_step_of_training_is_compiled(self, calls: list[int]) -> None:
        torch._dynamo.reset()
        model = torch.nn.Linear(3, 1)
        with torch.no_grad():
            model.weight.fill_(1.0)  # far from where the loss is least
        optimizer = torch_optim.Adam(model.parameters(), lr=0.1, fused=True)

        def train(x: Tensor) -> Tensor:
            optimizer.zero_grad()
            loss: Tensor = (model(x) ** 2).mean()
            loss.backward()
            optimizer.step()
            return loss

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            losses = [torch.compile(train, backend="eager")(torch.ones(4, 3)).item() for _ in range(4)]
        assert calls == [2] * 4
        assert losses[-1] < losses[0]

    def test_a_copy_keeps_it_out_too(self) -> None:
        torch._dynamo.reset()
        params, optimizer = copy.deepcopy(((p := one()), torch_optim.RMSprop([p], fused=True)))
        params.grad = torch.ones(3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.compile(optimizer.step, backend="eager")()
        assert (params < 1).all()
