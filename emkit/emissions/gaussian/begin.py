"""What a start of Gaussian components asks of the columns of the data."""

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from emkit.arrays import Array
from emkit.entries import cells
from emkit.incomplete import Incomplete
from emkit.priors.ridge import WEAK, typical_variances
from emkit.samples import count_weighted
from emkit.starts import features_of

LARGEST_SPAN = 1e153
"""Columns that span more than this, or less than its inverse, have variances that leave floating point."""


@attrs.frozen(eq=False)
class Columns:
    """What is seen of each of D columns."""

    lowest: Array  # (D,)
    constant: npt.NDArray[np.bool_]  # (D,)
    mean: Array  # (D,)
    variance: Array  # (D,)

    def check_not_constant(self, error: Exception) -> None:
        """Refuse a constant column; `error` is what it led to.

        Raises:
            ValueError: a constant column, which is named.
        """
        if self.constant.any():
            d = int(np.argmax(self.constant))
            raise ValueError(
                f"data: column {d} is constant ({self.lowest[d]:.6g}), so that its variance is zero and a Gaussian "
                "density unbounded; drop the column"
            ) from error


def scaled(prior: Any, ridge: Callable[[Array, float], Any], x: Any, weight: Array, n_components: int) -> Any:
    """Return a prior of K components; "ridge" is a weak one, by `ridge`, scaled to rows (N, D), weighted (N,).

    Raises:
        ValueError: another string.
    """
    if not isinstance(prior, str):
        return prior
    if prior != "ridge":
        raise ValueError(f'prior: expected "ridge", None or a prior of emkit.priors, found {prior!r}')
    mean = float(weight.sum() / count_weighted(weight))  # rows without weight have no say
    return ridge(typical_variances(x, weight, n_components), WEAK * min(1.0, mean))


def columns(x: Any, weight: Array) -> Columns:
    """Return what rows (N, D), or `Incomplete` ones, of these weights (N,) show of each column.

    Raises:
        ValueError: a column that is never observed, or spans more or less than floating point can square.
    """
    features_of(x)  # refuses a column that is never observed
    values, seen = (np.asarray(part, dtype=np.float64) for part in cells(x))  # (N, D) each
    rows = x.data if isinstance(x, Incomplete) else values
    lowest, highest = np.nanmin(rows, axis=0), np.nanmax(rows, axis=0)  # (D,)
    _check_span(lowest, highest)
    total = weight @ seen  # (D,)
    centre = (weight / weight.sum()) @ np.where(seen > 0, values - lowest, 0.0) * (weight.sum() / total)  # above lowest
    deviations = np.where(seen > 0, values - lowest - centre, 0.0)  # (N, D)
    variance = (weight / weight.sum()) @ deviations**2 * (weight.sum() / total)
    constant = lowest == highest
    return Columns(lowest, constant, lowest + centre, np.where(constant, 0.0, variance))


def _check_span(lowest: Array, highest: Array) -> None:
    with np.errstate(over="ignore"):
        span = highest - lowest  # (D,)
    wrong = (span > LARGEST_SPAN) | ((span > 0) & (span < 1 / LARGEST_SPAN))
    if wrong.any():
        d = int(np.argmax(wrong))
        raise ValueError(
            f"data: column {d} spans {span[d]:.3g}, the square of which floating point cannot hold; rescale the column"
        )
