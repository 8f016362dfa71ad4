"""Full covariances of one to four features, written out so that a component's numbers stay in registers.

`energy_D` fills a component's log joints of a block and raises each row's peak to them; `moments_D` adds a block to a
component's statistics. `root` (D, D) is the inverse Cholesky factor over sqrt(2): a row's log joint is
log_scale - ||root (x - mean)||^2.
"""

import numpy as np

from emkit.arrays import Array
from emkit.kernels.blocks import BLOCK, U
from emkit.kernels.compiled import inner

B1, B2, B3 = BLOCK, U(2) * BLOCK, U(3) * BLOCK


@inner
def energy_1(x: Array, mean: Array, root: Array, log_scale: float, joint: Array, o: np.uintp, peak: Array) -> None:
    """Log joints of a block with one feature."""
    m0, a00 = mean[0], root[0, 0]
    for b in range(BLOCK):
        y0 = a00 * (x[b] - m0)
        v = log_scale - y0 * y0
        joint[o + b] = v
        peak[b] = v if v > peak[b] else peak[b]


@inner
def energy_2(x: Array, mean: Array, root: Array, log_scale: float, joint: Array, o: np.uintp, peak: Array) -> None:
    """Log joints of a block with two features."""
    m0, m1 = mean[0], mean[1]
    a00, a10, a11 = root[0, 0], root[1, 0], root[1, 1]
    for b in range(BLOCK):
        u0, u1 = x[b] - m0, x[B1 + b] - m1
        y0, y1 = a00 * u0, a10 * u0 + a11 * u1
        v = log_scale - y0 * y0 - y1 * y1
        joint[o + b] = v
        peak[b] = v if v > peak[b] else peak[b]


@inner
def energy_3(x: Array, mean: Array, root: Array, log_scale: float, joint: Array, o: np.uintp, peak: Array) -> None:
    """Log joints of a block with three features."""
    m0, m1, m2 = mean[0], mean[1], mean[2]
    a00, a10, a11 = root[0, 0], root[1, 0], root[1, 1]
    a20, a21, a22 = root[2, 0], root[2, 1], root[2, 2]
    for b in range(BLOCK):
        u0, u1, u2 = x[b] - m0, x[B1 + b] - m1, x[B2 + b] - m2
        y0, y1, y2 = a00 * u0, a10 * u0 + a11 * u1, a20 * u0 + a21 * u1 + a22 * u2
        v = log_scale - y0 * y0 - y1 * y1 - y2 * y2
        joint[o + b] = v
        peak[b] = v if v > peak[b] else peak[b]


@inner
def energy_4(x: Array, mean: Array, root: Array, log_scale: float, joint: Array, o: np.uintp, peak: Array) -> None:
    """Log joints of a block with four features."""
    m0, m1, m2, m3 = mean[0], mean[1], mean[2], mean[3]
    a00, a10, a11 = root[0, 0], root[1, 0], root[1, 1]
    a20, a21, a22 = root[2, 0], root[2, 1], root[2, 2]
    a30, a31, a32, a33 = root[3, 0], root[3, 1], root[3, 2], root[3, 3]
    for b in range(BLOCK):
        u0, u1, u2, u3 = x[b] - m0, x[B1 + b] - m1, x[B2 + b] - m2, x[B3 + b] - m3
        y0, y1, y2 = a00 * u0, a10 * u0 + a11 * u1, a20 * u0 + a21 * u1 + a22 * u2
        y3 = a30 * u0 + a31 * u1 + a32 * u2 + a33 * u3
        v = log_scale - y0 * y0 - y1 * y1 - y2 * y2 - y3 * y3
        joint[o + b] = v
        peak[b] = v if v > peak[b] else peak[b]


@inner
def moments_1(x: Array, mean: Array, joint: Array, o: np.uintp, share: Array, first: Array, scatter: Array) -> float:
    """Add a block with one feature; return its responsibility."""
    m0 = mean[0]
    s, f0, s00 = 0.0, 0.0, 0.0
    for b in range(BLOCK):
        r = joint[o + b] * share[b]
        u0 = x[b] - m0
        v0 = r * u0
        s += r
        f0 += v0
        s00 += v0 * u0
    first[0] += f0
    scatter[0, 0] += s00
    return s


@inner
def moments_2(x: Array, mean: Array, joint: Array, o: np.uintp, share: Array, first: Array, scatter: Array) -> float:
    """Add a block with two features; return its responsibility."""
    m0, m1 = mean[0], mean[1]
    s, f0, f1, s00, s10, s11 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for b in range(BLOCK):
        r = joint[o + b] * share[b]
        u0, u1 = x[b] - m0, x[B1 + b] - m1
        v0, v1 = r * u0, r * u1
        s += r
        f0 += v0
        f1 += v1
        s00 += v0 * u0
        s10 += v1 * u0
        s11 += v1 * u1
    first[0] += f0
    first[1] += f1
    scatter[0, 0] += s00
    scatter[1, 0] += s10
    scatter[1, 1] += s11
    return s


@inner
def moments_3(x: Array, mean: Array, joint: Array, o: np.uintp, share: Array, first: Array, scatter: Array) -> float:
    """Add a block with three features; return its responsibility."""
    m0, m1, m2 = mean[0], mean[1], mean[2]
    s, f0, f1, f2 = 0.0, 0.0, 0.0, 0.0
    s00, s10, s11, s20, s21, s22 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for b in range(BLOCK):
        r = joint[o + b] * share[b]
        u0, u1, u2 = x[b] - m0, x[B1 + b] - m1, x[B2 + b] - m2
        v0, v1, v2 = r * u0, r * u1, r * u2
        s += r
        f0 += v0
        f1 += v1
        f2 += v2
        s00 += v0 * u0
        s10 += v1 * u0
        s11 += v1 * u1
        s20 += v2 * u0
        s21 += v2 * u1
        s22 += v2 * u2
    first[0] += f0
    first[1] += f1
    first[2] += f2
    scatter[0, 0] += s00
    scatter[1, 0] += s10
    scatter[1, 1] += s11
    scatter[2, 0] += s20
    scatter[2, 1] += s21
    scatter[2, 2] += s22
    return s


@inner
def moments_4(x: Array, mean: Array, joint: Array, o: np.uintp, share: Array, first: Array, scatter: Array) -> float:
    """Add a block with four features; return its responsibility."""
    m0, m1, m2, m3 = mean[0], mean[1], mean[2], mean[3]
    s, f0, f1, f2, f3 = 0.0, 0.0, 0.0, 0.0, 0.0
    s00, s10, s11, s20, s21, s22, s30, s31, s32, s33 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for b in range(BLOCK):
        r = joint[o + b] * share[b]
        u0, u1, u2, u3 = x[b] - m0, x[B1 + b] - m1, x[B2 + b] - m2, x[B3 + b] - m3
        v0, v1, v2, v3 = r * u0, r * u1, r * u2, r * u3
        s += r
        f0 += v0
        f1 += v1
        f2 += v2
        f3 += v3
        s00 += v0 * u0
        s10 += v1 * u0
        s11 += v1 * u1
        s20 += v2 * u0
        s21 += v2 * u1
        s22 += v2 * u2
        s30 += v3 * u0
        s31 += v3 * u1
        s32 += v3 * u2
        s33 += v3 * u3
    first[0] += f0
    first[1] += f1
    first[2] += f2
    first[3] += f3
    scatter[0, 0] += s00
    scatter[1, 0] += s10
    scatter[1, 1] += s11
    scatter[2, 0] += s20
    scatter[2, 1] += s21
    scatter[2, 2] += s22
    scatter[3, 0] += s30
    scatter[3, 1] += s31
    scatter[3, 2] += s32
    scatter[3, 3] += s33
    return s
