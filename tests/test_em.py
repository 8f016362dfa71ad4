"""The driver: outcomes, the trace law, interruptions, and what models that misbehave are told."""

import inspect
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

import emkit
from emkit import Array, DegenerateError, GaussianMixture, ModelError, Outcome, ParameterError
from tests.toys import Counts, PoissonMixture, Scripted, TwoCoins, counts, objective, raise_at

X = np.zeros(5)
START = PoissonMixture([0.5, 0.5], [1.0, 5.0])
SINGULAR = ParameterError("Toy.scale[0] is 0, expected a positive number")
INFINITE = ParameterError("Toy.scale[0] is inf: expected a finite number", finite=False)

# outcome, model, options of fit, accepted iterations, what the message says
ENDINGS: list[tuple[Outcome, Scripted, dict[str, Any], int, list[str]]] = [
    (Outcome.CONVERGED, Scripted((-3.0, -2.0, -2.0 + 1e-9)), {}, 2, ["still to come, less than tol = 1e-08"]),
    (Outcome.MAX_ITER, Scripted((-3.0, -2.0, -1.0)), {"max_iter": 2}, 2, ["2 iterations done", "raise max_iter"]),
    (Outcome.STALLED, Scripted((-3.0, -2.0)), {"tol": 0}, 4, ["not risen for 3 iterations", "as good as converged"]),
    (Outcome.DECREASED, Scripted((-3.0, -2.0, -2.5)), {}, 1, ["at iteration 2", "by 2.5 nats", "better model"]),
    (Outcome.DEGENERATE, Scripted((-3.0, -2.0), edges={2: "thin"}), {}, 2, ["component 0: thin", "as converged"]),
    (
        Outcome.DEGENERATE,
        Scripted((-3.0, -2.0, -1.0, 0.0), edges={2: "thin"}),
        {"on_degenerate": "stop"},
        2,
        ["degenerate at iteration 2: component 0: thin"],
    ),
    (
        Outcome.DEGENERATE,
        Scripted((-3.0, -2.0, -1.0), on_m_step=raise_at(1, SINGULAR)),
        {},
        1,
        ["iteration 2 left the parameter space: Toy.scale[0] is 0", "last valid one", "a prior"],
    ),
    (
        Outcome.NON_FINITE,
        Scripted((-3.0, -2.0), on_m_step=raise_at(1, INFINITE)),
        {},
        1,
        ["iteration 2 left the parameter space: Toy.scale[0] is inf"],
    ),
    (Outcome.NON_FINITE, Scripted((-np.inf, -2.0)), {}, 0, ["-inf at the start", "observation is impossible"]),
    (Outcome.NON_FINITE, Scripted((-3.0, np.nan)), {}, 0, ["nan at iteration 1, which was rejected", "look for 0/0"]),
    (Outcome.NON_FINITE, Scripted((-3.0, -2.0, np.inf)), {}, 1, ["inf at iteration 2, which was rejected"]),
    (
        Outcome.INTERRUPTED,
        Scripted((-3.0, -2.0, -1.0), on_m_step=raise_at(2, KeyboardInterrupt())),
        {},
        2,
        ["interrupted after iteration 2", "last complete one", "Go on from fit.model"],
    ),
]


@pytest.mark.parametrize(("outcome", "model", "options", "n_iter", "says"), ENDINGS)
def test_every_outcome(outcome: Outcome, model: Scripted, options: Any, n_iter: int, says: list[str]) -> None:
    """Each outcome is reached, says what it means and what to try, and its model owns the last objective."""
    fit = emkit.fit(model, X, **options)
    assert fit.outcome is outcome
    assert fit.converged == (outcome is Outcome.CONVERGED)
    assert [text for text in says if text not in fit.message] == []
    assert fit.n_iter == fit.model.iteration == len(fit.trace) - 1 == n_iter
    assert fit.trace[-1] == fit.objective == pytest.approx(objective(fit.model, X), nan_ok=True)
    assert list(fit.trace) == pytest.approx(
        [5 * model.levels[min(i, len(model.levels) - 1)] for i in range(n_iter + 1)]
    )
    assert str(outcome) in str(fit)


def test_every_outcome_is_in_the_table() -> None:
    """No outcome is left without a test."""
    assert {outcome for outcome, *_ in ENDINGS} == set(Outcome)


@given(st.integers(0, 20), st.sampled_from(["e_step", "m_step"]))
def test_ctrl_c_at_any_iteration(iteration: int, where: str) -> None:
    """Ctrl-C inside either step hands back the last complete model, which owns the last objective."""
    happening = {f"on_{where}": raise_at(iteration + (where == "e_step"), KeyboardInterrupt())}
    fit = emkit.fit(Scripted(tuple(range(-40, 0)), **happening), X)
    assert fit.outcome is Outcome.INTERRUPTED
    assert fit.n_iter == fit.model.iteration == iteration
    assert fit.trace[-1] == objective(fit.model, X)


@given(st.integers(2, 60), st.integers(5, 100))
def test_ctrl_c_within_a_chunk(calls: int, chunk_size: int) -> None:
    """Ctrl-C in the middle of a pass leaves the model before it, whole; the fit can go on from there."""
    left = [calls * 60 // chunk_size + 60]

    @emkit.value
    class Interrupted(PoissonMixture):
        def e_step(self, x: Array) -> emkit.Expectation[Counts]:
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt
            return super().e_step(x)

        def m_step(self, s: Counts) -> "Interrupted":
            new = super().m_step(s)
            return Interrupted(new.weights, new.rates)

    x = counts()
    fit = emkit.fit(Interrupted(START.weights, START.rates), x, tol=0, chunk_size=chunk_size)
    assert fit.outcome in (Outcome.INTERRUPTED, Outcome.STALLED)
    assert fit.trace[-1] == pytest.approx(objective(fit.model, x), rel=1e-12)
    assert (
        emkit.fit(PoissonMixture(fit.model.weights, fit.model.rates), x, max_iter=1).objective >= fit.objective - 1e-9
    )


def test_ctrl_c_before_anything_is_known() -> None:
    """An interruption of the very first pass has no model to return and propagates."""
    with pytest.raises(KeyboardInterrupt):
        emkit.fit(Scripted((0.0,), on_e_step=raise_at(0, KeyboardInterrupt())), X)


def gaussian_start(x: Any) -> GaussianMixture:
    return GaussianMixture.start(x, 2, rng=0)


@given(st.integers(1, 70), st.booleans())
def test_any_chunk_size_gives_the_same_fit(chunk_size: int, weighted: bool) -> None:
    """Whole or in chunks of any size, the trace and the model are the same to rounding."""
    x = emkit.datasets.iris().data[::3, :2]
    data: Any = emkit.Weighted(x, np.arange(len(x)) % 3) if weighted else x
    start = gaussian_start(data)
    whole, parts = (emkit.fit(start, data, max_iter=6, tol=0, chunk_size=size) for size in (None, chunk_size))
    np.testing.assert_allclose(np.asarray(parts.trace), np.asarray(whole.trace), rtol=1e-10)
    np.testing.assert_allclose(parts.model.means, whole.model.means, rtol=1e-8)
    np.testing.assert_allclose(parts.model.covariances, whole.model.covariances, rtol=1e-7, atol=1e-12)


@given(st.integers(0, 1000))
def test_the_trace_law_for_real_models(seed: int) -> None:
    """The objective of the returned model, re-evaluated from its own methods, is the last of the trace to 1e-9."""
    x = counts(seed)
    rates = np.random.default_rng(seed).uniform(1, 9, 2)
    poisson = emkit.fit(PoissonMixture([0.5, 0.5], rates), x, max_iter=1 + seed % 30)
    assert poisson.trace[-1] == pytest.approx(objective(poisson.model, x), rel=1e-9)
    rows = np.stack([x, np.random.default_rng(seed).normal(size=60)], axis=1)
    gaussian = emkit.fit(gaussian_start(rows), rows, max_iter=1 + seed % 30)
    assert gaussian.trace[-1] == pytest.approx(objective(gaussian.model, rows), rel=1e-9)
    assert gaussian.log_likelihood == pytest.approx(gaussian.model.log_marginal(rows).sum(), rel=1e-9)


def test_going_on_is_the_same_as_not_stopping() -> None:
    """Five iterations, and ten more from where they ended, are the fifteen of one fit."""
    x = counts()
    whole = emkit.fit(START, x, tol=0, max_iter=15)
    first = emkit.fit(START, x, tol=0, max_iter=5)
    second = emkit.fit(first.model, x, tol=0, max_iter=10)
    assert [*first.trace, *second.trace[1:]] == list(whole.trace)
    assert second.model == whole.model


def test_steps_is_the_whole_algorithm_as_a_generator() -> None:
    """`steps` yields the points that `fit` records, the start first, and never ends by itself."""
    x = counts()
    assert inspect.isgenerator(emkit.steps(START, x))
    fit = emkit.fit(START, x, tol=0, max_iter=6)
    taken = list(itertools.islice(emkit.steps(START, x), 7))
    assert [step.objective for step in taken] == list(fit.trace)
    assert [step.iteration for step in taken] == list(range(7))
    assert [step.passes for step in taken] == [record.passes for record in fit.trace.records] == list(range(1, 8))
    assert taken[0].model is START
    assert taken[-1].model == fit.model


def test_the_callers_exceptions_pass_through_steps() -> None:
    """An exception raised in the loop over `steps` is the caller's own."""
    with pytest.raises(ZeroDivisionError):
        _ = [1 / (step.iteration - 2) for step in emkit.steps(START, counts())]


@pytest.mark.parametrize("begin", [emkit.steps, emkit.fit])
@pytest.mark.parametrize(
    ("data", "options", "error", "message"),
    [
        (counts(), {"chunk_size": 0}, ValueError, "chunk_size: expected at least 1, found 0"),
        (counts(), {"chunk_size": 2.5}, TypeError, "chunk_size: expected a whole number"),
        (counts()[:0], {}, ValueError, "expected at least one unit"),
        (emkit.Weighted(counts(), np.ones(60)), {}, TypeError, "PoissonMixture does not accept Weighted data"),
    ],
)
def test_arguments_are_refused_at_call_time(begin: Any, data: Any, options: Any, error: Any, message: str) -> None:
    """Bad arguments are refused by the call itself, before any step is taken or asked for."""
    with pytest.raises(error, match=message):
        begin(START, data, **options)


def test_bad_requests_are_refused_by_name() -> None:
    """`fit` names the argument and the value it refuses; all-zero weights are refused."""
    with pytest.raises(ValueError, match="max_iter: expected at least 1, found 0"):
        emkit.fit(START, counts(), max_iter=0)
    with pytest.raises(ValueError, match=r"tol: .*found nan"):
        emkit.fit(START, counts(), tol=float("nan"))
    with pytest.raises(ValueError, match='on_degenerate: expected "keep", "stop" or "raise", found \'ignore\''):
        emkit.fit(START, counts(), on_degenerate="ignore")
    model = GaussianMixture([1.0], emkit.DiagonalGaussian([[0.0]], [[1.0]]))
    with pytest.raises(ValueError, match="the weights are all zero"):
        emkit.fit(model, emkit.Weighted(np.ones((3, 1)), np.zeros(3)))


def test_degenerate_models_may_run_on_stop_or_raise() -> None:
    """Keep reports an edge only if the fit ends on it; stop ends there; raise carries the fit so far."""
    passing = Scripted((-3.0, -2.0, -1.0), edges={1: "thin"})
    assert emkit.fit(passing, X).outcome is Outcome.CONVERGED
    assert emkit.fit(passing, X, on_degenerate="stop").n_iter == 1
    with pytest.raises(DegenerateError, match="degenerate at iteration 1: component 0: thin") as caught:
        emkit.fit(passing, X, on_degenerate="raise")
    assert caught.value.fit.n_iter == 1
    leaving = Scripted((-3.0, -2.0), on_m_step=raise_at(1, SINGULAR))
    with pytest.raises(DegenerateError, match=r"Toy\.scale\[0\] is 0") as caught:
        emkit.fit(leaving, X, on_degenerate="raise")
    assert caught.value.fit.trace[-1] == -10.0


@pytest.mark.parametrize("where", ["e_step", "m_step"])
@pytest.mark.parametrize("iteration", [0, 3])
def test_model_errors_name_iteration_and_method(where: str, iteration: int) -> None:
    """A model's own exception becomes a ModelError that names iteration and method and keeps it as the cause."""
    error = LookupError("no such state")
    happening = {f"on_{where}": raise_at(iteration, error)}
    named = iteration + (where == "m_step")
    with pytest.raises(
        ModelError, match=f"iteration {named}: Scripted.{where} raised LookupError: no such state"
    ) as caught:
        emkit.fit(Scripted((-9.0, -8.0, -7.0, -6.0, -5.0), **happening), X)
    assert caught.value.__cause__ is error


WRONG_ANSWERS: list[tuple[Any, str]] = [
    (lambda x: (0.0, x), "e_step returned a tuple; expected an emkit.Expectation"),
    (lambda x: emkit.Expectation.of(x, [x]), "statistics are a list, whose `.` does not add numbers"),
    (lambda x: emkit.Expectation.of(x[:, None], x), r"expected log_marginal of shape \(N,\), found \(60, 1\)"),
    (lambda x: emkit.Expectation(x, 60.0, 0.0, x), r"expected one number summed over units.*\(60,\)"),
    (lambda x: x.__setitem__(0, 7.0), "read-only"),
]


@pytest.mark.parametrize(("answer", "message"), WRONG_ANSWERS)
def test_wrong_answers_are_explained(answer: Any, message: str) -> None:
    """An E-step that returns the wrong thing, or writes to the data, is told what was expected."""

    class Wrong(TwoCoins):
        def e_step(self, x: Array) -> Any:
            return answer(x)

    wrong: Any = Wrong(0.4, 0.6)
    with pytest.raises(ModelError, match=rf"iteration 0: Wrong\.e_step raised \w+: .*{message}"):
        emkit.fit(wrong, counts())


def test_information_criteria() -> None:
    """AIC and BIC count two rates and one free weight, and the sum of weights as sample size."""
    x = counts()
    fit = emkit.fit(START, x)
    total = START.__class__(fit.model.weights, fit.model.rates).log_marginal(x).sum()
    assert fit.aic == pytest.approx(-2 * total + 2 * 3)
    assert fit.bic == pytest.approx(-2 * total + 3 * np.log(60))
    model = GaussianMixture([1.0], emkit.DiagonalGaussian([[0.0]], [[1.0]]))
    weighted = emkit.fit(model, emkit.Weighted(x[:, None], np.full(60, 0.5)))
    assert weighted.bic == pytest.approx(-2 * weighted.log_likelihood + 2 * np.log(30))
    with pytest.raises(TypeError, match="TwoCoins declares no parameters"):
        _ = emkit.fit(TwoCoins(0.4, 0.6), x % 10).aic


def test_a_fit_prints_how_it_went() -> None:
    """`print(fit)` shows outcome, iterations, log-likelihood, monotone or not, and the message."""
    lines = dict(line.split(maxsplit=1) for line in str(emkit.fit(START, counts())).splitlines())
    assert list(lines) == ["outcome", "iterations", "log-likelihood", "monotone", "message"]
    assert lines["outcome"] == "converged"
    assert lines["monotone"] == "yes"


def test_another_algorithm_may_take_more_passes() -> None:
    """An algorithm decides how one accepted point follows another; passes count every E-step it asked for."""

    @emkit.value
    class Double:
        def advance(self, at: Any, evaluate: Any, /) -> Any:
            between = evaluate(at.model.m_step(at.expectation.statistics))
            return self, evaluate(between.model.m_step(between.expectation.statistics))

    x = counts()
    doubled = emkit.fit(START, x, algorithm=Double(), tol=0, max_iter=4)
    assert list(doubled.trace) == emkit.fit(START, x, tol=0, max_iter=8).trace[::2]
    assert [record.passes for record in doubled.trace.records] == [1, 3, 5, 7, 9]


def test_steps_use_one_blas_thread_and_give_the_others_back() -> None:
    """Inside a step BLAS has one thread; between steps it has as many as the caller set."""
    seen: list[set[int]] = []

    def blas_threads() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    @emkit.value
    class Spy(GaussianMixture):
        def e_step(self, data: Any) -> Any:
            seen.append(blas_threads())
            return super().e_step(data)

    plain = GaussianMixture.start(emkit.datasets.faithful().data, 2, rng=0)
    with threadpool_limits(2, user_api="blas"):
        outside = blas_threads()
        for step in emkit.steps(Spy(plain.weights, plain.emissions), emkit.datasets.faithful().data):
            assert blas_threads() == outside
            if step.iteration == 2:
                break
        emkit.fit(Spy(plain.weights, plain.emissions), emkit.datasets.faithful().data, max_iter=2)
        assert blas_threads() == outside
    assert seen
    assert all(threads == {1} for threads in seen)
