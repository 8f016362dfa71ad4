"""Incremental EM: the bound never falls at any block, and ends where EM ends, in fewer passes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import emkit
from emkit import Array, GaussianMixture, Outcome
from emkit.accelerate.incremental import IncrementalEM, bound, sweep
from emkit.algorithm import Ascent, Point
from emkit.execution.evaluate import Evaluator, log_prior
from emkit.lab.divergence import posterior_divergence
from emkit.model import MissingPowerError
from emkit.run import run
from emkit.trace import FALL_FACTOR
from tests.toys import Counts, Linkage, PoissonMixture, TwoCoins, counts, objective
from tests.zoo import EMISSIONS, FULL, rows

CHAIN = emkit.HiddenMarkov([0.6, 0.4], [[0.8, 0.2], [0.3, 0.7]], FULL)
NORMAL = emkit.CensoredNormal(0.0, [1.0], 1.0)
FAR = emkit.FullGaussian(FULL.means + 1e8, FULL.covariances)
STATES = emkit.LinearGaussianStateSpace([0.5], [[1.0]], [[0.8]], [[0.5]], [[1.0], [-0.5]], np.eye(2))


def holey(x: Array) -> emkit.Incomplete:
    return emkit.Incomplete(np.where(np.random.default_rng(1).random(x.shape) < 0.2, np.nan, x))


def censored() -> emkit.Censored:
    rng = np.random.default_rng(0)
    covariates = rng.normal(size=(40, 1))
    y = 1 + 2 * covariates[:, 0] + rng.normal(size=40)
    return emkit.Censored(y, np.where(y > 1.5, np.inf, y), covariates)


def mixture(name: str) -> tuple[Any, Any]:
    x = rows(EMISSIONS[name], 60)
    return emkit.Mixture([0.4, 0.6], EMISSIONS[name]), emkit.Weighted(x, np.arange(60) % 3)


CASES: dict[str, Callable[[], tuple[Any, Any]]] = {
    "hidden Markov": lambda: (CHAIN, CHAIN.sample(12, 0, length=np.arange(1, 13))),
    "state space": lambda: (STATES, STATES.sample(12, 0, length=6)),
    "factors": lambda: (emkit.FactorAnalysis.start(factor_rows(), 1), factor_rows()),
    "factors, incomplete": lambda: (emkit.FactorAnalysis.start(factor_rows(), 1), holey(factor_rows())),
    "censored": lambda: (NORMAL, censored()),
    "incomplete": lambda: (emkit.Mixture([0.4, 0.6], FULL), holey(rows(FULL, 60))),
    "with a prior": lambda: (GaussianMixture.start(rows(FULL, 60), 3, rng=0), rows(FULL, 60)),
    "far from zero": lambda: (emkit.Mixture([0.4, 0.6], FAR), rows(FULL, 60) + 1e8),
    "linkage, with Q": lambda: (LinkageWithQ(0.5), np.repeat([0, 1, 2, 3], [125, 18, 20, 34])),
    **{name: partial(mixture, name) for name in EMISSIONS},
}


@cache
def case(name: str) -> tuple[Any, Any]:
    return CASES[name]()


def factor_rows() -> Array:
    rng = np.random.default_rng(0)
    return rng.normal(size=(40, 1)) @ np.array([[1.0, -0.5, 2.0, 1.5]]) + rng.normal(size=(40, 4))


@emkit.value
class LinkageWithQ(Linkage):
    def expected_log_joint(self, s: Counts) -> float:
        return float(s.total[0] * np.log(self.theta) + s.weight[0] * np.log1p(-self.theta))

    def m_step(self, s: Counts) -> "LinkageWithQ":
        return LinkageWithQ(super().m_step(s).theta)

    def posterior(self, x: Array) -> Array:
        half = np.array([2.0, self.theta]) / (2 + self.theta)  # of the first cell
        return np.where(x[:, None] == 0, half, [0.5, 0.5])


@dataclass
class Begun:
    """The first iteration of a run, the data, and the E-steps of blocks."""

    point: Point[Any]
    kept: Any
    evaluator: Evaluator
    parts: list[Callable[[Any], Any]]


def begun(model: Any, data: Any, blocks: int) -> Begun:
    evaluator = Evaluator(model, data, "auto")
    path = run(model, evaluator, IncrementalEM(blocks))
    next(path)
    step, n = next(path), min(blocks, len(evaluator.data))
    assert isinstance(step.algorithm, IncrementalEM)
    parts = [partial(evaluator.part, i=i, n=n) for i in range(n)]
    return Begun(step.point, step.algorithm.kept, evaluator, parts)


def assert_no_fall(before: Point[Any], after: Point[Any]) -> None:
    slack = FALL_FACTOR * (before.expectation.rounding + after.expectation.rounding)
    assert after.objective >= before.objective - slack


def m_step(model: Any, statistics: Any) -> Any:
    """Take the M-step of a model."""
    return model.m_step(statistics)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=3)
@given(blocks=st.integers(1, 13))
def test_no_update_lowers_the_bound(name: str, blocks: int) -> None:
    """Neither the E-step of any one block nor the M-step after it lowers F, which the objective never lies below."""
    model, data = case(name)
    first = begun(model, data, blocks)
    point, kept = first.point, first.kept
    assert bound(point.model, kept).objective == pytest.approx(point.objective, rel=1e-12)
    for _ in range(3):
        for model, new in sweep(point.model, kept, first.parts, m_step):
            learnt = bound(point.model, new)
            assert_no_fall(point, learnt)
            point, kept = bound(model, new), new
            assert_no_fall(learnt, point)
        whole = first.evaluator(point.model)
        exact = whole.log_likelihood + log_prior(point.model)
        assert exact >= point.objective - FALL_FACTOR * (whole.rounding + point.expectation.rounding)


@pytest.mark.parametrize("name", CASES)
def test_the_bound_falls_short_by_the_divergences(name: str) -> None:
    """F is the objective less how far each block's posterior is from that of the model.

    The divergences come from the posteriors, not from Q.
    """
    model, data = case(name)
    first = begun(model, data, 4)
    at, kept, evaluator, models = first.point.model, first.kept, first.evaluator, []
    for model, new in sweep(at, kept, first.parts, m_step):
        models.append(at)
        at, kept = model, new
    away = sum(
        posterior_divergence(
            before, at, evaluator.data[i * len(evaluator.data) // 4 : (i + 1) * len(evaluator.data) // 4]
        )
        for i, before in enumerate(models)
    )
    whole = evaluator(at)
    exact = whole.log_likelihood + log_prior(at)
    found = bound(at, kept)
    slack = FALL_FACTOR * (whole.rounding + found.expectation.rounding)
    assert found.objective == pytest.approx(exact - away, abs=slack + 1e-9 * (1 + away))
    assert away > 0


@pytest.mark.parametrize("name", CASES)
def test_it_ends_where_em_ends(name: str) -> None:
    """A fit has the optimum of EM, and its last objective is that of its model, not a bound."""
    model, data = case(name)
    plain = emkit.fit(model, data, max_iter=400, tol=1e-11)
    fit = emkit.fit(model, data, algorithm=IncrementalEM(5), max_iter=400, tol=1e-11)
    slack = 1e-6 * fit.trace.records[0].units
    assert fit.trace.monotone
    assert fit.objective >= plain.objective - slack
    if plain.converged:
        assert fit.outcome is plain.outcome
        assert fit.objective <= plain.objective + slack
    again = emkit.fit(fit.model, data, max_iter=1)
    assert fit.objective == again.trace[0]
    assert fit.log_likelihood == again.trace.records[0].log_likelihood


def overlapping() -> tuple[GaussianMixture, Array]:
    rng = np.random.default_rng(0)
    means = 3 / np.sqrt(2) * rng.normal(size=(4, 3))
    x = means[rng.integers(4, size=4000)] + rng.normal(size=(4000, 3))
    return GaussianMixture.start(x, 4, rng=0), x


def test_fewer_passes_than_em() -> None:
    """Where components overlap, incremental EM passes EM's objective in two thirds of its passes."""
    start, x = overlapping()
    plain = emkit.fit(start, x, max_iter=200, tol=0)
    fit = emkit.fit(start, x, algorithm=IncrementalEM(10), max_iter=200, tol=0)
    passes = min(r.passes for r in fit.trace.records if r.objective >= plain.objective)
    assert passes < 2 / 3 * plain.trace.records[-1].passes


@pytest.mark.parametrize("name", ["hidden Markov", "factors", "with a prior", "poisson", "linkage, with Q"])
@given(first=st.integers(1, 5), blocks=st.integers(1, 8))
@settings(max_examples=5)
def test_a_fit_goes_on_where_it_ended(name: str, first: int, blocks: int) -> None:
    """Three iterations and four more give the model of seven, to the last bit."""
    model, data = case(name)
    whole = emkit.fit(model, data, algorithm=IncrementalEM(blocks), max_iter=7, tol=0)
    some = emkit.fit(model, data, algorithm=IncrementalEM(blocks), max_iter=first, tol=0)
    rest = emkit.fit(some.model, data, algorithm=some.algorithm, max_iter=7 - first, tol=0)
    assert rest.model == whole.model
    assert rest.algorithm == whole.algorithm
    assert rest.objective == whole.objective
    assert rest.trace.monotone
    assert rest.trace[0] == pytest.approx(some.objective, rel=1e-13)


def test_a_state_of_other_data_begins_anew() -> None:
    """A state that counts other units than the data have is forgotten."""
    start, x = GaussianMixture.start(rows(FULL, 60), 2, rng=0), rows(FULL, 60)
    state = emkit.fit(start, x[:50], algorithm=IncrementalEM(5), max_iter=2).algorithm
    found, fresh = (emkit.fit(start, x, algorithm=each, max_iter=2) for each in (state, IncrementalEM(5)))
    assert found.model == fresh.model


def test_passes_are_counted() -> None:
    """An iteration is one pass, every unit is seen once in each, and one more at the end tells the objective."""
    seen: list[float] = []

    @emkit.value
    class Counting(emkit.Mixture[Any]):
        def e_step(self, data: Any) -> Any:
            seen.extend(data.data[:, 0])
            return super().e_step(data)

    x = counts()[:, None]
    start = Counting([0.5, 0.5], emkit.Poisson([[1.0], [5.0]]))
    for iterations, passes in [(1, 2), (2, 4), (5, 7)]:
        seen.clear()
        fit = emkit.fit(start, x, algorithm=IncrementalEM(7), max_iter=iterations, tol=0, chunk_size=4)
        assert [r.passes for r in fit.trace.records] == [*range(1, iterations + 1), passes]
        assert sorted(seen) == sorted(x[:, 0].tolist() * passes)


def test_a_trace_says_what_is_ascended() -> None:
    """The first iteration ascends the objective, later ones the bound; from a state, the first may ascend nothing."""
    start, x = overlapping()
    fit = emkit.fit(start, x, algorithm=IncrementalEM(4), max_iter=3, tol=0)
    assert [r.ascends for r in fit.trace.records] == [Ascent.OBJECTIVE, Ascent.OBJECTIVE, Ascent.BOUND, Ascent.BOUND]
    assert not any(r.plain for r in fit.trace.records[1:])
    rest = emkit.fit(fit.model, x, algorithm=fit.algorithm, max_iter=2, tol=0)
    assert [r.ascends for r in rest.trace.records] == [Ascent.OBJECTIVE, Ascent.NOTHING, Ascent.BOUND]


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_nothing(workers: int) -> None:
    """Threads share out the chunks of a block without changing a bit."""
    start, x = overlapping()
    fits = [
        emkit.fit(start, x, algorithm=IncrementalEM(3), max_iter=4, chunk_size=100, workers=count)
        for count in (1, workers)
    ]
    assert fits[0].model == fits[1].model
    assert fits[0].trace == fits[1].trace


def test_more_blocks_than_units() -> None:
    """No more blocks are made than there are units; blocks without weight change nothing."""
    model, data = PoissonMixtureWithQ([0.5, 0.5], [1.0, 5.0]), counts(n=20)
    many, twenty = (emkit.fit(model, data, algorithm=IncrementalEM(b), max_iter=4, tol=0) for b in (1000, 20))
    assert many.model == twenty.model
    start = emkit.Mixture([0.5, 0.5], emkit.Poisson([[1.0], [5.0]]))
    weight = np.repeat([1.0, 0.0, 2.0], [8, 6, 6])
    fit = emkit.fit(start, emkit.Weighted(data[:, None], weight), algorithm=IncrementalEM(10), max_iter=500)
    copies = np.repeat(data, weight.astype(int))[:, None]
    assert fit.converged
    assert fit.objective == pytest.approx(emkit.fit(start, copies).objective, abs=1e-5)


@emkit.value
class PoissonMixtureWithQ(PoissonMixture):
    def expected_log_joint(self, s: Counts) -> float:
        return float(s.weight @ (np.log(self.weights) - self.rates) + s.total @ np.log(self.rates))

    def m_step(self, s: Counts) -> "PoissonMixtureWithQ":
        new = super().m_step(s)
        return PoissonMixtureWithQ(new.weights, new.rates)


def test_a_wrong_m_step_is_convicted() -> None:
    """Where an M-step lowers the bound, the fit ends as decreased, with the exact objective of the better model."""

    @emkit.value
    class Wrong(PoissonMixtureWithQ):
        def m_step(self, s: Counts) -> "Wrong":
            new = super().m_step(s)
            return Wrong(new.weights, 0.5 * new.rates + 0.5 * self.rates[::-1])

    x = counts()
    fit = emkit.fit(Wrong([0.5, 0.5], [5.0, 5.5]), x, algorithm=IncrementalEM(3), tol=0)
    assert fit.outcome is Outcome.DECREASED
    assert fit.rejected is not None
    assert fit.rejected.ascends is Ascent.BOUND
    assert "the bound fell" in fit.message
    assert fit.objective == pytest.approx(objective(fit.model, x))


@pytest.mark.parametrize("calls", range(2, 21))
def test_ctrl_c_at_any_block(calls: int) -> None:
    """Ctrl-C in any block hands back the last complete model; in the pass that settles its objective, it says so."""
    left = [calls]

    @emkit.value
    class Interrupted(PoissonMixtureWithQ):
        def e_step(self, x: Array) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt
            return super().e_step(x)

        def m_step(self, s: Counts) -> "Interrupted":
            new = super().m_step(s)
            return Interrupted(new.weights, new.rates)

    x = counts()
    start = Interrupted([0.5, 0.5], [1.0, 5.0])
    fit = emkit.fit(start, x, algorithm=IncrementalEM(3), tol=0, max_iter=6)  # 20 E-steps: 1, 6 times 3, and 1
    assert fit.outcome is Outcome.INTERRUPTED
    assert fit.n_iter == (calls - 2) // 3
    if calls < 20:
        assert fit.objective == pytest.approx(objective(fit.model, x), rel=1e-12)
    else:
        assert "a lower bound" in fit.message
        assert fit.objective < objective(fit.model, x)


def test_an_e_step_that_fails_at_the_end_is_named() -> None:
    """A model that leaves the parameter space in the pass that settles its objective raises, by iteration."""
    left = [8]

    @emkit.value
    class Failing(PoissonMixtureWithQ):
        def e_step(self, x: Array) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise emkit.ParameterError("thin")
            return super().e_step(x)

        def m_step(self, s: Counts) -> "Failing":
            new = super().m_step(s)
            return Failing(new.weights, new.rates)

    with pytest.raises(emkit.ModelError, match="iteration 2: e_step raised ParameterError: thin"):
        emkit.fit(Failing([0.5, 0.5], [1.0, 5.0]), counts(), algorithm=IncrementalEM(3), tol=0, max_iter=2)


def test_float32_rows_end_as_float64_ones() -> None:
    """A fit of float32 rows goes on in float64 where rounding hides gains, and ends where one of float64 rows ends."""
    x = rows(FULL, 400).astype(np.float32)
    start = emkit.Mixture([0.4, 0.6], FULL)
    single, double = (
        emkit.fit(start, each, algorithm=IncrementalEM(4), tol=1e-10) for each in (x, x.astype(np.float64))
    )
    assert single.outcome is double.outcome is Outcome.CONVERGED
    assert single.objective == pytest.approx(double.objective, abs=1e-5)
    assert single.trace.monotone


@pytest.mark.parametrize(
    ("blocks", "error", "says"),
    [(0, ValueError, "blocks: expected at least 1, found 0"), (2.5, TypeError, "blocks: expected a whole number")],
)
def test_blocks_are_checked(blocks: Any, error: type[Exception], says: str) -> None:
    """Bad numbers of blocks are refused at once."""
    with pytest.raises(error, match=says):
        IncrementalEM(blocks)


@pytest.mark.parametrize("model", [TwoCoins(0.3, 0.6), PoissonMixture([0.5, 0.5], [1.0, 5.0])])
def test_a_model_without_q_is_refused(model: Any) -> None:
    """Before any work, by name, with what to take instead."""
    with pytest.raises(MissingPowerError, match=r"IncrementalEM needs Q, and \w+ has no .* take EM\(\)"):
        emkit.fit(model, counts(), algorithm=IncrementalEM())
