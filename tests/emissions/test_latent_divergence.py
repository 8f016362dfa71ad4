"""How far what is latent within a state moves: missing cells, and the scales of t distributions."""

from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import logsumexp

from emkit import Array, FullGaussian, Incomplete, Mixture, Product, Stacked, StudentT, Weighted
from emkit.emissions import asking
from emkit.model import Accepts
from emkit.testing import conformance
from tests import zoo
from tests.emissions.test_gaussian_missing import completed, holes
from tests.gaussians import KINDS, random_mixture, random_rows

SEEDS = st.integers(0, 2**32 - 1)

STUDENT = zoo.EMISSIONS["student t, degrees free"]
EMISSIONS: dict[str, Any] = zoo.EMISSIONS | {
    "product of latent parts": Product(
        (zoo.FULL, STUDENT, zoo.EMISSIONS["linear regression"]), ((0, 1), (2, 3), (4, 5))
    ),
    "stack of latent parts": Stacked(
        (zoo.EMISSIONS["diagonal"].component(0), StudentT([[3.0, -1.0]], [np.eye(2)], [4]))
    ),
}


def rows(emissions: Any, n: int) -> Array:
    """Return rows of emissions of the table; a product that holds a regression gets its blocks side by side."""
    if isinstance(emissions, Product):
        return np.concatenate([zoo.rows(block, n) for block in emissions.blocks], axis=1)
    return zoo.rows(emissions, n)


def by_row(emissions: Any) -> bool:
    """Return whether rows are seen or missing as a whole."""
    return not isinstance(emissions, Accepts)


def incomplete(emissions: Any, x: Array, rng: np.random.Generator) -> Incomplete:
    """Return rows with cells missing at random, among them whole rows; where emissions need it, only whole ones."""
    if isinstance(emissions, Product):
        blocks = zip(emissions.blocks, emissions.columns, strict=True)
        return Incomplete(np.concatenate([incomplete(b, x[:, list(c)], rng).data for b, c in blocks], axis=1))
    if by_row(emissions):
        return Incomplete(np.where(rng.random((len(x), 1)) < 0.3, np.nan, x))
    return Incomplete(holes(rng, x))


def another(emissions: Any, x: Any, rng: np.random.Generator) -> Mixture[Any]:
    """Return a mixture of emissions learnt from rows that are shared out at random."""
    posterior = rng.dirichlet([0.3, 0.3], len(x))
    learnt = emissions.m_step(asking.statistics(emissions, x, posterior))
    return Mixture(rng.dirichlet([2.0, 2.0]), learnt)


def normals(shift: Array, covariance: Array, other: Array) -> float:
    """Return the divergence of two normals, by eigenvalues."""
    values = np.linalg.eigvals(np.linalg.solve(other, covariance)).real
    return float((values - 1 - np.log(values)).sum() + shift @ np.linalg.solve(other, shift)) / 2


def missing_cells(row: Array, one: tuple[Array, Array], other: tuple[Array, Array]) -> float:
    """Return the divergence of a row's missing cells, each of two normals given by its mean and covariance."""
    m = np.isnan(row)
    (mean, left), (moved, there) = completed(row, *one), completed(row, *other)
    return normals((moved - mean)[m], left[np.ix_(m, m)], there[np.ix_(m, m)])


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("name", EMISSIONS)
def test_gain_is_q_and_divergence(name: str, missing: bool) -> None:
    """Between any two mixtures the log likelihood gains what Q gains and the divergence, with weights and without."""
    rng, emissions = np.random.default_rng(5), EMISSIONS[name]
    x: Any = rows(emissions, 60)
    x = incomplete(emissions, x, rng) if missing else x
    models = [Mixture([0.4, 0.6], emissions), another(emissions, x, rng), another(emissions, x, rng)]
    for weight in (np.ones(60), rng.uniform(0, 3, 60)):
        for one, other in ((0, 1), (1, 2), (2, 1)):
            assert_identity(models[one], models[other], Weighted(x, weight))


def assert_identity(model: Mixture[Any], other: Mixture[Any], data: Weighted[Any]) -> None:
    learnt = model.e_step(model.prepare(data)).statistics
    before, after = (data.weight @ one.log_marginal(data) for one in (model, other))
    raised = other.expected_log_joint(learnt) - model.expected_log_joint(learnt)
    each = model.posterior_divergence(other, data)
    assert each.shape == data.weight.shape
    assert (each > -1e-12).all()
    scale = abs(before) + abs(after) + data.weight.sum()
    assert_allclose(raised + data.weight @ each, after - before, rtol=0, atol=1e-11 * scale)


@given(SEEDS, st.sampled_from(KINDS), st.integers(1, 4))
def test_missing_cells_of_normals_by_dense_algebra(seed: int, kind: Any, width: int) -> None:
    """Given a component, missing cells move as the normals do that they are given the cells seen."""
    rng = np.random.default_rng(seed)
    one, other = (random_mixture(kind, rng, 2, width).emissions for _ in range(2))
    x = holes(rng, random_rows(rng, 12, width))
    found = one.latent_divergence(other, Incomplete(x))
    for row, divergences in zip(x, found, strict=True):
        if np.isnan(row).all():
            assert divergences.tolist() == [0.0, 0.0]
            continue
        both = [zip(e.means, e.covariance_matrices(), strict=True) for e in (one, other)]
        expected = [missing_cells(row, mine, theirs) for mine, theirs in zip(*both, strict=True)]
        assert_allclose(divergences, expected, rtol=1e-8, atol=1e-9)


def scale_given(seen: Array, location: Array, scale: Array, degrees: float, log_u: Array) -> Array:
    """Return log p(log u | cells seen) on a grid, normalised: the prior gamma times the normal at that scale."""
    distance = (seen - location) @ np.linalg.solve(scale, seen - location)
    u, half = np.exp(log_u), degrees / 2
    log_mass = half * (log_u - u) + len(seen) / 2 * log_u - u * distance / 2
    return np.asarray(log_mass - logsumexp(log_mass))


@given(SEEDS)
def test_scales_and_missing_cells_of_t_by_quadrature(seed: int) -> None:
    """Given a component, latent scales and missing cells move as a sum over a grid of scales says."""
    rng = np.random.default_rng(seed)
    drawn = (random_mixture(FullGaussian, rng, 1, 3).emissions for _ in range(2))
    both = [(e.means[0], e.covariance_matrices()[0]) for e in drawn]
    degrees = rng.uniform(2, 12, 2)
    row = holes(rng, random_rows(rng, 3, 3))[2]
    row[rng.integers(3)] = 0.5  # one cell at least is seen
    one, other = (StudentT(m[None], c[None], [nu]) for (m, c), nu in zip(both, degrees, strict=True))
    found = one.latent_divergence(other, Incomplete(row[None]))
    log_u, o = np.linspace(-40, 6, 40_001), np.flatnonzero(~np.isnan(row))
    p, q = (scale_given(row[o], m[o], c[np.ix_(o, o)], nu, log_u) for (m, c), nu in zip(both, degrees, strict=True))
    share, u = np.exp(p), np.exp(log_u)
    at_one, at_two = (
        missing_cells(row, *((mean, covariance / scale) for mean, covariance in both)) for scale in (1.0, 2.0)
    )
    expected = share @ (p - q) + at_one + (at_two - at_one) * (share @ u - 1)  # linear in u
    assert_allclose(found, [[expected]], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", EMISSIONS)
def test_nothing_moves_from_emissions_to_themselves(name: str) -> None:
    """What is latent does not move where the emissions stay, and only normals' missing cells and scales can move."""
    rng, emissions = np.random.default_rng(2), EMISSIONS[name]
    x = rows(emissions, 30)
    other = another(emissions, x, rng).emissions
    for data in (x, incomplete(emissions, x, rng)):
        assert_allclose(asking.divergence_by_state(emissions, emissions, data, (30, 2)), np.zeros((30, 2)), atol=1e-14)
        moved = asking.divergence_by_state(emissions, other, data, (30, 2))
        assert moved.shape == (30, 2)
        assert (moved > -1e-14).all()
        latent = "student" in name or "latent" in name
        normal = isinstance(data, Incomplete) and name in ("full", "tied", "diagonal", "spherical", "product")
        assert moved.any() == (latent or normal)


def test_what_parts_hold_adds_up_or_stands_side_by_side() -> None:
    """A product sums what its blocks hold, of the same states; a stack puts the states of its parts in order."""
    rng = np.random.default_rng(3)
    x = Incomplete(holes(rng, rows(STUDENT, 20)))
    one, other = (StudentT(m, zoo.MATRICES, [4.0, 9.0]) for m in (zoo.MEANS, zoo.MEANS + 1))
    normal, moved = (FullGaussian(m, zoo.MATRICES) for m in (zoo.MEANS, zoo.MEANS - 1))
    scales, cells = one.latent_divergence(other, x), normal.latent_divergence(moved, x)
    stacks = (Stacked((one, normal)), Stacked((other, moved)))
    assert_allclose(stacks[0].latent_divergence(stacks[1], x), np.hstack([scales, cells]), rtol=1e-14)
    twice = Incomplete(np.hstack([x.data, x.data]))
    products = (Product(pair, ((0, 1), (2, 3))) for pair in ((one, normal), (other, moved)))
    mine, theirs = products
    assert_allclose(mine.latent_divergence(theirs, twice), scales + cells, rtol=1e-14)


@attrs.frozen
class WholeRows:
    """Student t emissions that know nothing of missing cells."""

    inner: StudentT

    def log_density(self, x: Any) -> Array:
        return self.inner.log_density(x)

    def statistics(self, x: Any, posterior: Array) -> Any:
        return self.inner.statistics(x, posterior)

    def m_step(self, statistics: Any) -> "WholeRows":
        return WholeRows(self.inner.m_step(statistics))

    def latent_divergence(self, other: "WholeRows", x: Any) -> Array:
        return self.inner.latent_divergence(other.inner, x)


def test_rows_missing_as_a_whole_have_nothing_latent() -> None:
    """Emissions of whole rows are asked of the rows that are seen; a row that is missing moves as its states do."""
    inner, x = zoo.EMISSIONS["student t"], rows(STUDENT, 6)
    x[2] = np.nan
    moved = another(inner, Incomplete(x), np.random.default_rng(1))
    mixtures = [Mixture([0.3, 0.7], inner), moved]
    expected = mixtures[0].posterior_divergence(moved, Incomplete(x))
    wrapped: list[Mixture[Any]] = [Mixture(one.weights, WholeRows(one.emissions)) for one in mixtures]
    assert_allclose(wrapped[0].posterior_divergence(wrapped[1], Incomplete(x)), expected, rtol=1e-12)
    weights = np.array([[0.3, 0.7], moved.weights])
    assert_allclose(expected[2], weights[0] @ np.log(weights[0] / weights[1]), rtol=1e-12)


@pytest.mark.parametrize("name", ["full", "diagonal", "student t"])
def test_far_rows_move_by_a_finite_number(name: str) -> None:
    """A row far from every component, or next to one and far from the other, has a divergence that is a number."""
    emissions = EMISSIONS[name]
    x = Incomplete([[1e80, np.nan], [np.nan, -1e60], [0.0, np.nan], [1e60, 1e60]])
    other = another(emissions, rows(emissions, 30), np.random.default_rng(0))
    found = Mixture([0.5, 0.5], emissions).posterior_divergence(other, x)
    assert np.isfinite(found).all()
    assert (found >= 0).all()


_X = rows(EMISSIONS["product of latent parts"], 60)
_RNG = np.random.default_rng(7)
TestProduct = conformance(
    Mixture([0.4, 0.6], EMISSIONS["product of latent parts"]),
    Weighted(incomplete(EMISSIONS["product of latent parts"], _X, _RNG), _RNG.uniform(0.3, 2, 60)),
    examples=1,
)
TestStack = conformance(
    Mixture([0.4, 0.6], EMISSIONS["stack of latent parts"]), Incomplete(holes(_RNG, _X[:, :2])), examples=1
)
