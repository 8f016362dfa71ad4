"""How far the posterior of what is latent moves between two models, unit by unit."""

from itertools import islice
from typing import Any

import numpy as np

from emkit.arrays import Array, divergence
from emkit.data import split_weight
from emkit.model import Enumerates, HasPosterior, HasPosteriorDivergence, MissingPowerError, has

MOST_CONFIGURATIONS = 10_000
"""Latent configurations of one unit that are gone through one by one."""


def posterior_divergence(model: Any, other: Any, data: Any) -> float:
    """Return Σ_n w_n KL(p(z | x_n; model) || p(z | x_n; other)) of prepared data, nats.

    By `posterior_divergence`, where a model has it; else from `posterior`, where that is a table (N, K) of shares,
    taken to be of all that is latent; else over all `configurations`, and so is each unit whose share in the second
    table underflowed to zero: infinite where the model has none.

    Raises:
        MissingPowerError: the model has none of the three.
    """
    _, weight = split_weight(data)
    each = _of_units(model, other, data)  # (N,)
    return float(each.sum() if weight is None else weight[weight > 0] @ each[weight > 0])


def _of_units(model: Any, other: Any, data: Any) -> Array:
    if has(model, HasPosteriorDivergence):
        return np.asarray(model.posterior_divergence(other, data))
    if has(model, HasPosterior):
        mine, theirs = (_table(one.posterior(data)) for one in (model, other))
        if mine is not None and theirs is not None:
            with np.errstate(divide="ignore"):
                each = divergence(np.log(mine), np.log(theirs))  # (N,)
            if has(model, Enumerates):
                for n in np.flatnonzero(np.isinf(each)):
                    each[n] = _over_configurations(model, other, data[n : n + 1])
            return each
    if has(model, Enumerates):
        return np.array([_over_configurations(model, other, data[n : n + 1]) for n in range(len(data))])
    raise MissingPowerError(
        f"{type(model).__name__} has no `posterior_divergence`, and neither a `posterior` that is a table (N, K) nor "
        "`configurations` to compute it from: write one of them"
    )


def _table(posterior: Any) -> Array | None:
    """Return a table (N, K) of shares as it is, None where it is something else."""
    if not isinstance(posterior, np.ndarray) or posterior.ndim != 2 or posterior.dtype.kind != "f":
        return None
    if (posterior < 0).any() or not np.allclose(posterior.sum(axis=1), 1.0, rtol=0.0, atol=1e-8):
        return None
    return posterior


def _over_configurations(model: Any, other: Any, unit: Any) -> float:
    both = []
    for one in (model, other):
        log_joint = np.array([found for found, _ in islice(one.configurations(unit), MOST_CONFIGURATIONS + 1)])
        if len(log_joint) > MOST_CONFIGURATIONS:
            raise MissingPowerError(
                f"a unit has more than {MOST_CONFIGURATIONS} latent configurations: {type(model).__name__} needs "
                "`posterior_divergence`"
            )
        both.append(log_joint - np.logaddexp.reduce(log_joint))
    return float(divergence(both[0], both[1]))
