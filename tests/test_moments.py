"""Second moments, against NumPy's averages and covariances of the concatenated rows."""

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emkit.arrays import Array
from emkit.moments import DiagonalMoments, FullMoments, Moments, SphericalMoments, TiedMoments

Reduce: TypeAlias = Callable[[Array], Array]

# What each variant keeps of the K full scatter matrices (K, D, D).
VARIANTS: list[tuple[type[Moments], Reduce]] = [
    (FullMoments, lambda full: full),
    (TiedMoments, lambda full: full.sum(axis=0)),
    (DiagonalMoments, lambda full: np.diagonal(full, axis1=1, axis2=2)),
    (SphericalMoments, lambda full: np.trace(full, axis1=1, axis2=2)),
]
variants = pytest.mark.parametrize(("kind", "kept"), VARIANTS, ids=lambda v: getattr(v, "__name__", ""))

seeds = st.integers(0, 10**6)
offsets = st.sampled_from([0.0, 1.0, 1e8])
scales = st.sampled_from([1e-150, 1.0, 1e150])


def rows_and_shares(seed: int, offset: float = 0.0, scale: float = 1.0, n: int = 12) -> tuple[Array, Array]:
    """Draw rows (N, 3) and shares (N, 3); some shares are zero, and the last group has none at all."""
    rng = np.random.default_rng(seed)
    shares = rng.uniform(0.1, 2, (n, 3)) * (rng.random((n, 3)) < 0.7)
    shares[0, :2] = shares[-1, :2] = 1.0  # both groups appear at both ends
    shares[:, 2] = 0.0
    return (rng.normal(size=(n, 3)) + offset) * scale, shares


def expected(rows: Array, shares: Array) -> tuple[Array, Array, Array]:
    """Weight, mean and full scatter by np.average and np.cov; nothing for a group without weight."""
    weight = shares.sum(axis=0)
    mean, scatter = np.zeros((3, 3)), np.zeros((3, 3, 3))
    for k in np.flatnonzero(weight):
        mean[k] = np.average(rows, axis=0, weights=shares[:, k])
        scatter[k] = np.cov(rows, rowvar=False, aweights=shares[:, k], ddof=0) * weight[k]
    return weight, mean, scatter


def check(moments: Moments, kept: Reduce, rows: Array, shares: Array, scale: float, offset: float) -> None:
    weight, mean, scatter = expected(rows, shares)
    lost = 1e-15 * offset  # digits that the offset takes from the rows themselves
    np.testing.assert_allclose(moments.weight, weight, rtol=1e-14)
    np.testing.assert_allclose(moments.mean / scale, mean / scale, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(moments.scatter / scale**2, kept(scatter) / scale**2, rtol=1e-11, atol=1e-11 + 10 * lost)


def about(rows: Array) -> Array:
    return np.tile(rows[3], (3, 1))


@variants
@given(seeds, offsets, scales)
def test_moments_are_those_of_numpy(kind: type[Moments], kept: Reduce, seed: int, offset: float, scale: float) -> None:
    """Moments are NumPy's weighted average and covariance at any offset and scale, from any first guess."""
    rows, shares = rows_and_shares(seed, offset, scale)
    check(kind.of(rows, shares, about(rows)), kept, rows, shares, scale, offset)


@variants
@given(seeds, offsets, st.lists(st.integers(1, 11), min_size=1, max_size=4, unique=True))
def test_merged_moments_are_those_of_all_rows(
    kind: type[Moments], kept: Reduce, seed: int, offset: float, cuts: list[int]
) -> None:
    """The merge of any cut into parts equals the moments of the concatenated rows, each part about its own guess."""
    rows, shares = rows_and_shares(seed, offset)
    parts = zip(np.split(rows, sorted(cuts)), np.split(shares, sorted(cuts)), strict=True)
    merged = reduce(add, (kind.of(r, s, np.tile(r[0], (3, 1))) for r, s in parts))
    check(merged, kept, rows, shares, 1.0, offset)


def close(a: Moments, b: Moments) -> None:
    for name in ("weight", "mean", "scatter"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-10, atol=1e-9)


@variants
@given(seeds)
def test_the_merge_is_commutative_and_associative(kind: type[Moments], kept: Reduce, seed: int) -> None:
    """The order and the brackets of a sum change nothing beyond rounding."""
    a, b, c = (
        kind.of(rows, shares, about(rows))
        for rows, shares in (rows_and_shares(seed + i, offset=10.0 * i) for i in range(3))
    )
    close(a + b, b + a)
    close((a + b) + c, a + (b + c))


@variants
def test_no_weight_is_neutral(kind: type[Moments], kept: Reduce) -> None:
    """Moments times zero have mean 0 and scatter 0, and adding them changes nothing, exactly."""
    rows, shares = rows_and_shares(0, offset=1e8)
    moments = kind.of(rows, shares, about(rows))
    nothing = moments * 0.0
    assert not nothing.weight.any()
    assert not nothing.mean.any()
    assert not nothing.scatter.any()
    assert moments + nothing == moments
    assert nothing + moments == moments


@variants
@given(seeds, st.integers(1, 4))
def test_a_factor_counts_rows_several_times(kind: type[Moments], kept: Reduce, seed: int, times: int) -> None:
    """Moments times n are those of n copies of every row."""
    rows, shares = rows_and_shares(seed)
    repeated = kind.of(np.tile(rows, (times, 1)), np.tile(shares, (times, 1)), about(rows))
    close(kind.of(rows, shares, about(rows)) * times, repeated)
    close(times * kind.of(rows, shares, about(rows)), repeated)


@pytest.mark.parametrize("kind", [FullMoments, TiedMoments])
@given(seeds)
def test_scatter_matrices_are_exactly_symmetric(kind: type[Moments], seed: int) -> None:
    """Scatter matrices equal their transposes to the last bit, merged or not."""
    rows, shares = rows_and_shares(seed, offset=3.0)
    moments: Any = kind.of(rows, shares, about(rows)) + kind.of(rows + 1, shares, about(rows))
    assert np.array_equal(moments.scatter, np.swapaxes(moments.scatter, -1, -2))


def test_moments_of_two_kinds_do_not_add() -> None:
    """Full and diagonal moments refuse each other."""
    rows, shares = rows_and_shares(0)
    other: Any = DiagonalMoments.of(rows, shares, about(rows))
    with pytest.raises(TypeError, match="unsupported operand"):
        FullMoments.of(rows, shares, about(rows)) + other


@variants
@given(seeds, offsets)
def test_scatter_about_any_centre(kind: type[Moments], kept: Reduce, seed: int, offset: float) -> None:
    """The scatter about other centres is the weighted sum of products about them; none without weight."""
    rows, shares = rows_and_shares(seed, offset)
    centres = np.tile(rows[3], (3, 1)) + np.arange(9.0).reshape(3, 3)
    centred = rows[:, None, :] - centres  # (N, K, D)
    full = np.einsum("nk,nkd,nke->kde", shares, centred, centred)
    found = kind.of(rows, shares, about(rows)).scatter_about(centres)
    np.testing.assert_allclose(found, kept(full), rtol=1e-11, atol=1e-11 + 1e-14 * offset * len(rows))


@variants
@given(seeds)
def test_groups_of_their_own_rows(kind: type[Moments], kept: Reduce, seed: int) -> None:
    """Groups may have rows of their own, and deviations that add scatter but no weight."""
    rng = np.random.default_rng(seed)
    rows, shares = rng.normal(size=(3, 12, 3)), rows_and_shares(seed)[1]
    more = rng.normal(size=(3, 4, 3))
    groups = [(shares[:, k], lambda centre, k=k: rows[k] - centre, more[k]) for k in range(3)]
    found = kind.of_groups(groups, np.zeros((3, 3)))
    parts = [expected(rows[k], shares) for k in range(3)]
    np.testing.assert_allclose(found.mean, [mean[k] for k, (_, mean, _) in enumerate(parts)], atol=1e-13)
    full = np.stack([scatter[k] + more[k].T @ more[k] for k, (_, _, scatter) in enumerate(parts)])
    np.testing.assert_allclose(found.scatter, kept(full), rtol=1e-11, atol=1e-12)


@variants
def test_what_was_seen_adds_up(kind: type[Moments], kept: Reduce) -> None:
    """Weights seen add and scale, and moments without missing cells add nothing to them."""
    rows, shares = rows_and_shares(0)
    whole = kind.of(rows, shares, about(rows))
    nothing = np.zeros((0, 3))
    groups = [(share, lambda centre: rows - centre, nothing) for share in shares.T]
    partly = kind.of_groups(groups, about(rows), np.array([1.0, 0.0, 2.0]))
    assert whole.seen is None
    assert (whole + whole).seen is None
    assert np.array_equal((partly + 3 * partly + whole).seen, [4.0, 0.0, 8.0])
