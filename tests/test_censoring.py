"""Censored data: limits, their convenience constructors, slices, and what is refused."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal

import emkit
from emkit import Censored, Incomplete
from emkit.censoring import as_censored, informative, midpoints

INF = np.inf


def test_limits_of_every_kind() -> None:
    """Equal limits are exact; slices and index arrays take limits and covariates along."""
    data = Censored([1.0, -INF, 2.0, 0.5], [1.0, 3.0, INF, 0.75], [[1.0], [2.0], [3.0], [4.0]])
    assert len(data) == 4
    assert_array_equal(data.exact, [True, False, False, False])
    part = data[np.array([2, 0])]
    assert_array_equal(part.lower, [2.0, 1.0])
    assert_array_equal(part.upper, [INF, 1.0])
    assert_array_equal(part.covariates, [[3.0], [1.0]])
    assert len(data[1:3]) == 2
    assert Censored([1.0], [2.0]).covariates.shape == (1, 0)


def test_nothing_can_be_written_to() -> None:
    """Limits are read-only, and those of the caller are shared and stay writeable."""
    mine = np.array([1.0, 2.0])
    data = Censored(mine, mine)
    assert np.shares_memory(data.lower, mine)
    with pytest.raises(ValueError, match="read-only"):
        data.lower[0] = 5.0
    mine[0] = 1.5


def test_right_and_left() -> None:
    """Of values not observed, `right` keeps the lower limit and `left` the upper."""
    right = Censored.right([3, 4, 5], [1, 0, True])
    assert_array_equal(right.lower, [3.0, 4.0, 5.0])
    assert_array_equal(right.upper, [3.0, INF, 5.0])
    left = Censored.left([3.0, 4.0], np.array([False, True]), [[1.0], [2.0]])
    assert_array_equal(left.lower, [-INF, 4.0])
    assert_array_equal(left.upper, [3.0, 4.0])
    assert_array_equal(left.covariates, [[1.0], [2.0]])


def test_columns_of_tables() -> None:
    """Columns of pandas and polars frames do as well as arrays."""
    table = {"time": [3.0, 4.0], "observed": [True, False], "dose": [1.0, 2.0]}
    expected = Censored.right(table["time"], table["observed"], np.array([[1.0], [2.0]]))
    for frame in (pd.DataFrame(table), pl.DataFrame(table)):
        found = Censored.right(frame["time"], frame["observed"], frame[["dose"]])
        for name in ("lower", "upper", "covariates"):
            assert_array_equal(getattr(found, name), getattr(expected, name))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Censored([1.0, 5.0], [2.0, 3.0]), ValueError, "row 1 lies between 5.0 and 3.0"),
        (lambda: Censored([1.0, np.nan], [2.0, 3.0]), ValueError, "row 1 lies between nan and 3.0"),
        (lambda: Censored([1.0, INF], [2.0, INF]), ValueError, "row 1 lies between inf and inf"),
        (lambda: Censored([-INF], [-INF]), ValueError, "row 0 lies between -inf and -inf"),
        (lambda: Censored([1.0, 2.0], [2.0]), ValueError, "2 lower limits, 1 upper limits"),
        (lambda: Censored([1.0], [2.0], [[1.0], [2.0]]), ValueError, "2 rows of covariates"),
        (lambda: Censored([1.0, 2.0], [2.0, 2.0], [1.0, 2.0]), ValueError, r"write x\[:, None\]"),
        (lambda: Censored([1.0], [2.0], [[np.nan]]), ValueError, "covariates: row 0, column 0 is nan.* drop such rows"),
        (lambda: Censored([1.0], [2.0], Incomplete([[1.0]])), TypeError, "covariates: .* found Incomplete"),
        (lambda: Censored([1.0, 2.0], [2.0, 2.0], [[1.0], [1.0, 2.0]]), ValueError, "covariates: .* rows that do not"),
        (lambda: Censored([[1.0]], [[2.0]]), ValueError, "one number for each value"),
        (lambda: Censored(["a"], ["b"]), TypeError, "one number for each value"),
        (lambda: Censored.right([1.0, 2.0], [1, 2]), ValueError, "observed: row 1 is 2"),
        (lambda: Censored.right([1.0, 2.0], [1]), ValueError, "observed: expected one for each"),
        (lambda: Censored.right([1.0, np.nan], [1, 1]), ValueError, "row 1"),
        (lambda: Censored.right(["a"], [1]), TypeError, "limits: .* dtype <U1"),
        (lambda: as_censored(np.ones(3), 0), TypeError, r"expected emkit.Censored, found ndarray"),
        (lambda: as_censored(Censored([1.0], [1.0]), 2), ValueError, "expected 2 covariates, found 0"),
    ],
)
def test_what_is_refused(make: Any, error: type[Exception], message: str) -> None:
    """Impossible limits are refused when they are given, by row."""
    with pytest.raises(error, match=message):
        make()


def test_what_tells_something() -> None:
    """Values without weight or without a limit are left out of a start, and a first guess is uniform in intervals."""
    data = Censored([1.0, -INF, 2.0, -INF, 4.0], [1.0, INF, INF, 3.0, 10.0])
    kept = informative(emkit.Weighted(data, [0.0, 1.0, 1.0, 1.0, 2.0]))
    assert_array_equal(kept.data.lower, [2.0, -INF, 4.0])
    guess = midpoints(kept.data)
    assert_array_equal(guess.mean, [2.0, 3.0, 7.0])
    assert_array_equal(guess.variance, [0.0, 0.0, 3.0])
    with pytest.raises(ValueError, match="at least one value with a limit"):
        informative(emkit.Weighted(data[:2], [0.0, 1.0]))
