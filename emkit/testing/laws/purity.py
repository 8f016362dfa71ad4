"""Laws of values: nothing is mutated, repeats are identical, parameters and pickles come back whole."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from emkit.leaves import leaves
from emkit.model import HasExpectedLogJoint, HasPosterior, HasPrior, Summarises
from emkit.parameters import n_free_parameters, pack, unpack
from emkit.testing.case import Case
from emkit.testing.law import law, require, require_close
from emkit.testing.tolerances import ROUND_TRIP


def _calls(case: Case, model: Any, data: Any, statistics: Any) -> dict[str, Callable[[], Any]]:
    """Return every method of a model that must be pure, ready to be called."""
    calls: dict[str, Callable[[], Any]] = {
        "e_step": lambda: model.e_step(data),
        "m_step": lambda: model.m_step(statistics),
        "log_marginal": lambda: model.log_marginal(data),
        "statistics +": lambda: statistics + statistics,
    }
    if case.has(HasPrior):
        calls["log_prior"] = model.log_prior
    if case.has(HasPosterior):
        calls["posterior"] = lambda: model.posterior(data)
    if case.has(HasExpectedLogJoint):
        calls["expected_log_joint"] = lambda: model.expected_log_joint(statistics)
    if case.has(Summarises):
        calls["e_step_of"] = lambda: model.e_step_of(model.summary(data))
    return calls


@law(advice="work on copies: `x = x - mean`, not `x -= mean`; statistics and models are frozen values")
def nothing_is_mutated(case: Case, rng: np.random.Generator) -> None:
    """No method changes the model, the data or the statistics it is given."""
    model, raw = case.draw_model(rng), case.draw_raw(rng)
    before_prepare = leaves(raw)
    case.prepare(raw)
    _require_unchanged(raw, before_prepare, "prepare changed its data")
    data = copy.deepcopy(case.prepare(raw))
    statistics = model.e_step(copy.deepcopy(data)).statistics
    before = [(name, of, leaves(of)) for name, of in (("model", model), ("data", data), ("statistics", statistics))]
    for method, call in _calls(case, model, data, statistics).items():
        call()
        for name, of, old in before:
            _require_unchanged(of, old, f"{method} changed the {name}")


def _require_unchanged(of: Any, before: dict[str, Any], what: str) -> None:
    after = leaves(of)  # a cache may have been added
    require_close({path: after.get(path) for path in before}, before, what, tolerance=0.0)


@law(advice="take randomness as an rng argument of sample only; keep no counters, caches or global state that matter")
def repeats_are_identical(case: Case, rng: np.random.Generator) -> None:
    """The same call on the same values gives the same result, bit by bit."""
    model, data = case.draw_model(rng), case.draw_data(rng)
    statistics = model.e_step(data).statistics
    for method, call in _calls(case, model, data, statistics).items():
        require_close(call(), call(), f"{method}, called twice", tolerance=0.0)


@law(needs=lambda case: case.packs, advice="let the constructor store declared parameters as they are given")
def pack_round_trips(case: Case, rng: np.random.Generator) -> None:
    """Unpacking the free coordinates of a model gives the model back, and packing them again the coordinates."""
    model = case.draw_model(rng)
    free = pack(model)
    back = unpack(free, like=case.model)
    most = len(free)
    require(0 <= n_free_parameters(model) <= most, "n_free_parameters", n_free_parameters(model), f"0 to {most}")
    require(type(back) is type(model), "unpack", type(back).__name__, type(model).__name__)
    require_close(back, model, "unpack(pack(model))", tolerance=ROUND_TRIP)
    require_close(pack(back), free, "pack(unpack(free))", 1.0, tolerance=ROUND_TRIP)


@law(advice="define the class at the top level of a module; no lambdas, generators or open files in its fields")
def pickles(case: Case, rng: np.random.Generator) -> None:
    """A model and its statistics survive pickling: workers and checkpoints need it."""
    model, data = case.draw_model(rng), case.draw_data(rng)
    learnt = model.e_step(data)
    for name, given in (("model", model), ("expectation", learnt)):
        try:
            back = pickle.loads(pickle.dumps(given))
        except Exception as error:
            require(False, name, f"{type(error).__name__}: {error}", "a pickle that loads")
            raise
        require(type(back) is type(given), name, type(back).__name__, type(given).__name__)
        require_close(back, given, f"{name} after pickling", tolerance=0.0)
