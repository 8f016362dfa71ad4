"""The Gaussian mixture: a mixture of Gaussian emissions with starts, conditionals and marginals."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from emkit.arguments import Seed, as_generator, check_count
from emkit.arrays import Array
from emkit.data import Weighted, as_matrix, check_features
from emkit.emissions import starting
from emkit.emissions.gaussian.base import Gaussian, GaussianPrior
from emkit.emissions.gaussian.full import FullGaussian
from emkit.emissions.protocol import Family
from emkit.models.mixture import Mixture
from emkit.priors.dirichlet import Dirichlet
from emkit.starts import check_enough, draw_distinct
from emkit.values import replace, value


@value
class GaussianMixture(Mixture[Gaussian[Any]]):
    """A mixture of K Gaussian components; its emissions say which covariances they have.

    `GaussianMixture(weights, FullGaussian(means, covariances))` is a mixture of known parameters and carries no prior.
    `GaussianMixture.start(x, K, rng=0)` is where a fit begins; unless told otherwise it adds a weak ridge:
    log prior = -ν/2 Σ_k (log|Σ_k| + tr(Σ₀ Σ_k⁻¹)) with Σ₀ the diagonal of `typical_variances` and ν = 1e-6, or less in
    proportion where the mean weight is below one. It changes a healthy component by a millionth of one row and keeps
    an empty one finite; a component that only it holds up is reported as degenerate. Units of a column do not matter.
    """

    family: ClassVar[Family | None] = FullGaussian

    def __attrs_post_init__(self) -> None:
        """Refuse emissions that are not Gaussian."""
        super().__attrs_post_init__()
        if not isinstance(self.emissions, Gaussian):
            raise TypeError(
                f"emissions: expected Gaussian ones such as emkit.FullGaussian(...), found a "
                f"{type(self.emissions).__name__}; emkit.Mixture takes any"
            )

    @property
    def means(self) -> Array:
        """The component means, (K, D)."""
        return self.emissions.means

    @property
    def covariances(self) -> Array:
        """The component covariance matrices, (K, D, D), whatever the emissions store."""
        return self.emissions.covariance_matrices()

    @classmethod
    def start_at_points(
        cls,
        x: Any,
        n_components: int,
        *,
        rng: Seed,
        emissions: type[Gaussian[Any]] = FullGaussian,
        prior: GaussianPrior = "ridge",
        weights_prior: Dirichlet | None = None,
    ) -> Self:
        """Return a mixture of equal weights at K distinct rows, all with the diagonal covariance of the data.

        Arguments and errors are those of `start`.
        """
        starting.check_family(emissions)
        generator = as_generator(rng)

        def make(rows: Weighted[Any], settled: dict[str, Any]) -> starting.Begun:
            features = emissions.features(rows.data)  # (N, D)
            check_enough(features, check_count("n_components", n_components))
            points = features[draw_distinct(features, rows.weight, n_components, generator)]
            even = np.full(n_components, rows.weight.sum() / n_components)  # (K,)
            return emissions.spread(rows.data, rows.weight, points, **settled), even

        rows = starting.weighed(emissions, x)
        components, _ = starting.begun(emissions, rows, n_components, generator, {"prior": prior}, make)
        return cls(np.full(n_components, 1 / n_components), components, weights_prior)

    def marginal(self, features: Sequence[int]) -> Self:
        """Return the mixture of some features alone, in the order given; priors are left behind.

        Raises:
            ValueError: a feature that does not exist, or twice, or none.
        """
        return type(self)(self.weights, self.emissions.marginal(check_features(features, self.means.shape[1])))

    def conditional(self, given: Sequence[int], values: npt.ArrayLike) -> Self:
        """Return the mixture of the other features where those in `given` have these values (G,).

        Reference: Bishop (2006), equations 2.81 and 2.82, with weights by Bayes' rule.

        Raises:
            ValueError: features that do not exist, or none left; values of another length.
        """
        weights, means, rest = self._conditioned(given, np.atleast_2d(np.asarray(values)))
        return type(self)(weights[0], replace(rest, means=means[0]))

    def regress(self, given: Sequence[int], values: npt.ArrayLike) -> tuple[Array, Array]:
        """Return mean (N, R) and covariance (N, R, R) of the other features, for each row of `values` (N, G).

        This is Gaussian mixture regression: the mean and covariance of `conditional` for many rows at once.
        Reference: Z. Ghahramani and M. I. Jordan (1994), NIPS 6, 120-127.
        """
        weights, means, rest = self._conditioned(given, values)
        mean = np.einsum("nk,nkr->nr", weights, means)
        spread = means - mean[:, None, :]  # (N, K, R)
        between = np.einsum("nk,nkr,nks->nrs", weights, spread, spread)
        return mean, between + np.einsum("nk,krs->nrs", weights, rest.covariance_matrices())

    def _conditioned(self, given: Sequence[int], values: npt.ArrayLike) -> tuple[Array, Array, Gaussian[Any]]:
        """Return weights (N, K) and means (N, K, R) given values (N, G), and the residual emissions."""
        width = self.means.shape[1]
        known = check_features(given, width)
        left = [d for d in range(width) if d not in known]
        if not left:
            raise ValueError(f"given: all {width} features are given; expected at least one to be left")
        rows = as_matrix(values, features=len(known), name="values")  # (N, G)
        slopes, residual = self.emissions.residual(known, left)  # (K, R, G)
        weights = self.marginal(known).posterior(rows)
        offsets = rows[:, None, :] - self.means[:, known]  # (N, K, G)
        return weights, residual.means + np.einsum("krg,nkg->nkr", slopes, offsets), residual
