"""``fused=True``: the same results in one pass over memory, and a reason where that cannot be."""

import copy
import os
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from fused_methods import assert_same, assert_same_state, count_calls, drive, each_method, give_gradients, pair, tensors
from torch import Tensor

from rmsprop_lib import torch_optim
from rmsprop_lib.compiled import cpu
from rmsprop_lib.compiled import tensors as which


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tensors each call of the compiled rule had."""
    return count_calls(monkeypatch, cpu)


class TestSameResults:
    @each_method
    @pytest.mark.parametrize(("dtype", "rtol"), [(torch.float64, 1e-12), (torch.float32, 3e-6)])
    def test_parameters_and_state(
        self, cls: Any, options: dict[str, Any], dtype: torch.dtype, rtol: float, calls: list[int]
    ) -> None:
        (a, plain), (b, quick) = pair(cls, options, dtype)
        assert_same(drive(plain, a), drive(quick, b), rtol)
        assert calls == [5] * 5, "all five tensors in one call, at every step"
        assert_same_state(plain, quick, rtol)

    @each_method
    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
    def test_half_precision_with_single_precision_state(
        self, cls: Any, options: dict[str, Any], dtype: torch.dtype, calls: list[int]
    ) -> None:
        (a, plain), (b, quick) = pair(cls, options, dtype)
        assert_same(drive(plain, a), drive(quick, b), 0)
        assert calls == [5] * 5
        assert_same_state(plain, quick, 3e-6)
        assert {x.dtype for entry in quick.state.values() for x in entry.values()} <= {torch.float32}

    def test_two_dtypes_in_a_group_are_two_calls(self, calls: list[int]) -> None:
        a, b = ([*tensors(torch.float32), *tensors(torch.float64)] for _ in range(2))
        assert_same(drive(torch_optim.Adam(a), a), drive(torch_optim.Adam(b, fused=True), b), 3e-6)
        assert calls == [5, 5] * 5

    def test_each_group_has_its_options(self) -> None:
        def run(fused: bool) -> list[Tensor]:
            params = tensors()
            groups = [{"params": params[:2], "lr": 0.1}, {"params": params[2:], "betas": (0.5, 0.5)}]
            return drive(torch_optim.Adam(groups, lr=0.01, fused=fused), params)

        assert_same(run(False), run(True))

    def test_a_tensor_learning_rate_and_a_schedule(self) -> None:
        def run(fused: bool) -> list[Tensor]:
            params = tensors()
            optimizer = torch_optim.Adam(params, lr=torch.tensor(0.1, dtype=torch.float64), fused=fused)
            schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
            for t in range(4):
                drive(optimizer, params, 1, t)
                schedule.step()
            return params

        assert_same(run(False), run(True))

    def test_a_new_rate_compiles_nothing(self) -> None:
        params = tensors()
        optimizer = torch_optim.Adam(params, lr=0.1, fused=True)
        drive(optimizer, params, 1)
        before = cpu._kernel.cache_info().misses
        for lr in (0.2, 1, 1e-9):
            optimizer.param_groups[0]["lr"] = lr
            drive(optimizer, params, 1)
        assert cpu._kernel.cache_info().misses == before


class TestWhatChangesBetweenSteps:
    def both(self, change: Callable[[torch.optim.Optimizer, list[Tensor]], None], **options: Any) -> None:
        (a, plain), (b, quick) = pair(torch_optim.Adam, dict(lr=0.01, eps=0.1, **options))
        for optimizer, params in ((plain, a), (quick, b)):
            drive(optimizer, params, 2)
            change(optimizer, params)
            drive(optimizer, params, 2, first=2)
        assert_same(a, b)

    def test_a_parameter_without_a_gradient_waits(self) -> None:
        def change(optimizer: torch.optim.Optimizer, params: list[Tensor]) -> None:
            give_gradients(params, 50)
            params[0].grad = None
            optimizer.step()
            assert [int(optimizer.state[p]["step"]) for p in params] == [2, 3, 3, 3, 3]

        self.both(change)

    def test_a_loaded_state(self) -> None:
        self.both(lambda optimizer, params: optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict())))

    def test_an_accumulator_put_in_by_hand(self) -> None:
        def change(optimizer: torch.optim.Optimizer, params: list[Tensor]) -> None:
            optimizer.state[params[0]]["exp_avg_sq"] = torch.full_like(params[0], 0.25)

        self.both(change)

    def test_an_accumulator_whose_data_is_swapped(self) -> None:
        def change(optimizer: torch.optim.Optimizer, params: list[Tensor]) -> None:
            optimizer.state[params[0]]["exp_avg_sq"].data = torch.full_like(params[0], 0.25).detach()

        self.both(change)

    def test_a_parameter_whose_data_is_swapped(self) -> None:
        def change(optimizer: torch.optim.Optimizer, params: list[Tensor]) -> None:
            params[0].data = torch.ones_like(params[0]).detach()

        self.both(change)

    def test_a_new_group(self) -> None:
        def run(fused: bool) -> list[Tensor]:
            params = tensors()
            optimizer = torch_optim.RMSprop(params[:2], fused=fused)
            drive(optimizer, params[:2], 2)
            optimizer.add_param_group({"params": params[2:]})
            return drive(optimizer, params, 2)

        assert_same(run(False), run(True))

    def test_a_copy_goes_on_by_itself(self) -> None:
        params = tensors()
        optimizer = torch_optim.Adam(params, fused=True)
        drive(optimizer, params, 2)
        other_params, other = copy.deepcopy((params, optimizer))
        before = [p.detach().clone() for p in params]
        drive(other, other_params, 2, first=2)
        assert_same(before, params)
        assert [int(optimizer.state[p]["step"]) for p in params] == [2] * 5
        assert_same(drive(optimizer, params, 2, first=2), other_params)


class TestWhatCannotBeFused:
    def fall_back(self, a: list[Tensor], b: list[Tensor], reason: str, **options: Any) -> None:
        plain = torch_optim.RMSprop(a, **options)
        quick = torch_optim.RMSprop(b, fused=True, **options)
        with pytest.warns(UserWarning, match=reason):
            drive(quick, b, 1)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # it is said once
            drive(quick, b, 2, first=1)
        assert_same(drive(plain, a, 3), b, 1e-6)

    def test_other_dtypes(self) -> None:
        a, b = ([*tensors(), torch.ones(3, dtype=torch.complex64, requires_grad=True)] for _ in range(2))
        self.fall_back(a, b, "its dtype is torch.complex64, not float16, bfloat16, float32 or float64")

    def test_gaps_between_elements(self) -> None:
        a, b = ([torch.ones(4, 6, dtype=torch.float64)[:, ::2].requires_grad_()] for _ in range(2))
        for params in (a, b):
            params[0] = params[0].detach().requires_grad_()
        self.fall_back(a, b, "laid out differently|gaps between them")

    def test_a_gradient_laid_out_differently(self) -> None:
        params = [torch.ones(3, 4, dtype=torch.float64, requires_grad=True) for _ in range(2)]
        plain, quick = torch_optim.RMSprop(params[:1]), torch_optim.RMSprop(params[1:], fused=True)
        for p in params:
            p.grad = torch.arange(12.0, dtype=torch.float64).reshape(4, 3).mT
        plain.step()
        with pytest.warns(UserWarning, match="laid out differently"):
            quick.step()
        assert_same(params[:1], params[1:])

    def test_tensors_that_overlap(self) -> None:
        def overlapping() -> list[Tensor]:
            base = torch.arange(6.0, dtype=torch.float64)
            return [base[:4].requires_grad_(), base.detach()[2:].requires_grad_()]

        a, b = overlapping(), overlapping()
        self.fall_back(a, b, "overlap in memory")

    def test_several_rates(self) -> None:
        rates = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
        a, b = ([tensors()[0]] for _ in range(2))
        self.fall_back(a, b, "lr is a tensor of several rates", lr=rates)

    def test_without_numba_it_is_refused_on_construction(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(which, "find_spec", lambda name: None)
        with pytest.raises(
            RuntimeError,
            match=r"fused=True needs Numba for parameters on cpu: pip install \"rmsprop-lib\[fused\]\", or",
        ):
            torch_optim.RMSprop(tensors(), fused=True)
        torch_optim.RMSprop(tensors(), fused=False)

    def test_without_numba_a_fused_checkpoint_is_gone_on_with(self, monkeypatch: pytest.MonkeyPatch) -> None:
        a, b = tensors(), tensors()
        saved = torch_optim.Adam(a, fused=True)
        drive(saved, a, 1)
        monkeypatch.setattr(which, "find_spec", lambda name: None)
        drive(torch_optim.Adam(b), b, 1)
        loaded = torch_optim.Adam(b)
        loaded.load_state_dict(saved.state_dict())
        with pytest.warns(UserWarning, match="5 tensors are stepped one by one: Numba is not installed"):
            drive(loaded, b, 1, first=1)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
    def test_a_forked_process_goes_on_without_threads(self) -> None:
        program = """
            import os, sys, warnings
            import numpy as np, torch
            from rmsprop_lib import numpy_optim, torch_optim

            p = torch.nn.Parameter(torch.ones(10))
            p.grad = torch.ones(10)
            tensors = torch_optim.RMSprop([p], lr=0.1, fused=True)
            large, arrays = {"w": np.ones(1_000_000)}, numpy_optim.RMSprop(0.1)
            tensors.step(), arrays.update_(large, large)
            if (child := os.fork()) == 0:
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    tensors.step(), arrays.update_(large, large)
                said = any("forked" in str(w.message) for w in caught)
                os._exit(0 if said and p[0] < 0 and large["w"][0] < 0.5 else 1)
            tensors.step(), arrays.update_(large, large)
            sys.exit(os.waitpid(child, 0)[1])
        """
        run = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, check=False)
        assert run.returncode == 0, run.stderr.decode()


class TestAutograd:
    def test_it_sees_that_a_parameter_has_changed(self) -> None:
        (p,) = params = [torch.ones(3, dtype=torch.float64, requires_grad=True)]
        optimizer = torch_optim.RMSprop(params, fused=True)
        loss = (p * p).sum()
        loss.backward(retain_graph=True)
        before = p._version
        optimizer.step()
        assert p._version > before
        before = optimizer.state[p]["square_avg"]._version
        optimizer.step()
        assert optimizer.state[p]["square_avg"]._version > before
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()

    def test_a_fused_rmsprop_hands_its_state_to_torch_optim(self) -> None:
        params = tensors()
        optimizer = torch_optim.RMSprop(params, centered=True, fused=True)
        drive(optimizer, params, 3)
        theirs = [p.detach().clone().requires_grad_() for p in params]
        reference = torch.optim.RMSprop(theirs, centered=True)
        given = copy.deepcopy(optimizer.to_torch_state_dict())
        assert "fused" in optimizer.param_groups[0] and "fused" not in given["param_groups"][0]
        reference.load_state_dict(given)
        assert_same(drive(optimizer, params, 2), drive(reference, theirs, 2), 1e-9)

    def test_the_state_is_one_that_torch_optim_goes_on_with(self) -> None:
        params, theirs = tensors(), tensors()
        optimizer, reference = torch_optim.Adam(params, fused=True), torch.optim.Adam(theirs)
        drive(optimizer, params, 3)
        drive(reference, theirs, 3)
        ours = copy.deepcopy(optimizer.state_dict())
        reference.load_state_dict({**ours, "param_groups": reference.state_dict()["param_groups"]})
        assert_same(drive(optimizer, params, 2), drive(reference, theirs, 2))


@pytest.mark.parametrize(
    ("tensor", "dense"),
    [
        (torch.ones(3, 4), True),
        (torch.ones(3, 4).mT, True),
        (torch.ones(2, 3, 4, 5).to(memory_format=torch.channels_last), True),
        (torch.ones(3, 1, 4)[:, :, ::2], False),
        (torch.ones(1).expand(3), False),
        (torch.ones(4, 6)[:, :3], False),
        (torch.ones(()), True),
        (torch.ones(1, 5).mT, True),
    ],
)
def test_dense_is_without_gaps_and_overlaps(tensor: Tensor, dense: bool) -> None:
    assert (which.refusal([tensor]) is None) is dense
