"""What a kernel takes for granted of tensors, and why some cannot be stepped by one."""

import sys
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor

from rmsprop_lib.compiled.arithmetic import arithmetic_dtype

ORDINARY = (Tensor, torch.nn.Parameter)


def is_distributed(x: Tensor) -> bool:
    """Whether it is a DTensor."""
    # The module takes long to import, and without it there is no DTensor.
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(x, module.DTensor)


def local(x: Tensor) -> Tensor:
    """Of a DTensor, the part that lies on this machine; any other tensor as it is."""
    return x.to_local() if is_distributed(x) else x  # type: ignore[attr-defined]


def _strides(x: Tensor) -> tuple[int, ...]:
    """Those that decide where elements lie: an axis of one element has any."""
    return tuple(stride for stride, size in zip(x.stride(), x.shape, strict=True) if size != 1)


def facts(tensors: Sequence[Tensor]) -> Iterator[tuple[str, list[Any]]]:
    """What a kernel takes for granted of tensors besides shapes and addresses: fact by fact, for each tensor its value.

    Whoever finds a value wrong asks no further: tensors of other kinds need not have what comes after. For many small
    tensors this is a large part of a step, and so it is written without a Python expression for each.
    """
    yield "type", list(map(type, tensors))
    yield "layout", list(map(attrgetter("layout"), tensors))
    yield "device", list(map(attrgetter("device"), tensors))
    yield "dtype", list(map(attrgetter("dtype"), tensors))
    yield "negative", list(map(Tensor.is_neg, tensors))
    in_order = list(map(Tensor.is_contiguous, tensors))
    yield "strides", in_order if all(in_order) else [o or _strides(x) for o, x in zip(in_order, tensors, strict=True)]


def mismatch(tensors: Sequence[Tensor]) -> str | None:
    """Why a parameter, its gradient and its accumulators cannot be stepped element by element, or None.

    They can if they are ordinary tensors of one device, laid out alike without gaps, the gradient of the parameter's
    dtype and the accumulators of the arithmetic's; or DTensors, distributed alike, whose parts on this machine are so.
    """
    if any(map(is_distributed, tensors)):
        if not all(map(is_distributed, tensors)):
            return "some are DTensors and some are not"
        if any((x.placements, x.device_mesh) != (tensors[0].placements, tensors[0].device_mesh) for x in tensors):  # type: ignore[attr-defined]
            return "the parameter, its gradient and its state are distributed differently"
        if any(placement.is_partial() for placement in tensors[0].placements):  # type: ignore[attr-defined]
            return "it is the sum of parts on several machines"
        tensors = [local(x) for x in tensors]
    first = tensors[0]
    wide = arithmetic_dtype(first)
    differently = "the parameter, its gradient and its state are laid out differently"
    right: dict[str, tuple[Callable[[int, Any], bool], str]] = {
        "type": (lambda _, kind: kind in ORDINARY, "a {0.__name__} is not an ordinary tensor"),
        "layout": (lambda _, layout: layout is torch.strided, "its layout is {0}"),
        "device": (lambda _, device: device == first.device, f"it is on {first.device} and on {{0}}"),
        "dtype": (
            lambda place, dtype: dtype is (first.dtype if place < 2 else wide),
            f"its dtypes differ: {first.dtype} and {{0}}",
        ),
        "negative": (lambda _, negative: not negative, "it is a view that stands for its negative"),
        "strides": (lambda _, strides: strides == (first.is_contiguous() or _strides(first)), differently),
    }
    for fact, values in facts(tensors):
        fits, reason = right[fact]
        for place, value in enumerate(values):
            if not fits(place, value):
                return reason.format(value)
    if any(tensor.shape != first.shape for tensor in tensors):
        return differently
    return None if first.is_contiguous() or _dense(first) else "its elements have gaps between them, or overlap"


def _dense(tensor: Tensor) -> bool:
    """Whether the elements fill a piece of memory, in whatever order."""
    expected = 1
    for stride, size in sorted((s, n) for s, n in zip(tensor.stride(), tensor.shape, strict=True) if n != 1):
        if stride != expected:
            return False
        expected *= size
    return True


def countable(step: Any, device: torch.device) -> bool:
    """Whether a state's ``step`` can be counted by a kernel, where it is."""
    alike = type(step) is Tensor and step.dtype is torch.float32 and step.device == device
    return alike and step.numel() == 1 and step.layout is torch.strided and not step.is_neg()
