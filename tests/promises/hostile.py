"""Data and checks that the promises share."""

from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

import emkit
from emkit import Array, Fit, GaussianMixture
from emkit.emissions.gaussian.base import Gaussian
from tests.gaussians import KINDS

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
every_prior = pytest.mark.parametrize("prior", ["ridge", None])
every_chunking = pytest.mark.parametrize("chunk_size", [None, 17])

CENTRES = np.array([[0.0, 0.0], [7.0, 1.0], [2.0, 8.0]])


def groups(n: int = 60, seed: int = 0) -> Array:
    """Return n rows around each of three centres, with correlated columns and different widths."""
    rng = np.random.default_rng(seed)
    widths = np.array([[[1.0, 0.0], [0.5, 0.8]], [[1.5, 0.0], [-0.4, 1.0]], [[0.8, 0.0], [0.2, 1.3]]])
    noise = rng.normal(size=(3, n, 2))
    return (CENTRES[:, None, :] + noise @ widths.transpose(0, 2, 1)).reshape(-1, 2)


def known(kind: type[Gaussian[Any]], means: Any = CENTRES, variance: Any = 2.0) -> GaussianMixture:
    """Return a mixture of equal weights from known parameters; it carries no prior."""
    places = np.asarray(means, dtype=np.float64)
    variances = np.broadcast_to(variance, places.shape[1:])
    return GaussianMixture(np.full(len(places), 1 / len(places)), kind.at(places, variances))


def start(kind: type[Gaussian[Any]], x: Any, n_components: int = 3, **options: Any) -> GaussianMixture:
    """Return the default start, always with the same seed."""
    return GaussianMixture.start(x, n_components, rng=0, emissions=kind, **options)


def log_likelihood(model: GaussianMixture, x: Array, weight: Any = 1.0) -> float:
    """Return the log likelihood by SciPy, which shares no code with emkit."""
    parts = [
        np.log(w) + multivariate_normal.logpdf(x, mean, covariance).reshape(len(x))
        for w, mean, covariance in zip(model.weights, model.means, model.covariances, strict=True)
        if w > 0
    ]
    return float(np.sum(weight * logsumexp(parts, axis=0)))


def assert_same(one: GaussianMixture, two: GaussianMixture, tolerance: float) -> None:
    """Compare two mixtures in units of the widths of the first; means may differ by a few of their last digits."""
    width = np.sqrt(np.diagonal(one.covariances, axis1=1, axis2=2))  # (K, D)
    assert np.abs(one.weights - two.weights).max() <= tolerance
    assert (np.abs(one.means - two.means) <= tolerance * width + 4 * np.spacing(np.abs(one.means))).all()
    relative = (one.covariances - two.covariances) / width[:, :, None] / width[:, None, :]
    assert np.abs(relative).max() <= tolerance


def assert_usable(model: GaussianMixture, x: Array) -> None:
    """Score, classify and sample a model: every number is finite."""
    assert np.isfinite(emkit.pack(model)).all()
    assert np.isfinite(model.log_marginal(x)).all()
    posterior = model.posterior(x)
    assert np.abs(posterior.sum(axis=1) - 1).max() < 1e-12
    assert np.isfinite(model.sample(20, np.random.default_rng(0))).all()


def fit_or_refusal(kind: type[Gaussian[Any]], x: Array, n_components: int, prior: Any) -> "Fit[GaussianMixture] | str":
    """Return a fit from the default start, or why it was refused before the loop."""
    try:
        begin = start(kind, x, n_components, prior=prior)
    except ValueError as error:
        return str(error)
    result = emkit.fit(begin, x)
    assert_usable(result.model, x)
    return result
