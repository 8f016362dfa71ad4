"""Promises on control: Ctrl-C, the caller's exceptions, and refits that fail."""

import signal
import warnings
from typing import Any, cast

import numpy as np
import pytest

import emkit
from emkit import GaussianMixture, Outcome, replace
from tests.promises.hostile import assert_usable, every_kind, groups, known, log_likelihood, start

X = groups()


class InterruptedMixture(GaussianMixture):
    """A Gaussian mixture whose E-step number `at` brings a real Ctrl-C."""

    passes = 0
    at = 0

    def e_step(self, data: Any) -> Any:
        InterruptedMixture.passes += 1
        if InterruptedMixture.passes == InterruptedMixture.at:
            signal.raise_signal(signal.SIGINT)
        return super().e_step(data)


@every_kind
@pytest.mark.parametrize("chunk_size", [None, 17])
@pytest.mark.parametrize("iteration", [1, 4])
def test_ctrl_c_hands_back_the_last_complete_model(kind: Any, chunk_size: int | None, iteration: int) -> None:
    """Promise 15: Ctrl-C stops within a chunk and returns the last complete model, which owns the end of the trace."""
    chunks = 1 if chunk_size is None else -(-len(X) // chunk_size)
    begin = known(kind)
    InterruptedMixture.passes, InterruptedMixture.at = 0, iteration * chunks + 1 + chunks // 2
    fit = emkit.fit(InterruptedMixture(begin.weights, begin.emissions), X, tol=0, chunk_size=chunk_size)
    assert fit.outcome is Outcome.INTERRUPTED
    assert not fit.converged
    assert InterruptedMixture.passes == InterruptedMixture.at
    assert fit.n_iter == iteration - 1 == len(fit.trace) - 1
    assert fit.log_likelihood == pytest.approx(log_likelihood(fit.model, X), rel=1e-9)
    assert_usable(fit.model, X)


@every_kind
def test_an_interrupted_fit_goes_on_where_it_stopped(kind: Any) -> None:
    """Promise 15: going on from an interrupted fit's model gives the uninterrupted fit."""
    begin = known(kind)
    InterruptedMixture.passes, InterruptedMixture.at = 0, 4
    part = emkit.fit(InterruptedMixture(begin.weights, begin.emissions), X, tol=0, max_iter=8)
    rest = emkit.fit(GaussianMixture(part.model.weights, part.model.emissions), X, tol=0, max_iter=8 - part.n_iter)
    whole = emkit.fit(begin, X, tol=0, max_iter=8)
    assert rest.model == whole.model
    assert list(part.trace) + list(rest.trace)[1:] == list(whole.trace)


class UnhappyError(Exception):
    """An exception of the caller's own."""


@every_kind
def test_the_callers_exception_propagates(kind: Any) -> None:
    """Promise 15: an exception raised inside the loop over steps leaves it as it is, cause and all."""
    mine = UnhappyError("enough")

    def loop() -> None:
        for step in emkit.steps(known(kind), X):
            if step.iteration == 3:
                raise mine

    with pytest.raises(UnhappyError) as caught:
        loop()
    assert caught.value is mine
    assert caught.value.__cause__ is None


@every_kind
def test_a_loop_over_steps_may_be_left(kind: Any) -> None:
    """Promise 15: leaving the loop over steps is not an error, and its last step is the fit of as many iterations."""
    for step in emkit.steps(known(kind), X):
        if step.iteration == 5:
            break
    fit = emkit.fit(known(kind), X, tol=0, max_iter=5)
    assert step.model == fit.model
    assert step.objective == fit.objective


@every_kind
def test_steps_refuse_at_the_call(kind: Any) -> None:
    """Promises 11 and 15: bad data are refused where steps is called, not where it is first iterated."""
    with pytest.raises(ValueError, match="data: "):
        emkit.steps(known(kind), X[:, 0])


@every_kind
@pytest.mark.parametrize("bad", [X * np.nan, X[:, :1], X[:0]], ids=["nan", "narrow", "empty"])
def test_a_failed_refit_leaves_the_model_whole(kind: Any, bad: Any) -> None:
    """Promise 15: a refit that is refused leaves the fitted model as it was, bit for bit."""
    fit = emkit.fit(start(kind, X), X)
    before, score = emkit.pack(fit.model), fit.model.log_marginal(X)
    with pytest.raises(ValueError, match="data: "):
        emkit.fit(fit.model, bad)
    assert np.array_equal(emkit.pack(fit.model), before)
    assert np.array_equal(fit.model.log_marginal(X), score)


@every_kind
def test_a_collapsed_refit_leaves_the_model_whole(kind: Any) -> None:
    """Promise 15: a refit that collapses leaves the model it began from as it was, bit for bit."""
    model = known(kind)
    before = emkit.pack(model)
    fit = emkit.fit(model, np.ones((9, 2)))
    assert fit.outcome is Outcome.DEGENERATE
    assert np.array_equal(emkit.pack(model), before)


@every_kind
def test_a_fit_is_silent(kind: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Promise 15: a fit prints nothing and warns of nothing; what there is to say is in its message."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for x in (X, np.ones((9, 2)), X * 1e200, np.vstack([X[:3], X[:3]])):
            emkit.fit(known(kind), x, max_iter=30)
    assert capsys.readouterr() == ("", "")


def global_state() -> Any:
    """Return the state of NumPy's global random numbers."""
    return cast(Any, np.random.get_state())[1]  # noqa: NPY002


@every_kind
def test_settings_of_the_caller_survive(kind: Any) -> None:
    """Promise 15: NumPy's error settings and the global random state are after a fit what they were before."""
    with np.errstate(all="raise", under="ignore"):
        errors, state = np.geterr(), global_state()
        fit = emkit.fit(start(kind, X), X)
        fit.model.sample(5, np.random.default_rng(0))
        assert np.geterr() == errors
        assert np.array_equal(global_state(), state)
    assert fit.model == replace(fit.model)
