"""Every planted bug is caught by the law that names it."""

from typing import Any

import numpy as np
import pytest

from emkit import Weighted
from emkit.testing import BrokenLawError, conformance
from emkit.testing.laws import LAWS
from tests.testing import planted, planted_e_step, strangers
from tests.testing.healthy import COUNTS, FAR, NORMAL, NUMBERS, POISSON, YEARS, Gamma, NormalMixture

WEIGHTED = Weighted(COUNTS, np.linspace(0.5, 2.0, len(COUNTS)))
PRIOR = Gamma(3.0, 0.5)

BUGS: list[tuple[Any, Any, list[str]]] = [
    (
        planted.ReturnsItself(*POISSON),
        COUNTS,
        ["gradient_is_zero_at_m_step", "m_step_raises_q", "m_step_depends_on_statistics_alone"],
    ),
    (planted.PartialReturnsItself(*POISSON), COUNTS, ["m_step_raises_q"]),
    (planted.ReadsCurrentRates(*POISSON), COUNTS, ["m_step_depends_on_statistics_alone"]),
    (planted.OvershootingRates(*POISSON), COUNTS, ["objective_never_falls", "m_step_raises_q"]),
    (planted.PriorNotCounted(*POISSON, PRIOR), COUNTS, ["gradient_is_zero_at_m_step", "m_step_raises_q"]),
    (planted.PriorNotApplied(*POISSON, PRIOR), COUNTS, ["gradient_is_zero_at_m_step", "m_step_raises_q"]),
    (planted.OverwritesHeld(*POISSON, fixed="rates"), COUNTS, ["held_parameters_stay"]),
    (planted.BesselDenominator(*NORMAL), NUMBERS, ["gradient_is_zero_at_m_step"]),
    (planted.AddsConstant(*NORMAL), NUMBERS, ["gradient_is_zero_at_m_step"]),
    (planted.StaleMean(*NORMAL), NUMBERS, ["gradient_is_zero_at_m_step", "m_step_depends_on_statistics_alone"]),
    (planted.BesselDenominator(*FAR), YEARS, ["gradient_is_zero_at_m_step"]),
    (planted.AddsConstant(*FAR), YEARS, ["gradient_is_zero_at_m_step"]),
    (planted.StaleMean(*FAR), YEARS, ["gradient_is_zero_at_m_step", "m_step_depends_on_statistics_alone"]),
    (planted.QWithoutLogVariances(*FAR), YEARS, ["fishers_identity", "gradient_is_zero_at_m_step"]),
    (planted.ReturnsBaseClass(*POISSON), COUNTS, ["m_step_returns_its_own_class"]),
    (planted.ReturnsNothing(*POISSON), COUNTS, ["m_step_returns_its_own_class"]),
    (strangers.BecomesCoins(np.array([0.2, 0.8])), strangers.HEADS, ["m_step_returns_its_own_class"]),
    (planted.SamplesOneSeed(*POISSON), COUNTS, ["sample_is_of_its_generator"]),
    (planted.PriorInMarginal(*POISSON, PRIOR), COUNTS, ["additive_over_any_cut"]),
    (planted.QWithoutWeights(*POISSON), COUNTS, ["fishers_identity"]),
    (planted.SamplesVariance(*NORMAL), NUMBERS, ["sample_reproduces_moments"]),
    (planted.SamplesEqually(np.array([0.3, 0.7]), POISSON[1]), COUNTS, ["sample_reproduces_moments"]),
    (planted.FloorsRates(*POISSON), COUNTS, ["pack_round_trips"]),
    (planted_e_step.Unnormalised(*POISSON), COUNTS, ["fishers_identity", "enumeration_agrees", "posterior_is_bayes"]),
    (planted_e_step.Hardened(*POISSON), COUNTS, ["fishers_identity", "enumeration_agrees", "posterior_is_bayes"]),
    (planted_e_step.OldPosterior(*POISSON), COUNTS, ["posterior_is_bayes", "gain_is_q_and_divergence"]),
    (planted_e_step.MarginalWithoutConstant(*POISSON), COUNTS, ["log_marginal_agrees_with_e_step"]),
    (planted_e_step.DensityWithoutConstant(*POISSON), COUNTS, ["enumeration_agrees"]),
    (planted_e_step.MarginalAsColumn(*POISSON), COUNTS, ["log_marginal_agrees_with_e_step"]),
    (planted_e_step.ClaimsRounding(*POISSON), COUNTS, ["log_marginal_agrees_with_e_step"]),
    (planted_e_step.Averages(*POISSON), COUNTS, ["additive_over_any_cut"]),
    (planted_e_step.FirstCountsTwice(*POISSON), COUNTS, ["blind_to_order"]),
    (planted_e_step.RandomEStep(*POISSON), COUNTS, ["repeats_are_identical"]),
    (planted_e_step.ForgetsConfiguration(*POISSON), COUNTS, ["enumeration_agrees"]),
    (planted_e_step.SortsData(*POISSON), COUNTS, ["nothing_is_mutated"]),
    (planted_e_step.IgnoresWeights(*POISSON), COUNTS, ["weight_is_repetition", "scale_of_weights_multiplies"]),
    (planted_e_step.SquaresWeights(*POISSON), WEIGHTED, ["weight_is_repetition", "scale_of_weights_multiplies"]),
    (planted_e_step.FloorsWeights(*POISSON), COUNTS, ["zero_weight_is_absence"]),
    (planted_e_step.PreparesTwice(*POISSON), COUNTS, ["prepare_is_idempotent"]),
    (planted_e_step.SubtractsSmallest(*POISSON), COUNTS, ["prepare_by_chunks"]),
    (planted_e_step.PrepareCopies(*POISSON), COUNTS, ["prepare_does_not_copy"]),
    (planted_e_step.HoldsLambda(*POISSON), COUNTS, ["pickles"]),
    (planted_e_step.OrderedStatistics(*POISSON), COUNTS, ["statistics_add"]),
    (planted_e_step.ScaledStatistics(*POISSON), COUNTS, ["statistics_scale"]),
    (strangers.SpendsRows(np.array([2.0, 9.0])), COUNTS, ["nothing_is_mutated"]),
    (strangers.ForgetfulSummary(*POISSON), COUNTS, ["summary_agrees"]),
]


@pytest.mark.parametrize(("model", "data", "laws"), BUGS, ids=[type(model).__name__ for model, _, _ in BUGS])
def test_planted_bug_is_caught_by_the_law_that_names_it(model: Any, data: Any, laws: list[str]) -> None:
    """The laws that name a bug fail on it, and their message states law, finding, expectation and advice."""
    kit = conformance(model, data)
    for law in laws:
        with pytest.raises(BrokenLawError, match=rf"breaks the law {law}\nlaw .*\nwhere .*\nfound .*\nexpect .*\ntry "):
            getattr(kit(), f"test_{law}")()


def test_every_law_catches_a_planted_bug() -> None:
    """No law of the kit is without a bug that it catches."""
    assert {law.name for law in LAWS} == {name for _, _, names in BUGS for name in names}


def _message(model: Any, data: Any, law: str) -> str:
    with pytest.raises(BrokenLawError) as broken:
        getattr(conformance(model, data)(), f"test_{law}")()
    return str(broken.value)


@pytest.mark.parametrize("law", ["fishers_identity", "gradient_is_zero_at_m_step"])
def test_digits_lost_beyond_use_are_named(law: str) -> None:
    """Where rounding leaves a gradient no power, the law says that digits cancel, and accuses nothing else."""
    weights, means, variances = FAR
    far = 1e6
    message = _message(NormalMixture(weights, means + far, variances), YEARS + far, law)
    assert "Q loses its digits: sum squares about the mean (emkit.moments) instead of raw second moments" in message


@pytest.mark.parametrize(
    ("model", "data", "law"),
    [
        (planted.NanInStatistics(*POISSON), COUNTS, "fishers_identity"),
        (strangers.CoinsToNan(np.array([0.2, 0.8])), strangers.HEADS, "additive_over_any_cut"),
        (strangers.CoinsToNan(np.array([0.2, 0.8])), strangers.HEADS, "objective_never_falls"),
    ],
)
def test_nan_is_named_first(model: Any, data: Any, law: str) -> None:
    """A law broken by a nan of the E-step or the M-step says so before anything else that it found."""
    assert "\nfound  nan: a parameter or statistic is not finite" in _message(model, data, law)


@pytest.mark.parametrize("returned", ["PoissonMixture", "NoneType"])
def test_class_of_m_step_is_named(returned: str) -> None:
    """The message says which class the M-step returned."""
    bug = {"PoissonMixture": planted.ReturnsBaseClass, "NoneType": planted.ReturnsNothing}[returned]
    assert f"\nfound  {returned}\n" in _message(bug(*POISSON), COUNTS, "m_step_returns_its_own_class")


def test_no_law_draws_models_of_another_class() -> None:
    """Where models are drawn by M-steps, one of another class stops every law."""
    with pytest.raises(TypeError, match="m_step of BecomesCoins returned Coins"):
        conformance(strangers.BecomesCoins(np.array([0.2, 0.8])), strangers.HEADS)().test_blind_to_order()
