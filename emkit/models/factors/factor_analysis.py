"""Factor analysis: columns that are linear in a few factors, each with noise of its own."""

from typing import final

from emkit.arrays import Array
from emkit.declarations import fixed, positive, real
from emkit.models.factors.linear_factors import LinearFactors
from emkit.priors.conjugate import PseudoObservations, VariancePrior, optional_prior
from emkit.values import value


@final
@value
class FactorAnalysis(LinearFactors):
    """Columns that depend on each other through Q factors alone: x = mean + loadings z + noise.

    z ~ N(0, I), and the noise of column d has variance noise_d, called its uniqueness where columns are standardised.
    Units of columns do not matter. Loadings are known up to a rotation of the factors, which changes no density and
    counts as no parameter.

    Args:
        mean: (D,).
        loadings: (D, Q).
        noise: (D,) variances, positive.
        prior: of the noise and the mean, `DiagonalRidge` or `NormalInverseGamma` (its mean is that of x where z = 0);
            None for maximum likelihood. A prior keeps the noise away from zero, where a likelihood without one may
            have no maximum inside the parameter space (a Heywood case).
        fixed: names of what an M-step leaves as it is, among "mean", "loadings", "noise".

    Data are rows (N, D), `Incomplete`, `Weighted`, or a `SampleCovariance`.
    Reference: D. B. Rubin and D. T. Thayer (1982), EM algorithms for ML factor analysis, Psychometrika 47, 69-76;
    Bishop (2006), Pattern Recognition and Machine Learning, section 12.2.4.

    Raises (on construction):
        ParameterError: shapes disagree, or a variance is not positive; the message names it.
    """

    mean: Array = real("D")
    loadings: Array = real("D", "Q")
    noise: Array = positive("D")
    prior: VariancePrior | None = optional_prior(VariancePrior)
    fixed: frozenset[str] = fixed()

    @property
    def noise_variances(self) -> Array:
        """The variance of each column's noise, (D,)."""
        return self.noise

    @staticmethod
    def noise_of(variances: Array) -> Array:
        """Return the variances themselves, (D,)."""
        return variances

    @classmethod
    def most_factors(cls, columns: int) -> int:
        """Return Ledermann's bound, the largest Q with (D - Q)² >= D + Q; 0 where D is 1 or 2."""
        return max(q for q in range(columns) if (columns - q) ** 2 >= columns + q or q == 0)

    def _pseudo(self) -> PseudoObservations | None:
        return None if self.prior is None else self.prior.on_diagonal()
