"""The densities that oracles are made of."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from emkit import Incomplete
from emkit.emissions import textbook

NUMBERS = st.floats(0.01, 100)


def agree(found: float, expected: Any) -> bool:
    return bool(np.isclose(found, expected, rtol=1e-9, atol=1e-11))


@given(NUMBERS, NUMBERS, NUMBERS, st.integers(0, 50), st.floats(0, 1))
def test_they_are_those_of_scipy(x: float, a: float, b: float, count: int, chance: float) -> None:
    """Each log density is scipy's."""
    assert agree(textbook.poisson(count, a), stats.poisson.logpmf(count, a))
    assert agree(textbook.exponential(x, a), stats.expon.logpdf(x, scale=1 / a))
    assert agree(textbook.gamma(x, a, b), stats.gamma.logpdf(x, a, scale=1 / b))
    assert agree(textbook.normal(x, a, b), stats.norm.logpdf(x, a, np.sqrt(b)))
    for answer in (0, 1):
        assert agree(textbook.bernoulli(answer, chance), stats.bernoulli.logpmf(answer, chance))


def test_a_count_at_rate_zero_is_zero() -> None:
    """A rate that underflows to zero allows no events."""
    assert textbook.poisson(0, 0.0) == 0.0
    assert textbook.poisson(2, 0.0) == -np.inf


def test_a_row_is_the_sum_of_its_cells_seen() -> None:
    """For each state the log densities of the cells that are seen add up."""
    rates = np.array([[1.0, 2.0, 3.0], [0.5, 4.0, 1.0]])
    found = [
        log_density for _, _, log_density in textbook.by_state(Incomplete([[2, np.nan, 1]]), textbook.poisson, rates)
    ]
    expected = stats.poisson.logpmf(2, rates[:, 0]) + stats.poisson.logpmf(1, rates[:, 2])
    assert_allclose(found, expected)
