"""Where to compute."""

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

VARIABLE = "RMSPROP_LIB_DEVICE"
"""The environment variable that decides."""


def device() -> "torch.device":
    """The Torch device for the book's training runs: CUDA where there is one, else the CPU.

    The environment variable ``RMSPROP_LIB_DEVICE`` overrides the choice: ``cpu``, ``cuda`` or ``cuda:1``.

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
    import torch

    wanted = os.environ.get(VARIABLE, "").strip()
    if not wanted:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, index = wanted.partition(":")
    if wanted not in ("cpu", "cuda") and not (kind == "cuda" and index.isdecimal()):
        raise ValueError(f"{VARIABLE}={wanted!r} is not allowed; it must be cpu, cuda or cuda:N")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "cuda" and int(index or 0) >= count:
        raise RuntimeError(f"{VARIABLE}={wanted!r}, but {count} CUDA device(s) were found")
    return torch.device(wanted)


def seconds_each(run: Callable[[], Any], times: int, where: "torch.device") -> float:
    """How long a piece of work takes on a device, on average over several in a row.

    On CUDA between two of the device's own events: what was asked for before is finished, and the work itself is
    not waited for one by one. On the CPU by the clock.

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
    if where.type != "cuda":
        begun = time.perf_counter()
        for _ in range(times):
            run()
        return (time.perf_counter() - begun) / times
    import torch

    with torch.cuda.device(where):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        begin.record()
        for _ in range(times):
            run()
        end.record()
        end.synchronize()
    return float(begin.elapsed_time(end)) / 1e3 / times
