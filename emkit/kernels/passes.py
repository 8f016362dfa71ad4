"""The passes behind `gaussian`, compiled: block by block, the log joints of all components, then their moments."""

import numpy as np

from emkit.arrays import Array
from emkit.kernels import axes, small, tiles
from emkit.kernels.blocks import BLOCK, ROWS, U, gather, normalise, scratch
from emkit.kernels.compiled import inner, kernel, lowest

NEGLIGIBLE = 1e-30
"""A component's share in a block is left out of its moments where it changes none by more than this, relatively."""


@inner
def block(
    x: Array, weight: Array, start: int, rows: int, columns: Array, stream: Array, weights: Array, peak: Array
) -> None:
    """Bring a block of rows and their weights into scratch."""
    gather(x, start, rows, columns, stream)
    peak[:] = -np.inf
    for b in range(U(rows)):
        weights[b] = weight[U(start) + b]
    for b in range(U(rows), BLOCK):
        weights[b] = 0.0


@lowest
def lowest_of(values: Array, rows: int) -> float:
    """Return the lowest of the first values, none of them nan."""
    lowest = np.inf
    for b in range(U(rows)):
        lowest = values[b] if values[b] < lowest else lowest
    return lowest


@inner
def finish(start: int, rows: int, columns: Array, log_marginals: Array, log_marginal: Array) -> float:
    """Hand out a block's log marginals, clear impossible rows, and return the lowest log marginal."""
    for b in range(U(rows)):
        log_marginal[U(start) + b] = log_marginals[b]
    lowest = lowest_of(log_marginals, rows)
    if lowest == -np.inf:
        for b in range(U(rows)):
            if log_marginals[b] == -np.inf:
                for d in range(U(len(columns)) // BLOCK):
                    columns[d * BLOCK + b] = 0.0  # nan times a responsibility of zero would be nan
    return lowest


@inner
def counts(responsibility: float, count: float, log_scale: float, lowest: float) -> bool:
    """Return whether a block's responsibility for a component can change its moments.

    A row of responsibility r lies at the squared distance 2 (log_scale - log_marginal - log r) from the mean, in
    deviations, and log r is above -745. So the sum of r d^2 over the block has a bound, held against the count so far.
    """
    bound = responsibility * (2.0 * (log_scale - lowest) + 1500.0)
    return responsibility > 0.0 and not bound < NEGLIGIBLE * count


@kernel
def correlated_pass(
    x: Array,
    weight: Array,
    means: Array,
    root: Array,
    log_scale: Array,
    log_marginal: Array,
    count: Array,
    first: Array,
    scatter: Array,
) -> None:
    """One pass of `full` and `tied`: root and scatter (K or 1, D, D)."""
    n_components, n_features = means.shape
    each = 1 if len(root) == n_components else 0
    columns, stream, centred = scratch(n_features), scratch(n_features), scratch(n_features)
    joint, work = scratch(n_components), scratch(4)
    peak, total, share = scratch(1), scratch(1), scratch(1)
    weights, log_marginals = scratch(1), scratch(1)
    for start in range(0, len(log_marginal), ROWS):
        rows = min(ROWS, len(log_marginal) - start)
        block(x, weight, start, rows, columns, stream, weights, peak)
        for k in range(n_components):
            o, mean, a, c = U(k) * BLOCK, means[k], root[k * each], log_scale[k]
            if n_features == 1:
                small.energy_1(columns, mean, a, c, joint, o, peak)
            elif n_features == 2:
                small.energy_2(columns, mean, a, c, joint, o, peak)
            elif n_features == 3:
                small.energy_3(columns, mean, a, c, joint, o, peak)
            elif n_features == 4:
                small.energy_4(columns, mean, a, c, joint, o, peak)
            else:
                tiles.energy(columns, mean, a, c, joint, o, peak, centred, work)
        normalise(joint, n_components, weights, peak, total, share, log_marginals)
        lowest = finish(start, rows, columns, log_marginals, log_marginal)
        for k in range(n_components):
            o, mean, f, s = U(k) * BLOCK, means[k], first[k], scatter[k * each]
            if n_features == 1:
                count[k] += small.moments_1(columns, mean, joint, o, share, f, s)
            elif n_features == 2:
                count[k] += small.moments_2(columns, mean, joint, o, share, f, s)
            elif n_features == 3:
                count[k] += small.moments_3(columns, mean, joint, o, share, f, s)
            elif n_features == 4:
                count[k] += small.moments_4(columns, mean, joint, o, share, f, s)
            else:
                responsibility = tiles.responsibility(joint, o, share)
                count[k] += responsibility
                if counts(responsibility, count[k], log_scale[k], lowest):
                    tiles.moments(columns, mean, joint, o, f, s, centred, work)
    for k in range(len(scatter)):
        for i in range(n_features):
            for j in range(i):
                scatter[k, j, i] = scatter[k, i, j]  # the sums are those on and below the diagonal


@kernel
def diagonal_pass(
    x: Array,
    weight: Array,
    means: Array,
    root: Array,
    log_scale: Array,
    log_marginal: Array,
    count: Array,
    first: Array,
    scatter: Array,
) -> None:
    """One pass of `diagonal`."""
    n_components, n_features = means.shape
    columns, stream, joint = scratch(n_features), scratch(n_features), scratch(n_components)
    peak, total, share = scratch(1), scratch(1), scratch(1)
    weights, log_marginals = scratch(1), scratch(1)
    for start in range(0, len(log_marginal), ROWS):
        rows = min(ROWS, len(log_marginal) - start)
        block(x, weight, start, rows, columns, stream, weights, peak)
        for k in range(n_components):
            axes.energy(columns, means[k], root[k], log_scale[k], joint, U(k) * BLOCK, peak)
        normalise(joint, n_components, weights, peak, total, share, log_marginals)
        lowest = finish(start, rows, columns, log_marginals, log_marginal)
        for k in range(n_components):
            responsibility = tiles.responsibility(joint, U(k) * BLOCK, share)
            count[k] += responsibility
            if counts(responsibility, count[k], log_scale[k], lowest):
                axes.moments(columns, means[k], joint, U(k) * BLOCK, first[k], scatter[k])
