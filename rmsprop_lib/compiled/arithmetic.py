"""The precision in which a step is computed and its accumulators are kept."""

import torch
from torch import Tensor

NARROW = (torch.float16, torch.bfloat16, torch.complex32)
"""Accumulators of these are kept in single precision; state dicts of other makes may hold them."""


def arithmetic_dtype(x: Tensor) -> torch.dtype:
    """The dtype in which a step for ``x`` is computed and its accumulators are kept.

    ``x``'s own, but single precision for anything floating that is narrower, and complex64 for complex32.

    >>> arithmetic_dtype(torch.zeros((), dtype=torch.bfloat16))
    torch.float32
    """
    if x.is_floating_point():
        return x.dtype if x.dtype.itemsize >= torch.float32.itemsize else torch.float32
    return torch.complex64 if x.dtype == torch.complex32 else x.dtype
