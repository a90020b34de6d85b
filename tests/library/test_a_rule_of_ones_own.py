"""What a new rule takes: a function, and a shell of a dozen lines around it. It is then compiled everywhere."""

from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from fused_methods import assert_same, assert_same_state, drive, tensors
from numpy.typing import NDArray

from rmsprop_lib import numpy_optim, rules
from rmsprop_lib.compiled import arrays, plan_cuda
from rmsprop_lib.compiled import tensors as which
from rmsprop_lib.compiled.kernels import parts
from rmsprop_lib.hyperparameters import DECAY, NON_NEGATIVE, Hyperparameter, Interval
from rmsprop_lib.torch_optim.base import RuleOptimizer


def halfway(a: Any, b: Any) -> Any:
    return (a + b) / 2


# A rule calls others by their own names, as those in `rules` do.
rmsprop, heavy_ball = rules.rmsprop, rules.heavy_ball


def blended(g: Any, v: Any, b: Any, rho: Any, gamma: Any, eps: Any) -> tuple[Any, Any, Any]:
    """Half of the way from RMSprop's direction to the heavy ball's: nobody's rule, made of others."""
    d, v = rmsprop(g, v, rho, eps)
    ball, b = heavy_ball(g, b, gamma)
    return halfway(d, ball), v, b


class Blended(RuleOptimizer):
    _intervals: ClassVar[dict[str, Interval]] = {**RuleOptimizer._intervals, "rho": DECAY, "gamma": DECAY}

    def __init__(self, params: Any, lr: Any = 0.01, rho: float = 0.9, gamma: float = 0.8, **options: Any) -> None:
        super().__init__(params, dict(lr=lr, rho=rho, gamma=gamma, **options))

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("square_avg", "momentum_buffer")

    def _chosen(self, group: dict[str, Any], dtype: torch.dtype, state: Any) -> tuple[rules.Rule, tuple[Any, ...]]:
        return blended, (group["rho"], group["gamma"], 0.1)


class BlendedArrays(numpy_optim.Optimizer):
    rho = Hyperparameter(DECAY)
    epsilon = Hyperparameter(NON_NEGATIVE)

    def __init__(self, learning_rate: float = 0.01, rho: float = 0.9) -> None:
        super().__init__(learning_rate, weight_decay=0.1, check_finite=True)
        self.rho, self.epsilon = rho, 0.1

    def _names(self) -> tuple[str, ...]:
        return ("cache", "velocity")

    def _chosen(self, t: int) -> tuple[rules.Rule, tuple[Any, ...]]:
        return blended, (self.rho, 0.8, self.epsilon)

    def _denominator(self, key: str) -> Any:
        return rules.sqrt(self.cache[key]) + self.epsilon


def test_the_functions_that_a_rule_calls_are_found_in_its_code() -> None:
    assert parts(rules.sgd) == parts(rules.rmsprop) == ()  # made of primitives alone
    assert parts(rules.centered_rmsprop_momentum) == (rules.centered_rmsprop, rules.heavy_ball)
    assert parts(blended) == (rules.rmsprop, rules.heavy_ball, halfway)


@pytest.mark.parametrize("options", [{}, {"weight_decay": 0.1, "maximize": True}], ids=["plain", "decayed"])
def test_numba_steps_tensors_by_it(options: dict[str, Any], recwarn: pytest.WarningsRecorder) -> None:
    a, b = tensors(), tensors()
    plain, quick = Blended(a, **options), Blended(b, fused=True, **options)
    assert_same(drive(plain, a), drive(quick, b))
    assert_same_state(plain, quick, 1e-12)
    assert len(quick._one_pass.plans) == 1 and not recwarn.list


def test_triton_steps_tensors_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("triton")
    a, b = tensors(torch.float32), tensors(torch.float32)
    plain, quick = Blended(a), Blended(b, fused=True)
    monkeypatch.setattr(
        which, "plan_class", lambda device: plan_cuda.CudaPlan
    )  # its interpreter, where there is no card
    assert_same(drive(plain, a), drive(quick, b), 3e-6)
    (group,) = quick._one_pass.plans.values()
    assert isinstance(group.plans[0], plan_cuda.CudaPlan) and not group.left


def test_numba_steps_arrays_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> tuple[NDArray, dict[str, Any]]:
        optimizer, params = BlendedArrays(), {"w": np.linspace(-1.0, 1.0, 7)}
        for t in range(4):
            params = optimizer.update(params, {"w": np.cos(params["w"] + t)})
        return params["w"], optimizer.state

    expected, state = run()
    monkeypatch.setattr(arrays, "WORTH_COMPILING", 1)
    stepped: list[int] = []
    at_once = arrays.step_at_once
    monkeypatch.setattr(
        arrays, "step_at_once", lambda *a, **o: (done := at_once(*a, **o), stepped.append(len(done)))[0]
    )
    got, compiled_state = run()
    np.testing.assert_allclose(got, expected, rtol=1e-13)
    for name, by_key in state.items():
        np.testing.assert_allclose(compiled_state[name]["w"], by_key["w"], rtol=1e-13)
    assert stepped == [1] * 4
