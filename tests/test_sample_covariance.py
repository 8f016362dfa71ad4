"""A covariance matrix as data: what it refuses, and that slices are average rows."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import emkit
from emkit import SampleCovariance

ROWS = np.random.default_rng(0).normal(size=(12, 3)) * [1.0, 10.0, 0.1]


@pytest.mark.parametrize("ddof", [0, 1])
def test_it_is_kept_with_the_denominator_n(ddof: int) -> None:
    """Whatever its denominator was, the matrix kept is the mean of squares about the mean."""
    table = SampleCovariance(np.cov(ROWS.T, ddof=ddof), 12, ddof=ddof)
    assert_allclose(table.covariance, np.cov(ROWS.T, ddof=0), rtol=1e-14)
    assert len(table) == 12
    assert not table.mean.any()


@pytest.mark.parametrize("index", [slice(3, 8), np.array([1, 1, 2, 11, 0])])
def test_a_slice_takes_average_rows(index: Any) -> None:
    """Some of n rows have the mean and the covariance of all."""
    table = SampleCovariance(np.eye(3), 12, [1.0, 2.0, 3.0])
    assert len(table[index]) == 5
    assert np.array_equal(table[index].covariance, table.covariance)
    assert np.array_equal(table[index].mean, table.mean)


def test_one_row_is_not_known() -> None:
    """A single index is refused, and so is the matrix where rows are expected."""
    table = SampleCovariance(np.eye(2), 5)
    with pytest.raises(TypeError, match="take a slice"):
        table[0]
    with pytest.raises(TypeError, match="SampleCovariance"):
        emkit.GaussianMixture.start(table, 1, rng=0)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones((2, 3)), "square"),
        ([[1.0, 0.5], [0.4, 1.0]], r"\[0, 1\] is 0.5 but \[1, 0\] is 0.4"),
        ([[1.0, 2.0], [2.0, 1.0]], "smallest eigenvalue is -1"),
        ([[1.0, 0.0], [0.0, -1.0]], "column 1 has variance -1"),
        ([[1.0, np.nan], [np.nan, 1.0]], "row 0, column 1 is nan"),
    ],
)
def test_what_is_no_covariance_matrix(matrix: Any, message: str) -> None:
    """What no rows can have is refused, and says why."""
    with pytest.raises(ValueError, match=message):
        SampleCovariance(matrix, 10)


def test_what_leaves_no_row() -> None:
    """A number of rows below one, a denominator below one, and a mean of other columns are refused."""
    with pytest.raises(ValueError, match="n: expected at least 1"):
        SampleCovariance(np.eye(2), 0)
    with pytest.raises(ValueError, match="ddof: expected 0 to n - 1"):
        SampleCovariance(np.eye(2), 1, ddof=1)
    with pytest.raises(TypeError, match="whole number"):
        SampleCovariance(np.eye(2), 3.5)
    with pytest.raises(ValueError, match="mean: expected 2 columns, found 3"):
        SampleCovariance(np.eye(2), 3, [0.0, 0.0, 0.0])
