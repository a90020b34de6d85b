"""A reader's ``torch.optim.Optimizer``, called as an exercise calls the classes that it asks for."""

import inspect
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch


def is_torch_optimizer(answer: Any) -> bool:
    """Whether the answer is a class of Torch optimizers; Torch is not imported to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and inspect.isclass(answer) and issubclass(answer, torch.optim.Optimizer)


def stepped(optimizer_class: "Callable[..., torch.optim.Optimizer]", options: tuple[str, ...]) -> type:
    """A class that is made with ``options``, in their order, and whose ``step(lr, theta, g)`` returns the parameters.

    The optimizer is made with a learning rate of 1 and has ``lr`` set in its group before each step, as Torch's
    schedulers do.

    Parameters
    ----------
    optimizer_class : class of torch.optim.Optimizer
    options : tuple of str
        The names of its options beside the parameters and the rate.

    Returns
    -------
    class
    """
    import torch

    # Torch imports its compiler when the first optimizer is made. That is done here, once: what the answer's own
    # process imports is lost with it, and every check would take the second or two that it needs.
    torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)

    class Stepped:
        def __init__(self, *values: Any) -> None:
            self.values = dict(zip(options, values, strict=True))
            self.theta: Any = None

        def step(self, lr: Any, theta: Any, g: Any) -> Any:
            where = torch.as_tensor(np.asarray(theta))
            if self.theta is None:
                self.theta = torch.nn.Parameter(where.clone())
                self.optimizer = optimizer_class([self.theta], lr=1.0, **self.values)
            with torch.no_grad():
                self.theta.copy_(where)
            self.theta.grad = torch.as_tensor(np.asarray(g)).clone()
            for group in self.optimizer.param_groups:
                group["lr"] = lr
            self.optimizer.step()
            return self.theta.detach().numpy().copy()

    return Stepped
