"""Where to compute."""

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rmsprop_lib.extras import naming_extras

if TYPE_CHECKING:
    import torch

VARIABLE = "RMSPROP_LIB_DEVICE"
"""The environment variable that decides."""
# The kinds of devices beside the CPU, as Torch writes and as messages name them, and those that are counted.
_NAMES = {"cuda": "CUDA", "xpu": "XPU", "mps": "MPS"}
_NUMBERED = ("cuda", "xpu")


def device() -> "torch.device":
    """The Torch device for the book's training runs: CUDA where there is one, else the CPU.

    The environment variable ``RMSPROP_LIB_DEVICE`` overrides the choice: ``cpu``, ``cuda`` or ``cuda:1``, ``xpu`` or
    ``xpu:1`` for Intel's graphics cards, ``mps`` for Apple's. The book is proved on the CPU and on CUDA.

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If the variable names no device of these kinds.
    RuntimeError
        If it names one that is not there.
    """
    with naming_extras():
        import torch

    wanted = os.environ.get(VARIABLE, "").strip()
    if not wanted:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, index = wanted.partition(":")
    if wanted not in ("cpu", *_NAMES) and not (kind in _NUMBERED and index.isdecimal()):
        raise ValueError(f"{VARIABLE}={wanted!r} is not allowed; it must be cpu, mps, cuda or xpu, or cuda:N or xpu:N")
    if kind != "cpu" and int(index or 0) >= (count := _count(kind)):
        raise RuntimeError(f"{VARIABLE}={wanted!r}, but {count} {_NAMES[kind]} device(s) were found")
    return torch.device(wanted)


def _count(kind: str) -> int:
    """How many devices of a kind Torch can compute on."""
    import torch

    if kind == "mps":
        return int(torch.backends.mps.is_available())  # a machine has one
    module = torch.cuda if kind == "cuda" else torch.xpu
    return int(module.device_count()) if module.is_available() else 0


def seconds_each(run: Callable[[], Any], times: int, where: "torch.device") -> float:
    """How long a piece of work takes on a device, on average over several in a row.

    On CUDA between two of the device's own events: what was asked for before is finished, and the work itself is
    not waited for one by one. Elsewhere by the clock, from where the device has nothing left to do to where it has
    done the work.

    Parameters
    ----------
    run : callable
        Asks for the work, without arguments.
    times : int
        How many in a row, ≥ 1.
    where : torch.device

    Returns
    -------
    float
        Seconds.

    Raises
    ------
    ValueError
        If ``times`` is not positive.
    """
    if times < 1:
        raise ValueError(f"times={times} is not allowed; it must be at least 1")
    import torch

    if where.type != "cuda":
        finished: Callable[[], None] = getattr(
            torch, where.type
        ).synchronize  # of torch.cpu, too, where it does nothing
        finished()
        begun = time.perf_counter()
        for _ in range(times):
            run()
        finished()
        return (time.perf_counter() - begun) / times
    with torch.cuda.device(where):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        begin.record()
        for _ in range(times):
            run()
        end.record()
        end.synchronize()
    return float(begin.elapsed_time(end)) / 1e3 / times
