"""The planted bugs, and what an audit says of each, given what it sees of the model."""

from typing import Any, NamedTuple

import emkit
from emkit.lab import Cause
from examples.monotone_lab import Notebook
from tests.lab import planted as more
from tests.testing import planted, planted_e_step, strangers
from tests.testing.healthy import COUNTS, FAR, NORMAL, NUMBERS, YEARS, Gamma

E, M, EITHER, PENALTY = Cause.E_STEP, Cause.M_STEP, Cause.EITHER, Cause.PENALTY
Q, IMPURE, INFINITE, RAISED = Cause.Q, Cause.IMPURE, Cause.NOT_FINITE, Cause.RAISED
NOTHING = None

LEVELS = ("three methods", "with Q", "with parameters", "with both", "with configurations")

COUNTED = ([0.5, 0.5], [1.0, 5.0])
PRIOR = Gamma(3.0, 0.5)
IRIS = emkit.datasets.iris().data[:, :2]


_START = emkit.GaussianMixture.start(IRIS, 3, rng=6)
NOTEBOOK = Notebook(_START.weights, _START.means, _START.covariances)


class Bug(NamedTuple):
    """A model with one thing wrong, and what is said of it at each level of powers."""

    model: Any
    data: Any
    said: tuple[Cause | None, ...]
    blocks: tuple[str, ...] = ()  # at fault, where all powers are there


def everywhere(cause: Cause) -> tuple[Cause, ...]:
    return (cause,) * len(LEVELS)


BUGS = (
    Bug(planted.ReturnsItself(*COUNTED), COUNTS, (NOTHING, NOTHING, EITHER, M, M), ("weights", "rates")),
    Bug(planted.PartialReturnsItself(*COUNTED), COUNTS, (NOTHING, NOTHING, EITHER, M, M), ("weights", "rates")),
    Bug(planted.ReadsCurrentRates(*COUNTED), COUNTS, (NOTHING, NOTHING, NOTHING, M, M), ("rates",)),
    Bug(planted.OvershootingRates(*COUNTED), COUNTS, (EITHER, M, EITHER, M, M), ("rates",)),
    Bug(more.WeightsReversed(*COUNTED), COUNTS, (NOTHING, NOTHING, EITHER, M, M), ("weights",)),
    Bug(more.DeviationForVariance(*NORMAL), NUMBERS, (EITHER, M, EITHER, M, M), ("variances",)),
    Bug(NOTEBOOK, IRIS, (EITHER, M, EITHER, M, M), ("covariances",)),
    Bug(planted.OverwritesHeld(*COUNTED, fixed="rates"), COUNTS, (NOTHING, NOTHING, NOTHING, NOTHING, M), ("rates",)),
    Bug(planted.AddsConstant(*NORMAL), NUMBERS, (EITHER, M, EITHER, M, M), ("variances",)),
    Bug(planted.AddsConstant(*FAR), YEARS, (EITHER, EITHER, EITHER, M, M), ("variances",)),
    Bug(planted.StaleMean(*NORMAL), NUMBERS, (NOTHING, NOTHING, NOTHING, M, M), ("variances",)),
    Bug(planted.StaleMean(*FAR), YEARS, (NOTHING, NOTHING, NOTHING, M, M), ("variances",)),
    Bug(planted.BesselDenominator(*NORMAL), NUMBERS, (NOTHING, NOTHING, PENALTY, PENALTY, PENALTY), ("variances",)),
    Bug(planted.BesselDenominator(*FAR), YEARS, everywhere(PENALTY), ("variances",)),
    Bug(planted.PriorNotCounted(*COUNTED, PRIOR), COUNTS, everywhere(PENALTY), ("rates",)),
    Bug(planted.PriorNotApplied(*COUNTED, PRIOR), COUNTS, (NOTHING, NOTHING, PENALTY, PENALTY, PENALTY), ("rates",)),
    Bug(more.PriorOfTheWrongSign(*COUNTED, PRIOR), COUNTS, (EITHER, PENALTY, PENALTY, PENALTY, PENALTY), ("rates",)),
    Bug(planted.PriorInMarginal(*COUNTED, PRIOR), COUNTS, everywhere(PENALTY)),
    Bug(planted_e_step.Unnormalised(*COUNTED), COUNTS, (EITHER, E, EITHER, E, E), ("weights", "rates")),
    Bug(planted_e_step.Hardened(*COUNTED), COUNTS, (NOTHING, NOTHING, EITHER, E, E), ("weights", "rates")),
    Bug(more.Tempered(*COUNTED), COUNTS, (EITHER, E, EITHER, E, E), ("weights", "rates")),
    Bug(
        more.FiltersForSmooths(*more.CHAIN),
        more.SHORT,
        (NOTHING, NOTHING, EITHER, E, E),
        ("initial", "transition", "rates"),
    ),
    Bug(planted_e_step.Averages(*COUNTED), COUNTS, everywhere(E)),
    Bug(planted_e_step.FirstCountsTwice(*COUNTED), COUNTS, everywhere(E)),
    Bug(planted_e_step.MarginalWithoutConstant(*COUNTED), COUNTS, everywhere(E)),
    Bug(planted_e_step.ClaimsRounding(*COUNTED), COUNTS, everywhere(E)),
    Bug(more.NegativeLogLikelihood(*COUNTED), COUNTS, everywhere(E)),
    Bug(more.QRaises(*COUNTED), COUNTS, (NOTHING, Q, NOTHING, Q, Q)),
    Bug(planted.QWithoutWeights(*COUNTED), COUNTS, (NOTHING, NOTHING, NOTHING, Q, Q), ("weights",)),
    Bug(planted.QWithoutLogVariances(*FAR), YEARS, (NOTHING, NOTHING, NOTHING, Q, Q), ("variances",)),
    Bug(planted_e_step.RandomEStep(*COUNTED), COUNTS, everywhere(IMPURE)),
    Bug(planted_e_step.SortsData(*COUNTED), COUNTS, everywhere(IMPURE)),
    Bug(more.ReadsWhatIsLeft(*COUNTED), COUNTS, everywhere(IMPURE)),
    Bug(more.ReusesABuffer(*COUNTED), COUNTS, everywhere(IMPURE)),
    Bug(strangers.SpendsRows([1.0, 5.0]), COUNTS, everywhere(IMPURE)),
    Bug(planted.NanInStatistics(*COUNTED), COUNTS, everywhere(INFINITE)),
    Bug(more.ScalingForgotten(*more.CHAIN), more.LONG, everywhere(INFINITE)),
    Bug(planted.ReturnsNothing(*COUNTED), COUNTS, everywhere(RAISED)),
    Bug(planted_e_step.MarginalAsColumn(*COUNTED), COUNTS, everywhere(RAISED)),
)

SHORT = {
    None: "",
    M: "M-step",
    E: "E-step",
    EITHER: "M or E",
    PENALTY: "penalty",
    Q: "Q",
    IMPURE: "impure",
    INFINITE: "not finite",
    RAISED: "raised",
}
"""What the table calls causes."""


def table() -> str:
    """Return the matrix as Markdown: one line for each bug."""
    head = ["what is wrong", *LEVELS, "parameter at fault"]
    lines = [head, ["---"] * len(head)]
    for bug in BUGS:
        text = (type(bug.model).__doc__ or "").strip().split("\n")[0].rstrip(".").replace("|", "\\|")
        far = " (far from zero)" if bug.data is YEARS else ""
        lines.append([text + far, *(SHORT[said] for said in bug.said), ", ".join(bug.blocks)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
