"""Laws of `prepare`: data validated and converted once."""

from typing import Any

import numpy as np

from emkit.data import split_weight
from emkit.model import Prepares
from emkit.testing.case import Case
from emkit.testing.law import law, require, require_close


@law(
    needs=lambda case: case.has(Prepares),
    advice="convert and check only; estimates from data, such as means, belong elsewhere",
)
def prepare_is_idempotent(case: Case, rng: np.random.Generator) -> None:
    """Preparing prepared data changes nothing, and raw data have the log marginal of prepared data."""
    model, raw = case.draw_model(rng), case.draw_raw(rng)
    once = model.prepare(raw)
    require_close(model.prepare(once), once, "prepare(prepare(x))", tolerance=0.0)
    expected = np.asarray(model.log_marginal(once))
    require_close(np.asarray(model.log_marginal(raw)), expected, "log_marginal of raw data", tolerance=0.0)


@law(needs=lambda case: case.has(Prepares), advice="let no row's preparation depend on the other rows")
def prepare_by_chunks(case: Case, rng: np.random.Generator) -> None:
    """Preparing a slice is slicing the prepared whole."""
    model, raw = case.draw_model(rng), case.draw_raw(rng)
    start, stop = sorted(int(i) for i in rng.choice(len(raw) + 1, 2, replace=False))
    expected = model.prepare(raw)[start:stop]
    require_close(model.prepare(raw[start:stop]), expected, f"prepare(x[{start}:{stop}])", tolerance=0.0)


@law(
    needs=lambda case: case.has(Prepares) and _native(case.data),
    advice="np.asarray(x, dtype=float) does not copy; np.array does",
)
def prepare_does_not_copy(case: Case, rng: np.random.Generator) -> None:
    """Preparing native float64 data does not copy them."""
    raw = split_weight(case.draw_raw(rng))[0]
    prepared = split_weight(case.draw_model(rng).prepare(raw))[0]
    if isinstance(prepared, np.ndarray):
        require(np.shares_memory(prepared, raw), "prepare(x)", "a copy", "the memory of x")


def _native(data: Any) -> bool:
    rows = split_weight(data)[0]
    return isinstance(rows, np.ndarray) and rows.dtype == np.float64 and rows.dtype.isnative
