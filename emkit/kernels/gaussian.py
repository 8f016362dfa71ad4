"""One pass of EM over a Gaussian mixture: log marginals and expected statistics, without anything of size N x K.

Every distance and every moment is taken about the component's own mean, so that no offset of the data and no
separation of the components costs a digit. The loops run without the interpreter's lock: threads over chunks of rows
are the caller's, and the larger the chunks the better.

A row whose log joint is -inf or nan in every component gets log marginal -inf and adds to no statistic.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import types

from emkit.arrays import Array
from emkit.kernels.blocks import ROWS
from emkit.kernels.passes import correlated_pass, diagonal_pass

Rows: TypeAlias = npt.NDArray[np.float64] | npt.NDArray[np.float32]
Pass: TypeAlias = tuple[Array, Array, Array, Array]

TILE = 4

FEW = 3
"""Features up to which whole matrices, which stay in registers, are faster than their diagonals feature by feature."""

PIECE = 16 * ROWS
"""Rows that are copied at a time where they are not contiguous or not float64."""


def full(x: Rows, weight: Array, means: Array, whitening: Array, log_scale: Array) -> Pass:
    """Return one pass with a covariance per component.

    Args:
        x: (N, D) rows, with any strides.
        weight: (N,) row weights.
        means: (K, D).
        whitening: (K, D, D) lower triangular inverse Cholesky factors of the covariances.
        log_scale: (K,) log weight - (D log 2π + log |covariance|) / 2, nats; -inf for a component without weight.

    Returns:
        The log marginals (N,), nats, and, with r the responsibilities times the row weights, count (K,), the sums of r;
        first (K, D), of r (x - mean); scatter (K, D, D), of r (x - mean)(x - mean)ᵀ, exactly symmetric.
    """
    return _correlated(x, weight, means, whitening, log_scale)


def tied(x: Rows, weight: Array, means: Array, whitening: Array, log_scale: Array) -> Pass:
    """Return one pass with one covariance for all: as `full`, but whitening (D, D) and scatter (D, D), the sum."""
    log_marginal, count, first, scatter = _correlated(x, weight, means, whitening[None], log_scale)
    return log_marginal, count, first, scatter[0]


def diagonal(x: Rows, weight: Array, means: Array, inverse_deviations: Array, log_scale: Array) -> Pass:
    """Return one pass with independent features: as `full`, but inverse_deviations (K, D) and scatter (K, D)."""
    if means.shape[1] > FEW:
        return _pass(diagonal_pass, x, weight, means, inverse_deviations, log_scale)
    matrices = inverse_deviations[:, :, None] * np.eye(means.shape[1])  # (K, D, D)
    log_marginal, count, first, scatter = _correlated(x, weight, means, matrices, log_scale)
    return log_marginal, count, first, np.ascontiguousarray(np.diagonal(scatter, axis1=1, axis2=2))


def spherical(x: Rows, weight: Array, means: Array, inverse_deviations: Array, log_scale: Array) -> Pass:
    """Return one pass with round components: as `diagonal`, but inverse_deviations (K,) and scatter (K,), the trace."""
    each = np.broadcast_to(inverse_deviations[:, None], means.shape)  # (K, D)
    log_marginal, count, first, scatter = diagonal(x, weight, means, each, log_scale)
    return log_marginal, count, first, scatter.sum(axis=1)


def _correlated(x: Rows, weight: Array, means: Array, whitening: Array, log_scale: Array) -> Pass:
    """Return one pass with whitening (K or 1, D, D), padded to whole tiles where there is more than one."""
    n_features = means.shape[1]
    more = 0 if n_features <= TILE else -n_features % TILE
    if more:
        means = np.pad(means, ((0, 0), (0, more)))
        whitening = np.pad(whitening, ((0, 0), (0, more), (0, more)))
    log_marginal, count, first, scatter = _pass(correlated_pass, x, weight, means, whitening, log_scale)
    return log_marginal, count, first[:, :n_features], scatter[:, :n_features, :n_features]


def _pass(
    compiled: Callable[..., None], x: Rows, weight: Array, means: Array, whitening: Array, log_scale: Array
) -> Pass:
    root = np.ascontiguousarray(whitening * np.sqrt(0.5))  # so that the squares need no half
    means = np.ascontiguousarray(means)
    log_marginal, count, first = np.empty(len(x)), np.zeros(len(means)), np.zeros(means.shape)
    scatter = np.zeros(root.shape)
    for rows in _pieces(x):
        piece = np.require(x[rows], np.float64, ["C", "A"])
        compiled(piece, weight[rows], means, root, log_scale, log_marginal[rows], count, first, scatter)
    return log_marginal, count, first, scatter


def _pieces(x: Rows) -> Iterator[slice]:
    """Yield the rows in pieces of whole blocks: in one where the compiled functions can read them as they are."""
    ready = x.dtype == np.float64 and x.flags.c_contiguous and x.flags.aligned
    size = max(len(x), 1) if ready else PIECE
    for start in range(0, len(x), size):
        yield slice(start, start + size)


def _signature(root: int) -> tuple[Any, ...]:
    """Return the types a pass is compiled for, by the number of axes of root, which are those of scatter."""
    strided = types.Array(types.float64, 1, "A", readonly=True)  # or not read-only
    read = [types.Array(types.float64, axes, "C", readonly=True) for axes in (2, 2, root)]
    filled = [types.Array(types.float64, axes, "C") for axes in (1, 1, 2, root)]
    x, means, roots = read
    return (x, strided, means, roots, strided, *filled)  # weight and log_scale with any stride


SIGNATURES = {correlated_pass: _signature(3), diagonal_pass: _signature(2)}
"""What `emkit.kernels.load` compiles."""
