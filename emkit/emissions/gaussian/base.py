"""What the four Gaussian emissions share, in terms of how each one whitens.

Log densities are -½ (D log 2π + log|Σ| + |Σ^(-1/2) (x - μ)|²), with rows centred on each component before they are
whitened, so that neither offset nor separation costs a digit.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Generic, Literal, Self, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from emkit.arrays import EPS, LOG_2PI, Array
from emkit.data import as_matrix
from emkit.declarations import ParameterError
from emkit.emissions.gaussian import edges
from emkit.model import Complaint
from emkit.moments import Moments
from emkit.priors.conjugate import CovariancePrior, PseudoObservations, VariancePrior
from emkit.priors.ridge import WEAK, typical_variances

S = TypeVar("S", bound=Moments)

GaussianPrior: TypeAlias = CovariancePrior | VariancePrior | Literal["ridge"] | None
"""A prior of the components, None for maximum likelihood, or the weak ridge scaled to the data."""


LARGEST_SPAN = 1e153
"""Columns that span more than this, or less than its inverse, have variances that leave floating point."""


class Gaussian(ABC, Generic[S]):
    """K Gaussian components; a final class adds its covariances, how to whiten with them and its prior."""

    means: Array  # (K, D)
    prior: Any

    # What a variant says of its covariances.

    @abstractmethod
    def covariance_matrices(self) -> Array:
        """Return Σ_k, (K, D, D), whatever the variant stores."""

    @abstractmethod
    def column_variances(self) -> Array:
        """Return the diagonals of the Σ_k, (K, D)."""

    @property
    @abstractmethod
    def unexplained(self) -> Array:
        """The share of each column's variance that the other columns leave unexplained, (K, D)."""

    @property
    @abstractmethod
    def log_volume(self) -> Array:
        """log|Σ_k|, (K,)."""

    @abstractmethod
    def whiten(self, k: int, centred: Array) -> Array:
        """Return Σ_k^(-1/2) applied to each row, (N, D): rows of component k become standard normal."""

    @abstractmethod
    def colour(self, k: int, noise: Array) -> Array:
        """Return Σ_k^(1/2) applied to each row, (N, D): standard normal rows become those of component k."""

    @abstractmethod
    def trace(self, scatter: Array) -> float:
        """Return Σ_k tr(Σ_k⁻¹ scatter_k)."""

    @abstractmethod
    def _moments(self) -> type[S]: ...

    @abstractmethod
    def _pseudo(self) -> tuple[S, Array] | None:
        """Return the prior as moments and the exponent of each |Σ_k|^(-1/2), (K,); None without a prior."""

    @abstractmethod
    def _with_scatter(self, means: Array, scatter: Array, count: Array) -> Self:
        """Return the emissions at these means (K, D), with covariances scatter / count, count (K,)."""

    @abstractmethod
    def _zero_scatter(self) -> Array:
        """Return the scatter of no spread at all."""

    def _rows_per_covariance(self, count: Array) -> Array:
        """Return how many rows, of `count` in each component, each component's covariance is an average over, (K,)."""
        return count

    @abstractmethod
    def _floor_share(self, floor: Array) -> Array:
        """Return the largest ratio of a prior's scatter to each covariance, over all directions, (K,)."""

    @abstractmethod
    def _unlike(self, k: int, j: int) -> float:
        """Return the largest difference between the covariances of two components, relative to those of the first."""

    @abstractmethod
    def marginal(self, features: list[int]) -> Self:
        """Return the components of some columns alone, without their prior."""

    @abstractmethod
    def residual(self, given: list[int], rest: list[int]) -> tuple[Array, Self]:
        """Return the slopes (K, R, G) of the columns `rest` on `given`, and what the regression leaves of them."""

    @classmethod
    @abstractmethod
    def at(cls, means: npt.ArrayLike, variances: npt.ArrayLike, *, prior: Any = None) -> Self:
        """Return components at means (K, D) that share the diagonal covariance `variances` (D,)."""

    @classmethod
    @abstractmethod
    def weak_ridge(cls, variances: Array, strength: float) -> Any:
        """Return a ridge towards a diagonal covariance `variances` (D,)."""

    # Where a fit begins.

    @classmethod
    def read(cls, x: Any) -> Array:
        """Return x as an (N, D) matrix of finite float64."""
        return as_matrix(x)

    @classmethod
    def features(cls, x: Array) -> Array:
        """Return the rows themselves, (N, D)."""
        return x

    @classmethod
    def spread(cls, x: Array, weight: Array, means: Array, *, prior: GaussianPrior = "ridge") -> Self:
        """Return components at means (K, D), all with the diagonal covariance of the rows x (N, D), weighted (N,).

        Raises:
            ValueError: a constant column, where the variance of a column must be positive.
        """
        _check_span(x)
        constant = (x == x[0]).all(axis=0)  # (D,)
        share = weight / weight.sum()
        variances = np.where(constant, 0.0, share @ (x - share @ x) ** 2)  # (D,)
        try:
            if isinstance(prior, str):
                if prior != "ridge":
                    raise ValueError(f'prior: expected "ridge", None or a prior of emkit.priors, found {prior!r}')
                prior = cls.weak_ridge(typical_variances(x, weight, len(means)), WEAK * min(1.0, float(weight.mean())))
            return cls.at(means, variances, prior=prior)
        except ParameterError as error:
            if not constant.any():
                raise
            d = int(np.argmax(constant))
            raise ValueError(
                f"data: column {d} is constant ({x[0, d]:.6g}), so that its variance is zero and a Gaussian density "
                "unbounded; drop the column"
            ) from error

    @classmethod
    def around(cls, x: Array, posterior: Array, *, prior: GaussianPrior = "ridge") -> Self:
        """Return the M-step's components given rows x (N, D) and posterior (N, K), weights already in it."""
        weight = posterior.sum(axis=1)
        centre = (weight / weight.sum()) @ x
        seed = cls.spread(x, weight, np.tile(centre, (posterior.shape[1], 1)), prior=prior)
        return seed.m_step(seed.statistics(x, posterior))

    # The emissions protocol, and its powers.

    def prepare(self, x: Any) -> Array:
        """Return x as an (N, D) matrix of finite float64, or raise ValueError or TypeError with the entry at fault."""
        return as_matrix(x, features=self.means.shape[1])

    def log_density(self, x: Array) -> Array:
        """Return log N(x_n; μ_k, Σ_k), (N, K), nats. Reference: Bishop (2006), equation 2.43."""
        distance = np.empty((len(x), len(self.means)))  # (N, K)
        with np.errstate(over="ignore"):  # a distance beyond 1e154 widths: the density is zero
            for k, mean in enumerate(self.means):
                distance[:, k] = np.square(self.whiten(k, x - mean)).sum(axis=1)
        return -0.5 * (distance + self._log_normaliser)

    def statistics(self, x: Array, posterior: Array) -> S:
        """Return the moments of x (N, D) in each component, given posterior (N, K)."""
        return self._moments().of(x, posterior, about=self.means)

    def m_step(self, statistics: S) -> Self:
        """Return the joint mode of means and covariances; components without weight stay where they were.

        Reference: Bishop (2006), equations 9.24 and 9.25; with a prior, its own docstring.
        """
        pseudo = self._pseudo()
        total = statistics if pseudo is None else statistics + pseudo[0]
        exponent = np.zeros(len(self.means)) if pseudo is None else pseudo[1]
        means = np.where(total.weight[:, None] > 0, total.mean, self.means)
        return self._with_scatter(means, total.scatter, statistics.weight + exponent)

    def expected_log_density(self, statistics: S) -> float:
        """Return Σ_n Σ_k p_nk log N(x_n; μ_k, Σ_k), nats."""
        constant = statistics.weight.sum() * self.means.shape[1] * LOG_2PI
        return self._quadratic(statistics, statistics.weight) - 0.5 * float(constant)

    def log_prior(self) -> float:
        """Return the log prior density of means and covariances, nats, up to a constant; 0 without a prior."""
        pseudo = self._pseudo()
        return 0.0 if pseudo is None else self._quadratic(*pseudo)

    def sample(self, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Draw one row for each state (N,); returns (N, D)."""
        rows = rng.standard_normal((len(states), self.means.shape[1]))
        for k, mean in enumerate(self.means):
            mine = states == k
            rows[mine] = mean + self.colour(k, rows[mine])
        return rows

    def complaints(self, statistics: S) -> list[Complaint]:
        """Return which components have collapsed, lost a dimension, coincide or are held up by a ridge."""
        complaints = edges.collapsed(self.means, self.column_variances())
        complaints += edges.dependent(self.unexplained)
        complaints += edges.coincident(self.means, self._unlike, self.whiten)
        pseudo = self._pseudo()
        if pseudo is not None and not pseudo[0].weight.any():  # a ridge: it moves no mean
            count = self._rows_per_covariance(statistics.weight + pseudo[1])  # (K,)
            complaints += edges.held_up(self._floor_share(pseudo[0].scatter) / count)
        return complaints

    def conditioning(self) -> float:
        """Return (4 eps c)² + eps (D / √u + max |D log 2π + log|Σ||), nats per unit.

        u is the smallest share of a column's variance that the others leave unexplained, and c the larger of 1 / u and
        |mean| / (sd √u). Covariances are known to about eps / u and means to eps |mean|: both are the same for all
        rows and cost the square of that at an optimum. Whitening a row costs eps / √u in each of D columns.
        """
        location = max(1.0, float((np.abs(self.means) / np.sqrt(self.column_variances())).max()))
        smallest = float(self.unexplained.min())
        worst = min(max(1 / smallest, location / np.sqrt(smallest)), 1 / EPS)  # there, no digit is left to lose
        terms = self.means.shape[1] / np.sqrt(smallest) + float(np.abs(self._log_normaliser).max())
        return (4 * EPS * worst) ** 2 + EPS * float(terms)

    def complete(self, row: Array) -> Iterator[tuple[float, S]]:
        """Yield the log density of one row and its complete-data moments, for each component: the textbook formula."""
        (x,) = row
        for k, (mean, covariance) in enumerate(zip(self.means, self.covariance_matrices(), strict=True)):
            distance = (x - mean) @ np.linalg.solve(covariance, x - mean)
            log_determinant = np.linalg.slogdet(covariance)[1]
            weight = np.zeros(len(self.means))
            weight[k] = 1.0
            location = np.zeros_like(self.means)
            location[k] = x
            moments = self._moments()(weight, location, self._zero_scatter())
            yield -0.5 * float(len(x) * np.log(2 * np.pi) + log_determinant + distance), moments

    @cached_property
    def _log_normaliser(self) -> Array:  # (K,)
        return self.log_volume + self.means.shape[1] * LOG_2PI

    def _quadratic(self, statistics: S, exponent: Array) -> float:
        """Return -½ Σ_k [exponent log|Σ| + tr(Σ⁻¹ scatter) + weight |Σ^(-1/2) (mean - μ)|²]."""
        some = statistics.weight[:, None] > 0
        shift = np.where(some, statistics.mean - self.means, 0.0)  # (K, D); nothing where there is no weight
        distance = [np.square(self.whiten(k, shift[k : k + 1])).sum() for k in range(len(shift))]  # (K,)
        parts = exponent @ self.log_volume + self.trace(statistics.scatter) + statistics.weight @ np.array(distance)
        return -0.5 * float(parts)


def _check_span(rows: Array) -> None:
    with np.errstate(over="ignore"):
        span = np.ptp(rows, axis=0)  # (D,)
    wrong = (span > LARGEST_SPAN) | ((span > 0) & (span < 1 / LARGEST_SPAN))
    if wrong.any():
        d = int(np.argmax(wrong))
        raise ValueError(
            f"data: column {d} spans {span[d]:.3g}, the square of which floating point cannot hold; rescale the column"
        )


def repeat_pseudo(
    moments: type[S], pseudo: PseudoObservations, n_components: int, *, scatter: Array, means_per_covariance: int = 1
) -> tuple[S, Array]:
    """Return a prior's pseudo-observations as the moments of K components, and the exponent of each covariance.

    Where one covariance serves all components, each carries an equal share of its exponent.
    """
    exponent = pseudo.total_exponent(means_per_covariance) / means_per_covariance
    weight = np.full(n_components, pseudo.weight)
    mean = np.tile(pseudo.mean, (n_components, 1)) if pseudo.weight > 0 else np.zeros((n_components, len(pseudo.mean)))
    return moments(weight, mean, scatter), np.full(n_components, exponent)
