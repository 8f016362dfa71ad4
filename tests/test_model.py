"""The protocol has exactly three members; everything more is a power."""

from typing import Any

import numpy as np
import pytest

import emkit
from emkit import model
from tests.toys import Linkage, PoissonMixture, Scripted, TwoCoins, counts

METHODS = {"e_step", "m_step", "log_marginal"}


def test_the_protocol_has_exactly_three_members() -> None:
    """`LatentVariableModel` is a protocol of e_step, m_step and log_marginal, all abstract, and nothing else."""
    protocol = emkit.LatentVariableModel
    assert getattr(protocol, "_is_protocol", False)
    assert protocol.__abstractmethods__ == METHODS
    assert {name for name in vars(protocol) if not name.startswith("_")} == METHODS


@pytest.mark.parametrize("missing", sorted(METHODS))
def test_a_subclass_without_a_method_cannot_be_made(missing: str) -> None:
    """Subclassing without one of the three methods gives "Can't instantiate abstract class", naming it."""
    body = {name: getattr(PoissonMixture, name) for name in METHODS - {missing}}
    incomplete: Any = type("Incomplete", (emkit.LatentVariableModel,), body)
    with pytest.raises(TypeError, match=f"Can't instantiate abstract class Incomplete .*{missing}"):
        incomplete()


def test_a_strangers_class_runs() -> None:
    """A class that inherits nothing and has the three methods is fitted to where its likelihood is stationary."""
    assert TwoCoins.__mro__ == (TwoCoins, object)
    x = np.random.default_rng(1).binomial(10, np.repeat([0.2, 0.7], 40)).astype(np.float64)
    fit = emkit.fit(TwoCoins(0.4, 0.6), x, tol=1e-13)
    assert fit.outcome is emkit.Outcome.CONVERGED
    for coin in range(2):
        for step in (-1e-4, 1e-4):
            heads = fit.model.heads.copy()
            heads[coin] += step
            assert TwoCoins(*heads).log_marginal(x).sum() < fit.log_likelihood


def test_the_documented_example_runs() -> None:
    """The Poisson mixture as documented converges on counts; its rates are the weighted means of the data."""
    x = counts()
    fit = emkit.fit(PoissonMixture([0.5, 0.5], [1.0, 5.0]), x, tol=1e-12)
    assert fit.converged
    assert fit.trace.monotone
    assert fit.model.weights @ fit.model.rates == pytest.approx(x.mean())  # holds at every M-step's result


def test_linkage_reaches_the_published_estimate() -> None:
    """The linkage example of Dempster, Laird and Rubin (1977) gives their iterates from 0.5, and their estimate."""
    x = np.repeat([0.0, 1.0, 2.0, 3.0], [125, 18, 20, 34])
    published = [0.5, 0.608247423, 0.624321051, 0.626488879, 0.626777323, 0.626815632, 0.626820719]
    run = emkit.steps(Linkage(0.5), x)
    assert [next(run).model.theta for _ in published] == pytest.approx(published, abs=1e-9)
    exact = (15 + np.sqrt(53809)) / 394  # the root of 197 t² - 15 t - 68
    assert emkit.fit(Linkage(0.5), x, tol=1e-15).model.theta == pytest.approx(exact, abs=1e-7)


POWERS = [
    model.HasPrior,
    model.Prepares,
    model.Accepts,
    model.Summarises,
    model.HasPosterior,
    model.HasExpectedLogJoint,
    model.Enumerates,
    model.Samples,
    model.Complains,
    model.MayBePartial,
]


@pytest.mark.parametrize("power", POWERS)
def test_powers_are_held_by_having_the_method(power: type) -> None:
    """`isinstance` tells a power by its methods: none for the example model, all for a Gaussian mixture but one."""
    gaussian = emkit.GaussianMixture([1.0], emkit.FullGaussian([[0.0]], [[[1.0]]]))
    assert not isinstance(PoissonMixture([1.0], [1.0]), power)
    assert isinstance(gaussian, power) == (power is not model.Summarises)
    assert isinstance(Linkage(0.5), power) == (power is model.Summarises)
    assert isinstance(Scripted((0.0,)), power) == (power is model.Complains)
