"""Kinds of entries at the door, and the cells of a matrix with holes."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from emkit import Incomplete
from emkit.entries import BINARY, COUNT, NONNEGATIVE, POSITIVE, REAL, Entries, as_entries, cells

GOOD: list[tuple[Entries, list[float]]] = [
    (REAL, [-1.5, 0.0, 1e300, 5e-324]),
    (COUNT, [0.0, 1.0, 1e15, 3.0]),
    (POSITIVE, [0.5, 5e-324, 1e300, 3.0]),
    (NONNEGATIVE, [0.0, -0.0, 5e-324, 1e300]),
    (BINARY, [0.0, 1.0, -0.0, 1.0]),
]
BAD: list[tuple[Entries, float, str]] = [
    (COUNT, -1.0, "is -1; expected a count: 0, 1, 2, ..."),
    (COUNT, 0.5, "is 0.5; expected a count"),
    (POSITIVE, 0.0, "is 0; expected a number above zero"),
    (POSITIVE, -2.0, "is -2; expected a number above zero"),
    (NONNEGATIVE, -5e-324, "expected a number, zero or more"),
    (BINARY, 2.0, "is 2; expected 0 or 1"),
    (BINARY, 0.5, "is 0.5; expected 0 or 1"),
]


@pytest.mark.parametrize(("kind", "values"), GOOD)
def test_what_is_of_a_kind_passes_as_it_is(kind: Entries, values: list[float]) -> None:
    """A native matrix of allowed entries is passed through without a copy, and again when it was prepared before."""
    x = np.array(values).reshape(2, 2)
    assert as_entries(x, kind) is x
    assert as_entries(as_entries(x, kind, features=2), kind, features=2) is x
    holes = Incomplete(x)
    assert as_entries(holes, kind, features=2) is holes


@pytest.mark.parametrize(("kind", "bad", "message"), BAD)
@pytest.mark.parametrize("wrap", [np.asarray, Incomplete])
def test_what_is_not_is_refused_by_its_place(kind: Entries, bad: float, message: str, wrap: Any) -> None:
    """The first entry that is not allowed is named with row and column, missing values beside it or not."""
    x = np.ones((4, 3))
    x[2, 1] = x[3, 0] = bad
    if wrap is Incomplete:
        x[0, 0] = np.nan
    with pytest.raises(ValueError, match=f"^data: row 2, column 1 .*{re.escape(message)}"):
        as_entries(wrap(x), kind)


@pytest.mark.parametrize("kind", [kind for kind, _ in GOOD])
def test_nan_is_missing_only_where_asked_for(kind: Entries) -> None:
    """A nan is refused in a plain matrix, with advice, and is no entry at all in `Incomplete` rows."""
    x = np.array([[1.0, np.nan]])
    with pytest.raises(ValueError, match=r"row 0, column 1 is nan; .*say emkit\.Incomplete"):
        as_entries(x, kind)
    assert as_entries(Incomplete(x), kind).seen.tolist() == [[True, False]]


@pytest.mark.parametrize("wrap", [np.asarray, Incomplete])
def test_another_number_of_columns_is_refused(wrap: Any) -> None:
    """Two columns where three are expected are refused, in `Incomplete` rows too."""
    with pytest.raises(ValueError, match="data: expected 3 columns, found 2"):
        as_entries(wrap(np.ones((1, 2))), COUNT, features=3)


def test_tables_become_matrices() -> None:
    """Whole numbers and truth values become float64; text and one-dimensional data are refused."""
    assert as_entries([[1, 2]], COUNT).dtype == np.float64
    assert as_entries([[True, False]], BINARY).tolist() == [[1.0, 0.0]]
    with pytest.raises(TypeError, match="expected real numbers"):
        as_entries([["one"]], COUNT)
    with pytest.raises(ValueError, match=r"write x\[:, None\]"):
        as_entries([1, 2], COUNT)


@given(st.integers(0, 2**32 - 1), st.floats(-2, 2))
def test_cells_put_a_stand_in_where_a_value_is_missing(seed: int, missing: float) -> None:
    """Values that are seen stay, with a one beside them; the others are the stand-in, with a zero."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(5, 3))
    gone = rng.random(x.shape) < 0.4
    values, seen = cells(Incomplete(np.where(gone, np.nan, x)), missing=missing)
    assert_array_equal(values, np.where(gone, missing, x))
    assert_array_equal(seen, np.where(gone, 0.0, 1.0))


def test_all_cells_of_a_plain_matrix_are_seen() -> None:
    """A matrix without missing values is its own values, and all of them count once."""
    x = np.arange(6.0).reshape(3, 2)
    values, seen = cells(x)
    assert values is x
    assert_array_equal(seen, np.ones((3, 2)))
