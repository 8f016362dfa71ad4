"""The driver: `steps` is the whole algorithm as a generator, `fit` drains it under a stopping rule.

The driver adds and compares. It never looks inside a model or its statistics.
"""

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Generic, Literal

import numpy as np

from emkit.algorithm import EM, Algorithm, M, Point
from emkit.arguments import check_count
from emkit.execution.evaluate import Evaluator, log_prior
from emkit.model import Complains
from emkit.parameters import ParameterError, n_free_parameters, value
from emkit.stopping import Outcome, Rule, Verdict, check_rules
from emkit.trace import Record, Trace, fall_threshold

OnDegenerate = Literal["keep", "stop", "raise"]

UNITS_TOLERANCE = 1e-8
"""How far, relatively, the units that one E-step counts may be from those of the next."""


class ModelError(RuntimeError):
    """A user's model raised an exception in one of its steps, the cause of this one, or returned what is no answer.

    The message names the iteration and the step.
    """


class DegenerateError(ParameterError):
    """A model became degenerate and `on_degenerate="raise"` was asked for; `fit` is the fit so far."""

    def __init__(self, fit: "Fit[Any]") -> None:
        super().__init__(fit.message)
        self.fit = fit


@value
class Step(Generic[M]):
    """One accepted point of a run."""

    iteration: int  # 0 is the start; with plain EM, the number of M-steps
    passes: int  # E-steps over the data so far
    point: Point[M]

    @property
    def model(self) -> M:
        """The model at this point."""
        return self.point.model

    @property
    def objective(self) -> float:
        """Log likelihood + log prior at this point, nats."""
        return self.point.objective


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
        """Schwarz's criterion, -2 log likelihood + p log(units); smaller is better.

        Raises:
            TypeError: the model declares no parameters.
        """
        units = self.trace.records[-1].units
        return -2 * self.log_likelihood + n_free_parameters(self.model) * float(np.log(units))

    def __str__(self) -> str:
        """Say in five lines how the fit went."""
        fall = "" if self.trace.monotone else f", fell at iterations {self.trace.violations}"
        return (
            f"outcome         {self.outcome}\n"
            f"iterations      {self.n_iter}\n"
            f"log-likelihood  {self.log_likelihood:.6f}\n"
            f"monotone        {'yes' if self.trace.monotone else 'no'}{fall}\n"
            f"message         {self.message}"
        )


def steps(
    model: M, data: Any, *, algorithm: Algorithm | None = None, chunk_size: int | None = None
) -> Iterator[Step[M]]:
    """Return the whole algorithm as a generator of accepted points, the start first. It never ends by itself.

    Args:
        model: where to start.
        data: what the model's E-step takes; prepared once, here, if the model has `prepare`.
        algorithm: plain EM by default.
        chunk_size: units handed to the E-step at a time; None hands over all at once.

    Raises:
        ValueError, TypeError: the data or an argument are refused, at once.
        ModelError: while iterating, where a step of the model raises.
        ParameterError: while iterating, where a parameter leaves its space.
    """
    return _run(model, _evaluator(model, data, chunk_size), _algorithm(algorithm))


def fit(
    model: M,
    data: Any,
    *,
    algorithm: Algorithm | None = None,
    tol: float = 1e-8,
    max_iter: int = 1000,
    chunk_size: int | None = None,
    on_degenerate: OnDegenerate = "keep",
) -> Fit[M]:
    """Fit a latent variable model by expectation-maximization.

    Args:
        model: where to start; its class says what is fitted.
        data: what the model's E-step takes, anything with a length and slices.
        algorithm: plain EM by default.
        tol: converged once an iteration raises the mean objective per unit by less than this, nats.
        max_iter: the most iterations, at least 1.
        chunk_size: units handed to the E-step at a time; None hands over all at once.
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
    chosen = _algorithm(algorithm)
    evaluator = _evaluator(model, data, chunk_size)
    run = _run(model, evaluator, chosen)
    last = next(run)
    if not last.point.expectation.units > 0:
        raise ValueError("data: the weights are all zero; expected at least one unit with weight")
    records = [Record.of(last.point, last.passes)]
    verdict = _not_finite(last)
    try:
        while verdict is None:
            step = next(run)
            record = Record.of(step.point, step.passes)
            verdict = _not_finite(step) or _fall(last, step, records[-1], record, evaluator)
            if verdict is None:
                records.append(record)
                last = step
                verdict = _judge(last, records, rules, on_degenerate)
    except KeyboardInterrupt:
        verdict = Verdict(
            Outcome.INTERRUPTED,
            f"interrupted after iteration {last.iteration}; the model is the last complete one. Go on from fit.model",
        )
    except ParameterError as error:
        verdict = _left_the_space(error, last.iteration + 1)
    if on_degenerate == "keep":
        verdict = _with_complaints(verdict, last)
    result = Fit(last.model, Trace(records[: last.iteration + 1]), verdict.outcome, verdict.message)
    if on_degenerate == "raise" and result.outcome is Outcome.DEGENERATE:
        raise DegenerateError(result)
    return result


def _evaluator(model: Any, data: Any, chunk_size: int | None) -> Evaluator:
    return Evaluator(model, data, None if chunk_size is None else check_count("chunk_size", chunk_size))


def _algorithm(algorithm: Algorithm | None) -> Algorithm:
    if algorithm is None:
        return EM()
    if isinstance(algorithm, type) or not isinstance(algorithm, Algorithm):
        raise TypeError(f"algorithm: expected an algorithm such as emkit.EM(), found {algorithm!r}")
    return algorithm


def _run(model: M, evaluator: Evaluator, algorithm: Algorithm) -> Iterator[Step[M]]:
    iteration = passes = 0
    counted: float | None = None
    name = type(model).__name__

    def evaluate(candidate: M) -> Point[M]:
        nonlocal passes, counted
        passes += 1
        if not isinstance(candidate, type(model)):
            raise TypeError(f"{name}.m_step returned a {type(candidate).__name__}; expected a {name}")
        with _Blame(iteration, candidate, "e_step"):
            learnt = evaluator(candidate)
            counted = learnt.units if counted is None else counted
            _check_units(learnt.units, counted)
        with _Blame(iteration, candidate, "log_prior"):
            return Point(candidate, learnt, learnt.log_likelihood + log_prior(candidate))

    point = evaluate(model)
    while True:
        yield Step(iteration, passes, point)
        iteration += 1
        before = point
        with _Blame(iteration, point.model, "m_step"):
            algorithm, point = algorithm.advance(point, evaluate)
            if point.model is before.model and point.objective != before.objective:
                raise ValueError(f"{name}.m_step changed the model in place; expected a new one")


def _check_units(units: float, counted: float) -> None:
    if abs(units - counted) > UNITS_TOLERANCE * counted:
        raise ValueError(f"counted {units:.10g} units, after {counted:.10g} at the start; expected the same every time")


class _Blame:
    """A context that says which step of a model raised, and keeps what it raised as the cause."""

    def __init__(self, iteration: int, model: Any, step: str) -> None:
        self.place = f"iteration {iteration}: {type(model).__name__}.{step}"

    def __enter__(self) -> None:
        """Begin the step."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Let interruptions and what is already explained pass."""
        if isinstance(error, Exception) and not isinstance(error, (ModelError, ParameterError)):
            raise ModelError(f"{self.place} raised {type(error).__name__}: {error}") from error


def _not_finite(step: Step[Any]) -> Verdict | None:
    if np.isfinite(step.objective):
        return None
    why = (
        "some observation is impossible under the model (log marginal -inf); start elsewhere, or look at "
        "model.log_marginal(data) for which"
        if step.objective == -np.inf
        else "look for 0/0, log of a negative number or overflow in e_step and m_step"
    )
    where = "the start" if step.iteration == 0 else f"iteration {step.iteration}, which was rejected"
    return Verdict(Outcome.NON_FINITE, f"the objective is {step.objective} at {where}: {why}")


def _fall(last: Step[Any], step: Step[Any], before: Record, after: Record, evaluator: Evaluator) -> Verdict | None:
    """Convict a fall beyond rounding, if the objectives re-evaluated through log_marginal fall too."""
    threshold = fall_threshold(before, after)
    if after.objective >= before.objective - threshold:
        return None
    with _Blame(step.iteration, step.model, "log_marginal"):
        careful = evaluator.careful_objective(step.model) - evaluator.careful_objective(last.model)
    if careful >= -threshold:
        return None
    return Verdict(
        Outcome.DECREASED,
        f"the objective fell from {before.objective:.12g} to {after.objective:.12g} at iteration {step.iteration}, "
        f"by {before.objective - after.objective:.3g} nats where rounding explains {threshold:.3g}; the better model, "
        f"from iteration {last.iteration}, is returned. Exact EM cannot fall: look for an m_step that does not "
        "maximise Q + log prior (a constant added to a variance, a stale mean), a penalty missing from log_prior, or "
        "an e_step whose posterior is not that of the current model; emkit.testing.conformance names the broken law",
    )


def _judge(
    last: Step[Any], records: list[Record], rules: tuple[Rule, ...], on_degenerate: OnDegenerate
) -> Verdict | None:
    complaints = _complaints(last) if on_degenerate != "keep" else ""
    if complaints:
        return Verdict(Outcome.DEGENERATE, f"degenerate at iteration {last.iteration}: {complaints}")
    return next((verdict for rule in rules if (verdict := rule(records)) is not None), None)


def _left_the_space(error: ParameterError, iteration: int) -> Verdict:
    outcome = Outcome.DEGENERATE if error.finite else Outcome.NON_FINITE
    return Verdict(
        outcome,
        f"iteration {iteration} left the parameter space: {error}. The model is the last valid one. Fewer components, "
        "another start, or a prior keep it inside",
    )


def _complaints(at: Step[Any]) -> str:
    if not isinstance(at.model, Complains):
        return ""
    with _Blame(at.iteration, at.model, "complaints"):
        return "; ".join(f"{where}: {why}" for where, why in at.model.complaints())


def _with_complaints(verdict: Verdict, last: Step[Any]) -> Verdict:
    """Report a model that ran on while degenerate, unless something worse happened."""
    complaints = _complaints(last)
    if not complaints or verdict.outcome not in (Outcome.CONVERGED, Outcome.MAX_ITER, Outcome.STALLED):
        return verdict
    return Verdict(Outcome.DEGENERATE, f"{complaints}. The run ended as {verdict.outcome}: {verdict.message}")
