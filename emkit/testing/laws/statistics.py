"""Laws of the statistics: a commutative monoid, and compression that keeps all an E-step needs."""

from typing import Any

import numpy as np

from emkit.model import Summarises
from emkit.testing.case import Case
from emkit.testing.law import law
from emkit.testing.meaning import require_same_expectation, require_same_statistics


def _three(case: Case, rng: np.random.Generator) -> list[Any]:
    model = case.draw_model(rng)
    return [model.e_step(case.draw_data(rng)).statistics for _ in range(3)]


@law(advice="let `+` add field by field (emkit.Statistics), or merge moments about their common mean by weight")
def statistics_add(case: Case, rng: np.random.Generator) -> None:
    """Adding statistics is commutative and associative."""
    a, b, c = _three(case, rng)
    require_same_statistics(case, a + b, b + a, "a + b against b + a", a, b)
    require_same_statistics(case, (a + b) + c, a + (b + c), "(a + b) + c against a + (b + c)", a, b, c)


@law(
    needs=lambda case: case.scales,
    advice="let `*` scale every sum; means inside moments stay, and become 0 at a factor of 0",
)
def statistics_scale(case: Case, rng: np.random.Generator) -> None:
    """Scaling statistics by n is adding them n times, and by zero gives a neutral element."""
    a, b, _ = _three(case, rng)
    require_same_statistics(case, a * 2.0, a + a, "a * 2 against a + a", a)
    require_same_statistics(case, (a + b) * 0.5, a * 0.5 + b * 0.5, "(a + b) / 2 against a / 2 + b / 2", a, b)
    require_same_statistics(case, a * 0.0 + b, b, "a * 0 + b against b", a)
    require_same_statistics(case, b + a * 0.0, b, "b + a * 0 against b", a)


@law(
    needs=lambda case: case.has(Summarises),
    advice="let summary keep every sum that e_step takes, and nothing of the model",
)
def summary_agrees(case: Case, rng: np.random.Generator) -> None:
    """The E-step of a summary is the E-step of the data, and summaries of pieces add to the summary of the whole."""
    model, data = case.draw_model(rng), case.draw_data(rng)
    expected = model.e_step(data)
    require_same_expectation(case, model.e_step_of(model.summary(data)), expected, "e_step_of(summary(x))")
    cut = int(rng.integers(1, max(2, len(data))))
    if cut < len(data):
        added = case.draw_model(rng).summary(data[:cut]) + model.summary(data[cut:])
        require_same_expectation(case, model.e_step_of(added), expected, "e_step_of(summary(a) + summary(b))")
