"""Dirichlet priors: on weights, on each row of a matrix of probabilities, and on categories."""

from typing import Self, TypeAlias, final

import numpy as np
from scipy.special import xlogy

from emkit.arrays import TINY, Array, average, first_index
from emkit.declarations import ParameterError, positive
from emkit.values import value


@final
@value
class Dirichlet:
    """Prior of the weights of a mixture: density ∝ Π w_k^(α_k - 1), with every α_k at least 1.

    Raises (on construction):
        ParameterError: a concentration below 1, whose mode lies on the boundary.
    """

    concentration: Array = positive("K", free=False)  # α

    def __attrs_post_init__(self) -> None:
        """Refuse concentrations whose mode would leave the simplex."""
        _check_concentration(self.concentration)

    def log_density(self, weights: Array) -> float:
        """Return the log density of weights (K,), nats, up to a constant."""
        return float(xlogy(self.concentration - 1, weights).sum())

    def mode(self, counts: Array) -> Array:
        """Return the weights (K,) at the mode of the posterior, given expected counts (K,)."""
        raised = counts + self.concentration - 1
        return raised / raised.sum()


@final
@value
class DirichletRows:
    """Prior of square matrices whose rows sum to one: density ∝ Π π_kl^(α_kl - 1), with every α_kl at least 1.

    α_kl - 1 counts as that many observations of l in row k. Several matrices are independent of one another.

    Raises (on construction):
        ParameterError: a concentration below 1, whose mode lies on the boundary.
    """

    concentration: Array = positive("K", "K", free=False)  # α

    def __attrs_post_init__(self) -> None:
        """Refuse concentrations whose mode would leave the simplex."""
        _check_concentration(self.concentration)

    @classmethod
    def diagonal(cls, size: int, same: float, other: float = 1.0) -> Self:
        """Return the prior with concentration `same` on the diagonal and `other` off it, (size, size)."""
        return cls(np.where(np.eye(size) > 0, same, other))

    def log_density(self, matrices: Array) -> float:
        """Return the log density of matrices (..., K, K), nats, up to a constant."""
        return float(xlogy(self.concentration - 1, matrices).sum())


@final
@value
class SymmetricDirichlet:
    """Prior of the probabilities of categories: density ∝ Π p_c^(α - 1) over those that are not zero by structure.

    It counts as α - 1 observations of every category.

    Raises (on construction):
        ParameterError: α below 1, where the mode lies on the boundary.
    """

    concentration: float = positive(free=False)  # α

    def __attrs_post_init__(self) -> None:
        """Refuse a concentration whose mode would leave the simplex."""
        if self.concentration < 1:
            raise ParameterError(f"concentration is {self.concentration:.6g}, expected at least 1: the mode must exist")

    def log_density(self, probabilities: Array) -> float:
        """Return the log density of independent rows of probabilities of any shape, nats, up to a constant."""
        return (self.concentration - 1) * float(np.log(probabilities[probabilities > 0]).sum())


SharesPrior: TypeAlias = Dirichlet | DirichletRows | SymmetricDirichlet | None
"""A prior of shares that sum to one along the last axis, or None for maximum likelihood."""


def mode_of_shares(count: Array, prior: SharesPrior, *, otherwise: Array) -> Array:
    """Return the shares (..., K) at the mode of their posterior given expected counts; `otherwise` without any.

    Zeros are structure, without free coordinates: a share is zero only where `otherwise`, the present one, is.
    """
    raised = count if prior is None else count + np.where(otherwise > 0, prior.concentration - 1, 0.0)
    mode = average(raised, raised.sum(axis=-1), otherwise=otherwise)
    return np.where(otherwise > 0, np.maximum(mode, TINY), mode)


def log_prior_of(given: Array, prior: SharesPrior) -> float:
    """Return the log prior density of shares (..., K), nats; 0 without a prior."""
    return 0.0 if prior is None else prior.log_density(given)


def check_possible(name: str, given: Array, prior: SharesPrior) -> None:
    """Refuse shares (..., K) that are zero where their prior would move them.

    Raises:
        ParameterError: a share is impossible under the prior; the message names it.
    """
    if log_prior_of(given, prior) == -np.inf and prior is not None:
        index = first_index((given == 0) & (np.asarray(prior.concentration) > 1))
        raise ParameterError(
            f"{name}[{', '.join(map(str, index))}] is 0, impossible under the Dirichlet prior; give it a "
            "concentration of 1"
        )


def _check_concentration(concentration: Array) -> None:
    low = concentration < 1
    if low.any():
        index = first_index(low)
        raise ParameterError(
            f"concentration[{', '.join(map(str, index))}] is {concentration[index]:.6g}, expected at least 1: the "
            "posterior mode must exist"
        )
