"""The filter's and smoother's shortcuts: steps that no longer change are computed once, and nothing else changes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from emkit import Incomplete, LinearGaussianStateSpace, replace
from emkit.matrices import triangular
from tests.models.state_space.dense_chain import posterior, random_model

SEEDS = st.integers(0, 10**6)


@given(SEEDS, st.integers(1, 4), st.integers(0, 4))
def test_a_triangular_root_has_the_same_square(seed: int, size: int, more: int) -> None:
    """Triangularising a root keeps its covariance, in whatever units each row is."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(size, size + more)) * 10.0 ** rng.integers(-20, 20, (size, 1))
    lower = triangular(root)
    norm = np.linalg.norm(root, axis=1)
    assert_allclose(lower @ lower.T / np.outer(norm, norm), root @ root.T / np.outer(norm, norm), atol=1e-14)
    assert (np.triu(lower, 1) == 0).all()
    assert (np.diagonal(lower) >= 0).all()


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_long_sequences_settle_where_dense_algebra_goes(seed: int) -> None:
    """A sequence so long that its covariances settle, twice, around a gap, agrees with one joint normal."""
    rng = np.random.default_rng(seed)
    model = random_model(rng, 2, 1)
    model = replace(model, transition=model.transition * 0.6)
    x = model.sample(1, rng, length=90)[0]
    x[40:43] = np.nan
    expected, log_marginal = posterior(model, x)
    assert_allclose(model.log_marginal([Incomplete(x)]), [log_marginal], rtol=1e-9)
    path = model.posterior([Incomplete(x)])[0]
    for t in range(len(x)):
        now = slice(2 * t, 2 * t + 2)
        assert_allclose(path.means[t], expected.mean[now], rtol=1e-8, atol=1e-9)
        assert_allclose(path.covariances[t], expected.covariance[now, now], rtol=1e-8, atol=1e-9)


def test_a_covariance_that_changes_sign_at_every_step_is_not_settled() -> None:
    """Entries that alternate in sign but not in size are computed anew at every step."""
    start = np.array([[1.0, 0.5], [0.5, 1.0]])
    model = LinearGaussianStateSpace(
        [0.0, 0.0], start, np.diag([1.0, -1.0]), 1e-20 * np.eye(2), [[1e-9, 1e-9]], [[1.0]]
    )
    path = model.filter([np.zeros((6, 1))])[0]
    assert_allclose(path.covariances[:, 0, 1], [0.5, -0.5, 0.5, -0.5, 0.5, -0.5], rtol=1e-6)


@pytest.mark.parametrize("noise", [1e-12, 1e-6, 1.0, 1e6])
def test_covariances_stay_positive_semidefinite(noise: float) -> None:
    """Where the textbook's subtraction of covariances loses all digits, they stay symmetric, and none is negative."""
    model = LinearGaussianStateSpace(
        [0.0, 0.0], 1e10 * np.eye(2), [[1.0, 1.0], [0.0, 1.0]], 1e-14 * np.eye(2), [[1.0, 0.0]], [[noise]]
    )
    x = np.arange(200.0)[:, None]
    for paths in (model.filter([x]), model.posterior([x])):
        covariances = paths[0].covariances
        assert np.array_equal(covariances, np.swapaxes(covariances, 1, 2))
        scale = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
        assert (scale > 0).all()
        correlations = covariances / scale[:, :, None] / scale[:, None, :]
        assert (np.linalg.eigvalsh(correlations) > -1e-14).all()
    assert_allclose(model.posterior([x])[0].means[:, 0], x[:, 0], atol=1e-3)
