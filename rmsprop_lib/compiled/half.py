"""Half precision for Numba, which has none on the CPU: the bits of a number to single precision and back.

To single precision is exact. Back is rounded to nearest, ties to even, as Torch does, with subnormals, infinities and
NaN; what is too large becomes infinite. Both work on the bits as integers, so that a compiler can do many at once on
any processor, and nothing depends on how that treats subnormals.
"""

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic


def _reinterpreting(origin: Any, target: Any) -> Any:
    @intrinsic
    def reinterpreted(typingctx: Any, x: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.bitcast(args[0], context.get_value_type(target))

        return target(origin), codegen

    return reinterpreted


_bits = _reinterpreting(types.float32, types.uint32)
_number = _reinterpreting(types.uint32, types.float32)
_inline = njit(inline="always")
U = np.uint32


@_inline
def from_bfloat16(half: Any) -> Any:
    """bfloat16 is the upper half of single precision."""
    return _number(U(half) << U(16))


@_inline
def to_bfloat16(x: Any) -> Any:
    """The upper half of the bits, after adding half a unit of its last place, less one where it is even."""
    bits = _bits(x)
    rounded = (bits + U(0x7FFF) + ((bits >> U(16)) & U(1))) >> U(16)
    return np.uint16(rounded if (bits & U(0x7FFFFFFF)) <= U(0x7F800000) else U(0x7FC0))


@_inline
def from_float16(half: Any) -> Any:
    """The exponent's bias is moved; a subnormal is its integer times 2⁻²⁴."""
    sign, rest = (U(half) & U(0x8000)) << U(16), U(half) & U(0x7FFF)
    shifted = rest << U(13)
    normal = shifted + U(112 << 23)
    endless = shifted + U(224 << 23)
    subnormal = _bits(np.float32(rest) * np.float32(2.0**-24))
    return _number(sign | (subnormal if rest < U(0x0400) else normal if rest < U(0x7C00) else endless))


@_inline
def to_float16(x: Any) -> Any:
    """As to bfloat16, with the bias moved back; a subnormal is rounded by adding ½, where single precision has 2⁻²⁴."""
    bits = _bits(x)
    sign, rest = (bits >> U(16)) & U(0x8000), bits & U(0x7FFFFFFF)
    normal = (rest - U(112 << 23) + U(0x0FFF) + ((rest >> U(13)) & U(1))) >> U(13)
    subnormal = _bits(_number(rest) + np.float32(0.5)) - U(0x3F000000)
    finite = subnormal if rest < U(0x38800000) else normal
    large = U(0x7C00) if rest <= U(0x7F800000) else U(0x7E00)
    return np.uint16(sign | (finite if rest < U(0x47800000) else large))
