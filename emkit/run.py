"""A run: the whole algorithm as a generator of accepted points, and who is to blame when a step raises."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from types import TracebackType
from typing import Any, Generic, final

import numpy as np

from emkit.algorithm import Algorithm, Ascends, Ascent, Bounds, M, Point
from emkit.arrays import Array
from emkit.declarations import ParameterError
from emkit.execution.evaluate import Evaluator, log_prior, same_units
from emkit.parameters import unpack
from emkit.statistics import Expectation
from emkit.values import replace, value


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
    algorithm: Algorithm  # in the state that goes on from here
    ascends: Ascent = Ascent.OBJECTIVE  # what the step that led here ascends

    @property
    def model(self) -> M:
        """The model at this point."""
        return self.point.model

    @property
    def objective(self) -> float:
        """Log likelihood + log prior at this point, nats; or a lower bound, where the algorithm says so."""
        return self.point.objective


def run(model: M, evaluator: Evaluator, algorithm: Algorithm) -> Iterator[Step[M]]:
    """Yield the start and every point that follows it. It judges nothing and never ends by itself."""
    passes = _Passes(model, evaluator)
    step = Step(0, 1, passes(model), algorithm)
    while True:
        yield step
        before = step.point
        passes.iteration += 1
        with Blame(passes.iteration, algorithm, "advance"):
            algorithm, point = algorithm.advance(before, passes)
        with Blame(passes.iteration, before.model, "m_step"):
            if point.model is before.model and point.objective != before.objective:
                raise ValueError(f"{type(model).__name__}.m_step changed the model in place; expected a new one")
        step = Step(passes.iteration, passes.count, point, algorithm, _ascent(algorithm, before.model))


def settle(step: Step[M], evaluator: Evaluator) -> Step[M]:
    """Return a step with the objective of its model, at one more pass where that of its point is a bound."""
    if not (isinstance(step.algorithm, Bounds) and step.algorithm.is_bound()):
        return step
    passes = _Passes(step.model, evaluator, step.iteration)
    return replace(step, point=passes(step.model), passes=step.passes + passes.count)


class _Passes(Generic[M]):
    """The passes of a run over its data: counted, checked, and blamed on the step that raises."""

    def __init__(self, model: M, evaluator: Evaluator, iteration: int = 0) -> None:
        self.kind = type(model)
        self.evaluator = evaluator
        self.iteration = iteration
        self._units: dict[tuple[int, int], float] = {}  # that each part counted first
        self._done = Fraction(0)

    @property
    def count(self) -> int:
        """How many passes there were; the parts of the data that make up less than one are not counted."""
        return int(self._done)

    def __call__(self, model: M) -> Point[M]:
        """Run the E-step of a model over the data, once."""
        learnt = self._learn(0, 1, model)
        with Blame(self.iteration, model, "log_prior"):
            return Point(model, learnt, learnt.log_likelihood + log_prior(model))

    def m_step(self, model: M, statistics: Any) -> M:
        """Return the M-step's model."""
        with Blame(self.iteration, model, "m_step"):
            return self._of_our_kind(model.m_step(statistics))

    def parts(self, n: int) -> Sequence[Callable[[M], Expectation[Any]]]:
        """Return the E-steps of n parts of the data, one for each unit if there are fewer units."""
        count = min(n, len(self.evaluator.data))
        return [partial(self._learn, i, count) for i in range(count)]

    def _learn(self, i: int, n: int, model: M) -> Expectation[Any]:
        """Run the E-step of a model over one part of the data."""
        self._done += Fraction(1, n)
        with Blame(self.iteration, self._of_our_kind(model), "e_step"):
            learnt = self.evaluator.part(model, i, n)
            _check_units(learnt.units, self._units.setdefault((i, n), learnt.units))
        return learnt

    def _of_our_kind(self, model: M) -> M:
        """Return a model that is of the class of the start, or say that an M-step made it another."""
        name = self.kind.__name__
        if not isinstance(model, self.kind):
            raise TypeError(f"{name}.m_step returned a {type(model).__name__}; expected a {name}")
        return model

    def attempt(self, free: Array, /, *, like: M) -> Point[M] | None:
        """Evaluate the model at free coordinates; None where it is none, its E-step raises, or it is not finite."""
        with np.errstate(all="ignore"):
            try:
                point = self(unpack(free, like=like))
            except (ParameterError, ModelError):
                return None
        return point if np.isfinite(point.objective) else None


def _ascent(algorithm: Algorithm, model: Any) -> Ascent:
    """Return what a step of an algorithm from a model ascends: nothing, where one of the two says so."""
    declared = [one.ascends() for one in (algorithm, model) if isinstance(one, Ascends)]
    return Ascent.NOTHING if Ascent.NOTHING in declared else (declared or [Ascent.OBJECTIVE])[0]


@final
class Blame:
    """A context that says which step of a model raised, and keeps what it raised as the cause."""

    def __init__(self, number: int, model: Any, step: str, *, of: str = "iteration") -> None:
        self.place = f"{of} {number}: {type(model).__name__}.{step}"

    def __enter__(self) -> None:
        """Begin the step."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Let interruptions and what is already explained pass."""
        if isinstance(error, Exception) and not isinstance(error, (ModelError, ParameterError)):
            raise ModelError(f"{self.place} raised {type(error).__name__}: {error}") from error


def _check_units(units: float, counted: float) -> None:
    if not same_units(units, counted):
        raise ValueError(f"counted {units:.10g} units, after {counted:.10g} at the start; expected the same every time")
