"""The identity that EM rests on, and the textbook's divergence of two normals: oracles of posterior divergences."""

from typing import Any

import numpy as np

from emkit import Array


def gap(model: Any, other: Any, data: Any) -> float:
    """Return by how much log likelihood gains more than Q and the divergence, in 1e-10 of log likelihood and units."""
    prepared = model.prepare(data)
    statistics, weight = model.e_step(prepared).statistics, prepared.weight
    before, after, moved = (
        float(weight @ each)
        for each in (model.log_marginal(data), other.log_marginal(data), model.posterior_divergence(other, data))
    )
    raised = other.expected_log_joint(statistics) - model.expected_log_joint(statistics)
    return abs(after - before - raised - moved) / (1e-10 * (abs(before) + weight.sum()))


def of_dense_normals(mean: Array, covariance: Array, other_mean: Array, other_covariance: Array) -> float:
    """Return ½ [tr(Σ'⁻¹ Σ) - D + log|Σ'| - log|Σ| + δᵀ Σ'⁻¹ δ]."""
    inverse, shift = np.linalg.inv(other_covariance), other_mean - mean
    volumes = np.linalg.slogdet(other_covariance)[1] - np.linalg.slogdet(covariance)[1]
    return float(np.trace(inverse @ covariance) - len(shift) + volumes + shift @ inverse @ shift) / 2
