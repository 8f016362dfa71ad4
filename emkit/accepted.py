"""What a fit keeps of the points that it accepted."""

from collections.abc import Callable
from typing import Any, Generic, TypeAlias

from emkit.algorithm import M, Point
from emkit.declarations import ParameterError
from emkit.execution.evaluate import Evaluator
from emkit.parameters import relative_change
from emkit.run import ModelError, Step, settle
from emkit.trace import Record

Recorder: TypeAlias = Callable[[Point[Any] | None, Point[Any], Evaluator], Any]
"""What to keep of an accepted point, given the point before (None at the start) and the data in chunks."""


class Accepted(Generic[M]):
    """The accepted points of a fit so far: the last one whole, of all others what the trace and the user keep."""

    def __init__(
        self, start: Step[M], evaluator: Evaluator, recorder: Recorder | None, *, measure_change: bool
    ) -> None:
        if not start.point.expectation.units > 0:
            raise ValueError("data: the weights are all zero; expected at least one unit with weight")
        self.evaluator = evaluator
        self.last = start
        self.rejected: Record | None = None
        self._recorder = recorder
        self._measure_change = measure_change
        self._records = [Record.of(start.point, start.passes)]
        self._kept = [] if recorder is None else [recorder(None, start.point, evaluator)]

    @property
    def records(self) -> list[Record]:
        """What the trace keeps, up to the last accepted point, wherever an interruption struck."""
        return self._records[: self.last.iteration + 1]

    @property
    def kept(self) -> list[Any]:
        """What the user keeps, likewise."""
        return self._kept[: self.last.iteration + 1]

    def record(self, step: Step[M]) -> Record:
        """Return what the trace would keep of a next point."""
        moved = relative_change(self.last.model, step.model) if self._measure_change else None
        return Record.of(step.point, step.passes, step.algorithm, step.ascends, moved)

    def take(self, step: Step[M], record: Record) -> None:
        """Accept one more point."""
        if self._recorder is not None:
            try:
                self._kept.append(self._recorder(self.last.point, step.point, self.evaluator))
            except ParameterError as error:  # which would pass for one of the M-step's
                raise ModelError(f"iteration {step.iteration}: record raised ParameterError: {error}") from error
        self._records.append(record)
        self.last = step

    def settle(self) -> None:
        """Replace a last objective that is a bound by that of the model, at one more pass.

        Raises:
            ModelError: the model has none.
        """
        try:
            exact = settle(self.last, self.evaluator)
        except ParameterError as error:  # which would pass for one of the M-step's
            raise ModelError(f"iteration {self.last.iteration}: e_step raised ParameterError: {error}") from error
        if exact is not self.last:
            moved = self._records[self.last.iteration].moved
            self._records[self.last.iteration] = Record.of(
                exact.point, exact.passes, exact.algorithm, exact.ascends, moved
            )
            self.last = exact
