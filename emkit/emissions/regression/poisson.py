"""Poisson regressions: counts whose log rate is a line of the covariates."""

from collections.abc import Iterator
from typing import ClassVar, Self, final

import numpy as np
import numpy.typing as npt

from emkit.arrays import EPS, Array
from emkit.declarations import fixed, real
from emkit.emissions import textbook
from emkit.emissions.regression.base import Regression, check_covariates, joint_moments
from emkit.emissions.regression.edges import coincident, undetermined
from emkit.emissions.regression.log_rates import information, log_likelihood, maximise
from emkit.entries import COUNT, Entries
from emkit.gamma_function import log_normaliser
from emkit.model import Complaint
from emkit.values import update, value

RESPONSE = Entries(
    "a count in the last column: 0, 1, 2, ...",
    lambda x: np.hstack([np.full_like(x[:, :-1], True, dtype=bool), COUNT.allowed(x[:, -1:])]),
)

SHRINK = 0.1
"""A start moves counts this far towards their mean, so that no state begins with nothing but zeros."""

UNINFORMED = 1e-10
"""Where a row tells less than this of a direction of the coefficients, they run to infinity along it."""


@final
@value
class WeightedRows:
    """Rows and how they are shared out: `+` concatenates, so that they grow with the data."""

    rows: Array  # (N, P + 1)
    posterior: Array  # (N, K)

    def __add__(self, other: Self) -> Self:
        """Join the rows."""
        if type(other) is not type(self):
            return NotImplemented
        return type(self)(np.vstack([self.rows, other.rows]), np.vstack([self.posterior, other.posterior]))

    def __mul__(self, factor: float) -> Self:
        """Let every row count `factor` times."""
        return type(self)(self.rows, self.posterior * factor)

    __rmul__ = __mul__


@final
@value
class PoissonRegression(Regression):
    """Counts that are Poisson with a log-linear rate: log λ_k = a_k + b_k · x.

    No finite statistics exist. Those of an E-step are its rows with their weights: memory grows with N, and an M-step
    reads them several times.

    Args:
        intercepts: (K,) the log rate where all covariates are zero.
        coefficients: (K, P), one for each covariate; empty without covariates.
        fixed: names of what an M-step leaves as it is.

    Data are rows (N, P + 1) of covariates with the count last, or `Incomplete` rows seen or missing as a whole.
    Covariates have no column of ones. Where a state's counts are all zero, or covariates part the zeros from the rest,
    the likelihood rises as rates fall to zero, without a maximum: the outcome `degenerate`. Reference: M. Wedel,
    W. S. DeSarbo, J. R. Bult and V. Ramaswamy (1993), A latent class Poisson regression model for heterogeneous count
    data, Journal of Applied Econometrics 8, 397-411.

    Raises (on construction):
        ParameterError: shapes disagree, or an entry is not finite.
    """

    intercepts: Array = real("K")  # a
    coefficients: Array = real("K", "P", empty=True)  # b
    fixed: frozenset[str] = fixed()

    response: ClassVar[Entries] = RESPONSE

    @classmethod
    def around(cls, rows: Array, posterior: Array) -> Self:
        """Return the M-step's lines given rows (N, P + 1), their counts moved a little towards their mean.

        Raises:
            ValueError: a covariate that is constant or a combination of others, or counts that are all zero.
        """
        weight = posterior.sum(axis=1)  # (N,)
        check_covariates(rows, weight)
        mean = float(weight @ rows[:, -1] / weight.sum())
        if mean == 0:
            raise ValueError("data: the counts are all zero, so that every rate would be; there is nothing to learn")
        moved = np.column_stack([rows[:, :-1], (1 - SHRINK) * rows[:, -1] + SHRINK * mean])
        states = posterior.shape[1]
        level = cls(np.full(states, np.log(mean)), np.zeros((states, rows.shape[1] - 1)))
        return level.m_step(WeightedRows(moved, posterior))

    def log_density(self, x: Array) -> Array:
        """Return log p(y_n | x_n, k), (N, K), nats, free of large terms that cancel."""
        counts = x[:, -1]
        some = np.where(counts > 0, counts, 1.0)
        peak = np.where(counts > 0, log_normaliser(some) - np.log(some), 0.0)  # (N,) at rates equal to the counts
        return peak[:, None] + log_likelihood(counts[:, None], self._lines(x[:, :-1]))

    def statistics(self, x: Array, posterior: Array) -> WeightedRows:
        """Return the rows that have weight in some state, with posterior (N, K)."""
        some = posterior.any(axis=1)
        return WeightedRows(x, posterior) if some.all() else WeightedRows(x[some], posterior[some])

    def m_step(self, statistics: WeightedRows) -> Self:
        """Return the maximum in each state, by iteratively reweighted least squares with halved steps.

        A state without weight stays where it was; one without a maximum goes far towards it.
        """
        intercepts, coefficients = self.intercepts.copy(), self.coefficients.copy()
        for k, weight in enumerate(statistics.posterior.T):
            some = weight > 0
            if some.any():
                rows = statistics.rows[some]
                intercepts[k], coefficients[k] = self._line(k, rows[:, :-1], rows[:, -1], weight[some])
        return update(self, intercepts=intercepts, coefficients=coefficients)

    def expected_log_density(self, statistics: WeightedRows) -> float:
        """Return Σ_n Σ_k p_nk log p(y_n | x_n, k), nats, less its largest value at any rates."""
        counts = statistics.rows[:, -1:]
        terms = log_likelihood(counts, self._lines(statistics.rows[:, :-1]))  # (N, K)
        some = statistics.posterior > 0
        return float(statistics.posterior[some] @ terms[some])

    def complaints(self, statistics: WeightedRows) -> list[Complaint]:
        """Return which states have no maximum, have too few rows, or coincide."""
        moments = joint_moments(statistics.rows, statistics.posterior)
        found = [] if "coefficients" in self.fixed else undetermined(moments)
        known, held = {where for where, _ in found}, {"intercepts", "coefficients"} & self.fixed
        covariates = statistics.rows[:, :-1]
        log_rates, free = self._lines(covariates), covariates[:, :0] if "coefficients" in held else covariates
        for k, weight in enumerate(statistics.posterior.T):
            if len(held) == 2 or f"component {k}" in known or not weight.any():
                continue
            if information(free, log_rates[:, k], weight) < UNINFORMED:
                why = "its counts are all zero, or covariates part the zeros from the rest"
                found.append((f"component {k}", f"rates fall to zero and coefficients run to infinity: {why}"))
        return found + coincident(self.intercepts, self.coefficients, np.ones_like(self.intercepts), moments)

    def conditioning(self) -> float:
        """Return eps times the largest intercept, nats per row: as large as what cancels in a line far from zero."""
        return EPS * float(np.abs(self.intercepts).max())

    def complete(self, row: Array) -> Iterator[tuple[float, WeightedRows]]:
        """Yield the log density of one row, and the row in each state."""
        ((*covariates, y),) = row
        for k, (a, line) in enumerate(zip(self.intercepts, self.coefficients, strict=True)):
            rate = np.exp(a + sum(b * x for b, x in zip(line, covariates, strict=True)))
            yield textbook.poisson(y, rate), WeightedRows(row, np.eye(len(self.intercepts))[k : k + 1])

    def _line(self, k: int, covariates: Array, counts: Array, weight: Array) -> tuple[float, Array]:
        """Return the intercept and coefficients of one state that maximise Q, where they are not held."""
        a, b = float(self.intercepts[k]), self.coefficients[k]
        free_slopes = "coefficients" not in self.fixed and len(b) > 0
        if "intercepts" in self.fixed:
            return a, maximise(covariates, np.full(len(counts), a), counts, weight, b) if free_slopes else b
        if not free_slopes:
            level = np.ones((len(counts), 1))
            return float(maximise(level, covariates @ b, counts, weight, np.array([a]))[0]), b
        centre = (weight / weight.sum()) @ covariates  # (P,)
        design = np.column_stack([np.ones(len(counts)), covariates - centre])
        free = maximise(design, np.zeros(len(counts)), counts, weight, np.append(a + centre @ b, b))
        return float(free[0] - centre @ free[1:]), free[1:]

    def _mean(self, line: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.exp(line)

    def _draw(self, line: Array, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Array:
        return rng.poisson(self._mean(line)).astype(np.float64)
