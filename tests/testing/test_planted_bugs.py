"""Every planted bug is caught by the law that names it."""

from typing import Any

import numpy as np
import pytest

from emkit import Weighted
from emkit.testing import BrokenLawError, conformance
from emkit.testing.laws import LAWS
from tests.testing import planted, planted_e_step, strangers
from tests.testing.healthy import COUNTS, NORMAL, NUMBERS, POISSON, Gamma

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
    (planted.BesselDenominator(*NORMAL), NUMBERS, ["gradient_is_zero_at_m_step"]),
    (planted.AddsConstant(*NORMAL), NUMBERS, ["gradient_is_zero_at_m_step"]),
    (planted.StaleMean(*NORMAL), NUMBERS, ["gradient_is_zero_at_m_step", "m_step_depends_on_statistics_alone"]),
    (planted.QWithoutWeights(*POISSON), COUNTS, ["fishers_identity"]),
    (planted.SamplesVariance(*NORMAL), NUMBERS, ["sample_reproduces_moments"]),
    (planted.SamplesEqually(np.array([0.3, 0.7]), POISSON[1]), COUNTS, ["sample_reproduces_moments"]),
    (planted.FloorsRates(*POISSON), COUNTS, ["pack_round_trips"]),
    (planted_e_step.Unnormalised(*POISSON), COUNTS, ["fishers_identity", "enumeration_agrees", "posterior_is_bayes"]),
    (planted_e_step.Hardened(*POISSON), COUNTS, ["fishers_identity", "enumeration_agrees", "posterior_is_bayes"]),
    (planted_e_step.OldPosterior(*POISSON), COUNTS, ["posterior_is_bayes"]),
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
    kit = conformance(model, data, examples=40)
    for law in laws:
        with pytest.raises(BrokenLawError, match=rf"breaks the law {law}\nlaw .*\nwhere .*\nfound .*\nexpect .*\ntry "):
            getattr(kit(), f"test_{law}")()


def test_every_law_catches_a_planted_bug() -> None:
    """No law of the kit is without a bug that it catches."""
    assert {law.name for law in LAWS} == {name for _, _, names in BUGS for name in names}
