"""Stacked emissions: states of different kinds, such as a point mass beside a Poisson distribution."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Self, final

import attrs
import numpy as np
import numpy.typing as npt

from emkit.arguments import Seed
from emkit.arrays import Array, average
from emkit.data import Weighted
from emkit.declarations import ParameterError, fixed, parts
from emkit.emissions import asking
from emkit.emissions.parts import PartStatistics
from emkit.emissions.protocol import Family, HasExpectedLogDensity, SamplesGivenStates
from emkit.emissions.starting import check_family, made, responsibilities
from emkit.incomplete import Incomplete
from emkit.model import Complaint
from emkit.starts import Start
from emkit.values import axis_size, update, value


def _check_parts(_: Any, field: "attrs.Attribute[Any]", given: tuple[Any, ...]) -> None:
    for i, part in enumerate(given):
        asking.check_is_emissions(f"{field.name}[{i}]", part)
        axis_size(part, "K")


@final
@value
class Stacked:
    """States of several emissions one after the other: 0 .. K_1 - 1 are those of the first part, and so on.

    Args:
        parts: emissions of the same data, any of them with any number of states.
        fixed: {"parts"} to hold all; a part holds its own parameters by its own `fixed`.

    Data are what every part accepts. Missing cells are handled as each part does. A mixture compares log densities as
    numbers: where some parts are densities and others probabilities, their units must suit each other.
    `Stacked.of(PointMass([[0.0]]), Poisson)` is what a start takes.

    Raises (on construction):
        ParameterError: the parts disagree on the number of columns.
        TypeError: a part is not emissions that declare an axis "K".
    """

    parts: tuple[Any, ...] = parts("D", added="K", check=_check_parts)
    fixed: frozenset[str] = fixed()

    @staticmethod
    def of(*parts: Any) -> "StackedFamily":
        """Return a recipe for a start: emissions as they are to begin, and last a class that takes all other states."""
        return StackedFamily(parts)

    @property
    def states(self) -> tuple[slice, ...]:
        """The states of each part."""
        ends = np.cumsum([0, *(axis_size(part, "K") for part in self.parts)])
        return tuple(slice(int(first), int(end)) for first, end in pairwise(ends))

    def prepare(self, x: Any) -> Any:
        """Return data as every part accepts them, or raise ValueError or TypeError with the entry at fault."""
        for part in self.parts:
            x = asking.prepare(part, x)
        return x

    def accepts(self, wrapper: type) -> bool:
        """Accept missing cells; parts that cannot have theirs seen or missing as a whole."""
        return wrapper is Incomplete

    def log_density(self, x: Any) -> Array:
        """Return log p(x_n | k) of the states of all parts, (N, K), nats."""
        return np.concatenate([asking.log_density(part, x) for part in self.parts], axis=1)

    def statistics(self, x: Any, posterior: Array) -> PartStatistics:
        """Return the statistics of every part, given posterior (N, K)."""
        return PartStatistics(tuple(asking.statistics(part, x, posterior[:, own]) for part, own in self._with_states()))

    def m_step(self, statistics: PartStatistics) -> Self:
        """Return the parts' M-steps: their parameters have nothing in common."""
        if "parts" in self.fixed:
            return self
        learnt = []
        for i, (part, s) in enumerate(self._with_statistics(statistics)):
            try:
                learnt.append(part.m_step(s))
            except ParameterError as error:
                raise ParameterError(f"parts[{i}]: {error}", finite=error.finite) from error
        return update(self, parts=learnt)

    def expected_log_density(self, statistics: PartStatistics) -> float:
        """Return the sum over parts, nats."""
        return sum(
            float(asking.need(part, HasExpectedLogDensity, "expected_log_density").expected_log_density(s))
            for part, s in self._with_statistics(statistics)
        )

    def latent_divergence(self, other: Self, x: Any) -> Array:
        """Return that of the states of all parts, (N, K), nats."""
        parts = zip(self.parts, other.parts, strict=True)
        moved = [asking.divergence_by_state(part, theirs, x, (len(x), axis_size(part, "K"))) for part, theirs in parts]
        return np.concatenate(moved, axis=1)

    def log_prior(self) -> float:
        """Return the sum over parts, nats."""
        return sum(asking.log_prior(part) for part in self.parts)

    def conditioning(self) -> float:
        """Return that of the worst part, nats per row."""
        return max(asking.conditioning(part) for part in self.parts)

    def partial_m_step(self) -> bool:
        """Return whether the M-step of any part is partial."""
        return any(asking.partial_m_step(part) for part in self.parts)

    def complaints(self, statistics: PartStatistics) -> list[Complaint]:
        """Return what the parts complain of, their components counted from the first part on."""
        return self._said(asking.complaints, statistics)

    def remarks(self, statistics: PartStatistics) -> list[Complaint]:
        """Return what the parts remark on, their components counted from the first part on."""
        return self._said(asking.remarks, statistics)

    def sample(self, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Any:
        """Draw one row for each state (N,); returns (N, D)."""
        drawn = [
            asking.need(part, SamplesGivenStates, "sample").sample(states[rows] - own.start, rng)
            for part, own, rows in self._with_rows(states)
        ]
        return self._in_order(drawn, states)

    def impute(self, x: Incomplete, posterior: Array) -> Array:
        """Return data (N, D), missing cells as the parts expect them, shared out by posterior (N, K)."""
        total = np.zeros_like(x.data)
        for part, own in self._with_states():
            mine = posterior[:, own]  # (N, K_part)
            share = mine.sum(axis=1)  # (N,)
            within = average(mine, share, otherwise=np.full_like(mine, 1 / mine.shape[1]))
            total += share[:, None] * asking.impute(part, x, within)
        return x.filled(total)

    def sample_missing(self, x: Incomplete, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Return data (N, D), missing cells drawn by the part of their row's state."""
        drawn = [
            asking.sample_missing(part, x[rows], states[rows] - own.start, rng) if len(rows) else x.data[rows]
            for part, own, rows in self._with_rows(states)
        ]
        return self._in_order(drawn, states)

    def complete(self, row: Any) -> Iterator[tuple[float, PartStatistics]]:
        """Yield the log density of one row and its complete-data statistics, for each state of each part."""
        nothing = self.statistics(row, np.zeros((1, self.states[-1].stop))).parts
        for i, part in enumerate(self.parts):
            for log_density, learnt in asking.complete(part, row):
                yield log_density, PartStatistics((*nothing[:i], learnt, *nothing[i + 1 :]))

    def _with_states(self) -> list[tuple[Any, slice]]:
        return list(zip(self.parts, self.states, strict=True))

    def _with_statistics(self, statistics: PartStatistics) -> list[tuple[Any, Any]]:
        return list(zip(self.parts, statistics.parts, strict=True))

    def _said(self, ask: Callable[[Any, Any], list[Complaint]], statistics: PartStatistics) -> list[Complaint]:
        if "parts" in self.fixed:
            return []
        return [
            (_renumbered(where, own.start), why)
            for (part, s), own in zip(self._with_statistics(statistics), self.states, strict=True)
            for where, why in ask(part, s)
        ]

    def _with_rows(self, states: npt.NDArray[np.intp]) -> Iterator[tuple[Any, slice, npt.NDArray[np.intp]]]:
        """Yield each part, its states, and the rows that are in one of them."""
        for part, own in self._with_states():
            yield part, own, np.flatnonzero((own.start <= states) & (states < own.stop))

    def _in_order(self, pieces: list[Any], states: npt.NDArray[np.intp]) -> Any:
        """Join the rows of each part, and put them back where they belong."""
        order = np.concatenate([rows for _, _, rows in self._with_rows(states)])
        return np.concatenate(pieces)[np.argsort(order)]


def _renumbered(where: str, first: int) -> str:
    """Return "component 0" or "components 0 and 1" as counted from another first component."""
    return re.sub(r"\d+", lambda k: str(int(k[0]) + first), where) if where.startswith("component") else where


@final
@attrs.frozen
class StackedFamily:
    """A recipe for stacked emissions: what a start takes; made by `Stacked.of`."""

    parts: tuple[Any, ...]  # emissions, and last a family

    def __attrs_post_init__(self) -> None:
        """Refuse anything but emissions followed by one family."""
        if len(self.parts) < 2:
            raise TypeError("Stacked.of: expected emissions and then a class, as in (PointMass([[0.0]]), Poisson)")
        for i, part in enumerate(self.given):
            asking.check_is_emissions(f"Stacked.of: part {i}", part)
        check_family(self.family)

    @property
    def given(self) -> tuple[Any, ...]:
        """The parts that begin as they are."""
        return self.parts[:-1]

    @property
    def family(self) -> Family:
        """What takes all other states."""
        return self.parts[-1]

    def read(self, x: Any) -> Any:
        """Return data as every part accepts them, or raise ValueError or TypeError with the entry at fault."""
        x = self.family.read(x)
        for part in self.given:
            x = asking.prepare(part, x)
        return x

    def features(self, x: Any) -> Array:
        """Return the features of the family, (N, F)."""
        return self.family.features(x)

    def share_out(self, rows: Weighted[Any], n_states: int, how: Start, rng: Seed) -> Array:
        """Return responsibilities (N, K) of rows: a given state has an even share of each row that is possible in it.

        The rest of the row belongs to the family's states, by `how`.

        Raises:
            ValueError: no state is left for the family.
        """
        possible = np.concatenate([asking.log_density(part, rows.data) > -np.inf for part in self.given], axis=1)
        left = n_states - possible.shape[1]
        if left < 1:
            raise ValueError(
                f"n_components: expected more than the {possible.shape[1]} states that Stacked.of is given, "
                f"found {n_states}"
            )
        share = 1 / (1 + possible.sum(axis=1, keepdims=True))  # (N, 1)
        return np.concatenate([share * possible, share * responsibilities(self.family, rows, left, how, rng)], axis=1)

    def around(self, x: Any, posterior: Array, **options: Any) -> Stacked:
        """Return stacked emissions given checked data and posterior (N, K); options are the family's."""
        n_given = sum(asking.log_density(part, x[:1]).shape[1] for part in self.given)
        return Stacked((*self.given, made(self.family, x, posterior[:, n_given:], options)))
