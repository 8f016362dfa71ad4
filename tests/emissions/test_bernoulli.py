"""Bernoulli emissions, alone and in a mixture: latent class analysis of binary items."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import bernoulli, beta

import emkit
from emkit import Array, Bernoulli, BetaPrior, Incomplete, Mixture, Outcome, ParameterError, Weighted
from emkit.testing import conformance

SHARES = np.array([[0.8, 0.3, 0.6], [0.2, 0.7, 0.5]])
MODEL = Mixture([0.4, 0.6], Bernoulli(SHARES))


def answers(n: int = 40) -> Array:
    x: Array = MODEL.sample(n, 3)
    return x


def with_holes(n: int = 40) -> Incomplete:
    rng = np.random.default_rng(4)
    return Incomplete(np.where(rng.random((n, 3)) < 0.3, np.nan, answers(n)))


PRIOR = BetaPrior(2.0, 1.5)
TestPlain = conformance(MODEL, answers(), examples=3)
TestWeighted = conformance(MODEL, Weighted(answers(), np.linspace(0.5, 2, 40)), examples=3)
TestPrior = conformance(Mixture([0.4, 0.6], Bernoulli(SHARES, PRIOR)), answers(), examples=3)
TestIncomplete = conformance(MODEL, with_holes(), examples=3)
TestHeld = conformance(Mixture([0.4, 0.6], Bernoulli(SHARES, fixed="probabilities")), answers(), examples=3)


def test_log_density_is_that_of_scipy() -> None:
    """The log density is the sum of scipy's over the columns, impossible answers included."""
    shares = np.array([[0.0, 0.3], [1.0, 0.5]])
    x = np.array([[0.0, 1.0], [1.0, 0.0]])
    expected = np.sum(bernoulli.logpmf(x[:, None, :], shares), axis=2)
    assert_allclose(Bernoulli(shares).log_density(x), expected, rtol=1e-12)


def test_prior_is_a_beta_density() -> None:
    """The log prior is scipy's beta density, up to a constant."""
    other = SHARES / 2
    found = Bernoulli(SHARES, PRIOR).log_prior() - Bernoulli(other, PRIOR).log_prior()
    expected = np.sum(beta.logpdf(SHARES, 2, 1.5) - beta.logpdf(other, 2, 1.5))
    assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("bad", [-1.0, 2.0, 0.5])
def test_what_is_no_answer_is_refused(bad: float) -> None:
    """Anything but 0 and 1 is refused with its row and column."""
    x = answers()
    x[7, 1] = bad
    with pytest.raises(ValueError, match=rf"data: row 7, column 1 is {bad:g}; expected 0 or 1"):
        emkit.fit(MODEL, x)
    with pytest.raises(ValueError, match="row 7, column 1"):
        Mixture.start(x, 2, emissions=Bernoulli, rng=0)


def test_a_start_can_reach_every_answer() -> None:
    """A start never holds a probability of exactly 0 or 1, though an item has one answer in a whole cluster."""
    x = np.array([[0.0, 0.0]] * 10 + [[1.0, 0.0]] * 10)
    model: Mixture[Bernoulli] = Mixture.start(x, 2, emissions=Bernoulli, rng=0)
    assert ((model.emissions.probabilities > 0) & (model.emissions.probabilities < 1)).all()


def test_a_probability_that_runs_to_the_boundary_is_named() -> None:
    """An item with one answer throughout drives its probability to zero: the message of the fit names it."""
    x = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    one = Mixture([1.0], Bernoulli([[0.4, 1e-13]], fixed="probabilities"))
    fit = emkit.fit(one, x)
    assert fit.outcome is not Outcome.DEGENERATE
    assert "Note: component 0: the probability of column 1 vanishes" in fit.message


def test_impute_gives_the_probability_of_a_one() -> None:
    """A missing answer is imputed by the posterior mean of its probability, and drawn answers have that mean."""
    x = Incomplete([[np.nan, 1.0, 0.0]] * 20000)
    expected = MODEL.posterior(x)[0] @ SHARES[:, 0]
    assert_allclose(MODEL.impute(x)[0], [expected, 1.0, 0.0])
    assert_allclose(MODEL.sample_missing(x, 0)[:, 0].mean(), expected, atol=0.02)


def test_rounding_adds_no_structure() -> None:
    """An item that is always 1 in a component keeps its parameter: the number of free parameters stays."""
    x = np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 1.0]])
    start = Mixture([0.3, 0.7], Bernoulli([[0.4, 0.5], [0.6, 0.5]]))
    fit = emkit.fit(start, x)
    assert emkit.n_free_parameters(fit.model) == 5
    held = emkit.fit(Mixture([0.3, 0.7], Bernoulli([[0.4, 1.0], [0.6, 1.0]])), x)
    assert emkit.n_free_parameters(held.model) == 3
    assert_allclose(fit.log_likelihood, held.log_likelihood, atol=1e-6)


def test_a_prior_refuses_what_it_makes_impossible() -> None:
    """A probability of exactly 0 under a prior that excludes it is refused by name."""
    with pytest.raises(ParameterError, match=r"Bernoulli\.probabilities\[0, 1\] is 0, impossible under the beta prior"):
        Bernoulli([[0.5, 0.0]], PRIOR)
    assert Bernoulli([[0.5, 0.0]], BetaPrior(1.0, 2.0)).log_prior() > -np.inf
