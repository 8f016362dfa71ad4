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
