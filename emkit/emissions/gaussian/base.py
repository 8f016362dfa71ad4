"""Gaussian components: all that does not depend on the form of their covariances.

Log densities are -½ (D log 2π + log|Σ| + |Σ^(-1/2) (x - μ)|²), with rows centred on each component before they are
whitened, so that neither offset nor separation costs a digit. A final class declares its parameters, and names the
`Structure` that knows its covariances and the `Moments` that it learns from.
"""

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Generic, Literal, Self, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from emkit.arrays import EPS, LOG_2PI, Array, average
from emkit.declarations import ParameterError
from emkit.emissions.gaussian import begin, compiled, edges, missing, textbook
from emkit.emissions.gaussian.distances import square_distances
from emkit.emissions.gaussian.missing import GivenSeen
from emkit.emissions.gaussian.variant import Variant
from emkit.emissions.protocol import MixtureStep
from emkit.entries import REAL, as_entries
from emkit.incomplete import Incomplete
from emkit.model import Complaint
from emkit.moments import Moments
from emkit.priors.conjugate import CovariancePrior, VariancePrior
from emkit.starts import features_of
from emkit.values import update

S = TypeVar("S", bound=Moments)

GaussianPrior: TypeAlias = CovariancePrior | VariancePrior | Literal["ridge"] | None
"""A prior of the components, None for maximum likelihood, or the weak ridge scaled to the data."""


class Gaussian(Variant[S], Generic[S]):
    """K Gaussian components; a final class adds its covariances, how they are stored, and its priors.

    Data are real numbers (N, D), or `Incomplete`: missing cells are integrated out, exactly where they are missing at
    random. Reference: Z. Ghahramani and M. I. Jordan (1994), NIPS 6, 120-127.
    """

    # Where a fit begins.

    @classmethod
    def read(cls, x: Any) -> Any:
        """Return x as an (N, D) matrix of finite numbers, or `Incomplete` as it is."""
        return as_entries(x, REAL, single=True)

    @classmethod
    def features(cls, x: Any) -> Array:
        """Return the rows themselves, (N, D), with what is missing at the mean of its column."""
        return features_of(x)

    @classmethod
    def spread(cls, x: Any, weight: Array, means: Array, *, prior: GaussianPrior = "ridge") -> Self:
        """Return components at means (K, D), all with the diagonal covariance of the rows x (N, D), weighted (N,).

        Raises:
            ValueError: a column that is constant, where the variance of a column must be positive, or never observed.
        """
        columns = begin.columns(x, weight)
        try:
            stated = begin.scaled(prior, cls.weak_ridge, x, weight, len(means))
            return cls.at(means, columns.variance, prior=stated)
        except ParameterError as error:
            columns.check_not_constant(error)
            raise

    @classmethod
    def settled(cls, x: Any, weight: Array, n_states: int, options: dict[str, Any]) -> dict[str, Any]:
        """Return the options of a start with the ridge scaled to all rows (N, D): a sample then serves."""
        prior = begin.scaled(options.get("prior", "ridge"), cls.weak_ridge, x, weight, n_states)
        return {**options, "prior": prior}

    @classmethod
    def around(cls, x: Any, posterior: Array, *, prior: GaussianPrior = "ridge") -> Self:
        """Return the M-step's components given rows x (N, D) and posterior (N, K), weights already in it.

        What is missing is expected as if all rows came from one component with independent columns.
        """
        weight = posterior.sum(axis=1)
        centre = begin.columns(x, weight).mean
        seed = cls.spread(x, weight, np.tile(centre, (posterior.shape[1], 1)), prior=prior)
        return seed.m_step(seed.statistics(x, posterior))

    # The emissions protocol, and its powers.

    def prepare(self, x: Any) -> Any:
        """Return x as an (N, D) matrix of finite numbers, or raise ValueError or TypeError with the entry at fault.

        float32 stays as it is; sums are float64 all the same.
        """
        return as_entries(x, REAL, features=self.means.shape[1], single=True)

    def accepts(self, wrapper: type) -> bool:
        """Accept single missing cells."""
        return wrapper is Incomplete

    def log_density(self, x: Any) -> Array:
        """Return log N(x_n; μ_k, Σ_k) of the cells seen, (N, K), nats. Reference: Bishop (2006), equation 2.43."""
        if isinstance(x, Incomplete):
            return self._given_seen(x).log_density()
        distance = square_distances(x, self.means, self.structure)  # (N, K)
        distance += self._log_normaliser
        distance *= -0.5
        return distance

    def statistics(self, x: Any, posterior: Array) -> S:
        """Return the moments of x (N, D) in each component, given posterior (N, K).

        Missing cells enter with their mean and covariance given the cells seen; rows of which nothing is seen do not.
        """
        if not isinstance(x, Incomplete):
            return self.moments.of(x, posterior, about=self.means)
        told = posterior * x.seen.any(axis=1, keepdims=True)  # (N, K)
        seen = self.structure.seen(x.seen, told.sum(axis=1))
        return self.moments.of_groups(missing.groups(self._given_seen(x), told, told), self.means, seen)

    def mixture_step(self, weights: Array, x: Any, weight: Array) -> MixtureStep | None:
        """Return a mixture's E-step as two matrix products, where they lose no digits that matter and are faster."""
        if isinstance(x, Incomplete):
            return None
        with np.errstate(divide="ignore"):
            return self.as_products.mixture_step(np.log(weights), x, weight)

    def compiled_mixture_step(self, x: Any) -> compiled.Step | None:
        """Return a mixture's E-step in compiled code, where the rows are worth it."""
        return compiled.mixture_step(self, x)

    def m_step(self, statistics: S) -> Self:
        """Return the joint mode of means and covariances; components without weight stay where they were.

        Where the means are held, the covariances are about them. Reference: Bishop (2006), equations 9.24 and 9.25;
        with a prior, its own docstring.
        """
        pseudo = self._pseudo
        total, exponent = (statistics, 0.0) if pseudo is None else (statistics + pseudo[0], pseudo[1])
        if "means" in self.fixed:
            means, scatter = self.means, total.scatter_about(self.means)
        else:
            means, scatter = np.where(total.weight[:, None] > 0, total.mean, self.means), total.scatter
        terms = self.moments.terms(statistics.weight + exponent, self.means.shape[1])
        stored = average(scatter, terms, otherwise=self.stored)
        return update(self, **{"means": means, self.stored_as: stored})

    def expected_log_density(self, statistics: S) -> float:
        """Return Σ_n Σ_k p_nk log N(x_n; μ_k, Σ_k), nats, up to a constant where cells are missing."""
        constant = statistics.weight.sum() * self.means.shape[1] * LOG_2PI
        return self._quadratic(statistics, statistics.weight) - 0.5 * float(constant)

    def latent_divergence(self, other: Self, x: Any) -> Array:
        """Return how far the missing cells move given the cells seen, (N, K), nats; zero where none is missing.

        Rows of which nothing is seen do not enter the statistics, so that nothing of them is latent.
        """
        if not isinstance(x, Incomplete):
            return np.zeros((len(x), len(self.means)))
        moved = self._given_seen(x).divergence(other._given_seen(x))
        return np.where(x.seen.any(axis=1, keepdims=True), moved, 0.0)

    def log_prior(self) -> float:
        """Return the log prior density of means and covariances, nats, up to a constant; 0 without a prior."""
        pseudo = self._pseudo
        return 0.0 if pseudo is None else self._quadratic(*pseudo)

    def sample(self, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Draw one row for each state (N,); returns (N, D)."""
        rows = rng.standard_normal((len(states), self.means.shape[1]))
        for k, mean in enumerate(self.means):
            mine = states == k
            rows[mine] = mean + self.structure.colour(k, rows[mine])
        return rows

    def impute(self, x: Incomplete, posterior: Array) -> Array:
        """Return x (N, D), missing cells at their mean given the cells seen, states shared out by posterior (N, K)."""
        return missing.imputed(self._given_seen(x), posterior)

    def sample_missing(self, x: Incomplete, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Return x (N, D), missing cells drawn given the cells seen of their row and its state (N,)."""
        normal = rng.standard_normal(x.data.shape)
        rows = np.empty(x.data.shape)
        for k in np.unique(states):
            mine = np.flatnonzero(states == k)
            rows[mine] = missing.drawn(self._given_seen(x[mine]), k, normal[mine])
        return rows

    def complaints(self, statistics: S) -> list[Complaint]:
        """Return which components have collapsed, lost a dimension, coincide or are held up by a ridge.

        Without a prior of the means, also which columns, or pairs of them, the data say nothing of.
        """
        structure, pseudo = self.structure, self._pseudo
        complaints = edges.collapsed(self.means, structure.variances)
        complaints += edges.dependent(structure.unexplained)
        complaints += edges.coincident(self.means, structure.unlike, structure.whiten)
        if pseudo is not None and pseudo[0].weight.any():
            return complaints
        if pseudo is not None:  # a ridge: it moves no mean
            terms = self.moments.terms(statistics.weight + pseudo[1], self.means.shape[1])
            floor = average(pseudo[0].scatter, terms, otherwise=np.zeros_like(self.stored))
            complaints += edges.held_up(structure.largest_share(floor))
        return complaints + edges.unseen(statistics.seen, pairs=self.stored_as not in self.fixed)

    def conditioning(self) -> float:
        """Return (4 eps c)² + eps (D / √u + max |D log 2π + log|Σ||), nats per unit.

        u is the smallest share of a column's variance that the others leave unexplained, and c the larger of 1 / u and
        |mean| / (sd √u). Covariances are known to about eps / u and means to eps |mean|: both are the same for all
        rows and cost the square of that at an optimum. Whitening a row costs eps / √u in each of D columns.
        """
        return self._conditioning

    @cached_property
    def _conditioning(self) -> float:
        location = max(1.0, float((np.abs(self.means) / np.sqrt(self.structure.variances)).max()))
        smallest = float(self.structure.unexplained.min())
        root = math.sqrt(smallest)
        worst = min(max(1 / smallest, location / root), 1 / EPS)  # there, no digit is left to lose
        terms = self.means.shape[1] / root + float(np.abs(self._log_normaliser).max())
        return (4 * EPS * worst) ** 2 + EPS * terms

    def complete(self, row: Any) -> Iterator[tuple[float, S]]:
        """Yield the log density of one row and its complete-data moments, for each component: the textbook formula."""
        for k, (mean, covariance) in enumerate(zip(self.means, self.structure.matrices, strict=True)):
            one = textbook.completed(row, mean, covariance)
            here = np.arange(len(self.means)) == k  # (K,)
            scatters = [self.moments.group_scatter(one.roots * mine, np.ones(len(mean))) for mine in here]
            told, told_of = (here * one.weight).astype(np.float64), one.expected * here[:, None]
            seen = self.structure.seen(row.seen, np.full(1, one.weight)) if isinstance(row, Incomplete) else None
            yield one.log_density, self.moments(told, told_of, self.moments.gather(scatters), seen)

    def _given_seen(self, x: Incomplete) -> GivenSeen:
        return self.structure.given_seen(self.means, x)

    @cached_property
    def _pseudo(self) -> tuple[S, Array] | None:
        """Return the prior as moments and the exponent of each |Σ_k|^(-1/2), (K,); None without a prior.

        Where one covariance serves all components it is stated once: each carries an equal share of its exponent.
        """
        pseudo = self.stated_prior()
        if pseudo is None:
            return None
        count, columns = self.means.shape
        shared = count // np.size(self.moments.terms(np.ones(count), 1))  # components that share a covariance
        weight = np.full(count, pseudo.weight)
        mean = np.tile(pseudo.mean, (count, 1)) if pseudo.weight > 0 else np.zeros((count, columns))
        scatter = self.moments.gather([pseudo.scatter] * (count // shared))
        return self.moments(weight, mean, scatter), np.full(count, pseudo.total_exponent(shared) / shared)

    @cached_property
    def _log_normaliser(self) -> Array:  # (K,)
        return self.structure.log_volume + self.means.shape[1] * LOG_2PI

    def _quadratic(self, statistics: S, exponent: Array) -> float:
        """Return -½ Σ_k [exponent log|Σ| + tr(Σ⁻¹ scatter) + weight |Σ^(-1/2) (mean - μ)|²]."""
        distance = np.zeros(len(self.means))  # (K,)
        for k in np.flatnonzero(statistics.weight):
            shift = statistics.mean[k : k + 1] - self.means[k]  # (1, D)
            distance[k] = np.square(self.structure.whiten(int(k), shift)).sum()
        spread = self.structure.trace(statistics.scatter)
        parts = exponent @ self.structure.log_volume + spread + statistics.weight @ distance
        return -0.5 * float(parts)
