"""What linear regressions with normal errors share, whether each state has a variance of its own or not."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from emkit.arrays import EPS, LOG_2PI, ROUNDING_WIDTH, Array
from emkit.constraints import DEPENDENT
from emkit.declarations import ParameterError
from emkit.emissions import textbook
from emkit.emissions.gaussian.edges import HELD_UP
from emkit.emissions.regression.base import Regression, check_covariates, joint_moments, one_state
from emkit.emissions.regression.edges import coincident, undetermined
from emkit.entries import REAL, Entries
from emkit.model import Complaint
from emkit.moments import OVERFLOWS, FullMoments
from emkit.priors.ridge import WEAK, DiagonalRidge, typical_variances
from emkit.regression import distance, line
from emkit.values import update

NoisePrior: TypeAlias = DiagonalRidge | Literal["ridge"] | None
"""A ridge of one column under each variance, None for maximum likelihood, or a weak one scaled to the data."""


class NormalRegression(Regression):
    """K linear regressions with normal errors; a final class says whether they share the variance."""

    response: ClassVar[Entries] = REAL
    prior: DiagonalRidge | None
    fixed: frozenset[str]

    def __attrs_post_init__(self) -> None:
        """Refuse a ridge of several columns."""
        if self.prior is not None and len(self.prior.variances) != 1:
            raise ParameterError(
                f"{type(self).__name__}.prior: expected a ridge of one column, the response, found "
                f"{len(self.prior.variances)}"
            )

    @property
    @abstractmethod
    def noise(self) -> Array:
        """The variance of the errors of each state, (K,)."""

    @classmethod
    @abstractmethod
    def _at(cls, intercepts: Array, coefficients: Array, variance: float, prior: DiagonalRidge | None) -> Self:
        """Return lines with the same variance."""

    @abstractmethod
    def _noise_given(self, squares: Array, count: Array) -> dict[str, Any]:
        """Return the mode of the variances given sums of squared errors (K,) of so many rows (K,), by name."""

    @abstractmethod
    def _own(self) -> Array:
        """Return each variance that is a parameter, once."""

    @abstractmethod
    def _rows_per_variance(self, count: Array) -> Array:
        """Return how many rows, of `count` in each state, each state's variance is an average over, (K,)."""

    @classmethod
    def around(cls, rows: Array, posterior: Array, *, prior: NoisePrior = "ridge") -> Self:
        """Return the M-step's lines given rows (N, P + 1) and posterior (N, K).

        Raises:
            ValueError: a covariate that is constant or a combination of others, or errors without any spread.
        """
        weight = posterior.sum(axis=1)  # (N,)
        check_covariates(rows, weight)
        pooled = joint_moments(rows, weight[:, None])
        intercept, coefficients = line(pooled, None, None)
        variance = distance(pooled, intercept, coefficients) / float(weight.sum())
        if _lost(variance, pooled):
            raise ValueError(
                "data: the response is a linear function of the covariates, so that the errors have no variance and "
                "their density is unbounded"
            )
        if isinstance(prior, str):
            if prior != "ridge":
                raise ValueError(f'prior: expected "ridge", None or an emkit.DiagonalRidge, found {prior!r}')
            errors = rows[:, -1:] - intercept - rows[:, :-1] @ coefficients[:, None]  # (N, 1)
            typical = typical_variances(errors, weight, posterior.shape[1])
            prior = DiagonalRidge(typical, WEAK * min(1.0, float(weight.mean())))
        states = posterior.shape[1]
        seed = cls._at(np.full(states, intercept), np.tile(coefficients, (states, 1)), variance, prior)
        return seed.m_step(seed.statistics(rows, posterior))

    @OVERFLOWS
    def log_density(self, x: Array) -> Array:
        """Return log N(y_n; a_k + b_k · x_n, σ_k²), (N, K), nats."""
        scale = np.sqrt(self.noise)  # (K,)
        errors = (x[:, -1:] - self.intercepts - x[:, :-1] @ self.coefficients.T) / scale  # (N, K)
        return -0.5 * (errors**2 + LOG_2PI) - np.log(scale)

    def statistics(self, x: Array, posterior: Array) -> FullMoments:
        """Return the moments of covariates and response in each state, given posterior (N, K)."""
        return joint_moments(x, posterior)

    def m_step(self, statistics: FullMoments) -> Self:
        """Return weighted least squares in each state, and the mean squares of what they leave.

        A state without weight stays where it was; one whose rows do not determine its coefficients takes the shortest.
        """
        intercepts, coefficients = self.intercepts.copy(), self.coefficients.copy()
        for k in map(int, np.flatnonzero(statistics.weight)):
            intercepts[k], coefficients[k] = line(
                one_state(statistics, k),
                float(intercepts[k]) if "intercepts" in self.fixed else None,
                coefficients[k] if "coefficients" in self.fixed else None,
            )
        squares = _squares(statistics, intercepts, coefficients, np.ones_like(intercepts))
        noise = self._noise_given(squares, statistics.weight)
        return update(self, intercepts=intercepts, coefficients=coefficients, **noise)

    def expected_log_density(self, statistics: FullMoments) -> float:
        """Return Σ_n Σ_k p_nk log N(y_n; a_k + b_k · x_n, σ_k²), nats."""
        scale = np.sqrt(self.noise)
        squares = _squares(statistics, self.intercepts, self.coefficients, scale)
        return -0.5 * float(statistics.weight @ (LOG_2PI + 2 * np.log(scale)) + squares.sum())

    def log_prior(self) -> float:
        """Return -½ Σ [ν log σ² + ν σ₀² / σ²] over the variances, nats; 0 without a prior."""
        scatter, exponent = self._pseudo()
        return -0.5 * float((exponent * np.log(self._own()) + scatter / self._own()).sum())

    def complaints(self, statistics: FullMoments) -> list[Complaint]:
        """Return which states fit too few rows, have lost their noise, or coincide."""
        found = [] if "coefficients" in self.fixed else undetermined(statistics)
        scatter, exponent = self._pseudo()
        rows = self._rows_per_variance(statistics.weight) + exponent  # (K,)
        for k, noise in enumerate(self.noise):
            if noise * rows[k] * HELD_UP < scatter:
                why = "its noise is the ridge's, not the data's: it fits too few distinct observations exactly"
                found.append((f"component {k}", why))
            elif statistics.weight[k] > 0 and _lost(noise, one_state(statistics, k)):
                found.append((f"component {k}", f"its noise collapsed to a standard deviation of {np.sqrt(noise):.3g}"))
        return found + coincident(self.intercepts, self.coefficients, self.noise, statistics)

    def conditioning(self) -> float:
        """Return eps c + (4 eps c)², with c the largest intercept in deviations of the errors, nats per row.

        Where covariates lie far from zero, it is as large as what cancels in an error: rounding of each row costs
        itself, and that of the parameters, the same for all rows, costs its square.
        """
        place = min(float((np.abs(self.intercepts) / np.sqrt(self.noise)).max()), 1 / EPS)
        return EPS * place + (4 * EPS * place) ** 2

    def complete(self, row: Array) -> Iterator[tuple[float, FullMoments]]:
        """Yield the log density of one row and its complete-data moments, for each state."""
        ((*covariates, y),) = row
        states, width = len(self.intercepts), row.shape[1]
        for k in range(states):
            fitted = self.intercepts[k] + sum(b * x for b, x in zip(self.coefficients[k], covariates, strict=True))
            weight, mean = np.zeros(states), np.zeros((states, width))
            weight[k], mean[k] = 1.0, row[0]
            moments = FullMoments(weight, mean, np.zeros((states, width, width)))
            yield textbook.normal(y, fitted, self.noise[k]), moments

    def _pseudo(self) -> tuple[float, float]:
        """Return the squared errors that the prior adds to each variance, and of how many rows; 0 without a prior."""
        if self.prior is None:
            return 0.0, 0.0
        pseudo = self.prior.on_diagonal()
        return float(pseudo.scatter[0]), pseudo.exponent

    def _mean(self, line: Array) -> Array:
        return line

    def _draw(self, line: Array, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Array:
        return line + np.sqrt(self.noise[states]) * rng.standard_normal(len(line))


def _squares(moments: FullMoments, intercepts: Array, coefficients: Array, scales: Array) -> Array:
    """Return the sums of squared errors about K lines, in units of K scales, (K,)."""
    lines = zip(intercepts, coefficients, scales, strict=True)
    return np.array([distance(one_state(moments, k), a, b, scale) for k, (a, b, scale) in enumerate(lines)])


def _lost(variance: float, moments: FullMoments) -> bool:
    """Return whether errors are so small beside the response of one state that they are its rounding."""
    spread = float(moments.scatter[0, -1, -1] / moments.weight[0])
    return variance < DEPENDENT * spread or np.sqrt(variance) < ROUNDING_WIDTH * abs(float(moments.mean[0, -1]))
