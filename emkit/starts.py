"""Where EM begins: responsibilities from data.

A start is a function of the rows (N, D), their weights (N,), all positive, the number of components K and a random
generator; it returns responsibilities (N, K). Rows are compared in units of each column's standard deviation.
Weights enter every draw as repetition would: the same generator picks the same rows. Where rows are many, a sample of
them finds the centres: `Mixture.start` may hand a start no more than that.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from emkit.arguments import check_count
from emkit.arrays import Array, average
from emkit.distances import Units, distance_from, nearest, square_lengths
from emkit.incomplete import Incomplete
from emkit.samples import count_distinct, sampled

Start: TypeAlias = Callable[[Array, Array, int, np.random.Generator], Array]

LLOYD_STEPS = 10

WIDE = 32
"""Columns beyond which a matrix product sums faster than column by column."""


def k_means(x: Array, weight: Array, n_components: int, rng: np.random.Generator) -> Array:
    """Start from hard clusters: k-means++ seeds, then a few Lloyd steps, on a sample where the rows are many.

    Reference: D. Arthur and S. Vassilvitskii (2007), k-means++: the advantages of careful seeding, SODA, 1027-1035.
    """
    few, few_weight = sampled(x, weight, n_components, rng)
    units = Units.of(few, few_weight)
    rows = units.apply(few)
    centres = rows[_plus_plus(rows, few_weight, n_components, rng)]  # (K, D)
    for _ in range(LLOYD_STEPS):
        closest = nearest(rows, centres)  # (n,)
        mass = _sum_by(closest, few_weight, n_components)  # (K,)
        total = _totals(closest, few_weight, rows, n_components)  # (K, D)
        moved = average(total, mass, otherwise=centres)
        if np.array_equal(moved, centres):
            break
        centres = moved
    return _clusters(x, units, centres)


def random_points(x: Array, weight: Array, n_components: int, rng: np.random.Generator) -> Array:
    """Start from the rows nearest to each of K distinct rows drawn without replacement, from a sample of many."""
    few, few_weight = sampled(x, weight, n_components, rng)
    units = Units.of(few, few_weight)
    return _clusters(x, units, units.apply(few[draw_distinct(few, few_weight, n_components, rng)]))


def random_responsibilities(x: Array, weight: Array, n_components: int, rng: np.random.Generator) -> Array:
    """Start from responsibilities drawn uniformly from the simplex, one draw for each distinct row."""
    distinct, inverse = np.unique(x, axis=0, return_inverse=True)
    return rng.dirichlet(np.ones(n_components), len(distinct))[inverse.ravel()]


def draw_distinct(x: Array, weight: Array, n_components: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Draw K rows with different values, each with probability in proportion to its weight; return their indices.

    Raises:
        ValueError: fewer than K distinct rows.
    """
    left = weight.astype(np.float64)
    chosen = []
    for _ in range(n_components):
        index = int(_draw(left, rng)[0])
        chosen.append(index)
        left[(x == x[index]).all(axis=1)] = 0.0
    return np.array(chosen)


def check_enough(x: Array, n_components: int, name: str = "n_components") -> None:
    """Refuse more components than distinct rows, before work begins; errors call their number by `name`.

    Raises:
        ValueError: fewer than K distinct rows.
    """
    check_count(name, n_components)
    distinct = count_distinct(x, n_components)
    if distinct < n_components:
        raise ValueError(
            f"{name}: {n_components} components need at least as many distinct rows with weight; the data "
            f"have {distinct}. Ask for fewer components"
        )


def features_of(x: Any) -> Array:
    """Return rows (N, D) by which a start can tell them apart: what is missing stands at the mean of its column.

    Raises:
        ValueError: a column that is never observed.
    """
    if not isinstance(x, Incomplete):
        return np.asarray(x, dtype=np.float64)
    count = x.seen.sum(axis=0)  # (D,)
    if not count.all():
        raise ValueError(
            f"data: column {int(np.argmin(count))} is never observed; drop it: nothing can be learnt of it"
        )
    return x.filled(np.nanmean(x.data, axis=0))


def as_responsibilities(given: npt.ArrayLike, weight: Array | None, length: int) -> Array:
    """Return responsibilities (rows with weight, K) from responsibilities (N, K) or labels (N,).

    Args:
        given: for each row of the data, a share of each component, or the number of its component.
        weight: (N,) weights of the data before rows without weight were dropped; None where there are none.
        length: how many rows have weight.

    Raises:
        ValueError: wrong shape, negative shares, shares that do not sum to one, or a component without any share.
    """
    shares = np.asarray(given)
    counted = shares.ndim == 1 and shares.dtype.kind in "iu" and len(shares) > 0
    if counted and 0 <= shares.min() <= shares.max() < len(shares):
        shares = _one_hot(shares, int(shares.max()) + 1)
    if shares.ndim != 2 or shares.dtype.kind not in "fiub":
        raise ValueError(
            "responsibilities: expected (N, K) shares, or (N,) components counted from 0 and below N, found shape "
            f"{shares.shape} of {shares.dtype}"
        )
    expected = length if weight is None else len(weight)
    if len(shares) != expected:
        raise ValueError(f"responsibilities: expected one row for each of the {expected} units, found {len(shares)}")
    shares = shares.astype(np.float64)[slice(None) if weight is None else weight > 0]
    wrong = ~((shares >= 0).all(axis=1) & (np.abs(shares.sum(axis=1) - 1) < 1e-8))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(f"responsibilities: row {row} is {shares[row]}; expected shares that sum to one")
    empty = shares.sum(axis=0) == 0
    if empty.any():
        raise ValueError(
            f"responsibilities: component {int(np.argmax(empty))} has no share of any row; leave it out, "
            "and count labels from 0"
        )
    return shares


def _clusters(x: Array, units: Units, centres: Array) -> Array:
    """Return rows x (N, D) shared out to the nearest of centres (K, D) in some units, as responsibilities (N, K)."""
    shares = _one_hot(nearest(x, centres, units), len(centres))
    if not shares.any(axis=0).all():
        raise ValueError(
            f"n_components: the rows cannot be told apart into {len(centres)} clusters; ask for fewer components, or "
            "start from another seed"
        )
    return shares


def _one_hot(labels: npt.NDArray[Any], n_components: int) -> Array:
    """Return labels (N,) as responsibilities (N, K) of zeros and ones."""
    return np.eye(n_components)[labels]


def _plus_plus(rows: Array, weight: Array, n_components: int, rng: np.random.Generator) -> list[int]:
    """Draw seeds in proportion to squared distance, each the best of a few candidates."""
    candidates = 2 + int(np.log(n_components))
    chosen = [int(_draw(weight, rng)[0])]
    length = square_lengths(rows)  # (N,)
    distance = distance_from(rows, length, rows[chosen])[:, 0]  # (N,)
    while len(chosen) < n_components:
        mass = weight * distance
        tried = _draw(mass if mass.any() else weight, rng, candidates)
        after = np.minimum(distance[:, None], distance_from(rows, length, rows[tried]))  # (N, candidates)
        best = int(np.argmin(weight @ after))
        chosen.append(int(tried[best]))
        distance = after[:, best]
    return chosen


def _draw(mass: Array, rng: np.random.Generator, count: int = 1) -> npt.NDArray[np.intp]:
    """Draw indices (count,) in proportion to mass, each on its own, by inverting the cumulative sum."""
    cumulative = np.cumsum(mass)
    found = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
    return found if found.max() < len(mass) else np.minimum(found, np.flatnonzero(mass)[-1])


def _totals(labels: npt.NDArray[np.intp], weight: Array, rows: Array, n_components: int) -> Array:
    """Return the weighted sums of the rows of each label, (K, D): of many columns at once, by a matrix product."""
    if rows.shape[1] <= WIDE:
        return np.stack([_sum_by(labels, weight * column, n_components) for column in rows.T], axis=1)
    shares = np.zeros((n_components, len(rows)))
    shares[labels, np.arange(len(rows))] = weight
    return shares @ rows


def _sum_by(labels: npt.NDArray[np.intp], terms: Array, n_components: int) -> Array:
    return np.bincount(labels, terms, n_components).astype(np.float64, copy=False)
