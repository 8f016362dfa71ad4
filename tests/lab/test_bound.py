"""The bound, and what a step gains: against enumeration, closed forms, and each other."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emkit
from emkit import GaussianMixture, pack, unpack
from emkit.lab import Bound, Gain, bound, decompose, gains
from emkit.lab.divergence import posterior_divergence
from emkit.model import MissingPowerError
from tests.lab.package import CLASSES, FAITHFUL, MODELS
from tests.testing.healthy import COUNTS, NORMAL, NUMBERS, POISSON, NormalMixture, PoissonMixture
from tests.toys import PoissonMixture as ThreeMethods
from tests.toys import objective

SEEDS = st.integers(0, 2**32 - 1)


def test_every_class_of_the_package_is_here() -> None:
    """The examples cover every model class that emkit exports."""
    assert {type(model) for model, _ in MODELS.values()} == CLASSES


@pytest.mark.parametrize("name", MODELS)
def test_each_iteration_gains_what_q_and_the_posterior_gain(name: str) -> None:
    """In each of a few iterations the parts are not negative, and add up to 1e-10 of the objective."""
    model, data = MODELS[name]
    fit = emkit.fit(model, data, record=gains, tol=0, max_iter=4)
    assert len(fit.recorded) == len(fit.trace)
    assert fit.recorded[0] == Gain(0.0, 0.0, 0.0)
    units = fit.trace.records[0].units
    for gain, increment in zip(fit.recorded[1:], fit.trace.increments, strict=True):
        scale = max(abs(objective) for objective in fit.trace) + units
        assert gain.objective == increment
        assert gain.raised >= -1e-10 * scale
        assert gain.free >= -1e-13 * scale
        assert abs(gain.error) <= 1e-10 * scale


@given(SEEDS)
def test_the_bound_is_below_and_touches(seed: int) -> None:
    """F is at most the log likelihood, and equal to it where it touches."""
    rng = np.random.default_rng(seed)
    at = PoissonMixture(*POISSON)
    other = unpack(pack(at) + rng.normal(0.0, 1.0, 3), like=at)
    rounding = 1e-10 * len(COUNTS)
    assert bound(at, at, COUNTS) == pytest.approx(objective(at, COUNTS), abs=rounding)
    assert bound(other, at, COUNTS) <= objective(other, COUNTS) + rounding


@pytest.mark.parametrize(
    ("at", "other", "data"),
    [
        (PoissonMixture(*POISSON), PoissonMixture([0.7, 0.3], [4.0, 5.0]), COUNTS),
        (NormalMixture(*NORMAL), NormalMixture([0.5, 0.5], [-1.0, 2.0], [1.0, 3.0]), NUMBERS),
    ],
)
def test_the_bound_is_that_of_jensen(at: Any, other: Any, data: Any) -> None:
    """F is the sum over all configurations of q log (joint / q), with q the posterior where it touches."""
    expected = 0.0
    for n in range(len(data)):
        mine, theirs = (np.array([one for one, _ in model.configurations(data[n : n + 1])]) for model in (at, other))
        log_q = mine - np.logaddexp.reduce(mine)
        expected += float(np.exp(log_q) @ (theirs - log_q))
    assert bound(other, at, data) == pytest.approx(expected, rel=1e-12)


def test_a_bound_is_made_once_for_many_models() -> None:
    """`Bound.of` takes one E-step and is a function of models."""
    model = GaussianMixture.start(FAITHFUL, 2, rng=0)
    after = model.m_step(model.e_step(model.prepare(FAITHFUL)).statistics)
    tangent = Bound.of(model, FAITHFUL)
    assert tangent(after) == bound(after, model, FAITHFUL)
    assert tangent(model) < tangent(after) < after.log_marginal(FAITHFUL).sum()


def test_a_step_is_taken_apart() -> None:
    """Without a prior, what came free is the divergence over all configurations, and the rest what Q gained."""
    before, data = PoissonMixture([0.5, 0.5], [1.0, 5.0]), COUNTS
    statistics = before.e_step(before.prepare(data)).statistics
    after = before.m_step(statistics)
    gain = decompose(before, after, data)
    divergence = 0.0
    for n in range(len(data)):
        log_p, log_q = (
            np.array([one for one, _ in model.configurations(data[n : n + 1])]) for model in (before, after)
        )
        p, q = np.exp(log_p - np.logaddexp.reduce(log_p)), np.exp(log_q - np.logaddexp.reduce(log_q))
        divergence += float(p @ np.log(p / q))
    assert gain.free == pytest.approx(divergence, rel=1e-10)
    raised = after.expected_log_joint(statistics) - before.expected_log_joint(statistics)
    assert gain.raised == pytest.approx(raised, rel=1e-12)
    assert gain.objective == pytest.approx(objective(after, data) - objective(before, data), rel=1e-10)


def test_a_prior_counts_as_raised() -> None:
    """With a prior, the objective gains what Q + log prior gain, and the divergence."""
    model, data = MODELS["Gaussians, priors, weights"]
    after = model.m_step(model.e_step(model.prepare(data)).statistics)
    gain = decompose(model, after, data)
    assert gain.objective == pytest.approx(objective(after, data) - objective(model, data), rel=1e-9)
    assert abs(gain.error) < 1e-10 * abs(objective(model, data))


def test_enumeration_serves_where_there_is_no_table() -> None:
    """Without a posterior, the divergence is taken over all configurations; with it, it is the same."""

    class Hidden(PoissonMixture):
        posterior: Any = None

    other = [0.7, 0.3], [4.0, 5.0]
    found = posterior_divergence(Hidden(*POISSON), Hidden(*other), COUNTS)
    known = PoissonMixture(*POISSON)
    assert found == pytest.approx(posterior_divergence(known, PoissonMixture(*other), COUNTS), rel=1e-12)


def test_workers_and_chunks_change_nothing() -> None:
    """Gains are summed over chunks, by threads, to the same numbers."""
    model = GaussianMixture.start(FAITHFUL, 2, rng=0)
    whole, parts = (
        emkit.fit(model, FAITHFUL, record=gains, tol=0, max_iter=3, **options)
        for options in ({}, {"chunk_size": 50, "workers": 2})
    )
    for one, other in zip(whole.recorded, parts.recorded, strict=True):
        np.testing.assert_allclose([one.raised, one.free], [other.raised, other.free], rtol=1e-9, atol=1e-9)


def test_what_is_missing_is_said() -> None:
    """Without Q, or anything that tells the posterior, the method to write is named; two classes have no bound."""
    plain = ThreeMethods([0.5, 0.5], [1.0, 5.0])
    with pytest.raises(MissingPowerError, match=r"PoissonMixture has no `expected_log_joint\(statistics\)`"):
        emkit.fit(plain, COUNTS, record=gains)
    with pytest.raises(MissingPowerError, match=r"no `expected_log_joint\(statistics\)`"):
        bound(plain, plain, COUNTS)

    class OnlyQ(ThreeMethods):
        def expected_log_joint(self, s: Any) -> float:
            return 0.0

    q = OnlyQ([0.5, 0.5], [1.0, 5.0])
    with pytest.raises(MissingPowerError, match="OnlyQ has no `posterior_divergence`, and neither a `posterior`"):
        decompose(q, q, COUNTS)
    with pytest.raises(TypeError, match="two models of one class, found PoissonMixture and OnlyQ"):
        decompose(q, plain, COUNTS)


def test_what_to_record_is_a_function() -> None:
    """Whatever `record` returns of each accepted point is kept, in order; what is no function is refused."""
    model = PoissonMixture([0.5, 0.5], [1.0, 5.0])
    fit = emkit.fit(model, COUNTS, record=lambda before, after, data: (before is None, after.objective))
    assert [first for first, _ in fit.recorded] == [True] + [False] * fit.n_iter
    assert [one for _, one in fit.recorded] == list(fit.trace)
    with pytest.raises(TypeError, match=r"record: expected a function such as emkit\.lab\.gains, found 'gains'"):
        emkit.fit(model, COUNTS, record="gains")
    assert emkit.fit(model, COUNTS).recorded == ()


def test_a_table_that_is_no_posterior_is_not_taken_for_one() -> None:
    """Where `posterior` returns numbers that are no shares, the divergence is taken over configurations."""

    class Means(PoissonMixture):
        def posterior(self, data: Any) -> Any:
            return 3.0 * super().posterior(data)

    other = [0.7, 0.3], [4.0, 5.0]
    expected = posterior_divergence(PoissonMixture(*POISSON), PoissonMixture(*other), COUNTS)
    assert posterior_divergence(Means(*POISSON), Means(*other), COUNTS) == pytest.approx(expected, rel=1e-10)


def test_what_a_recorder_raises_is_its_own() -> None:
    """An exception of `record` is not taken for the M-step's."""

    def record(before: Any, after: Any, data: Any) -> None:
        if before is not None:
            raise emkit.ParameterError("mine")

    with pytest.raises(emkit.ModelError, match="iteration 1: record raised ParameterError: mine"):
        emkit.fit(PoissonMixture([0.5, 0.5], [1.0, 5.0]), COUNTS, record=record)


def test_shares_that_underflow_are_counted_by_configurations() -> None:
    """A share too small for floating point in the second table is no impossible state."""
    at, other = (NormalMixture([0.5, 0.5], [0.0, apart], [1.0, 1.0]) for apart in (1.0, 45.0))
    first, second = 1 / (1 + np.exp([-0.5, 0.5]))
    expected = first * np.log(first) + second * (np.log(second) + 45.0**2 / 2)
    assert posterior_divergence(at, other, np.array([0.0])) == pytest.approx(expected, rel=1e-10)

    class Table:
        """The posterior and nothing else."""

        def __init__(self, model: NormalMixture) -> None:
            self.posterior = model.posterior

    assert np.isinf(posterior_divergence(Table(at), Table(other), np.array([0.0])))
