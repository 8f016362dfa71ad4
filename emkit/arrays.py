"""Arrays, and the one place where emkit crosses log space."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)
"""Relative spacing of floating-point numbers, about 2.2e-16."""

TINY = float(np.finfo(np.float64).tiny)
"""Smallest positive number held to full precision, about 2.2e-308."""

ROUNDING_WIDTH = 64 * EPS
"""A width below this many times the place it stands at is not known to a digit."""

LOG_2PI = float(np.log(2 * np.pi))


def condition(weights: Array, log_density: Array) -> tuple[Array, Array]:
    """Bayes' rule over a discrete latent state, by log-sum-exp.

    Args:
        weights: (K,) prior probability of each state; zeros are allowed.
        log_density: (N, K) log p(x_n | z_n = k), nats; -inf where impossible.

    Returns:
        The log marginal (N,), log Σ_k w_k p(x_n | k), and the posterior (N, K), whose rows sum to one.
        A row that is impossible in every state has log marginal -inf and keeps the prior as its posterior.
    """
    with np.errstate(divide="ignore"):
        posterior = log_density + np.log(weights)  # (N, K) log joint, in the order of the densities in memory
    peak = posterior.max(axis=1, keepdims=True)  # (N, 1)
    possible = peak > -np.inf  # (N, 1)
    posterior -= peak if possible.all() else np.where(possible, peak, 0.0)
    np.exp(posterior, out=posterior)
    total = posterior.sum(axis=1, keepdims=True)  # (N, 1)
    if not possible.all():
        np.copyto(posterior, weights, where=~possible)
        total = np.where(possible, total, 1.0)
    posterior /= total
    return (peak + np.log(total))[:, 0], posterior


def log_condition(weights: Array, log_density: Array) -> Array:
    """Return the logarithm of the posterior of `condition`, (N, K), nats: also of shares too small to be held."""
    with np.errstate(divide="ignore"):
        log_weights = np.log(weights)
    log_joint = log_density + log_weights  # (N, K)
    peak = log_joint.max(axis=1, keepdims=True)  # (N, 1)
    log_joint = np.where(peak > -np.inf, log_joint, log_weights)  # impossible rows keep the prior
    log_joint -= np.where(peak > -np.inf, peak, 0.0)
    return np.asarray(log_joint - np.log(np.exp(log_joint).sum(axis=1, keepdims=True)))


def excess(d: Array) -> Array:
    """Return exp d - 1 - d, which is not negative, to all digits: by its series where the difference cancels."""
    close = np.abs(d) < 1e-3
    small = np.where(close, d, 0.0)
    series = np.square(small) * (0.5 + small * (1 / 6 + small * (1 / 24 + small / 120)))
    return np.where(close, series, np.expm1(d) - d)


def divergence(log_p: Array, log_q: Array) -> Array:
    """Return Σ_k p_k log(p_k / q_k) along the last axis, nats: never negative, and exact where p and q are close.

    Each term is p_k (exp d - 1 - d) with d = log(q_k / p_k), which is not negative; what is added to p_k log(p_k / q_k)
    sums to zero. Infinite where q is zero and p is not.

    Args:
        log_p, log_q: (..., K) logarithms of two distributions, -inf where a state is impossible.
    """
    p = np.exp(log_p)
    with np.errstate(invalid="ignore"):  # -inf less -inf: a state that neither has
        difference = np.where(p > 0, log_q - log_p, 0.0)
    near = np.minimum(difference, 1.0)  # beyond it, exp(log_q) is exact and cannot overflow
    terms = np.where(difference < 1, p * excess(near), np.exp(log_q) - p - p * difference)
    return np.asarray(np.where(p > 0, terms, np.exp(log_q)).sum(axis=-1))


def draw_states(cumulative: Array, uniform: Array) -> npt.NDArray[np.intp]:
    """Draw a state from each row of cumulative shares, with a uniform number each; none whose share is zero.

    Args:
        cumulative: (..., K) sums of nonnegative shares, which need not end at one.
        uniform: (...) numbers from 0 to 1.
    """
    return np.asarray((uniform[..., None] * cumulative[..., -1:] >= cumulative).sum(axis=-1))


def first_index(where: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    """Return the index of the first true entry, as plain integers to show in a message; there must be one."""
    return tuple(int(i) for i in np.argwhere(where)[0])


def average(total: Array, weight: Array, *, otherwise: Array) -> Array:
    """Total divided by weight where there is weight, and `otherwise` where there is none.

    Args:
        total: (K, ...) weighted sums.
        weight: (K,) what was summed over; shorter shapes are aligned with the leading axes of `total`.
        otherwise: broadcasts to `total`; usually the current parameter, so that a state which learnt nothing
            stays where it was.
    """
    aligned = np.reshape(weight, np.shape(weight) + (1,) * (np.ndim(total) - np.ndim(weight)))
    some = aligned > 0
    if some.all():
        return np.asarray(total / aligned)
    return np.where(some, total / np.where(some, aligned, 1.0), otherwise)


def stretched(array: Array, shape: tuple[int, ...]) -> Array:
    """Return a read-only view of this shape, or the array itself where it has that: `broadcast_to` takes its time."""
    return array if array.shape == shape else np.broadcast_to(array, shape)
