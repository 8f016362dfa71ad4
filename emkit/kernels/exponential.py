"""exp and log as straight arithmetic, which the compiler turns into vector instructions; Numba's own are calls.

Both are within one unit in the last place. The polynomial of exp is minimax on |r| <= log(2)/2 (relative error 4e-18);
that of log is the one of Sun's fdlibm, `e_log.c`.
"""

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from emkit.kernels.compiled import scalar

LOG2_E = 1.4426950408889634
LOG_2_HIGH = 6.93147180369123816490e-01  # its last 21 bits are zero, so that n times it is exact
LOG_2_LOW = 1.90821492927058770002e-10
SMALLEST = -708.3964185322641  # log of the smallest normal number; below it exp is zero here

# Added to a small number it leaves round(number) + 1023, the biased exponent, in the lowest bits of the sum.
SHIFT = 6755399441055744.0 + 1023.0

SQRT_HALF = np.int64(0x3FE6A09E667F3BCD)  # the bits of sqrt(1/2)


def _reinterpreting(source: Any, target: Any) -> Any:
    """Return a function, for compiled code, that reads the bits of a `source` as a `target`."""

    @intrinsic
    def reinterpret(_: Any, value: Any) -> Any:  # what is compiled is the type only
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], context.get_value_type(target))

        return target(source), generate

    return reinterpret


_bits = _reinterpreting(types.float64, types.int64)
_double = _reinterpreting(types.int64, types.float64)


@scalar
def exp(x: float) -> float:
    """Return exp(x) for x <= 0: exactly 1 at 0; 0 for nan and below -708.4, where it is no normal number."""
    inside = x > SMALLEST
    x = x if inside else SMALLEST
    shifted = x * LOG2_E + SHIFT
    n = shifted - SHIFT
    r = x - n * LOG_2_HIGH
    r = r - n * LOG_2_LOW
    p = 2.5000034752758574e-08
    p = p * r + 2.763030832156118e-07
    p = p * r + 2.7557586764996135e-06
    p = p * r + 2.480149294343884e-05
    p = p * r + 0.0001984126950579951
    p = p * r + 0.001388888894376637
    p = p * r + 0.008333333333494978
    p = p * r + 0.041666666666529704
    p = p * r + 0.1666666666666641
    p = p * r + 0.5000000000000011
    p = p * r + 1.0
    p = p * r + 1.0
    power = _double(_bits(shifted) << 52)
    return p * power if inside else 0.0


@scalar
def log(x: float) -> float:
    """Return log(x) for a finite normal x > 0; -inf at zero."""
    bits = _bits(x)
    n = (bits - SQRT_HALF) >> 52  # x = 2^n m with m from sqrt(1/2) to sqrt(2)
    f = _double(bits - (n << 52)) - 1.0
    s = f / (2.0 + f)
    z = s * s
    p = 1.479819860511658591e-01
    p = p * z + 1.531383769920937332e-01
    p = p * z + 1.818357216161805012e-01
    p = p * z + 2.222219843214978396e-01
    p = p * z + 2.857142874366239149e-01
    p = p * z + 3.999999999940941908e-01
    p = p * z + 6.666666666666735130e-01
    p = p * z
    half = 0.5 * f * f
    power = float(n)
    value = power * LOG_2_HIGH - ((half - (s * (half + p) + power * LOG_2_LOW)) - f)
    return value if x > 0.0 else -np.inf
