"""The audit: every planted bug is named, given what can be seen of it, and no healthy model is accused."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import emkit
from emkit.lab import Cause, audit
from examples.monotone_lab import Notebook
from tests.lab import planted as more
from tests.lab.matrix import BUGS, IRIS, LEVELS, Bug, table
from tests.lab.package import MODELS
from tests.lab.stripped import POWERS
from tests.testing import planted, planted_e_step, strangers
from tests.testing.healthy import COUNTS, FAR, NORMAL, NUMBERS, POISSON, YEARS, Gamma, NormalMixture, PoissonMixture
from tests.toys import Scripted, TwoCoins, counts

ITERATIONS = 1000


@pytest.mark.parametrize("level", range(len(LEVELS)), ids=LEVELS)
@pytest.mark.parametrize("bug", BUGS, ids=[type(bug.model).__name__ for bug in BUGS])
def test_a_planted_bug_is_named(bug: Bug, level: int) -> None:
    """What is said of a bug is its cause, or that the powers of the model do not tell, and nothing else."""
    report = audit(POWERS[LEVELS[level]](bug.model), bug.data, iterations=ITERATIONS)
    expected = bug.said[level]
    assert report.causes == (set() if expected is None else {expected}), str(report)
    if level == len(LEVELS) - 1:
        assert report.findings[0].blocks == bug.blocks, str(report)


def test_there_are_enough_bugs() -> None:
    """At least twenty bugs are planted, of every cause, and with all powers each of them is caught."""
    assert len(BUGS) >= 20
    assert {bug.said[-1] for bug in BUGS} == set(Cause) - {Cause.ROUNDING, Cause.EITHER, Cause.LEFT}


def test_the_documentation_shows_the_matrix() -> None:
    """The table in docs/monotone.md is the matrix that is tested here."""
    page = Path(__file__).parents[2] / "docs" / "monotone.md"
    assert table() in page.read_text(encoding="utf-8")


HEALTHY: dict[str, tuple[Any, Any]] = {
    "Poisson": (PoissonMixture(*POISSON), COUNTS),
    "Poisson, prior": (PoissonMixture([0.5, 0.5], [1.0, 5.0], Gamma(3.0, 0.5)), COUNTS),
    "Poisson, rates held": (PoissonMixture(*POISSON, fixed="rates"), COUNTS),
    "normal": (NormalMixture(*NORMAL), NUMBERS),
    "normal, ridge": (NormalMixture(*NORMAL, ridge=2.0), NUMBERS),
    "normal, far from zero": (NormalMixture(*FAR), YEARS),
    "partial": (strangers.HalfWay(*POISSON), COUNTS),
    "three methods": (strangers.Coins([0.2, 0.8]), strangers.HEADS),
    "statistics that are rows": (strangers.RowsMixture([1.0, 5.0]), COUNTS),
    "summary": (strangers.SummarisedPoisson(*POISSON), COUNTS),
    "chain": (more.Chain(*more.CHAIN), more.SHORT),
    "long chain": (more.Chain(*more.CHAIN), more.LONG),
    "weighted": (PoissonMixture(*POISSON), emkit.Weighted(COUNTS, np.linspace(0.0, 2.0, len(COUNTS)))),
}


@pytest.mark.parametrize(
    ("name", "level"),
    [
        (n, level)
        for n, (model, _) in HEALTHY.items()
        for level in LEVELS
        if ("Q" not in level and "both" not in level) or hasattr(model, "expected_log_joint")
    ],
)
def test_no_healthy_model_is_accused(name: str, level: str) -> None:
    """Healthy models have no finding but rounding, whatever is seen of them."""
    model, data = HEALTHY[name]
    if isinstance(data, emkit.Weighted) and level != LEVELS[-1]:
        data = data.data
    report = audit(POWERS[level](model), data, iterations=ITERATIONS)
    assert report.healthy, str(report)
    assert report.monotone


@pytest.mark.parametrize("name", MODELS)
def test_no_model_of_the_package_is_accused(name: str) -> None:
    """All models of emkit are healthy."""
    model, data = MODELS[name]
    report = audit(model, data, iterations=40)
    assert report.healthy, str(report)


def test_the_notebooks_rule_is_caught_where_it_falls_and_where_it_rises() -> None:
    """np.cov's denominator and a constant on the diagonal are a wrong M-step of covariances, seen to fall or not."""
    falls = []
    for seed in (6, 0):
        start = emkit.GaussianMixture.start(IRIS, 3, rng=seed)
        report = audit(Notebook(start.weights, start.means, start.covariances), IRIS)
        assert report.causes == {Cause.M_STEP}
        assert report.findings[0].blocks == ("covariances",)
        falls.append(len(report.violations))
    assert falls[0] > 5
    assert falls[1] == 0


def test_the_notebooks_rule_is_that_of_numpy() -> None:
    """The denominator of np.cov with aweights is V1 - V2 / V1."""
    rng = np.random.default_rng(0)
    x, share = rng.normal(size=(20, 2)), rng.random(20)
    away = x - share @ x / share.sum()
    expected = (share * away.T) @ away / (share.sum() - (share**2).sum() / share.sum())
    np.testing.assert_allclose(np.cov(x.T, aweights=share), expected, rtol=1e-12)


def test_falls_are_measured() -> None:
    """A violation gives the iteration, the fall, what rounding explains, and how the log likelihood changed."""
    report = audit(Scripted((-3.0, -2.0, -2.5, -2.4)), np.zeros(10))
    (violation,) = report.violations
    assert violation.iteration == 2
    assert violation.fall == pytest.approx(5.0)
    assert violation.log_likelihood == pytest.approx(-5.0)
    assert 0 < violation.threshold < 1e-10
    assert violation.raised is None
    assert not report.monotone


def test_a_fall_within_rounding_is_no_violation() -> None:
    """A fall that rounding explains is reported as such, and the model is healthy."""
    report = audit(Scripted((-3.0, -2.0, -2.0 - 1e-15)), np.zeros(10))
    assert [finding.cause for finding in report.findings] == [Cause.ROUNDING]
    assert report.healthy
    assert report.monotone


def test_where_an_objective_stops_being_finite_is_named() -> None:
    """The first iteration whose objective is not finite is found."""
    report = audit(Scripted((-3.0, -2.0, -1.5, float("nan"))), np.zeros(10))
    (finding,) = report.findings
    assert (finding.cause, finding.iteration) == (Cause.NOT_FINITE, 3)


def test_a_stranger_with_three_methods_is_told_what_to_add() -> None:
    """Someone who has three methods and a bug is told that it is one of two steps, and what would tell which."""

    class Careless(TwoCoins):
        def m_step(self, s: Any) -> "Careless":
            return Careless(*np.clip(1.2 * s[0] / (self.throws * s[1]), 0.0, 0.99))

    heads = counts(n=40).clip(0, 10)
    report = audit(Careless(0.3, 0.6), heads)
    assert report.causes == {Cause.EITHER}
    text = str(report)
    assert "audit of Careless: M-step or E-step, cannot tell" in text
    assert "try: add `expected_log_joint(statistics)`" in text
    assert re.search(r"unchecked +gradients: declare the parameters \(`@emkit.value`", text)


def test_an_audit_needs_a_model_and_data() -> None:
    """What `fit` refuses, an audit refuses."""
    with pytest.raises(TypeError, match="model: expected an object with the methods"):
        audit("no model", counts())
    with pytest.raises(ValueError, match="iterations: expected at least 1, found 0"):
        audit(PoissonMixture(*POISSON), COUNTS, iterations=0)
    with pytest.raises(ValueError, match="expected at least one unit, found none"):
        audit(TwoCoins(0.3, 0.6), np.empty(0))


def test_a_fall_that_log_marginal_does_not_show_is_no_violation() -> None:
    """Where the E-step's log likelihood falls and log_marginal's does not, it is the E-step that is accused."""
    report = audit(Scripted((-3.0, -2.0, -2.5), truth=(-3.0, -2.0, -1.9)), np.zeros(10))
    assert report.monotone
    assert report.causes == {Cause.E_STEP}
    assert "the E-step's log likelihood is -25, and the sum of log_marginal -19" in str(report)


def test_a_claim_of_rounding_hides_no_fall() -> None:
    """Falls are held against the rounding that a sum has, whatever an E-step claims."""

    class Claims(Scripted):
        def e_step(self, data: Any) -> Any:
            return emkit.replace(super().e_step(data), rounding=100.0)

    assert [violation.iteration for violation in audit(Claims((-3.0, -2.0, -2.5)), np.zeros(10)).violations] == [2]


def test_a_run_goes_on_while_it_falls() -> None:
    """A run that falls again and again is no run at rest."""
    report = audit(Scripted(tuple(-2.0 - 0.1 * i for i in range(12))), np.zeros(10), iterations=30)
    assert len(report.violations) == 11


def test_one_parameter_is_always_in_proportion() -> None:
    """With one free coordinate, a wrong M-step is not taken for a prior applied some other number of times."""
    bug = planted.OvershootingRates([1.0], [2.0], Gamma(3.0, 0.5))
    report = audit(bug, COUNTS, iterations=1000)
    assert report.causes == {Cause.M_STEP}


def test_digits_that_cancel_accuse_nobody() -> None:
    """Raw squares far from zero leave gradients no power: the report says so, and the model is not accused."""
    weights, means, variances = FAR
    report = audit(NormalMixture(weights, means + 1e6, variances), YEARS + 1e6)
    assert report.healthy, str(report)
    assert all("sum squares about the mean" in finding.advice for finding in report.findings)
    assert any("digits cancel" in one for one in report.unchecked)


def test_a_model_that_changes_itself_is_impure() -> None:
    """A method that changes the model it belongs to is found."""

    class Counting(TwoCoins):
        def log_marginal(self, x: Any) -> Any:
            self.heads = np.minimum(self.heads + 1e-9, 0.9)
            return super().log_marginal(x)

    assert audit(Counting(0.3, 0.6), counts(n=40).clip(0, 10)).causes == {Cause.IMPURE}


def test_an_e_step_that_agrees_with_enumeration_is_acquitted() -> None:
    """Without Q, but with configurations, a fall is the M-step's."""

    class WithoutQ(planted.OvershootingRates):
        expected_log_joint: Any = None

    assert audit(WithoutQ([0.5, 0.5], [1.0, 5.0]), COUNTS).causes == {Cause.M_STEP}


def test_an_m_step_by_a_solver_with_a_tolerance_is_no_penalty() -> None:
    """A solver that stops early is a wrong M-step by little, and told to go on; not a prior."""

    class Solves(PoissonMixture):
        def m_step(self, s: Any) -> Any:
            full = super().m_step(s)
            return emkit.replace(full, rates=full.rates * (1 + 1e-5))

    report = audit(Solves([0.5, 0.5], [1.0, 5.0]), COUNTS)
    assert report.causes == {Cause.M_STEP}
    assert "ask it for more digits" in report.accusations[0].advice


def test_unlike_units_are_enumerated() -> None:
    """A posterior that is wrong for rare counts alone is the E-step's fault, not that of Q."""

    class Rare(PoissonMixture):
        def share(self, x: Any) -> Any:
            log_marginal, posterior = super().share(x)
            hard = np.eye(2)[posterior.argmax(axis=1)]
            return log_marginal, np.where((x >= 11)[:, None], hard, posterior)

    order = np.argsort(COUNTS)  # the rare ones last
    report = audit(Rare([0.5, 0.5], [4.0, 8.0]), COUNTS[order], iterations=1000)
    assert report.causes == {Cause.E_STEP}


def test_two_equal_components_are_healthy() -> None:
    """A start at which scores all but vanish is no reason to accuse anybody."""
    for apart in (0.0, 1e-6, 1e-3):
        model = emkit.GaussianMixture([0.4, 0.6], emkit.FullGaussian([[0.5], [0.5 + apart]], [[[7.0]]] * 2))
        assert audit(model, NUMBERS[:, None], iterations=300).healthy


def test_a_likelihood_without_a_maximum_leaves_the_space() -> None:
    """A component that collapses on one row is reported as that, and no step is blamed."""
    x = np.concatenate([NUMBERS, [40.0]])[:, None]
    model = emkit.GaussianMixture([0.9, 0.1], emkit.FullGaussian([[0.0], [40.0]], [[[9.0]], [[1e-3]]]))
    report = audit(model, x)
    assert report.causes <= {Cause.LEFT}


def test_every_unit_counts_as_it_weighs() -> None:
    """Weights of zero at the start, and weights that are ignored, are seen."""
    weights = np.concatenate([np.zeros(3), np.linspace(0.5, 2.0, len(COUNTS) - 3)])
    data = emkit.Weighted(COUNTS, weights)
    assert audit(PoissonMixture(*POISSON), data).healthy
    assert audit(planted_e_step.IgnoresWeights(*POISSON), data).causes == {Cause.E_STEP}


def test_an_audit_goes_by_what_a_model_declares() -> None:
    """Tempered steps are not judged, those after them are; a model that never ascends is refused by name."""
    x = emkit.datasets.faithful().data
    mixture = emkit.GaussianMixture.start(x, 2, rng=0)
    assert emkit.lab.audit(emkit.Annealed(mixture), x).healthy
    assert emkit.lab.audit(emkit.Classification(mixture), x).healthy
    with pytest.raises(ValueError, match=r"Stochastic declares that its steps ascend nothing.*model\.mixture"):
        emkit.lab.audit(emkit.Stochastic(mixture, seed=0), x, iterations=5)
