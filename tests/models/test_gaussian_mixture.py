"""The Gaussian mixture: marginals, conditionals and regression against SciPy and quadrature; hard data."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.stats import multivariate_normal

import emkit
from emkit import Array, GaussianMixture
from tests.gaussians import KINDS, emissions_of, random_mixture, random_rows

SEEDS = st.integers(0, 2**32 - 1)


def density(model: GaussianMixture, x: Array) -> Any:
    """Return the mixture's density by SciPy, for one row or many."""
    components = zip(model.weights, model.means, model.covariances, strict=True)
    return sum(w * multivariate_normal.pdf(x, m, c) for w, m, c in components)


@given(SEEDS, st.sampled_from(KINDS), st.permutations(range(3)), st.integers(1, 3))
def test_marginal_is_read_off_the_joint(seed: int, kind: Any, order: list[int], count: int) -> None:
    """The marginal of some features has their means and covariances, in the order asked for."""
    model = random_mixture(kind, np.random.default_rng(seed), 2, 3)
    features = order[:count]
    marginal = model.marginal(features)
    assert_allclose(marginal.means, model.means[:, features])
    assert_allclose(marginal.covariances, model.covariances[:, features][:, :, features])
    assert np.array_equal(marginal.weights, model.weights)


@pytest.mark.parametrize("kind", KINDS)
def test_marginal_integrates_the_joint(kind: Any) -> None:
    """The marginal density is the integral of the joint density over the other feature."""
    model = random_mixture(kind, np.random.default_rng(1))
    for place in (-2.0, 0.5, 3.0):
        integral, _ = quad(lambda other, at=place: density(model, np.array([other, at])), -40, 40, limit=200)
        assert_allclose(np.exp(model.marginal([1]).log_marginal([[place]])[0]), integral, rtol=1e-6)


@given(SEEDS, st.sampled_from(KINDS), st.permutations(range(3)), st.integers(1, 2))
def test_conditional_is_joint_over_marginal(seed: int, kind: Any, order: list[int], count: int) -> None:
    """p(rest | given) = p(rest, given) / p(given), with SciPy's densities on the right."""
    rng = np.random.default_rng(seed)
    model = random_mixture(kind, rng, 3, 3)
    given_features, rest = order[:count], sorted(order[count:])
    x = random_rows(rng, 6, 3)
    x[:, given_features] = x[0, given_features]
    conditional = model.conditional(given_features, x[0, given_features])
    columns = np.ix_(range(3), given_features, given_features)
    below = GaussianMixture(
        model.weights,
        emissions_of(emkit.FullGaussian, model.means[:, given_features], model.covariances[columns]),
    )
    expected = np.log(density(model, x)) - np.log(density(below, x[:1, given_features]))
    assert_allclose(conditional.log_marginal(x[:, rest]), expected, rtol=1e-7, atol=1e-7)


@given(SEEDS, st.sampled_from(KINDS))
def test_regression_is_the_conditionals_mean_and_covariance(seed: int, kind: Any) -> None:
    """Each row of `regress` has the mean and the covariance of that row's conditional mixture."""
    rng = np.random.default_rng(seed)
    model, values = random_mixture(kind, rng, 3, 3), random_rows(rng, 5, 1)
    mean, covariance = model.regress([1], values)
    assert (mean.shape, covariance.shape) == ((5, 2), (5, 2, 2))
    for row in range(5):
        conditional = model.conditional([1], values[row])
        centre = conditional.weights @ conditional.means
        parts = zip(conditional.weights, conditional.means - centre, conditional.covariances, strict=True)
        assert_allclose(mean[row], centre, rtol=1e-9, atol=1e-10)
        assert_allclose(covariance[row], sum(w * (c + np.outer(d, d)) for w, d, c in parts), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_regression_by_quadrature(kind: Any) -> None:
    """E[y | x] and Var[y | x] are ratios of one-dimensional integrals of the joint density."""
    model = random_mixture(kind, np.random.default_rng(6))
    mean, covariance = model.regress([0], [[0.3]])

    def integral(of: Callable[[float], float]) -> float:
        total, _ = quad(lambda y: of(y) * density(model, np.array([0.3, y])), -60, 60, limit=400, epsabs=1e-13)
        return float(total)

    mass = integral(lambda _: 1.0)
    first = integral(lambda y: y) / mass
    second = integral(lambda y: (y - first) ** 2) / mass
    assert_allclose(mean[0, 0], first, rtol=1e-6)
    assert_allclose(covariance[0, 0, 0], second, rtol=1e-6)


@pytest.mark.parametrize("features", [[], [0, 0], [2], [-1]])
def test_features_that_do_not_exist_are_refused(features: list[int]) -> None:
    """No feature, one twice or one that does not exist is refused by name."""
    model = random_mixture(emkit.FullGaussian, np.random.default_rng(0))
    with pytest.raises(ValueError, match="features"):
        model.marginal(features)


def test_nothing_left_to_predict_is_refused() -> None:
    """Conditioning on every feature leaves nothing and is refused, as are values of another length."""
    model = random_mixture(emkit.FullGaussian, np.random.default_rng(0))
    with pytest.raises(ValueError, match="given"):
        model.conditional([0, 1], [0.0, 0.0])
    with pytest.raises(ValueError, match="expected 1 columns"):
        model.conditional([0], [0.0, 0.0])


@pytest.mark.parametrize("kind", KINDS)
def test_known_parameters_carry_no_prior(kind: Any) -> None:
    """A mixture from known parameters, and one started with prior=None, is plain maximum likelihood."""
    x = emkit.datasets.faithful().data
    known = random_mixture(kind, np.random.default_rng(0))
    asked = GaussianMixture.start(x, 2, rng=0, emissions=kind, prior=None)
    assert (known.log_prior(), asked.log_prior()) == (0.0, 0.0)
    fit = emkit.fit(asked, x)
    assert fit.objective == fit.log_likelihood
    assert GaussianMixture.start(x, 2, rng=0, emissions=kind).log_prior() != 0.0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("offset", [0.0, 1e8])
@pytest.mark.parametrize("scale", [2.0**-490, 1.0, 2.0**490])  # about 1e-148 and 1e148
def test_offset_and_scale(kind: Any, offset: float, scale: float) -> None:
    """Offset by 1e8 widths, at scales of 1e±148, a fit has the responsibilities of the plain one."""
    x = np.round(random_rows(np.random.default_rng(7), 90) * 16) / 16  # so that the offset itself is exact
    start = GaussianMixture.start(x, 3, rng=1, emissions=kind)
    plain = emkit.fit(start, x, tol=1e-9)
    moved = (x + offset) * scale
    fit = emkit.fit(GaussianMixture.start(moved, 3, rng=1, emissions=kind), moved, tol=1e-9)
    assert fit.outcome is plain.outcome
    assert fit.trace.monotone
    assert_allclose(fit.model.posterior(moved), plain.model.posterior(x), atol=1e-5)
    assert_allclose(fit.model.covariances / scale / scale, plain.model.covariances, rtol=1e-4, atol=1e-6)
    jacobian = x.size * np.log(scale)
    assert_allclose(fit.log_likelihood + jacobian, plain.log_likelihood, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_separation_of_ten_billion_widths(kind: Any) -> None:
    """Two clusters 1e10 widths apart have the moments of each cluster alone."""
    rng = np.random.default_rng(9)
    groups = [rng.normal(size=(60, 2)) + place for place in (0.0, 1e10)]
    x, labels = np.concatenate(groups), np.repeat([0, 1], 60)
    fit = emkit.fit(GaussianMixture.from_responsibilities(x, labels, emissions=kind, prior=None), x)
    spread = np.stack([np.cov(group, rowvar=False, ddof=0) for group in groups])
    expected = {
        "FullGaussian": spread,
        "TiedGaussian": np.tile(spread.mean(axis=0), (2, 1, 1)),
        "DiagonalGaussian": spread * np.eye(2),
        "SphericalGaussian": np.trace(spread, axis1=1, axis2=2)[:, None, None] / 2 * np.eye(2),
    }[kind.__name__]
    assert fit.converged
    assert np.array_equal(fit.model.predict(x), labels)
    assert_allclose(fit.model.covariances, expected, rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_far_rows_have_a_posterior(kind: Any) -> None:
    """Where every density underflows, the posterior is still that of the log densities, and sums to one."""
    model = random_mixture(kind, np.random.default_rng(3))
    x = np.array([[1e5, -1e5], [1e20, 3e19]])
    posterior = model.posterior(x)
    assert_allclose(posterior.sum(axis=1), 1.0, rtol=1e-14)
    assert np.isfinite(model.log_marginal(x)).all()
    assert (model.log_marginal(x) < -1e8).all()


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_component_stays_where_it_was(kind: Any) -> None:
    """A component 1e4 widths from every row learns nothing: its mean stays, all stays finite, and it is reported."""
    x = random_rows(np.random.default_rng(5), 80)
    emissions = emissions_of(kind, [[0.0, 0.0], [4.0, 4.0], [1e4, 1e4]], np.tile(np.eye(2), (3, 1, 1)))
    fit = emkit.fit(GaussianMixture(np.full(3, 1 / 3), emissions), x)
    assert np.array_equal(fit.model.means[2], [1e4, 1e4])
    assert np.isfinite(fit.model.covariances).all()
    assert fit.outcome is emkit.Outcome.DEGENERATE
    assert "component 2" in fit.message


def test_other_emissions_are_refused() -> None:
    """A Gaussian mixture takes Gaussian emissions alone, and names the class that takes any."""

    class Coin:
        def log_density(self, x: Any) -> Any: ...
        def statistics(self, x: Any, posterior: Any) -> Any: ...
        def m_step(self, statistics: Any) -> Any: ...

    with pytest.raises(TypeError, match=r"found a Coin; emkit\.Mixture takes any"):
        GaussianMixture([0.5, 0.5], Coin())
