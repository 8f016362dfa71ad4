"""What smoothed states teach: moments of the three regressions of a linear Gaussian state space model.

z_1 on the constant 1, z_t on z_{t-1}, x_t on z_t: all through the origin, since the model has no constants.
"""

from functools import reduce
from operator import add

import attrs
import numpy as np
from scipy.linalg import solve_triangular

from emkit.arrays import EPS, LOG_2PI, Array
from emkit.incomplete import Mask
from emkit.matrices import least_squares, slopes_of_rows, square_root
from emkit.models.state_space.kalman import Chain, Smoothed, cholesky
from emkit.moments import FullMoments
from emkit.statistics import Statistics
from emkit.values import value


@attrs.frozen(eq=False)
class Regression:
    """A regression through the origin: as many rows as hold its second moments."""

    weight: float  # of the rows that were summed
    known: Array  # (N, G)
    response: Array  # (N, R)

    @property
    def slopes(self) -> Array:
        """The slopes (R, G) of least squares."""
        return slopes_of_rows(self.known, self.response, cutoff=len(self.known) * EPS)

    def residual(self, slopes: Array) -> Array:
        """Return the rows (N, R) that slopes (R, G) leave."""
        return self.response - self.known @ slopes.T

    def expected_log_density(self, slopes: Array, covariance: Array) -> float:
        """Return Σ w E[log N(response; slopes known, covariance)], nats."""
        root = cholesky(covariance)
        volume = len(root) * LOG_2PI + 2 * float(np.log(np.diagonal(root)).sum())
        whitened = solve_triangular(root, self.residual(slopes).T, lower=True, check_finite=False)
        return -0.5 * (self.weight * volume + float(np.square(whitened).sum()))


@value
class StateSpaceStatistics(Statistics):
    """Expected moments of states and observations, one group each."""

    initial: FullMoments  # of z_1, (1, S)
    transition: FullMoments  # of (z_{t-1}, z_t), (1, 2 S)
    observation: FullMoments  # of (z_t, x_t) where any of x_t is seen, (1, S + D)
    uncertainty: Array  # Σ w Var(z_1 | x), (S, S): the part of the first scatter that is no difference of sequences
    seen: Array  # Σ w of the cells seen in each column, (D,)

    def regressions(self) -> tuple[Regression, Regression, Regression]:
        """Return the regressions of z_1 on 1, of z_t on z_{t-1} and of x_t on z_t."""
        size = self.initial.mean.shape[1]
        first = _rows(self.initial)  # (S + 1, S): the last is the mean
        constant = np.zeros((len(first), 1))
        constant[-1] = np.sqrt(self.initial.weight)
        weights = (float(moments.weight[0]) for moments in (self.initial, self.transition, self.observation))
        rows = ((constant, first), *(np.split(_rows(m), [size], axis=1) for m in (self.transition, self.observation)))
        one, two, three = (Regression(w, known, response) for w, (known, response) in zip(weights, rows, strict=True))
        return one, two, three


def learn(chain: Chain, states: Smoothed, x: Array, seen: Mask, weight: Array) -> StateSpaceStatistics:
    """Return the statistics of G sequences of which the same cells are seen.

    Args:
        chain: the parameters at which the states were smoothed.
        states: of these sequences.
        x: (G, T, D); cells that are not seen may hold anything.
        seen: (T, D).
        weight: (G,).
    """
    means, covariances, cross = states.means, states.covariances, states.cross
    pairs = np.concatenate([means[:, :-1], means[:, 1:]], axis=2)  # (G, T - 1, 2 S)
    swapped = cross.sum(axis=0)  # (S, S), of z_{t-1} and z_t
    within = np.block([[covariances[:-1].sum(axis=0), swapped], [swapped.T, covariances[1:].sum(axis=0)]])
    width = means.shape[2] + x.shape[2]
    some = seen.any(axis=1)  # (T,): steps with nothing seen teach nothing of observations
    observed = [_moments(np.empty((0, 0, width)), np.empty(0), np.zeros((width, width)))]
    for cells in np.unique(seen[some], axis=0):
        at = np.flatnonzero((seen == cells).all(axis=1))
        rows, spread = completed(chain, means[:, at], covariances[at].sum(axis=0), x[:, at], cells)
        observed.append(_moments(rows, weight, spread))
    return StateSpaceStatistics(
        _moments(means[:, :1], weight, covariances[0]),
        _moments(pairs, weight, within),
        reduce(add, observed),
        weight.sum() * covariances[0],
        weight.sum() * seen.sum(axis=0),
    )


def completed(chain: Chain, means: Array, covariance: Array, x: Array, cells: Mask) -> tuple[Array, Array]:
    """Return expected rows (z_t, x_t) at T' steps at which the same cells are seen, and the sum of their covariances.

    Given the states and what is seen, x_t = slopes z_t + fill x_seen + noise, with slopes zero and fill the identity
    in the cells seen.

    Args:
        chain: the parameters.
        means: (G, T', S) of the states.
        covariance: (S, S) of the states, summed over the steps.
        x: (G, T', D).
        cells: (D,) which are seen.
    """
    seen, lost = np.flatnonzero(cells).tolist(), np.flatnonzero(~cells).tolist()
    fill = np.zeros((len(cells), len(seen)))  # (D, O)
    left = np.zeros((len(cells), len(cells)))  # covariance of the noise, (D, D)
    fill[seen] = np.eye(len(seen))
    if not seen:
        left = chain.observation_covariance
    elif lost:
        fill[lost], left[np.ix_(lost, lost)] = least_squares(chain.observation_covariance, seen, lost)
    slopes = chain.observation - fill @ chain.observation[seen]  # (D, S)
    slopes[seen] = 0.0
    mixed = covariance @ slopes.T  # (S, D)
    rows = np.concatenate([means, means @ slopes.T + x[:, :, cells] @ fill.T], axis=2)
    return rows, np.block([[covariance, mixed], [mixed.T, slopes @ mixed + means.shape[1] * left]])


def _moments(rows: Array, weight: Array, within: Array) -> FullMoments:
    """Return the moments of expected rows (G, T, K), each sequence with its weight and the covariances of its rows."""
    flat = rows.reshape(-1, rows.shape[2])
    share = np.repeat(weight, rows.shape[1])  # (G T,)
    total = share.sum()
    about = share @ flat / total if total > 0 else np.zeros(rows.shape[2])
    moments = FullMoments.of(flat, share[:, None], about[None])
    return FullMoments(moments.weight, moments.mean, moments.scatter + weight.sum() * within)


def _rows(moments: FullMoments) -> Array:
    """Return rows (K + 1, K) whose second moments about zero are those of the moments."""
    mean = np.sqrt(moments.weight)[:, None] * moments.mean  # (1, K)
    return np.concatenate([square_root(moments.scatter[0]).T, mean])
