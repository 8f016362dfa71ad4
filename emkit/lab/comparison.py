"""Algorithms or starts side by side: the objective by passes over the data and by time."""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from emkit.algorithm import Algorithm, Point
from emkit.arrays import Array
from emkit.em import fit
from emkit.execution.evaluate import Evaluator
from emkit.fitted import Fit
from emkit.values import value


@value
class Course:
    """How one contestant's run went."""

    fit: Fit[Any]
    seconds: Array  # (n_iter + 1,) from the beginning of the fit to each accepted point

    @property
    def passes(self) -> Array:
        """E-steps over the data up to each accepted point, (n_iter + 1,)."""
        return np.array([float(record.passes) for record in self.fit.trace.records])

    @property
    def objective(self) -> Array:
        """The objective of each accepted point, (n_iter + 1,), nats."""
        return np.asarray(self.fit.trace)

    def passes_to(self, target: float) -> float:
        """Return after how many passes the objective first reached a target; nan where it never did."""
        return _first(self.passes, self.objective >= target)

    def seconds_to(self, target: float) -> float:
        """Return after how many seconds the objective first reached a target; nan where it never did."""
        return _first(self.seconds, self.objective >= target)


@value
class Comparison:
    """Several runs over the same data, by name."""

    courses: dict[str, Course]
    margin: float  # nats below the best objective that count as reaching it

    @property
    def target(self) -> float:
        """The best finite objective that any run reached, less the margin, nats."""
        reached = np.concatenate([course.objective for course in self.courses.values()])
        return float(np.max(reached[np.isfinite(reached)], initial=-np.inf) - self.margin)

    def __str__(self) -> str:
        """Show, for each run, passes and seconds to the target, all passes, the last objective, and the outcome."""
        width = max(len(name) for name in self.courses)
        lines = [f"{'':{width}}  to target: passes   seconds   passes       objective  outcome"]
        for name, course in self.courses.items():
            passes, seconds = course.passes_to(self.target), course.seconds_to(self.target)
            lines.append(
                f"{name:{width}}  {passes:17.0f}  {seconds:8.3g}  {course.passes[-1]:7.0f}"
                f"  {course.objective[-1]:14.6f}  {course.fit.outcome}"
            )
        return "\n".join(lines)


def compare(
    contestants: Mapping[str, Any],
    data: Any,
    *,
    start: Any = None,
    margin: float = 1e-6,
    tol: float = 1e-8,
    max_iter: int = 1000,
    **options: Any,
) -> Comparison:
    """Run algorithms from one start, or plain EM from several starts, over the same data.

    Args:
        contestants: by name, an algorithm such as `emkit.EM()`, which runs from `start`, or a model to start from.
        data: what they are fitted to.
        start: the model from which algorithms run.
        margin: nats below the best objective reached that count as reaching it.
        tol, max_iter, options: as for `emkit.fit`.

    Raises:
        ValueError: no contestant, or an algorithm without a start; or the data or an option are refused.
        TypeError: contestants without names, or one that is neither an algorithm nor a model.
    """
    if not isinstance(contestants, Mapping):
        raise TypeError(
            f"contestants: expected a dict of algorithms or models by name, found a {type(contestants).__name__}"
        )
    for taken in ("record", "algorithm"):
        if taken in options:
            raise TypeError(f"{taken}: compare sets it itself, for each contestant")
    if not contestants:
        raise ValueError("contestants: expected at least one, such as {'EM': emkit.EM()}")
    runs = {name: _run(name, contestant, start) for name, contestant in contestants.items()}
    courses = {}
    for name, (model, algorithm) in runs.items():
        begin = time.perf_counter()

        def since(before: Point[Any] | None, after: Point[Any], evaluator: Evaluator, begin: float = begin) -> float:
            return time.perf_counter() - begin

        result = fit(model, data, algorithm=algorithm, tol=tol, max_iter=max_iter, record=since, **options)
        courses[name] = Course(result, np.array(result.recorded))
    return Comparison(courses, margin)


def _run(name: str, contestant: Any, start: Any) -> tuple[Any, Algorithm | None]:
    """Return where a contestant starts and how it goes on, or say what it should be."""
    if isinstance(contestant, Algorithm):
        if start is None:
            raise ValueError(
                f"start: the algorithm {name!r} needs a model to start from: compare(..., data, start=model)"
            )
        return start, contestant
    if callable(getattr(contestant, "e_step", None)):
        return contestant, None
    raise TypeError(f"contestants[{name!r}]: expected an algorithm or a model, found {contestant!r:.60}")


def _first(axis: Array, reached: Any) -> float:
    return float(axis[np.argmax(reached)]) if reached.any() else float("nan")
