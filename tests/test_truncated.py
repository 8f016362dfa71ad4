"""Truncated distributions against sixty digits and more: far tails, narrow intervals, half-lines, wide intervals."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from emkit import Array
from emkit.arrays import EPS
from emkit.truncated import Truncated, truncated_exponential, truncated_normal

DIGITS = 120
PLACES = st.floats(-1e3, 1e3) | st.floats(-5.0, 5.0) | st.sampled_from([0.0, 1e-9, -40.0, 40.0])
WIDTHS = st.floats(-10.0, 4.0).map(lambda power: 10.0**power) | st.just(np.inf)


def number(x: float) -> mpmath.mpf:
    return mpmath.mpf("inf") if x == np.inf else mpmath.mpf(float(x))


def exact_normal(mean: float, deviation: float, lower: float, upper: float) -> tuple[float, float, float]:
    """Return log probability, mean and variance from the textbook's differences, with digits to spare."""
    with mpmath.workdps(DIGITS):
        scale = number(deviation)
        a, b = (number(lower) - number(mean)) / scale, (number(upper) - number(mean)) / scale
        if abs(b) > abs(a):  # differences of upper tails
            mass = (mpmath.erfc(a / mpmath.sqrt(2)) - mpmath.erfc(b / mpmath.sqrt(2))) / 2
        else:
            mass = (mpmath.erfc(-b / mpmath.sqrt(2)) - mpmath.erfc(-a / mpmath.sqrt(2))) / 2
        at_a, at_b = mpmath.npdf(a), (mpmath.npdf(b) if mpmath.isfinite(b) else mpmath.mpf(0))
        first = (at_a - at_b) / mass
        edge = a * at_a - (b * at_b if mpmath.isfinite(b) else 0)
        variance = 1 + edge / mass - first**2
        return float(mpmath.log(mass)), float(number(mean) + scale * first), float(scale**2 * variance)


def exact_exponential(rate: float, lower: float, upper: float) -> tuple[float, float, float]:
    with mpmath.workdps(DIGITS):
        x = number(rate) * (number(upper) - number(lower))
        log_mass = -number(rate) * number(lower) + (mpmath.log(-mpmath.expm1(-x)) if mpmath.isfinite(x) else 0)
        mean = 1 - (x / mpmath.expm1(x) if mpmath.isfinite(x) else 0)
        variance = 1 - (x**2 * mpmath.exp(x) / mpmath.expm1(x) ** 2 if mpmath.isfinite(x) else 0)
        scale = number(rate)
        return float(log_mass), float(number(lower) + mean / scale), float(variance / scale**2)


def assert_same(found: Truncated, expected: tuple[float, float, float]) -> None:
    """Log probability to 1e-12, mean to 1e-12 deviations of the truncated distribution, variance to 1e-11."""
    log_probability, mean, variance = expected
    assert_allclose(found.log_probability, [log_probability], rtol=1e-12, atol=1e-13)
    assert_allclose(found.mean, [mean], rtol=0, atol=1e-12 * np.sqrt(variance) + 2 * EPS * abs(mean))
    assert_allclose(found.variance, [variance], rtol=1e-11)


def one(x: float) -> Array:
    return np.array([x])


@given(PLACES, WIDTHS, st.booleans())
def test_the_standard_normal(place: float, width: float, mirrored: bool) -> None:
    """Intervals and half-lines up to a thousand deviations out, down to widths of 1e-10, have exact moments."""
    lower, upper = place, place + width
    expected = exact_normal(0.0, 1.0, lower, upper)
    if mirrored:
        lower, upper, expected = -upper, -lower, (expected[0], -expected[1], expected[2])
    assert_same(truncated_normal(np.zeros(1), 1.0, one(lower), one(upper)), expected)


@pytest.mark.parametrize(
    ("mean", "deviation", "lower", "upper"),
    [
        (0.0, 1.0, 40.0, 40.0 + 1e-8),
        (0.0, 1.0, 1e3, np.inf),
        (1e8, 1.0, 1e8 + 3, 1e8 + 3.0000001),
        (-3e-150, 2e-150, 5e-150, np.inf),
        (1e150, 3e149, 0.0, 1e150),
        (5.0, 1e-3, 0.0, 1.0),
    ],
)
def test_any_place_and_scale(mean: float, deviation: float, lower: float, upper: float) -> None:
    """Neither offsets nor scales cost digits."""
    found = truncated_normal(one(mean), deviation, one(lower), one(upper))
    assert_same(found, exact_normal(mean, deviation, lower, upper))


def test_no_limit_tells_nothing() -> None:
    """A normal distribution between infinite limits is itself."""
    found = truncated_normal(one(3.0), 2.0, one(-np.inf), one(np.inf))
    assert_allclose(np.concatenate(found), [0.0, 3.0, 4.0], atol=1e-14)


def test_beyond_floating_point() -> None:
    """An interval so far out that its probability underflows in logarithms, too, is impossible, without a warning."""
    found = truncated_normal(np.zeros(2), 1e-200, np.array([1e200, -np.inf]), np.array([np.inf, -1e200]))
    assert_allclose(found.log_probability, [-np.inf, -np.inf])
    assert_allclose(found.mean, [1e200, -1e200])


@given(st.floats(-8.0, 8.0), st.floats(0.0, 1e4), WIDTHS)
def test_the_exponential(log_rate: float, place: float, width: float) -> None:
    """Intervals and half-lines have exact moments at any rate, down to relative widths of 1e-10."""
    rate = 10.0**log_rate
    lower = place / rate
    upper = lower + width / rate
    if lower < upper:
        found = truncated_exponential(rate, one(lower), one(upper))
        assert_same(found, exact_exponential(rate, lower, upper))
