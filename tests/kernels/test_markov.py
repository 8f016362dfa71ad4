"""Compiled passes over the sequences of a hidden Markov model, against every path and against the passes in NumPy."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import emkit
from emkit import Array, DiagonalGaussian, HiddenMarkov, Poisson, StationaryHiddenMarkov, Weighted
from emkit.kernels import load, use
from emkit.models.markov.scaled import smooth_scaled
from emkit.models.markov.smoothing import SURPRISE, smooth
from emkit.sequences import Sequences
from tests.models.markov.paths import CHAINS, enumerate_paths, random_chain

with use("always"):
    markov: Any = load("markov", 0.0)

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.sampled_from(CHAINS), st.integers(1, 3), st.sampled_from([1.0, 1e3, 1e5]))
def test_every_path(seed: int, kind: str, n_states: int, scale: float) -> None:
    """Evidence, posterior and transitions are sums over all paths, also where underflow takes part of them."""
    rng = np.random.default_rng(seed)
    initial, transition = random_chain(kind, rng, n_states)
    lengths, weight = rng.integers(1, 6, size=4), rng.uniform(0.1, 3.0, size=4)
    sequences = Sequences(np.arange(lengths.sum()), lengths)
    log_density = -scale * rng.random((lengths.sum(), n_states))
    log_evidence, posterior, transitions = smooth(
        initial, transition, log_density, sequences, weight, recursion=markov.smooth
    )
    expected = np.zeros_like(transition)
    for w, *rows in zip(weight, *map(sequences.split, (log_density, log_evidence, posterior)), strict=True):
        density, evidence, smoothed = rows
        truth = enumerate_paths(initial, transition, density)
        assert_allclose(evidence.sum(), truth.log_marginal, rtol=1e-12, atol=1e-12)
        assert_allclose(smoothed, truth.posterior, atol=1e-15 * scale * 10 + 1e-13)
        expected += w * truth.transitions
    assert_allclose(transitions, expected, atol=1e-13 * scale + 1e-12)


@pytest.mark.parametrize("n_states", [1, 2, 3, 4, 5, 7, 8, 9, 16, 21])
def test_any_number_of_states_as_in_numpy(n_states: int) -> None:
    """Posterior, evidence and transitions are those of the passes in NumPy, and so is which sequences are lost."""
    rng = np.random.default_rng(n_states)
    initial, transition = random_chain("sparse" if n_states > 3 else "dense", rng, n_states)
    lengths, weight = np.array([1, 700, 2, 60, 1]), rng.uniform(0, 1, 5)
    density = np.exp(-5 * rng.random((lengths.sum(), n_states)))
    density[701] = 0.0  # impossible: the third sequence is lost
    arguments = (initial, transition, density, lengths, weight, SURPRISE)
    found, expected = markov.smooth(*arguments), smooth_scaled(*arguments)
    assert found[3].tolist() == expected[3].tolist() == [False, False, True, False, False]
    well = np.repeat(~found[3], lengths)
    assert_allclose(found[0][well], expected[0][well], rtol=1e-11)
    assert_allclose(found[1][well], expected[1][well], rtol=1e-12)
    assert_allclose(found[2], expected[2], rtol=1e-11)


@pytest.mark.parametrize("model", [HiddenMarkov, StationaryHiddenMarkov])
def test_a_fit_is_the_same_compiled(model: Any) -> None:
    """Weighted sequences, in one chunk or several, with one worker or two: the same fit, compiled or not."""
    rng = np.random.default_rng(0)
    truth = HiddenMarkov(np.array([0.5, 0.5]), np.array([[0.9, 0.1], [0.3, 0.7]]), Poisson(np.array([[2.0], [7.0]])))
    data = Weighted(truth.sample(30, 1, length=rng.integers(1, 40, 30)), rng.uniform(0, 2, 30))
    start = model.start(data, 2, emissions=Poisson, rng=0)
    fits = {}
    for mode in ("never", "always"):
        with use(mode):
            fits[mode] = emkit.fit(start, data, chunk_size=7, workers=2, max_iter=12, tol=0)
    assert_allclose(list(fits["always"].trace), list(fits["never"].trace), rtol=1e-12)
    assert_allclose(fits["always"].model.transition, fits["never"].model.transition, rtol=1e-9)
    whole = start.prepare(data)
    with use("always"):
        compiled = start.compiled_e_step(whole)
    assert_allclose(compiled(start, whole).log_likelihood, start.e_step(whole).log_likelihood, rtol=1e-13)


def test_small_data_are_not_worth_it() -> None:
    """A model of a few observations does not ask for a compiler; where there must be none, nor does a large one."""
    model = HiddenMarkov(np.ones(1), np.ones((1, 1)), DiagonalGaussian(np.zeros((1, 1)), np.ones((1, 1))))
    few = model.prepare([np.zeros((3, 1))])
    many: Any = Weighted(Sequences(np.zeros((10**7, 1)), np.array([10**7])), np.ones(1))
    with use("auto"):
        assert model.compiled_e_step(few) is None
    with use("never"):
        assert model.compiled_e_step(many) is None


def test_rows_of_any_order() -> None:
    """Densities that lie column by column are read all the same."""
    rng = np.random.default_rng(0)
    initial, transition = random_chain("dense", rng, 3)
    density: Array = np.exp(-rng.random((20, 3)))
    rest = (np.array([12, 8]), np.ones(2), SURPRISE)
    found = markov.smooth(initial, np.asfortranarray(transition), np.asfortranarray(density), *rest)
    for one, other in zip(found, markov.smooth(initial, transition, density, *rest), strict=True):
        assert np.array_equal(one, other)
