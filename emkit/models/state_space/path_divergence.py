"""How far the posterior of whole paths moves between two models, with the missing cells of what was seen along them.

A path is made of shocks that a model draws from a standard normal, z_1 = m + root w_1 and z_t = A z_{t-1} + root w_t.
Given the state before and all that is seen from step t on, a shock is normal; given the states, so are missing cells.
The divergence of paths is the sum of theirs, each expected along the path. Shocks are known to full precision where a
state has next to no noise of its own, and nothing here is shared with the filter, which a test of it can rest on.

References: G. J. Bierman (1977), Factorization Methods for Discrete Sequential Estimation, on square root information
filters, of which this is one that runs backward; T. M. Cover and J. A. Thomas (2006), Elements of Information Theory,
theorem 2.5.3.
"""

import attrs
import numpy as np
from scipy.linalg import solve_triangular

from emkit.arrays import Array
from emkit.divergences import of_normals
from emkit.incomplete import Mask
from emkit.matrices import triangular
from emkit.models.state_space.kalman import BEYOND, Chain, cholesky
from emkit.sequences import Indices


@attrs.frozen(eq=False)
class Given:
    """A normal vector v given a state z, in each of G sequences: U v + V z - u is standard normal."""

    own: Array  # U, (K, K)
    state: Array  # V, (K, S)
    target: Array  # u, (K, G)

    def solve(self, columns: Array) -> Array:
        """Return U⁻¹ times columns (K, C)."""
        return np.asarray(np.linalg.solve(self.own, columns))

    def divergence(self, other: "Given", mean: Array, root: Array) -> Array:
        """Return KL(self || other), (G,), nats, expected over states of these means (S, G) and covariance's root.

        What is standard normal in the other is turn e + slopes z + shift, where e is what is so here.
        """
        turn = np.asarray(np.linalg.solve(self.own.T, other.own.T).T, dtype=np.float64)  # U' U⁻¹, (K, K)
        slopes = other.state - turn @ self.state  # (K, S)
        shift = slopes @ mean + turn @ self.target - other.target  # (K, G)
        same = of_normals(shift.T, triangular(turn), np.eye(len(turn)))
        return np.asarray(same + 0.5 * np.square(slopes @ root).sum())


@BEYOND
@np.errstate(divide="ignore")
def path_divergence(chain: Chain, other: Chain, x: Array, seen: Mask) -> Array:
    """Return KL(p(z_1 .. z_T, x not seen | x seen; chain) || the same; other), (G,), nats.

    It is infinite where floating point cannot hold it. At steps where nothing is seen x_t is no part of what is latent.

    Args:
        chain, other: the parameters.
        x: (G, T, D); cells that are not seen may hold anything.
        seen: (T, D), of all G sequences.
    """
    moved = np.zeros(len(x))
    mean, root = np.ones((1, len(x))), np.zeros((1, 1))  # of z_{t-1}, (S, G) and (S, S); at first, of a constant
    for t, (shock, other_shock) in enumerate(zip(shocks(chain, x, seen), shocks(other, x, seen), strict=True)):
        slopes, noise = _move(chain, t)
        moved += shock.divergence(_in_shocks_of(chain, other, other_shock, t), mean, root)
        drawn = shock.solve(shock.target - shock.state @ mean)  # (S, G) the shocks expected
        kept = (slopes - noise @ shock.solve(shock.state)) @ root  # what is left of the spread of the state before
        mean = slopes @ mean + noise @ drawn  # (S, G)
        root = triangular(np.hstack([kept, noise @ shock.solve(np.eye(len(noise)))]))  # (S, S) from here on
        if seen[t].any() and not seen[t].all():
            missing, other_missing = (_missing(each, x[:, t], seen[t]) for each in (chain, other))
            moved += missing.divergence(other_missing, mean, root)
    return np.where(np.isnan(moved), np.inf, moved)


def shocks(chain: Chain, x: Array, seen: Mask) -> list[Given]:
    """Return each shock given the state before it, and all that is seen from its step on, (T,).

    What is seen tells of a state as rows of a least squares problem, Y z - y ~ N(0, I). A QR decomposition of them,
    written in terms of shock and state before, takes the shock out and leaves rows for the state before.
    """
    size = len(chain.mean)
    told, target = np.zeros((0, size)), np.zeros((0, len(x)))  # Y (R, S) and y (R, G)
    found: list[Given] = []
    for t in range(len(seen) - 1, -1, -1):
        if seen[t].any():
            _, now, target_now = _whitened(chain, x[:, t], seen[t])
            told, target = np.vstack([told, now]), np.vstack([target, target_now])
        slopes, noise = _move(chain, t)
        before = np.zeros((size, slopes.shape[1]))
        rows = np.block([[told @ noise, told @ slopes], [np.eye(size), before]])  # (R + S, S + S)
        order = np.argsort(-np.abs(rows[:, :size]).max(axis=1))  # the largest first, so that small ones keep digits
        turn, left = np.linalg.qr(rows[order])
        target = turn.T @ np.vstack([target, np.zeros((size, len(x)))])[order]
        found.append(Given(left[:size, :size], left[:size, size:], target[:size]))
        told, target = left[size:, size:], target[size:]
    return found[::-1]


def _move(chain: Chain, t: int) -> tuple[Array, Array]:
    """Return what leads to z_t: slopes on the state before it, which for the first is the constant 1, and the root."""
    return (chain.mean[:, None], chain.root) if t == 0 else (chain.transition, chain.transition_root)


def _in_shocks_of(chain: Chain, other: Chain, shock: Given, t: int) -> Given:
    """Return the other chain's shock at step t as one of this chain, which leads to the same states."""
    (slopes, noise), (other_slopes, other_noise) = _move(chain, t), _move(other, t)
    size = len(noise)
    columns = solve_triangular(other_noise, np.hstack([noise, slopes - other_slopes]), lower=True, check_finite=False)
    return Given(shock.own @ columns[:, :size], shock.state + shock.own @ columns[:, size:], shock.target)


def _missing(chain: Chain, x: Array, cells: Mask) -> Given:
    """Return the cells of rows x (G, D) that are not seen, given the states and the cells that are."""
    order, first = np.argsort(~cells, kind="stable"), int(cells.sum())  # those seen first
    noise, slopes, rows = _whitened(chain, np.where(cells, x, 0.0), order)
    own = solve_triangular(noise[first:, first:], np.eye(len(cells) - first), lower=True, check_finite=False)
    return Given(own, -slopes[first:], -rows[first:])


def _whitened(chain: Chain, x: Array, cells: Indices | Mask) -> tuple[Array, Array, Array]:
    """Return the root L (O, O) of the noise of some cells, and L⁻¹ of their slopes (O, S) and of rows x, (O, G)."""
    noise = cholesky(chain.observation_covariance[cells][:, cells])
    columns = np.hstack([chain.observation[cells], x[:, cells].T])
    solved = solve_triangular(noise, columns, lower=True, check_finite=False)
    return noise, solved[:, : len(chain.mean)], solved[:, len(chain.mean) :]
