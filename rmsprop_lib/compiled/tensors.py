"""Which tensors a compiled rule can step, and who compiles it: Numba for the CPU, Triton for CUDA."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from rmsprop_lib.compiled.alike import ORDINARY, local, mismatch
from rmsprop_lib.compiled.plan import Plan

COMPILER = {"cpu": "Numba", "cuda": "Triton"}


def missing(device: torch.device) -> str | None:
    """The compiler that is not installed, of those that there are for a device; None if nothing is missing."""
    compiler = COMPILER.get(device.type)
    return compiler if compiler and find_spec(compiler.lower()) is None else None


def may_be_compiled(x: Tensor) -> bool:
    """Whether there are kernels for tensors of its kind on its device, installed or not."""
    here = local(x)
    return type(here) in ORDINARY and here.device.type in COMPILER


def plan_class(device: torch.device) -> type[Plan] | str:
    """The plans for tensors on a device, or why there are none."""
    if device.type not in COMPILER:
        return f"it is on {device}"
    if compiler := missing(device):
        return f"{compiler} is not installed"
    if device.type == "cuda":
        from rmsprop_lib.compiled.plan_cuda import CudaPlan

        return CudaPlan
    try:
        from rmsprop_lib.compiled.cpu import unusable
        from rmsprop_lib.compiled.plan_cpu import CpuPlan
    except ImportError as error:  # of a Numba that does not go with this NumPy, for one
        return f"Numba cannot be imported: {error}"
    return unusable() or CpuPlan


def refusal(tensors: Sequence[Tensor]) -> str | None:
    """Why a parameter, its gradient and its accumulators cannot be stepped by a compiled rule, or None."""
    first = local(tensors[0])
    plan = plan_class(first.device)
    if isinstance(plan, str):
        return plan
    if first.dtype not in plan.dtypes:
        names = [str(dtype).removeprefix("torch.") for dtype in plan.dtypes]
        return f"its dtype is {first.dtype}, not {', '.join(names[:-1])} or {names[-1]}"
    return mismatch(tensors)


def block(x: Tensor) -> tuple[int, int]:
    """Where a tensor's elements, or those on this machine, lie in memory: (address, bytes)."""
    here = local(x)
    return here.data_ptr(), here.numel() * here.element_size()


def several(lr: Any) -> bool:
    """Whether ``lr`` is a tensor of several rates, or of none."""
    return isinstance(lr, Tensor) and lr.numel() != 1
