"""Promises on data: every kind of table gives the same numbers or is refused, and nothing is ever written to."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

import emkit
from emkit import FullGaussian, GaussianMixture, Weighted
from tests.promises.hostile import every_kind, groups, known, start

X = groups(15).round(3)

REFUSED: dict[str, tuple[Any, str]] = {
    "complex": (X * 1j, "complex128"),
    "text": (X.astype(str), "expected real numbers"),
    "objects": (X.astype(object), "dtype object"),
    "datetime": (np.zeros((9, 2), "M8[s]"), "datetime64"),
    "timedelta": (np.zeros((9, 2), "m8[s]"), "timedelta64"),
    "ragged": ([[1.0, 2.0], [3.0]], "rows that do not fit"),
    "ragged objects": (np.array([[1, 2], [3]], object), "dtype object"),
    "records": (np.zeros(9, [("a", float), ("b", float)]), "expected real numbers"),
    "sparse matrix": (sparse.csr_matrix(X), "toarray"),
    "sparse array": (sparse.coo_array(X), "toarray"),
    "1-D": (X[:, 0], "1 dimensions"),
    "3-D": (X[None], "3 dimensions"),
    "one number": (3.0, "0 dimensions"),
    "no rows": (X[:0], "at least one row"),
    "no columns": (X[:, :0], "at least one row"),
    "empty list": ([], "1 dimensions"),
    "nan": (np.where(np.arange(90).reshape(45, 2) == 15, np.nan, X), "row 7, column 1 is nan"),
    "inf": (np.where(np.arange(90).reshape(45, 2) == 6, -np.inf, X), "row 3, column 0 is -inf"),
    "beyond float64": (X.astype(np.longdouble) * np.longdouble("1e4000"), "column 0 is"),
    "masked": (np.ma.masked_array(X, X > 5), "masked"),
    "masked rows in a list": ([np.ma.masked_array([1.0, 2.0], [False, True])] * 9, "masked"),
    "pandas with text": (pd.DataFrame({"a": ["x", "y"], "b": [1, 2]}), "DataFrame"),
    "pandas with dates": (pd.DataFrame({"a": pd.date_range("2020", periods=2), "b": [1, 2]}), "DataFrame"),
    "pandas with NA": (pd.DataFrame({"a": [1, None, 3], "b": [4, 5, 6]}, dtype="Int64"), "DataFrame|nan"),
    "pandas nullable": (pd.DataFrame(X).astype("Float64"), "to_numpy"),
    "polars with null": (pl.DataFrame({"a": [1.0, None, 3.0], "b": [4.0, 5.0, 6.0]}), "row 1, column 0 is nan"),
    "lazy polars": (pl.LazyFrame({"a": [1.0], "b": [2.0]}), "LazyFrame"),
    "None": (None, "NoneType"),
    "dict": ({"a": [1.0]}, "dict"),
    "text alone": ("table.csv", "str"),
    "generator": ((row for row in X), "generator"),
}


@every_kind
@pytest.mark.parametrize(("data", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_data_are_refused_before_work_begins(kind: Any, data: Any, message: str) -> None:
    """Promises 11 to 13: what is not a table of finite real numbers is refused at once, row and column named."""
    model = known(kind)
    calls: list[Callable[[], Any]] = [
        lambda: start(kind, data),
        lambda: emkit.fit(model, data),
        lambda: emkit.steps(model, data),
        lambda: model.posterior(data),
        lambda: model.log_marginal(data),
    ]
    for call in calls:
        with pytest.raises((ValueError, TypeError), match=f"data: .*({message})"):
            call()


@every_kind
def test_data_of_another_width_are_refused(kind: Any) -> None:
    """Promise 11: data with more or fewer columns than the model are refused, both numbers named."""
    for wrong in (X[:, :1], np.hstack([X, X])):
        with pytest.raises(ValueError, match=f"expected 2 columns, .*found {wrong.shape[1]}"):
            emkit.fit(known(kind), wrong)


def mapped(x: Any, folder: Path) -> Any:
    """Return the table as a read-only memory map."""
    np.save(folder / "x.npy", x)
    return np.load(folder / "x.npy", mmap_mode="r")


def read_only(x: Any, _: Path) -> Any:
    """Return the table as an array that cannot be written to."""
    fixed = x.copy()
    fixed.flags.writeable = False
    return fixed


ALIKE: dict[str, Callable[[Any, Path], Any]] = {
    "list": lambda x, _: x.tolist(),
    "tuple of arrays": lambda x, _: tuple(x),
    "Fortran order": lambda x, _: np.asfortranarray(x),
    "negative strides": lambda x, _: x[::-1, ::-1].copy()[::-1, ::-1],
    "every second row": lambda x, _: np.repeat(x, 2, axis=0)[::2],
    "big-endian": lambda x, _: x.astype(">f8"),
    "long double": lambda x, _: x.astype(np.longdouble),
    "unmasked": lambda x, _: np.ma.masked_array(x),
    "read-only": read_only,
    "memory map": mapped,
    "pandas": lambda x, _: pd.DataFrame(x, columns=["a", "b"], index=np.arange(len(x))[::-1]),
    "polars": lambda x, _: pl.DataFrame(x, schema=["a", "b"]),
}


@every_kind
@pytest.mark.parametrize("as_given", ALIKE.values(), ids=ALIKE)
def test_tables_of_any_kind_give_the_same_fit(kind: Any, as_given: Any, tmp_path: Path) -> None:
    """Promise 12: lists, any memory layout and data frames give the fit of the array, to 1e-12."""
    given = as_given(X, tmp_path)
    plain = emkit.fit(start(kind, X), X, max_iter=20)
    other = emkit.fit(start(kind, given), given, max_iter=20)
    assert other.outcome == plain.outcome
    assert emkit.pack(other.model) == pytest.approx(emkit.pack(plain.model), rel=1e-12, abs=1e-12)


@every_kind
def test_nothing_the_caller_owns_is_written_to(kind: Any) -> None:
    """Promise 12: data, weights, labels and the arrays of a start are as they were after a fit."""
    x, weight, labels = X.copy(), np.linspace(0, 2, len(X)), np.arange(len(X)) % 3
    weights, means, variances = np.full(3, 1 / 3), X[:3].copy(), np.ones(2)
    owned = [x, weight, labels, weights, means, variances]
    before = [each.copy() for each in owned]
    models = [
        GaussianMixture(weights, kind.at(means, variances)),
        GaussianMixture.from_responsibilities(Weighted(x, weight), labels, emissions=kind),
        start(kind, Weighted(x, weight)),
    ]
    for model in models:
        emkit.fit(model, Weighted(x, weight), max_iter=5, chunk_size=10)
        model.posterior(x)
    for mine, copy in zip(owned, before, strict=True):
        assert np.array_equal(mine, copy)
        assert mine.flags.writeable


@every_kind
def test_a_model_does_not_share_the_callers_arrays(kind: Any) -> None:
    """Promise 12: writing to an array after a model was made of it does not change the model."""
    weights, means = np.array([0.5, 0.5]), X[:2].copy()
    model = GaussianMixture(weights, kind.at(means, np.ones(2)))
    before = model.log_marginal(X)
    weights[:] = means[:] = 0.0
    assert np.array_equal(model.log_marginal(X), before)
    with pytest.raises(ValueError, match="read-only"):
        model.means[0, 0] = 1.0


def test_parameters_may_be_lists() -> None:
    """Promise 12: parameters given as lists or data frames are those of the arrays."""
    lists = GaussianMixture([0.5, 0.5], FullGaussian([[0, 0], [1, 1]], [np.eye(2).tolist()] * 2))
    arrays = GaussianMixture(np.full(2, 0.5), FullGaussian(pd.DataFrame([[0, 0], [1, 1]]), np.stack([np.eye(2)] * 2)))
    assert lists == arrays
