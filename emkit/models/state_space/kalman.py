"""The Kalman filter and the smoother of Rauch, Tung and Striebel, on square roots of covariances.

No covariance is ever subtracted from another: every step triangularises a root of a joint covariance, so that all that
comes out is symmetric and positive semidefinite whatever the rounding. Covariances do not depend on what was observed,
only on which cells were seen: they are computed once for all sequences that have the same cells, and once for all
steps after which they no longer change.

A root of a covariance Σ is any R with R Rᵀ = Σ. Reference: T. Kailath, A. H. Sayed and B. Hassibi (2000), Linear
Estimation, sections 12.3 and 12.6.
"""

from itertools import groupby
from typing import NamedTuple

import attrs
import numpy as np
from scipy.linalg import lapack

from emkit.arrays import EPS, LOG_2PI, Array
from emkit.incomplete import Mask
from emkit.matrices import triangular

SETTLED = 4 * EPS
"""A root that changed by less than this, in units of each row's largest entry, no longer changes."""


BEYOND = np.errstate(over="ignore", invalid="ignore")
"""Numbers beyond floating point become infinite or nan, and the log marginals that they lead to -inf."""


@attrs.frozen(eq=False)
class Chain:
    """The parameters of a linear Gaussian chain: z_1 ~ N(m, P), z_t = A z_{t-1} + N(0, Q), x_t = C z_t + N(0, R)."""

    mean: Array  # m, (S,)
    root: Array  # of P, (S, S)
    transition: Array  # A, (S, S)
    transition_root: Array  # of Q, (S, S)
    observation: Array  # C, (D, S)
    observation_covariance: Array  # R, (D, D)


@attrs.frozen(eq=False)
class Step:
    """What one step does to covariances. All roots are lower triangular."""

    seen: Mask  # (D,)
    innovation: Array  # root of Var(x_t seen | x_1 .. x_{t-1}), (O, O)
    gain: Array  # transposed slopes of z_t on what is seen of x_t, (O, S)
    root: Array  # of Var(z_t | x_1 .. x_t), (S, S)
    back: Array  # slopes of z_t on z_{t+1} given x_1 .. x_t, (S, S)
    given_next: Array  # root of Var(z_t | z_{t+1}, x_1 .. x_t), (S, S)


class Filtered(NamedTuple):
    """States of G sequences given what was seen up to each of their T steps."""

    log_marginal: Array  # (G,), nats
    magnitude: Array  # (G,) sizes of what was added up to log_marginal, nats: eps times this is lost
    means: Array  # (G, T, S)
    steps: list[Step]  # T

    def of(self, some: Mask) -> "Filtered":
        """Return some of the sequences."""
        return Filtered(self.log_marginal[some], self.magnitude[some], self.means[some], self.steps)


class Smoothed(NamedTuple):
    """States of G sequences given all that was seen of them."""

    means: Array  # (G, T, S)
    covariances: Array  # (T, S, S)
    cross: Array  # Cov(z_t, z_{t+1}), (T - 1, S, S)


def cholesky(covariance: Array) -> Array:
    """Return the lower triangular root of a positive definite matrix."""
    return np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)


@BEYOND
def filtered(chain: Chain, x: Array, seen: Mask) -> Filtered:
    """Filter G sequences of which the same cells are seen; those beyond floating point are impossible.

    Args:
        chain: the parameters.
        x: (G, T, D); cells that are not seen may hold anything.
        seen: (T, D).
    """
    steps = _steps(chain, seen)
    means = np.empty((*x.shape[:2], len(chain.mean)))  # (G, T, S)
    log_marginal, magnitude = np.zeros(len(x)), np.zeros(len(x))
    mean = np.tile(chain.mean, (len(x), 1))  # (G, S), of z_t given what was seen before t
    start = 0
    for step, run in groupby(steps, key=lambda step: step):
        stop = start + len(list(run))
        given = x[:, start:stop, step.seen]  # (G, T', O)
        observation = chain.observation[step.seen].T  # (S, O)
        error = np.empty_like(given)
        for t in range(start, stop):
            error[:, t - start] = given[:, t - start] - mean @ observation
            means[:, t] = mean + error[:, t - start] @ step.gain
            mean = means[:, t] @ chain.transition.T
        if step.seen.any():
            density, lost = _log_density(step.innovation, error, given)
            log_marginal += density
            magnitude += lost
        start = stop
    return Filtered(np.where(np.isnan(log_marginal), -np.inf, log_marginal), magnitude, means, steps)


@BEYOND
def smoothed(chain: Chain, of: Filtered) -> Smoothed:
    """Smooth what was filtered, from the last step to the first."""
    means, size = of.means.copy(), len(chain.mean)
    predicted = of.means @ chain.transition.T  # (G, T, S), of the step after
    covariances = np.empty((len(of.steps), size, size))
    cross = np.empty((len(of.steps) - 1, size, size))
    root = of.steps[-1].root
    covariances[-1] = root @ root.T
    still = False
    for t in range(len(of.steps) - 2, -1, -1):
        step = of.steps[t]
        still = still and step is of.steps[t + 1]
        if still:
            covariances[t], cross[t] = covariances[t + 1], cross[t + 1]
        else:
            cross[t] = step.back @ covariances[t + 1]
            before, root = root, triangular(np.hstack([step.given_next, step.back @ root]))
            covariances[t] = root @ root.T
            still = _settled(root, before)
        means[:, t] += (means[:, t + 1] - predicted[:, t]) @ step.back.T
    return Smoothed(means, covariances, cross)


def _steps(chain: Chain, seen: Mask) -> list[Step]:
    """Return what each step does to covariances, (T,)."""
    steps: list[Step] = []
    noise: dict[bytes, Array] = {}  # of each pattern of cells
    predicted, still = chain.root, False
    again = [False, *(seen[1:] == seen[:-1]).all(axis=1).tolist()]
    for cells, same in zip(seen, again, strict=True):
        if still and same:
            steps.append(steps[-1])
            continue
        pattern = cells.tobytes()
        if pattern not in noise:
            noise[pattern] = cholesky(chain.observation_covariance[np.ix_(cells, cells)])
        innovation, gain, root = _reverse(predicted, chain.observation[cells], noise[pattern])
        before, (predicted, back, given_next) = predicted, _reverse(root, chain.transition, chain.transition_root)
        steps.append(Step(cells, innovation, gain.T, root, back, given_next))
        still = _settled(predicted, before)
    return steps


def _reverse(root: Array, slopes: Array, noise: Array) -> tuple[Array, Array, Array]:
    """Take a Gaussian z and y = slopes z + noise apart the other way round: y, and z given y.

    Args:
        root: of Var z, (S, S).
        slopes: (D, S).
        noise: root of the noise's covariance, (D, D).

    Returns:
        The root (D, D) of Var y, the slopes (S, D) of z on y, and the root (S, S) of Var(z | y), roots triangular.
    """
    d, s = slopes.shape
    if d == 0:
        return noise, slopes.T, root
    joint = np.zeros((d + s, d + s))
    joint[:d, :d], joint[:d, d:], joint[d:, d:] = noise, slopes @ root, root
    lower = triangular(joint)
    marginal = lower[:d, :d]
    return marginal, _solve(marginal, lower[d:, :d].T, transposed=True).T, lower[d:, d:]


def _log_density(root: Array, error: Array, given: Array) -> tuple[Array, Array]:
    """Return the log densities (G,) of the errors (G, T, O) of rows, summed over steps, and the sizes of their terms.

    An error is known to eps times the row from which a prediction was subtracted.
    """
    size, *_, width = error.shape
    whitened, rows = (_solve(root, each.reshape(-1, width).T) for each in (error, given))  # (O, G T)
    volume = np.log(np.diagonal(root))[:, None]  # (O, 1)
    square = np.square(whitened)
    terms = -0.5 * (square + LOG_2PI) - volume
    lost = square + np.abs(volume) + np.abs(whitened * rows)
    density, magnitude = (each.sum(axis=0).reshape(size, -1).sum(axis=1) for each in (terms, lost))
    return density, magnitude


def _settled(root: Array, before: Array) -> bool:
    change = np.abs(root - before).max(axis=1)  # (S,)
    return bool((change <= SETTLED * np.abs(root).max(axis=1)).all())


def _solve(root: Array, columns: Array, *, transposed: bool = False) -> Array:
    """Return the inverse of a lower triangular root, or of its transpose, applied to (D, G)."""
    return lapack.dtrtrs(root, columns, lower=1, trans=int(transposed))[0]
