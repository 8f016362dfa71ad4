"""Gaussian means or covariances held fixed: the rest is maximised given them."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from emkit import FullGaussian, ParameterError, SphericalGaussian, TiedGaussian, n_free_parameters, replace
from tests.gaussians import KINDS, random_mixture, random_rows

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.sampled_from(KINDS))
def test_covariances_are_about_held_means(seed: int, kind: Any) -> None:
    """With the means held, covariances are averages of products about these, of the kind at hand."""
    rng = np.random.default_rng(seed)
    emissions = replace(random_mixture(kind, rng).emissions, fixed="means")
    x = random_rows(rng)
    posterior = rng.dirichlet(np.ones(3), len(x))
    fitted = emissions.m_step(emissions.statistics(x, posterior))
    centred = x[:, None, :] - emissions.means  # (N, K, D)
    scatter = np.einsum("nk,nkd,nke->kde", posterior, centred, centred)
    count = posterior.sum(axis=0)[:, None, None]
    expected = scatter / count
    if kind is TiedGaussian:
        expected = np.tile(scatter.sum(axis=0) / len(x), (3, 1, 1))
    elif kind is not FullGaussian:
        expected = expected * np.eye(2)
    if kind is SphericalGaussian:
        expected = np.trace(expected, axis1=1, axis2=2)[:, None, None] / 2 * np.eye(2)
    assert np.array_equal(fitted.means, emissions.means)
    assert_allclose(fitted.covariance_matrices(), expected, rtol=1e-10, atol=1e-12)


@given(SEEDS, st.sampled_from(KINDS))
def test_means_do_not_need_covariances(seed: int, kind: Any) -> None:
    """With the covariances held, means are the weighted averages of the rows."""
    rng = np.random.default_rng(seed)
    emissions = replace(random_mixture(kind, rng).emissions, fixed=kind.stored_as)
    x = random_rows(rng)
    posterior = rng.dirichlet(np.ones(3), len(x))
    fitted = emissions.m_step(emissions.statistics(x, posterior))
    assert np.array_equal(fitted.covariance_matrices(), emissions.covariance_matrices())
    assert_allclose(fitted.means, posterior.T @ x / posterior.sum(axis=0)[:, None], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_held_parameters_are_not_counted(kind: Any) -> None:
    """Held means or covariances leave only the others free; a name that is none is refused."""
    emissions = random_mixture(kind, np.random.default_rng(0)).emissions
    means = n_free_parameters(replace(emissions, fixed=kind.stored_as))
    spread = n_free_parameters(replace(emissions, fixed="means"))
    assert means == 6
    assert n_free_parameters(emissions) == means + spread
    with pytest.raises(ParameterError, match="fixed: expected names among"):
        replace(emissions, fixed="covarianz")
