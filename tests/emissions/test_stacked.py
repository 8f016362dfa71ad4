"""Stacked emissions: states of different kinds, zero inflation first of all."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm, poisson

import emkit
from emkit import (
    Array,
    Bernoulli,
    DiagonalGaussian,
    Exponential,
    FullGaussian,
    Gamma,
    GammaPrior,
    Incomplete,
    Mixture,
    PointMass,
    Poisson,
    SphericalGaussian,
    Stacked,
    Weighted,
    replace,
)
from emkit.emissions.totals import Totals
from emkit.parameters import n_free_parameters
from emkit.stopping import Outcome
from emkit.testing import conformance

ZERO = PointMass([[0.0]])
PRIOR = GammaPrior(2.0, 0.5)


def inflated(**options: Any) -> Mixture[Stacked]:
    return Mixture([0.3, 0.7], Stacked((ZERO, Poisson([[2.5]], **options))))


def lifetimes(fixed: str | None = None) -> Mixture[Stacked]:
    """Two exponential states and one gamma state, with a prior on one part and parameters held in the other."""
    held: frozenset[str] = frozenset() if fixed is None else frozenset([fixed])
    exponential = Exponential([[3.0, 0.2], [0.4, 0.9]], PRIOR)
    return Mixture([0.2, 0.3, 0.5], Stacked((exponential, Gamma([[9.0, 4.0]], [[1.4, 0.9]], fixed=held))))


INFLATED, LIFETIMES = inflated(), lifetimes()
GAUSSIANS = Mixture([0.4, 0.6], Stacked((FullGaussian([[0.0]], [[[1.0]]]), SphericalGaussian([[3.0]], [4.0]))))


def counts(n: int = 60) -> Array:
    x: Array = INFLATED.sample(n, 3)
    return x


def times(n: int = 60) -> Array:
    x: Array = LIFETIMES.sample(n, 3)
    return x


def with_holes(n: int = 60) -> Incomplete:
    rng = np.random.default_rng(4)
    return Incomplete(np.where(rng.random((n, 2)) < 0.3, np.nan, times(n)))


TestInflated = conformance(INFLATED, counts(), examples=3)
TestInflatedWeighted = conformance(INFLATED, Weighted(counts(), np.linspace(0.5, 2, 60)), examples=3)
TestInflatedHeld = conformance(inflated(fixed="rates"), counts(), examples=3)
TestPartsHeld = conformance(Mixture([0.3, 0.7], replace(INFLATED.emissions, fixed="parts")), counts(), examples=3)
TestLifetimes = conformance(LIFETIMES, times(), examples=3)
TestLifetimesHeld = conformance(lifetimes("shapes"), times(), examples=3)
TestLifetimesIncomplete = conformance(LIFETIMES, with_holes(), examples=2)
TestGaussians = conformance(GAUSSIANS, GAUSSIANS.sample(80, 0), examples=3)


def test_zero_inflation_is_the_published_density() -> None:
    """The mixture of a point mass and a Poisson has Lambert's zero-inflated density."""
    x = np.arange(6.0)
    expected = 0.3 * (x == 0) + 0.7 * poisson.pmf(x, 2.5)
    assert_allclose(INFLATED.log_marginal(x[:, None]), np.log(expected), rtol=1e-13)


def test_states_are_those_of_the_parts_in_order() -> None:
    """The log densities of each state are those of its part, and a fit is the same in any order of the parts."""
    emissions = LIFETIMES.emissions
    both = [part.log_density(times()) for part in emissions.parts]
    assert np.array_equal(emissions.log_density(times()), np.concatenate(both, axis=1))
    turned = Mixture([0.5, 0.2, 0.3], Stacked(emissions.parts[::-1]))
    one, other = (emkit.fit(model, times(), tol=0.0, max_iter=5) for model in (LIFETIMES, turned))
    assert_allclose(np.asarray(other.trace), np.asarray(one.trace), rtol=1e-12)
    assert_allclose(other.model.weights, one.model.weights[[2, 0, 1]], rtol=1e-9)


def test_parts_of_one_kind_are_that_kind() -> None:
    """A stack of two Poisson parts fits as the Poisson of both rates does."""
    x, rates = counts(), [[1.0], [6.0]]
    together = emkit.fit(Mixture([0.4, 0.6], Poisson(rates)), x, tol=0.0, max_iter=6)
    stacked = emkit.fit(Mixture([0.4, 0.6], Stacked([Poisson(rates[:1]), Poisson(rates[1:])])), x, tol=0.0, max_iter=6)
    assert_allclose(np.asarray(stacked.trace), np.asarray(together.trace), rtol=1e-13)
    assert n_free_parameters(stacked.model) == n_free_parameters(together.model) == 3


def test_a_short_start_of_zero_inflation() -> None:
    """A start shares every zero evenly between the point mass and the rest, whose rate is the mean of the rest."""
    x = counts()
    zeros = float((x == 0).sum())
    start: Mixture[Stacked] = Mixture.start(x, 2, emissions=Stacked.of(ZERO, Poisson), rng=0)
    assert_allclose(start.weights, [zeros / 2 / 60, 1 - zeros / 2 / 60], rtol=1e-14)
    assert_allclose(start.emissions.parts[1].rates, [[x.sum() / (60 - zeros / 2)]], rtol=1e-14)
    assert emkit.fit(start, x).converged


def test_a_start_of_several_states() -> None:
    """The class that stands last takes all states that are left, clustered by its own features, with its options."""
    x = np.concatenate([np.zeros((20, 1)), counts() + 30, counts() + 200])
    start: Mixture[Stacked] = Mixture.start(x, 3, emissions=Stacked.of(ZERO, Poisson), rng=0, prior=PRIOR)
    assert start.emissions.parts[1].prior == PRIOR
    fit = emkit.fit(start, x)
    assert fit.converged
    assert_allclose(fit.model.weights[0], 20 / 140, rtol=1e-6)
    rates = np.sort(fit.model.emissions.parts[1].rates.ravel())
    assert_allclose(rates, [(x[20:80].sum() + 1) / 60.5, (x[80:].sum() + 1) / 60.5], rtol=1e-6)


def test_a_start_from_labels() -> None:
    """Labels count the states of all parts, in their order."""
    x = counts()
    labels = (x[:, 0] > 0).astype(int)
    start: Mixture[Stacked] = Mixture.from_responsibilities(x, labels, emissions=Stacked.of(ZERO, Poisson))
    assert_allclose(start.weights, [(x == 0).mean(), (x > 0).mean()])
    assert_allclose(start.emissions.parts[1].rates, [[x[x > 0].mean()]])


def test_a_start_leaves_a_state_to_the_class() -> None:
    """As many states as are given, or fewer, are refused; so are parts in another order, or none."""
    with pytest.raises(ValueError, match=r"expected more than the 1 states that Stacked\.of is given, found 1"):
        Mixture.start(counts(), 1, emissions=Stacked.of(ZERO, Poisson), rng=0)
    with pytest.raises(TypeError, match=r"expected emissions and then a class"):
        Stacked.of(Poisson)
    with pytest.raises(TypeError, match="part 0: expected emissions"):
        Stacked.of(Poisson, ZERO)
    with pytest.raises(TypeError, match="emissions: expected a class"):
        Stacked.of(ZERO, Poisson([[1.0]]))


def test_data_satisfy_every_part() -> None:
    """What one part refuses is refused, by prepare and by a start, with row and column."""
    x = times()
    x[5, 1] = 0.0  # a waiting time, but no gamma variable
    with pytest.raises(ValueError, match="row 5, column 1 is 0; expected a number above zero"):
        LIFETIMES.log_marginal(x)
    with pytest.raises(ValueError, match=r"row 0, column 0 is 0\.5; expected a count"):
        Mixture.start([[0.5], [1.0]], 2, emissions=Stacked.of(ZERO, Poisson), rng=0)


def test_all_zeros_are_a_named_outcome() -> None:
    """Counts that are all zero drive the rate to zero, and the message names the component."""
    fit = emkit.fit(INFLATED, np.zeros((20, 1)))
    assert "component 1: the rate of column 0 vanishes" in fit.message
    assert_allclose(fit.log_likelihood, 0.0, atol=1e-6)


def test_no_zeros_empty_the_point_mass() -> None:
    """Without a zero the point mass learns nothing and ends empty; the rate is the mean."""
    x = counts() + 1
    fit = emkit.fit(INFLATED, x)
    assert fit.outcome is Outcome.DEGENERATE
    assert "component 0: is empty" in fit.message
    assert_allclose(fit.model.emissions.parts[1].rates, [[x.mean()]], rtol=1e-12)


def test_complaints_count_components_from_the_first_part_on() -> None:
    """What a part complains of names the component of the stack, pairs included."""
    gaussians = SphericalGaussian([[3.0], [3.0]], [4.0, 4.0])
    model = Mixture([0.2, 0.3, 0.5], Stacked((ZERO, gaussians)))
    learnt = model.e_step(model.prepare([[0.0], [2.0], [7.0]])).statistics
    assert [where for where, _ in model.complaints(learnt)] == ["components 1 and 2"]
    narrow = Mixture([0.5, 0.5], Stacked((ZERO, SphericalGaussian([[1.0]], [1e-30]))))
    learnt = narrow.e_step(narrow.prepare([[0.0], [1.0]])).statistics
    assert narrow.complaints(learnt)[0][0] == "component 1"


def test_impute_weighs_the_parts() -> None:
    """A missing cell is imputed by the posterior mean over the states of all parts, and drawn with that mean."""
    x = Incomplete([[np.nan, 3.0]] * 20000)
    means = np.array([1 / 3.0, 1 / 0.4, 9.0 / 1.4])
    expected = LIFETIMES.posterior(x)[0] @ means
    assert_allclose(LIFETIMES.impute(x)[0], [expected, 3.0], rtol=1e-12)
    drawn = LIFETIMES.sample_missing(x, 0)
    assert_allclose(drawn[:, 0].mean(), expected, rtol=0.05)
    assert (drawn[:, 1] == 3).all()


def test_samples_come_in_the_order_of_their_states() -> None:
    """Each row is drawn by the part of its state, whatever the order of the states."""
    states = np.array([1, 0, 0, 1, 0])
    drawn = Stacked((PointMass([[7.0]]), PointMass([[8.0]]))).sample(states, np.random.default_rng(0))
    assert drawn.ravel().tolist() == [8, 7, 7, 8, 7]


def test_a_density_beside_a_probability_is_compared_as_a_number() -> None:
    """At its location a point mass has probability 1 beside the density of a continuous state."""
    model = Mixture([0.2, 0.8], Stacked((ZERO, DiagonalGaussian([[0.0]], [[4.0]]))))
    density = 0.8 * norm.pdf([0.0, 1.0], scale=2.0)
    assert_allclose(model.log_marginal([[0.0], [1.0]]), np.log(density + np.array([0.2, 0.0])), rtol=1e-13)


@emkit.value
class Plain(emkit.Emissions[Totals]):
    """A stranger's emissions with the three methods and nothing else."""

    rates: Array = emkit.positive("K", "D")

    def log_density(self, x: Array) -> Array:
        return Poisson(self.rates).log_density(x)

    def statistics(self, x: Array, posterior: Array) -> Totals:
        return Totals.of(x, posterior)

    def m_step(self, statistics: Totals) -> "Plain":
        return Plain(Poisson(self.rates).m_step(statistics).rates)


def test_parts_without_powers() -> None:
    """A part with the three methods alone will do: powers it lacks are named, and its rows are missing as a whole."""
    plain = Mixture([0.3, 0.7], Stacked((PointMass([[0.0, 0.0]]), Plain([[2.5, 1.0]]))))
    full = Mixture([0.3, 0.7], Stacked((PointMass([[0.0, 0.0]]), Poisson([[2.5, 1.0]]))))
    x = np.random.default_rng(0).poisson(1.0, (30, 2)).astype(float)
    assert_allclose(np.asarray(emkit.fit(plain, x).trace), np.asarray(emkit.fit(full, x).trace), rtol=1e-13)
    with pytest.raises(TypeError, match="Plain has no `sample`"):
        plain.sample(3, 0)
    with pytest.raises(TypeError, match="Plain has no `expected_log_density`"):
        plain.expected_log_joint(plain.e_step(plain.prepare(x)).statistics)
    x[4] = np.nan
    assert plain.log_marginal(Incomplete(x))[4] == pytest.approx(0.0, abs=1e-15)
    x[5, 1] = np.nan
    with pytest.raises(ValueError, match="row 5 is missing in column 1 but not in column 0"):
        plain.log_marginal(Incomplete(x))


@emkit.value
class Partial(Plain):
    """Emissions that declare a partial M-step."""

    def partial_m_step(self) -> bool:
        return True


def test_what_a_part_declares_holds_for_all() -> None:
    """A stack is partial where a part is, rounds as its worst part does, and remarks on what a part remarks on."""
    certain = Bernoulli([[1e-20]])
    emissions = Stacked((ZERO, Poisson([[2.5]]), certain))
    assert not emissions.partial_m_step()
    assert Stacked((ZERO, Partial([[2.5]]))).partial_m_step()
    assert emissions.conditioning() == Poisson([[2.5]]).conditioning() > 0
    learnt = emissions.statistics(np.zeros((1, 1)), np.ones((1, 3)))
    assert certain.remarks(learnt.parts[2])[0][0] == "component 0"
    assert [where for where, _ in emissions.remarks(learnt)] == ["component 2"]


@emkit.value
class NoStates(emkit.Emissions[Totals]):
    """Emissions that do not say how many states they have."""

    def log_density(self, x: Array) -> Array:
        return np.zeros((len(x), 1))

    def statistics(self, x: Array, posterior: Array) -> Totals:
        return Totals.of(x, posterior)

    def m_step(self, statistics: Totals) -> "NoStates":
        return self


def test_parts_must_fit() -> None:
    """Parts that are no emissions, know no number of states or disagree on columns are refused by name."""
    with pytest.raises(TypeError, match=r"parts\[1\]: expected emissions"):
        Stacked((ZERO, Poisson))
    with pytest.raises(TypeError, match="NoStates declares no parameter with axis 'K'"):
        Stacked((ZERO, NoStates()))
    with pytest.raises(emkit.ParameterError, match="axis 'D'"):
        Stacked((ZERO, Poisson([[1.0, 2.0]])))
    with pytest.raises(emkit.ParameterError, match="axis 'K'"):
        Mixture([0.2, 0.3, 0.5], INFLATED.emissions)
    with pytest.raises(TypeError, match="at least one part"):
        Stacked(())
