"""Exponential emissions, alone and in a mixture."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import expon, gamma

import emkit
from emkit import Array, Exponential, GammaPrior, Incomplete, Mixture, Weighted
from emkit.stopping import Outcome
from emkit.testing import conformance

RATES = np.array([[3.0, 0.2], [0.4, 0.9]])
PRIOR = GammaPrior(2.0, 0.5)
MODEL = Mixture([0.4, 0.6], Exponential(RATES))


def times(n: int = 40) -> Array:
    x: Array = MODEL.sample(n, 3)
    return x


def with_holes(n: int = 40) -> Incomplete:
    rng = np.random.default_rng(4)
    return Incomplete(np.where(rng.random((n, 2)) < 0.3, np.nan, times(n)))


TestPlain = conformance(MODEL, times(), examples=3)
TestWeighted = conformance(MODEL, Weighted(times(), np.linspace(0.5, 2, 40)), examples=3)
TestPrior = conformance(Mixture([0.4, 0.6], Exponential(RATES, PRIOR)), times(), examples=3)
TestIncomplete = conformance(MODEL, with_holes(), examples=3)
TestHeld = conformance(Mixture([0.4, 0.6], Exponential(RATES, fixed="rates")), times(), examples=3)
TestWeightsHeld = conformance(Mixture([0.4, 0.6], Exponential(RATES), fixed="weights"), times(), examples=3)


def test_log_density_is_that_of_scipy() -> None:
    """The log density is the sum of scipy's over the columns, for zeros and long times alike."""
    x = np.array([[0.0, 3.0], [1e6, 0.0], [5.0, 1e-9]])
    expected = np.sum(expon.logpdf(x[:, None, :], scale=1 / RATES), axis=2)
    assert_allclose(Exponential(RATES).log_density(x), expected, rtol=1e-12)


def test_missing_cells_marginalise() -> None:
    """A row with a missing cell has the density of its other cells; one without any has density 1."""
    x = Incomplete([[np.nan, 3.0], [np.nan, np.nan]])
    expected = expon.logpdf(3, scale=1 / RATES[:, 1])
    assert_allclose(Exponential(RATES).log_density(x), [expected, [0.0, 0.0]], rtol=1e-12)


def test_prior_is_a_gamma_density() -> None:
    """The log prior is scipy's gamma density, up to a constant."""
    other = RATES * 1.3
    found = Exponential(RATES, PRIOR).log_prior() - Exponential(other, PRIOR).log_prior()
    expected = (gamma.logpdf(RATES, 2, scale=2) - gamma.logpdf(other, 2, scale=2)).sum()
    assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_one_state_gives_the_closed_form(scale: float) -> None:
    """The rate of one state is one over the mean time, in any unit."""
    x = times() * scale
    one = emkit.fit(Mixture([1.0], Exponential([[1 / scale, 1 / scale]])), x)
    assert one.converged
    assert_allclose(one.model.emissions.means, [x.mean(axis=0)], rtol=1e-13)
    assert_allclose(one.log_likelihood, expon.logpdf(x, scale=x.mean(axis=0)).sum(), rtol=1e-12)


def test_negative_times_are_refused() -> None:
    """A time below zero is refused with its row and column."""
    x = times()
    x[7, 1] = -0.5
    with pytest.raises(ValueError, match=r"data: row 7, column 1 is -0.5; expected a number, zero or more"):
        emkit.fit(MODEL, x)
    with pytest.raises(ValueError, match="row 7, column 1"):
        Mixture.start(x, 2, emissions=Exponential, rng=0)


def test_a_start_survives_a_cluster_of_zeros() -> None:
    """Where one cluster of the start is all zeros, its mean is a thousandth of the column's, not zero."""
    x = np.array([[0.0]] * 10 + [[9.0]] * 10)
    model: Mixture[Exponential] = Mixture.start(x, 2, emissions=Exponential, rng=0)
    assert_allclose(np.sort(model.emissions.means.ravel()), [0.0045, 9.0])


def test_a_column_of_zeros_is_refused_by_a_start() -> None:
    """No rate is large enough for zeros alone; a prior makes one."""
    x = np.array([[1.0, 0.0], [2.0, 0.0]])
    with pytest.raises(ValueError, match="column 1 is all zeros"):
        Mixture.start(x, 2, emissions=Exponential, rng=0)
    model: Mixture[Exponential] = Mixture.start(x, 2, emissions=Exponential, rng=0, prior=PRIOR)
    assert_allclose(model.emissions.rates[:, 1], 2 / 0.5)  # one time of zero seen: (1 + 1) / (0 + 0.5)


def test_a_state_of_zeros_is_a_named_outcome() -> None:
    """A state that comes to see zeros only has an unbounded rate: degenerate, and the message says where."""
    x = np.array([[0.0]] * 10 + [[9.0]] * 10)
    fit = emkit.fit(Mixture([0.5, 0.5], Exponential([[1e3], [0.1]])), x)
    assert fit.outcome is Outcome.DEGENERATE
    assert "Exponential.rates[0, 0] is unbounded" in fit.message


def test_a_state_that_learnt_nothing_stays() -> None:
    """A state without weight keeps its rates, bit for bit, also under the flattest prior."""
    for prior in (None, GammaPrior(1.0, 2.0)):
        emissions = Exponential(RATES, prior)
        learnt = emissions.m_step(emissions.statistics(times(), np.array([[0.0, 1.0]] * 40)))
        assert np.array_equal(learnt.rates[0], RATES[0])
        assert not np.array_equal(learnt.rates[1], RATES[1])


def test_impute_gives_expected_times() -> None:
    """A missing time is imputed by the posterior mean of 1 / rate, and drawn times have that mean."""
    x = Incomplete([[np.nan, 3.0]] * 20000)
    expected = MODEL.posterior(x)[0] @ (1 / RATES[:, 0])
    assert_allclose(MODEL.impute(x)[0], [expected, 3.0])
    drawn = MODEL.sample_missing(x, 0)
    assert_allclose(drawn[:, 0].mean(), expected, rtol=0.05)
    assert (drawn[:, 1] == 3).all()
