"""The subject of an audit: a model with its data, and what can be asked of it."""

from functools import cached_property
from typing import Any

import numpy as np

from emkit.arrays import EPS
from emkit.data import head, split_weight
from emkit.differences.chart import Chart
from emkit.differences.noise import NOISE_ERRORS, noise
from emkit.execution.evaluate import Evaluator, log_prior
from emkit.leaves import leaves
from emkit.model import Enumerates, HasPrior, MissingPowerError, has
from emkit.parameters import pack, unpack
from emkit.powers import has_q, is_exact, packs
from emkit.statistics import Expectation

UNITS = 300
"""Units of data on which derivatives of the log likelihood are taken: Fisher's identity holds for any of them."""

DOUBLINGS = 20
"""How often statistics are doubled to see what of an M-step fades as data grow: a million times."""

Q_ROUNDING = 1e-10
"""Of Q, relative to its size and the number of units: a sum of terms each known to rounding."""


class Subject:
    """A model with prepared data.

    Args:
        model: where the run that is audited starts.
        data: as for `emkit.fit`.
    """

    def __init__(self, model: Any, data: Any) -> None:
        self.model = model
        self.name = type(model).__name__
        self.evaluator = Evaluator(model, data, "auto")
        self._charts: dict[int, Chart] = {}
        self.some = head(self.evaluator.data, UNITS)  # prepared

    # Powers.

    @cached_property
    def knows_q(self) -> bool:
        """Whether the model has an `expected_log_joint` that works."""
        try:
            return has_q(self.model, self.learnt.statistics) and self.broken_q is None
        except Exception:  # of a step, which the run shows
            return False

    @cached_property
    def learnt(self) -> Expectation[Any]:
        """What the E-step of the start learns of some units."""
        return self.model.e_step(self.some)

    @cached_property
    def broken_q(self) -> str | None:
        """What `expected_log_joint` does instead of returning a number; None where it returns one, or is not there."""
        try:
            numbers = [*leaves(self.learnt.statistics).values(), np.asarray(self.learnt.log_likelihood)]
            if not all(np.isfinite(one).all() for one in numbers):
                return None
        except Exception:  # of a step, which the run shows
            return None
        try:
            if not has_q(self.model, self.learnt.statistics):
                return None
            said = self.model.expected_log_joint(self.learnt.statistics)
        except Exception as error:
            return f"raised {type(error).__name__}: {error}"
        if np.ndim(said) != 0 or not isinstance(said, (int, float, np.number)):
            return f"returned a {type(said).__name__} of shape {np.shape(said)}; expected one number"
        return None if np.isfinite(said) else f"returned {said}"

    @cached_property
    def broken_configurations(self) -> str | None:
        """What `configurations` does instead of yielding any; None where it yields some, or is not there."""
        if not self.enumerates:
            return None
        try:
            first = next(iter(self.model.configurations(self.some[:1])), None)
            return "yielded none" if first is None else None
        except MissingPowerError:
            return None
        except Exception as error:
            return f"raised {type(error).__name__}: {error}"

    @cached_property
    def packs(self) -> bool:
        """Whether the model declares its parameters."""
        return packs(self.model)

    @property
    def has_prior(self) -> bool:
        """Whether the model has a `log_prior`, and one that says something."""
        return has(self.model, HasPrior) and log_prior(self.model) != 0

    @property
    def enumerates(self) -> bool:
        """Whether the model goes through its latent configurations."""
        return has(self.model, Enumerates)

    @property
    def is_exact(self) -> bool:
        """Whether the M-step claims to maximise."""
        return is_exact(self.model)

    # Quantities, nats.

    def chart(self, model: Any) -> Chart:
        """Return the free coordinates around a model, in natural units."""
        if id(model) not in self._charts:
            self._charts[id(model)] = Chart(model, self.some)  # which holds the model, so that no other has its id
        return self._charts[id(model)]

    def bound(self, model: Any, statistics: Any) -> float:
        """Return Q + log prior: what an M-step maximises."""
        return float(model.expected_log_joint(statistics)) + log_prior(model)

    def raised(self, before: Any, after: Any, learnt: Expectation[Any]) -> tuple[float, float]:
        """Return by how much an M-step changed Q + log prior, and how far rounding may have that off."""
        first, second = self.bound(before, learnt.statistics), self.bound(after, learnt.statistics)
        return second - first, Q_ROUNDING * (max(abs(first), abs(second)) + learnt.units)

    def noise_of_q(self, model: Any, learnt: Expectation[Any]) -> float:
        """Return how far rounding may have Q + log prior off near a model, measured; zero where it cannot be."""
        if not self.packs:
            return 0.0
        free, units = pack(model), self.chart(model).units
        deviation = noise(lambda at: self.bound(unpack(at, like=model), learnt.statistics), free, units)
        return NOISE_ERRORS * float(deviation)

    def moved(self, one: Any, other: Any) -> float:
        """Return how far apart two models are, in natural units; zero where they declare no parameters."""
        if not self.packs:
            return 0.0
        first, second = pack(one), pack(other)
        if first.shape != second.shape:
            return float("inf")
        return float((np.abs(first - second) / self.chart(self.model).units_at(one)).max())

    def log_likelihood(self, model: Any, units: Any) -> float:
        """Return the weighted sum of log marginals of some units."""
        _, weight = split_weight(units)
        log_marginal = np.asarray(model.log_marginal(units))
        return float(log_marginal.sum() if weight is None else weight[weight > 0] @ log_marginal[weight > 0])

    def many(self, learnt: Expectation[Any]) -> tuple[Any, float] | None:
        """Return statistics of the same data a million times over and their units; None where they grow with data."""
        once, twice = learnt.statistics, learnt.statistics + learnt.statistics
        if [one.shape for one in leaves(once).values()] != [one.shape for one in leaves(twice).values()]:
            return None
        for _ in range(DOUBLINGS - 1):
            twice = twice + twice
        return twice, learnt.units * 2.0**DOUBLINGS


def rounding_of(learnt: Expectation[Any]) -> float:
    """Return how far a log likelihood may be off, nats: what its E-step says, and at least the rounding of its sum."""
    return max(learnt.rounding, EPS * (abs(learnt.log_likelihood) + learnt.units))
