"""The driver: `steps` is the whole algorithm as a generator, `fit` drains it under a stopping rule.

The driver adds and compares. It never looks inside a model or its statistics.
"""

from collections.abc import Iterator
from typing import Any, Literal

from emkit.accepted import Accepted, Recorder
from emkit.algorithm import EM, Algorithm, Ascent, ChecksModel, M
from emkit.declarations import ParameterError
from emkit.execution.chunks import ChunkSize, check_chunk_size
from emkit.execution.evaluate import Evaluator
from emkit.execution.threads import one_blas_thread
from emkit.execution.workers import Workers, check_workers
from emkit.fitted import DegenerateError, Fit
from emkit.parameters import n_coordinates
from emkit.run import Step, run
from emkit.stopping import Outcome, Rule, Stop, Verdict, check_rules
from emkit.trace import Trace
from emkit.verdicts import degenerate, fall, interrupted, left_the_space, not_finite, unfinished, with_complaints

OnDegenerate = Literal["keep", "stop", "raise"]


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
        algorithm: plain EM by default; the state in a step goes on from there, to the last bit.
        chunk_size: units handed to the E-step at a time, by their size and that of the model; None hands over all at
            once. For a fixed size, results are the same to the bit, however many workers there are.
        workers: threads that share out the chunks; "auto" takes one for each core.

    Raises:
        ValueError, TypeError: the data or an argument are refused, at once.
        ModelError: while iterating, where a step of the model raises.
        ParameterError: while iterating, where a parameter leaves its space.
    """
    chosen = _algorithm(algorithm, model)
    return _on_one_thread(run(model, _evaluator(model, data, chunk_size, workers), chosen))


def fit(
    model: M,
    data: Any,
    *,
    algorithm: Algorithm | None = None,
    tol: float = 1e-8,
    stop: Stop = "remaining",
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
        algorithm: plain EM by default; `fit.algorithm` goes on where a fit ended, to the last bit.
        tol: converged once less than this is still to be gained, nats per unit, by the estimate in `trace.remaining`.
        stop: what `tol` bounds. "remaining" as above; "increment", the nats per unit that the last iteration gained,
            which on slow problems says little; "parameters", the largest change of a free coordinate, relative to its
            size or to 1.
        max_iter: the most iterations, at least 1.
        chunk_size: units handed to the E-step at a time, by their size and that of the model; None hands over all at
            once. For a fixed size, results are the same to the bit, however many workers there are.
        workers: threads that share out the chunks; "auto" takes one for each core.
        on_degenerate: a model on an edge of its parameter space is reported at the end ("keep"), ends the fit
            ("stop") or raises DegenerateError ("raise").
        record: what to keep of every accepted point in `fit.recorded`, such as `emkit.lab.gains`: a function of the
            point before (None at the start), the point, and the `Evaluator` that holds the data.

    Returns:
        A `Fit`. Its model is the last accepted one and owns `trace[-1]`, whatever the outcome: also after Ctrl-C. Where
        the algorithm ascends a bound, one more pass at the end tells the objective of the model itself.

    Raises:
        ValueError, TypeError: the data or an argument are refused, before any work.
        ModelError: a step of the model raised; the cause is its exception.
    """
    rules = check_rules(tol, max_iter, stop)
    if on_degenerate not in ("keep", "stop", "raise"):
        raise ValueError(f'on_degenerate: expected "keep", "stop" or "raise", found {on_degenerate!r}')
    if record is not None and not callable(record):
        raise TypeError(f"record: expected a function such as emkit.lab.gains, found {record!r}")
    chosen = _algorithm(algorithm, model)
    if stop == "parameters":
        n_coordinates(model)  # which refuses a model that declares none
    evaluator = _evaluator(model, data, chunk_size, workers)
    path = run(model, evaluator, chosen)
    with one_blas_thread():
        accepted = Accepted(next(path), evaluator, record, measure_change=stop == "parameters")
        verdict = _drain(path, accepted, rules, tol, stop_early=on_degenerate != "keep")
    trace = Trace(accepted.records)
    message = verdict.message + unfinished(trace, tol, accepted.last.model)
    if trace.violations:  # and yet nothing was convicted
        message += (
            f". At iterations {trace.violations} the E-step's log likelihood fell but log_marginal's did not: "
            "they disagree"
        )
    fell = accepted.rejected if verdict.outcome is Outcome.DECREASED else None
    last = accepted.last
    result = Fit(last.model, trace, verdict.outcome, message, tol, tuple(accepted.kept), fell, last.algorithm)
    if on_degenerate == "raise" and result.outcome is Outcome.DEGENERATE:
        raise DegenerateError(result)
    return result


def _drain(
    path: Iterator[Step[M]], accepted: Accepted[M], rules: tuple[Rule, ...], tol: float, *, stop_early: bool
) -> Verdict:
    """Follow a run until a verdict.

    Where rounding hides gains of `tol`, in float32, a run that seems to have ended goes on in float64. The last
    objective is that of the model, where those before it are bounds.
    """
    *settled, limit = rules
    begin = 0  # of the records that can be compared with the last
    verdict = not_finite(accepted.last)
    try:
        while verdict is None:
            step = next(path)
            record = accepted.record(step)
            verdict = not_finite(step) or fall(accepted.last, step, accepted.records[-1], record, accepted.evaluator)
            if verdict is not None:
                accepted.rejected = record
            else:
                accepted.take(step, record)
                records = accepted.records
                begin = len(records) - 1 if record.ascends is Ascent.NOTHING else begin
                verdict = degenerate(step) if stop_early else None
                verdict = verdict or next(filter(None, (rule(records[begin:]) for rule in settled)), None)
                if verdict is not None and record.rounding > tol * record.units and accepted.evaluator.refine():
                    verdict, begin = None, len(records)
                verdict = verdict or limit(records)
    except KeyboardInterrupt:
        verdict = interrupted(accepted.last)
    except ParameterError as error:
        verdict = left_the_space(error, accepted.last.iteration + 1)
    try:
        accepted.settle()
    except KeyboardInterrupt:
        verdict = interrupted(accepted.last, settled=False)
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


def _algorithm(algorithm: Algorithm | None, model: Any) -> Algorithm:
    if algorithm is None:
        return EM()
    if isinstance(algorithm, type) or not isinstance(algorithm, Algorithm):
        raise TypeError(f"algorithm: expected an algorithm such as emkit.EM(), found {algorithm!r}")
    if isinstance(algorithm, ChecksModel):
        algorithm.check(model)
    return algorithm
