"""A run: the whole algorithm as a generator of accepted points, and who is to blame when a step raises."""

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Generic, final

from emkit.algorithm import Algorithm, M, Point, StepsPlainly
from emkit.declarations import ParameterError
from emkit.execution.evaluate import Evaluator, log_prior
from emkit.values import value

UNITS_TOLERANCE = 1e-8
"""How far, relatively, the units that one E-step counts may be from those of the next."""


class ModelError(RuntimeError):
    """A user's model raised an exception in one of its steps, the cause of this one, or returned what is no answer.

    The message names the iteration and the step.
    """


@value
class Step(Generic[M]):
    """One accepted point of a run."""

    iteration: int  # 0 is the start; with plain EM, the number of M-steps
    passes: int  # E-steps over the data so far
    point: Point[M]
    plain: bool = True  # whether one step of plain EM led here

    @property
    def model(self) -> M:
        """The model at this point."""
        return self.point.model

    @property
    def objective(self) -> float:
        """Log likelihood + log prior at this point, nats."""
        return self.point.objective


def run(model: M, evaluator: Evaluator, algorithm: Algorithm) -> Iterator[Step[M]]:
    """Yield the start and every point that follows it. It judges nothing and never ends by itself."""
    iteration = passes = 0
    counted: float | None = None
    name = type(model).__name__

    def evaluate(candidate: M) -> Point[M]:
        nonlocal passes, counted
        passes += 1
        if not isinstance(candidate, type(model)):
            raise TypeError(f"{name}.m_step returned a {type(candidate).__name__}; expected a {name}")
        with Blame(iteration, candidate, "e_step"):
            learnt = evaluator(candidate)
            counted = learnt.units if counted is None else counted
            _check_units(learnt.units, counted)
        with Blame(iteration, candidate, "log_prior"):
            return Point(candidate, learnt, learnt.log_likelihood + log_prior(candidate))

    point = evaluate(model)
    while True:
        yield Step(iteration, passes, point, isinstance(algorithm, StepsPlainly) and algorithm.is_plain())
        iteration += 1
        before = point
        with Blame(iteration, point.model, "m_step"):
            algorithm, point = algorithm.advance(point, evaluate)
            if point.model is before.model and point.objective != before.objective:
                raise ValueError(f"{name}.m_step changed the model in place; expected a new one")


@final
class Blame:
    """A context that says which step of a model raised, and keeps what it raised as the cause."""

    def __init__(self, iteration: int, model: Any, step: str) -> None:
        self.place = f"iteration {iteration}: {type(model).__name__}.{step}"

    def __enter__(self) -> None:
        """Begin the step."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Let interruptions and what is already explained pass."""
        if isinstance(error, Exception) and not isinstance(error, (ModelError, ParameterError)):
            raise ModelError(f"{self.place} raised {type(error).__name__}: {error}") from error


def _check_units(units: float, counted: float) -> None:
    if abs(units - counted) > UNITS_TOLERANCE * counted:
        raise ValueError(f"counted {units:.10g} units, after {counted:.10g} at the start; expected the same every time")
