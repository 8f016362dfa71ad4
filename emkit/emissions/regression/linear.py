"""Linear regressions, each state with errors of its own variance: their mixture is the mixture of regressions."""

from typing import Any, Self, final

import numpy as np

from emkit.arrays import Array, average
from emkit.declarations import fixed, positive, real
from emkit.emissions.regression.normal import NormalRegression
from emkit.priors.conjugate import optional_prior
from emkit.priors.ridge import DiagonalRidge
from emkit.values import value


@final
@value
class LinearRegression(NormalRegression):
    """A response normal about a line of its covariates: y | k ~ N(a_k + b_k · x, σ_k²).

    Args:
        intercepts: (K,) the response expected where all covariates are zero.
        coefficients: (K, P), one for each covariate; empty without covariates.
        variances: (K,) of the errors, positive.
        prior: a `DiagonalRidge` of one column under each variance, or None for maximum likelihood.
        fixed: names of what an M-step leaves as it is.

    Data are rows (N, P + 1) of covariates with the response last, or `Incomplete` rows seen or missing as a whole.
    Covariates have no column of ones. Reference: R. E. Quandt and J. B. Ramsey (1978), Estimating mixtures of normal
    distributions and switching regressions, Journal of the American Statistical Association 73, 730-738.

    Raises (on construction):
        ParameterError: shapes disagree, a variance is not positive, or the ridge has several columns.
    """

    intercepts: Array = real("K")  # a
    coefficients: Array = real("K", "P", empty=True)  # b
    variances: Array = positive("K")
    prior: DiagonalRidge | None = optional_prior(DiagonalRidge)
    fixed: frozenset[str] = fixed()

    @property
    def noise(self) -> Array:
        """The variance of the errors of each state, (K,)."""
        return self.variances

    @classmethod
    def _at(cls, intercepts: Array, coefficients: Array, variance: float, prior: DiagonalRidge | None) -> Self:
        return cls(intercepts, coefficients, np.full_like(intercepts, variance), prior)

    def _noise_given(self, squares: Array, count: Array) -> dict[str, Any]:
        scatter, exponent = self._pseudo()
        return {"variances": average(squares + scatter, count + exponent, otherwise=self.variances)}

    def _own(self) -> Array:
        return self.variances

    def _rows_per_variance(self, count: Array) -> Array:
        return count
