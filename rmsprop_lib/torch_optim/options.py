"""The options of a Torch optimizer: what is allowed, and what they mean where they are tensors."""

from typing import Any

import torch
from torch import Tensor

from rmsprop_lib.compiled.tensors import several
from rmsprop_lib.hyperparameters import DECAY, Interval

_CALLED = {"lr": "learning rate", "eps": "epsilon value"}


def check(name: str, value: Any, interval: Interval, called: str | None = None) -> None:
    """Raise the error of torch.optim, with what is allowed, if an option lies outside its interval."""
    if not isinstance(value, Tensor):
        numbers = [value]
    else:
        # Asking for the numbers would wait for the device; a rate that lives there is the caller's to check.
        numbers = value.detach().flatten().tolist() if value.device.type == "cpu" else []
    for number in numbers:
        try:
            interval.check(name, number)
        except ValueError:
            called = called or _CALLED.get(name, f"{name} value")
            raise ValueError(f"Invalid {called}: {number} ({name} must be {interval})") from None


def check_betas(options: dict[str, Any]) -> None:
    """Raise the error of torch.optim if ``betas`` is no pair of decays; tensors go with ``foreach`` if capturable."""
    betas = options["betas"]
    if not isinstance(betas, tuple | list):
        raise TypeError(f"betas={betas!r} is a {type(betas).__name__}; it must be a pair of numbers, each in [0, 1)")
    if len(betas) != 2:
        raise ValueError(f"betas={betas!r} is not allowed; it must be a pair, each in [0, 1)")
    for position, beta in enumerate(betas):
        check(f"betas[{position}]", beta, DECAY, called=f"beta parameter at index {position}")
        if isinstance(beta, Tensor) and beta.numel() != 1:
            raise ValueError(f"Tensor betas[{position}] must be 1-element; it has shape {tuple(beta.shape)}")
    if len({isinstance(beta, Tensor) for beta in betas}) != 1:
        raise ValueError(f"betas must be either both floats or both Tensors; they are {betas!r}")
    for name, value in (("lr", options["lr"]), ("betas[0]", betas[0]), ("betas[1]", betas[1])):
        if isinstance(value, Tensor) and options["foreach"] and not options["capturable"]:
            raise ValueError(f"{name} as a Tensor is not supported for capturable=False and foreach=True")


def numbers(betas: Any, dtype: torch.dtype) -> tuple[Any, Any]:
    """The two decays as the rules take them: numbers, or tensors without a dimension in the arithmetic's dtype."""
    beta1, beta2 = (b.reshape(()).to(dtype) if isinstance(b, Tensor) else b for b in betas)
    return beta1, beta2


def check_rate_fits(lr: Any, p: Tensor) -> None:
    """Raise ValueError if ``lr`` is neither one number nor one for each slice of ``p``."""
    if not several(lr):
        return
    trailing = p.shape[p.ndim - lr.ndim :] if lr.ndim <= p.ndim else ()
    if len(trailing) != lr.ndim or not all(a in (1, b) for a, b in zip(lr.shape, trailing, strict=True)):
        raise ValueError(
            f"Tensor lr must be 1-element, or broadcast to the shape of every parameter; "
            f"lr has shape {tuple(lr.shape)}, a parameter {tuple(p.shape)}"
        )


def is_on(option: Any) -> bool:
    """Whether an option is not 0; a tensor counts as being so, since asking it would wait for its device."""
    return isinstance(option, Tensor) or option != 0


def above_zero(eps: Any, dtype: torch.dtype) -> Any:
    """``eps``, or the least normal number if that is larger.

    This keeps 0 / (√0 + ε) from being 0/0 and changes no other quotient: the root of the smallest v above 0 is so
    much larger that it swallows either.
    """
    least = torch.finfo(dtype).tiny
    return eps.clamp(min=least) if isinstance(eps, Tensor) else max(eps, least)
