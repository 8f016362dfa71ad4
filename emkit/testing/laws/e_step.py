"""Laws of the E-step: its log likelihood, and that it sums over units."""

from functools import reduce
from operator import add

import numpy as np

from emkit.data import split_weight
from emkit.statistics import Expectation
from emkit.testing.case import Case, log_likelihood, take
from emkit.testing.law import law, require, require_close
from emkit.testing.meaning import require_same_expectation
from emkit.trace import FALL_FACTOR

MOST_ROUNDING = 1e-6  # of the log likelihood's terms: an E-step that claims more would hide any fall


@law(advice="compute both from one call of emkit.condition; apply weights in e_step only; keep every constant in both")
def log_marginal_agrees_with_e_step(case: Case, rng: np.random.Generator) -> None:
    """The E-step's log likelihood is the weighted sum of log_marginal, and its units are the sum of weights."""
    model, data = case.draw_model(rng), case.draw_data(rng)
    learnt, log_marginal = model.e_step(data), np.asarray(model.log_marginal(data))
    require(isinstance(learnt, Expectation), "e_step", type(learnt).__name__, "an emkit.Expectation")
    require(log_marginal.shape == (len(data),), "log_marginal", f"shape {log_marginal.shape}", f"({len(data)},)")
    _, weight = split_weight(data)
    units = float(len(data) if weight is None else weight.sum())
    require_close(learnt.units, units, "Expectation.units")
    total = log_likelihood(model, data)
    terms = float(np.abs(log_marginal) @ (np.ones(len(data)) if weight is None else weight)) + units
    rounding = learnt.rounding
    require(
        0 <= rounding <= MOST_ROUNDING * terms, "Expectation.rounding", rounding, f"0 to {MOST_ROUNDING * terms:.3g}"
    )
    allowed = 2 * FALL_FACTOR * max(rounding, np.finfo(float).eps * terms)
    found = learnt.log_likelihood
    require(abs(found - total) <= allowed, "Expectation.log_likelihood", found, f"{total} within {allowed:.2g}")


@law(
    advice="return sums over units from e_step, no averages; divide in m_step. "
    "A prior counted in log_marginal or e_step: it belongs in log_prior"
)
def additive_over_any_cut(case: Case, rng: np.random.Generator) -> None:
    """The E-step of all units is the sum of the E-steps of the pieces, wherever the data are cut."""
    model, data = case.draw_model(rng), case.draw_data(rng)
    if len(data) < 2:
        return
    cuts = sorted({int(cut) for cut in rng.integers(1, len(data), 3)})
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    parts = [model.e_step(piece) for piece in pieces]
    what = f"e_step of {len(data)} units against the sum over pieces cut at {cuts}"
    require_same_expectation(case, model.e_step(data), reduce(add, parts), what, *parts)


@law(advice="let no unit's contribution depend on where it stands or on the units beside it")
def blind_to_order(case: Case, rng: np.random.Generator) -> None:
    """The E-step does not depend on the order of units."""
    model, data = case.draw_model(rng), case.draw_data(rng)
    order = rng.permutation(len(data))
    whole, half = model.e_step(data), model.e_step(data[: max(1, len(data) // 2)])
    require_same_expectation(case, model.e_step(take(data, order)), whole, "e_step of permuted units", half)
    log_marginal = np.asarray(model.log_marginal(data))[order]
    require_close(np.asarray(model.log_marginal(take(data, order))), log_marginal, "log_marginal of permuted units")
