"""Where EM begins for a linear Gaussian state space model: states read off windows of consecutive rows.

A window of h rows lies, but for noise, in the S dimensions that its first state spans; principal components of all
windows are that state in some coordinates. Reference: P. Van Overschee and B. De Moor (1996), Subspace Identification
for Linear Systems, chapter 2, of which this is the simplest case.
"""

import numpy as np

from emkit.arrays import EPS, Array
from emkit.entries import cells
from emkit.matrices import slopes_of_rows
from emkit.sequences import Sequences

NOISE = 0.01
"""Share of every variance that is added to its noise, so that a start is never on an edge."""


def first_guess(sequences: Sequences, weight: Array, n_states: int) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Return initial mean and covariance, transition, its covariance, observation and its covariance.

    Args:
        sequences: N.
        weight: (N,).
        n_states: S.

    Raises:
        ValueError: all weights are zero, sequences are too few or too short, or a column does not vary.
    """
    rows, deviation = _filled(sequences, sequences.repeat(weight))  # (M, D), (D,)
    kept = [(one, w) for one, w in zip(sequences.split(rows), weight, strict=True) if w > 0]
    height = -(-n_states // len(deviation)) + 1
    long = [(one / deviation, w) for one, w in kept if len(one) > height]
    windows = [np.hstack([one[i : len(one) - height + 1 + i] for i in range(height)]) for one, _ in long]
    if sum(map(len, windows)) <= n_states:
        raise ValueError(
            f"n_states: {n_states} states need more than {n_states} windows of {height} consecutive rows, found "
            f"{sum(map(len, windows))}; expected longer sequences or fewer states"
        )
    share = np.sqrt(np.repeat([w for _, w in long], [len(one) for one in windows]))[:, None]  # (M, 1)
    axes = np.linalg.svd(np.concatenate(windows) * share, full_matrices=False)[2][:n_states]  # (S, h D)
    states = [one @ axes.T for one in windows]  # of (M_n, S)
    size = np.sqrt(np.square(np.concatenate(states) * share).sum(axis=0) / np.square(share).sum())  # (S,)
    states = [one / np.where(size > 0, size, 1.0) for one in states]
    observed = [x[: len(one)] for (x, _), one in zip(long, states, strict=True)]
    roots = [np.sqrt(w) for _, w in long]
    transition, moved = _regressed([z[:-1] for z in states], [z[1:] for z in states], roots)
    observation, noise = _regressed(states, observed, roots)
    initial = np.average([z[0] for z in states], axis=0, weights=[w for _, w in long])
    unit = np.eye(n_states)
    return (
        initial,
        unit,
        transition,
        moved + NOISE * unit,
        observation * deviation[:, None],
        (noise + NOISE * np.eye(len(noise))) * np.outer(deviation, deviation),
    )


def _filled(sequences: Sequences, weight: Array) -> tuple[Array, Array]:
    """Return all rows (M, D), missing cells at their columns' means, and the columns' standard deviations (D,)."""
    if not weight.any():
        raise ValueError("data: the weights are all zero; expected at least one sequence with weight")
    x, seen = cells(sequences.rows)
    share = seen * weight[:, None]  # (M, D)
    total = share.sum(axis=0)  # (D,)
    if not total.all():
        raise ValueError(f"data: column {int(np.argmin(total))} is never seen; leave it out")
    mean = (share * x).sum(axis=0) / total
    centred = np.where(seen > 0, x - mean, 0.0)
    deviation = np.sqrt((share * np.square(centred)).sum(axis=0) / total)
    constant = deviation <= 8 * EPS * np.abs(mean)
    if constant.any():
        raise ValueError(f"data: column {int(np.argmax(constant))} does not vary; leave it out")
    return mean + centred, deviation


def _regressed(known: list[Array], response: list[Array], roots: list[Array]) -> tuple[Array, Array]:
    """Return slopes and residual covariance of a regression through the origin, sequences weighted by root weights."""
    given = np.concatenate([rows * root for rows, root in zip(known, roots, strict=True)])
    rest = np.concatenate([rows * root for rows, root in zip(response, roots, strict=True)])
    slopes = slopes_of_rows(given, rest, cutoff=len(given) * EPS)
    residual = rest - given @ slopes.T
    return slopes, residual.T @ residual / sum(len(rows) * root**2 for rows, root in zip(known, roots, strict=True))
