"""Full covariances of any number of features, in tiles of four by four that stay in registers.

Features are padded to a multiple of four: zeros in the rows, the means and the whitening matrices.
"""

import numpy as np

from emkit.arrays import Array
from emkit.kernels.blocks import BLOCK, U
from emkit.kernels.compiled import inner

B1, B2, B3, B4 = BLOCK, U(2) * BLOCK, U(3) * BLOCK, U(4) * BLOCK


@inner
def energy(
    x: Array,
    mean: Array,
    root: Array,
    log_scale: float,
    joint: Array,
    o: np.uintp,
    peak: Array,
    centred: Array,
    y: Array,
) -> None:
    """Fill a component's log joints of a block, log_scale - ||root (x - mean)||^2, and raise each row's peak to them.

    Four features at a time: `y` (4 * BLOCK) is first their own tile, which also centres them, then what the earlier
    features add.
    """
    for b in range(BLOCK):
        joint[o + b] = log_scale
    for i in range(0, mean.shape[0], 4):
        m0, m1, m2, m3 = mean[i], mean[i + 1], mean[i + 2], mean[i + 3]
        a00, a10, a11 = root[i, i], root[i + 1, i], root[i + 1, i + 1]
        a20, a21, a22 = root[i + 2, i], root[i + 2, i + 1], root[i + 2, i + 2]
        a30, a31, a32, a33 = root[i + 3, i], root[i + 3, i + 1], root[i + 3, i + 2], root[i + 3, i + 3]
        q = U(i) * BLOCK
        for b in range(BLOCK):
            u0, u1, u2, u3 = x[q + b] - m0, x[q + B1 + b] - m1, x[q + B2 + b] - m2, x[q + B3 + b] - m3
            centred[q + b], centred[q + B1 + b], centred[q + B2 + b], centred[q + B3 + b] = u0, u1, u2, u3
            y[b] = a00 * u0
            y[B1 + b] = a10 * u0 + a11 * u1
            y[B2 + b] = a20 * u0 + a21 * u1 + a22 * u2
            y[B3 + b] = a30 * u0 + a31 * u1 + a32 * u2 + a33 * u3
        for j in range(0, i, 4):
            a00, a01, a02, a03 = root[i, j], root[i, j + 1], root[i, j + 2], root[i, j + 3]
            a10, a11, a12, a13 = root[i + 1, j], root[i + 1, j + 1], root[i + 1, j + 2], root[i + 1, j + 3]
            a20, a21, a22, a23 = root[i + 2, j], root[i + 2, j + 1], root[i + 2, j + 2], root[i + 2, j + 3]
            a30, a31, a32, a33 = root[i + 3, j], root[i + 3, j + 1], root[i + 3, j + 2], root[i + 3, j + 3]
            q = U(j) * BLOCK
            for b in range(BLOCK):
                u0, u1, u2, u3 = centred[q + b], centred[q + B1 + b], centred[q + B2 + b], centred[q + B3 + b]
                y[b] += a00 * u0 + a01 * u1 + a02 * u2 + a03 * u3
                y[B1 + b] += a10 * u0 + a11 * u1 + a12 * u2 + a13 * u3
                y[B2 + b] += a20 * u0 + a21 * u1 + a22 * u2 + a23 * u3
                y[B3 + b] += a30 * u0 + a31 * u1 + a32 * u2 + a33 * u3
        for b in range(BLOCK):
            y0, y1, y2, y3 = y[b], y[B1 + b], y[B2 + b], y[B3 + b]
            joint[o + b] -= y0 * y0 + y1 * y1 + y2 * y2 + y3 * y3
    for b in range(BLOCK):
        peak[b] = joint[o + b] if joint[o + b] > peak[b] else peak[b]


@inner
def responsibility(joint: Array, o: np.uintp, share: Array) -> float:
    """Turn a component's part of a block into responsibilities times row weights; return their sum."""
    s = 0.0
    for b in range(BLOCK):
        r = joint[o + b] * share[b]
        joint[o + b] = r
        s += r
    return s


@inner
def moments(
    x: Array, mean: Array, joint: Array, o: np.uintp, first: Array, scatter: Array, centred: Array, v: Array
) -> None:
    """Add a block to a component's sums of centred rows and, on and below the diagonal, of their products.

    Four features at a time: their own corner of the scatter, which also centres and weights them (`v`, 4 * BLOCK), then
    their tiles with the earlier features.
    """
    for i in range(0, mean.shape[0], 4):
        m0, m1, m2, m3 = mean[i], mean[i + 1], mean[i + 2], mean[i + 3]
        f0, f1, f2, f3 = 0.0, 0.0, 0.0, 0.0
        s00, s10, s11, s20, s21, s22, s30, s31, s32, s33 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        q = U(i) * BLOCK
        for b in range(BLOCK):
            r = joint[o + b]
            u0, u1, u2, u3 = x[q + b] - m0, x[q + B1 + b] - m1, x[q + B2 + b] - m2, x[q + B3 + b] - m3
            v0, v1, v2, v3 = r * u0, r * u1, r * u2, r * u3
            centred[q + b], centred[q + B1 + b], centred[q + B2 + b], centred[q + B3 + b] = u0, u1, u2, u3
            v[b], v[B1 + b], v[B2 + b], v[B3 + b] = v0, v1, v2, v3
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
        first[i] += f0
        first[i + 1] += f1
        first[i + 2] += f2
        first[i + 3] += f3
        scatter[i, i] += s00
        scatter[i + 1, i] += s10
        scatter[i + 1, i + 1] += s11
        scatter[i + 2, i] += s20
        scatter[i + 2, i + 1] += s21
        scatter[i + 2, i + 2] += s22
        scatter[i + 3, i] += s30
        scatter[i + 3, i + 1] += s31
        scatter[i + 3, i + 2] += s32
        scatter[i + 3, i + 3] += s33
        for j in range(0, i, 4):
            tile(centred, U(j) * BLOCK, v, scatter, i, j)


@inner
def tile(centred: Array, q: np.uintp, v: Array, scatter: Array, i: int, j: int) -> None:
    """Add the products of four weighted features, v, with four others to the tile of the scatter at (i, j)."""
    s00, s01, s02, s03, s10, s11, s12, s13 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    s20, s21, s22, s23, s30, s31, s32, s33 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for b in range(BLOCK):
        v0, v1, v2, v3 = v[b], v[B1 + b], v[B2 + b], v[B3 + b]
        u0, u1, u2, u3 = centred[q + b], centred[q + B1 + b], centred[q + B2 + b], centred[q + B3 + b]
        s00 += v0 * u0
        s01 += v0 * u1
        s02 += v0 * u2
        s03 += v0 * u3
        s10 += v1 * u0
        s11 += v1 * u1
        s12 += v1 * u2
        s13 += v1 * u3
        s20 += v2 * u0
        s21 += v2 * u1
        s22 += v2 * u2
        s23 += v2 * u3
        s30 += v3 * u0
        s31 += v3 * u1
        s32 += v3 * u2
        s33 += v3 * u3
    scatter[i, j] += s00
    scatter[i, j + 1] += s01
    scatter[i, j + 2] += s02
    scatter[i, j + 3] += s03
    scatter[i + 1, j] += s10
    scatter[i + 1, j + 1] += s11
    scatter[i + 1, j + 2] += s12
    scatter[i + 1, j + 3] += s13
    scatter[i + 2, j] += s20
    scatter[i + 2, j + 1] += s21
    scatter[i + 2, j + 2] += s22
    scatter[i + 2, j + 3] += s23
    scatter[i + 3, j] += s30
    scatter[i + 3, j + 1] += s31
    scatter[i + 3, j + 2] += s32
    scatter[i + 3, j + 3] += s33
