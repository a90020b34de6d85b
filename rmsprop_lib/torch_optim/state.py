"""The state of a Torch optimizer on its way in and out: the precision it is kept in, and torch.optim's form of it.

What :mod:`rmsprop_lib.torch_optim` keeps differs from torch.optim's state in two places only. Accumulators of a
parameter in half precision are in single precision, and centered RMSprop keeps the moving variance ``variance``
where torch.optim keeps the average of squares ``square_avg``.
"""

from typing import Any

import torch
from torch import Tensor

from rmsprop_lib.compiled.arithmetic import arithmetic_dtype

StateDict = dict[str, Any]


def as_real(x: Tensor) -> Tensor:
    """A complex tensor as the pairs of reals that it is."""
    return torch.view_as_real(x) if x.is_complex() and not x.is_sparse else x


def like(x: Tensor, original: Tensor) -> Tensor:
    """Undo :func:`as_real` on what was computed from ``original``."""
    return torch.view_as_complex(x.contiguous()) if original.is_complex() and not x.is_complex() else x


def counter(p: Tensor, group: dict[str, Any], steps: float = 0.0) -> Tensor:
    """The state ``step``: on the CPU, where reading it costs nothing, but on the device if it is not to be read."""
    fused = group.get("fused")
    wide = torch.get_default_dtype() == torch.float64 and not fused
    device = p.device if fused or group.get("capturable") else torch.device("cpu")
    return torch.full((), steps, dtype=torch.float64 if wide else torch.float32, device=device)


def steps(group: dict[str, Any], state: dict[str, Any]) -> Any:
    """The number of this step: a number, or a tensor where the host may not wait for the device."""
    step = state["step"]
    # 1 − β^t in single precision would keep few digits of it at the first steps.
    return step.to(torch.float64, copy=True) if group.get("capturable") else step.item()


class _Uncast:
    """A tensor on its way through ``load_state_dict``, which would cast a bare one to the parameter's dtype."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    def unwrap(self, owner: Any) -> Tensor:
        """The tensor as an accumulator of the parameter ``owner``, or as it came if ``owner`` is none."""
        if not isinstance(owner, Tensor):
            return self.tensor
        dtype = arithmetic_dtype(owner) if owner.is_floating_point() else None  # torch.optim's rule for the others
        return self.tensor.to(device=owner.device, dtype=dtype)


def wrap_accumulators(optimizer: torch.optim.Optimizer, state_dict: StateDict) -> StateDict:
    """The last hook before loading: hides the accumulators from the cast; ``step`` is left to torch.optim's rules."""

    def wrap(entry: Any) -> Any:
        if not isinstance(entry, dict):
            return entry
        return {k: _Uncast(x) if k != "step" and isinstance(x, Tensor) else x for k, x in entry.items()}

    return {**state_dict, "state": {key: wrap(entry) for key, entry in state_dict["state"].items()}}


def unwrap_accumulators(state: dict[Any, Any]) -> None:
    """Put back, in their accumulators' dtype, what :func:`wrap_accumulators` hid."""
    for owner, entry in state.items():
        if isinstance(entry, dict):
            entry.update({k: x.unwrap(owner) for k, x in entry.items() if isinstance(x, _Uncast)})


def to_variance(entry: dict[str, Any]) -> None:
    """Replace ``square_avg`` by ``variance`` = square_avg − grad_avg², or by 0 where rounding made that negative."""
    if "square_avg" in entry and "grad_avg" in entry:
        mean, squares = entry["grad_avg"], entry.pop("square_avg")
        entry["variance"] = like((as_real(squares) - as_real(mean) ** 2).clamp(min=0), squares)


def to_square_average(entry: dict[str, Any]) -> dict[str, Any]:
    """A copy of ``entry`` with ``square_avg`` = variance + grad_avg² in the place of ``variance``."""
    if "variance" not in entry:
        return dict(entry)
    others = {k: x for k, x in entry.items() if k != "variance"}
    squares = as_real(entry["variance"]) + as_real(entry["grad_avg"]) ** 2
    return {**others, "square_avg": like(squares, entry["variance"])}
