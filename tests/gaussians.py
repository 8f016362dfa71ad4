"""Gaussian mixtures to test with: all four kinds of covariances, from matrices or at random."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from emkit import Array, DiagonalGaussian, FullGaussian, GaussianMixture, SphericalGaussian, TiedGaussian
from emkit.emissions.gaussian.base import Gaussian

KINDS = (FullGaussian, TiedGaussian, DiagonalGaussian, SphericalGaussian)


def emissions_of(kind: Any, means: ArrayLike, matrices: ArrayLike, prior: Any = None) -> Gaussian[Any]:
    """Return components of a kind from covariance matrices (K, D, D); they must be of that kind already."""
    covariances = np.asarray(matrices, dtype=np.float64)
    parameters: dict[Any, Any] = {
        FullGaussian: lambda: covariances,
        TiedGaussian: lambda: covariances[0],
        DiagonalGaussian: lambda: np.diagonal(covariances, axis1=1, axis2=2),
        SphericalGaussian: lambda: covariances[:, 0, 0],
    }
    components: Gaussian[Any] = kind(np.asarray(means), parameters[kind](), prior)
    return components


def random_mixture(
    kind: Any, rng: np.random.Generator, n_components: int = 3, width: int = 2, *, prior: Any = None, **more: Any
) -> GaussianMixture:
    """Return a mixture with random weights, means some widths apart and covariances of a kind."""
    roots = rng.normal(size=(n_components, width, width))
    matrices = roots @ roots.transpose(0, 2, 1) + 0.3 * np.eye(width)
    emissions = emissions_of(kind, 3 * rng.normal(size=(n_components, width)), matrices, prior)
    return GaussianMixture(rng.dirichlet(np.full(n_components, 3.0)), emissions, **more)


def random_rows(rng: np.random.Generator, n: int = 40, width: int = 2) -> Array:
    """Return rows in three loose groups."""
    rows: Array = rng.normal(size=(n, width)) + 4 * rng.integers(0, 3, size=(n, 1))
    return rows


def healthy_start(kind: Any, rng: np.random.Generator, x: Array, **more: Any) -> GaussianMixture:
    """Return a mixture of three components that each have a share in every row, so that none is near an edge."""
    return GaussianMixture.from_responsibilities(x, rng.dirichlet(np.ones(3), len(x)), emissions=kind, **more)
