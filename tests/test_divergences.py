"""Divergences of normals and gammas, against quadrature, many digits and dense algebra."""

from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats
from scipy.integrate import quad

from emkit import Array
from emkit.divergences import of_gammas, of_normals

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.floats(0.2, 50)
SHAPES = st.floats(0.01, 200)


def by_quadrature(p: Any, q: Any) -> float:
    """Return ∫ p log(p / q) of two SciPy distributions, between quantiles of p that leave out nothing that counts."""
    places = p.ppf([1e-15, 1e-9, 1e-4, 0.1, 0.5, 0.9, 1 - 1e-4, 1 - 1e-9, 1 - 1e-15])

    def gained(x: float) -> float:
        return float(p.pdf(x) * (p.logpdf(x) - q.logpdf(x)))

    pieces = pairwise(places)
    return float(sum(quad(gained, a, b, epsabs=1e-11, limit=200)[0] for a, b in pieces))


def dense(shift: Array, covariance: Array, other: Array) -> float:
    """Return the textbook's ½ [tr(Σ'⁻¹ Σ) - D + log|Σ'| - log|Σ| + δᵀ Σ'⁻¹ δ]."""
    inverse = np.linalg.inv(other)
    volumes = np.linalg.slogdet(other)[1] - np.linalg.slogdet(covariance)[1]
    return float(np.trace(inverse @ covariance) - len(shift) + volumes + shift @ inverse @ shift) / 2


def random_covariances(rng: np.random.Generator, *shape: int) -> Array:
    roots = rng.normal(size=(*shape, shape[-1]))
    return np.asarray(roots @ roots.swapaxes(-2, -1) + 0.2 * np.eye(shape[-1]))


@given(st.floats(-5, 5), SIZES, SIZES)
def test_normals_in_one_dimension_by_quadrature(shift: float, deviation: float, other: float) -> None:
    """The divergence of two normals is the integral of their densities."""
    found = of_normals(np.array([shift]), np.array([[deviation]]), np.array([[other]]))
    expected = by_quadrature(stats.norm(0, deviation), stats.norm(shift, other))
    assert_allclose(found, expected, rtol=1e-7, atol=1e-8)


@given(SEEDS, st.integers(1, 6))
def test_normals_by_dense_algebra(seed: int, width: int) -> None:
    """The divergence of two normals of any dimension is the textbook's."""
    rng = np.random.default_rng(seed)
    shift, (one, other) = rng.normal(size=width), random_covariances(rng, 2, width)
    found = of_normals(shift, np.linalg.cholesky(one), np.linalg.cholesky(other))
    assert_allclose(found, dense(shift, one, other), rtol=1e-9, atol=1e-10)


def test_normals_broadcast() -> None:
    """Many shifts share their covariances, and many covariances a shift."""
    rng = np.random.default_rng(0)
    shifts, covariances = rng.normal(size=(4, 1, 3)), random_covariances(rng, 2, 3)
    roots, other = np.linalg.cholesky(covariances), np.linalg.cholesky(covariances[0] + np.eye(3))
    found = of_normals(shifts, roots, other)
    expected = [[dense(shift[0], one, covariances[0] + np.eye(3)) for one in covariances] for shift in shifts]
    assert_allclose(found, expected, rtol=1e-10)
    assert of_normals(np.zeros((4, 0)), np.zeros((0, 0)), np.zeros((0, 0))).tolist() == [0.0] * 4


def test_normals_of_a_random_scale() -> None:
    """Where a random u divides both covariances, the divergence given u is averaged over u."""
    rng = np.random.default_rng(1)
    shift, (one, other) = rng.normal(size=2), random_covariances(rng, 2, 2)
    found = of_normals(shift, np.linalg.cholesky(one), np.linalg.cholesky(other), 0.25 * 0.2 + 0.75 * 3.0)
    expected = 0.25 * dense(shift, one / 0.2, other / 0.2) + 0.75 * dense(shift, one / 3.0, other / 3.0)
    assert_allclose(found, expected, rtol=1e-12)


@given(SHAPES, SIZES, SHAPES, SIZES)
def test_gammas_by_integration(shape: float, rate: float, other_shape: float, other_rate: float) -> None:
    """The divergence of two gamma distributions is the integral of their densities, to twenty digits."""
    found = of_gammas(*map(np.array, (shape, rate, other_shape, other_rate)))
    with mpmath.workdps(20):
        a, b, c, d = map(mpmath.mpf, (shape, rate, other_shape, other_rate))
        mean_log = mpmath.digamma(a) - mpmath.log(b)  # E[log x] of the first, whose mean is a / b
        of_first = a * mpmath.log(b) - mpmath.loggamma(a) + (a - 1) * mean_log - a
        of_second = c * mpmath.log(d) - mpmath.loggamma(c) + (c - 1) * mean_log - d * a / b
        expected = float(of_first - of_second)
    assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("step", [1e-3, 1e-5, 1e-7])
def test_small_steps_keep_their_digits(step: float) -> None:
    """A small step costs half its square times the Fisher information, although nothing is left of it in a sum."""
    unit = np.eye(1)
    assert_allclose(of_normals(np.array([step]), unit, unit), step**2 / 2, rtol=1e-12)
    assert_allclose(of_normals(np.zeros(1), unit, unit * np.exp(step)), step**2, rtol=2 * step)
    assert_allclose(of_gammas(*np.array([3.0, 2.0, 3.0, 2.0 * np.exp(step)])), 3 * step**2 / 2, rtol=2 * step)


@given(SEEDS)
def test_they_are_zero_for_equals_and_positive_otherwise(seed: int) -> None:
    """A distribution does not diverge from itself, and from any other by a positive number of nats."""
    rng = np.random.default_rng(seed)
    roots = np.linalg.cholesky(random_covariances(rng, 2, 3))
    shape, rate = np.exp(8 * rng.normal(size=(2, 2)))
    assert abs(of_normals(np.zeros(3), roots[0], roots[0])) < 1e-15
    assert of_normals(np.zeros(3), roots[0], roots[1]) > 0
    assert abs(of_gammas(shape[0], rate[0], shape[0], rate[0])) < 1e-15
    assert of_gammas(shape[0], rate[0], shape[1], rate[1]) > 0


def test_gammas_of_extreme_shapes() -> None:
    """Shapes from 1e-300 to 1e300 have finite divergences, and large ones those of normals with their moments."""
    shapes = np.array([1e-300, 1e-3, 1.0, 1e8, 1e300])
    assert np.isfinite(of_gammas(shapes, shapes, shapes, 2 * shapes)).all()
    shape = 1e12
    found = of_gammas(*np.array([shape, shape, shape, shape + 1e6]))  # a mean one deviation lower
    assert_allclose(found, 0.5, rtol=1e-5)
