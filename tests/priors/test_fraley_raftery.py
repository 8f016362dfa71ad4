"""The data-dependent defaults of Fraley and Raftery (2007), section 3.1, written out."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import emkit
from emkit import (
    DiagonalGaussian,
    FullGaussian,
    GaussianMixture,
    NormalInverseGamma,
    NormalInverseWishart,
    SphericalGaussian,
    TiedGaussian,
)

PRIORS: dict[Any, Any] = {
    FullGaussian: NormalInverseWishart,
    TiedGaussian: NormalInverseWishart,
    DiagonalGaussian: NormalInverseGamma,
    SphericalGaussian: NormalInverseGamma,
}


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 6))
def test_wishart_defaults(seed: int, width: int, n_components: int) -> None:
    """m is the mean of the data, κ = 0.01, ν = D + 2 and Λ = cov(x) / K^(2/D)."""
    x = np.random.default_rng(seed).normal(size=(20, width))
    prior = NormalInverseWishart.fraley_raftery(x, n_components)
    centred = x - x.mean(axis=0)
    assert_allclose(prior.mean, x.mean(axis=0), rtol=1e-13, atol=1e-14)
    assert (prior.shrinkage, prior.degrees) == (0.01, width + 2)
    assert_allclose(prior.scale, centred.T @ centred / 19 / n_components ** (2 / width), rtol=1e-11, atol=1e-14)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 6))
def test_gamma_defaults(seed: int, width: int, n_components: int) -> None:
    """m is the mean of the data, κ = 0.01, ν = D + 2 and ς² is the mean variance / K^(2/D)."""
    x = np.random.default_rng(seed).normal(size=(20, width))
    prior = NormalInverseGamma.fraley_raftery(x, n_components)
    variance = np.trace(np.atleast_2d(np.cov(x, rowvar=False))) / width
    assert_allclose(prior.mean, x.mean(axis=0), rtol=1e-13, atol=1e-14)
    assert (prior.shrinkage, prior.degrees) == (0.01, width + 2)
    assert_allclose(prior.scale, np.full(width, variance / n_components ** (2 / width)), rtol=1e-12)


@pytest.mark.parametrize("prior", [NormalInverseWishart, NormalInverseGamma])
def test_weights_count_as_repetition(prior: Any) -> None:
    """The defaults of weighted rows are those of rows repeated as often."""
    rng = np.random.default_rng(0)
    x, count = rng.normal(size=(20, 2)), rng.integers(0, 4, size=20)
    weighted = prior.fraley_raftery(emkit.Weighted(x, count), 3)
    repeated = prior.fraley_raftery(np.repeat(x, count, axis=0), 3)
    assert_allclose(weighted.mean, repeated.mean, rtol=1e-12)
    assert_allclose(weighted.scale, repeated.scale, rtol=1e-12)


@pytest.mark.parametrize("kind", PRIORS)
def test_singularities_are_gone(kind: Any) -> None:
    """Where maximum likelihood collapses on repeated rows, the default prior gives a healthy, monotone fit."""
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.normal(size=(60, 2)), np.tile([6.0, 6.0], (5, 1))])
    prior = PRIORS[kind].fraley_raftery(x, 2)
    fit = emkit.fit(
        GaussianMixture.from_responsibilities(x, np.repeat([0, 1], [60, 5]), emissions=kind, prior=prior), x
    )
    assert fit.converged
    assert fit.trace.monotone
    assert np.linalg.eigvalsh(fit.model.covariances).min() > 1e-3


@pytest.mark.parametrize("prior", [NormalInverseWishart, NormalInverseGamma])
@pytest.mark.parametrize("n_components", [0, -1])
def test_no_components_are_refused(prior: Any, n_components: int) -> None:
    """Fewer than one component is refused by name."""
    with pytest.raises(ValueError, match="n_components"):
        prior.fraley_raftery(np.random.default_rng(0).normal(size=(9, 2)), n_components)


def test_dependent_columns_are_refused() -> None:
    """Linearly dependent columns leave no positive definite Λ, and the message says so."""
    x = np.arange(12.0)[:, None] * [1.0, 2.0]
    with pytest.raises(emkit.ParameterError, match="scale"):
        NormalInverseWishart.fraley_raftery(x, 2)
