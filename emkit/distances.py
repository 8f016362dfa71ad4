"""Distances from rows to centres, in units of each column's standard deviation.

Many distances are matrix products, |x|² - 2 x · c + |c|². They lose their digits where |x - c| is small beside |x|; an
error bound says where, and there the differences are squared instead: no comparison is decided by rounding.
"""

import attrs
import numpy as np
import numpy.typing as npt

from emkit.arrays import EPS, Array

EXACT = 2**14
"""Products of differences below which all distances are sums of squares: nothing is gained by matrix products."""

BLOCK = 2**18
"""Distances from rows to centres that are held at a time, so that they fit the cache."""

FEW = 16
"""Centres fewer than this are few."""

FARTHEST = 1e8
"""Deviations from the centre beyond which a column counts as if it were no farther: there, squares still tell sides."""


@attrs.frozen(eq=False)
class Units:
    """Where each of D columns is centred, and the units in which rows are compared: its standard deviation."""

    centre: Array  # (D,)
    scale: Array  # (D,) the largest deviation, which guards squares against overflow and underflow
    deviation: Array  # (D,) in units of the scale

    @classmethod
    def of(cls, x: Array, weight: Array) -> "Units":
        """Return the units of rows (N, D) with weights (N,)."""
        share = weight / weight.sum()
        centre = share @ x
        centred = x - centre
        largest = np.abs(centred).max(axis=0)
        scale = np.where(largest > 0, largest, 1.0)
        centred /= scale
        deviation = np.sqrt(share @ np.square(centred, out=centred))
        return cls(centre, scale, np.where(deviation > 0, deviation, 1.0))

    def apply(self, x: Array) -> Array:
        """Return rows (N, D) in these units, cut off at `FARTHEST`."""
        with np.errstate(over="ignore"):
            rows = x - self.centre
            rows /= self.scale
            rows /= self.deviation
        return np.clip(rows, -FARTHEST, FARTHEST, out=rows)


def nearest(rows: Array, centres: Array, units: Units | None = None) -> npt.NDArray[np.intp]:
    """Return the number of the nearest of centres (K, D) for each row (N, D), which may yet have to be put in units."""
    block = max(1, BLOCK // max(centres.shape))
    blocks = (rows[i : i + block] for i in range(0, len(rows), block))
    return np.concatenate([_nearest(one if units is None else units.apply(one), centres) for one in blocks])


def _nearest(rows: Array, centres: Array) -> npt.NDArray[np.intp]:
    if rows.size * len(centres) <= EXACT:
        return np.argmin(_square_distance(rows, centres), axis=1)
    distance, error = _expanded_distance(rows, square_lengths(rows), centres)  # (N, K), (N,)
    closest = np.argmin(distance, axis=1)
    bound = np.take_along_axis(distance, closest[:, None], axis=1) + 2 * error[:, None]  # (N, 1)
    unsure = np.flatnonzero(np.count_nonzero(distance <= bound, axis=1) > 1)
    if len(unsure):
        closest[unsure] = np.argmin(_square_distance(rows[unsure], centres), axis=1)
    return closest


def square_lengths(rows: Array) -> Array:
    """Return |x_n|² of rows (N, D), (N,)."""
    return np.einsum("nd,nd->n", rows, rows)


def distance_from(rows: Array, length: Array, places: Array) -> Array:
    """Return |x_n - c_k|², (N, K), to six digits however close a row, whose |x_n|² (N,) is known, is to a place."""
    if rows.size * len(places) <= EXACT:
        return _square_distance(rows, places)
    distance, error = _expanded_distance(rows, length, places)
    k, n = np.nonzero(1e6 * error > distance.T)  # close
    distance[n, k] = square_lengths(rows[n] - places[k])
    return distance


def _square_distance(rows: Array, centres: Array) -> Array:
    """Return |x_n - c_k|², (N, K)."""
    return np.stack([np.square(rows - centre).sum(axis=1) for centre in centres], axis=1)


def _expanded_distance(rows: Array, length: Array, centres: Array) -> tuple[Array, Array]:
    """Return |x_n|² - 2 x_n · c_k + |c_k|², (N, K), and how far rounding may have it off, (N,).

    Every term is at most (|x_n| + |c_k|)², and a sum over D columns is off by D + 2 roundings of that. Distances from
    few centres stand centre by centre in memory, where operations run along the rows.
    """
    reach = np.square(centres).sum(axis=1)  # (K,)
    distance = (-2 * centres @ rows.T).T if len(centres) < FEW else rows @ (-2 * centres.T)
    distance += length[:, None]
    distance += reach
    error = 2 * (rows.shape[1] + 4) * EPS * (length + reach.max())
    return distance, error
