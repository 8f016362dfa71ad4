"""Gaussian emissions against SciPy, and against 60 digits of mpmath where floating point is hard pressed."""

from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal

from emkit import Array, DiagonalGaussian, FullGaussian, SphericalGaussian, TiedGaussian
from emkit.emissions.gaussian.base import Gaussian
from tests.gaussians import KINDS, emissions_of, random_mixture, random_rows

SEEDS = st.integers(0, 2**32 - 1)


def by_scipy(emissions: Gaussian[Any], x: Array) -> Array:
    pairs = zip(emissions.means, emissions.covariance_matrices(), strict=True)
    return np.stack([np.atleast_1d(multivariate_normal.logpdf(x, mean, matrix)) for mean, matrix in pairs], axis=1)


def by_mpmath(row: Array, mean: Array, covariance: Array) -> float:
    """Return log N(row; mean, covariance) of exactly these floating-point numbers."""
    with mpmath.workdps(120):
        matrix = mpmath.matrix(covariance.tolist())
        centred = mpmath.matrix(row.tolist()) - mpmath.matrix(mean.tolist())
        distance = (centred.T * mpmath.lu_solve(matrix, centred))[0]
        log_volume = mpmath.log(mpmath.det(matrix))
        return float(-(len(row) * mpmath.log(2 * mpmath.pi) + log_volume + distance) / 2)


@given(SEEDS, st.sampled_from(KINDS), st.integers(1, 4), st.integers(1, 4))
def test_log_density_is_that_of_scipy(seed: int, kind: Any, n_components: int, width: int) -> None:
    """The log densities of random components at random rows are those of SciPy."""
    rng = np.random.default_rng(seed)
    emissions = random_mixture(kind, rng, n_components, width).emissions
    x = random_rows(rng, 7, width)
    assert_allclose(emissions.log_density(x), by_scipy(emissions, x), rtol=1e-9, atol=1e-9)


@given(SEEDS, st.sampled_from(KINDS), st.sampled_from([0.0, 1e4, 1e8]), st.sampled_from([1e-150, 1e-30, 1.0, 1e150]))
def test_log_density_to_many_digits(seed: int, kind: Any, offset: float, scale: float) -> None:
    """At any offset and any scale the log densities agree with 120-digit arithmetic to 1e-11."""
    rng = np.random.default_rng(seed)
    base = random_mixture(kind, rng, 2, 3).emissions
    means = (base.means + offset) * scale
    emissions = emissions_of(kind, means, base.covariance_matrices() * scale**2)
    x = (random_rows(rng, 3, 3) + offset) * scale
    exact = [[by_mpmath(row, *one) for one in zip(means, emissions.covariance_matrices(), strict=True)] for row in x]
    assert_allclose(emissions.log_density(x), exact, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
def test_far_beyond_underflow(kind: Any) -> None:
    """A row 1e100 widths away has its finite log density, to rounding."""
    matrices = np.array([np.eye(2) * 0.5])
    emissions = emissions_of(kind, [[0.0, 0.0]], matrices)
    row = np.array([1e100, -2e100])
    assert_allclose(emissions.log_density(row[None])[0, 0], by_mpmath(row, np.zeros(2), matrices[0]), rtol=1e-14)


@pytest.mark.parametrize("kind", [FullGaussian, TiedGaussian])
def test_nearly_singular(kind: Any) -> None:
    """With correlation 1 - 1e-8 the log density keeps what the conditioning of the covariance leaves."""
    matrix = np.array([[1.0, 1 - 1e-8], [1 - 1e-8, 1.0]])
    emissions = emissions_of(kind, [[1.0, 2.0]], matrix[None])
    row = np.array([1.5, 2.5001])
    condition = 2e8
    exact = by_mpmath(row, np.array([1.0, 2.0]), matrix)
    assert_allclose(emissions.log_density(row[None])[0, 0], exact, rtol=10 * condition * np.finfo(float).eps)


@given(SEEDS, st.sampled_from(KINDS))
def test_statistics_are_weighted_means_and_scatters(seed: int, kind: Any) -> None:
    """The statistics lead the M-step to NumPy's weighted means and covariances, of the kind at hand."""
    rng = np.random.default_rng(seed)
    emissions, x = random_mixture(kind, rng).emissions, random_rows(rng)
    posterior = rng.dirichlet(np.ones(3), len(x)) * rng.uniform(0.5, 2, len(x))[:, None]
    fitted = emissions.m_step(emissions.statistics(x, posterior))
    count = posterior.sum(axis=0)
    matrices = np.stack([np.cov(x, rowvar=False, aweights=share, ddof=0) for share in posterior.T])
    expected: dict[Any, Any] = {
        FullGaussian: lambda: matrices,
        TiedGaussian: lambda: np.tile(np.average(matrices, axis=0, weights=count), (3, 1, 1)),
        DiagonalGaussian: lambda: matrices * np.eye(2),
        SphericalGaussian: lambda: np.trace(matrices, axis1=1, axis2=2)[:, None, None] / 2 * np.eye(2),
    }
    assert_allclose(fitted.means, posterior.T @ x / count[:, None], rtol=1e-11, atol=1e-12)
    assert_allclose(fitted.covariance_matrices(), expected[kind](), rtol=1e-10, atol=1e-12)


@given(SEEDS, st.sampled_from(KINDS))
def test_expected_log_density_is_the_weighted_sum(seed: int, kind: Any) -> None:
    """E[log p(x | z)] from the statistics is the posterior-weighted sum of SciPy's log densities."""
    rng = np.random.default_rng(seed)
    emissions, x = random_mixture(kind, rng).emissions, random_rows(rng)
    posterior = rng.dirichlet(np.ones(3), len(x)) * rng.uniform(0, 2, len(x))[:, None]
    found = emissions.expected_log_density(emissions.statistics(x, posterior))
    assert_allclose(found, (posterior * by_scipy(emissions, x)).sum(), rtol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_sample_has_the_components_moments(kind: Any) -> None:
    """Rows drawn from each state have that component's mean and covariance, within six standard errors."""
    rng = np.random.default_rng(5)
    emissions = random_mixture(kind, rng).emissions
    n = 20_000
    for k, (mean, covariance) in enumerate(zip(emissions.means, emissions.covariance_matrices(), strict=True)):
        rows = emissions.sample(np.full(n, k), rng)
        scale = np.sqrt(np.diag(covariance))
        assert (np.abs(rows.mean(axis=0) - mean) < 6 * scale / np.sqrt(n)).all()
        assert (np.abs(np.cov(rows, rowvar=False) - covariance) < 6 * np.sqrt(2 / n) * np.outer(scale, scale)).all()


@given(SEEDS, st.sampled_from(KINDS))
def test_component_without_weight_stays(seed: int, kind: Any) -> None:
    """Without a prior a component that learnt nothing keeps its mean, and its covariance where it has its own."""
    rng = np.random.default_rng(seed)
    emissions, x = random_mixture(kind, rng).emissions, random_rows(rng)
    posterior = rng.dirichlet(np.ones(3), len(x)) * [1.0, 0.0, 1.0]
    fitted = emissions.m_step(emissions.statistics(x, posterior))
    assert np.array_equal(fitted.means[1], emissions.means[1])
    if kind is not TiedGaussian:
        assert np.array_equal(fitted.covariance_matrices()[1], emissions.covariance_matrices()[1])
