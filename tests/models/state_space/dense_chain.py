"""One joint normal over all states and all observations of a short sequence: the oracle of state space models."""

from typing import Any, NamedTuple

import numpy as np
from scipy.stats import multivariate_normal

from emkit import Array, LinearGaussianStateSpace


class Normal(NamedTuple):
    """A normal distribution, and a part of its variables at a time."""

    mean: Array
    covariance: Array

    def of(self, index: Any) -> "Normal":
        """Return the marginal distribution of some variables."""
        return Normal(self.mean[index], self.covariance[np.ix_(index, index)])

    def log_density(self, x: Array) -> float:
        """Return log p(x), nats."""
        return float(multivariate_normal(self.mean, self.covariance, allow_singular=False).logpdf(x)) if len(x) else 0.0

    def given(self, index: Any, x: Array) -> "Normal":
        """Return all variables, given that some of them are x: those have variance zero."""
        to_known = self.covariance[:, index]
        slopes = np.linalg.solve(self.covariance[np.ix_(index, index)], to_known.T).T
        mean, covariance = self.mean + slopes @ (x - self.mean[index]), self.covariance - slopes @ to_known.T
        return Normal(mean, (covariance + covariance.T) / 2)

    def expected_log_density(self, of: "Normal") -> float:
        """Return E[log p(y)] where y comes from another normal, which may be singular."""
        inverse = np.linalg.inv(self.covariance)
        shift = of.mean - self.mean
        square = np.trace(inverse @ of.covariance) + shift @ inverse @ shift
        return float(-0.5 * (np.linalg.slogdet(2 * np.pi * self.covariance)[1] + square))


def joint(model: LinearGaussianStateSpace, length: int) -> Normal:
    """Return the distribution of z_1 .. z_T and then x_1 .. x_T, by propagating moments."""
    s, d = len(model.initial_mean), len(model.observation)
    unit = np.eye(length * s)
    inverse = unit.copy()  # of the map from shocks (z_1, then the noise of each step) to states
    for t in range(1, length):
        inverse[t * s : (t + 1) * s, (t - 1) * s : t * s] = -model.transition
    to_states = np.linalg.solve(inverse, unit)
    shocks = np.kron(np.eye(length), model.transition_covariance)
    shocks[:s, :s] = model.initial_covariance
    mean = np.zeros(length * s)
    mean[:s] = model.initial_mean
    see = np.kron(np.eye(length), model.observation)
    to_all = np.concatenate([to_states, see @ to_states])  # of shocks
    covariance = to_all @ shocks @ to_all.T
    covariance[length * s :, length * s :] += np.kron(np.eye(length), model.observation_covariance)
    assert covariance.shape == (length * (s + d),) * 2
    return Normal(to_all @ mean, covariance)


def posterior(model: LinearGaussianStateSpace, x: Array) -> tuple[Normal, float]:
    """Return all states and observations given the cells of x (T, D) that are not nan, and the log marginal."""
    everything = joint(model, len(x))
    seen = len(x) * len(model.initial_mean) + np.flatnonzero(~np.isnan(x.ravel()))
    values = x.ravel()[~np.isnan(x.ravel())]
    log_marginal = everything.of(seen).log_density(values)
    return (everything.given(seen, values) if len(seen) else everything), log_marginal


def complete(x: Array, n_states: int) -> Any:
    """Return the variables whose joint density an M-step sees: all states, and rows of x where any cell is seen."""
    steps = np.repeat((~np.isnan(x)).any(axis=1), x.shape[1])
    return np.concatenate([np.arange(len(x) * n_states), len(x) * n_states + np.flatnonzero(steps)])


def random_model(
    rng: np.random.Generator, n_states: int, width: int, fixed: Any = (), scale: float = 1.0
) -> LinearGaussianStateSpace:
    """Return a model with stable dynamics and full covariances."""

    def covariance(size: int) -> Array:
        rows: Array = rng.normal(size=(size + 2, size))
        return rows.T @ rows / size + 0.1 * np.eye(size)

    transition = rng.normal(size=(n_states, n_states))
    transition *= rng.uniform(0.4, 1.0) / np.abs(np.linalg.eigvals(transition)).max()
    return LinearGaussianStateSpace(
        scale * rng.normal(size=n_states),
        covariance(n_states),
        transition,
        covariance(n_states),
        scale * rng.normal(size=(width, n_states)),
        scale**2 * covariance(width),
        fixed=fixed,
    )


def with_gaps(rng: np.random.Generator, x: Array, cells: float = 0.2, rows: float = 0.15) -> Array:
    """Return x with cells and whole rows replaced by nan."""
    gaps = x.copy()
    gaps[rng.random(x.shape) < cells] = np.nan
    gaps[rng.random(len(x)) < rows] = np.nan
    return gaps
