"""Hidden Markov models against hmmlearn, depmixS4 and the book of Zucchini and MacDonald."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import emkit
from emkit import Array, FullGaussian, HiddenMarkov, Poisson, StationaryHiddenMarkov
from emkit.models.markov.chain_statistics import ChainStatistics
from tests.references import load

EARTHQUAKES = load("hmm_poisson_earthquakes")
SPEED = load("hmm_gaussian_speed")
SIZES = ("K2", "K3")


def earthquakes() -> list[Array]:
    return [np.array(EARTHQUAKES["data"]["x"], dtype=float)[:, None]]


def poisson_start(size: str) -> HiddenMarkov[Poisson]:
    case = EARTHQUAKES["reference"]["free_initial"][size]
    n_states, away = len(case["init_lambda"]), case["init_offdiag"]
    transition = np.where(np.eye(n_states) > 0, 1 - away * (n_states - 1), away)
    return HiddenMarkov(case["init_startprob"], transition, Poisson(np.array(case["init_lambda"])[:, None]))


@pytest.mark.parametrize("size", SIZES)
def test_every_iterate_of_hmmlearn(size: str) -> None:
    """From the same start, every log-likelihood is hmmlearn's, and the last parameters, posterior and path are."""
    case, tolerance = EARTHQUAKES["reference"]["free_initial"][size], EARTHQUAKES["tolerance"]
    x = earthquakes()
    fit = emkit.fit(poisson_start(size), x, tol=0.0, max_iter=len(case["trace"]) - 1)
    model = fit.model
    n = min(len(case["trace"]), len(fit.trace))  # it stalls where rounding ends all progress
    assert n >= len(case["trace"]) - 2
    assert_allclose(fit.trace[:n], case["trace"][:n], rtol=0, atol=tolerance["trace"])
    assert_allclose(fit.trace[0], case["init_loglik"], rtol=1e-13)
    assert_allclose(fit.log_likelihood, case["loglik"], rtol=0, atol=tolerance["loglik"])
    assert_allclose(model.emissions.rates[:, 0], case["lambda"], rtol=0, atol=tolerance["lambda"])
    assert_allclose(model.transition, case["transmat"], rtol=0, atol=tolerance["transmat"])
    assert_allclose(model.initial, case["startprob"], rtol=0, atol=1e-50)
    assert_allclose(model.posterior(x)[0][:5], case["posterior_first5"], rtol=0, atol=1e-6)
    path = model.decode(x)[0]
    assert path.tolist() == case["viterbi"]
    states = np.eye(len(model.initial))[path]
    known: ChainStatistics[Any] = ChainStatistics.of_path(
        tuple(path), len(model.initial), model.emissions.statistics(x[0], states)
    )
    constant = model.emissions.log_density(x[0])[states > 0].sum() - model.emissions.expected_log_density(
        known.emissions
    )
    assert_allclose(model.expected_log_joint(known) + constant, case["viterbi_logprob"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_information_criteria_of_the_book(size: str) -> None:
    """AIC counts parameters as Zucchini and MacDonald do, for a free and for a stationary start."""
    quoted = EARTHQUAKES["reference"]["quoted_AIC"]
    start, x = poisson_start(size), earthquakes()
    free = emkit.fit(start, x, tol=1e-8)
    settled = emkit.fit(StationaryHiddenMarkov(start.transition, start.emissions), x, tol=1e-8)
    assert_allclose(settled.aic, quoted[f"stationary{size[1]}"], rtol=0, atol=1e-4)
    assert_allclose(free.aic, quoted[f"free{size[1]}"], rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", SIZES)
def test_stationary_earthquakes(size: str) -> None:
    """The maximum with a stationary start is the one found by direct maximisation."""
    case, tolerance = EARTHQUAKES["reference"]["stationary_initial"][size], EARTHQUAKES["tolerance"]
    start = poisson_start(size)
    fit = emkit.fit(StationaryHiddenMarkov(start.transition, start.emissions), earthquakes(), tol=1e-11)
    assert fit.trace.monotone
    assert_allclose(fit.log_likelihood, case["loglik"], rtol=0, atol=tolerance["loglik"])
    assert_allclose(fit.model.emissions.rates[:, 0], case["lambda"], rtol=0, atol=tolerance["lambda"])
    assert_allclose(fit.model.transition, case["transmat"], rtol=0, atol=tolerance["transmat"])
    assert_allclose(fit.model.initial, case["delta"], rtol=0, atol=tolerance["transmat"])


def speed_start() -> HiddenMarkov[FullGaussian]:
    begin = SPEED["reference"]["three_series_rt"]["init"]
    emissions = FullGaussian(np.array(begin["means"])[:, None], np.array(begin["vars"])[:, None, None])
    return HiddenMarkov(begin["startprob"], begin["transmat"], emissions)


def assert_gaussian(fit: emkit.Fit[HiddenMarkov[FullGaussian]], case: dict[str, Any]) -> None:
    model, tolerance = fit.model, SPEED["tolerance"]
    assert_allclose(fit.log_likelihood, case["loglik"], rtol=0, atol=tolerance["loglik"])
    assert_allclose(model.initial, case["startprob"], rtol=0, atol=tolerance["parameters"])
    assert_allclose(model.transition, case["transmat"], rtol=0, atol=tolerance["parameters"])
    assert_allclose(model.emissions.means[:, 0], case["means"], rtol=0, atol=tolerance["parameters"])
    deviations = np.sqrt(model.emissions.covariances[:, 0, 0])
    assert_allclose(deviations, case["sd"], rtol=0, atol=tolerance["parameters"])


def test_three_series_of_depmix() -> None:
    """Three series of reaction times have the iterates and the maximum of depmixS4 and hmmlearn."""
    case, speed = SPEED["reference"]["three_series_rt"], emkit.datasets.speed()
    series = [speed.data[speed.labels == k, :1] for k in range(3)]
    assert [len(one) for one in series] == SPEED["data"]["lengths"]
    fit = emkit.fit(speed_start(), series, tol=1e-13)
    assert_allclose(fit.trace[:10], case["trace_first10"], rtol=1e-9)
    assert_gaussian(fit, case)


def test_one_series_of_depmix() -> None:
    """Taken as one series, the reaction times have the maximum, the AIC and the one-state fit of the vignette."""
    case, x = SPEED["reference"]["single_series_rt"], emkit.datasets.speed().data[:, :1]
    fit = emkit.fit(speed_start(), [x], tol=1e-13)
    assert_gaussian(fit, case)
    vignette = SPEED["reference"]["single_series_vignette"]
    assert_allclose(fit.aic, vignette["AIC"], rtol=0, atol=0.05)
    assert_allclose(fit.bic, vignette["BIC"], rtol=0, atol=0.05)
    start: HiddenMarkov[FullGaussian] = HiddenMarkov.start([x], 1, rng=0, emissions=FullGaussian)
    one = emkit.fit(start, [x])
    assert_allclose(one.log_likelihood, vignette["one_state_loglik"], rtol=0, atol=SPEED["tolerance"]["vs_vignette"])


def test_reaction_times_with_answers_of_depmix() -> None:
    """A product of a normal and a Bernoulli block has the maximum that depmixS4 found."""
    case, speed = SPEED["reference"]["three_series_rt_and_corr_depmix"], emkit.datasets.speed()
    series = [speed.data[speed.labels == k] for k in range(3)]
    normal = FullGaussian(np.array([[5.5], [6.4]]), np.array([[[0.04]], [[0.06]]]))
    emissions = emkit.Product([normal, emkit.Bernoulli(np.array([[0.5], [0.9]]))], ((0,), (1,)))
    fit = emkit.fit(HiddenMarkov([0.5, 0.5], [[0.9, 0.1], [0.1, 0.9]], emissions), series, tol=1e-12)
    tolerance = SPEED["tolerance"]
    assert_allclose(fit.log_likelihood, case["loglik"], rtol=0, atol=tolerance["loglik"])
    assert_allclose(fit.model.transition, case["transmat"], rtol=0, atol=tolerance["parameters"])
    times, answers = fit.model.emissions.blocks
    for k, name in enumerate(("state1", "state2")):
        assert_allclose(times.means[k, 0], case[name]["mean"], rtol=0, atol=tolerance["parameters"])
        assert_allclose(np.sqrt(times.covariances[k, 0, 0]), case[name]["sd"], rtol=0, atol=tolerance["parameters"])
        assert_allclose(answers.probabilities[k, 0], case[name]["p_inc_cor"][1], rtol=0, atol=tolerance["parameters"])
