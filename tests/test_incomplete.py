"""Missing values: `Incomplete` rows slice like their data and know their patterns."""

import copy
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from emkit import Array, Incomplete, Weighted

SEEDS = st.integers(0, 2**32 - 1)
nan = np.nan


def with_holes(seed: int, n: int = 12, width: int = 3) -> Array:
    rng = np.random.default_rng(seed)
    return np.where(rng.random((n, width)) < 0.4, nan, rng.normal(size=(n, width)))


@given(SEEDS)
def test_seen_is_what_is_not_nan(seed: int) -> None:
    """A cell is seen where it is not nan; the data are the caller's, read-only, and theirs stay writeable."""
    x = with_holes(seed)
    rows = Incomplete(x)
    assert len(rows) == 12
    assert_array_equal(rows.data, x)
    assert_array_equal(rows.seen, ~np.isnan(x))
    assert np.shares_memory(rows.data, x)
    assert x.flags.writeable
    assert not rows.data.flags.writeable


@given(SEEDS)
def test_groups_share_out_the_rows_by_what_is_seen(seed: int) -> None:
    """Every row is in exactly one group, in order, with the columns seen in it; no two groups see the same."""
    rows = Incomplete(with_holes(seed))
    found = list(rows.groups())
    assert sorted(np.concatenate([numbers for numbers, _ in found])) == list(range(12))
    assert len({tuple(seen) for _, seen in found}) == len(found)
    for numbers, seen in found:
        assert (np.diff(numbers) > 0).all()
        assert (rows.seen[numbers] == seen).all()


@given(SEEDS, st.slices(12))
def test_slices_are_those_of_the_data(seed: int, cut: slice) -> None:
    """A slice has the rows of a slice of the data, and its groups are those of the rows in it alone."""
    x = with_holes(seed)
    if len(x[cut]) == 0:
        return
    part, alone = Incomplete(x)[cut], Incomplete(x[cut])
    assert_array_equal(part.data, x[cut])
    for (mine, seen), (theirs, expected) in zip(part.groups(), alone.groups(), strict=True):
        assert_array_equal(mine, theirs)
        assert_array_equal(seen, expected)


def test_rows_are_taken_by_number_and_by_mask() -> None:
    """An index array picks rows in its order, with repetition, and so does a mask, under weights too."""
    x = with_holes(3)
    rows = Incomplete(x)
    assert_array_equal(rows[np.array([5, 0, 5])].data, x[[5, 0, 5]])
    assert_array_equal(rows[x[:, 0] > 0].data, x[x[:, 0] > 0])
    weighted = Weighted(rows, np.arange(12.0))[3:5]
    assert_array_equal(weighted.data.data, x[3:5])
    assert [len(numbers) for numbers, _ in rows[np.array([5, 5])].groups()] == [2]


def test_filled_replaces_what_is_missing_only() -> None:
    """Missing cells take the values given, the others stay, and the rows themselves do not change."""
    x = np.array([[1.0, nan], [nan, nan]])
    rows = Incomplete(x)
    assert rows.filled(np.array([[7.0, 8.0], [9.0, 10.0]])).tolist() == [[1.0, 8.0], [9.0, 10.0]]
    assert rows.filled(np.array([7.0, 8.0])).tolist() == [[1.0, 8.0], [7.0, 8.0]]
    assert_array_equal(rows.data, x)


@pytest.mark.parametrize("chosen", [[2, 0], slice(1, 3), np.array([True, False, True])])
def test_columns_are_chosen_in_any_order(chosen: Any) -> None:
    """Some columns are those of the data, with patterns of their own."""
    x = with_holes(5)
    part = Incomplete(x).columns(chosen)
    assert_array_equal(part.data, x[:, chosen])
    assert len(list(part.groups())) == len(np.unique(np.isnan(x[:, chosen]), axis=0))


def test_whole_rows_are_seen_or_missing() -> None:
    """Rows without a hole are seen, rows of nan alone missing; a row in between is refused with its columns."""
    assert Incomplete([[1.0, 2.0], [nan, nan]]).whole_rows().tolist() == [True, False]
    with pytest.raises(ValueError, match="row 1 is missing in column 0 but not in column 2"):
        Incomplete([[nan, nan, nan], [nan, nan, 3.0]]).whole_rows()


def test_tables_with_missing_values() -> None:
    """Lists and data frames become float64 rows whose nan are missing."""
    assert Incomplete([[1, 2], [3, 4]]).data.dtype == np.float64
    frame = pd.DataFrame({"a": [1.0, None], "b": [2.0, 3.0]})
    assert Incomplete(frame).seen.tolist() == [[True, True], [False, True]]


BAD: list[tuple[Any, type[Exception], str]] = [
    ([[1.0, np.inf]], ValueError, "row 0, column 1 is inf"),
    ([[1.0, nan], [-np.inf, nan]], ValueError, "row 1, column 0 is -inf"),
    ([1.0, nan], ValueError, "expected an .N, D. matrix, found 1 dimensions"),
    ([["a"]], TypeError, "expected real numbers"),
    (np.ones((0, 2)), ValueError, "at least one row"),
    (Incomplete([[1.0]]), TypeError, "found Incomplete"),
    (Weighted([[1.0]], [1.0]), TypeError, "found Weighted"),
]


@pytest.mark.parametrize(("x", "error", "message"), BAD)
def test_what_is_no_matrix_is_refused(x: Any, error: type[Exception], message: str) -> None:
    """An infinite entry is never missing: it is named; so is what is not a matrix of numbers."""
    with pytest.raises(error, match=message):
        Incomplete(x)


def test_copies_and_pickles_are_the_same_rows() -> None:
    """A copy and a pickle have the same data and the same groups."""
    rows = Incomplete(with_holes(6))
    for other in (copy.deepcopy(rows), pickle.loads(pickle.dumps(rows))):
        assert_array_equal(other.data, rows.data)
        assert len(list(other.groups())) == len(list(rows.groups()))
