"""What a kind of Gaussian components says of itself, and of its covariances."""

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any, ClassVar, Generic, Self, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from emkit.arrays import Array
from emkit.emissions.gaussian.correlated import Correlated
from emkit.emissions.gaussian.independent import Independent
from emkit.emissions.gaussian.products import Products
from emkit.moments import Moments
from emkit.priors.conjugate import PseudoObservations
from emkit.values import replace

S = TypeVar("S", bound=Moments)

Structure: TypeAlias = Correlated | Independent
"""K covariances and what components ask of them, whatever form they are stored in."""


class Variant(ABC, Generic[S]):
    """K Gaussian components with covariances of one kind; S are their moments."""

    means: Array  # (K, D)
    prior: Any
    fixed: frozenset[str]

    stored_as: ClassVar[str]
    """The name of its covariance parameter."""

    form: ClassVar[type[Structure]]
    """Its `Structure`, made of that parameter and (K, D)."""

    products: ClassVar[type[Any]]
    """Its `Products`, with the moments that are its statistics."""

    @abstractmethod
    def stated_prior(self) -> PseudoObservations | None:
        """Return the prior of one component, None without a prior."""

    @classmethod
    @abstractmethod
    def at(cls, means: npt.ArrayLike, variances: npt.ArrayLike, *, prior: Any = None) -> Self:
        """Return components at means (K, D) that share the diagonal covariance `variances` (D,)."""

    @classmethod
    @abstractmethod
    def weak_ridge(cls, variances: Array, strength: float) -> Any:
        """Return a ridge towards a diagonal covariance `variances` (D,)."""

    # Its covariances.

    @property
    def moments(self) -> type[S]:
        """The class of its statistics."""
        return self.products.moments

    @property
    def stored(self) -> Array:
        """The covariances as they are stored."""
        return np.asarray(getattr(self, self.stored_as))

    @cached_property
    def structure(self) -> Structure:
        """The covariances, whatever form they are stored in."""
        count, columns = self.means.shape
        return self.form(self.stored, (count, columns))

    @cached_property
    def as_products(self) -> Products[S]:
        """Its log densities as matrix products."""
        return self.products(self.means, self.structure)

    def covariance_matrices(self) -> Array:
        """Return Σ_k, (K, D, D), whatever the variant stores."""
        return self.structure.matrices

    def column_variances(self) -> Array:
        """Return the diagonals of the Σ_k, (K, D)."""
        return self.structure.variances

    def component(self, k: int) -> Self:
        """Return component k alone, without its prior."""
        return self._with(self.means[k : k + 1], self.structure.component(k), prior=None)

    def marginal(self, features: list[int]) -> Self:
        """Return the components of some columns alone, without their prior."""
        return self._with(self.means[:, features], self.structure.marginal(features), prior=None)

    def residual(self, given: list[int], rest: list[int]) -> tuple[Array, Self]:
        """Return the slopes (K, R, G) of the columns `rest` on `given`, and what the regression leaves of them."""
        slopes, left = self.structure.residual(given, rest)
        return slopes, self._with(self.means[:, rest], left, prior=None)

    def _with(self, means: Array, stored: Array, **more: Any) -> Self:
        return replace(self, means=means, **{self.stored_as: stored}, **more)
