"""Poisson emissions, alone and in a mixture."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import gamma, poisson

import emkit
from emkit import Array, GammaPrior, Incomplete, Mixture, Poisson, Weighted
from emkit.testing import conformance

RATES = np.array([[1.5, 7.0], [6.0, 2.0]])
MODEL = Mixture([0.4, 0.6], Poisson(RATES))


def counts(n: int = 40) -> Array:
    x: Array = MODEL.sample(n, 3)
    return x


def with_holes(n: int = 40) -> Incomplete:
    rng = np.random.default_rng(4)
    return Incomplete(np.where(rng.random((n, 2)) < 0.3, np.nan, counts(n)))


PRIOR = GammaPrior(2.0, 0.5)
TestPlain = conformance(MODEL, counts(), examples=3)
TestWeighted = conformance(MODEL, Weighted(counts(), np.linspace(0.5, 2, 40)), examples=3)
TestPrior = conformance(Mixture([0.4, 0.6], Poisson(RATES, PRIOR)), counts(), examples=3)
TestIncomplete = conformance(MODEL, with_holes(), examples=3)
TestHeld = conformance(Mixture([0.4, 0.6], Poisson(RATES, fixed="rates")), counts(), examples=3)
TestWeightsHeld = conformance(Mixture([0.4, 0.6], Poisson(RATES), fixed="weights"), counts(), examples=3)


def test_log_density_is_that_of_scipy() -> None:
    """The log density is the sum of scipy's over the columns, for zeros and large counts alike."""
    x = np.array([[0.0, 3.0], [1e6, 0.0], [5.0, 5.0]])
    expected = np.sum(poisson.logpmf(x[:, None, :], RATES), axis=2)
    assert_allclose(Poisson(RATES).log_density(x), expected, rtol=1e-12)


def test_missing_cells_marginalise() -> None:
    """A row with a missing cell has the density of its other cells; one without any has density 1."""
    x = Incomplete([[np.nan, 3.0], [np.nan, np.nan]])
    expected = poisson.logpmf(3, RATES[:, 1])
    assert_allclose(Poisson(RATES).log_density(x), [expected, [0.0, 0.0]], rtol=1e-12)


def test_prior_is_a_gamma_density() -> None:
    """The log prior is scipy's gamma density, up to a constant."""
    other = RATES * 1.3
    found = Poisson(RATES, PRIOR).log_prior() - Poisson(other, PRIOR).log_prior()
    expected = (gamma.logpdf(RATES, 2, scale=2) - gamma.logpdf(other, 2, scale=2)).sum()
    assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("bad", [-1.0, 2.5])
def test_what_is_no_count_is_refused(bad: float) -> None:
    """A negative or broken count is refused with its row and column."""
    x = counts()
    x[7, 1] = bad
    with pytest.raises(ValueError, match=rf"data: row 7, column 1 is {bad:g}; expected a count"):
        emkit.fit(MODEL, x)
    with pytest.raises(ValueError, match="row 7, column 1"):
        Mixture.start(x, 2, emissions=Poisson, rng=0)


def test_a_start_survives_a_cluster_of_zeros() -> None:
    """Where one cluster of the start is all zeros, its rate is small but positive."""
    x = np.array([[0.0]] * 10 + [[9.0]] * 10)
    model: Mixture[Poisson] = Mixture.start(x, 2, emissions=Poisson, rng=0)
    assert_allclose(np.sort(model.emissions.rates.ravel()), [0.05, 9.0])


def test_impute_gives_expected_rates() -> None:
    """A missing count is imputed by the posterior mean of its rate, and drawn counts have that mean."""
    x = Incomplete([[np.nan, 3.0]] * 20000)
    expected = MODEL.posterior(x)[0] @ RATES[:, 0]
    assert_allclose(MODEL.impute(x)[0], [expected, 3.0])
    drawn = MODEL.sample_missing(x, 0)
    assert_allclose(drawn[:, 0].mean(), expected, rtol=0.05)
    assert (drawn[:, 1] == 3).all()


def test_a_column_of_zeros_is_named() -> None:
    """A component that sees nothing but zeros in a column keeps a rate of zero in effect, and the message names it."""
    x = np.column_stack([counts()[:, 0], np.zeros(40)])
    fit = emkit.fit(MODEL, x)
    assert fit.outcome is not emkit.Outcome.DEGENERATE
    assert "component 0: the rate of column 1 vanishes" in fit.message
    alone = emkit.fit(Mixture([0.4, 0.6], Poisson(RATES[:, :1])), x[:, :1])
    assert_allclose(fit.log_likelihood, alone.log_likelihood, rtol=1e-6)
