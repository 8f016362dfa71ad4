"""What factor analysis and probabilistic principal components share: columns that are linear in a few factors.

x = mean + loadings z + noise, with factors z ~ N(0, I). The statistics are the moments of (x, z) together, and the
M-step is the regression of x on z.
"""

from abc import abstractmethod
from collections.abc import Iterator
from functools import reduce
from operator import add
from typing import Any, Self

import numpy as np

from emkit.arguments import Seed, as_generator, check_count
from emkit.arrays import LOG_2PI, Array
from emkit.data import Weighted
from emkit.incomplete import Incomplete, Mask
from emkit.model import Complaint, LatentVariableModel
from emkit.models.factors import divergence as factor_divergence
from emkit.models.factors import edges as factor_edges
from emkit.models.factors import regression as factor_regression
from emkit.models.factors.given_seen import GivenSeen
from emkit.models.factors.start import moments_of, prepared, principal_factors, rows_in_a_chunk
from emkit.moments import FullMoments
from emkit.pattern_moments import PatternMoments, groups
from emkit.priors.conjugate import PseudoObservations, VariancePrior
from emkit.sample_covariance import SampleCovariance
from emkit.statistics import Expectation
from emkit.values import update, value


@value
class FactorPosterior:
    """The factors given each row: normal, with these means and covariances."""

    means: Array  # (N, Q)
    covariances: Array  # (N, Q, Q)


class LinearFactors(LatentVariableModel[Weighted[Any], FullMoments]):
    """Columns that are linear in Q standard normal factors; a final class says what the noise is.

    Data are rows (N, D), `Incomplete` rows, `Weighted` ones, or a `SampleCovariance`. They are compressed once to the
    moments of each pattern of missing values, so that an iteration costs nothing in N.
    """

    mean: Array  # (D,)
    loadings: Array  # (D, Q)
    noise: Any
    prior: VariancePrior | None
    fixed: frozenset[str]

    # What a final class says of its noise.

    @property
    @abstractmethod
    def noise_variances(self) -> Array:
        """The variance of each column's noise, (D,)."""

    @staticmethod
    @abstractmethod
    def noise_of(variances: Array) -> Any:
        """Return the noise that is most likely where each column's has this mean square (D,)."""

    @classmethod
    @abstractmethod
    def most_factors(cls, columns: int) -> int:
        """Return how many factors a covariance matrix can tell apart, beside the noise."""

    @abstractmethod
    def _pseudo(self) -> PseudoObservations | None:
        """Return the prior as pseudo-observations, with the scatter of each column (D,)."""

    # Where a fit begins.

    @classmethod
    def start(cls, data: Any, n_factors: int, *, prior: VariancePrior | None = None) -> Self:
        """Return a model from which to begin a fit: the principal components of the correlation matrix.

        Args:
            data: as for a fit.
            n_factors: Q, at least 1 and at most `most_factors(D)`.
            prior: of the noise, and perhaps of the mean; None is plain maximum likelihood.

        Raises:
            ValueError, TypeError: the data or an argument are refused; a constant column is named.
        """
        moments = moments_of(prepared(data))
        mean, loadings, variances = principal_factors(moments, check_count("n_factors", n_factors), cls.most_factors)
        fields = (mean, loadings, cls.noise_of(variances), prior)
        return cls(*fields)  # type: ignore[call-arg]  # a final class has these fields

    # The protocol.

    def prepare(self, data: Any) -> Weighted[Any]:
        """Return the data checked and weighted; every row counts once unless they are `Weighted`.

        Raises:
            ValueError, TypeError: not real numbers, or another number of columns; the message names row and column.
        """
        return prepared(data, len(self.mean))

    def accepts(self, wrapper: type) -> bool:
        """Accept `Weighted` and `Incomplete` data."""
        return wrapper in (Weighted, Incomplete)

    def summary(self, data: Weighted[Any]) -> PatternMoments:
        """Return the moments of prepared data: weight, mean and scatter, for each pattern of missing values."""
        return PatternMoments.summary(data)

    def chunk_size(self, data: Weighted[Any]) -> int:
        """Return how many rows go well together, when they are compressed."""
        return rows_in_a_chunk(data)

    def e_step(self, data: Weighted[Any]) -> Expectation[FullMoments]:
        """Return the expected moments of (x, z) of prepared data. Reference: Bishop (2006), equation 12.66."""
        return self.e_step_of(self.summary(data))

    def e_step_of(self, summary: PatternMoments) -> Expectation[FullMoments]:
        """Return the expected moments of (x, z), pattern by pattern."""
        return reduce(add, (self._given(seen).e_step(moments) for seen, moments in summary))

    def m_step(self, statistics: FullMoments) -> Self:
        """Return the mode: the regression of x on z, and what it leaves. Reference: Bishop (2006), equation 12.69.

        A prior adds its pseudo-observations: rows at its mean, where z = 0, and scatter of the noise.

        Raises:
            ParameterError: the factors explain a column to rounding; its noise would be zero.
        """
        moved, squares = self._regress(statistics)
        noise = self.noise_of(squares)
        if "noise" not in self.fixed:
            columns = np.diagonal(statistics.scatter[0])[: len(self.mean)] / statistics.weight[0]  # (D,)
            factor_edges.check_noise(np.atleast_1d(noise), np.atleast_1d(self.noise_of(columns)))
        return update(moved, noise=noise)

    def log_marginal(self, data: Any) -> Array:
        """Return log p(x_n), (N,), nats, of the cells seen; of a `SampleCovariance`, the average for every unit."""
        x = self.prepare(data).data
        if isinstance(x, SampleCovariance):
            one = PatternMoments.summary(Weighted(x[:1], np.ones(1)))
            return np.full(len(x), self.e_step_of(one).log_likelihood)
        log_marginal = np.empty(len(x))
        for rows, given, values in self._by_pattern(x):
            log_marginal[rows] = given.log_density(values)
        return log_marginal

    # Powers.

    def posterior(self, data: Any) -> FactorPosterior:
        """Return the factors' means and covariances given the cells seen of each row.

        Raises:
            TypeError: a `SampleCovariance`, which has no rows.
        """
        x = self._rows(data)
        width = self.loadings.shape[1]
        means, covariances = np.empty((len(x), width)), np.empty((len(x), width, width))
        for rows, given, values in self._by_pattern(x):
            means[rows], covariances[rows] = given.factors(values), given.factor_covariance
        return FactorPosterior(means, covariances)

    def posterior_divergence(self, other: Self, data: Any) -> Array:
        """Return how far the posterior of factors and missing cells moves to another model's, (N,), nats.

        Of a `SampleCovariance` it is the average for every unit, as in `log_marginal`.
        """
        x = self.prepare(data).data
        if isinstance(x, SampleCovariance):
            given, others = (one._given(np.ones(len(x.mean), dtype=bool)) for one in (self, other))
            return np.full(len(x), factor_divergence.of_average(given, others, x))
        moved = np.empty(len(x))
        for rows, given, values in self._by_pattern(x):
            moved[rows] = factor_divergence.of_rows(given, other._given(given.seen), values)
        return moved

    def transform(self, data: Any) -> Array:
        """Return the posterior means of the factors, (N, Q): Thomson's regression scores."""
        return self.posterior(data).means

    def impute(self, data: Any) -> Array:
        """Return the rows (N, D) with missing cells at their means given the cells seen."""
        x = self._rows(data)
        whole = np.empty((len(x), len(self.mean)))
        for rows, given, values in self._by_pattern(x):
            whole[rows] = given.complete(values)
        return whole

    def sample(self, n: int, rng: Seed) -> Array:
        """Draw n rows (n, D), with a seed or a generator."""
        generator = as_generator(rng)
        factors = generator.standard_normal((check_count("n", n), self.loadings.shape[1]))
        noise = generator.standard_normal((n, len(self.mean))) * np.sqrt(self.noise_variances)
        return self.mean + factors @ self.loadings.T + noise

    def log_prior(self) -> float:
        """Return the log prior density of noise and mean, nats, up to a constant; 0 without a prior."""
        pseudo = self._pseudo()
        if pseudo is None:
            return 0.0
        squares = pseudo.scatter + pseudo.weight * np.square(pseudo.mean - self.mean)  # (D,)
        return self._noise_density(pseudo.total_exponent(), squares)

    def expected_log_joint(self, statistics: FullMoments) -> float:
        """Return Q(self given statistics) = E[log p(x | z) + log p(z)], nats."""
        weight, columns = float(statistics.weight[0]), len(self.mean)
        squares = factor_regression.squares(statistics, self.mean, self.loadings)
        factors = np.trace(statistics.scatter[0, columns:, columns:])
        factors += weight * np.square(statistics.mean[0, columns:]).sum()
        constant = weight * statistics.mean.shape[1] * LOG_2PI
        return self._noise_density(weight, squares) - 0.5 * float(constant + factors)

    def redundant_parameters(self) -> int:
        """Count the rotations of Q factors, Q (Q - 1) / 2, which change no density."""
        width = self.loadings.shape[1]
        return 0 if "loadings" in self.fixed else width * (width - 1) // 2

    def complaints(self, statistics: FullMoments) -> list[Complaint]:
        """Return which column is a Heywood case, its noise going to zero, and whether a factor explains nothing."""
        complaints: list[Complaint] = []
        if "noise" not in self.fixed:
            left = self.noise_of(self._regress(statistics)[1])
            share = self._given(np.ones(len(self.mean), dtype=bool)).noise_share
            complaints += factor_edges.heywood(self.uniquenesses, share, 1 - left / self.noise_variances)
        if "loadings" not in self.fixed:
            complaints += factor_edges.unused(self.loadings, self.noise_variances)
        return complaints

    @property
    def covariance(self) -> Array:
        """The covariance matrix of the columns, loadings loadingsᵀ + noise, (D, D)."""
        return self.loadings @ self.loadings.T + np.diag(self.noise_variances)

    @property
    def uniquenesses(self) -> Array:
        """The share of each column's variance that is noise, (D,); the rest is its communality."""
        return self.noise_variances / (np.square(self.loadings).sum(axis=1) + self.noise_variances)

    # Parts of the above.

    def _regress(self, statistics: FullMoments) -> tuple[Self, Array]:
        """Return the model with the mode of mean and loadings, and the mean square of what is left of x (D,)."""
        count, total = float(statistics.weight[0]), statistics
        pseudo = self._pseudo()
        if pseudo is not None:
            count += pseudo.total_exponent()
            total = statistics + factor_regression.pseudo_moments(pseudo, self.loadings.shape[1])
        through = self.mean if "mean" in self.fixed else None
        moved = update(self, loadings=factor_regression.slopes(total, len(self.mean), through))
        moved = update(moved, mean=factor_regression.intercept(total, moved.loadings))
        return moved, factor_regression.squares(total, moved.mean, moved.loadings) / count

    def _given(self, seen: Mask) -> GivenSeen:
        return GivenSeen(self.mean, self.loadings, self.noise_variances, seen)

    def _by_pattern(self, x: Any) -> Iterator[tuple[Any, GivenSeen, Array]]:
        """Yield rows of one pattern (an index), what it tells, and the cells seen (N, O)."""
        cells = x.data if isinstance(x, Incomplete) else x
        return ((rows, self._given(seen), cells[rows][:, seen]) for rows, seen in groups(x))

    def _rows(self, data: Any) -> Any:
        x = self.prepare(data).data
        if isinstance(x, SampleCovariance):
            raise TypeError("data: expected rows, found a SampleCovariance, which has none")
        return x

    def _noise_density(self, exponent: float, squares: Array) -> float:
        """Return -½ Σ_d [exponent log ψ_d + squares_d / ψ_d], nats."""
        variances = self.noise_variances
        return -0.5 * float(exponent * np.log(variances).sum() + (squares / variances).sum())
