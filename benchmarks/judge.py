"""The log likelihood of a mixture from its parameters, by the same few lines for every contestant."""

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import logsumexp

from benchmarks.data import Array

ROWS = 4096  # at a time


def log_likelihood(x: Array, weights: Array, means: Array, covariances: Array) -> float:
    """Return the log likelihood, nats, of rows x (N, D); covariances are (K, D, D), or variances (K, D)."""
    full = covariances.ndim == 3
    scales = np.linalg.cholesky(covariances) if full else np.sqrt(covariances)  # (K, D, D) or (K, D)
    widths = np.diagonal(scales, axis1=1, axis2=2) if full else scales  # (K, D)
    constant = np.log(weights) - np.log(widths).sum(axis=1) - 0.5 * x.shape[1] * np.log(2 * np.pi)  # (K,)
    total = 0.0
    for first in range(0, len(x), ROWS):
        rows = x[first : first + ROWS]
        log_joint = np.empty((len(rows), len(weights)))
        for k, (mean, scale) in enumerate(zip(means, scales, strict=True)):
            centred = (rows - mean).T  # (D, rows)
            white = solve_triangular(scale, centred, lower=True) if full else centred / scale[:, None]
            log_joint[:, k] = constant[k] - 0.5 * np.square(white).sum(axis=0)
        total += float(logsumexp(log_joint, axis=1).sum())
    return total
