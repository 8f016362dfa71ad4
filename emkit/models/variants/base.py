"""What the variants of EM have in common: the mixture that they fit."""

from abc import abstractmethod
from typing import Any, Generic, TypeVar

import attrs
import numpy as np
import numpy.typing as npt

from emkit.arrays import Array
from emkit.data import Weighted
from emkit.emissions import asking
from emkit.model import Complaint, LatentVariableModel, has
from emkit.models.mixture import Mixture
from emkit.models.mixture_statistics import MixtureStatistics
from emkit.statistics import Expectation
from emkit.values import value

M = TypeVar("M", bound=Mixture[Any])


def _check_mixture(variant: Any, _: Any, given: Any) -> None:
    """Refuse what is not a mixture, or shares units out by an E-step of its own (an attrs validator)."""
    name = type(variant).__name__
    if not isinstance(given, Mixture):
        found = f"the class {given.__name__}" if isinstance(given, type) else f"a {type(given).__name__}"
        raise TypeError(
            f"{name}: expected a mixture such as emkit.GaussianMixture.start(x, 3, rng=0), found {found}"
            + _advice(given)
        )
    if type(given).e_step is not Mixture.e_step:
        raise TypeError(
            f"{name}: {type(given).__name__} has an e_step of its own, which this variant would pass over; expected "
            "that of emkit.Mixture: write what differs as emissions"
        )


def _advice(given: Any) -> str:
    """Return what to do about a model that is no mixture."""
    if isinstance(given, Variant):
        return "; take the `mixture` of that"
    if isinstance(given, type) or not has(given, LatentVariableModel):
        return ""
    return (
        ". Where a unit has several latent states, such as a chain, hardened or tempered marginals are not its best or "
        "tempered paths"
    )


@value
class Variant(LatentVariableModel[Weighted[Any], MixtureStatistics[Any]], Generic[M]):
    """A mixture, and what no variant changes of it."""

    mixture: M = attrs.field(validator=_check_mixture)

    @abstractmethod
    def posterior(self, data: Any) -> Array:
        """Return the responsibilities (N, K) that decide which component is the most probable one."""
        ...

    def accepts(self, wrapper: type) -> bool:
        """Accept what the mixture does."""
        return self.mixture.accepts(wrapper)

    def predict(self, data: Any) -> npt.NDArray[np.intp]:
        """Return the most probable component of each observation, (N,); the first of several."""
        return np.argmax(self.posterior(data), axis=1)

    def log_prior(self) -> float:
        """Return the log prior density of the mixture, nats; 0 without priors."""
        return self.mixture.log_prior()

    def remarks(self, statistics: MixtureStatistics[Any]) -> list[Complaint]:
        """Return what the mixture remarks on: estimates on a boundary."""
        return self.mixture.remarks(statistics)

    def partial_m_step(self) -> bool:
        """Return whether the mixture's M-step is partial."""
        return self.mixture.partial_m_step()


def expectation(
    mixture: Mixture[Any], rows: Weighted[Any], log_marginal: Array, share: Array
) -> Expectation[MixtureStatistics[Any]]:
    """Return what prepared rows tell a mixture if they are shared out so.

    Args:
        mixture: whose emissions have the statistics; what is latent within a component keeps its posterior.
        rows: N of them, and their weights.
        log_marginal: (N,) what is summed for the objective, nats.
        share: (N, K) of the components, each row summing to one; written over.
    """
    share *= rows.weight[:, None]  # (N, K), weights in it from here on
    learnt = MixtureStatistics(share.sum(axis=0), asking.statistics(mixture.emissions, rows.data, share))
    return Expectation.of(log_marginal, learnt, rows.weight, conditioning=asking.conditioning(mixture.emissions))
