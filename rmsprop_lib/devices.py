"""Where to compute."""

import os
from typing import TYPE_CHECKING

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
