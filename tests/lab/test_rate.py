"""The rate of convergence: against published eigenvalues, closed forms, and what fits do."""

from typing import Any

import numpy as np
import pytest

import emkit
from emkit import GaussianMixture, Linkage, Mixture, Poisson, Weighted
from emkit.lab import rate
from tests.lab.package import ANIMALS, FAITHFUL, MODELS
from tests.references import load
from tests.testing.healthy import COUNTS, POISSON, PoissonMixture
from tests.toys import TwoCoins


def london_times() -> tuple[Any, Any, dict[str, Any]]:
    """Return the optimum of the London Times mixture, its data, and what is known of it."""
    case = load("poisson_mixture_london_times")
    data = Weighted(np.array(case["data"]["deaths"], dtype=float)[:, None], case["data"]["days"])
    known = case["reference"]
    start = Mixture([known["pi1"], 1 - known["pi1"]], Poisson([[known["lambda1"]], [known["lambda2"]]]))
    return emkit.fit(start, data, tol=0, max_iter=20_000).model, data, known


def test_the_eigenvalues_of_the_london_times_are_those_published() -> None:
    """Deaths in The Times: the eigenvalues of the EM map are those computed from its exact derivative."""
    model, data, known = london_times()
    found = rate(model, data)
    np.testing.assert_allclose(found.eigenvalues, known["em_map_jacobian_eigenvalues_at_mle"], atol=1e-6)
    assert found.contraction == found.eigenvalues[0]
    assert found.increment_ratio == found.contraction**2
    assert found.iterations_per_digit == pytest.approx(-1 / np.log10(found.contraction))


def test_the_rate_of_genetic_linkage_is_that_of_the_paper() -> None:
    """Dempster, Laird and Rubin: errors shrink by 0.1328, 57.80 / 435.32 of the information being missing."""
    known = load("dlr1977_genetic_linkage")["reference"]
    found = rate(Linkage(known["mle"]), ANIMALS)
    assert found.contraction == pytest.approx(known["em_rate_fraction_missing"], abs=1e-8)
    missing = known["missing_information_louis"] / known["complete_information_expected"]
    assert found.contraction == pytest.approx(missing, rel=1e-6)


@pytest.mark.parametrize(
    ("model", "data", "iterations"),
    [
        (Linkage(0.5), ANIMALS, 8),
        (GaussianMixture.start(FAITHFUL, 2, rng=0), FAITHFUL, 9),
        (PoissonMixture([0.5, 0.5], [1.0, 5.0]), COUNTS, 20),
    ],
)
def test_what_is_predicted_is_observed(model: Any, data: Any, iterations: int) -> None:
    """Near the optimum, increments of the objective shrink by the square of the largest eigenvalue."""
    optimum = emkit.fit(model, data, tol=0, max_iter=5000).model
    on_the_way = emkit.fit(model, data, tol=0, max_iter=iterations).trace
    found = rate(optimum, data)
    assert on_the_way.ratio == pytest.approx(found.increment_ratio, rel=0.02)
    assert on_the_way.rate == pytest.approx(found.contraction, rel=0.01)


def test_errors_shrink_along_the_slowest_direction() -> None:
    """A small step along the slowest direction comes back shorter by the contraction, in the model's own parameters."""
    optimum = emkit.fit(PoissonMixture([0.5, 0.5], [1.0, 5.0]), COUNTS, tol=0, max_iter=5000).model
    found = rate(optimum, COUNTS)
    slowest = found.slowest
    assert slowest.keys() == {"weights", "rates"}
    assert slowest["weights"].sum() == pytest.approx(0.0, abs=1e-8)
    step = 1e-5
    away = emkit.replace(
        optimum, weights=optimum.weights + step * slowest["weights"], rates=optimum.rates + step * slowest["rates"]
    )
    back = away.m_step(away.e_step(away.prepare(COUNTS)).statistics)
    np.testing.assert_allclose(
        (back.rates - optimum.rates) / step, found.contraction * slowest["rates"], rtol=1e-3, atol=1e-4
    )


def test_a_rotation_of_factors_is_no_slow_direction() -> None:
    """Directions that change no distribution have eigenvalue one, and are left out of the contraction."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2)) @ rng.normal(size=(2, 6)) + rng.normal(size=(200, 6))
    optimum = emkit.fit(emkit.FactorAnalysis.start(x, 2), x, tol=0, max_iter=20_000).model
    found = rate(optimum, x)
    assert found.redundant == 1
    assert len(found.eigenvalues) == len(emkit.pack(optimum)) - 1
    assert found.contraction == found.eigenvalues[0] < 0.999
    aside = {name: getattr(optimum, name) + 1e-3 * change for name, change in found.slowest.items()}
    moved = np.abs(emkit.replace(optimum, **aside).log_marginal(x) - optimum.log_marginal(x)).max()
    assert moved > 1e-5  # a rotation would leave it as it is


@pytest.mark.parametrize(
    "name", ["full Gaussians", "diagonal Gaussians", "linkage", "stationary hidden Markov", "censored normal"]
)
def test_eigenvalues_are_fractions(name: str) -> None:
    """At a maximum every eigenvalue of the map lies between zero and one."""
    model, data = MODELS[name]
    optimum = emkit.fit(model, data, tol=0, max_iter=5000).model
    found = rate(optimum, data).eigenvalues
    assert (found > -1e-5).all()
    assert (found < 1).all()


def test_a_report_is_printed() -> None:
    """It says the contraction, the ratio of increments, and what a digit costs."""
    text = str(rate(Linkage(load("dlr1977_genetic_linkage")["reference"]["mle"]), ANIMALS))
    assert "contraction of parameters  0.132779" in text
    assert "iterations per digit       1.1" in text


def test_only_an_optimum_has_a_rate() -> None:
    """A model that EM still moves is refused, and one without parameters."""
    with pytest.raises(ValueError, match=r"EM still moves \w+ by .* natural units; expected an optimum"):
        rate(PoissonMixture(*POISSON), COUNTS)
    with pytest.raises(TypeError, match="TwoCoins declares no parameters"):
        rate(TwoCoins(0.3, 0.6), COUNTS)


def test_stopping_early_is_a_fact_of_the_fit() -> None:
    """A fit that met its tolerance with more than that still to come says so; one that has arrived does not."""
    model, data, _ = london_times()
    start = emkit.replace(model, weights=[0.5, 0.5])
    early = emkit.fit(start, data, tol=1e-8, stop="increment", max_iter=10_000)
    assert early.converged
    assert early.stopped_early
    assert early.trace.remaining is not None
    to_come = model.log_marginal(data.data) @ data.weight - early.objective
    assert early.trace.remaining == pytest.approx(to_come, rel=0.2)
    assert "Stopped early: about" in early.message
    arrived = emkit.fit(Linkage(0.5), ANIMALS, tol=1e-8)
    assert arrived.converged
    assert not arrived.stopped_early


def test_a_saddle_is_no_maximum() -> None:
    """Two equal components are a fixed point that EM leaves: it has no rate of convergence."""
    found = rate(PoissonMixture([0.5, 0.5], [COUNTS.mean()] * 2), COUNTS)
    assert found.contraction > 1
    assert found.iterations_per_digit == np.inf
    assert "EM leaves here: no maximum" in str(found)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_the_slowest_direction_does_not_depend_on_units(scale: float) -> None:
    """Data in other units have the same rate, and the same direction in these units."""
    optima = [
        emkit.fit(GaussianMixture.start(x, 2, rng=0), x, tol=0, max_iter=2000) for x in (FAITHFUL, FAITHFUL * scale)
    ]
    one, other = rate(optima[0].model, FAITHFUL), rate(optima[1].model, FAITHFUL * scale)
    assert other.contraction == pytest.approx(one.contraction, rel=1e-5)
    means, scaled = one.slowest["emissions.means"], other.slowest["emissions.means"] / scale
    sign = np.sign(means[0, 0] * scaled[0, 0])
    np.testing.assert_allclose(sign * scaled, means, rtol=1e-3)
    np.testing.assert_allclose(sign * other.slowest["weights"], one.slowest["weights"], rtol=1e-3)
