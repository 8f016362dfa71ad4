"""Gamma emissions, alone and in a mixture."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from scipy.stats import gamma

import emkit
from emkit import Array, Gamma, Incomplete, Mixture, ShapeRatePrior, Weighted
from emkit.emissions.gamma_moments import GammaMoments
from emkit.stopping import Outcome
from emkit.testing import conformance

SEEDS = st.integers(0, 2**32 - 1)
SHAPES = np.array([[2.0, 0.6], [9.0, 4.0]])
RATES = np.array([[3.0, 0.2], [1.4, 0.9]])
PRIOR = ShapeRatePrior(2.5, [2.0, 5.0], 0.2)
MODEL = Mixture([0.4, 0.6], Gamma(SHAPES, RATES))


def rows(n: int = 60) -> Array:
    x: Array = MODEL.sample(n, 3)
    return x


def with_holes(n: int = 60) -> Incomplete:
    rng = np.random.default_rng(4)
    return Incomplete(np.where(rng.random((n, 2)) < 0.3, np.nan, rows(n)))


def mixed(prior: ShapeRatePrior | None = None, **options: str) -> Mixture[Gamma]:
    return Mixture([0.4, 0.6], Gamma(SHAPES, RATES, prior, **options))


TestPlain = conformance(MODEL, rows(), examples=3)
TestWeighted = conformance(MODEL, Weighted(rows(), np.linspace(0.5, 2, 60)), examples=3)
TestPrior = conformance(mixed(PRIOR), rows(), examples=3)
TestIncomplete = conformance(MODEL, with_holes(), examples=3)
TestShapesHeld = conformance(mixed(fixed="shapes"), rows(), examples=3)
TestRatesHeld = conformance(mixed(fixed="rates"), rows(), examples=3)
TestRatesHeldWithPrior = conformance(mixed(PRIOR, fixed="rates"), rows(), examples=3)
TestBothHeld = conformance(Mixture([0.4, 0.6], Gamma(SHAPES, RATES, fixed={"shapes", "rates"})), rows(), examples=3)
TestWeightsHeld = conformance(Mixture([0.4, 0.6], Gamma(SHAPES, RATES), fixed="weights"), rows(), examples=3)


def test_log_density_is_that_of_scipy() -> None:
    """The log density is the sum of scipy's over the columns, near the mean and far from it."""
    x = np.array([[1e-9, 3.0], [1e6, 0.1], [5.0, 1e-300], [0.6, 4.4]])
    expected = np.sum(gamma.logpdf(x[:, None, :], SHAPES, scale=1 / RATES), axis=2)
    assert_allclose(Gamma(SHAPES, RATES).log_density(x), expected, rtol=1e-12)


@given(SEEDS, st.floats(-8, 8), st.floats(-150, 150))
def test_log_density_keeps_its_digits(seed: int, exponent: float, scale: float) -> None:
    """The log density agrees with 60 digits for shapes from 1e-8 to 1e8 in any unit."""
    shape, rate = 10.0**exponent, 10.0**-scale
    width = min(1.0, shape**-0.5)
    x = shape / rate * np.exp(width * np.random.default_rng(seed).uniform(-3, 3))
    with mp.workdps(60):
        a, b, y = mp.mpf(shape), mp.mpf(rate), mp.mpf(float(x))
        expected = float(a * mp.log(b) - mp.loggamma(a) + (a - 1) * mp.log(y) - b * y)
    found = Gamma([[shape]], [[rate]]).log_density(np.array([[x]]))[0, 0]
    assert_allclose(found, expected, rtol=1e-12, atol=1e-11)


def test_missing_cells_marginalise() -> None:
    """A row with a missing cell has the density of its other cells; one without any has density 1."""
    x = Incomplete([[np.nan, 3.0], [np.nan, np.nan]])
    expected = gamma.logpdf(3, SHAPES[:, 1], scale=1 / RATES[:, 1])
    assert_allclose(Gamma(SHAPES, RATES).log_density(x), [expected, [0.0, 0.0]], rtol=1e-12)


@given(SEEDS, st.floats(-1, 4))
def test_m_step_is_the_optimum_of_scipy(seed: int, exponent: float) -> None:
    """The M-step's shapes and rates maximise the weighted log density as a general optimiser does."""
    rng = np.random.default_rng(seed)
    shape = 10.0**exponent
    x = np.maximum(rng.gamma(shape, 1 / shape, (30, 1)), 1e-200)
    weight = rng.uniform(0.1, 2, 30)
    emissions = Gamma([[1.0]], [[1.0]])
    learnt = emissions.m_step(emissions.statistics(x, weight[:, None]))

    def loss(free: Array) -> float:  # shape and mean, on logarithms
        a, mean = np.exp(free)
        return -float(weight @ gamma.logpdf(x[:, 0], a, scale=mean / a))

    found = np.log([learnt.shapes[0, 0], learnt.means[0, 0]])
    best = minimize(loss, np.log([1.0, 1.0]), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    assert loss(found) <= best.fun + 1e-9 * abs(best.fun)
    assert_allclose(found, best.x, atol=2e-3)


@pytest.mark.parametrize("shape", [1e-2, 1.0, 1e4, 1e8])
@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_m_step_keeps_its_digits(shape: float, scale: float) -> None:
    """The M-step solves log a - ψ(a) = log mean - mean log to 60 digits' result, at any scale and width."""
    rng = np.random.default_rng(5)
    x = rng.gamma(shape, 1 / shape, 200) * scale
    x = x[x > 0]
    emissions = Gamma([[1.0]], [[1 / scale]])
    learnt = emissions.m_step(emissions.statistics(x[:, None], np.ones((len(x), 1))))
    with mp.workdps(60):
        exact = [mp.mpf(float(value)) for value in x]
        mean = mp.fsum(exact) / len(exact)
        gap = mp.log(mean) - mp.fsum(mp.log(value) for value in exact) / len(exact)
        a = mp.findroot(lambda a: mp.log(a) - mp.digamma(a) - gap, mp.mpf(float(learnt.shapes[0, 0])))
        expected = [float(a), float(mean)]
    # values that are known to eps have a gap of 1/2a known to eps √a
    assert_allclose([learnt.shapes[0, 0], learnt.means[0, 0]], expected, rtol=1e-12 + 1e-15 * shape**0.5)


@given(SEEDS)
def test_moments_merge(seed: int) -> None:
    """Merged moments are those of all rows together, for nearly equal values, pieces apart and empty pieces."""
    rng = np.random.default_rng(seed)
    x = rng.choice([1.0, 1e5]) * (1 + rng.choice([0.9, 1e-4]) * rng.uniform(size=(20, 2)))
    posterior = rng.uniform(size=(20, 3)) * np.array([1.0, 1.0, 0.0])
    cut = int(rng.integers(1, 20))
    whole = GammaMoments.of(x, posterior)
    merged = GammaMoments.of(x[:cut], posterior[:cut]) + GammaMoments.of(x[cut:], posterior[cut:])
    assert_allclose(merged.weight, whole.weight, rtol=1e-13)
    assert_allclose(merged.mean, whole.mean, rtol=1e-13)
    assert_allclose(merged.gap, whole.gap, rtol=1e-9)  # deviations of 1e-4 are known to 1e-12 of themselves
    log_gap = np.log(whole.mean[:2]) - posterior.T[:2] @ np.log(x) / whole.weight[:2]
    assert_allclose(whole.gap[:2] / whole.weight[:2], log_gap, atol=1e-13)


def test_prior_counts_as_observations() -> None:
    """The log prior is that of observations with the prior's mean and gap: two values of scipy's log density."""
    low, high = 1.0, 3.0
    gap = float(np.log((low + high) / 2) - (np.log(low) + np.log(high)) / 2)
    prior = ShapeRatePrior(2.0, [2.0], gap)

    def difference(emissions: list[tuple[float, float]]) -> float:
        one, other = (sum(gamma.logpdf(x, a, scale=1 / b) for x in (low, high)) for a, b in emissions)
        return float(one - other)

    pairs = [(2.0, 0.7), (5.0, 3.0)]
    one, other = (Gamma([[a]], [[b]], prior).log_prior() for a, b in pairs)
    assert_allclose(one - other, difference(pairs), rtol=1e-12)
    nothing = GammaMoments(np.zeros((1, 1)), np.zeros((1, 1)), np.zeros((1, 1)))
    mode = Gamma([[1.0]], [[1.0]], prior).m_step(nothing)
    a, _, scale = gamma.fit([low, high], floc=0)
    assert_allclose([mode.shapes[0, 0], mode.rates[0, 0]], [a, 1 / scale], rtol=1e-6)


@pytest.mark.parametrize("bad", [-1.0, 0.0])
def test_what_is_not_positive_is_refused(bad: float) -> None:
    """A number that is zero or below is refused with its row and column."""
    x = rows()
    x[7, 1] = bad
    with pytest.raises(ValueError, match=rf"data: row 7, column 1 is {bad:g}; expected a number above zero"):
        emkit.fit(MODEL, x)
    with pytest.raises(ValueError, match="row 7, column 1"):
        Mixture.start(x, 2, emissions=Gamma, rng=0)


def test_a_start_is_the_m_step_of_its_clusters() -> None:
    """Without narrow clusters, a start has the maximum likelihood shapes and rates of each cluster, as scipy finds."""
    x, labels = rows()[:, :1], (np.arange(60) % 2).astype(int)
    model: Mixture[Gamma] = Mixture.from_responsibilities(x, labels, emissions=Gamma)
    for k in range(2):
        a, _, scale = gamma.fit(x[labels == k, 0], floc=0)
        assert_allclose([model.emissions.shapes[k, 0], model.emissions.rates[k, 0]], [a, 1 / scale], rtol=1e-6)


def test_a_start_survives_a_cluster_of_equal_numbers() -> None:
    """Where one cluster of the start is one number, it is made a little wider than that."""
    x = np.array([[2.0]] * 10 + [[9.0], [10.0], [13.0]] * 4)
    model: Mixture[Gamma] = Mixture.start(x, 2, emissions=Gamma, rng=0)
    narrow = int(np.argmin(model.emissions.means))
    assert_allclose(model.emissions.means[narrow], 2.0)
    assert 100 < model.emissions.shapes[narrow, 0] < 1e5


def test_a_constant_column_is_refused_by_a_start() -> None:
    """No shape is large enough for a constant; a prior makes one."""
    x = np.array([[1.0, 4.0], [2.0, 4.0], [3.0, 4.0]])
    with pytest.raises(ValueError, match=r"column 1 is constant \(4\)"):
        Mixture.start(x, 2, emissions=Gamma, rng=0)
    model: Mixture[Gamma] = Mixture.start(x, 2, emissions=Gamma, rng=0, prior=PRIOR)
    assert np.isfinite(model.emissions.shapes).all()


def test_equal_numbers_are_a_named_outcome() -> None:
    """A state that comes to see one number only is degenerate, and the message says where; a prior prevents it."""
    x = np.array([[2.0]] * 10 + [[9.0], [10.0], [13.0]] * 4)
    start = Mixture([0.5, 0.5], Gamma([[1e3], [20.0]], [[500.0], [2.0]]))
    fit = emkit.fit(start, x)
    assert fit.outcome is Outcome.DEGENERATE
    assert "Gamma.shapes[0, 0] is unbounded: all that component 0 sees in column 0 is 2" in fit.message
    prior = ShapeRatePrior(1.0, [5.0], 0.1)
    held_up = emkit.fit(emkit.replace(start, emissions=emkit.replace(start.emissions, prior=prior)), x)
    assert held_up.converged


def test_a_width_of_rounding_is_a_complaint() -> None:
    """A shape so large that the state's width is rounding of its mean is complained of by component and column."""
    emissions = Gamma([[1e29], [2.0]], [[1e28], [1.0]])
    complaints = emissions.complaints(emissions.statistics(np.ones((1, 1)), np.ones((1, 2))))
    assert complaints == [("component 0", "collapsed in column 0: shape 1e+29 at mean 10")]


def test_a_state_that_learnt_nothing_stays() -> None:
    """A state without weight keeps its shapes and rates, bit for bit."""
    emissions = Gamma(SHAPES, RATES)
    learnt = emissions.m_step(emissions.statistics(rows(), np.array([[0.0, 1.0]] * 60)))
    assert np.array_equal(learnt.shapes[0], SHAPES[0])
    assert np.array_equal(learnt.rates[0], RATES[0])
    assert not np.array_equal(learnt.shapes[1], SHAPES[1])


def test_large_numbers_do_not_overflow() -> None:
    """Numbers near the end of floating point are summed without leaving it."""
    x = rows()[:, :1] * 1e306
    emissions = Gamma([[1.0]], [[1e-306]])
    learnt = emissions.m_step(emissions.statistics(x, np.ones((60, 1))))
    assert_allclose(learnt.means, [[rows()[:, 0].mean() * 1e306]], rtol=1e-13)


def test_samples_of_tiny_shapes_are_positive() -> None:
    """Draws that underflow stand at the smallest positive number, which the model accepts."""
    model = Mixture([1.0], Gamma([[1e-3]], [[1.0]]))
    drawn = model.sample(200, 0)
    assert (drawn > 0).all()
    assert np.isfinite(model.log_marginal(drawn)).all()


def test_impute_gives_expected_means() -> None:
    """A missing number is imputed by the posterior mean of shape / rate, and drawn numbers have that mean."""
    x = Incomplete([[np.nan, 3.0]] * 20000)
    expected = MODEL.posterior(x)[0] @ (SHAPES[:, 0] / RATES[:, 0])
    assert_allclose(MODEL.impute(x)[0], [expected, 3.0])
    drawn = MODEL.sample_missing(x, 0)
    assert_allclose(drawn[:, 0].mean(), expected, rtol=0.05)
    assert (drawn[:, 1] == 3).all()
