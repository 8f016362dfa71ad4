"""Samples of many rows: in proportion to weight, in order, and put aside where they mislead."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emkit.samples import count_distinct, sample_rows, sample_size, sampled

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 60)


@given(SEEDS, SIZES)
def test_whole_weights_are_repetition(seed: int, size: int) -> None:
    """Rows weighted by whole numbers, zeros too, are drawn as the rows repeated as often are."""
    count = np.random.default_rng(seed).integers(0, 5, size=50)
    count[7] = 1
    weighted = sample_rows(count.astype(float), size, np.random.default_rng(seed))
    repeated = sample_rows(np.ones(count.sum()), size, np.random.default_rng(seed))
    assert np.array_equal(weighted, np.repeat(np.arange(50), count)[repeated])


@given(SEEDS, SIZES, st.booleans())
def test_rows_come_as_often_as_they_weigh(seed: int, size: int, equal: bool) -> None:
    """Every row is drawn its share of times, give or take the two strata at its ends; the order is that of the rows."""
    rng = np.random.default_rng(seed)
    weight = np.broadcast_to(1.0, 40) if equal else rng.uniform(0.01, 3, 40) ** 4
    drawn = sample_rows(weight, size, rng)
    assert len(drawn) == size
    assert (np.diff(drawn) >= 0).all()
    assert (np.abs(np.bincount(drawn, minlength=40) - size * weight / weight.sum()) < 2).all()


def test_rows_in_a_periodic_order_are_sampled_evenly() -> None:
    """Of rows that repeat with a period that divides the strata, each phase has its share, within six deviations."""
    phase = sample_rows(np.ones(90_000), 3000, np.random.default_rng(0)) % 3
    assert (np.abs(np.bincount(phase) - 1000) < 6 * np.sqrt(3000 * 2 / 9)).all()


def test_few_rows_are_taken_whole() -> None:
    """Rows that are no more than a sample come back as they are, with their weights, and the generator is not used."""
    x, weight = np.random.default_rng(0).normal(size=(sample_size(2, 3), 3)), np.ones(sample_size(2, 3))
    rng = np.random.default_rng(1)
    few, few_weight = sampled(x, weight, 2, rng)
    assert few is x
    assert few_weight is weight
    assert rng.random() == np.random.default_rng(1).random()


def test_many_rows_are_sampled() -> None:
    """Of many rows come some, all of them rows of the data."""
    x = np.arange(100_000.0)[:, None]
    few, weight = sampled(x, np.ones(len(x)), 2, np.random.default_rng(0))
    assert len(few) == len(weight) == sample_size(2, 1) < len(x)
    assert np.isin(few, x).all()


@pytest.mark.parametrize("rare", ["a column", "rows"])
def test_samples_that_mislead_are_put_aside(rare: str) -> None:
    """Where a sample shows a column as constant that is not, or too few different rows, all rows are taken."""
    x = np.tile([[0.0, 0.0], [1.0, 1.0]], (50_000, 1)) if rare == "rows" else np.zeros((100_000, 2))
    if rare == "a column":
        x[:, 0] = np.arange(len(x))
    x[12_345] = 0.5
    rng = np.random.default_rng(0)
    drawn = sample_rows(np.ones(len(x)), sample_size(3, 2), np.random.default_rng(0))
    assert 12_345 not in drawn
    assert sampled(x, np.ones(len(x)), 3, rng)[0] is x


@given(SEEDS, st.integers(1, 6), st.integers(1, 4))
def test_distinct_rows_are_counted_as_far_as_asked(seed: int, enough: int, values: int) -> None:
    """The count is that of a set of the rows, unless it is enough."""
    x = np.random.default_rng(seed).integers(values, size=(500, 2)).astype(float)
    truth = len(set(map(tuple, x.tolist())))
    assert min(count_distinct(x, enough), enough) == min(truth, enough)
    assert count_distinct(x, enough) <= truth
