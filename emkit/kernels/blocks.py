"""Blocks of rows: data copied feature by feature into scratch, and log joints turned into responsibilities.

Scratch is flat, with a stride that the compiler knows and unsigned indices: anything else costs it the vector
instructions. A block's last rows may lie beyond the data; they are zeros and weigh nothing.
"""

import numpy as np

from emkit.arrays import Array
from emkit.kernels.compiled import inner
from emkit.kernels.exponential import exp, log

U = np.uintp
ROWS = 256
"""Rows in a block."""

BLOCK = U(ROWS)
"""The same as an index: from one feature or component of a block to the next."""

STREAMED = U(32)
"""Features from which rows are read in one stream."""

CACHE_LINE = 64


@inner
def scratch(lines: int) -> Array:
    """Return (lines * BLOCK,) zeros that begin on a cache line: vectors that straddle two cost twice."""
    size = lines * ROWS
    raw = np.zeros(size + CACHE_LINE // 8)
    skip = (-raw.ctypes.data % CACHE_LINE) // 8
    return raw[skip : skip + size]


@inner
def gather(x: Array, start: int, rows: int, columns: Array, stream: Array) -> None:
    """Copy `rows` rows of x (N, D) from `start` on to columns (D * BLOCK).

    Rows of many features are read in one stream, into `stream` (as long as columns), before they are turned: read in
    pieces, a stride apart, they come from memory at a quarter of the speed.
    """
    n_features, s = U(x.shape[1]), U(start)
    if n_features < STREAMED:
        turn(x, s, U(rows), columns)
    else:
        for b in range(U(rows)):
            for d in range(n_features):
                stream[b * n_features + d] = x[s + b, d]
        turn(stream[: U(rows) * n_features].reshape(rows, n_features), U(0), U(rows), columns)
    if U(rows) < BLOCK:
        for d in range(n_features):
            columns[d * BLOCK + U(rows) : (d + U(1)) * BLOCK] = 0.0


@inner
def turn(x: Array, s: np.uintp, rows: np.uintp, columns: Array) -> None:
    """Copy `rows` rows of x from s on to columns, eight features or two at a time."""
    n_features = U(x.shape[1])
    eights, twos = n_features - n_features % U(8), n_features - n_features % U(2)
    for d in range(U(0), eights, U(8)):
        o = d * BLOCK
        for b in range(rows):
            for i in range(U(8)):
                columns[o + i * BLOCK + b] = x[s + b, d + i]
    for d in range(eights, twos, U(2)):
        o = d * BLOCK
        for b in range(rows):
            columns[o + b] = x[s + b, d]
            columns[o + BLOCK + b] = x[s + b, d + U(1)]
    for d in range(twos, n_features):
        for b in range(rows):
            columns[d * BLOCK + b] = x[s + b, d]


@inner
def normalise(
    joint: Array, n_components: int, weight: Array, peak: Array, total: Array, share: Array, log_marginal: Array
) -> None:
    """Turn log joints (K * BLOCK) into exp(joint - peak), and find each row's share: weight / sum of those.

    A row impossible in every component gets log marginal -inf and share zero.

    Args:
        joint: (K * BLOCK) in: log joints, nats; out: proportional to responsibilities.
        n_components: K.
        weight: (BLOCK) row weights.
        peak: (BLOCK) each row's largest log joint.
        total, share, log_marginal: (BLOCK) out.
    """
    for b in range(BLOCK):
        peak[b] = peak[b] if peak[b] > -np.inf else 0.0
        total[b] = 0.0
    for k in range(n_components):
        o = U(k) * BLOCK
        for b in range(BLOCK):
            e = exp(joint[o + b] - peak[b])
            joint[o + b] = e
            total[b] += e
    for b in range(BLOCK):
        log_marginal[b] = peak[b] + log(total[b])
        share[b] = weight[b] / total[b] if total[b] > 0.0 else 0.0
