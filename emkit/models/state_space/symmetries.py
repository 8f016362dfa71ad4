"""In how many directions the parameters of a state space model move without moving the distribution of what is seen."""

import numpy as np

from emkit.arrays import Array
from emkit.models.state_space.kalman import Chain, cholesky

SAME = 1e-9
"""Changes below this, in units of each block's size, are rounding."""


def symmetries(chain: Chain, held: frozenset[str]) -> int:
    """Return the dimension of the changes of free blocks that leave the distribution of the observations as it is.

    There are two kinds. States may be measured in other coordinates, z → z + X z. And where states are more than
    observations, some covariance Y of theirs is never seen at the steps that follow, A Y Cᵀ = 0: it may move between
    the initial covariance, the state noise and the observation noise. Both kinds make a linear map from (X, Y) to
    changes of all blocks; its kernel on the blocks held, less its kernel on all blocks, is what is asked for.
    """
    root = cholesky(chain.transition_root @ chain.transition_root.T)  # states in units of their noise from here on
    noise = cholesky(chain.observation_covariance)
    a = np.asarray(np.linalg.solve(root, chain.transition @ root), dtype=np.float64)  # (S, S)
    c = np.asarray(np.linalg.solve(noise, chain.observation @ root), dtype=np.float64)  # (D, S)
    start = np.linalg.solve(root, chain.root)
    p = start @ start.T
    m = np.linalg.solve(root, chain.mean)
    q, none = np.eye(len(a)), np.zeros((len(c), len(c)))
    zero = np.zeros_like
    changes = [
        {
            "initial_mean": x @ m,
            "initial_covariance": x @ p + p @ x.T,
            "transition": x @ a - a @ x,
            "transition_covariance": x @ q + q @ x.T,
            "observation": -c @ x,
            "observation_covariance": none,
        }
        for x in np.eye(len(a) ** 2).reshape(-1, *a.shape)
    ] + [
        {
            "initial_mean": zero(m),
            "initial_covariance": y,
            "transition": zero(a),
            "transition_covariance": y - a @ y @ a.T,
            "observation": zero(c),
            "observation_covariance": -c @ y @ c.T,
        }
        for y in _unseen(a, c)
    ]
    sizes = {"initial_mean": m, "initial_covariance": p, "transition": a, "observation": c}
    rows = {
        name: np.stack([change[name].ravel() for change in changes]) / (np.linalg.norm(sizes.get(name, q)) or 1.0)
        for name in changes[0]
    }  # of each block (changes, entries)
    return _rank(list(rows.values())) - _rank([rows[name] for name in held])


def _unseen(a: Array, c: Array) -> list[Array]:
    """Return a basis of the symmetric Y (S, S) with a Y cᵀ = 0."""
    unit = np.eye(len(a))
    symmetric = [np.outer(unit[i], unit[j]) + np.outer(unit[j], unit[i]) for i in range(len(a)) for j in range(i + 1)]
    seen = np.stack([(a @ y @ c.T).ravel() for y in symmetric])  # (S (S + 1) / 2, S D)
    left, size, _ = np.linalg.svd(seen)
    rank = int((size > SAME * np.linalg.norm(a) * np.linalg.norm(c)).sum())
    return list(np.tensordot(left[:, rank:].T, np.stack(symmetric), axes=1))


def _rank(blocks: list[Array]) -> int:
    if not blocks:
        return 0
    return int((np.linalg.svd(np.concatenate(blocks, axis=1), compute_uv=False) > SAME).sum())
