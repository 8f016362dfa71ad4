"""The driver: `steps` is the whole algorithm as a generator, `fit` drains it under a stopping rule.

The driver adds and compares. It never looks inside a model or its statistics.
"""

from collections.abc import Iterator
from typing import Any, Generic, Literal

import numpy as np

from emkit.algorithm import EM, Algorithm, M
from emkit.declarations import ParameterError
from emkit.execution.chunks import ChunkSize, check_chunk_size
from emkit.execution.evaluate import Evaluator
from emkit.execution.threads import one_blas_thread
from emkit.execution.workers import Workers, check_workers
from emkit.parameters import n_free_parameters
from emkit.run import Step, run
from emkit.stopping import Outcome, Rule, Verdict, check_rules
from emkit.trace import Record, Trace
from emkit.values import value
from emkit.verdicts import degenerate, fall, interrupted, left_the_space, not_finite, with_complaints

OnDegenerate = Literal["keep", "stop", "raise"]


class DegenerateError(ParameterError):
    """A model became degenerate and `on_degenerate="raise"` was asked for; `fit` is the fit so far."""

    def __init__(self, fit: "Fit[Any]") -> None:
        super().__init__(fit.message)
        self.fit = fit


@value
class Fit(Generic[M]):
    """The result of a fit: the model, its trace, and how it ended."""

    model: M  # the last accepted model; it owns trace[-1]
    trace: Trace
    outcome: Outcome
    message: str  # what the outcome means and what to try

    @property
    def converged(self) -> bool:
        """Whether the stopping criterion was met, and nothing else happened."""
        return self.outcome is Outcome.CONVERGED

    @property
    def objective(self) -> float:
        """Log likelihood + log prior of the model, nats."""
        return self.trace[-1]

    @property
    def log_likelihood(self) -> float:
        """Log likelihood of the model, nats."""
        return self.trace.records[-1].log_likelihood

    @property
    def n_iter(self) -> int:
        """How many iterations were accepted."""
        return len(self.trace) - 1

    @property
    def aic(self) -> float:
        """Akaike's criterion, -2 log likelihood + 2 p; smaller is better.

        Raises:
            TypeError: the model declares no parameters.
        """
        return -2 * self.log_likelihood + 2 * n_free_parameters(self.model)

    @property
    def bic(self) -> float:
        """Schwarz's criterion, -2 log likelihood + p log(observations); smaller is better.

        A sequence holds as many observations as steps; other units are one each.

        Raises:
            TypeError: the model declares no parameters.
        """
        observations = self.trace.records[-1].observations
        return -2 * self.log_likelihood + n_free_parameters(self.model) * float(np.log(observations))

    def __str__(self) -> str:
        """Say in five lines how the fit went."""
        falls = self.trace.violations + [self.n_iter + 1] * (self.outcome is Outcome.DECREASED)
        return (
            f"outcome         {self.outcome}\n"
            f"iterations      {self.n_iter}\n"
            f"log-likelihood  {self.log_likelihood:.6f}\n"
            f"monotone        {f'no, fell at iterations {falls}' if falls else 'yes'}\n"
            f"message         {self.message}"
        )


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

    Returns:
        A `Fit`. Its model is the last accepted one and owns `trace[-1]`, whatever the outcome: also after Ctrl-C.

    Raises:
        ValueError, TypeError: the data or an argument are refused, before any work.
        ModelError: a step of the model raised; the cause is its exception.
    """
    rules = check_rules(tol, max_iter)
    if on_degenerate not in ("keep", "stop", "raise"):
        raise ValueError(f'on_degenerate: expected "keep", "stop" or "raise", found {on_degenerate!r}')
    evaluator = _evaluator(model, data, chunk_size, workers)
    path = run(model, evaluator, _algorithm(algorithm))
    with one_blas_thread():
        last, records, verdict = _drain(path, evaluator, rules, tol, stop_early=on_degenerate != "keep")
    trace = Trace(records)
    acquitted = (
        f". At iterations {trace.violations} the E-step's log likelihood fell but log_marginal's did not: they disagree"
        if trace.violations
        else ""
    )
    result = Fit(last.model, trace, verdict.outcome, verdict.message + acquitted)
    if on_degenerate == "raise" and result.outcome is Outcome.DEGENERATE:
        raise DegenerateError(result)
    return result


def _drain(
    path: Iterator[Step[M]], evaluator: Evaluator, rules: tuple[Rule, ...], tol: float, *, stop_early: bool
) -> tuple[Step[M], list[Record], Verdict]:
    """Follow a run until a verdict; return the last accepted step, the records up to it, and the verdict.

    Where rounding hides gains of `tol`, in float32, a run that seems to have ended goes on in float64.
    """
    *settled, limit = rules
    begin = 0  # of the records that are as exact as the last
    last = next(path)
    if not last.point.expectation.units > 0:
        raise ValueError("data: the weights are all zero; expected at least one unit with weight")
    records = [Record.of(last.point, last.passes)]
    verdict = not_finite(last)
    try:
        while verdict is None:
            step = next(path)
            record = Record.of(step.point, step.passes)
            verdict = not_finite(step) or fall(last, step, records[-1], record, evaluator)
            if verdict is None:
                records.append(record)
                last = step
                verdict = degenerate(last) if stop_early else None
                verdict = verdict or next(filter(None, (rule(records[begin:]) for rule in settled)), None)
                if verdict is not None and record.rounding > tol * record.units and evaluator.refine():
                    verdict, begin = None, len(records)
                verdict = verdict or limit(records)
    except KeyboardInterrupt:
        verdict = interrupted(last)
    except ParameterError as error:
        verdict = left_the_space(error, last.iteration + 1)
    return last, records[: last.iteration + 1], verdict if stop_early else with_complaints(verdict, last)


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
