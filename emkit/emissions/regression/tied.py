"""Linear regressions whose errors have one variance in all states."""

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
class TiedLinearRegression(NormalRegression):
    """A response normal about a line of its covariates, equally wide in all states: y | k ~ N(a_k + b_k · x, σ²).

    Args:
        intercepts: (K,) the response expected where all covariates are zero.
        coefficients: (K, P), one for each covariate; empty without covariates.
        variance: of the errors, positive.
        prior: a `DiagonalRidge` of one column under the variance, or None for maximum likelihood.
        fixed: names of what an M-step leaves as it is.

    Data are those of `LinearRegression`.

    Raises (on construction):
        ParameterError: shapes disagree, the variance is not positive, or the ridge has several columns.
    """

    intercepts: Array = real("K")  # a
    coefficients: Array = real("K", "P", empty=True)  # b
    variance: float = positive()
    prior: DiagonalRidge | None = optional_prior(DiagonalRidge)
    fixed: frozenset[str] = fixed()

    @property
    def noise(self) -> Array:
        """The variance of the errors, once for each state, (K,)."""
        return np.full_like(self.intercepts, self.variance)

    @classmethod
    def _at(cls, intercepts: Array, coefficients: Array, variance: float, prior: DiagonalRidge | None) -> Self:
        return cls(intercepts, coefficients, variance, prior)

    def _noise_given(self, squares: Array, count: Array) -> dict[str, Any]:
        scatter, exponent = self._pseudo()
        total = np.array([squares.sum() + scatter])
        return {"variance": average(total, np.array([count.sum() + exponent]), otherwise=np.array([self.variance]))[0]}

    def _own(self) -> Array:
        return np.array([self.variance])

    def _rows_per_variance(self, count: Array) -> Array:
        return np.full_like(count, count.sum())
