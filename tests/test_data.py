"""Weighted data, and matrices at the door."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from emkit.data import Weighted, as_labels, as_matrix, as_weighted, check_features, split_weight, total_by

TABLE = [[1.0, 2.0], [3.0, 4.5], [5.0, 6.0]]


@given(st.slices(6))
def test_weighted_slices_like_its_data(cut: slice) -> None:
    """A slice of weighted data is the slice of the data with the slice of the weights."""
    x, w = np.arange(12.0).reshape(6, 2), np.arange(6.0)
    part = Weighted(x, w)[cut]
    assert np.array_equal(part.data, x[cut])
    assert np.array_equal(part.weight, w[cut])
    assert len(part) == len(x[cut])


def test_weighted_takes_rows_by_index() -> None:
    """An index array picks rows with their weights."""
    part = Weighted(np.array([10.0, 20.0, 30.0]), [1, 2, 3])[np.array([2, 0])]
    assert part.data.tolist() == [30.0, 10.0]
    assert part.weight.tolist() == [3.0, 1.0]


def test_weights_are_read_only_and_the_callers_stay_writeable() -> None:
    """Weights are kept behind a read-only view without a copy; the caller's array stays as it was."""
    mine = np.array([1.0, 2.0])
    kept = Weighted([5, 6], mine).weight
    assert np.shares_memory(kept, mine)
    assert not kept.flags.writeable
    assert mine.flags.writeable


BAD_WEIGHTS: list[tuple[Any, type[Exception], str]] = [
    ([1, -1, 1], ValueError, r"weight\[1\] is -1.0"),
    ([1, 1, np.nan], ValueError, r"weight\[2\] is nan"),
    ([np.inf, 1, 1], ValueError, r"weight\[0\] is inf"),
    ([1, 1], ValueError, "3 units but 2 weights"),
    ([[1], [1], [1]], ValueError, r"shape \(3, 1\)"),
    (["a", "b", "c"], TypeError, "weight: expected one number for each unit"),
]


@pytest.mark.parametrize(("weight", "error", "message"), BAD_WEIGHTS)
def test_bad_weights_are_refused(weight: Any, error: type[Exception], message: str) -> None:
    """Weights that are negative, not finite, of another length or not numbers are refused, with their row."""
    with pytest.raises(error, match=message):
        Weighted(TABLE, weight)


def test_weights_over_weights_are_refused() -> None:
    """Data that are already weighted are not weighted again."""
    with pytest.raises(TypeError, match="already Weighted"):
        Weighted(Weighted([1], [1.0]), [1.0])


def test_split_weight_takes_data_apart() -> None:
    """Weighted data come apart into data and weights; other data have none."""
    x, w = np.ones(2), np.array([1.0, 2.0])
    data, weight = split_weight(Weighted(x, w))
    assert data is x
    assert weight is not None
    assert weight.tolist() == [1.0, 2.0]
    assert split_weight(x)[1] is None


def strided() -> Any:
    return np.array(TABLE)[::-1, ::-1].copy()[::-1, ::-1]


SAME_TABLE: list[Any] = [
    TABLE,
    np.array(TABLE, order="F"),
    strided(),
    np.array(TABLE, dtype=">f8"),
    np.array(TABLE, dtype=np.float32),
    np.array(TABLE, dtype=np.longdouble),
    np.ma.masked_array(TABLE, mask=False),
    pd.DataFrame(TABLE),
    pl.DataFrame({"a": [1.0, 3.0, 5.0], "b": [2.0, 4.5, 6.0]}),
]


@pytest.mark.parametrize("table", SAME_TABLE, ids=lambda t: type(t).__name__)
def test_tables_of_any_kind_give_the_same_matrix(table: Any) -> None:
    """Lists, layouts, byte orders, precisions and data frames give one and the same native float64 matrix."""
    matrix = as_matrix(table, features=2)
    assert matrix.dtype == np.dtype("=f8")
    assert matrix.tolist() == TABLE


def test_native_matrices_are_not_copied() -> None:
    """A native float64 matrix is passed through, memory maps and read-only views included."""
    x = np.array(TABLE)
    assert as_matrix(x) is x
    x.flags.writeable = False
    assert np.shares_memory(as_matrix(x), x)


def test_integers_become_floats_before_anything_is_squared() -> None:
    """The largest 32-bit integers arrive as the same numbers in float64."""
    big = np.array([[2**31 - 1, -(2**31)]], dtype=np.int32)
    assert as_matrix(big).tolist() == [[2147483647.0, -2147483648.0]]


BAD_TABLES: list[tuple[Any, Any, str]] = [
    (np.ones(3), ValueError, r"1 dimensions; write x\[:, None\]"),
    (np.ones((2, 2, 2)), ValueError, "3 dimensions"),
    (np.ones((0, 2)), ValueError, "at least one row and one column"),
    ([[1.0, 2.0], [3.0]], ValueError, "rectangular"),
    ([[1.0, np.nan], [3.0, 4.0]], ValueError, "row 0, column 1 is nan"),
    ([[1.0, 2.0], [-np.inf, 4.0]], ValueError, "row 1, column 0 is -inf"),
    (np.ones((2, 2)) * 1j, TypeError, "complex128"),
    ([["a", "b"]], TypeError, "expected real numbers"),
    (np.array([["2020-01-01"]], dtype="datetime64[D]"), TypeError, "datetime64"),
    (sparse.csr_matrix(np.eye(2)), TypeError, "toarray"),
    (np.ma.masked_array(TABLE, mask=[[0, 0], [0, 1], [0, 0]]), ValueError, "masked"),
    (np.ones((2, 3)), ValueError, "expected 2 columns, found 3"),
    (None, TypeError, "NoneType"),
    (pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": [1, 2]}), (TypeError, ValueError), "data"),
]


@pytest.mark.parametrize(("table", "error", "message"), BAD_TABLES)
def test_bad_tables_are_refused(table: Any, error: Any, message: str) -> None:
    """What is not an (N, D) matrix of finite real numbers is refused, with row and column where there is one."""
    with pytest.raises(error, match=message):
        as_matrix(table, features=2)


def test_features_are_checked() -> None:
    """Column numbers exist, each once; NumPy's integers are integers."""
    chosen: list[Any] = [np.int64(2), 0]
    assert check_features(chosen, 3) == [2, 0]
    for wrong in ([], [0, 0], [3], [-1]):
        with pytest.raises(ValueError, match="different columns from 0 to 2"):
            check_features(wrong, 3)


@pytest.mark.parametrize("kind", [int, float, np.uint8, np.int32, ">f8", bool])
def test_labels_of_any_type_are_whole_numbers(kind: Any) -> None:
    """Whole numbers of any type are labels, those of the native type without a copy."""
    given_labels = np.array([1, 0, 1]).astype(kind)
    assert as_labels(given_labels, 2).tolist() == [1, 0, 1]
    assert as_labels(given_labels, 2).dtype == np.intp
    assert np.shares_memory(as_labels(given_labels), given_labels) == (given_labels.dtype == np.intp)


@pytest.mark.parametrize("bad", [2, -1, 0.5, np.nan, np.inf, -np.inf, 1e300, np.uint64(2**63)])
def test_bad_labels_are_named(bad: Any) -> None:
    """What is no whole number in the range is refused by its row."""
    with pytest.raises(ValueError, match=r"who: row 2 is .*; expected a whole number from 0 to 1: count again"):
        as_labels(np.array([0, 1, bad]), 2, name="who", advice=": count again")


def test_sums_by_label() -> None:
    """Weights are summed over units of one label; labels that do not occur have none."""
    assert total_by(np.array([2, 0, 2]), np.array([0.5, 1.0, 2.0]), 4).tolist() == [1.0, 0.0, 2.5, 0.0]


def test_unweighted_data_weigh_one_each() -> None:
    """Without weights every unit counts once, at no cost in memory; with them, as they say."""
    x = np.arange(3.0)
    assert as_weighted(x, None).weight.tolist() == [1.0, 1.0, 1.0]
    assert as_weighted(x, None).weight.strides == (0,)
    assert as_weighted(x, np.array([0.0, 2.0, 1.0])).weight.tolist() == [0.0, 2.0, 1.0]
