"""Tensors recognised from step to step, and not kept alive."""

import weakref
from collections.abc import Callable, Iterable, Sequence
from operator import is_
from typing import Any

import torch
from torch import Tensor

from rmsprop_lib.compiled.alike import is_distributed


def _constant(x: Tensor) -> Callable[[], Tensor]:
    return lambda: x


class Known:
    """Tensors that are recognised again and not kept alive.

    Except where ``kept``: ``torch.utils.swap_tensors``, by which modules convert their parameters if they are DTensors
    or if Torch is told so, refuses tensors to which there are weak references.
    """

    def __init__(self, tensors: Sequence[Tensor], kept: bool = False) -> None:
        reference: Callable[[Tensor], Callable[[], Any]] = _constant if kept else weakref.ref
        self._references = list(map(reference, tensors))

    def are(self, tensors: Sequence[Tensor]) -> bool:
        """Whether these are the same tensors, in the same order."""
        references = self._references
        return len(tensors) == len(references) and all(map(is_, tensors, [known() for known in references]))


def swapped(tensors: Iterable[Tensor]) -> bool:
    """Whether a module with these parameters converts them by ``torch.utils.swap_tensors``."""
    return torch.__future__.get_swap_module_params_on_conversion() or any(map(is_distributed, tensors))
