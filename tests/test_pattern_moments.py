"""Moments by pattern of missing values: merged, they are those of all rows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from emkit import Incomplete, Weighted
from emkit.pattern_moments import PatternMoments


@given(st.integers(0, 2**32 - 1), st.integers(1, 19))
def test_pieces_add_to_the_whole(seed: int, cut: int) -> None:
    """The moments of each pattern are those of its rows, in one piece or in two."""
    rng = np.random.default_rng(seed)
    rows = np.where(rng.random((20, 3)) < 0.3, np.nan, rng.normal(size=(20, 3)) + 1e6)
    data = Weighted(Incomplete(rows), rng.uniform(0.1, 2.0, 20))
    found = PatternMoments.summary(data[:cut]) + PatternMoments.summary(data[cut:])
    patterns = {tuple(row) for row in (~np.isnan(rows)).tolist()}
    assert {tuple(seen.tolist()) for seen, _ in found} == patterns
    for seen, moments in found:
        mine = (np.isnan(rows) == ~seen).all(axis=1)
        weight = data.weight[mine]
        mean = weight @ rows[mine][:, seen] / weight.sum()
        centred = rows[mine][:, seen] - mean
        assert_allclose(moments.weight, [weight.sum()])
        assert_allclose(moments.mean[0], mean, rtol=1e-14)
        assert_allclose(moments.scatter[0], (centred.T * weight) @ centred, atol=1e-7)


def test_columns_are_filled_with_their_means() -> None:
    """Filled moments are those of a matrix whose missing cells hold their column's weighted mean."""
    rng = np.random.default_rng(0)
    rows = np.where(rng.random((20, 3)) < 0.3, np.nan, rng.normal(size=(20, 3)))
    weight = rng.uniform(0.1, 2.0, 20)
    seen = ~np.isnan(rows)
    weights, filled = PatternMoments.summary(Weighted(Incomplete(rows), weight)).filled()
    mean = np.array([np.average(rows[seen[:, d], d], weights=weight[seen[:, d]]) for d in range(3)])
    whole = np.where(seen, rows, mean)
    assert_allclose(weights, weight @ seen)
    assert_allclose(filled.mean[0], mean)
    assert_allclose(filled.scatter[0], ((whole - mean).T * weight) @ (whole - mean), rtol=1e-10, atol=1e-12)
