"""Laws of the M-step: it raises Q + log prior, to the top, from the statistics alone."""

from typing import Any

import numpy as np

from emkit.differences.natural import GRADIENT
from emkit.em import fit
from emkit.model import HasExpectedLogJoint
from emkit.stopping import Outcome
from emkit.testing.case import Case, bound
from emkit.testing.law import law, require, require_close
from emkit.testing.meaning import require_same_model, rounding_of_gradient
from emkit.testing.tolerances import NEARBY, RELATIVE, RIVALS
from emkit.values import held, is_value

ITERATIONS = 6


@law(advice="return emkit.replace(self, ...) or type(self)(...) from m_step; it must return a model, not change one")
def m_step_returns_its_own_class(case: Case, rng: np.random.Generator) -> None:
    """The M-step's result is of the model's own class."""
    model = case.draw_model(rng) if case.packs else case.model  # other models are drawn by M-steps
    result = model.m_step(model.e_step(case.draw_data(rng)).statistics)
    require(type(result) is type(model), "class of m_step's result", type(result).__name__, type(model).__name__)


@law(advice="compare m_step with the mode of Q + log prior: no constant added afterwards, no stale mean")
def objective_never_falls(case: Case, rng: np.random.Generator) -> None:
    """EM never lowers the log likelihood + log prior by more than rounding."""
    result = fit(case.draw_model(rng), case.draw_data(rng), tol=0.0, max_iter=ITERATIONS)
    fell = result.outcome in (Outcome.DECREASED, Outcome.NON_FINITE)
    require(not fell, f"{ITERATIONS} iterations from a random model", f"{result.outcome}: {result.message}", "no fall")


@law(
    needs=lambda case: case.has(HasExpectedLogJoint),
    advice="let m_step, expected_log_joint and log_prior come from one density; declare a partial_m_step that is one",
)
def m_step_raises_q(case: Case, rng: np.random.Generator) -> None:
    """The M-step's model has a higher Q + log prior than the one the statistics came from, and than any nearby."""
    model, data = case.draw_model(rng), case.draw_data(rng)
    learnt = model.e_step(data)
    result = model.m_step(learnt.statistics)
    best = bound(result, learnt.statistics)
    rounding = RELATIVE * (abs(best) + learnt.units)
    before = bound(model, learnt.statistics)
    require(best > before + rounding, "Q + log prior after the M-step", best, f"more than before it, {before}")
    for spread in NEARBY * RIVALS if case.packs and case.exact else ():
        rival = bound(case.draw_model(rng, spread, around=result), learnt.statistics)
        require(
            best > rival - rounding,
            f"Q + log prior, {spread} natural units away",
            rival,
            f"less than at the result, {best}",
        )


@law(
    needs=lambda case: case.has(HasExpectedLogJoint) and case.packs and case.exact,
    advice="solve for the zero of Q + log prior once more: denominators, pseudo-counts and constants go wrong most; "
    "or digits cancel in m_step or Q: sum squares about the mean (emkit.moments)",
)
def gradient_is_zero_at_m_step(case: Case, rng: np.random.Generator) -> None:
    """In free coordinates the gradient of Q + log prior is zero at the M-step's result."""
    model, data = case.draw_model(rng), case.draw_data(rng)
    learnt = model.e_step(data)
    result = model.m_step(learnt.statistics)

    def objective(other: Any) -> float:
        return bound(other, learnt.statistics)

    slope = case.chart.gradient(objective, result) / learnt.units  # (P,)
    tolerance = GRADIENT + rounding_of_gradient(case, objective, result, learnt.units, "Q")
    worst = int(np.argmax(np.abs(slope)))
    require(
        abs(slope[worst]) <= tolerance,
        f"free coordinate {worst} of {len(slope)}",
        f"gradient {slope[worst]:.6g} nats per unit of data and natural unit",
        f"0 within {tolerance:.1g}",
    )


@law(
    needs=lambda case: case.exact,
    advice="read hyperparameters from self, and no parameter; the means in a covariance are those of the statistics",
)
def m_step_depends_on_statistics_alone(case: Case, rng: np.random.Generator) -> None:
    """Two models of the same hyperparameters make the same model of the same statistics."""
    statistics = case.draw_model(rng).e_step(case.draw_data(rng)).statistics
    one, other = (case.draw_model(rng).m_step(statistics) for _ in range(2))
    require_same_model(case, one, other, "m_step of the same statistics by two models")


@law(
    needs=lambda case: is_value(case.model) and bool(held(case.model)),
    advice="end m_step in emkit.update(self, ...), or read self.fixed where blocks are maximised jointly",
)
def held_parameters_stay(case: Case, rng: np.random.Generator) -> None:
    """The M-step leaves parameters that are held fixed as they are."""
    model = case.draw_model(rng)
    result = model.m_step(model.e_step(case.draw_data(rng)).statistics)
    for name in held(model):
        require_close(getattr(result, name), getattr(model, name), f"{name}, held fixed", tolerance=0.0)
