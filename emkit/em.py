"""The driver: `steps` is the whole algorithm as a generator, `fit` drains it under a stopping rule.

The driver adds and compares. It never looks inside a model or its statistics.
"""

from collections.abc import Callable, Iterator
from typing import Any, Generic, Literal, TypeAlias

from emkit.algorithm import EM, Algorithm, M, Point
from emkit.declarations import ParameterError
from emkit.execution.chunks import ChunkSize, check_chunk_size
from emkit.execution.evaluate import Evaluator
from emkit.execution.threads import one_blas_thread
from emkit.execution.workers import Workers, check_workers
from emkit.fitted import DegenerateError, Fit
from emkit.run import ModelError, Step, run
from emkit.stopping import Outcome, Rule, Verdict, check_rules
from emkit.trace import Record, Trace
from emkit.verdicts import degenerate, fall, interrupted, left_the_space, not_finite, unfinished, with_complaints

OnDegenerate = Literal["keep", "stop", "raise"]

Recorder: TypeAlias = Callable[[Point[Any] | None, Point[Any], Evaluator], Any]
"""What to keep of an accepted point, given the point before (None at the start) and the data in chunks."""


def steps(
    model: M,
    data: Any,
    *,
    algorithm: Algorithm | None = None,
    chunk_size: ChunkSize = "auto",
    workers: Workers = 1,
) -> Iterator[Step[M]]:
    """Return the whole algorithm as a generator of accepted points, the start first. It never ends by itself.

    Args:
        model: where to start.
        data: what the model's E-step takes; prepared once, here, if the model has `prepare`.
        algorithm: plain EM by default.
        chunk_size: units handed to the E-step at a time, by their size and that of the model; None hands over all at
            once. For a fixed size, results are the same to the bit, however many workers there are.
        workers: threads that share out the chunks; "auto" takes one for each core.

    Raises:
        ValueError, TypeError: the data or an argument are refused, at once.
        ModelError: while iterating, where a step of the model raises.
        ParameterError: while iterating, where a parameter leaves its space.
    """
    return _on_one_thread(run(model, _evaluator(model, data, chunk_size, workers), _algorithm(algorithm)))


def fit(
    model: M,
    data: Any,
    *,
    algorithm: Algorithm | None = None,
    tol: float = 1e-8,
    max_iter: int = 1000,
    chunk_size: ChunkSize = "auto",
    workers: Workers = 1,
    on_degenerate: OnDegenerate = "keep",
    record: Recorder | None = None,
) -> Fit[M]:
    """Fit a latent variable model by expectation-maximization.

    Args:
        model: where to start; its class says what is fitted.
        data: what the model's E-step takes, anything with a length and slices.
        algorithm: plain EM by default.
        tol: converged once an iteration raises the mean objective per unit by less than this, nats.
        max_iter: the most iterations, at least 1.
        chunk_size: units handed to the E-step at a time, by their size and that of the model; None hands over all at
            once. For a fixed size, results are the same to the bit, however many workers there are.
        workers: threads that share out the chunks; "auto" takes one for each core.
        on_degenerate: a model on an edge of its parameter space is reported at the end ("keep"), ends the fit
            ("stop") or raises DegenerateError ("raise").
        record: what to keep of every accepted point in `fit.recorded`, such as `emkit.lab.gains`: a function of the
            point before (None at the start), the point, and the `Evaluator` that holds the data.

    Returns:
        A `Fit`. Its model is the last accepted one and owns `trace[-1]`, whatever the outcome: also after Ctrl-C.

    Raises:
        ValueError, TypeError: the data or an argument are refused, before any work.
        ModelError: a step of the model raised; the cause is its exception.
    """
    rules = check_rules(tol, max_iter)
    if on_degenerate not in ("keep", "stop", "raise"):
        raise ValueError(f'on_degenerate: expected "keep", "stop" or "raise", found {on_degenerate!r}')
    if record is not None and not callable(record):
        raise TypeError(f"record: expected a function such as emkit.lab.gains, found {record!r}")
    evaluator = _evaluator(model, data, chunk_size, workers)
    path = run(model, evaluator, _algorithm(algorithm))
    with one_blas_thread():
        accepted = _Accepted(next(path), evaluator, record)
        verdict = _drain(path, accepted, rules, tol, stop_early=on_degenerate != "keep")
    trace = Trace(accepted.records)
    message = verdict.message + unfinished(trace, tol)
    if trace.violations:  # and yet nothing was convicted
        message += (
            f". At iterations {trace.violations} the E-step's log likelihood fell but log_marginal's did not: "
            "they disagree"
        )
    fell = accepted.rejected if verdict.outcome is Outcome.DECREASED else None
    result = Fit(accepted.last.model, trace, verdict.outcome, message, tol, tuple(accepted.kept), fell)
    if on_degenerate == "raise" and result.outcome is Outcome.DEGENERATE:
        raise DegenerateError(result)
    return result


class _Accepted(Generic[M]):
    """The accepted points of a fit so far: the last one whole, of all others what the trace and the user keep."""

    def __init__(self, start: Step[M], evaluator: Evaluator, recorder: Recorder | None) -> None:
        if not start.point.expectation.units > 0:
            raise ValueError("data: the weights are all zero; expected at least one unit with weight")
        self.evaluator = evaluator
        self.last = start
        self.rejected: Record | None = None
        self._recorder = recorder
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

    def take(self, step: Step[M], record: Record) -> None:
        """Accept one more point."""
        if self._recorder is not None:
            try:
                self._kept.append(self._recorder(self.last.point, step.point, self.evaluator))
            except ParameterError as error:  # which would pass for one of the M-step's
                raise ModelError(f"iteration {step.iteration}: record raised ParameterError: {error}") from error
        self._records.append(record)
        self.last = step


def _drain(
    path: Iterator[Step[M]], accepted: _Accepted[M], rules: tuple[Rule, ...], tol: float, *, stop_early: bool
) -> Verdict:
    """Follow a run until a verdict.

    Where rounding hides gains of `tol`, in float32, a run that seems to have ended goes on in float64.
    """
    *settled, limit = rules
    begin = 0  # of the records that are as exact as the last
    verdict = not_finite(accepted.last)
    try:
        while verdict is None:
            step = next(path)
            record = Record.of(step.point, step.passes, plain=step.plain)
            verdict = not_finite(step) or fall(accepted.last, step, accepted.records[-1], record, accepted.evaluator)
            if verdict is not None:
                accepted.rejected = record
            else:
                accepted.take(step, record)
                records = accepted.records
                verdict = degenerate(step) if stop_early else None
                verdict = verdict or next(filter(None, (rule(records[begin:]) for rule in settled)), None)
                if verdict is not None and record.rounding > tol * record.units and accepted.evaluator.refine():
                    verdict, begin = None, len(records)
                verdict = verdict or limit(records)
    except KeyboardInterrupt:
        verdict = interrupted(accepted.last)
    except ParameterError as error:
        verdict = left_the_space(error, accepted.last.iteration + 1)
    return verdict if stop_early else with_complaints(verdict, accepted.last)


def _on_one_thread(path: Iterator[Step[M]]) -> Iterator[Step[M]]:
    """Take each step with one BLAS thread, and give the caller's threads back in between."""
    while True:
        with one_blas_thread():
            step = next(path)
        yield step


def _evaluator(model: Any, data: Any, chunk_size: ChunkSize, workers: Workers) -> Evaluator:
    size, threads = check_chunk_size(chunk_size), check_workers(workers)
    with one_blas_thread():
        return Evaluator(model, data, size, threads)


def _algorithm(algorithm: Algorithm | None) -> Algorithm:
    if algorithm is None:
        return EM()
    if isinstance(algorithm, type) or not isinstance(algorithm, Algorithm):
        raise TypeError(f"algorithm: expected an algorithm such as emkit.EM(), found {algorithm!r}")
    return algorithm
