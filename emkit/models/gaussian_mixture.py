"""The Gaussian mixture: a mixture of Gaussian emissions with starts, conditionals and marginals."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from emkit.arguments import Seed, as_generator, check_count
from emkit.arrays import Array
from emkit.data import Weighted, as_matrix, check_features, split_weight
from emkit.emissions.gaussian.base import Gaussian, GaussianPrior
from emkit.emissions.gaussian.full import FullGaussian
from emkit.models.mixture import Mixture
from emkit.priors.dirichlet import Dirichlet
from emkit.starts import Start, as_responsibilities, check_enough, draw_distinct, k_means
from emkit.values import replace, value

LARGEST_SPAN = 1e153
"""Columns that span more than this, or less than its inverse, have variances that leave floating point."""


@value
class GaussianMixture(Mixture[Gaussian[Any]]):
    """A mixture of K Gaussian components; its emissions say which covariances they have.

    `GaussianMixture(weights, FullGaussian(means, covariances))` is a mixture of known parameters and carries no prior.
    `GaussianMixture.start(x, K, rng=0)` is where a fit begins; unless told otherwise it adds a weak ridge:
    log prior = -ν/2 Σ_k (log|Σ_k| + tr(Σ₀ Σ_k⁻¹)) with Σ₀ the diagonal of `typical_variances` and ν = 1e-6, or less in
    proportion where the mean weight is below one. It changes a healthy component by a millionth of one row and keeps
    an empty one finite; a component that only it holds up is reported as degenerate. Units of a column do not matter.
    """

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
    def start(
        cls,
        x: Any,
        n_components: int,
        *,
        rng: Seed,
        emissions: type[Gaussian[Any]] = FullGaussian,
        how: Start = k_means,
        prior: GaussianPrior = "ridge",
        weights_prior: Dirichlet | None = None,
    ) -> Self:
        """Return a mixture from which to begin a fit.

        Args:
            x: (N, D), or `Weighted`.
            n_components: K, at least 1 and at most the number of distinct rows.
            rng: a seed, or a generator.
            emissions: FullGaussian, TiedGaussian, DiagonalGaussian or SphericalGaussian.
            how: where responsibilities come from; a function of `emkit.starts` or one like it.
            prior: of the components; None is plain maximum likelihood.
            weights_prior: of the weights.

        Raises:
            ValueError, TypeError: the data or an argument are refused; a constant column is named.
            ParameterError: without a prior, a component of the start has no positive definite covariance.
        """
        if not callable(how):
            raise TypeError(f"how: expected a function of emkit.starts or one like it, found {how!r}")
        rows, weight = _with_weight(x)
        check_enough(rows, check_count("n_components", n_components))
        responsibilities = how(rows, weight, n_components, as_generator(rng))
        return cls.from_responsibilities(
            Weighted(rows, weight), responsibilities, emissions=emissions, prior=prior, weights_prior=weights_prior
        )

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
        rows, weight = _with_weight(x)
        check_enough(rows, check_count("n_components", n_components))
        chosen = draw_distinct(rows, weight, n_components, as_generator(rng))
        components = _class_of(emissions).spread(rows, weight, rows[chosen], prior=prior)
        return cls(np.full(n_components, 1 / n_components), components, weights_prior)

    @classmethod
    def from_responsibilities(
        cls,
        x: Any,
        responsibilities: npt.ArrayLike,
        *,
        emissions: type[Gaussian[Any]] = FullGaussian,
        prior: GaussianPrior = "ridge",
        weights_prior: Dirichlet | None = None,
    ) -> Self:
        """Return the M-step's mixture given responsibilities, from any clustering.

        Args:
            x: (N, D), or `Weighted`.
            responsibilities: (N, K) rows that sum to one, or (N,) whole numbers, a cluster 0 .. K - 1 for each row.
            emissions, prior, weights_prior: as for `start`.

        Raises:
            ValueError: wrong shape, negative or not summing to one, or a component without any responsibility.
        """
        rows, weight = _with_weight(x)
        posterior = as_responsibilities(responsibilities, split_weight(x)[1], len(rows)) * weight[:, None]  # (N, K)
        components = _class_of(emissions).around(rows, posterior, prior=prior)
        equal = cls(np.full(posterior.shape[1], 1 / posterior.shape[1]), components, weights_prior)
        return replace(equal, weights=equal.weights_given(posterior.sum(axis=0)))

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


def _with_weight(x: Any) -> tuple[Array, Array]:
    """Return the rows that have weight, and their weights, both checked."""
    data, weight = split_weight(x)
    rows = as_matrix(data)
    if weight is None:
        weight = np.ones(len(rows))
    elif not weight.any():
        raise ValueError("data: the weights are all zero; expected at least one row with weight")
    elif not weight.all():
        rows, weight = rows[weight > 0], weight[weight > 0]
    _check_span(rows)
    return rows, weight


def _check_span(rows: Array) -> None:
    with np.errstate(over="ignore"):
        span = np.ptp(rows, axis=0)  # (D,)
    wrong = (span > LARGEST_SPAN) | ((span > 0) & (span < 1 / LARGEST_SPAN))
    if wrong.any():
        d = int(np.argmax(wrong))
        raise ValueError(
            f"data: column {d} spans {span[d]:.3g}, the square of which floating point cannot hold; rescale the column"
        )


def _class_of(emissions: type[Gaussian[Any]]) -> type[Gaussian[Any]]:
    if not (isinstance(emissions, type) and issubclass(emissions, Gaussian)):
        raise TypeError(f"emissions: expected a class such as emkit.FullGaussian, found {emissions!r:.60}")
    return emissions
