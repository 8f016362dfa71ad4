"""The linkage model of Dempster, Laird and Rubin: their iterates, the closed form, and every law."""

from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import emkit
from emkit import Dirichlet, Linkage, Outcome, Weighted
from emkit.lab.divergence import posterior_divergence
from emkit.testing import conformance
from tests.references import load

COUNTS = np.array([125, 18, 20, 34])
TABLE = Weighted(np.arange(4), COUNTS)
TABLES = Weighted(np.tile(np.arange(4), 10), np.tile(COUNTS, 10))  # resampled, it keeps every cell
ANIMALS = np.repeat(np.arange(4), COUNTS)
PRIOR = Dirichlet(np.array([2.0, 3.5]))

TestLinkage = conformance(Linkage(0.6), ANIMALS, examples=5)
TestLinkageOfTables = conformance(Linkage(0.6), TABLES, examples=3)
TestLinkageWeighted = conformance(Linkage(0.6), Weighted(ANIMALS, np.linspace(0, 3, len(ANIMALS))), examples=3)
TestLinkageWithPrior = conformance(Linkage(0.6, PRIOR), ANIMALS, examples=3)
TestLinkageWithPriorOfTables = conformance(Linkage(0.6, PRIOR), TABLES, examples=3)


def cells(theta: float) -> Any:
    return np.array([(2 + theta) / 4, (1 - theta) / 4, (1 - theta) / 4, theta / 4])


def test_every_iterate_of_the_paper() -> None:
    """From 0.5, the iterates are those of the paper's table 1, and of the closed map to all digits."""
    case = load("dlr1977_genetic_linkage")
    reference, tolerance = case["reference"], case["tolerance"]
    exact, published = reference["em_iterates_from_0.5"], reference["paper_table1_iterates"]
    data = Weighted(np.arange(4), case["data"]["counts"])
    found = [step.model.theta for step in islice(emkit.steps(Linkage(0.5), data), len(exact))]
    assert_allclose(found, exact, rtol=0, atol=tolerance["iterates_exact"])
    assert_allclose(found[: len(published)], published, rtol=0, atol=tolerance["iterates_vs_paper_table"])


def test_the_fit_is_the_closed_form() -> None:
    """The fit ends at the root of 197 θ² - 15 θ - 68, where an M-step stays, at the published rate."""
    case = load("dlr1977_genetic_linkage")
    reference, tolerance = case["reference"], case["tolerance"]
    fit = emkit.fit(Linkage(0.5), TABLE, tol=1e-300)
    assert_allclose(fit.model.theta, reference["mle"], rtol=0, atol=tolerance["mle"])
    exact = Linkage((15 + np.sqrt(53809)) / 394)
    assert_allclose(exact.m_step(exact.e_step(exact.prepare(TABLE)).statistics).theta, exact.theta, rtol=1e-14)
    assert_allclose(fit.log_likelihood, reference["loglik_kernel"], rtol=1e-13)
    thetas = [step.model.theta for step in islice(emkit.steps(Linkage(0.5), TABLE), 9)]
    rate = (thetas[8] - reference["mle"]) / (thetas[7] - reference["mle"])
    assert_allclose(rate, reference["em_rate_fraction_missing"], rtol=0, atol=tolerance["rate"])


def test_a_table_of_counts_is_its_animals() -> None:
    """A table of counts and the animals one by one take the same steps."""
    table, animals = (emkit.fit(Linkage(0.3), data, tol=1e-12) for data in (TABLE, ANIMALS))
    assert_allclose(table.model.theta, animals.model.theta, rtol=1e-14)
    assert_allclose(np.asarray(table.trace), np.asarray(animals.trace), rtol=1e-13)


@given(st.floats(0.02, 0.98))
def test_expected_counts_give_theta_back(theta: float) -> None:
    """Of counts in proportion to the cells, start and fit are the θ they were made of."""
    data = Weighted(np.arange(4), 1000 * cells(theta))
    start = Linkage.start(data)
    assert_allclose(start.theta, theta, rtol=1e-12)
    assert_allclose(emkit.fit(start, data, tol=1e-12).model.theta, theta, rtol=1e-6)


@given(st.floats(0, 1), st.integers(0, 3))
def test_log_marginal_is_the_log_of_the_cell(theta: float, cell: int) -> None:
    """The log marginal is the logarithm of the cell's probability, -inf where it is zero."""
    with np.errstate(divide="ignore"):
        assert_allclose(Linkage(theta).log_marginal([cell]), np.log(cells(theta)[[cell]]), rtol=1e-12)


@given(st.floats(1, 30), st.floats(1, 30))
def test_the_prior_adds_animals(a: float, b: float) -> None:
    """A prior acts as a - 1 animals more in cell 3 and b - 1 more in cells 1 and 2."""
    with_prior = emkit.fit(Linkage(0.5, Dirichlet(np.array([a, b]))), TABLE, tol=1e-13)
    more = Weighted(np.arange(4), COUNTS + np.array([0, b - 1, 0, a - 1]))
    assert_allclose(with_prior.model.theta, emkit.fit(Linkage(0.5), more, tol=1e-13).model.theta, rtol=1e-6)


@pytest.mark.parametrize(("counts", "edge"), [([10, 50, 50, 0], 0.0), ([60, 0, 0, 20], 1.0), ([8, 0, 0, 0], 1.0)])
def test_edges_are_said(counts: list[int], edge: float) -> None:
    """Counts whose likelihood is highest at 0 or 1 give a degenerate fit that names θ."""
    fit = emkit.fit(Linkage.start(Weighted(np.arange(4), counts)), Weighted(np.arange(4), counts))
    assert fit.outcome is Outcome.DEGENERATE
    assert "theta: is at an edge" in fit.message
    assert_allclose(fit.model.theta, edge, atol=1e-6)


def test_nothing_learnt_leaves_theta() -> None:
    """Where no animal tells θ, it stays as it was."""
    fit = emkit.fit(Linkage(0.0), [0, 0, 0])
    assert fit.model.theta == 0.0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([0, 1, 4], r"row 2 is 4; expected a whole number from 0 to 3; a table of counts is Weighted"),
        ([0.0, 1.5], r"row 1 is 1\.5"),
        ([0, -1], r"row 1 is -1"),
        ([0, np.nan], r"row 1 is nan"),
        ([0, np.inf], r"row 1 is inf"),
        ([[0, 1]], r"found an array of shape \(1, 2\)"),
    ],
)
def test_impossible_animals_are_named(data: Any, message: str) -> None:
    """What is no cell number is refused by its row, by fits, starts and log marginals alike."""
    for use in (
        lambda: emkit.fit(Linkage(0.5), data),
        lambda: Linkage.start(data),
        lambda: Linkage(0.5).posterior(data),
    ):
        with pytest.raises(ValueError, match=message):
            use()


def test_names_of_cells_are_refused_with_advice() -> None:
    """Text is a TypeError that says how to number it."""
    with pytest.raises(TypeError, match=r"np\.unique"):
        emkit.fit(Linkage(0.5), ["a", "b"])


def test_impossible_priors_are_refused() -> None:
    """A prior of three shares, and a θ that its prior excludes, are refused on construction."""
    with pytest.raises(emkit.ParameterError, match="expected 2 concentrations, found 3"):
        Linkage(0.5, Dirichlet(np.ones(3)))
    with pytest.raises(emkit.ParameterError, match="impossible under the Dirichlet prior"):
        Linkage(1.0, Dirichlet(np.full(2, 2.0)))
    assert Linkage(1.0, Dirichlet(np.array([2.0, 1.0]))).log_prior() == 0.0


def test_theta_can_be_held() -> None:
    """θ held stays where it is, even at an edge, and is no free parameter."""
    held = Linkage(1.0, fixed="theta")
    fit = emkit.fit(held, Weighted(np.arange(4), [125.0, 0.0, 0.0, 34.0]))
    assert fit.converged
    assert fit.model == held
    assert emkit.n_free_parameters(held) == 0


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_halves_and_quarters_move(theta: float, other: float) -> None:
    """The posterior of cell 0 moves as a share θ / (2 + θ) does, that of others not, and gains of EM add up."""
    first, second = Linkage(theta), Linkage(other)
    one, two = theta / (2 + theta), other / (2 + other)
    expected = one * np.log(one / two) + (1 - one) * np.log((1 - one) / (1 - two))
    found = posterior_divergence(first, second, first.prepare(TABLE))
    assert_allclose(found, COUNTS[0] * expected, rtol=1e-9, atol=1e-12)
    statistics = first.e_step(first.prepare(TABLE)).statistics
    raised = second.expected_log_joint(statistics) - first.expected_log_joint(statistics)
    gained = COUNTS @ (np.log(cells(other)) - np.log(cells(theta)))
    size = abs(COUNTS @ np.log(cells(other))) + COUNTS.sum()
    assert_allclose(gained, raised + found, rtol=0, atol=1e-10 * size)
