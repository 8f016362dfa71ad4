"""One row in one Gaussian or t component, by textbook formulas: an oracle that shares nothing with the E-step."""

from typing import Any

import attrs
import numpy as np
from scipy.special import digamma, poch

from emkit.arrays import Array
from emkit.incomplete import Incomplete


@attrs.frozen(eq=False)
class Completed:
    """A row, what is missing replaced by what the rest tells of it."""

    log_density: float  # of the cells seen, nats
    weight: float  # 1, or 0 where nothing is seen
    expected: Array  # (D,)
    roots: Array  # (D, D) rows whose products sum to the covariance of the missing cells


def completed(row: Any, mean: Array, covariance: Array) -> Completed:
    """Return the row given the cells seen; the row is (1, D), or `Incomplete`.

    Reference: Bishop (2006), equations 2.81 and 2.82.
    """
    (x,) = row.data if isinstance(row, Incomplete) else row
    o, m = np.flatnonzero(~np.isnan(x)), np.flatnonzero(np.isnan(x))
    known = covariance[np.ix_(o, o)]
    centred = x[o] - mean[o]
    distance = centred @ np.linalg.solve(known, centred)
    slopes = np.linalg.solve(known, covariance[np.ix_(o, m)]).T  # (M, O)
    expected = np.array(x)
    expected[m] = mean[m] + slopes @ centred
    values, vectors = np.linalg.eigh(covariance[np.ix_(m, m)] - slopes @ covariance[np.ix_(o, m)])
    roots = np.zeros_like(covariance)
    roots[: len(m), m] = (vectors * np.sqrt(np.maximum(values, 0.0))).T
    log_density = -0.5 * float(len(o) * np.log(2 * np.pi) + np.linalg.slogdet(known)[1] + distance)
    some = float(len(o) > 0)
    return Completed(log_density, some, expected * some, roots * some)


def scaled(row: Any, location: Array, scale: Array, degrees: float) -> tuple[float, float, float]:
    """Return the log t density of the cells seen, nats, and E[u] and E[log u] of the latent scale given these.

    Reference: Liu and Rubin (1995), equation 1; Lange, Little and Taylor (1989), section 3.1.
    """
    (x,) = row.data if isinstance(row, Incomplete) else row
    o = np.flatnonzero(~np.isnan(x))
    known, centred = scale[np.ix_(o, o)], (x - location)[o]
    distance = centred @ np.linalg.solve(known, centred)
    half, rate = (degrees + len(o)) / 2, (degrees + distance) / 2
    volume = np.linalg.slogdet(degrees * np.pi * known)[1]
    log_density = np.log(poch(degrees / 2, len(o) / 2)) - volume / 2 - half * np.log1p(distance / degrees)
    return float(log_density), half / rate, float(digamma(half) - np.log(rate))
