"""Censored normal regression: values with normal errors of which only limits are known."""

from typing import Any, Self, final

import numpy as np

from emkit.arguments import Seed, as_generator, check_count
from emkit.arrays import EPS, LOG_2PI, ROUNDING_WIDTH, Array
from emkit.censoring import Censored, TrueValues, as_censored, informative, midpoints
from emkit.data import Weighted, as_matrix
from emkit.declarations import ParameterError, fixed, positive, real
from emkit.model import Complaint, LatentVariableModel, MissingPowerError
from emkit.models.censored.moments import CensoredMoments, check_determined
from emkit.moments import OVERFLOWS, FullMoments
from emkit.priors.conjugate import VariancePrior, optional_prior
from emkit.regression import distance, line, unidentified
from emkit.statistics import Expectation
from emkit.truncated import truncated_normal, truncated_normal_divergence
from emkit.values import update, value

SATISFIED = 1e-5
"""Where fitted values miss the data by less, in standard deviations, they miss nothing."""

UNKNOWN = 0.99
"""Where limits leave more than this of the standard deviation, they tell next to nothing."""


@final
@value
class CensoredNormal(LatentVariableModel[Weighted[Censored], CensoredMoments]):
    """Normal values y = intercept + covariates · coefficients + error, known exactly or within limits.

    Without covariates, `coefficients` is empty and `intercept` the mean. The latent variable is the true value. The
    log likelihood adds log densities of exact values and log probabilities of the others' intervals: only differences
    between models of the same data in the same units mean anything.

    Args:
        intercept: the mean where all covariates are zero.
        coefficients: (P,), empty without covariates. Covariates have no column of ones.
        standard_deviation: of the errors; survival analysis calls it scale.
        prior: of the variance, a `DiagonalRidge` of one column; without covariates also a `NormalInverseGamma` of
            mean and variance; None for maximum likelihood.
        fixed: names of what an M-step leaves as it is.

    Data are `Censored`, or that `Weighted`. Reference: J. Tobin (1958), Econometrica 26, 24-36; as EM, Dempster, Laird
    and Rubin (1977), section 4.2.

    Raises (on construction):
        ParameterError: a parameter is not finite, the standard deviation not positive, or the prior does not fit.
    """

    intercept: float = real()
    coefficients: Array = real("P", empty=True)
    standard_deviation: float = positive()
    prior: VariancePrior | None = optional_prior(VariancePrior)
    fixed: frozenset[str] = fixed()

    def __attrs_post_init__(self) -> None:
        """Refuse priors of several columns, or of a mean that the covariates move."""
        if self.prior is None:
            return
        pseudo = self.prior.on_diagonal()
        if len(pseudo.mean) != 1:
            raise ParameterError(f"CensoredNormal.prior: expected one column, found {len(pseudo.mean)}")
        if pseudo.weight > 0 and len(self.coefficients) > 0:
            raise ParameterError(
                "CensoredNormal.prior: a prior of the mean needs a model without covariates; take a DiagonalRidge, "
                "which is one of the variance alone"
            )

    @classmethod
    def start(cls, data: Any, *, prior: VariancePrior | None = None) -> Self:
        """Return the regression on limits and midpoints, from which a fit begins.

        Args:
            data: `Censored`, or that `Weighted`.
            prior: as for the class.

        Raises:
            ValueError: the likelihood has no maximum: all values are censored on one side, or at one limit; a constant
                covariate, or one that is a combination of others; values without any spread.
        """
        rows = informative(as_censored(data))
        level = cls(0.0, np.zeros(rows.data.covariates.shape[1]), 1.0, prior)
        if prior is None or prior.on_diagonal().weight == 0:
            check_determined(rows.data)
        guess = midpoints(rows.data)
        learnt = CensoredMoments.of(rows, guess, guess.mean)
        try:
            start = level.m_step(learnt)
        except ParameterError as error:
            if not error.finite:
                raise
            raise ValueError(
                "data: the limits have no spread about a line, so that the standard deviation would be zero and the "
                "likelihood unbounded; set a start by hand, or take fewer covariates"
            ) from error
        found = unidentified(learnt.moments)
        if found:
            raise ValueError("; ".join(f"{where} {why}" for where, why in found))
        return start

    def prepare(self, data: Any) -> Weighted[Censored]:
        """Return the data weighted; every value counts once unless they are `Weighted`.

        Raises:
            TypeError: not `Censored`.
            ValueError: another number of covariates.
        """
        return as_censored(data, len(self.coefficients))

    def accepts(self, wrapper: type) -> bool:
        """Accept `Weighted` data."""
        return wrapper is Weighted

    def e_step(self, data: Weighted[Censored]) -> Expectation[CensoredMoments]:
        """Return expected moments of prepared data."""
        fitted = self._fitted(data.data.covariates)
        log_marginal, known = self._condition(data.data, fitted)
        learnt = CensoredMoments.of(data, known, fitted)
        return Expectation.of(log_marginal, learnt, data.weight, conditioning=self._conditioning(data.data))

    def m_step(self, statistics: CensoredMoments) -> Self:
        """Return the regression of expected values on covariates, their variances added to the residual."""
        total, count = statistics.moments, float(statistics.moments.weight[0])
        if self.prior is not None:
            pseudo, exponent = self._pseudo(self.prior)
            total, count = total + pseudo, count + exponent
        intercept, coefficients = line(
            total,
            self.intercept if "intercept" in self.fixed else None,
            self.coefficients if "coefficients" in self.fixed else None,
        )
        deviation = float(np.sqrt(distance(total, intercept, coefficients) / count))
        return update(self, intercept=intercept, coefficients=coefficients, standard_deviation=deviation)

    def log_marginal(self, data: Any) -> Array:
        """Return log densities of exact values and log probabilities of the intervals of the others, (N,), nats."""
        prepared = self.prepare(data)
        return self._condition(prepared.data, self._fitted(prepared.data.covariates))[0]

    def posterior(self, data: Any) -> TrueValues:
        """Return mean and variance of each true value given its limits."""
        prepared = self.prepare(data)
        return self._condition(prepared.data, self._fitted(prepared.data.covariates))[1]

    def posterior_divergence(self, other: Self, data: Any) -> Array:
        """Return how far the distribution of each true value moves to another model's, (N,), nats; 0 where exact."""
        x = self.prepare(data).data
        moved, some = np.zeros(len(x)), ~x.exact
        fitted, moved_to = (one._fitted(x.covariates[some]) for one in (self, other))
        moved[some] = truncated_normal_divergence(
            fitted, self.standard_deviation, moved_to, other.standard_deviation, x.lower[some], x.upper[some]
        )
        return moved

    def predict(self, covariates: Any) -> Array:
        """Return the mean (N,) at covariates (N, P)."""
        return self._fitted(as_matrix(covariates, features=len(self.coefficients), name="covariates"))

    def log_prior(self) -> float:
        """Return the log prior density, nats, up to a constant; 0 without a prior."""
        return 0.0 if self.prior is None else self._quadratic(*self._pseudo(self.prior))

    def expected_log_joint(self, statistics: CensoredMoments) -> float:
        """Return Q(self given statistics), the expected log density of the true values, nats."""
        weight = float(statistics.moments.weight[0])
        return self._quadratic(statistics.moments, weight) - 0.5 * weight * LOG_2PI

    def sample(self, n: int, rng: Seed) -> Censored:
        """Draw n exact values of a model without covariates.

        Raises:
            MissingPowerError: the model has covariates.
        """
        if len(self.coefficients) > 0:
            raise MissingPowerError("sample draws no covariates: use sample_at(covariates, rng)")
        return self._draw(np.empty((check_count("n", n), 0)), as_generator(rng))

    def sample_at(self, covariates: Any, rng: Seed) -> Censored:
        """Draw an exact value at each row of the covariates (N, P)."""
        rows = as_matrix(covariates, features=len(self.coefficients), name="covariates")
        return self._draw(rows, as_generator(rng))

    def complaints(self, statistics: CensoredMoments) -> list[Complaint]:
        """Return which covariates have no coefficient, and whether the likelihood has no maximum."""
        moments, deviation = statistics.moments, self.standard_deviation
        found = [] if "coefficients" in self.fixed else unidentified(moments)
        place = float(np.abs(moments.mean[0]) @ np.append(np.abs(self.coefficients), 1.0))
        misfit, unknown = np.sqrt(np.array([statistics.misfit, statistics.unknown]) / moments.weight[0])
        if deviation < ROUNDING_WIDTH * place:
            found.append(("standard deviation", f"collapsed to {deviation:.3g} at values of {place:.6g}"))
        elif misfit > SATISFIED * deviation:
            return found
        elif self.prior is None and "standard_deviation" not in self.fixed:
            why = "fitted values meet all limits, so that the likelihood rises without a maximum as it falls to zero"
            found.append(("standard deviation", f"{why}; hold it fixed, or give it a prior"))
        elif unknown > UNKNOWN * deviation and (self.prior is None or self.prior.on_diagonal().weight == 0):
            why = "fitted values meet all limits with room to spare, so that the likelihood may have no maximum"
            found.append(("intercept and coefficients", f"{why}; add values that are exact or limited on both sides"))
        return found

    def _fitted(self, covariates: Array) -> Array:
        return self.intercept + covariates @ self.coefficients

    @OVERFLOWS
    def _condition(self, x: Censored, fitted: Array) -> tuple[Array, TrueValues]:
        """Return log marginals (N,), and what is known of the true values."""
        away = (x.lower - fitted) / self.standard_deviation  # (N,)
        log_marginal = -0.5 * (away**2 + LOG_2PI) - np.log(self.standard_deviation)
        mean, variance = x.lower.copy(), np.zeros(len(x))
        some = ~x.exact
        log_marginal[some], mean[some], variance[some] = truncated_normal(
            fitted[some], self.standard_deviation, x.lower[some], x.upper[some]
        )
        return log_marginal, TrueValues(mean, variance)

    def _conditioning(self, x: Censored) -> float:
        """Return eps s + (4 eps c)², nats per value.

        s is the largest sum of terms that make up a fitted value and cancel there, c the intercept, both in standard
        deviations: the first is rounded anew for each value, the second is the same for all and costs its square.
        """
        terms = float((np.abs(x.covariates) @ np.abs(self.coefficients)).max(initial=0.0)) / self.standard_deviation
        place = abs(self.intercept) / self.standard_deviation
        return EPS * min(terms, 1 / EPS) + (4 * EPS * min(place, 1 / EPS)) ** 2

    def _quadratic(self, moments: FullMoments, exponent: float) -> float:
        """Return -½ [exponent log σ² + Σ w E[(y - fitted)²] / σ²]."""
        squares = distance(moments, self.intercept, self.coefficients, self.standard_deviation)
        return -exponent * float(np.log(self.standard_deviation)) - 0.5 * squares

    def _pseudo(self, prior: VariancePrior) -> tuple[FullMoments, float]:
        """Return a prior as moments, and the exponent of 1 / σ."""
        pseudo = prior.on_diagonal()
        width = len(self.coefficients) + 1
        mean, scatter = np.zeros((1, width)), np.zeros((1, width, width))
        scatter[0, -1, -1] = pseudo.scatter[0]
        if pseudo.weight > 0:
            mean[0, -1] = pseudo.mean[0]
        return FullMoments(np.array([pseudo.weight]), mean, scatter), pseudo.total_exponent()

    def _draw(self, covariates: Array, rng: np.random.Generator) -> Censored:
        y = self._fitted(covariates) + self.standard_deviation * rng.standard_normal(len(covariates))
        return Censored(y, y, covariates)
