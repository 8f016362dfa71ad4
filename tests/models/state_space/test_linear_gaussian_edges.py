"""The linear Gaussian state space model at extremes and edges, its starts, and what it says of impossible data."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import emkit
from emkit import Incomplete, LinearGaussianStateSpace, Weighted, replace
from tests.models.state_space.dense_chain import random_model, with_gaps

OFFSETS = [0.0, 1e8, -1e10]
SCALES = [1e-70, 1e-3, 1.0, 1e70]


def level(variance: float, noise: float, mean: float, width: float) -> LinearGaussianStateSpace:
    """Return a local level model in which only the two variances are free."""
    held = {"initial_mean", "initial_covariance", "transition", "observation"}
    return LinearGaussianStateSpace([mean], [[width]], [[1.0]], [[variance]], [[1.0]], [[noise]], fixed=held)


@pytest.mark.parametrize("scale", SCALES)
def test_units_of_the_data_do_not_matter(scale: float) -> None:
    """Data in other units have their variances in those units, iteration by iteration."""
    x = np.cumsum(np.random.default_rng(0).normal(size=(40, 1)), axis=0) + np.random.default_rng(1).normal(size=(40, 1))
    once = emkit.fit(level(0.5, 0.5, 0.0, 4.0), [x], max_iter=5, tol=0.0)
    other = emkit.fit(level(0.5 * scale**2, 0.5 * scale**2, 0.0, 4 * scale**2), [x * scale], max_iter=5, tol=0.0)
    for name in ("transition_covariance", "observation_covariance"):
        assert_allclose(getattr(other.model, name), getattr(once.model, name) * scale**2, rtol=1e-9)
    assert_allclose(other.log_likelihood, once.log_likelihood - 40 * np.log(scale), rtol=1e-9)


@pytest.mark.parametrize("offset", OFFSETS)
def test_where_the_level_is_does_not_matter(offset: float) -> None:
    """A local level far from zero has the variances of one at zero, and EM does not fall."""
    x = np.cumsum(np.random.default_rng(0).normal(size=(40, 1)), axis=0) + np.random.default_rng(1).normal(size=(40, 1))
    x = x + offset - offset  # to the digits that are left at the offset
    once = emkit.fit(level(0.5, 0.5, 0.0, 4.0), [x], max_iter=30, tol=0.0)
    far = emkit.fit(level(0.5, 0.5, offset, 4.0), [x + offset], max_iter=30, tol=0.0)
    assert far.trace.monotone
    for name in ("transition_covariance", "observation_covariance"):
        assert_allclose(getattr(far.model, name), getattr(once.model, name), rtol=1e-6)


@pytest.mark.parametrize("offset", OFFSETS)
def test_em_does_not_fall_far_from_zero(offset: float) -> None:
    """With everything free and data far from zero, nothing is lost that would make the likelihood fall."""
    rng = np.random.default_rng(2)
    data = [x + offset for x in random_model(rng, 2, 2).sample(12, rng, length=15)]
    start = LinearGaussianStateSpace.start(data, 2)
    fit = emkit.fit(start, data, max_iter=25, tol=0.0)
    assert fit.outcome in (emkit.Outcome.MAX_ITER, emkit.Outcome.STALLED), fit.message


def test_a_state_without_noise_is_held() -> None:
    """With a tiny state noise held, a trend is the straight line of least squares."""
    t = np.arange(30.0)
    y = 3 + 0.5 * t + np.random.default_rng(4).normal(size=30)
    held = {"initial_mean", "initial_covariance", "transition", "transition_covariance", "observation"}
    trend = LinearGaussianStateSpace(
        [0.0, 0.0], 1e8 * np.eye(2), [[1.0, 1.0], [0.0, 1.0]], 1e-14 * np.eye(2), [[1.0, 0.0]], [[1.0]], fixed=held
    )
    path = trend.posterior([y[:, None]])[0]
    slope, intercept = np.polyfit(t, y, 1)
    assert_allclose(path.means[:, 0], intercept + slope * t, rtol=1e-6)
    assert_allclose(path.means[:, 1], slope, rtol=1e-6)
    assert (np.linalg.eigvalsh(path.covariances) >= 0).all()
    assert emkit.fit(trend, [y[:, None]], max_iter=50).trace.monotone


def test_em_finds_the_truth() -> None:
    """From many sequences, a fit is as likely as the truth or more, and sees the same dynamics."""
    rng = np.random.default_rng(6)
    truth = random_model(rng, 2, 3)
    data = truth.sample(40, rng, length=30)
    fit = emkit.fit(LinearGaussianStateSpace.start(data, 2), data, tol=1e-6, max_iter=300)
    assert fit.trace.monotone
    assert fit.log_likelihood > truth.log_marginal(data).sum() - 1
    found, expected = (np.sort_complex(np.linalg.eigvals(m.transition)) for m in (fit.model, truth))
    assert_allclose(found, expected, atol=0.1)


def test_start_takes_gaps_and_weights() -> None:
    """Weights of two count as two copies, and sequences with missing cells give a start."""
    rng = np.random.default_rng(7)
    data = random_model(rng, 2, 2).sample(6, rng)
    one = LinearGaussianStateSpace.start(Weighted(data, np.array([2.0, 1, 1, 0, 1, 1])), 3)
    two = LinearGaussianStateSpace.start([data[0], data[0], data[1], data[2], data[4], data[5]], 3)
    assert_allclose(one.log_marginal(data), two.log_marginal(data), rtol=1e-8)
    gaps = [Incomplete(with_gaps(rng, x)) for x in data]
    assert emkit.fit(LinearGaussianStateSpace.start(gaps, 2), gaps, max_iter=20).trace.monotone


def test_a_single_sequence_holds_its_initial_covariance() -> None:
    """A start from one sequence holds the initial covariance; where a user frees it, the fit says so."""
    x = random_model(np.random.default_rng(8), 1, 1).sample(1, 0)
    start = LinearGaussianStateSpace.start(x, 1, fixed="transition")
    assert start.fixed == {"initial_covariance", "transition"}
    fit = emkit.fit(replace(start, fixed=()), x, max_iter=20)
    assert fit.outcome == emkit.Outcome.DEGENERATE
    assert "single sequence" in fit.message


def test_what_was_never_seen_is_said() -> None:
    """A column without any cell, and data without transitions, are named; what is not learnt of stays."""
    model = random_model(np.random.default_rng(9), 1, 2)
    data = model.prepare([Incomplete([[1.0, np.nan]]), Incomplete([[3.0, np.nan]])])
    statistics = model.e_step(data).statistics
    said = " ".join(f"{where} {why}" for where, why in model.complaints(statistics))
    assert "column 1 is never seen" in said
    assert "no sequence has two steps" in said
    assert_allclose(model.m_step(statistics).transition, model.transition, rtol=0)


def test_collapsed_noise_is_said() -> None:
    """Observation noise that EM drives to nothing is named."""
    data = [np.sin(np.arange(20.0) + n)[:, None] for n in range(5)]
    fit = emkit.fit(LinearGaussianStateSpace.start(data, 2), data, max_iter=3000, tol=0.0, on_degenerate="stop")
    assert fit.outcome == emkit.Outcome.DEGENERATE
    assert "covariance" in fit.message


def test_sequences_wholly_missing_are_not_evidence() -> None:
    """A sequence of which nothing is seen has log marginal zero, and its states are those of the model."""
    model = random_model(np.random.default_rng(10), 2, 1)
    nothing = Incomplete(np.full((4, 1), np.nan))
    assert model.log_marginal([nothing])[0] == 0
    assert_allclose(model.posterior([nothing])[0].means[0], model.initial_mean, rtol=1e-9)


@pytest.mark.parametrize("far", [1e200, 1.7e308])
def test_an_impossible_observation_without_weight_is_harmless(far: float) -> None:
    """A row beyond floating point has log marginal -inf, and at weight zero no influence."""
    model = random_model(np.random.default_rng(11), 2, 1)
    good, bad = model.sample(1, 0)[0], np.full((20, 1), far)
    assert model.log_marginal([bad])[0] == -np.inf
    found = model.e_step(model.prepare(Weighted([good, bad], np.array([1.0, 0.0]))))
    expected = model.e_step(model.prepare([good]))
    assert found.log_likelihood == expected.log_likelihood
    assert_allclose(found.statistics.transition.scatter, expected.statistics.transition.scatter, rtol=1e-9)


def test_samples_have_the_lengths_asked_for() -> None:
    """One length serves all, or each sequence has its own; a length below one is refused."""
    model = random_model(np.random.default_rng(12), 2, 3)
    assert [x.shape for x in model.sample(3, 0, length=[1, 4, 2])] == [(1, 3), (4, 3), (2, 3)]
    assert [x.shape for x in model.sample(2, 0, length=5)] == [(5, 3), (5, 3)]
    for wrong in (0, [3, 0], [1, 2, 3]):
        with pytest.raises(ValueError, match="length"):
            model.sample(2, 0, length=wrong)


ROWS = np.zeros((5, 2))
REFUSED: list[tuple[Any, str]] = [
    (ROWS, r"list of sequences.*\[x\]"),
    (Incomplete(ROWS), r"list of sequences.*\[x\]"),
    (np.zeros((3, 5, 2)), r"list\(x\)"),
    ([ROWS, np.zeros((0, 2))], "sequence 1"),
    ([ROWS, ROWS[:, :1]], "sequence 1 has 1 columns"),
    ([ROWS[:, :1]], "expected 2 columns"),
    ([ROWS, np.full((3, 2), np.nan)], r"sequence 1.*Incomplete"),
    ([ROWS, np.full((3, 2), np.inf)], "sequence 1"),
    ([ROWS[:, 0]], "sequence 0"),
]


@pytest.mark.parametrize(("data", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_impossible_data_are_refused(data: Any, said: str) -> None:
    """Data that are no list of sequences, or hold one that is not as wide as the model, are named."""
    model = random_model(np.random.default_rng(13), 1, 2)
    with pytest.raises((ValueError, TypeError), match=said):
        emkit.fit(model, data)


@pytest.mark.parametrize(
    ("data", "n_states", "said"),
    [
        ([ROWS], 1, "column 0 does not vary"),
        ([np.arange(4.0).reshape(2, 2)], 2, "windows"),
        ([Incomplete([[1.0, np.nan], [2.0, np.nan]])], 1, "column 1 is never seen"),
        (Weighted([ROWS], np.zeros(1)), 1, "all zero"),
        ([ROWS], 0, "n_states"),
    ],
)
def test_impossible_starts_are_refused(data: Any, n_states: int, said: str) -> None:
    """A start that the data do not allow says what is missing."""
    with pytest.raises(ValueError, match=said):
        LinearGaussianStateSpace.start(data, n_states)


def test_em_does_not_fall_where_observation_noise_is_nearly_singular() -> None:
    """Observation noise that is nearly a line is known to few digits, and their loss is no fall of the likelihood."""
    noise = np.outer([1.0, -11.0, 9.0], [1.0, -11.0, 9.0]) / 100 + 1e-11 * np.eye(3)
    model = LinearGaussianStateSpace(
        np.zeros(2), np.eye(2), [[0.9, 0.2], [-0.2, 0.8]], 0.3 * np.eye(2), [[1, 0], [0.5, 1], [0, 1]], 0.2 * np.eye(3)
    )
    narrow = replace(model, observation_covariance=noise, initial_covariance=1e-20 * np.eye(2))
    fit = emkit.fit(narrow, model.sample(1, 1, length=30), max_iter=300, tol=0.0)
    assert fit.outcome is emkit.Outcome.DEGENERATE, fit.message


def test_names_of_parameters_held_are_asked_for() -> None:
    """What is no name of a parameter is refused as such, by a start too."""
    x = random_model(np.random.default_rng(0), 1, 2).sample(2, 0, length=9)
    for wrong in (3, None, [1]):
        with pytest.raises(TypeError, match="fixed: expected names of parameters"):
            LinearGaussianStateSpace.start(x, 1, fixed=wrong)
