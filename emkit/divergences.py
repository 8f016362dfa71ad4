"""Kullback-Leibler divergences between two distributions of one family, in closed form.

They are sums of terms that are not negative but for rounding, so that nothing large cancels. That of shares among
states is `emkit.arrays.divergence`. Reference: W. D. Penny (2001), Kullback-Leibler divergences of normal, gamma,
Dirichlet and Wishart densities, Wellcome Department of Cognitive Neurology.
"""

import numpy as np

from emkit.arrays import Array, excess
from emkit.gamma_function import log_less_digamma, log_normaliser


def of_normals(shift: Array, root: Array, other_root: Array, scale: Array | float = 1.0) -> Array:
    """Return KL(N(m, R Rᵀ) || N(m + shift, S Sᵀ)), (...), nats; infinite where squares overflow.

    With T = S⁻¹ R it is ½ [Σ_i (T_ii² - 1 - log T_ii²) + Σ_i>j T_ij² + |S⁻¹ shift|²].

    Args:
        shift: (..., D) the second mean less the first.
        root, other_root: (..., D, D) the Cholesky factors R and S: lower triangular, their diagonals positive.
        scale: (...) if both covariances are divided by a random u that is the same for both, its expectation.

    Leading axes broadcast.
    """
    step = np.asarray(np.sqrt(scale))[..., None] * shift  # (..., D)
    logs = [np.log(np.diagonal(one, axis1=-2, axis2=-1)) for one in (root, other_root)]  # (..., D) each
    with np.errstate(over="ignore"):
        below = np.square(np.tril(_solved(other_root, root), -1)).sum(axis=(-2, -1))
        along = excess(2 * (logs[0] - logs[1])).sum(axis=-1)
        moved = np.square(_solved(other_root, step[..., None])[..., 0]).sum(axis=-1)
    return np.asarray(0.5 * (along + below + moved))


def of_gammas(shape: Array, rate: Array, other_shape: Array, other_rate: Array) -> Array:
    """Return KL(Gamma(a, b) || Gamma(a', b')), (...), nats.

    With L(a) = a log a - a - log Γ(a), which is concave, and r the first mean divided by the second, it is
    [L(a) + L'(a) (a' - a) - L(a')] + a' (r - 1 - log r).

    Args:
        shape, rate: (...) a and b, positive; the mean is a / b.
        other_shape, other_rate: (...) a' and b'.
    """
    tangent = log_normaliser(shape) + log_less_digamma(shape) * (other_shape - shape)
    log_ratio = (np.log(shape) - np.log(rate)) - (np.log(other_shape) - np.log(other_rate))
    with np.errstate(over="ignore"):
        moved = other_shape * excess(log_ratio)
    return np.asarray(np.maximum(tangent - log_normaliser(other_shape), 0.0) + moved)


def _solved(lower: Array, columns: Array) -> Array:
    """Return the inverses of lower triangular matrices (..., D, D) times columns (..., D, C), row by row."""
    ahead = np.broadcast_shapes(lower.shape[:-2], columns.shape[:-2])
    solved = np.empty((*ahead, *columns.shape[-2:]))
    for i in range(columns.shape[-2]):
        known = (lower[..., i : i + 1, :i] @ solved[..., :i, :])[..., 0, :]  # (..., C)
        solved[..., i, :] = (columns[..., i, :] - known) / lower[..., i, i, None]
    return solved
