"""Square roots of matrices, and regression from second moments."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from emkit.matrices import least_squares, slopes_of_rows, square_root

SEEDS = st.integers(0, 10**6)


@given(SEEDS, st.integers(1, 4), st.integers(0, 4))
def test_a_square_root_gives_the_matrix_back(seed: int, width: int, rank: int) -> None:
    """H Hᵀ is the matrix, whatever its rank and its units."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(rank, width)) * 10.0 ** rng.integers(-8, 8, width)
    matrix = rows.T @ rows
    scale = np.sqrt(np.diagonal(matrix))
    root = square_root(matrix)
    assert_allclose(root @ root.T, matrix, atol=1e-12 * np.outer(scale, scale).max(initial=1e-300), rtol=1e-7)


def test_a_variance_that_rounding_made_negative_counts_as_zero() -> None:
    """The root of a scatter of next to nothing, with a diagonal below zero, is finite."""
    assert_allclose(square_root(np.array([[[-1e-200, 0.0], [0.0, 4.0]]])) ** 2, [[[0.0, 0.0], [0.0, 4.0]]])


@given(SEEDS, st.integers(1, 3), st.integers(1, 2))
def test_least_squares_is_that_of_the_rows(seed: int, inputs: int, outputs: int) -> None:
    """Slopes and residual scatter from moments are those of a regression on the rows."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(20, inputs + outputs)) @ rng.normal(size=(inputs + outputs, inputs + outputs))
    g, r = list(range(inputs)), list(range(inputs, inputs + outputs))
    slopes, residual = least_squares(rows.T @ rows, g, r)
    expected = np.linalg.lstsq(rows[:, g], rows[:, r])[0]
    left = rows[:, r] - rows[:, g] @ expected
    total = rows[:, r].T @ rows[:, r]
    assert_allclose(rows[:, g] @ slopes.T, rows[:, g] @ expected, atol=1e-6 * np.abs(rows).max())
    assert_allclose(residual, left.T @ left, atol=1e-8 * np.abs(total).max())


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_dependent_columns_share_a_slope(scale: float) -> None:
    """Of two equal columns each takes half of the slope, one without variance takes none; nothing is left over."""
    x = np.array([1.0, 2.0, 4.0])
    rows = np.stack([x, x, np.zeros(3), 3 * x], axis=1) * scale
    slopes, residual = least_squares(rows.T @ rows, [0, 1, 2], [3])
    assert_allclose(slopes, [[1.5, 1.5, 0.0]], rtol=1e-6)
    assert residual[0, 0] <= 1e-13 * (rows[:, 3] @ rows[:, 3])


def test_slopes_of_rows_far_from_zero() -> None:
    """Columns whose distance from zero is 1e8 times what tells them apart keep their own slopes."""
    rng = np.random.default_rng(0)
    known = 1e8 + rng.normal(size=(50, 2))
    expected = np.array([[0.5, -0.5], [1.0, 2.0], [0.0, 3.0]])
    found = slopes_of_rows(known, known @ expected.T, cutoff=1e-14)
    assert_allclose(found, expected, atol=1e-5)
