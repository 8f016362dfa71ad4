"""Truncated distributions against sixty digits and more: far tails, narrow intervals, half-lines, wide intervals."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from emkit import Array
from emkit.arrays import EPS
from emkit.truncated import (
    Truncated,
    truncated_exponential,
    truncated_exponential_divergence,
    truncated_normal,
    truncated_normal_divergence,
)

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


def normal_parts(
    mean: float, deviation: float, lower: float, upper: float
) -> tuple[mpmath.mpf, mpmath.mpf, mpmath.mpf]:
    """Return log of mass times deviation, and E[z] and E[z²] of standard deviations z from the mean, in mpmath."""
    a, b = ((number(end) - number(mean)) / number(deviation) for end in (lower, upper))
    low, high = (a, b) if abs(b) > abs(a) else (-b, -a)
    mass = (mpmath.erfc(low / mpmath.sqrt(2)) - mpmath.erfc(high / mpmath.sqrt(2))) / 2
    at_a, at_b = (mpmath.npdf(end) / mass if mpmath.isfinite(end) else mpmath.mpf(0) for end in (a, b))
    edges = [end * at if mpmath.isfinite(end) else mpmath.mpf(0) for end, at in ((a, at_a), (b, at_b))]
    return mpmath.log(mass) + mpmath.log(number(deviation)), at_a - at_b, 1 + edges[0] - edges[1]


def exact_normal_divergence(p: tuple[float, float], q: tuple[float, float], lower: float, upper: float) -> float:
    """Return E_p[log p - log q], from the textbook's masses and moments, with digits to spare."""
    with mpmath.workdps(2 * DIGITS):
        log_mass, first, second = normal_parts(*p, lower, upper)
        other_mass, _, _ = normal_parts(*q, lower, upper)
        ratio, away = number(p[1]) / number(q[1]), (number(p[0]) - number(q[0])) / number(q[1])
        squares = ratio**2 * second + 2 * ratio * away * first + away**2 - second
        return float(squares / 2 + other_mass - log_mass)


def exact_exponential_divergence(rate: float, other: float, lower: float, upper: float) -> float:
    with mpmath.workdps(2 * DIGITS):
        width = number(upper) - number(lower)
        a, b = number(rate), number(other)
        bounded = mpmath.isfinite(width)
        mean = 1 / a - (width / mpmath.expm1(a * width) if bounded else 0)
        masses = [mpmath.log(-mpmath.expm1(-r * width) if bounded else mpmath.mpf(1)) - mpmath.log(r) for r in (a, b)]
        return float((b - a) * mean + masses[1] - masses[0])


DEVIATIONS = st.floats(-3.0, 3.0).map(lambda power: 10.0**power)
STEPS = st.floats(-8.0, 0.0).map(lambda power: 10.0**power)


@given(PLACES, WIDTHS, st.floats(-50.0, 50.0), DEVIATIONS, st.booleans())
def test_divergence_of_normals(place: float, width: float, other: float, deviation: float, mirrored: bool) -> None:
    """That of any two normal distributions in one interval is exact: far out, however wide each is, on half-lines."""
    lower, upper = place, place + width
    expected = exact_normal_divergence((0.0, 1.0), (other, deviation), lower, upper)
    if mirrored:
        lower, upper, other = -upper, -lower, -other
    found = truncated_normal_divergence(np.zeros(1), 1.0, one(other), deviation, one(lower), one(upper))
    assert_allclose(found, [expected], rtol=1e-11, atol=1e-18)


@given(PLACES, WIDTHS, STEPS, STEPS)
def test_divergence_of_normals_that_are_close(place: float, width: float, shift: float, stretch: float) -> None:
    """That of normal distributions which hardly differ keeps its digits, though it goes with the square of the step."""
    limits = place, place + width
    expected = exact_normal_divergence((0.0, 1.0), (shift, 1 + stretch), *limits)
    found = truncated_normal_divergence(np.zeros(1), 1.0, one(shift), 1 + stretch, *map(one, limits))
    assert_allclose(found, [expected], rtol=1e-6, atol=1e-22)


@given(st.floats(-8.0, 8.0), st.floats(-8.0, 8.0) | STEPS.map(np.log10), st.floats(0.0, 1e4), WIDTHS)
def test_divergence_of_exponentials(log_rate: float, log_ratio: float, place: float, width: float) -> None:
    """That of any two exponential distributions in one interval is exact."""
    rate = 10.0**log_rate
    other, lower = rate * 10.0**log_ratio, place / rate
    upper = lower + width / rate
    if lower < upper:
        expected = exact_exponential_divergence(rate, other, lower, upper)
        found = truncated_exponential_divergence(rate, other, one(lower), one(upper))
        assert_allclose(found, [expected], rtol=1e-11, atol=1e-19)


def test_divergence_between_no_limits() -> None:
    """Without limits it is that of whole distributions, which textbooks have in closed form."""
    no_limit = one(-np.inf), one(np.inf)
    found = truncated_normal_divergence(one(3.0), 2.0, one(-1.0), 0.5, *no_limit)
    assert_allclose(found, [np.log(0.25) + (4 + 16) / 0.5 - 0.5], rtol=1e-13)
    found = truncated_exponential_divergence(2.0, 7.0, np.zeros(1), one(np.inf))
    assert_allclose(found, [np.log(2 / 7) + 7 / 2 - 1], rtol=1e-13)


@given(PLACES, WIDTHS, st.floats(-300.0, 300.0), st.floats(-300.0, 300.0), PLACES)
def test_divergence_is_never_negative(
    place: float, width: float, log_one: float, log_other: float, mean: float
) -> None:
    """It is zero or more, never nan, at any scale of either distribution; zero from a distribution to itself."""
    limits = one(place), one(place + width)
    first, second = 10.0**log_one, 10.0**log_other
    assert truncated_normal_divergence(np.zeros(1), first, one(mean), second, *limits)[0] >= 0
    assert truncated_normal_divergence(one(mean), first, one(mean), first, *limits)[0] == 0
    times = np.abs(limits[0]), np.abs(limits[0]) + width
    assert truncated_exponential_divergence(first, second, *times)[0] >= 0
    assert truncated_exponential_divergence(first, first, *times)[0] == 0


@pytest.mark.parametrize("limit", [1e5, 1e10, 1e100, 1e150])
def test_divergence_far_out(limit: float) -> None:
    """Beyond a limit many deviations out normal distributions are exponential ones, of rates limit over variance."""
    found = truncated_normal_divergence(
        np.zeros(2), 1.0, np.ones(2), 2.0, np.array([limit, -np.inf]), np.array([np.inf, -limit])
    )
    assert_allclose(found, exact_exponential_divergence(1.0, 0.25, 0.0, np.inf), rtol=10 / limit + 1e-12)


def test_rows_do_not_mix() -> None:
    """Of many intervals each has the divergence that it has alone."""
    rng = np.random.default_rng(0)
    mean, other, lower = rng.normal(size=(3, 700)) * [[1.0], [1.0], [5.0]]
    upper = lower + rng.exponential(2.0, 700)
    found = truncated_normal_divergence(mean, 1.0, other, 1.5, lower, upper)
    alone = [
        truncated_normal_divergence(one(m), 1.0, one(o), 1.5, one(a), one(b))[0]
        for m, o, a, b in zip(mean, other, lower, upper, strict=True)
    ]
    assert_allclose(found, alone, rtol=1e-12)
