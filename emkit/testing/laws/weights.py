"""Laws of observation weights, for models that accept them."""

from typing import Any

import numpy as np

from emkit.arrays import Array
from emkit.data import Weighted, split_weight
from emkit.testing.case import Case, take
from emkit.testing.law import law, require_close
from emkit.testing.meaning import require_same_expectation


def _weighted(case: Case, rows: Any, weight: Array) -> Any:
    return case.prepare(Weighted(rows, weight))


@law(
    needs=lambda case: case.weighs,
    advice="multiply the posterior by the weight, once; pass the weight to Expectation.of",
)
def weight_is_repetition(case: Case, rng: np.random.Generator) -> None:
    """A unit of weight n counts as n copies of it."""
    model, rows = case.draw_model(rng), split_weight(case.draw_raw(rng))[0]
    copies = rng.integers(1, 4, len(rows))
    repeated = take(rows, np.repeat(np.arange(len(rows)), copies))
    expected = model.e_step(_weighted(case, repeated, np.ones(len(repeated))))
    found = model.e_step(_weighted(case, rows, copies.astype(float)))
    require_same_expectation(case, found, expected, "e_step of whole weights against copies")
    plain = model.e_step(case.prepare(repeated))
    require_same_expectation(case, found, plain, "e_step of whole weights against copies without weights")


@law(needs=lambda case: case.weighs, advice="multiply by the weight before anything is summed, centred or compared")
def zero_weight_is_absence(case: Case, rng: np.random.Generator) -> None:
    """A unit of weight zero has no influence."""
    model, rows = case.draw_model(rng), split_weight(case.draw_raw(rng))[0]
    weight = rng.uniform(0.5, 2.0, len(rows)) * (rng.random(len(rows)) < 0.5)
    weight[0] = 1.0
    kept = np.flatnonzero(weight)
    expected = model.e_step(_weighted(case, take(rows, kept), weight[kept]))
    found = model.e_step(_weighted(case, rows, weight))
    require_same_expectation(case, found, expected, "e_step with units of weight zero against without them")


@law(needs=lambda case: case.weighs, advice="let weights enter linearly: no squares, no normalisation inside e_step")
def scale_of_weights_multiplies(case: Case, rng: np.random.Generator) -> None:
    """Weights multiplied by a power of two multiply log likelihood, units and statistics."""
    model, rows = case.draw_model(rng), split_weight(case.draw_raw(rng))[0]
    weight = rng.uniform(0.5, 2.0, len(rows))
    once, thrice = (model.e_step(_weighted(case, rows, weight * factor)) for factor in (1.0, 4.0))
    require_close(thrice.log_likelihood, 4 * once.log_likelihood, "log likelihood at 4 times the weights")
    require_same_expectation(case, thrice, (once + once) + (once + once), "e_step at 4 times the weights", once)
