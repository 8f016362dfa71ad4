"""Every kind of emissions in every structure with a discrete latent state: no line of either knows of the other."""

from typing import Any

import numpy as np
import pytest

import emkit
from emkit import Array, HiddenMarkov, Incomplete, Mixture, PointMass, Product, Stacked, StationaryHiddenMarkov
from emkit.testing.case import Case
from emkit.testing.law import Law
from emkit.testing.laws import LAWS
from tests.zoo import EMISSIONS, rows

TRANSITION = [[0.8, 0.2], [0.3, 0.7]]
LENGTHS = [4, 1, 3, 2, 4, 3, 2, 4, 1, 4, 3, 4]


def sequences(x: Any) -> list[Any]:
    """Return rows cut into short sequences."""
    return [x[stop - length : stop] for stop, length in zip(np.cumsum(LENGTHS).tolist(), LENGTHS, strict=True)]


STRUCTURES: dict[str, Any] = {
    "mixture": (lambda emissions: Mixture([0.4, 0.6], emissions), lambda x: x),
    "hidden Markov": (lambda emissions: HiddenMarkov([0.4, 0.6], TRANSITION, emissions), sequences),
    "stationary": (lambda emissions: StationaryHiddenMarkov(TRANSITION, emissions), sequences),
}

CASES = {
    (structure, name): Case(make(emissions), given, given)
    for structure, (make, shape) in STRUCTURES.items()
    for name, emissions in EMISSIONS.items()
    for given in [shape(rows(emissions, sum(LENGTHS)))]
}
CELLS = [
    pytest.param(case, law, id=f"{structure}-{name}-{law.name}")
    for (structure, name), case in CASES.items()
    for law in LAWS
    if law.needs(case)
]


@pytest.mark.parametrize(("case", "law"), CELLS)
def test_every_law_holds(case: Case, law: Law) -> None:
    """Any emissions in any structure obey every law that their powers bring."""
    law(case, seed=0)


@pytest.mark.parametrize("name", EMISSIONS)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_row_with_nothing_seen_says_nothing(structure: str, name: str) -> None:
    """A row, or a time step, that is missing as a whole leaves the objective to what is seen."""
    make, shape = STRUCTURES[structure]
    model, x = make(EMISSIONS[name]), rows(EMISSIONS[name], sum(LENGTHS))
    holes: Array = x.copy()
    holes[[0, 7, 20]] = np.nan
    fit = emkit.fit(model, [Incomplete(one) for one in shape(holes)] if structure != "mixture" else Incomplete(holes))
    assert fit.trace.monotone
    if structure == "mixture":
        seen = np.delete(x, [0, 7, 20], axis=0)
        np.testing.assert_allclose(fit.trace[0], model.log_marginal(seen).sum(), rtol=1e-10)


@pytest.mark.parametrize(
    "family", sorted({type(emissions) for emissions in EMISSIONS.values()} - {Product, Stacked}, key=str)
)
def test_unknown_options_of_a_start_are_named(family: Any) -> None:
    """A start refuses an option that neither structure nor family takes, and says which the family does."""
    example = next(emissions for emissions in EMISSIONS.values() if type(emissions) is family)
    x = rows(example, 30)
    for recipe in (family, Product.of((family, range(x.shape[1]))), Stacked.of(PointMass(x[:1]), family)):
        with pytest.raises(TypeError, match=r"takes no option 'priors' in a start; it takes "):
            Mixture.start(x, 2, emissions=recipe, rng=0, priors=None)
        with pytest.raises(TypeError, match=r"takes no option 'priors' in a start; it takes "):
            HiddenMarkov.start([x], 2, emissions=recipe, rng=0, priors=None)


@pytest.mark.parametrize("name", EMISSIONS)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_parameters_of_emissions_are_counted(structure: str, name: str) -> None:
    """A structure has its own parameters and those of its emissions; of held emissions it has none."""
    make, _ = STRUCTURES[structure]
    own = {"mixture": 1, "hidden Markov": 3, "stationary": 2}[structure]
    model = make(EMISSIONS[name])
    assert emkit.n_free_parameters(model) == own + emkit.n_free_parameters(EMISSIONS[name])
    assert emkit.n_free_parameters(emkit.replace(model, fixed="emissions")) == own


@pytest.mark.parametrize("name", EMISSIONS)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_held_emissions_need_no_maximum(structure: str, name: str) -> None:
    """Copies of one row, on which a free likelihood is often unbounded, are no edge for emissions that are held."""
    make, shape = STRUCTURES[structure]
    model = emkit.replace(make(EMISSIONS[name]), fixed="emissions")
    learnt = model.e_step(model.prepare(shape(np.repeat(rows(EMISSIONS[name], 1), sum(LENGTHS), axis=0)))).statistics
    after = model.m_step(learnt)
    assert after.emissions is model.emissions
    said = [why for _, why in [*after.complaints(learnt), *after.remarks(learnt)]]
    assert all(why.startswith(("is empty", "is absorbing")) for why in said)  # where a state cannot emit the row
