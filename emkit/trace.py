"""The trace: what happened at every iteration of a fit."""

from collections.abc import Iterator, Sequence
from typing import Any, final, overload

import numpy as np

from emkit.algorithm import Algorithm, Ascent, Foresees, Point, StepsPlainly
from emkit.arrays import Array
from emkit.values import value

FORECASTS = 3
"""Of an algorithm, of which the largest counts: one alone is small in passing a saddle, too."""

FALL_FACTOR = 8.0
"""How many times the summed rounding of two objectives a fall must exceed to count as one."""


@value
class Record:
    """One accepted point, as numbers."""

    objective: float  # log likelihood + log prior, nats
    log_likelihood: float  # nats
    rounding: float  # how far the objective may be off, nats
    units: float  # sum of weights
    observations: float  # how many the units hold
    passes: int  # E-steps over the data so far, this one included
    plain: bool = True  # whether one step of plain EM led here from the point before
    ascends: Ascent = Ascent.OBJECTIVE  # what the step that led here ascends
    foreseen: float | None = None  # nats still to be gained, where the algorithm estimates it; inf where it cannot yet
    moved: float | None = None  # the largest relative change of a free coordinate, where a stopping rule asked for it

    @classmethod
    def of(
        cls,
        point: Point[Any],
        passes: int,
        algorithm: Algorithm | None = None,
        ascends: Ascent = Ascent.OBJECTIVE,
        moved: float | None = None,
    ) -> "Record":
        """Keep what the trace needs of a point, and of the algorithm, plain EM unless told, in its state there."""
        learnt = point.expectation
        return cls(
            objective=point.objective,
            log_likelihood=learnt.log_likelihood,
            rounding=point.rounding,
            units=learnt.units,
            observations=learnt.observations,
            passes=passes,
            plain=algorithm is None or (isinstance(algorithm, StepsPlainly) and algorithm.is_plain()),
            ascends=ascends,
            foreseen=algorithm.remaining() if isinstance(algorithm, Foresees) else None,
            moved=moved,
        )


def fall_threshold(before: Record, after: Record) -> float:
    """Return the largest fall, in nats, that rounding can explain: 8 times the rounding of both objectives.

    The rounding of each comes from its E-step: eps (Σ w |log p| + N), plus what the model knows of its conditioning.
    """
    return FALL_FACTOR * (before.rounding + after.rounding)


def fell(before: Record, after: Record) -> bool:
    """Return whether the objective fell by more than rounding, in a step that ascends something."""
    return after.ascends is not Ascent.NOTHING and after.objective < before.objective - fall_threshold(before, after)


def ratio(records: Sequence[Record]) -> float | None:
    """Return the ratio of the last two increments; None where it says nothing of EM's rate (see `Trace.ratio`)."""
    if len(records) < 3 or not all(one.plain and one.ascends is not Ascent.NOTHING for one in records[-2:]):
        return None
    first, middle, end = (record.objective for record in records[-3:])
    visible = end - middle > fall_threshold(*records[-2:]) / FALL_FACTOR
    return (end - middle) / (middle - first) if visible and end - middle < middle - first else None


def remaining(records: Sequence[Record]) -> float | None:
    """Return what is still to be gained, nats: as the algorithm foresees it, or by Aitken (see `Trace.remaining`).

    It is inf where the algorithm foresees, but not yet; None where nobody does.
    """
    if records[-1].foreseen is not None:
        foreseen = [record.foreseen for record in records[-FORECASTS:] if record.foreseen is not None]
        return max(foreseen) if len(foreseen) == FORECASTS else np.inf
    shrinks = ratio(records)
    return shrinks and (records[-1].objective - records[-2].objective) * shrinks / (1 - shrinks)


@final
class Trace(Sequence[float]):
    """The objective of every accepted model: `trace[i]` after i iterations, in nats; the last is the fit's model.

    It is a sequence of floats, and `np.asarray(trace)` an array.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        """Keep the records of the accepted points, the start first."""
        self.records = tuple(records)

    @overload
    def __getitem__(self, index: int) -> float: ...
    @overload
    def __getitem__(self, index: slice) -> list[float]: ...
    def __getitem__(self, index: int | slice) -> float | list[float]:
        """Return the objective after `index` iterations."""
        if isinstance(index, slice):
            return [record.objective for record in self.records[index]]
        return self.records[index].objective

    def __len__(self) -> int:
        """Count the accepted points, the start included."""
        return len(self.records)

    def __iter__(self) -> Iterator[float]:
        """Yield the objective of each accepted point."""
        return (record.objective for record in self.records)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """Return the objectives as an array of shape (n_iter + 1,)."""
        return np.array([record.objective for record in self.records], dtype=dtype)

    def __eq__(self, other: object) -> bool:
        """Compare record by record."""
        return self.records == other.records if isinstance(other, Trace) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as for every value

    def __repr__(self) -> str:
        """Show where the trace begins and ends."""
        return f"Trace({self[0]:.6f} .. {self[-1]:.6f}, {len(self) - 1} iterations)"

    @property
    def log_likelihoods(self) -> Array:
        """The log likelihood of each accepted model, (n_iter + 1,), nats; the objective less the log prior."""
        return np.array([record.log_likelihood for record in self.records])

    @property
    def increments(self) -> Array:
        """What each iteration gained, (n_iter,), nats."""
        return np.diff(np.asarray(self))

    @property
    def violations(self) -> list[int]:
        """The iterations at which the objective fell by more than rounding: none, for exact EM."""
        pairs = zip(self.records, self.records[1:], strict=False)
        return [i for i, (before, after) in enumerate(pairs, start=1) if fell(before, after)]

    @property
    def monotone(self) -> bool:
        """Whether the objective never fell by more than rounding."""
        return not self.violations

    @property
    def ratio(self) -> float | None:
        """The ratio of the last two increments, where it lies between 0 and 1 and both are above rounding; else None.

        Near the optimum it tends to λ², with λ the largest fraction of missing information. None where the last points
        did not follow each other by plain EM: increments of an accelerated run tell nothing of it, nor do those of one
        that ascends nothing.
        """
        return ratio(self.records)

    @property
    def rate(self) -> float | None:
        """The rate λ at which EM's parameters contract towards the optimum: the square root of `ratio`.

        It is the largest fraction of missing information. Reference: Dempster, Laird and Rubin (1977), section 3.
        """
        return None if self.ratio is None else float(np.sqrt(self.ratio))

    @property
    def remaining(self) -> float | None:
        """What is still to be gained if the fit ran on, nats; None where nothing is known of it.

        As the algorithm foresees it, by the largest of its last three forecasts; for plain EM by Aitken's estimate,
        where there is a `ratio`.
        Reference: McLachlan and Krishnan (2008), The EM Algorithm and Extensions, section 4.9.
        """
        left = remaining(self.records)
        return None if left is None or np.isinf(left) else left

    @property
    def limit(self) -> float | None:
        """The objective at convergence, estimated, nats; None where `remaining` is."""
        return None if self.remaining is None else self[-1] + self.remaining

    def unfinished(self, tol: float) -> bool:
        """Return whether more than `tol` nats per unit are still to come; False where nothing is known of it."""
        return self.remaining is not None and self.remaining > tol * self.records[-1].units
