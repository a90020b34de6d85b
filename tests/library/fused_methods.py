"""Every optimizer with settings that differ in what is compiled, and tensors of many layouts for it to step."""

from typing import Any

import pytest
import torch
from torch import Tensor

from rmsprop_lib import torch_optim

METHODS: dict[str, tuple[Any, dict[str, Any]]] = {
    "SGD": (torch_optim.SGD, dict(lr=0.01)),
    "SGD momentum": (torch_optim.SGD, dict(lr=0.01, momentum=0.9, weight_decay=0.1)),
    "SGD dampening": (torch_optim.SGD, dict(lr=0.01, momentum=0.9, dampening=0.3)),
    "SGD nesterov": (torch_optim.SGD, dict(lr=0.01, momentum=0.9, nesterov=True, maximize=True)),
    "AdaGrad": (torch_optim.AdaGrad, dict(lr=0.1, eps=0.1, weight_decay=0.1, initial_accumulator_value=0.5)),
    "AdaGrad lr_decay": (torch_optim.AdaGrad, dict(lr=0.1, eps=0.1, lr_decay=0.05)),
    "RMSprop": (torch_optim.RMSprop, dict(lr=0.01, alpha=0.9, eps=0.1)),
    "RMSprop maximize": (torch_optim.RMSprop, dict(lr=0.01, alpha=0.9, eps=0.1, weight_decay=0.1, maximize=True)),
    "RMSprop centered": (torch_optim.RMSprop, dict(lr=0.01, alpha=0.9, eps=0.1, centered=True)),
    "RMSprop momentum": (torch_optim.RMSprop, dict(lr=0.01, alpha=0.9, eps=0.1, momentum=0.8)),
    "RMSprop both": (torch_optim.RMSprop, dict(lr=0.01, alpha=0.9, eps=0.1, momentum=0.8, centered=True)),
    "Adam": (torch_optim.Adam, dict(lr=0.01, betas=(0.8, 0.99), eps=0.1, weight_decay=0.1)),
    "AMSGrad": (torch_optim.Adam, dict(lr=0.01, betas=(0.8, 0.7), eps=0.1, amsgrad=True)),
    "AdamW": (torch_optim.Adam, dict(lr=0.01, eps=0.1, weight_decay=0.1, decoupled_weight_decay=True)),
    "SGD rate inside": (
        torch_optim.SGD,
        dict(lr=0.01, momentum=0.9, nesterov=True, rate_inside=True, weight_decay=0.1, decoupled_weight_decay=True),
    ),
    "AdaGrad ε inside": (
        torch_optim.AdaGrad,
        dict(lr=0.1, eps=0.1, eps_inside=True, lr_decay=0.05, weight_decay=0.1, decoupled_weight_decay=True),
    ),
    "RMSprop as in TensorFlow": (
        torch_optim.RMSprop,
        dict(lr=0.01, alpha=0.9, eps=0.1, momentum=0.8, eps_inside=True, rate_inside=True, initial_square=1.0),
    ),
    "RMSprop as in Keras": (
        torch_optim.RMSprop,
        dict(lr=0.01, alpha=0.9, eps=0.1, momentum=0.8, centered=True, eps_inside=True, rate_inside=True)
        | dict(weight_decay=0.1, decoupled_weight_decay=True),
    ),
    "RMSprop corrected": (torch_optim.RMSprop, dict(lr=0.01, alpha=0.9, eps=0.1, bias_correction=True)),
    "RMSprop corrected, all on": (
        torch_optim.RMSprop,
        dict(lr=0.01, alpha=0.9, eps=0.1, bias_correction=True, centered=True, momentum=0.8, nesterov=True)
        | dict(weight_decay=0.1, decoupled_weight_decay=True, weight_decay_by="both"),
    ),
    "Adam ε uncorrected": (torch_optim.Adam, dict(lr=0.01, eps=0.1, eps_uncorrected=True)),
    "AdamW by schedule": (
        torch_optim.Adam,
        dict(lr=0.01, eps=0.1, weight_decay=0.1, decoupled_weight_decay=True, weight_decay_by="schedule"),
    ),
    "AdaDelta": (torch_optim.AdaDelta, dict(rho=0.8, eps=0.1, weight_decay=0.1)),
    "AdaMax": (torch_optim.AdaMax, dict(lr=0.01, betas=(0.8, 0.9), eps=0.1)),
    "NAdam": (torch_optim.NAdam, dict(lr=0.01, betas=(0.8, 0.99), eps=0.1, momentum_decay=None)),
    "RAdam": (torch_optim.RAdam, dict(lr=0.01, betas=(0.8, 0.8), eps=0.1)),
    "RAdam, decoupled decay": (
        torch_optim.RAdam,
        dict(lr=0.01, eps=0.1, weight_decay=0.1, decoupled_weight_decay=True, maximize=True),
    ),
    "LaProp": (torch_optim.LaProp, dict(lr=0.01, betas=(0.8, 0.99), eps=0.1)),
    "AdaBelief": (torch_optim.AdaBelief, dict(lr=0.01, betas=(0.8, 0.99), eps=0.1)),
    "Yogi": (torch_optim.Yogi, dict(lr=0.01, betas=(0.8, 0.99), eps=0.1)),
    "Lion": (torch_optim.Lion, dict(lr=0.01, betas=(0.8, 0.9), weight_decay=0.1)),
}
each_method = pytest.mark.parametrize(("cls", "options"), METHODS.values(), ids=METHODS.keys())


def tensors(dtype: torch.dtype = torch.float64, where: Any = "cpu") -> list[Tensor]:
    """Of many shapes and layouts, all dense: a matrix, its like in columns, a scalar, none, images in either order."""
    generator = torch.Generator().manual_seed(0)
    made = [
        torch.randn(shape, generator=generator, dtype=torch.float64).to(where, dtype)
        for shape in ((30, 4), (5, 6), (), (0, 3), (2, 3, 4, 5))
    ]
    made[1] = made[1].mT
    made[4] = made[4].to(memory_format=torch.channels_last)
    return [tensor.requires_grad_() for tensor in made]


def give_gradients(params: list[Tensor], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for p in params:
        noise = torch.randn(p.shape, generator=generator, dtype=torch.float64)
        p.grad = torch.empty_like(p).copy_(0.5 + noise)


def drive(optimizer: torch.optim.Optimizer, params: list[Tensor], steps: int = 5, first: int = 0) -> list[Tensor]:
    for t in range(first, first + steps):
        give_gradients(params, t)
        optimizer.step()
    return params


def pair(cls: Any, options: dict[str, Any], dtype: torch.dtype = torch.float64, where: Any = "cpu") -> Any:
    """Parameters and their optimizer, unfused and on the CPU, and fused."""
    a, b = tensors(dtype), tensors(dtype, where)
    return (a, cls(a, **options)), (b, cls(b, fused=True, **options))


def count_calls(monkeypatch: pytest.MonkeyPatch, module: Any) -> list[int]:
    """How many tensors each call of a compiled rule, ``module.step``, will have had."""
    seen: list[int] = []
    step = module.step
    monkeypatch.setattr(module, "step", lambda *a, **o: (seen.append(a[2].shape[1]), step(*a, **o))[1])
    return seen


def assert_same(a: list[Tensor], b: list[Tensor], rtol: float = 1e-12) -> None:
    for x, y in zip(a, b, strict=True):
        torch.testing.assert_close(y.detach().cpu(), x.detach().cpu(), rtol=rtol, atol=rtol)


def assert_same_state(plain: torch.optim.Optimizer, quick: torch.optim.Optimizer, rtol: float) -> None:
    """The same keys and numbers for each parameter in turn, on the parameter's own device."""
    params = ([p for group in optimizer.param_groups for p in group["params"]] for optimizer in (plain, quick))
    for p, q in zip(*params, strict=True):
        assert plain.state[p].keys() == quick.state[q].keys()
        for name, x in plain.state[p].items():
            assert quick.state[q][name].device == q.device
            torch.testing.assert_close(quick.state[q][name].cpu(), x, rtol=rtol, atol=rtol)
