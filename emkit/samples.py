"""Samples of many rows: where a start needs to know roughly where the data lie, a few thousand rows tell."""

import numpy as np
import numpy.typing as npt

from emkit.arrays import Array

FEW = 4096
"""Rows of a sample, where K and D are small."""

ROWS_PER_COMPONENT = 64
"""Rows of a sample for each component, at least."""

CELLS = 2**18
"""Numbers in a sample, where fewer rows of many columns do: distances are sums over the columns."""


def sample_size(n_components: int, n_features: int) -> int:
    """Return how many rows tell where K components lie, however many there are."""
    return max(ROWS_PER_COMPONENT * n_components, min(FEW, CELLS // n_features))


def count_weighted(weight: Array) -> int:
    """Return how many weights (N,) are not zero."""
    return len(weight) if weight.strides == (0,) and weight[0] > 0 else int(np.count_nonzero(weight))


def sample_rows(weight: Array, size: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Draw row numbers (size,) in ascending order, in proportion to weight (N,), one from each of `size` even strata.

    What is drawn weighs the same each. A row of which the weight is many strata comes as often: weights act as copies.
    Strata keep the order of the rows, as a file on disk likes it; the draw within each keeps a periodic order harmless.
    """
    places = (np.arange(size) + rng.random(size)) / size  # from 0 to 1
    if weight.strides == (0,) or (weight == weight[0]).all():
        return np.minimum((places * len(weight)).astype(np.intp), len(weight) - 1)
    cumulative = np.cumsum(weight)
    found = np.searchsorted(cumulative, places * cumulative[-1], side="right")
    return np.minimum(found, np.flatnonzero(weight)[-1])


def sampled(x: Array, weight: Array, n_components: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return rows (n, D) that tell where K components lie, and their weights (n,): a sample where rows (N, D) are many.

    All rows serve where a sample shows fewer than K different ones, or a column as constant that is not.
    """
    size = sample_size(n_components, x.shape[1])
    if len(x) <= size:
        return x, weight
    few = x[sample_rows(weight, size, rng)]
    constant = np.flatnonzero((few == few[0]).all(axis=0))
    misled = len(constant) > 0 and bool((x[:, constant] != few[0, constant]).any())
    return (x, weight) if misled or count_distinct(few, n_components) < n_components else (few, np.ones(size))


def count_distinct(x: Array, enough: int) -> int:
    """Return how many different rows (N, D) there are, or at least a number from `enough` on."""
    head = x[: 64 * enough]
    for column in head.T:  # rows that differ in one column differ, and that is quickly seen
        if (found := len(np.unique(column))) >= enough:
            return found
    found = len(np.unique(head, axis=0))
    return found if found >= enough else len(np.unique(x, axis=0))
