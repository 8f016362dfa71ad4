"""A case: an example model and example data, and how to draw others like them."""

from functools import cached_property
from itertools import islice
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from emkit.arrays import Array
from emkit.data import Weighted, split_weight
from emkit.differences.chart import Chart
from emkit.execution.evaluate import log_prior
from emkit.model import Accepts, Enumerates, HasExpectedLogJoint, MissingPowerError, Prepares, Samples
from emkit.parameters import pack, unpack
from emkit.powers import is_exact, packs
from emkit.testing.tolerances import MOST_CONFIGURATIONS, MOST_LOST, MOST_UNITS, SPREAD


def take(data: Any, index: npt.NDArray[np.intp]) -> Any:
    """Return some units of data, in the order of an index array."""
    if isinstance(data, Weighted):
        return Weighted(take(data.data, index), data.weight[index])
    if isinstance(data, (list, tuple)):
        return [data[i] for i in index]
    return data[index]


def complete(model: Any, unit: Any) -> list[tuple[float, Any]]:
    """Return all latent configurations of one unit: log joints and complete-data statistics."""
    found = list(islice(model.configurations(unit), MOST_CONFIGURATIONS + 1))
    if len(found) > MOST_CONFIGURATIONS:
        raise ValueError(
            f"a unit of the data has more than {MOST_CONFIGURATIONS} latent configurations; give the kit data of "
            "smaller units: conformance(model, data, tiny=...)"
        )
    return found


@attrs.frozen(slots=False, eq=False)
class Case:
    """An example model with example data, from which models and data are drawn."""

    model: Any
    data: Any
    tiny: Any  # data of units with few latent configurations

    # What the model can do.

    def has(self, *powers: Any) -> bool:
        """Return whether the model has all of these powers, and its parts what they need."""
        return all(isinstance(self.model, power) and self._works(power) for power in powers)

    def _works(self, power: Any) -> bool:
        try:
            if power is Samples:
                self.model.sample(1, np.random.default_rng(0))
            elif power is Enumerates:
                next(iter(self.model.configurations(self.prepare(self.tiny[:1]))))
            elif power is HasExpectedLogJoint:
                self.model.expected_log_joint(self.model.e_step(self.prepared).statistics)
        except MissingPowerError:
            return False
        except Exception:  # the law that uses the power will show it
            return True
        return True

    @cached_property
    def packs(self) -> bool:
        """Whether the model declares free parameters."""
        return packs(self.model)

    @property
    def exact(self) -> bool:
        """Whether the M-step claims to maximise."""
        return is_exact(self.model)

    @property
    def weighs(self) -> bool:
        """Whether the model accepts weights."""
        return isinstance(self.model, Accepts) and self.model.accepts(Weighted)

    @cached_property
    def scales(self) -> bool:
        """Whether the statistics have `*`."""
        try:
            return hasattr(self.model.e_step(self.prepared).statistics, "__mul__")
        except Exception:  # the laws of the E-step will show it
            return True

    # Data.

    def prepare(self, data: Any) -> Any:
        """Return data as the E-step takes them."""
        return self.model.prepare(data) if isinstance(self.model, Prepares) else data

    @cached_property
    def prepared(self) -> Any:
        """The example data as the E-step takes them."""
        return self.prepare(self.data)

    def draw_raw(self, rng: np.random.Generator, data: Any = None) -> Any:
        """Return units of the example data, drawn with replacement."""
        source = self.data if data is None else data
        inner = split_weight(source)[0]
        if not isinstance(inner, (np.ndarray, list, tuple)):  # a table: rows can be taken once it is prepared
            source = self.prepare(source)
        return take(source, rng.integers(0, len(source), min(len(source), MOST_UNITS)))

    def draw_data(self, rng: np.random.Generator) -> Any:
        """Return units of the example data, drawn with replacement and prepared."""
        return self.prepare(self.draw_raw(rng))

    # Models.

    def draw_model(self, rng: np.random.Generator, spread: float = SPREAD, around: Any = None) -> Any:
        """Return a model drawn around the example, in free coordinates.

        Models that declare no parameters are drawn by an M-step from resampled data.
        """
        if not self.packs:
            drawn = self.model.m_step(self.model.e_step(self.draw_data(rng)).statistics)
            if type(drawn) is not type(self.model):
                raise TypeError(
                    f"no model drawn: m_step of {type(self.model).__name__} returned {type(drawn).__name__}"
                )
            return drawn
        centre = self.model if around is None else around
        start = pack(centre)
        away = spread * self.chart.units_at(centre) * rng.standard_normal(len(start))
        least = float(np.mean(self.chart.log_marginal(centre, start))) - MOST_LOST
        for _ in range(60):
            if np.mean(self.chart.log_marginal(centre, start + away)) > least:
                return unpack(start + away, like=centre)
            away /= 2
        return centre

    @cached_property
    def chart(self) -> Chart:
        """The free coordinates around the example."""
        return Chart(self.model, self.prepared)

    @property
    def units(self) -> Array:
        """The natural units of the free coordinates at the example, (P,)."""
        return self.chart.units


def log_likelihood(model: Any, data: Any) -> float:
    """Return the sum of weights times log marginals of prepared data, nats."""
    _, weight = split_weight(data)
    log_marginal = np.asarray(model.log_marginal(data))
    return float(log_marginal.sum() if weight is None else weight[weight > 0] @ log_marginal[weight > 0])


def bound(model: Any, statistics: Any) -> float:
    """Return Q + log prior, nats: what an M-step maximises."""
    return float(model.expected_log_joint(statistics)) + log_prior(model)
