"""Data of linear factor models at the door, and where a fit begins: principal components of the correlation matrix."""

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import numpy.typing as npt

from emkit.arrays import ROUNDING_WIDTH, Array
from emkit.data import Weighted, as_weighted, split_weight
from emkit.entries import REAL, as_entries
from emkit.execution.chunks import chunks, unit_bytes, units_in_a_chunk
from emkit.pattern_moments import PatternMoments
from emkit.sample_covariance import SampleCovariance

LEAST_UNIQUE = 0.05
"""Of each column's variance that a start leaves to the noise: EM leaves zero slowly."""

LEAST_EXPLAINED = 0.1
"""Of a principal component's variance that a start gives to its factor: EM never leaves loadings of zero."""

COPIES = 4
"""How many arrays as large as the rows their moments take: they, centred twice, and weighted."""


def prepared(data: Any, columns: int | None = None) -> Weighted[Any]:
    """Return rows, `Incomplete` ones or a `SampleCovariance`, checked and weighted; of this many columns, if given."""
    x, weight = split_weight(data)
    if not isinstance(x, SampleCovariance):
        x = as_entries(x, REAL, features=columns)
    elif columns not in (None, len(x.mean)):
        raise ValueError(f"data: expected {columns} columns, found a covariance matrix of {len(x.mean)}")
    return as_weighted(x, weight)


def rows_in_a_chunk(data: Weighted[Any]) -> int:
    """Return how many rows of prepared data go well together: they and what is made of them stay in the cache."""
    return units_in_a_chunk(COPIES * unit_bytes(data))


def moments_of(data: Weighted[Any]) -> PatternMoments:
    """Return the moments of prepared data, chunk by chunk as in a fit."""
    return reduce(add, map(PatternMoments.summary, chunks(data, rows_in_a_chunk(data))))


def principal_factors(
    moments: PatternMoments, n_factors: int, most_factors: Callable[[int], int]
) -> tuple[Array, Array, Array]:
    """Return mean (D,), loadings (D, Q) and noise variances (D,) from the principal components of the correlations.

    Raises:
        ValueError: more factors than `most_factors(D)`; a column that is never seen, constant, or beyond floating
            point.
    """
    weight, filled = moments.filled()  # (D,)
    most = most_factors(len(weight))
    if n_factors > most:
        raise ValueError(
            f"n_factors: expected at most {most} for {len(weight)} columns, found {n_factors}: a covariance matrix "
            "cannot tell more apart; a model made without `start` may have any number"
        )
    mean, scatter = filled.mean[0], filled.scatter[0]
    deviations = np.sqrt(np.diagonal(scatter) / np.where(weight > 0, weight, 1.0))  # (D,)
    _refuse(~(weight > 0), "is never seen, or only in rows of weight zero; drop the column")
    _refuse(~np.isfinite(deviations), "has a variance that floating point cannot hold; rescale the column")
    _refuse(deviations <= ROUNDING_WIDTH * np.abs(mean), "is constant and tells nothing; drop the column")
    scale = np.sqrt(np.diagonal(scatter))  # (D,)
    values, vectors = np.linalg.eigh(scatter / scale[:, None] / scale)  # ascending
    largest, rest = values[: -n_factors - 1 : -1], values[:-n_factors].mean()
    lengths = np.sqrt(np.maximum(largest - rest, LEAST_EXPLAINED * largest))  # (Q,)
    loadings = vectors[:, : -n_factors - 1 : -1] * lengths  # (D, Q), of standardised columns
    loadings *= np.where(loadings.sum(axis=0) < 0, -1.0, 1.0)  # signs are free: most loadings positive
    unique = np.maximum(1 - np.square(loadings).sum(axis=1), LEAST_UNIQUE)  # (D,)
    return mean, loadings * deviations[:, None], unique * deviations**2


def _refuse(columns: npt.NDArray[np.bool_], why: str) -> None:
    if columns.any():
        raise ValueError(f"data: column {int(np.argmax(columns))} {why}")
