"""How far what is latent in rows of linear factors moves from one model to another: factors and missing columns.

Given the columns seen, factors are normal; given factors, too, the columns that are not seen are independent normals.
The divergence of both together is that of the factors, and the expected one of the columns given the factors (T. M.
Cover and J. A. Thomas (2006), Elements of Information Theory, theorem 2.5.3).
"""

import attrs
import numpy as np

from emkit.arrays import Array
from emkit.divergences import of_normals
from emkit.matrices import square_root, triangular
from emkit.models.factors.given_seen import GivenSeen
from emkit.moments import OVERFLOWS
from emkit.sample_covariance import SampleCovariance


@OVERFLOWS
@np.errstate(divide="ignore")
def of_rows(one: GivenSeen, other: GivenSeen, rows: Array) -> Array:
    """Return KL(p(z, x not seen | rows; one) || p(z, x not seen | rows; other)) of rows (N, O), (N,), nats.

    Both are of the same columns seen. It is infinite where floating point cannot hold it.
    """
    means, root = one.factors(rows), one.factor_root  # (N, Q), (Q, Q)
    shift = other.in_deviations(other.factors(rows) - means)  # (N, Q)
    turned = triangular(other.in_deviations(root.T).T)  # (Q, Q) a root in the other's units
    factors = of_normals(shift, turned, np.eye(len(root)))  # (N,)
    hidden = ~one.seen
    deviations, others = (np.sqrt(each.variances[hidden]) for each in (one, other))  # (H,)
    turn = (other.loadings - one.loadings)[hidden]  # (H, Q)
    move = (other.mean - one.mean)[hidden] + means @ turn.T  # (N, H)
    columns = of_normals(move[..., None], deviations[:, None, None], others[:, None, None])  # (N, H)
    spread = np.square(turn @ root / others[:, None]).sum()  # of the moves, about those at the factors' means
    moved = factors + columns.sum(axis=1) + 0.5 * spread  # (N,)
    return np.where(np.isnan(moved), np.inf, moved)


def of_average(one: GivenSeen, other: GivenSeen, x: SampleCovariance) -> float:
    """Return the average divergence of rows of which only mean and covariance are known, nats.

    It is quadratic in the row, so that any rows with this mean and covariance have the same average.
    """
    root = square_root(len(x.mean) * x.covariance)  # (D, D)
    rows = np.concatenate([root.T, -root.T])  # (2 D, D) less their mean
    centred, others = (attrs.evolve(each, mean=each.mean - x.mean) for each in (one, other))
    return float(of_rows(centred, others, rows).mean())
