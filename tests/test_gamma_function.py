"""The gamma function near its asymptotes, against 60 digits."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from emkit.gamma_function import inverse_digamma, log_less_digamma, log_normaliser, solve_log_less_digamma

EXPONENTS = st.floats(-12, 12)


def exact(a: float) -> tuple[float, float, float]:
    """Return a log a - a - log Γ(a), its derivative log a - ψ(a), and ψ(a)."""
    with mp.workdps(60):
        x = mp.mpf(a)
        peak = x * mp.log(x) - x - mp.loggamma(x)
        return float(peak), float(mp.log(x) - mp.digamma(x)), float(mp.digamma(x))


@given(EXPONENTS)
def test_differences_keep_their_digits(exponent: float) -> None:
    """The log normaliser and its derivative agree with 60 digits, where the two terms of each all but cancel."""
    a = 10.0**exponent
    peak, slope, _ = exact(a)
    assert_allclose(log_normaliser(np.array([a])), [peak], rtol=1e-13, atol=1e-13)
    assert_allclose(log_less_digamma(np.array([a])), [slope], rtol=3e-14)


@pytest.mark.parametrize("a", [16.0, 16.5, 20.0])
def test_six_terms_of_the_series_are_enough(a: float) -> None:
    """Where the series take over, both are exact to rounding."""
    peak, slope, _ = exact(a)
    assert_allclose(log_normaliser(np.array([a])), [peak], rtol=5e-16)
    assert_allclose(log_less_digamma(np.array([a])), [slope], rtol=1e-15)


@given(EXPONENTS)
def test_equations_are_solved(exponent: float) -> None:
    """Both equations give back the a whose values they are told, over 24 orders of magnitude."""
    a = 10.0**exponent
    _, slope, digamma = exact(a)
    assert_allclose(solve_log_less_digamma(np.array([slope])), [a], rtol=1e-13)
    assert_allclose(inverse_digamma(np.array([digamma])), [a], rtol=2e-14 * max(1, abs(digamma)))


@pytest.mark.parametrize("a", [1e-300, 1e-100, 1e100])
def test_extremes_stay_in_floating_point(a: float) -> None:
    """The leading terms of the series hold where all others vanish, without a warning."""
    gap = 1 / a if a < 1 else 0.5 / a
    assert_allclose(log_less_digamma(np.array([a])), [gap], rtol=1e-13)
    assert_allclose(solve_log_less_digamma(np.array([gap])), [a], rtol=1e-13)


def test_shapes_are_kept() -> None:
    """Arrays of mixed sizes keep their shape, and each entry is solved on its own."""
    a = np.array([[1e-8, 0.3, 15.9], [16.1, 1e3, 1e8]])
    assert_allclose(solve_log_less_digamma(log_less_digamma(a)), a, rtol=1e-12)
