"""The options that torch.optim does not have, in what a training program does with an optimizer."""

import io
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rmsprop_lib import torch_optim

ON: dict[str, tuple[Any, dict[str, Any]]] = {
    "SGD rate_inside": (torch_optim.SGD, dict(momentum=0.9, rate_inside=True)),
    "SGD decoupled": (torch_optim.SGD, dict(weight_decay=0.1, decoupled_weight_decay=True)),
    "AdaGrad eps_inside": (torch_optim.AdaGrad, dict(eps=0.1, eps_inside=True)),
    "AdaGrad decoupled": (torch_optim.AdaGrad, dict(weight_decay=0.1, decoupled_weight_decay=True)),
    "RMSprop eps_inside": (torch_optim.RMSprop, dict(eps=0.1, eps_inside=True)),
    "RMSprop rate_inside": (torch_optim.RMSprop, dict(momentum=0.9, rate_inside=True)),
    "RMSprop initial_square": (torch_optim.RMSprop, dict(initial_square=1.0)),
    "RMSprop bias_correction": (torch_optim.RMSprop, dict(bias_correction=True)),
    "RMSprop corrected and centered": (torch_optim.RMSprop, dict(eps=0.1, bias_correction=True, centered=True)),
    "RMSprop nesterov": (torch_optim.RMSprop, dict(momentum=0.9, nesterov=True)),
    "RMSprop caution": (torch_optim.RMSprop, dict(momentum=0.9, caution=True)),
    "RMSprop all": (
        torch_optim.RMSprop,
        dict(eps=0.1, eps_inside=True, rate_inside=True, initial_square=0.5, nesterov=True, caution=True, momentum=0.9)
        | dict(centered=True, weight_decay=0.1, decoupled_weight_decay=True, weight_decay_by="both"),
    ),
    "Adam eps_uncorrected": (torch_optim.Adam, dict(eps=0.1, eps_uncorrected=True, amsgrad=True)),
    "Adam by schedule": (
        torch_optim.Adam,
        dict(weight_decay=0.1, decoupled_weight_decay=True, weight_decay_by="schedule"),
    ),
}
each = pytest.mark.parametrize(("cls", "options"), ON.values(), ids=ON.keys())


def run(optimizer: Any, w: Tensor, first: int, last: int) -> Tensor:
    for t in range(first, last):
        optimizer.param_groups[0]["lr"] = 0.02 / (1 + t // 4)
        generator = torch.Generator().manual_seed(t)
        w.grad = torch.randn(w.shape, generator=generator, dtype=torch.float64).to(w.dtype) + 0.3
        optimizer.step()
    return w.detach().clone()


def begin(cls: Any, options: dict[str, Any], dtype: torch.dtype = torch.float64, **more: Any) -> tuple[Any, Tensor]:
    w = torch.linspace(-1, 1, 6, dtype=torch.float64).to(dtype).requires_grad_()
    return cls([w], lr=0.02, **options, **more), w


@each
def test_saved_and_loaded_a_run_goes_on_the_same(cls: Any, options: dict[str, Any]) -> None:
    optimizer, w = begin(cls, options)
    run(optimizer, w, 0, 6)
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    other = w.detach().clone().requires_grad_()
    loaded = cls([other], lr=0.5)
    if options.get("weight_decay_by"):
        loaded.param_groups[0]["peak_lr"] = 7.0
    loaded.load_state_dict(torch.load(file))
    assert torch.equal(run(loaded, other, 6, 12), run(optimizer, w, 6, 12))


@pytest.mark.parametrize(
    ("cls", "options"),
    # Without a buffer SGD's two kinds of weight decay are one.
    [pytest.param(*some, id=name) for name, some in ON.items() if name != "SGD decoupled"],
)
def test_the_option_makes_a_difference(cls: Any, options: dict[str, Any]) -> None:
    own = {name: value for name, value in options.items() if name in cls._options_of_its_own}
    plain = {name: value for name, value in options.items() if name not in own and name != "decoupled_weight_decay"}
    ends = [run(*begin(cls, some), 0, 6) for some in (options, plain)]
    assert not torch.allclose(*ends, rtol=1e-3, atol=0)


@each
def test_autograd_runs_through_a_step(cls: Any, options: dict[str, Any]) -> None:
    optimizer, w = begin(cls, options)
    run(optimizer, w, 0, 4)
    state = {k: x.clone().requires_grad_(k != "step") for k, x in optimizer.state.get(w, {}).items()}
    if "max_exp_avg_sq" in state:  # away from the kink of the maximum
        state["max_exp_avg_sq"] = (state["max_exp_avg_sq"].detach() * 2).requires_grad_()

    def step(p: Tensor, g: Tensor, *accumulators: Tensor) -> Any:
        p = p.clone()
        p.grad = g
        one = cls([p], lr=0.02, differentiable=True, **options)
        one.state[p].update({k: x.clone() for k, x in zip(state, accumulators, strict=True)})
        one.step()
        return p, *(x for x in one.state[p].values() if x.requires_grad)

    p, g = (torch.rand(6, dtype=torch.float64, requires_grad=True) for _ in "pg")
    assert torch.autograd.gradcheck(step, (p, g, *state.values()))


@pytest.mark.parametrize("name", [name for name, (cls, _) in ON.items() if "capturable" in cls([Tensor(1)]).defaults])
def test_capturable_it_does_the_same_and_asks_for_no_number(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cls, options = ON[name]
    expected = run(*begin(cls, options), 0, 6)
    optimizer, w = begin(cls, options, capturable=True)
    monkeypatch.setattr(Tensor, "item", lambda self: pytest.fail("a number was asked for"))
    monkeypatch.setattr(optimizer, "_accelerator_graph_capture_health_check", lambda: None)
    torch.testing.assert_close(run(optimizer, w, 0, 6), expected, rtol=1e-12, atol=0)


@each
def test_a_complex_parameter_is_the_two_parts_of_each_number(cls: Any, options: dict[str, Any]) -> None:
    z = torch.complex(*torch.linspace(-1, 1, 6, dtype=torch.float64).reshape(2, 3)).requires_grad_()
    pairs = torch.view_as_real(z.detach().clone()).requires_grad_()
    both = [cls([p], lr=0.02, **options) for p in (z, pairs)]
    for t in range(6):
        g = torch.randn(3, 2, generator=torch.Generator().manual_seed(t), dtype=torch.float64) + 0.3
        z.grad, pairs.grad = torch.view_as_complex(g), g
        for optimizer in both:
            optimizer.step()
    torch.testing.assert_close(torch.view_as_real(z), pairs, rtol=1e-13, atol=0)


@each
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_has_its_accumulators_in_single(cls: Any, options: dict[str, Any], dtype: torch.dtype) -> None:
    optimizer, w = begin(cls, options, dtype)
    end = run(optimizer, w, 0, 6)
    assert {x.dtype for x in optimizer.state.get(w, {}).values()} <= {torch.float32}
    expected = run(*begin(cls, options), 0, 6)
    if not options.get("caution"):  # where a sign that rounding decides is a jump
        np.testing.assert_allclose(end.double(), expected, atol=6 * torch.finfo(dtype).eps)
