"""The variants of EM, over every kind of emissions: each law of the kit that is true of a variant holds."""

import pickle
from typing import Any

import numpy as np
import pytest

import emkit
from emkit import Array, FullGaussian, Incomplete, Mixture, Weighted
from emkit.models.variants import Annealed, Classification, Stochastic
from emkit.testing.case import Case
from emkit.testing.law import Law
from emkit.testing.laws import LAWS
from tests.zoo import EMISSIONS, MEANS, rows

MAKERS: dict[str, Any] = {
    "classification": Classification,
    "annealed": lambda mixture: Annealed(mixture, start=0.6),
    "stochastic": lambda mixture: Stochastic(mixture, seed=3),
}

UNTRUE = {  # of a variant, and why
    "classification": {"gain_is_q_and_divergence"},  # labels are the posterior of no model
    "annealed": set(),
    "stochastic": {  # draws belong to the units of the whole data
        "weight_is_repetition",
        "zero_weight_is_absence",
        "prepare_by_chunks",
    },
}


def holes(x: Array) -> Incomplete:
    """Return rows with some cells missing."""
    missing = np.random.default_rng(0).random(x.shape) < 0.2
    return Incomplete(np.where(missing & ~missing.all(axis=1, keepdims=True), np.nan, x))


DATA: dict[str, Any] = {
    **{name: (emissions, rows(emissions, 35)) for name, emissions in EMISSIONS.items()},
    "full, incomplete": (EMISSIONS["full"], holes(rows(EMISSIONS["full"], 35))),
    "student t, incomplete": (EMISSIONS["student t"], holes(rows(EMISSIONS["student t"], 35))),
    "diagonal, weighted": (
        EMISSIONS["diagonal"],
        Weighted(rows(EMISSIONS["diagonal"], 35), np.linspace(0.0, 2.0, 35)),
    ),
}

CASES = {
    (variant, name): Case(make(Mixture([0.4, 0.6], emissions)), x, x)
    for variant, make in MAKERS.items()
    for name, (emissions, x) in DATA.items()
}
CELLS = [
    pytest.param(case, law, id=f"{variant}-{name}-{law.name}")
    for (variant, name), case in CASES.items()
    for law in LAWS
    if law.needs(case) and law.name not in UNTRUE[variant]
]


@pytest.mark.parametrize(("case", "law"), CELLS)
def test_every_law_holds(case: Case, law: Law) -> None:
    """A variant over any emissions obeys the laws that its powers bring."""
    law(case, seed=0)


@pytest.mark.parametrize("variant", MAKERS)
def test_what_is_no_mixture_is_refused(variant: str) -> None:
    """A chain, a class, emissions, a variant, and a mixture with an E-step of its own are refused by name."""

    class Own(Mixture[Any]):
        def e_step(self, data: Any) -> Any:
            return super().e_step(data)

    make, emissions = MAKERS[variant], FullGaussian.at(MEANS, [1.0, 1.0])
    chain = emkit.HiddenMarkov([0.5, 0.5], np.full((2, 2), 0.5), emissions)
    plain = Mixture([0.5, 0.5], emissions)
    for given, message in (
        (chain, "found a HiddenMarkov. Where a unit has several latent states"),
        (Mixture, "found the class Mixture$"),
        (emissions, "found a FullGaussian$"),
        (make(plain), "; take the `mixture` of that"),
        (Own([0.5, 0.5], emissions), "Own has an e_step of its own"),
    ):
        with pytest.raises(TypeError, match=message):
            make(given)


@pytest.mark.parametrize("variant", MAKERS)
def test_parameters_are_those_of_the_mixture(variant: str) -> None:
    """Free coordinates, their number, the log prior and what is held fixed are those of the mixture."""
    x = rows(EMISSIONS["full"], 35)
    mixture = emkit.replace(emkit.GaussianMixture.start(x, 2, rng=0), fixed="weights")
    model = MAKERS[variant](mixture)
    assert np.array_equal(emkit.pack(model), emkit.pack(mixture))
    assert emkit.n_free_parameters(model) == emkit.n_free_parameters(mixture)
    assert model.log_prior() == mixture.log_prior() != 0
    fitted = emkit.fit(model, x, max_iter=5).model
    assert np.array_equal(fitted.mixture.weights, mixture.weights)
    assert not np.array_equal(fitted.mixture.means, mixture.means)
    assert pickle.loads(pickle.dumps(fitted)) == fitted


@pytest.mark.parametrize("variant", MAKERS)
def test_chunks_and_workers_change_rounding_alone(variant: str) -> None:
    """A fit in chunks of one size is the same to the bit for any workers, and to rounding for any chunks."""
    x = Weighted(rows(EMISSIONS["full"], 300).astype(np.float32), np.linspace(0.5, 2.0, 300))
    model = MAKERS[variant](Mixture([0.4, 0.6], EMISSIONS["full"]))
    whole = emkit.fit(model, x, max_iter=12, chunk_size=None).model
    for size in (7, 64):
        one, two = (emkit.fit(model, x, max_iter=12, chunk_size=size, workers=n).model for n in (1, 2))
        assert one == two
        np.testing.assert_allclose(emkit.pack(one), emkit.pack(whole), rtol=1e-8)
