"""Distances: no comparison is decided by rounding, whether by differences or by matrix products."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.distance import cdist

from emkit import Array
from emkit.distances import EXACT, Units, distance_from, nearest, square_lengths

SEEDS = st.integers(0, 2**32 - 1)
WIDTHS = st.sampled_from([1.0, 1e-4, 1e-8, 1e-10])


def apart(seed: int, width: float, n: int) -> tuple[Array, Array]:
    """Return rows (n, 3) in two groups of this width, two units apart, and five places (5, 3) among them."""
    rng = np.random.default_rng(seed)
    rows = rng.choice([-1.0, 1.0], size=(n, 1)) + width * rng.normal(size=(n, 3))
    return rows, rows[rng.choice(n, 5, replace=False)] + width * rng.normal(size=(5, 3))


@given(SEEDS, WIDTHS, st.sampled_from([20, EXACT // 10]))
def test_the_nearest_is_the_nearest(seed: int, width: float, n: int) -> None:
    """The centre chosen is as near as the nearest by SciPy's cdist, to rounding, however narrow the groups are."""
    rows, centres = apart(seed, width, n)
    distance = cdist(rows, centres, "sqeuclidean")
    chosen = distance[np.arange(n), nearest(rows, centres)]
    assert_allclose(chosen, distance.min(axis=1), rtol=1e-12)


@given(SEEDS, WIDTHS, st.sampled_from([20, EXACT // 10]))
def test_distances_have_six_digits(seed: int, width: float, n: int) -> None:
    """Squared distances agree with SciPy's cdist in six digits, also those of neighbours far from the centre."""
    rows, places = apart(seed, width, n)
    places[0] = rows[0]
    assert_allclose(distance_from(rows, square_lengths(rows), places), cdist(rows, places, "sqeuclidean"), rtol=1e-6)


@given(SEEDS, st.sampled_from([1e-200, 1.0, 1e200]))
def test_units_are_standard_deviations(seed: int, scale: float) -> None:
    """Rows in their own units have the weighted mean 0 and variance 1 in each column, whatever its scale."""
    rng = np.random.default_rng(seed)
    x, weight = scale * (5 + rng.normal(size=(40, 2))), rng.uniform(0.1, 3, 40)
    rows = Units.of(x, weight).apply(x)
    assert_allclose(np.average(rows, axis=0, weights=weight), 0.0, atol=1e-13)
    assert_allclose(np.average(rows**2, axis=0, weights=weight), 1.0, rtol=1e-12)


@pytest.mark.parametrize("far", [1e150, 1e308, -1e308])
def test_rows_far_beyond_are_compared_all_the_same(far: Any) -> None:
    """A row that its units would take out of floating point is nearest to the centre on its side."""
    units = Units.of(np.array([[-1e-8], [1e-8]]), np.ones(2))
    rows = units.apply(np.array([[far]]))
    assert nearest(rows, np.array([[-1.0], [1.0]])) == (far > 0)
    assert np.isfinite(np.square(rows)).all()
