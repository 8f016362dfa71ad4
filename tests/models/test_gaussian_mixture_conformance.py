"""Gaussian mixtures obey every law: four kinds of covariance, with and without priors, weighted and not."""

from typing import Any

import numpy as np

from emkit import (
    DiagonalGaussian,
    DiagonalRidge,
    Dirichlet,
    FullGaussian,
    GaussianMixture,
    NormalInverseGamma,
    NormalInverseWishart,
    Ridge,
    SphericalGaussian,
    TiedGaussian,
    Weighted,
)
from emkit.testing import conformance

EXAMPLES = 3

_RNG = np.random.default_rng(5)
ROWS = np.concatenate(
    [_RNG.normal([0, 10], [1, 0.4], (16, 2)), _RNG.multivariate_normal([3, 12], [[0.5, 0.3], [0.3, 0.8]], 20)]
)
WEIGHTS = np.where(np.arange(len(ROWS)) % 7 == 0, 0.0, _RNG.uniform(0.2, 3.0, len(ROWS)))

MEANS = np.array([[0.0, 10.0], [3.0, 12.0]])
FULL = np.array([[[1.0, 0.1], [0.1, 0.3]], [[0.5, 0.3], [0.3, 0.8]]])
VARIANCES = np.array([[1.0, 0.3], [0.5, 0.8]])

COVARIANCE_PRIORS: dict[str, Any] = {
    "": None,
    "Ridge": Ridge(np.array([[1.0, 0.2], [0.2, 0.5]]), 3.0),
    "Conjugate": NormalInverseWishart(np.array([1.0, 11.0]), 0.7, 5.0, np.array([[1.0, 0.2], [0.2, 0.5]])),
}
VARIANCE_PRIORS: dict[str, Any] = {
    "": None,
    "Ridge": DiagonalRidge(np.array([1.0, 0.5]), 3.0),
    "Conjugate": NormalInverseGamma(np.array([1.0, 11.0]), 0.7, 5.0, np.array([1.0, 0.5])),
}


def _emissions() -> dict[str, Any]:
    """Return components of every kind with every prior, by name."""
    found: dict[str, Any] = {}
    for name, prior in COVARIANCE_PRIORS.items():
        found[f"Full{name}"] = FullGaussian(MEANS, FULL, prior)
        found[f"Tied{name}"] = TiedGaussian(MEANS, FULL[1], prior)
    for name, prior in VARIANCE_PRIORS.items():
        found[f"Diagonal{name}"] = DiagonalGaussian(MEANS, VARIANCES, prior)
        found[f"Spherical{name}"] = SphericalGaussian(MEANS, VARIANCES[:, 0], prior)
    return found


for _name, _components in _emissions().items():
    _weights_prior = Dirichlet(np.array([2.0, 3.5])) if _name.endswith("Conjugate") else None
    _model = GaussianMixture(np.array([0.45, 0.55]), _components, _weights_prior)
    globals()[f"Test{_name}"] = conformance(_model, ROWS, examples=EXAMPLES)
    globals()[f"Test{_name}Weighted"] = conformance(_model, Weighted(ROWS, WEIGHTS), examples=EXAMPLES)
