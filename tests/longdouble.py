"""The E-step of a Gaussian mixture in extended precision, by plain formulas: an oracle."""

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

Long = npt.NDArray[np.longdouble]


@attrs.frozen(eq=False)
class EStep:
    """What an E-step of K components learns from N rows."""

    log_marginal: Long  # (N,)
    count: Long  # (K,)
    mean: Long  # (K, D)
    scatter: Long  # (K, D, D) about the mean


def cholesky(matrix: ArrayLike) -> Long:
    """Return the lower Cholesky factor, entry by entry."""
    given = np.asarray(matrix, dtype=np.longdouble)
    factor = np.zeros_like(given)
    for i in range(len(given)):
        for j in range(i + 1):
            rest = given[i, j] - factor[i, :j] @ factor[j, :j]
            factor[i, j] = np.sqrt(rest) if i == j else rest / factor[j, j]
    return factor


def solve(factor: Long, right: Long) -> Long:
    """Return L⁻¹ applied to columns (D, N), by forward substitution."""
    left = np.zeros_like(right)
    for i in range(len(factor)):
        left[i] = (right[i] - factor[i, :i] @ left[:i]) / factor[i, i]
    return left


def log_density(x: ArrayLike, mean: ArrayLike, covariance: ArrayLike) -> Long:
    """Return log N(x_n; mean, covariance), (N,)."""
    factor = cholesky(covariance)
    white = solve(factor, (np.asarray(x, dtype=np.longdouble) - np.asarray(mean, dtype=np.longdouble)).T)
    volume = 2 * np.log(np.diagonal(factor)).sum() + len(factor) * np.log(2 * np.longdouble(np.pi))
    half: Long = -(volume + (white**2).sum(axis=0)) / 2
    return half


def e_step(x: ArrayLike, weights: Any, means: Any, covariances: Any, weight: ArrayLike = 1.0) -> EStep:
    """Return one E-step over rows (N, D), weighted (N,), of components with matrices (K, D, D)."""
    rows = np.asarray(x, dtype=np.longdouble)
    with np.errstate(divide="ignore"):
        shares = np.log(np.asarray(weights, dtype=np.longdouble))
    joint = np.stack([share + log_density(rows, *one) for share, *one in zip(shares, means, covariances, strict=True)])
    peak = joint.max(axis=0)
    log_marginal = peak + np.log(np.exp(joint - peak).sum(axis=0))
    posterior = np.exp(joint - log_marginal) * np.asarray(weight, dtype=np.longdouble)  # (K, N)
    count = posterior.sum(axis=1)
    some = np.where(count > 0, count, 1)
    away = np.einsum("kn,knd->kd", posterior, rows - np.asarray(means, dtype=np.longdouble)[:, None]) / some[:, None]
    mean = np.where(count[:, None] > 0, np.asarray(means, dtype=np.longdouble) + away, 0)
    centred = rows - mean[:, None]
    return EStep(log_marginal, count, mean, np.einsum("kn,knd,kne->kde", posterior, centred, centred))
