"""What E-steps return: objects that add."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from emkit import Array, Expectation
from tests.toys import Counts

pairs = arrays(np.float64, (2, 3), elements=st.floats(-1e6, 1e6))


@given(pairs, pairs, st.floats(0, 100))
def test_statistics_add_and_scale_field_by_field(a: Array, b: Array, factor: float) -> None:
    """`+` adds every field and `*` scales every field, from either side."""
    total = Counts(*a) + Counts(*b)
    assert np.array_equal([total.weight, total.total], a + b)
    for scaled in (Counts(*a) * factor, factor * Counts(*a)):
        assert np.array_equal([scaled.weight, scaled.total], a * factor)


def test_statistics_add_only_to_their_own_kind() -> None:
    """Statistics of two classes do not add."""

    class Others(Counts):
        pass

    with pytest.raises(TypeError, match="unsupported operand"):
        Counts(np.ones(1), np.ones(1)) + Others(np.ones(1), np.ones(1))


def test_nested_statistics_add_by_their_own_rule() -> None:
    """A field that is itself a statistic is added by its own `+`."""
    inner = Counts(np.ones(2), np.ones(2))
    total = Counts(inner, np.zeros(2)) + Counts(inner, np.ones(2))
    assert total.weight == Counts(np.full(2, 2.0), np.full(2, 2.0))


@given(pairs, pairs)
def test_expectations_add_every_field(a: Array, b: Array) -> None:
    """The sum of two expectations adds log likelihoods, units, roundings and statistics."""
    one, other = (Expectation(x[0, 0], x[0, 1], x[0, 2], x[1]) for x in (a, b))
    total = one + other
    assert (total.log_likelihood, total.units, total.rounding) == tuple(a[0] + b[0])
    assert np.array_equal(total.statistics, a[1] + b[1])


@given(arrays(np.float64, 5, elements=st.floats(-1e6, 0)), arrays(np.int64, 5, elements=st.integers(0, 4)))
def test_a_weight_of_n_counts_as_n_copies(log_marginal: Array, repeats: Any) -> None:
    """Expectation.of with integer weights is that of repeated units."""
    weighted = Expectation.of(log_marginal, np.zeros(1), repeats.astype(np.float64))
    repeated = Expectation.of(np.repeat(log_marginal, repeats), np.zeros(1))
    assert weighted.units == repeated.units == repeats.sum()
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood, rel=1e-13)
    assert weighted.rounding == pytest.approx(repeated.rounding, rel=1e-13)


def test_impossible_units_without_weight_have_no_influence() -> None:
    """A unit of weight zero may be impossible or worse; one with weight makes the log likelihood -inf."""
    weight = np.array([1.0, 0.0, 0.0])
    learnt = Expectation.of(np.array([-2.0, -np.inf, np.nan]), np.zeros(1), weight)
    assert (learnt.log_likelihood, learnt.units) == (-2.0, 1.0)
    assert Expectation.of(np.array([-2.0, -np.inf]), np.zeros(1)).log_likelihood == -np.inf


def test_rounding_is_eps_times_the_size_of_the_terms() -> None:
    """Rounding is eps (Σ |log p| + N), plus the conditioning of each unit."""
    learnt = Expectation.of(np.array([-3.0, 4.0]), np.zeros(1), conditioning=0.5)
    assert learnt.rounding == 2.0**-52 * (7.0 + 2.0) + 1.0
    assert learnt.log_likelihood == 1.0


@pytest.mark.parametrize("container", [(np.ones(1),), [np.ones(1)], {"n": 1.0}, "n", None])
def test_statistics_that_would_not_add_are_refused(container: Any) -> None:
    """Tuples and lists, whose `+` concatenates, are refused with the class to declare instead."""
    with pytest.raises(TypeError, match=r"does not add numbers; declare a class: `@emkit\.value class Counts"):
        Expectation(0.0, 1.0, 0.0, container)


@pytest.mark.parametrize("field", range(3))
def test_sums_are_single_numbers(field: int) -> None:
    """A log likelihood, count or rounding that is an array is refused; a NumPy scalar is a number."""
    sums: list[Any] = [np.float64(1.0), np.int64(2), np.asarray(0.5)]
    assert Expectation(sums[0], sums[1], sums[2], np.zeros(1)).units == 2.0
    sums[field] = np.ones(3)
    with pytest.raises(TypeError, match=r"expected one number summed over units, found an array of shape \(3,\)"):
        Expectation(sums[0], sums[1], sums[2], np.zeros(1))


def test_log_marginals_of_another_shape_are_refused() -> None:
    """Expectation.of wants one log marginal for each unit, and one weight for each of them."""
    with pytest.raises(ValueError, match=r"expected log_marginal of shape \(N,\), found \(3, 1\)"):
        Expectation.of(np.zeros((3, 1)), np.zeros(1))
    with pytest.raises(ValueError, match=r"expected weight of shape \(3,\), found \(2,\)"):
        Expectation.of(np.zeros(3), np.zeros(1), np.ones(2))
