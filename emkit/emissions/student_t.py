"""Student t emissions: Gaussians whose rows each have a scale of their own, so that outliers weigh little."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt

from emkit.arrays import LOG_2PI, TINY, Array, average
from emkit.declarations import fixed, positive, positive_definite, real
from emkit.divergences import of_gammas
from emkit.emissions.gamma_moments import excess
from emkit.emissions.gaussian import edges
from emkit.emissions.gaussian.base import GaussianPrior
from emkit.emissions.gaussian.correlated import Correlated
from emkit.emissions.gaussian.distances import square_distances
from emkit.emissions.gaussian.full import FullGaussian
from emkit.emissions.gaussian.missing import ByPattern, drawn, groups, imputed
from emkit.emissions.gaussian.textbook import completed, scaled
from emkit.entries import REAL, as_entries
from emkit.gamma_function import log_less_digamma, log_normaliser, solve_log_less_digamma
from emkit.incomplete import Incomplete
from emkit.model import Complaint
from emkit.moments import FullMoments
from emkit.priors.conjugate import CovariancePrior, optional_prior
from emkit.statistics import Statistics
from emkit.values import update, value

FARTHEST = 1e300
"""Squared distances beyond this weigh as if they were this far."""

NORMAL = 200.0
"""Estimated degrees of freedom above this are on their way to infinity: the component is Gaussian."""


@final
@value
class ScaledMoments(Statistics):
    """What K states saw of rows and of their latent scales u, at which a row is N(μ, Σ / u)."""

    count: Array  # (K,) expected number of rows
    excess: Array  # (K,) Σ E[u - 1 - log u], never negative
    moments: FullMoments  # of the rows, weighted by E[u]


@final
@value
class StudentT:
    """K multivariate t distributions: x | u ~ N(μ_k, Σ_k / u), with a latent scale u ~ Gamma(ν_k / 2, rate ν_k / 2).

    Args:
        locations: (K, D) μ.
        scales: (K, D, D) the scale matrices Σ, positive definite; the covariances are ν / (ν - 2) times as large.
        degrees: (K,) ν, the degrees of freedom, positive. Fewer make longer tails.
        prior: of locations and scales: `Ridge`, `NormalInverseWishart`, or None for plain maximum likelihood.
        fixed: names of what an M-step leaves as it is: the degrees, unless you say otherwise. `fixed=()` estimates
            them too; EM is slow to find them.

    Data are rows (N, D), or `Incomplete`: missing cells are integrated out. References: K. L. Lange, R. J. A. Little
    and J. M. G. Taylor (1989), Robust statistical modeling using the t distribution, Journal of the American
    Statistical Association 84, 881-896; C. Liu and D. B. Rubin (1995), ML estimation of the t distribution using EM and
    its extensions, ECM and ECME, Statistica Sinica 5, 19-39.

    Raises (on construction):
        ParameterError: shapes disagree, or a scale matrix or the degrees are not positive; the message names it.
    """

    locations: Array = real("K", "D")
    scales: Array = positive_definite("K", "D", "D")
    degrees: Array = positive("K")
    prior: CovariancePrior | None = optional_prior(CovariancePrior)
    fixed: frozenset[str] = fixed("degrees")

    @classmethod
    def read(cls, x: Any) -> Any:
        """Return x as an (N, D) matrix of finite float64, or `Incomplete` as it is."""
        return FullGaussian.read(x)

    @classmethod
    def features(cls, x: Any) -> Array:
        """Return the rows themselves, (N, D), with what is missing at the mean of its column."""
        return FullGaussian.features(x)

    @classmethod
    def settled(cls, x: Any, weight: Array, n_states: int, options: dict[str, Any]) -> dict[str, Any]:
        """Return the options of a start, the ridge scaled to all rows: a sample then serves."""
        return FullGaussian.settled(x, weight, n_states, options)

    @classmethod
    def around(
        cls,
        x: Any,
        posterior: Array,
        *,
        degrees: npt.ArrayLike = 4.0,
        prior: GaussianPrior = "ridge",
        fixed: str | Iterable[str] = "degrees",
    ) -> Self:
        """Return components with the means and covariances of rows x (N, D), given posterior (N, K).

        Args:
            x, posterior: rows, and how they are shared out.
            degrees: a number, or (K,).
            prior: as for `FullGaussian`, with the weak ridge by default.
            fixed: as for the class; `fixed=()` estimates the degrees too.
        """
        normal = FullGaussian.around(x, posterior, prior=prior)
        every = np.asarray(np.tile(degrees, len(normal.means)) if np.ndim(degrees) == 0 else degrees)
        held = frozenset([fixed] if isinstance(fixed, str) else fixed)
        return cls(normal.means, normal.covariances, every, normal.prior, fixed=held)

    @cached_property
    def structure(self) -> Correlated:
        """The scale matrices, with all that covariance matrices are asked for."""
        return Correlated(self.scales, self.locations.shape)

    def prepare(self, x: Any) -> Any:
        """Return x as an (N, D) matrix of finite float64, or raise ValueError or TypeError with the entry at fault."""
        return as_entries(x, REAL, features=self.locations.shape[1])

    def accepts(self, wrapper: type) -> bool:
        """Accept single missing cells."""
        return wrapper is Incomplete

    def log_density(self, x: Any) -> Array:
        """Return log t(x_n; μ_k, Σ_k, ν_k) of the cells seen, (N, K), nats. Reference: Liu and Rubin (1995), eq. 1."""
        given = self._given_seen(x)
        width, distance = _width(x), self._distance(x, given)
        volume = self.structure.log_volume if given is None else given.log_volumes()
        half, known = self.degrees / 2, (self.degrees + width) / 2  # (K,), (N, K)
        gammas = log_normaliser(half) - log_normaliser(known) + known * np.log1p(width / self.degrees)
        return gammas - 0.5 * (width * (1 + LOG_2PI) + volume) - known * np.log1p(distance / self.degrees)

    def statistics(self, x: Any, posterior: Array) -> ScaledMoments:
        """Return counts, and moments of rows weighted by E[u] = (ν + O) / (ν + δ), given posterior (N, K).

        O is how many cells of a row are seen. Missing cells enter with their mean and covariance given those and u;
        rows of which nothing is seen do not. Reference: Lange, Little and Taylor (1989), sections 3.1 and 3.3.
        """
        given = self._given_seen(x)
        told = posterior * (_width(x) > 0)  # (N, K)
        shape, rate = self._latent_scale(x, given)
        log_scale = excess(shape, rate) + log_less_digamma(shape)  # (N, K) E[u - 1 - log u]
        scaled = told * (shape / rate)
        if given is None:
            moments = FullMoments.of(x, scaled, about=self.locations)
        else:
            seen = self.structure.seen(x.seen, told.sum(axis=1))
            moments = FullMoments.of_groups(groups(given, told, scaled), self.locations, seen)
        return ScaledMoments(told.sum(axis=0), (told * log_scale).sum(axis=0), moments)

    def m_step(self, statistics: ScaledMoments) -> Self:
        """Return the mode of locations, scales and degrees; components without weight stay where they were.

        Given the latent scales, degrees and the rest maximise separate terms, so that no step is partial: ν solves
        log(ν/2) - ψ(ν/2) = the mean of E[u - 1 - log u]. Reference: Liu and Rubin (1995), equation 16.
        """
        pseudo, exponent = self._pseudo()
        total = statistics.moments + pseudo
        seen = total.weight[:, None] > 0
        locations = self.locations if "locations" in self.fixed else np.where(seen, total.mean, self.locations)
        scales = average(total.scatter_about(locations), statistics.count + exponent, otherwise=self.scales)
        mean_excess = average(statistics.excess, statistics.count, otherwise=np.ones_like(self.degrees))
        degrees = np.where(statistics.count > 0, 2 * solve_log_less_digamma(mean_excess), self.degrees)
        return update(self, locations=locations, scales=scales, degrees=degrees)

    def expected_log_density(self, statistics: ScaledMoments) -> float:
        """Return the expected log density of rows and latent scales, nats, without terms that no parameter enters."""
        half = self.degrees / 2
        scales = statistics.count @ log_normaliser(half) - half @ statistics.excess
        return float(scales) + self._quadratic(statistics.moments, statistics.count)

    def latent_divergence(self, other: Self, x: Any) -> Array:
        """Return how far the latent scales move, and the missing cells given these, (N, K), nats.

        Rows of which nothing is seen do not enter the statistics, so that nothing of them is latent.
        """
        given, others = self._given_seen(x), other._given_seen(x)
        shape, rate = self._latent_scale(x, given)
        moved = of_gammas(shape, rate, *other._latent_scale(x, others))
        if given is not None:
            moved += given.divergence(others, shape / rate)
        return np.where(_width(x) > 0, moved, 0.0)

    def log_prior(self) -> float:
        """Return the log prior density of locations and scales, nats, up to a constant; 0 without a prior."""
        return self._quadratic(*self._pseudo())

    def sample(self, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Draw one row for each state (N,); returns (N, D)."""
        half = self.degrees[states] / 2  # (N,)
        scale = np.maximum(rng.gamma(half) / half, TINY)  # u
        rows = rng.standard_normal((len(states), self.locations.shape[1])) / np.sqrt(scale)[:, None]
        for k, location in enumerate(self.locations):
            mine = states == k
            rows[mine] = location + self.structure.colour(k, rows[mine])
        return rows

    def impute(self, x: Incomplete, posterior: Array) -> Array:
        """Return x (N, D), missing cells at their location given the cells seen, shared out by posterior (N, K)."""
        return imputed(self.structure.given_seen(self.locations, x), posterior)

    def sample_missing(self, x: Incomplete, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Return x (N, D), missing cells drawn given the cells seen of their row and its state (N,)."""
        mine = self.degrees[states]  # (N,)
        spread = mine + self._distance(x, self._given_seen(x))[np.arange(len(states)), states]  # (N,) ν + δ
        scale = np.maximum(2 * rng.gamma((mine + x.seen.sum(axis=1)) / 2) / spread, TINY)  # u given the cells seen
        noise = rng.standard_normal(x.data.shape) / np.sqrt(scale)[:, None]
        rows = np.empty(x.data.shape)
        for k in np.unique(states):
            here = np.flatnonzero(states == k)
            rows[here] = drawn(self.structure.given_seen(self.locations, x[here]), k, noise[here])
        return rows

    def complaints(self, statistics: ScaledMoments) -> list[Complaint]:
        """Return which components have collapsed, lost a dimension, coincide, hang on a ridge or are Gaussian.

        Without a prior of the locations, also which columns, or pairs of them, the data say nothing of.
        """
        found = edges.collapsed(self.locations, self.structure.variances)
        found += edges.dependent(self.structure.unexplained)
        found += edges.coincident(self.locations, self._unlike, self.structure.whiten)
        if "degrees" not in self.fixed:
            why = "they run to infinity, where the component is Gaussian; hold them, or take FullGaussian"
            for k in np.flatnonzero(self.degrees > NORMAL):
                found.append((f"component {k}", f"degrees of freedom {self.degrees[k]:.3g}: {why}"))
        pseudo, exponent = self._pseudo()
        if pseudo.weight.any():
            return found
        floor = average(pseudo.scatter, statistics.count + exponent, otherwise=np.zeros_like(self.scales))
        found += edges.held_up(self.structure.largest_share(floor))
        return found + edges.unseen(statistics.moments.seen, pairs="scales" not in self.fixed)

    def conditioning(self) -> float:
        """Return that of Gaussians with these locations and scales, nats per row."""
        return FullGaussian(self.locations, self.scales).conditioning()

    def complete(self, row: Any) -> Iterator[tuple[float, ScaledMoments]]:
        """Yield the log density of one row, and its statistics given each state, by the textbook formulas."""
        for k, parameters in enumerate(zip(self.locations, self.scales, self.degrees, strict=True)):
            log_density, mean, mean_log = scaled(row, *parameters)
            one = completed(row, *parameters[:2])
            here = one.weight * (np.arange(len(self.locations)) == k)  # (K,)
            scatter = here[:, None, None] * (one.roots.T @ one.roots)
            seen = self.structure.seen(row.seen, here.sum(keepdims=True)) if isinstance(row, Incomplete) else None
            moments = FullMoments(here * mean, here[:, None] * one.expected, scatter, seen)
            yield log_density, ScaledMoments(here, here * (mean - 1 - mean_log), moments)

    def _given_seen(self, x: Any) -> ByPattern | None:
        return self.structure.given_seen(self.locations, x) if isinstance(x, Incomplete) else None

    def _latent_scale(self, x: Any, given: ByPattern | None) -> tuple[Array, Array]:
        """Return the shape (ν + O) / 2, (K,) or (N, K), and the rate (ν + δ) / 2, (N, K), of u given the cells seen."""
        return (self.degrees + _width(x)) / 2, (self.degrees + self._distance(x, given)) / 2

    def _distance(self, x: Any, given: ByPattern | None) -> Array:
        """Return δ, the squared distances (N, K) of the cells seen in units of the scale matrices."""
        with np.errstate(over="ignore", invalid="ignore"):
            here = square_distances(x, self.locations, self.structure) if given is None else given.distances()
        return np.where(here < FARTHEST, here, FARTHEST)

    def _quadratic(self, moments: FullMoments, exponent: Array) -> float:
        """Return -½ Σ_k [exponent log|Σ| + tr(Σ⁻¹ scatter about μ)]."""
        trace = self.structure.trace(moments.scatter_about(self.locations))
        return -0.5 * float(exponent @ self.structure.log_volume + trace)

    def _pseudo(self) -> tuple[FullMoments, Array]:
        """Return the prior as moments and the exponent of each |Σ|^(-1/2), (K,): zeros without a prior."""
        states, width = self.locations.shape
        if self.prior is None:
            return FullMoments(np.zeros(states), np.zeros((states, width)), np.zeros_like(self.scales)), np.zeros(
                states
            )
        prior = self.prior.on_covariance()
        mean = prior.mean * (prior.weight > 0)
        moments = FullMoments(
            np.full(states, prior.weight), np.tile(mean, (states, 1)), np.stack([prior.scatter] * states)
        )
        return moments, np.full(states, prior.total_exponent())

    def _unlike(self, k: int, j: int) -> float:
        return float(max(self.structure.unlike(k, j), abs(self.degrees[j] / self.degrees[k] - 1)))


def _width(x: Any) -> Any:
    """Return how many cells of each row are seen: (N, 1), or one number where all are."""
    return x.seen.sum(axis=1, keepdims=True) if isinstance(x, Incomplete) else x.shape[1]
