"""One example of every kind of emissions, with data: what tests of structures run over."""

from typing import Any

import numpy as np

from emkit import (
    Array,
    Bernoulli,
    Categorical,
    DiagonalGaussian,
    Exponential,
    FullGaussian,
    Gamma,
    LinearRegression,
    PointMass,
    Poisson,
    PoissonRegression,
    Product,
    SphericalGaussian,
    Stacked,
    StudentT,
    TiedGaussian,
    TiedLinearRegression,
)

MEANS = np.array([[0.0, 1.0], [3.0, -1.0]])
MATRICES = np.array([[[1.0, 0.3], [0.3, 0.5]], [[0.6, -0.2], [-0.2, 1.5]]])
FULL = FullGaussian(MEANS, MATRICES)
POISSON = Poisson([[1.5, 7.0], [6.0, 2.0]])
LABELS = Categorical([[[0.6, 0.3, 0.1], [0.5, 0.5, 0.0]], [[0.2, 0.2, 0.6], [0.1, 0.9, 0.0]]])

EMISSIONS: dict[str, Any] = {  # of two states each
    "full": FULL,
    "tied": TiedGaussian(MEANS, MATRICES[0]),
    "diagonal": DiagonalGaussian(MEANS, [[1.0, 0.5], [0.6, 1.5]]),
    "spherical": SphericalGaussian(MEANS, [0.7, 1.2]),
    "poisson": POISSON,
    "bernoulli": Bernoulli([[0.8, 0.3], [0.2, 0.7]]),
    "categorical": LABELS,
    "exponential": Exponential([[1.5, 0.2], [0.3, 0.6]]),
    "gamma": Gamma([[1.5, 3.0], [6.0, 2.0]], [[0.5, 2.0], [1.0, 0.3]]),
    "stacked": Stacked((PointMass([[0.0, 0.0]]), Poisson([[4.0, 1.0]]))),
    "student t": StudentT(MEANS, MATRICES, [4.0, 9.0]),
    "student t, degrees free": StudentT(MEANS, MATRICES, [4.0, 9.0], fixed=()),
    "linear regression": LinearRegression([1.0, -1.0], [[2.0], [0.5]], [0.5, 1.5]),
    "tied linear regression": TiedLinearRegression([1.0, -1.0], [[2.0], [0.5]], 0.7),
    "poisson regression": PoissonRegression([1.0, 0.2], [[0.5], [-0.4]]),
    "product": Product((FULL, POISSON, LABELS), ((0, 1), (2, 3), (4, 5))),
}


def rows(emissions: Any, n: int, seed: int = 3) -> Array:
    """Return n rows of emissions of two states; a regression gets covariates first."""
    rng = np.random.default_rng(seed)
    states = (rng.random(n) < 0.6).astype(np.intp)
    if not hasattr(emissions, "sample_response"):
        return np.asarray(emissions.sample(states, rng))
    covariates = rng.normal(size=(n, 1))
    return np.column_stack([covariates, emissions.sample_response(covariates, states, rng)])
