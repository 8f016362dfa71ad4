"""The gamma prior on rates, and the conjugate prior of shapes and rates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import gamma

import emkit
from emkit import GammaPrior, Poisson, ShapeRatePrior

POSITIVES = st.floats(1e-3, 1e3)


@given(st.floats(1, 50), POSITIVES, st.lists(POSITIVES, min_size=2, max_size=2))
def test_log_density_differs_as_in_scipy(shape: float, rate: float, rates: list[float]) -> None:
    """Between two rates the log density differs as SciPy's gamma log densities do."""
    prior = GammaPrior(shape, rate)
    one, other = (prior.log_density(np.array(value)) for value in rates)
    expected = np.asarray(gamma.logpdf(rates, shape, scale=1 / rate))
    assert_allclose(one - other, expected[0] - expected[1], rtol=1e-9, atol=1e-9)


def test_rates_are_independent() -> None:
    """The log density of an array of rates is the sum over its entries."""
    prior, rates = GammaPrior(3.0, 2.0), np.array([[0.5, 1.0], [2.0, 7.0]])
    assert_allclose(prior.log_density(rates), sum(prior.log_density(rate) for rate in rates.ravel()), rtol=1e-14)


def test_it_counts_as_events_in_units_of_observation() -> None:
    """The mode given counts is that of counts to which shape - 1 events in `rate` units were added."""
    x = np.array([[3.0], [5.0]])
    emissions = Poisson([[1.0]], GammaPrior(4.0, 2.0))
    learnt = emissions.m_step(emissions.statistics(x, np.ones((2, 1))))
    assert_allclose(learnt.rates, [[(3 + 5 + 3) / (2 + 2)]], rtol=1e-15)


def test_the_flattest_prior_is_maximum_likelihood_with_more_units() -> None:
    """A shape of one adds no events, only units of observation."""
    emissions = Poisson([[1.0]], GammaPrior(1.0, 1e-9))
    learnt = emissions.m_step(emissions.statistics(np.array([[3.0], [5.0]]), np.ones((2, 1))))
    assert_allclose(learnt.rates, [[4.0]], rtol=1e-8)


def test_a_state_that_learnt_nothing_goes_to_the_mode_if_there_is_one() -> None:
    """Without data a rate goes to the prior's mode (shape - 1) / rate, and stays where it was if that is zero."""
    for shape, expected in ((3.0, 4.0), (1.0, 7.0)):
        emissions = Poisson([[7.0]], GammaPrior(shape, 0.5))
        nothing = emissions.statistics(np.array([[3.0]]), np.zeros((1, 1)))
        assert_allclose(emissions.m_step(nothing).rates, [[expected]], rtol=1e-15)


@pytest.mark.parametrize(
    ("shape", "rate", "message"),
    [
        (0.5, 1.0, "shape is 0.5, expected at least 1"),
        (0.0, 1.0, "GammaPrior.shape is 0"),
        (2.0, -1.0, "GammaPrior.rate is -1"),
        (np.nan, 1.0, "GammaPrior.shape is nan"),
        (2.0, np.inf, "GammaPrior.rate is inf"),
        ([2.0, 3.0], 1.0, "GammaPrior.shape: expected axes"),
    ],
)
def test_what_has_no_mode_inside_is_refused(shape: float, rate: float, message: str) -> None:
    """Shapes below one and anything that is not positive are refused by name."""
    with pytest.raises(emkit.ParameterError, match=message.replace(".", r"\.")):
        GammaPrior(shape, rate)


def test_hyperparameters_are_not_packed() -> None:
    """The prior's own numbers have no free coordinates."""
    assert len(emkit.pack(Poisson([[1.0]], GammaPrior(2.0, 1.0)))) == 1
    assert len(emkit.pack(emkit.Gamma([[1.0]], [[1.0]], ShapeRatePrior(1.0, [1.0], 0.5)))) == 2


def test_a_prior_of_another_width_is_refused() -> None:
    """A prior of one column does not fit emissions of two, nor one kind of prior those of another kind."""
    with pytest.raises(emkit.ParameterError, match="axis 'D'"):
        emkit.Gamma([[1.0, 1.0]], [[1.0, 1.0]], ShapeRatePrior(1.0, [1.0], 0.5))
    with pytest.raises(TypeError, match="prior: expected None or a GammaPrior"):
        Poisson([[1.0]], ShapeRatePrior(1.0, [1.0], 0.5))
