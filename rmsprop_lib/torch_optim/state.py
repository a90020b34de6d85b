"""The state of a Torch optimizer on its way in and out: the precision it is kept in, and torch.optim's form of it.

What :mod:`rmsprop_lib.torch_optim` keeps differs from torch.optim's state in two places only. Accumulators of a
parameter in half precision are in single precision, and centered RMSprop keeps the moving variance ``variance``
where torch.optim keeps the average of squares ``square_avg``.
"""

from typing import Any

import torch
from torch import Tensor

from rmsprop_lib.averages import averages, kept
from rmsprop_lib.compiled.arithmetic import arithmetic_dtype
from rmsprop_lib.compiled.tensors import may_be_compiled
from rmsprop_lib.rules import weight_sum

StateDict = dict[str, Any]

# What RMSprop's averages are called: (centered, corrected) → of squares or the variance, and of gradients.
_AVERAGES: dict[tuple[bool, bool], tuple[str, ...]] = {
    (False, False): ("square_avg",),
    (True, False): ("variance", "grad_avg"),
    (False, True): ("corrected_square_avg",),
    (True, True): ("corrected_variance", "corrected_grad_avg"),
}
SQUARES = frozenset(names[0] for names in _AVERAGES.values())
"""The state keys whose start is RMSprop's ``initial_square``."""


def as_real(x: Tensor) -> Tensor:
    """A complex tensor as the pairs of reals that it is."""
    return torch.view_as_real(x) if x.is_complex() and not x.is_sparse else x


def like(x: Tensor, original: Tensor) -> Tensor:
    """Undo :func:`as_real` on what was computed from ``original``."""
    return torch.view_as_complex(x.contiguous()) if original.is_complex() and not x.is_complex() else x


def counter(p: Tensor, group: dict[str, Any], steps: float = 0.0) -> Tensor:
    """The state ``step``: on the CPU, where reading it costs nothing, but on the device if it is not to be read.

    In single precision, or in double where that is the default and no kernel counts.
    """
    fused = bool(group.get("fused"))
    wide = torch.get_default_dtype() == torch.float64 and not fused
    dtype = torch.float64 if wide else torch.float32
    if group.get("capturable") or (fused and may_be_compiled(p)):
        return torch.full((), steps, dtype=dtype, device=p.device)
    # Not torch.full: of a fake tensor that is made so the number is known, and can be read.
    return torch.tensor(steps, dtype=dtype, device="cpu")


def steps(group: dict[str, Any], state: dict[str, Any]) -> Any:
    """The number of this step: a number, or a tensor where the host may not wait for the device."""
    step = state["step"]
    # 1 − β^t in single precision would keep few digits of it at the first steps.
    return step.to(torch.float64, copy=True) if group.get("capturable") else step.item()


SCALARS = ("step", "mu_product")
"""State keys of what is no accumulator but one number for a parameter."""


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
            entry.update(
                {k: x.tensor if k in SCALARS else x.unwrap(owner) for k, x in entry.items() if isinstance(x, _Uncast)}
            )


def names_of_averages(group: dict[str, Any]) -> tuple[str, ...]:
    """The state keys of RMSprop's averages with the options of a group."""
    return _AVERAGES[bool(group["centered"]), bool(group.get("bias_correction", False))]


def carry_averages_over(state: dict[str, Any], group: dict[str, Any]) -> None:
    """Where RMSprop's ``centered`` or ``bias_correction`` has been switched, turn its averages into what they are now.

    Raises
    ------
    RuntimeError
        If that cannot be done: the mean is not known before ``centered``, nor a start other than 0 taken out.
    """
    wanted = names_of_averages(group)
    found = [form for form, names in _AVERAGES.items() if names != wanted and all(name in state for name in names)]
    if not found or all(name in state for name in wanted):
        return
    (centered, corrected), t = found[0], int(state["step"])
    to_correct = bool(group.get("bias_correction", False))
    if group["centered"] and not centered:
        raise RuntimeError(
            f"centered=True cannot be switched on after step {t}: the average of gradients until then is not known"
        )
    if to_correct and group.get("initial_square", 0.0) != 0:
        raise RuntimeError(
            f"bias_correction=True cannot be switched on after step {t}: the average of squares started at "
            f"initial_square={group['initial_square']!r}, and only a start at 0 is corrected"
        )
    old = [state.pop(name) for name in _AVERAGES[centered, corrected]]
    weights = weight_sum(float(group["alpha"]), t)
    if weights == 0:  # before the first step there is nothing to take over
        return
    square, mean = averages(tuple(map(as_real, old)), weights if corrected else 1.0, centered=centered)
    new = kept(square, mean, weights if to_correct else 1.0, centered=bool(group["centered"]))
    state.update({name: like(x, old[0]) for name, x in zip(wanted, new, strict=True)})


def buffer_of(group: dict[str, Any]) -> str:
    """The state key of the momentum buffer: of directions, or of steps where it takes in the rate."""
    return "step_buffer" if group.get("rate_inside", False) else "momentum_buffer"


def carry_buffer_over(state: dict[str, Any], group: dict[str, Any]) -> None:
    """Where ``rate_inside`` has been switched, turn directions into steps of the present rate, or back.

    Raises
    ------
    RuntimeError
        If the rate is 0, so that no direction gives the steps in the buffer.
    """
    wanted = buffer_of(group)
    other = "momentum_buffer" if wanted == "step_buffer" else "step_buffer"
    if wanted in state or state.get(other) is None:
        return
    lr = group["lr"]
    if wanted == "step_buffer":
        state[wanted] = state.pop(other) * lr
    elif isinstance(lr, Tensor) or lr != 0:
        state[wanted] = state.pop(other) / lr
    else:
        raise RuntimeError("rate_inside=False cannot be switched on at lr=0: directions are steps divided by the rate")


def to_variance(entry: dict[str, Any]) -> None:
    """Replace ``square_avg`` by ``variance`` = square_avg − grad_avg², or by 0 where rounding made that negative."""
    if "square_avg" in entry and "grad_avg" in entry:
        mean, squares = entry["grad_avg"], entry.pop("square_avg")
        variance, _ = kept(as_real(squares), as_real(mean), 1.0, centered=True)
        entry["variance"] = like(variance, squares)


def to_square_average(entry: dict[str, Any]) -> dict[str, Any]:
    """A copy of ``entry`` with ``square_avg`` = variance + grad_avg² in the place of ``variance``."""
    if "variance" not in entry:
        return dict(entry)
    others = {k: x for k, x in entry.items() if k != "variance"}
    square, _ = averages((as_real(entry["variance"]), as_real(entry["grad_avg"])), 1.0, centered=True)
    return {**others, "square_avg": like(square, entry["variance"])}
