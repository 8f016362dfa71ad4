"""Gene counting for the ABO groups: published estimates and iterates, Hardy-Weinberg proportions, and every law."""

from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import emkit
from emkit import AlleleFrequencies, Array, Dirichlet, Outcome, Weighted
from emkit.lab.divergence import posterior_divergence
from emkit.testing import conformance
from tests.references import load

COUNTS = np.array([186, 38, 13, 284])
TABLE = Weighted(np.arange(4), COUNTS)
TABLES = Weighted(np.tile(np.arange(4), 10), np.tile(COUNTS, 10))  # resampled, it keeps every cell
PEOPLE = np.repeat(np.arange(4), COUNTS // 3)
FREQUENCIES = np.array([0.25, 0.1, 0.65])
PRIOR = Dirichlet(np.array([2.0, 1.0, 3.5]))

TestAlleleFrequencies = conformance(AlleleFrequencies(FREQUENCIES), PEOPLE, examples=5)
TestAlleleFrequenciesOfTables = conformance(AlleleFrequencies(FREQUENCIES), TABLES, examples=3)
TestAlleleFrequenciesWeighted = conformance(
    AlleleFrequencies(FREQUENCIES), Weighted(PEOPLE, np.linspace(0, 3, len(PEOPLE))), examples=3
)
TestAlleleFrequenciesWithPrior = conformance(AlleleFrequencies(FREQUENCIES, PRIOR), PEOPLE, examples=3)
TestAlleleFrequenciesWithoutB = conformance(
    AlleleFrequencies(np.array([0.3, 0.0, 0.7])), np.repeat([0, 3], [40, 60]), tiny=np.array([0, 3]), examples=3
)

SHARES = st.lists(st.floats(0.05, 1.0), min_size=3, max_size=3).map(lambda w: np.array(w) / np.sum(w))


def groups(frequencies: Array) -> Array:
    """Return the probabilities of A, B, AB and O by drawing two genes in every way."""
    found = np.zeros(4)
    group = {(0,): 0, (0, 2): 0, (1,): 1, (1, 2): 1, (0, 1): 2, (2,): 3}
    for one in range(3):
        for other in range(3):
            found[group[tuple(sorted({one, other}))]] += frequencies[one] * frequencies[other]
    return found


def test_every_iterate() -> None:
    """From (0.3, 0.2, 0.5), the iterates are the published ones."""
    case = load("abo_blood_type_521")
    expected = case["reference"]["em_iterates_from_pA0.3_pB0.2_pO0.5"]
    run = emkit.steps(AlleleFrequencies(np.array([0.3, 0.2, 0.5])), TABLE)
    found = [step.model.frequencies for step in islice(run, len(expected))]
    assert_allclose(found, expected, rtol=0, atol=case["tolerance"]["iterates"])


def test_the_fit_is_the_published_maximum() -> None:
    """The fit ends at the frequencies and the log-likelihood that Newton's method finds."""
    case = load("abo_blood_type_521")
    reference = case["reference"]
    data = Weighted(np.arange(4), [case["data"]["counts"][group] for group in ("A", "B", "AB", "O")])
    fit = emkit.fit(AlleleFrequencies.start(data), data, tol=1e-300)
    expected = [reference["p_A"], reference["p_B"], reference["p_O"]]
    assert_allclose(fit.model.frequencies, expected, rtol=0, atol=case["tolerance"]["estimates"])
    assert_allclose(fit.log_likelihood, reference["loglik_kernel"], rtol=1e-13)


@given(SHARES)
def test_log_marginal_is_the_group_of_two_genes(frequencies: Array) -> None:
    """The probability of a group is that of drawing two genes which show as it."""
    found = np.exp(AlleleFrequencies(frequencies).log_marginal(np.arange(4)))
    assert_allclose(found, groups(frequencies), rtol=1e-12)


@given(SHARES)
def test_hardy_weinberg_proportions_give_the_frequencies_back(frequencies: Array) -> None:
    """Of counts in proportion to the groups, start and fit are the frequencies they were made of."""
    data = Weighted(np.arange(4), 1000 * groups(frequencies))
    start = AlleleFrequencies.start(data)
    assert_allclose(start.frequencies, frequencies, rtol=1e-9)
    assert_allclose(emkit.fit(start, data, tol=1e-12).model.frequencies, frequencies, rtol=1e-4)


def test_rare_genes_do_not_underflow() -> None:
    """Of a gene of frequency 1e-200 a carrier has one copy and the other gene is O."""
    model = AlleleFrequencies(np.array([1e-200, 0.5, 0.5]))
    assert_allclose(model.log_marginal([0]), [np.log(1e-200)], rtol=1e-14)  # p (p + 2r), where r = 1/2
    assert_allclose(model.posterior([0]), [[0, 1, 0, 0, 0, 0]], atol=1e-190)


@pytest.mark.parametrize(
    ("counts", "gene"), [([60, 0, 0, 40], "B"), ([0, 30, 0, 40], "A"), ([0, 0, 3, 0], "O"), ([10, 10, 800, 0], "O")]
)
def test_absent_genes_are_said(counts: list[int], gene: str) -> None:
    """Groups that a gene never shows in give a degenerate fit that names it."""
    data = Weighted(np.arange(4), counts)
    fit = emkit.fit(AlleleFrequencies.start(data), data, tol=1e-10)
    assert fit.outcome is Outcome.DEGENERATE
    assert f"gene {gene}: is absent" in fit.message


def test_structural_zeros_stay() -> None:
    """A gene of frequency zero stays absent, and people who carry it are impossible."""
    model = AlleleFrequencies(np.array([0.3, 0.0, 0.7]))
    assert emkit.fit(model, np.array([0, 0, 3, 3, 3])).model.frequencies[1] == 0.0
    assert_allclose(model.log_marginal([1, 2]), [-np.inf, -np.inf])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([0, 186, 1], "row 1 is 186; expected a whole number from 0 to 3; a table of counts is Weighted"),
        ([0.5], r"row 0 is 0\.5"),
    ],
)
def test_impossible_groups_are_named(data: Any, message: str) -> None:
    """What is no number of a group is refused by its row."""
    with pytest.raises(ValueError, match=message):
        emkit.fit(AlleleFrequencies(FREQUENCIES), data)


def test_impossible_frequencies_are_refused() -> None:
    """Two genes, a prior of two, and a zero under a prior that moves it are refused on construction."""
    with pytest.raises(emkit.ParameterError, match="those of A, B and O, found 2"):
        AlleleFrequencies(np.full(2, 0.5))
    with pytest.raises(emkit.ParameterError, match="axis 'K'"):
        AlleleFrequencies(FREQUENCIES, Dirichlet(np.ones(2)))
    with pytest.raises(emkit.ParameterError, match=r"frequencies\[2\] is 0, impossible under the Dirichlet prior"):
        AlleleFrequencies(np.array([0.5, 0.5, 0.0]), PRIOR)


def test_frequencies_can_be_held() -> None:
    """Frequencies held stay as they are, an absent gene too, and are no free parameters."""
    held = AlleleFrequencies([0.25, 0.0, 0.75], fixed="frequencies")
    fit = emkit.fit(held, Weighted(np.arange(4), [186.0, 0.0, 0.0, 284.0]))
    assert fit.converged
    assert fit.model == held
    assert emkit.n_free_parameters(held) == 0


@given(SHARES, SHARES)
def test_genotypes_move(frequencies: Array, others: Array) -> None:
    """Posteriors of genotypes move as those of two shares do, and gains of EM add up, each group with its count."""
    first, second = AlleleFrequencies(frequencies), AlleleFrequencies(others)
    of_group = []
    for gene in (0, 1):
        aa, other_aa = (f[gene] / (f[gene] + 2 * f[2]) for f in (frequencies, others))
        of_group.append(aa * np.log(aa / other_aa) + (1 - aa) * np.log((1 - aa) / (1 - other_aa)))
    found = posterior_divergence(first, second, first.prepare(TABLE))
    assert_allclose(found, COUNTS[:2] @ of_group, rtol=1e-9, atol=1e-12)
    gained = COUNTS @ (np.log(groups(others)) - np.log(groups(frequencies)))
    statistics = first.e_step(first.prepare(TABLE)).statistics
    raised = second.expected_log_joint(statistics) - first.expected_log_joint(statistics)
    size = abs(COUNTS @ np.log(groups(others))) + COUNTS.sum()
    assert_allclose(gained, raised + found, rtol=0, atol=1e-10 * size)


@pytest.mark.parametrize("rare", [1e-12, 1e-17, 1e-100])
def test_rare_recessive_genes_keep_their_digits(rare: float) -> None:
    """Where O is rare, few of group A have it, in proportion 2r : p, and a model where it is rarer is not far."""
    model, rarer = (AlleleFrequencies(np.array([0.4, 0.6 - r, r])) for r in (rare, rare / 8))
    assert_allclose(model.posterior([0])[0, 1], 5 * rare, rtol=1e-10)
    assert_allclose(posterior_divergence(model, rarer, np.zeros(1, np.intp)), 5 * rare * (np.log(8) - 7 / 8), rtol=1e-3)
