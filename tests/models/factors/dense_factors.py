"""Factors and columns as one joint normal: the oracle of the factor models, in plain dense algebra."""

from typing import Any

import numpy as np
from scipy.stats import multivariate_normal

from emkit import Array, FactorAnalysis, ProbabilisticPCA


def joint(model: FactorAnalysis | ProbabilisticPCA) -> tuple[Array, Array]:
    """Return mean and covariance of (x, z), (D + Q,) and (D + Q, D + Q)."""
    noise = np.diag(np.broadcast_to(model.noise, model.mean.shape))
    top = np.hstack([model.loadings @ model.loadings.T + noise, model.loadings])
    bottom = np.hstack([model.loadings.T, np.eye(model.loadings.shape[1])])
    return np.append(model.mean, np.zeros(model.loadings.shape[1])), np.vstack([top, bottom])


def given(model: Any, row: Array) -> tuple[Array, Array]:
    """Return mean and covariance of (x, z) given the cells of one row (D,) that are not nan."""
    mean, covariance = joint(model)
    seen = np.append(~np.isnan(row), np.zeros(len(mean) - len(row), dtype=bool))
    slopes = covariance[:, seen] @ np.linalg.inv(covariance[np.ix_(seen, seen)])
    return mean + slopes @ (row[seen[: len(row)]] - mean[seen]), covariance - slopes @ covariance[seen]


def log_density(model: Any, row: Array) -> float:
    """Return the log density of the cells of one row (D,) that are not nan."""
    mean, covariance = joint(model)
    seen = np.flatnonzero(~np.isnan(row))
    if not len(seen):
        return 0.0
    return float(multivariate_normal.logpdf(row[seen], mean[seen], covariance[np.ix_(seen, seen)]))


def random_model(kind: Any, rng: np.random.Generator, columns: int, factors: int) -> Any:
    """Return a model of random parameters."""
    noise = rng.uniform(0.2, 2.0, columns) if kind is FactorAnalysis else float(rng.uniform(0.2, 2.0))
    return kind(3 * rng.normal(size=columns), rng.normal(size=(columns, factors)), noise)


def random_rows(model: Any, rng: np.random.Generator, n: int, missing: float = 0.3) -> Array:
    """Return n rows of the model, cells of them missing."""
    rows = np.asarray(model.sample(n, rng))
    return np.where(rng.random(rows.shape) < missing, np.nan, rows)
