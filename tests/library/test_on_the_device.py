"""The Torch optimizers where the book computes: on the CPU here, on a card in `make test-gpu`."""

from typing import Any

import pytest
import torch
from fused_methods import assert_same, drive, each_method, tensors

from rmsprop_lib import torch_optim
from rmsprop_lib.devices import device

SETTINGS = [
    ("SGD", "SGD", {"lr": 0.1, "momentum": 0.9}),
    ("AdaGrad", "Adagrad", {"lr": 0.5}),
    ("RMSprop", "RMSprop", {"lr": 0.01, "momentum": 0.5}),
    ("RMSprop", "RMSprop", {"lr": 0.01, "centered": True}),
    ("Adam", "Adam", {"lr": 0.1, "amsgrad": True}),
]


def descend(optimizer_of: type[torch.optim.Optimizer], settings: dict, where: torch.device) -> torch.Tensor:
    """Twenty steps down a valley whose axes differ in curvature by a hundred."""
    curvature = torch.logspace(-1, 1, 50, dtype=torch.float64, device=where)
    weights = torch.linspace(-1, 2, 50, dtype=torch.float64, device=where).requires_grad_()
    optimizer = optimizer_of([weights], **settings)
    for _ in range(20):
        optimizer.zero_grad()
        (curvature * weights**2).sum().backward()
        optimizer.step()
    return weights.detach()


@pytest.mark.parametrize(("ours", "theirs", "settings"), SETTINGS)
def test_the_path_is_that_of_torch_optim_on_the_cpu(ours: str, theirs: str, settings: dict) -> None:
    here = descend(getattr(torch_optim, ours), settings, device())
    assert here.device.type == device().type
    there = descend(getattr(torch.optim, theirs), settings, torch.device("cpu"))
    torch.testing.assert_close(here.cpu(), there, rtol=1e-9, atol=1e-12)


@each_method
@pytest.mark.filterwarnings("ignore:.*capturable=True.*")  # which Torch says outside of graphs
@pytest.mark.parametrize("capturable", [False, True])
def test_every_rule_and_option_is_the_same_there(cls: Any, options: dict[str, Any], capturable: bool) -> None:
    here, there = tensors(), tensors(where=device())
    more = {"capturable": True} if capturable else {}
    if capturable and (device().type == "cpu" or "capturable" not in cls(here).defaults):
        pytest.skip("capturable is for optimizers that count their steps, on a card")
    assert_same(drive(cls(here, **options), here), drive(cls(there, **options, **more), there))
