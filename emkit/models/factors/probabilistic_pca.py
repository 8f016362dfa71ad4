"""Probabilistic principal component analysis: columns that are linear in a few factors, with one noise for all."""

from typing import final

import attrs
import numpy as np

from emkit.arrays import Array
from emkit.declarations import fixed, positive, real
from emkit.models.factors.linear_factors import LinearFactors
from emkit.priors.conjugate import PseudoObservations, VariancePrior, optional_prior
from emkit.values import value


@final
@value
class ProbabilisticPCA(LinearFactors):
    """Principal components as a density: x = mean + loadings z + noise, z ~ N(0, I), the noise N(0, noise I).

    At the maximum of the likelihood the loadings span the first Q principal components of the covariance matrix, and
    the noise is the mean of the variances along the others; with missing values, too, it stays a density of the cells
    seen. Columns should be in one unit, as for any principal components.

    Args:
        mean: (D,).
        loadings: (D, Q), known up to a rotation of the factors.
        noise: the variance of every column's noise, positive.
        prior: of the noise and the mean, `DiagonalRidge` or `NormalInverseGamma`; None for maximum likelihood.
        fixed: names of what an M-step leaves as it is, among "mean", "loadings", "noise".

    Data are rows (N, D), `Incomplete`, `Weighted`, or a `SampleCovariance`.
    Reference: M. E. Tipping and C. M. Bishop (1999), Probabilistic principal component analysis, Journal of the Royal
    Statistical Society B 61, 611-622; Bishop (2006), Pattern Recognition and Machine Learning, section 12.2.

    Raises (on construction):
        ParameterError: shapes disagree, or the variance is not positive.
    """

    mean: Array = real("D")
    loadings: Array = real("D", "Q")
    noise: float = positive()
    prior: VariancePrior | None = optional_prior(VariancePrior)
    fixed: frozenset[str] = fixed()

    @property
    def noise_variances(self) -> Array:
        """The variance of each column's noise, (D,), all the same."""
        return np.full(len(self.mean), self.noise)

    @staticmethod
    def noise_of(variances: Array) -> float:
        """Return the mean of the variances."""
        return float(variances.mean())

    @classmethod
    def most_factors(cls, columns: int) -> int:
        """Return one less than there are columns."""
        return columns - 1

    def _pseudo(self) -> PseudoObservations | None:
        if self.prior is None:
            return None
        pseudo = self.prior.on_spherical()
        return attrs.evolve(pseudo, scatter=np.full(len(self.mean), float(pseudo.scatter) / len(self.mean)))
