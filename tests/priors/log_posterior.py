"""Log posteriors written out with SciPy's densities, and their slopes: what the M-steps of emkit must maximise."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import dirichlet, invgamma, invwishart, multivariate_normal

import emkit
from emkit import Array, GaussianMixture

LogDensity = Callable[[Any], float]


def expected_complete_log_likelihood(model: GaussianMixture, x: Array, posterior: Array) -> float:
    """Return Σ_n Σ_k p_nk (log w_k + log N(x_n; μ_k, Σ_k))."""
    components = zip(model.weights, model.means, model.covariances, strict=True)
    return float(
        sum(
            share @ (np.log(weight) + multivariate_normal.logpdf(x, mean, matrix))
            for share, (weight, mean, matrix) in zip(posterior.T, components, strict=True)
        )
    )


def normal_inverse_wishart(prior: emkit.NormalInverseWishart, *, tied: bool) -> LogDensity:
    """Return its log density at a mixture; a tied covariance is drawn once."""

    def log_density(model: GaussianMixture) -> float:
        matrices = model.covariances[:1] if tied else model.covariances
        total = sum(invwishart.logpdf(matrix, prior.degrees, prior.scale) for matrix in matrices)
        for mean, matrix in zip(model.means, model.covariances, strict=True):
            total += multivariate_normal.logpdf(mean, prior.mean, matrix / prior.shrinkage)
        return float(total)

    return log_density


def normal_inverse_gamma(prior: emkit.NormalInverseGamma, *, spherical: bool) -> LogDensity:
    """Return its log density at a mixture; a spherical component draws one variance."""
    scale = np.atleast_1d(prior.scale.mean()) if spherical else prior.scale

    def log_density(model: GaussianMixture) -> float:
        total = 0.0
        for mean, matrix in zip(model.means, model.covariances, strict=True):
            variances = np.diag(matrix)[: len(scale)]
            total += np.sum(invgamma.logpdf(variances, prior.degrees / 2, scale=scale / 2))
            total += multivariate_normal.logpdf(mean, prior.mean, matrix / prior.shrinkage)
        return float(total)

    return log_density


def ridge(target: Array, strength: float, *, tied: bool) -> LogDensity:
    """Return -ν/2 Σ_k (log|Σ_k| + tr(Σ₀ Σ_k⁻¹)) at a mixture; once for a tied covariance."""

    def log_density(model: GaussianMixture) -> float:
        matrices = model.covariances[:1] if tied else model.covariances
        log_volume = np.linalg.slogdet(matrices)[1].sum()
        return float(-strength / 2 * (log_volume + np.trace(target @ np.linalg.inv(matrices), axis1=1, axis2=2).sum()))

    return log_density


def on_weights(concentration: Array) -> LogDensity:
    """Return the Dirichlet log density of a mixture's weights."""
    return lambda model: float(dirichlet.logpdf(model.weights / model.weights.sum(), concentration))


def slopes(objective: LogDensity, model: Any) -> Array:
    """Return the gradient of an objective in free coordinates, from differences of fourth order."""
    here = emkit.pack(model)
    step = 2e-3

    def along(direction: Array) -> float:
        before2, before, after, after2 = (
            objective(emkit.unpack(here + t * step * direction, like=model)) for t in (-2, -1, 1, 2)
        )
        return (before2 - 8 * before + 8 * after - after2) / (12 * step)

    return np.array([along(direction) for direction in np.eye(len(here))])
