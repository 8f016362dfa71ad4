"""Diagonal covariances of any number of features: four at a time, then what is left one by one.

`root` (D,) holds a component's inverse deviations over sqrt(2): a row's log joint is
log_scale - sum_d (root_d (x_d - mean_d))^2.
"""

import numpy as np

from emkit.arrays import Array
from emkit.kernels.blocks import BLOCK, U
from emkit.kernels.compiled import inner

B1, B2, B3 = BLOCK, U(2) * BLOCK, U(3) * BLOCK


@inner
def energy(x: Array, mean: Array, root: Array, log_scale: float, joint: Array, o: np.uintp, peak: Array) -> None:
    """Fill a component's log joints of a block, and raise each row's peak to them."""
    n_features = mean.shape[0]
    fours = n_features - n_features % 4
    for b in range(BLOCK):
        joint[o + b] = log_scale
    for d in range(0, fours, 4):
        m0, m1, m2, m3 = mean[d], mean[d + 1], mean[d + 2], mean[d + 3]
        a0, a1, a2, a3 = root[d], root[d + 1], root[d + 2], root[d + 3]
        q = U(d) * BLOCK
        for b in range(BLOCK):
            y0, y1 = a0 * (x[q + b] - m0), a1 * (x[q + B1 + b] - m1)
            y2, y3 = a2 * (x[q + B2 + b] - m2), a3 * (x[q + B3 + b] - m3)
            joint[o + b] -= y0 * y0 + y1 * y1 + y2 * y2 + y3 * y3
    for d in range(fours, n_features):
        m0, a0 = mean[d], root[d]
        q = U(d) * BLOCK
        for b in range(BLOCK):
            y0 = a0 * (x[q + b] - m0)
            joint[o + b] -= y0 * y0
    for b in range(BLOCK):
        peak[b] = joint[o + b] if joint[o + b] > peak[b] else peak[b]


@inner
def moments(x: Array, mean: Array, joint: Array, o: np.uintp, first: Array, scatter: Array) -> None:
    """Add a block to a component's sums of centred features and of their squares."""
    n_features = mean.shape[0]
    fours = n_features - n_features % 4
    for d in range(0, fours, 4):
        m0, m1, m2, m3 = mean[d], mean[d + 1], mean[d + 2], mean[d + 3]
        f0, f1, f2, f3, s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        q = U(d) * BLOCK
        for b in range(BLOCK):
            r = joint[o + b]
            u0, u1, u2, u3 = x[q + b] - m0, x[q + B1 + b] - m1, x[q + B2 + b] - m2, x[q + B3 + b] - m3
            v0, v1, v2, v3 = r * u0, r * u1, r * u2, r * u3
            f0 += v0
            f1 += v1
            f2 += v2
            f3 += v3
            s0 += v0 * u0
            s1 += v1 * u1
            s2 += v2 * u2
            s3 += v3 * u3
        first[d] += f0
        first[d + 1] += f1
        first[d + 2] += f2
        first[d + 3] += f3
        scatter[d] += s0
        scatter[d + 1] += s1
        scatter[d + 2] += s2
        scatter[d + 3] += s3
    for d in range(fours, n_features):
        m0 = mean[d]
        f0, s0 = 0.0, 0.0
        q = U(d) * BLOCK
        for b in range(BLOCK):
            u0 = x[q + b] - m0
            v0 = joint[o + b] * u0
            f0 += v0
            s0 += v0 * u0
        first[d] += f0
        scatter[d] += s0
