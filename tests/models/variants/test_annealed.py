"""Deterministic annealing EM: its schedule, its tempered posterior, what it ascends, and what it is good for."""

import pickle
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.linalg import eigh
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

import emkit
from emkit import Array, GaussianMixture, Mixture, Outcome, SphericalGaussian, TiedGaussian
from emkit.algorithm import Ascent
from emkit.models.variants import Annealed
from tests.gaussians import KINDS, healthy_start, random_mixture, random_rows
from tests.zoo import EMISSIONS, rows

SEEDS = st.integers(0, 2**32 - 1)


def log_joint(mixture: Any, x: Array) -> Array:
    """Return log w_k + log N(x_n; μ_k, Σ_k), (N, K), by SciPy."""
    components = zip(mixture.weights, mixture.means, mixture.covariances, strict=True)
    return np.stack([np.log(w) + multivariate_normal.logpdf(x, m, c) for w, m, c in components], axis=1)


@given(SEEDS, st.sampled_from(KINDS), st.floats(0.01, 0.99))
def test_responsibilities_are_tempered(seed: int, kind: Any, beta: float) -> None:
    """They are the share of each component in (w p)^β, and counts are their sums; log likelihoods are not tempered."""
    rng = np.random.default_rng(seed)
    mixture, x = random_mixture(kind, rng), random_rows(rng)
    model, joint = Annealed(mixture, start=beta), log_joint(mixture, x)
    expected = np.exp(beta * joint - logsumexp(beta * joint, axis=1, keepdims=True))
    assert_allclose(model.posterior(x), expected, rtol=1e-8, atol=1e-12)
    learnt = model.e_step(model.prepare(x))
    assert_allclose(learnt.statistics.count, expected.sum(axis=0), rtol=1e-9)
    assert_allclose(learnt.log_likelihood, logsumexp(joint, axis=1).sum(), rtol=1e-10)
    assert np.array_equal(model.predict(x), joint.argmax(axis=1))


@given(SEEDS, st.sampled_from(KINDS))
def test_the_free_energy_never_falls_within_a_temperature(seed: int, kind: Any) -> None:
    """F_β = 1/β Σ log Σ_k (w_k p_k)^β + log prior, by SciPy, rises from each step to the next at the same β."""
    rng = np.random.default_rng(seed)
    x = random_rows(rng)
    model = Annealed(healthy_start(kind, rng, x), start=0.3, factor=1.5, steps=3)
    for _ in range(12):
        after = model.m_step(model.e_step(model.prepare(x)).statistics)
        before, now = (
            logsumexp(model.beta * log_joint(one.mixture, x), axis=1).sum() / model.beta + one.log_prior()
            for one in (model, after)
        )
        assert now >= before - 1e-9 * abs(before)
        model = after


def test_the_schedule() -> None:
    """β begins at its start, grows by the factor after each so many M-steps, and ends at 1, where the stage rests."""
    x = rows(EMISSIONS["full"], 60)
    start = Annealed(Mixture([0.4, 0.6], EMISSIONS["full"]), start=0.25, factor=2.0, steps=2)
    steps = list(islice(emkit.steps(start, x), 8))
    assert [step.model.beta for step in steps] == [0.25, 0.25, 0.5, 0.5, 1.0, 1.0, 1.0, 1.0]
    assert [step.model.stage for step in steps] == [0, 1, 2, 3, 4, 4, 4, 4]
    assert [step.ascends for step in steps[1:]] == [Ascent.NOTHING] * 4 + [Ascent.OBJECTIVE] * 3
    assert Annealed(start.mixture, start=0.1, factor=10**0.5, stage=2).beta == 1  # whatever a power rounds to
    assert Annealed(start.mixture, stage=10**9).beta == 1


@pytest.mark.parametrize("name", EMISSIONS)
def test_cold_it_is_plain_em(name: str) -> None:
    """At β = 1 the E-step, and a fit, are those of the mixture to the bit."""
    x = rows(EMISSIONS[name], 60)
    mixture = Mixture([0.4, 0.6], EMISSIONS[name])
    cold = Annealed(mixture, start=1.0)
    assert cold.e_step(cold.prepare(x)) == mixture.e_step(mixture.prepare(x))
    assert np.array_equal(cold.posterior(x), mixture.posterior(x))
    one, other = emkit.fit(cold, x, max_iter=8), emkit.fit(mixture, x, max_iter=8)
    assert one.model.mixture == other.model
    assert np.array_equal(np.asarray(one.trace), np.asarray(other.trace))


def test_a_run_that_stops_goes_on_as_if_it_had_not() -> None:
    """Wherever it stops, and pickled in between, the rest of the run is the same to the bit."""
    x = rows(EMISSIONS["full"], 60)
    start = Annealed(Mixture([0.4, 0.6], EMISSIONS["full"]), factor=1.3, steps=2)
    whole = emkit.fit(start, x)
    assert whole.outcome is Outcome.CONVERGED
    for stop in (1, 3, 8):
        half = emkit.fit(start, x, max_iter=stop)
        assert half.outcome is Outcome.MAX_ITER
        rest = emkit.fit(pickle.loads(pickle.dumps(half.model)), x)
        assert rest.model == whole.model
        assert np.array_equal(np.asarray(whole.trace)[stop:], np.asarray(rest.trace))


def test_it_escapes_poor_starts() -> None:
    """Nine clusters on a grid, begun at nine random rows: EM finds the best optimum rarely, annealing mostly."""
    rng = np.random.default_rng(0)
    places = np.array([(4.0 * i, 4.0 * j) for i in range(3) for j in range(3)])
    x = np.concatenate([rng.normal(place, 0.6, size=(40, 2)) for place in places])
    plain, annealed = [], []
    for seed in range(20):
        begin = x[np.random.default_rng(seed).choice(len(x), 9, replace=False)]
        start = GaussianMixture(np.full(9, 1 / 9), SphericalGaussian(begin, np.ones(9)))
        plain.append(emkit.fit(start, x).trace[-1])
        annealed.append(emkit.fit(Annealed(start), x).trace[-1])
    best = max(plain + annealed)
    found = [sum(end > best - 0.1 for end in ends) for ends in (plain, annealed)]
    truth = SphericalGaussian(places, np.full(9, 0.36))
    assert_allclose(best, emkit.fit(GaussianMixture(np.full(9, 1 / 9), truth), x).trace[-1], atol=1e-3)
    assert found[0] <= 5
    assert found[1] >= 11


def test_components_part_at_the_critical_temperature() -> None:
    """Near one another, components of a held covariance V differ βλ times as much after a step, λ that of V⁻¹S."""
    x = rows(EMISSIONS["full"], 200)
    covariance = np.array([[1.0, 0.2], [0.2, 0.5]])
    values, vectors = eigh(np.cov(x.T, bias=True), covariance)  # S v = λ V v, ascending
    apart = 1e-6 * covariance @ vectors[:, -1]
    means = x.mean(axis=0) + np.array([-0.5, 0.5])[:, None] * apart
    for beta in (0.5 / values[-1], 1.5 / values[-1]):
        emissions = TiedGaussian(means, covariance, fixed="covariance")
        model = Annealed(Mixture([0.5, 0.5], emissions), start=beta)
        after = model.m_step(model.e_step(model.prepare(x)).statistics).mixture.emissions.means
        moved = np.linalg.norm(after[1] - after[0]) / np.linalg.norm(apart)
        assert_allclose(moved, beta * values[-1], rtol=1e-5)


def test_components_that_met_are_reported() -> None:
    """Too many steps too far below the critical β merge all components; the fit ends as degenerate and says so."""
    x = rows(EMISSIONS["full"], 100)
    start = Annealed(GaussianMixture.start(x, 2, rng=0), start=0.05, factor=1.2, steps=10)
    tempered = emkit.fit(start, x, max_iter=100, on_degenerate="stop")
    assert tempered.outcome is Outcome.MAX_ITER  # nothing is said before β is 1
    assert tempered.model.beta < 1
    fit = emkit.fit(start, x)
    assert fit.outcome is Outcome.DEGENERATE
    assert "coincide" in fit.message


def test_numbers_out_of_range_are_named() -> None:
    """A schedule that does not rise to 1 is refused, with the number at fault."""
    mixture = Mixture([0.4, 0.6], EMISSIONS["full"])
    for options, error, message in (
        ({"start": 0.0}, ValueError, "Annealed.start: expected an inverse temperature, above 0 to 1, found 0.0"),
        ({"start": 2}, ValueError, "Annealed.start: .* found 2.0"),
        ({"start": np.nan}, ValueError, "Annealed.start: .* found nan"),
        ({"start": "cold"}, TypeError, "Annealed.start: expected a number, found 'cold'"),
        ({"factor": 1.0}, ValueError, "Annealed.factor: expected a finite number above 1, such as 1.1, found 1.0"),
        ({"steps": 0}, ValueError, "Annealed.steps: expected at least 1, found 0"),
        ({"stage": -1}, ValueError, "Annealed.stage: expected at least 0, found -1"),
    ):
        with pytest.raises(error, match=message):
            Annealed(mixture, **options)
