"""Student t emissions, alone and in a mixture."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq, minimize
from scipy.special import digamma
from scipy.stats import kstest, multivariate_t, t

import emkit
from emkit import Array, Incomplete, Mixture, NormalInverseWishart, Ridge, StudentT, Weighted
from emkit.testing import conformance
from tests import references

LOCATIONS = np.array([[0.0, 1.0], [5.0, -3.0]])
SCALES = np.array([[[1.0, 0.3], [0.3, 2.0]], [[0.5, -0.2], [-0.2, 0.4]]])
DEGREES = np.array([3.0, 8.0])
HELD = StudentT(LOCATIONS, SCALES, DEGREES)
FREE = StudentT(LOCATIONS, SCALES, DEGREES, fixed=())


def mixture(emissions: Any = HELD, **options: Any) -> Mixture[Any]:
    return Mixture([0.4, 0.6], emissions, **options)


def rows(n: int = 80) -> Array:
    x: Array = mixture().sample(n, 3)
    return x


RIDGE = Ridge(np.eye(2), 2.0)
CONJUGATE = NormalInverseWishart([1.0, 0.0], 0.5, 5.0, np.eye(2))
TestHeldDegrees = conformance(mixture(), rows(), examples=2)
TestFreeDegrees = conformance(mixture(FREE), rows(), examples=2)
TestWeighted = conformance(mixture(FREE), Weighted(rows(), np.linspace(0.5, 2, 80)), examples=2)
TestRidge = conformance(mixture(emkit.replace(FREE, prior=RIDGE)), rows(), examples=1)
TestConjugate = conformance(mixture(emkit.replace(HELD, prior=CONJUGATE)), rows(), examples=1)
TestWeightsHeld = conformance(mixture(FREE, fixed="weights"), rows(), examples=1)
TestLocationsHeld = conformance(mixture(emkit.replace(FREE, prior=CONJUGATE, fixed="locations")), rows(), examples=1)
TestScalesHeld = conformance(mixture(emkit.replace(FREE, fixed="scales")), rows(), examples=1)
TestOneColumn = conformance(
    mixture(StudentT(LOCATIONS[:, :1], SCALES[:, :1, :1], DEGREES, fixed=())), rows()[:, :1], examples=1
)


@pytest.mark.parametrize("degrees", [1, 2, 4, 8, "free"])
def test_published_fits_of_newcomb(degrees: Any) -> None:
    """With degrees held, or estimated, EM finds the published location, scale and log likelihood."""
    case = references.load("student_t_newcomb")
    x = np.array(case["data"]["x"], dtype=float)[:, None]
    expected = case["reference"]["free" if degrees == "free" else f"df{degrees}"]
    options = {"degrees": 4.0, "fixed": ()} if degrees == "free" else {"degrees": degrees}
    start: Mixture[StudentT] = Mixture.start(x, 1, emissions=StudentT, rng=0, prior=None, **options)
    result = emkit.fit(start, x, tol=1e-15, max_iter=5000)
    found, tolerance = result.model.emissions, case["tolerance"]
    assert_allclose(result.log_likelihood, expected["loglik"], rtol=0, atol=tolerance["loglik"])
    assert_allclose(found.locations[0, 0], expected["m"], atol=tolerance["parameters"])
    assert_allclose(np.sqrt(found.scales[0, 0, 0]), expected["s"], atol=tolerance["parameters"])
    assert_allclose(found.degrees[0], expected.get("df", degrees), atol=tolerance["parameters"])


def test_published_mixture() -> None:
    """Two t components with four degrees of freedom fit Old Faithful as published."""
    case = references.load("t_mixture_faithful_df4")
    x, expected, tolerance = references.data(case), case["reference"], case["tolerance"]
    start: Mixture[StudentT] = Mixture.start(x, 2, emissions=StudentT, rng=0, degrees=expected["df"])
    result = emkit.fit(start, x, tol=1e-13, max_iter=2000)
    order = np.argsort(-result.model.weights)
    found = result.model.emissions
    assert_allclose(result.log_likelihood, expected["loglik"], rtol=0, atol=tolerance["loglik"])
    assert_allclose(result.model.weights[order], expected["weights"], atol=tolerance["parameters"])
    assert_allclose(found.locations[order], expected["locations"], atol=tolerance["parameters"])
    assert_allclose(found.scales[order], expected["scales"], atol=tolerance["parameters"])


@pytest.mark.parametrize("degrees", [0.1, 1.0, 4.0, 1e3, 1e7])
def test_log_density_is_that_of_scipy(degrees: float) -> None:
    """The log density is scipy's multivariate t, in the middle and far out, for heavy tails and light ones."""
    x = np.vstack([LOCATIONS, rows(5), [[1e3, -1e4]]])
    found = StudentT(LOCATIONS, SCALES, [degrees, degrees]).log_density(x)
    expected = [multivariate_t.logpdf(x, m, s, degrees) for m, s in zip(LOCATIONS, SCALES, strict=True)]
    assert_allclose(found.T, expected, rtol=1e-9 if degrees < 1e6 else 1e-7)


def test_log_density_of_many_degrees_is_gaussian() -> None:
    """At 1e15 degrees of freedom the log density is that of a Gaussian, to rounding."""
    x = rows(10)
    found = StudentT(LOCATIONS, SCALES, [1e15, 1e15]).log_density(x)
    near = emkit.FullGaussian(LOCATIONS, SCALES).log_density(x)
    assert_allclose(found[np.abs(near) < 20], near[np.abs(near) < 20], rtol=1e-11)


def test_far_rows_are_possible() -> None:
    """A row a hundred digits away has a finite log density, and adds nothing that is not finite."""
    x = np.array([[1e100, 0.0], [1.0, 1e200]])
    learnt = mixture().e_step(mixture().prepare(x))
    assert np.isfinite(learnt.log_likelihood)
    assert np.isfinite(learnt.statistics.emissions.excess).all()
    assert np.isfinite(learnt.statistics.emissions.moments.scatter).all()


def test_latent_scales_by_quadrature() -> None:
    """E[u] and E[u - 1 - log u] are those of the density of u given the row, summed over a grid."""
    x = np.array([[3.0, -4.0]])
    found = HELD.statistics(x, np.ones((1, 2)))
    log_u = np.linspace(-20, 6, 200_001)
    u = np.exp(log_u)
    for k in range(2):
        distance = (x[0] - LOCATIONS[k]) @ np.linalg.inv(SCALES[k]) @ (x[0] - LOCATIONS[k])
        half = DEGREES[k] / 2
        log_mass = half * log_u - half * u + np.log(u) - u * distance / 2  # Gamma(u) N(x; μ, Σ / u) du, D = 2
        share = np.exp(log_mass - log_mass.max())
        share /= share.sum()
        assert_allclose(found.moments.weight[k], share @ u, rtol=1e-8)
        assert_allclose(found.excess[k], share @ (u - 1 - log_u), rtol=1e-8)


def test_degrees_solve_the_published_equation() -> None:
    """Estimated degrees are the root of -ψ(ν/2) + log(ν/2) + 1 + mean of E[log u] - E[u], found by bisection."""
    x, rng = rows(), np.random.default_rng(1)
    posterior = rng.dirichlet([1, 1], len(x))
    found = FREE.m_step(FREE.statistics(x, posterior))
    for k in range(2):
        centred = x - LOCATIONS[k]
        distance = np.einsum("nd,de,ne->n", centred, np.linalg.inv(SCALES[k]), centred)
        shape, rate = (DEGREES[k] + 2) / 2, (DEGREES[k] + distance) / 2
        mean = posterior[:, k] @ (digamma(shape) - np.log(rate) - shape / rate) / posterior[:, k].sum()
        root = brentq(lambda nu, mean=mean: np.log(nu / 2) - digamma(nu / 2) + 1 + mean, 1e-3, 1e5, xtol=1e-12)
        assert_allclose(found.degrees[k], root, rtol=1e-9)


def test_estimated_fit_is_that_of_a_general_optimiser() -> None:
    """Location, scale and degrees of one component are where a general optimiser finds the maximum likelihood."""
    x = t.rvs(3, loc=10, scale=2, size=200, random_state=1)

    def loss(free: Array) -> float:
        return -float(t.logpdf(x, np.exp(free[2]), free[0], np.exp(free[1])).sum())

    best = minimize(
        loss, [9.0, 0.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000}
    )
    start: Mixture[StudentT] = Mixture.start(x[:, None], 1, emissions=StudentT, rng=0, prior=None, fixed=())
    found = emkit.fit(start, x[:, None], tol=1e-15, max_iter=5000).model.emissions
    expected = [best.x[0], np.exp(2 * best.x[1]), np.exp(best.x[2])]
    assert_allclose([found.locations[0, 0], found.scales[0, 0, 0], found.degrees[0]], expected, rtol=1e-5)


@pytest.mark.parametrize(("offset", "scale"), [(1e8, 1.0), (0.0, 1e120), (0.0, 1e-120)])
def test_fits_follow_shifts_and_units(offset: float, scale: float) -> None:
    """A fit of shifted or rescaled rows is the shifted or rescaled fit."""
    x = (rows(100) + offset) * scale
    fits = []
    for data in (x / scale - offset, x):
        start: Mixture[StudentT] = Mixture.start(data, 2, emissions=StudentT, rng=1, fixed=())
        fits.append(emkit.fit(start, data, tol=0.0, max_iter=20).model.emissions)
    one, other = fits
    assert_allclose(other.locations / scale - offset, one.locations, atol=1e-6)
    assert_allclose(other.scales / scale**2, one.scales, rtol=1e-6)
    assert_allclose(other.degrees, one.degrees, rtol=1e-6)


def test_an_outlier_moves_no_location() -> None:
    """A row far out weighs next to nothing, where it would drag a mean."""
    x = np.append(np.linspace(-1, 1, 21), 1e6)[:, None]
    start: Mixture[StudentT] = Mixture.start(x, 1, emissions=StudentT, rng=0)
    assert abs(float(emkit.fit(start, x).model.emissions.locations[0, 0])) < 0.1


def complaints(model: Mixture[Any], x: Array) -> str:
    return str(model.complaints(model.e_step(model.prepare(x)).statistics))


def test_complaints() -> None:
    """Components that collapse, lose a column, coincide, hang on a ridge or are Gaussian are named; others are not."""
    x = rows()
    assert complaints(mixture(FREE), x) == "[]"
    assert "are one component" in complaints(mixture(StudentT([[0.0, 1.0]] * 2, [np.eye(2)] * 2, [3.0, 3.0])), x)
    assert complaints(mixture(StudentT([[0.0, 1.0]] * 2, [np.eye(2)] * 2, [3.0, 4.0])), x) == "[]"
    assert "collapsed in column 1" in complaints(mixture(emkit.replace(HELD, scales=[np.diag([1, 1e-30])] * 2)), x)
    ridge = emkit.replace(HELD, prior=Ridge(np.diag([1.0, 1e4]), 50.0))
    assert "width is the ridge's" in complaints(emkit.fit(mixture(ridge), x).model, x)
    many = emkit.replace(FREE, degrees=[500.0, 3.0])
    assert "('component 0', 'degrees of freedom 500: they run to infinity" in complaints(mixture(many), x)
    assert complaints(mixture(emkit.replace(HELD, degrees=[500.0, 3.0])), x) == "[]"


def test_degrees_are_held_by_default() -> None:
    """Degrees are fixed and not counted unless asked for, and one number serves all components of a start."""
    assert emkit.n_free_parameters(HELD) == 10
    assert emkit.n_free_parameters(FREE) == 12
    start: Mixture[StudentT] = Mixture.start(rows(), 2, emissions=StudentT, rng=0, degrees=7)
    assert_allclose(start.emissions.degrees, [7.0, 7.0])


def test_refusals() -> None:
    """Rows of another width, nan, and degrees that are not positive are refused by name."""
    with pytest.raises(ValueError, match="expected 2 columns, found 1"):
        emkit.fit(mixture(), rows()[:, :1])
    x = rows()
    x[3, 1] = np.nan
    with pytest.raises(ValueError, match="row 3, column 1 is nan"):
        Mixture.start(x, 2, emissions=StudentT, rng=0)
    with pytest.raises(emkit.ParameterError, match=r"StudentT.degrees\[1\] is 0"):
        emkit.replace(HELD, degrees=[1.0, 0.0])
    for bad in ([1.0, 2.0, 3.0], "many"):
        with pytest.raises(emkit.ParameterError, match="degrees"):
            Mixture.start(rows(), 2, emissions=StudentT, rng=0, degrees=bad)


def with_holes(n: int = 80) -> Incomplete:
    return Incomplete(np.where(np.random.default_rng(4).random((n, 2)) < 0.25, np.nan, rows(n)))


TestIncomplete = conformance(mixture(FREE), with_holes(), examples=2)
TestIncompleteWeighted = conformance(mixture(), Weighted(with_holes(), np.linspace(0.5, 2, 80)), examples=1)


def test_missing_cells_marginalise() -> None:
    """A row with a missing cell has scipy's t density of its other cell, with the same degrees; one without has 1."""
    x = Incomplete([[np.nan, 3.0], [2.0, np.nan], [np.nan, np.nan]])
    found = HELD.log_density(x)
    for k in range(2):
        for row, d in ((0, 1), (1, 0)):
            cell = x.data[row, d]
            expected = t.logpdf(cell, DEGREES[k], LOCATIONS[k, d], np.sqrt(SCALES[k, d, d]))
            assert_allclose(found[row, k], expected, rtol=1e-12)
    assert_allclose(found[2], [0.0, 0.0], atol=1e-15)


def test_missing_cells_by_quadrature() -> None:
    """Moments and E[u - 1 - log u] of a row with a missing cell are integrals over that cell of those of whole rows."""
    seen = 2.5
    z = np.linspace(-18, 18, 40_001)
    whole = np.column_stack([np.full_like(z, seen), np.sinh(z)])  # the missing cell, far into both tails
    found = HELD.statistics(Incomplete([[seen, np.nan]]), np.ones((1, 2)))
    for k in range(2):
        mass = np.exp(HELD.log_density(whole)[:, k]) * np.cosh(z)
        share = (mass / mass.sum())[:, None] * (np.arange(2) == k)  # (grid, K)
        expected = HELD.statistics(whole, share)
        assert_allclose(found.excess[k], expected.excess[k], rtol=1e-6)
        assert_allclose(found.moments.weight[k], expected.moments.weight[k], rtol=1e-6)
        assert_allclose(found.moments.mean[k], expected.moments.mean[k], rtol=1e-6)
        assert_allclose(found.moments.scatter[k], expected.moments.scatter[k], rtol=1e-5, atol=1e-9)


def test_whole_rows_as_incomplete_change_nothing() -> None:
    """Rows of which nothing is missing have the same statistics with and without `Incomplete`; empty rows have none."""
    x, posterior = rows(), np.full((83, 2), 0.5)
    holes = Incomplete(np.vstack([x, np.full((3, 2), np.nan)]))
    plain, wrapped = HELD.statistics(x, posterior[:80]), HELD.statistics(holes, posterior)
    assert_allclose(HELD.log_density(holes)[:80], HELD.log_density(x), rtol=1e-12)
    assert_allclose(wrapped.count, plain.count, rtol=1e-12)
    assert_allclose(wrapped.excess, plain.excess, rtol=1e-12)
    assert_allclose(wrapped.moments.scatter, plain.moments.scatter, rtol=1e-12)


def test_a_fit_from_incomplete_rows_ascends() -> None:
    """From a start on incomplete rows, with degrees to be estimated, a fit ascends."""
    start: Mixture[StudentT] = Mixture.start(with_holes(), 2, emissions=StudentT, rng=0, fixed=())
    assert emkit.fit(start, with_holes()).trace.monotone


def test_imputed_and_drawn_cells() -> None:
    """Missing cells are drawn from scipy's conditional t, and imputed at its location."""
    one = Mixture([1.0], StudentT([[0.0, 1.0]], SCALES[:1], [5.0]))
    x = Incomplete([[2.0, np.nan]] * 4000)
    slope, left = 0.3, 2.0 - 0.09
    location, scale = 1 + slope * 2.0, np.sqrt(left * (5 + 2.0**2) / (5 + 1))
    assert_allclose(one.impute(x)[0], [2.0, location])
    drawn = one.sample_missing(x, 0)[:, 1]
    assert kstest(drawn, t(6, location, scale).cdf).pvalue > 1e-4


def test_pairs_never_seen_together_are_named() -> None:
    """A column never observed is refused, and two columns never observed together are a complaint."""
    x = rows()
    x[::2, 0], x[1::2, 1] = np.nan, np.nan
    assert "columns 0 and 1" in str(mixture().complaints(mixture().e_step(mixture().prepare(Incomplete(x))).statistics))
    with pytest.raises(ValueError, match="column 0 is never observed"):
        Mixture.start(Incomplete([[np.nan, 1.0], [np.nan, 2.0]]), 1, emissions=StudentT, rng=0)
