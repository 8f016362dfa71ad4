"""Classification EM: k-means is one of its kinds, ties go to the first, and the objective is that of the labels."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.cluster.vq import ClusterError, kmeans2
from scipy.stats import multivariate_normal, poisson

import emkit
from emkit import Array, Dirichlet, Incomplete, Mixture, Outcome, Poisson, SphericalGaussian, TiedGaussian
from emkit.algorithm import Ascent
from emkit.models.variants import Classification
from tests.gaussians import KINDS, healthy_start, random_rows
from tests.zoo import EMISSIONS, rows

SEEDS = st.integers(0, 2**32 - 1)


def k_means_model(centres: Array, variance: float) -> Classification[Mixture[Any]]:
    """Return the model of which classification EM is Lloyd's algorithm."""
    size, width = centres.shape
    emissions = TiedGaussian(centres, variance * np.eye(width), fixed="covariance")
    return Classification(Mixture(np.full(size, 1 / size), emissions, fixed="weights"))


def clouds(seed: int) -> tuple[Array, Array]:
    """Return rows about random places, and some of the rows."""
    rng = np.random.default_rng(seed)
    size, width = int(rng.integers(2, 6)), int(rng.integers(1, 4))
    x = rng.normal(size=(80, width)) + 3 * rng.normal(size=(size, width))[rng.integers(0, size, 80)]
    return x, x[rng.choice(80, size, replace=False)]


@given(SEEDS, st.integers(1, 8), st.floats(0.1, 10.0))
def test_it_takes_the_steps_of_k_means(seed: int, n_steps: int, variance: float) -> None:
    """Equal weights and one σ²I, held: after any number of steps centres and labels are those of SciPy's kmeans2."""
    x, centres = clouds(seed)
    try:
        expected, labels = kmeans2(x, centres, iter=n_steps, minit="matrix", missing="raise")
    except ClusterError:
        assume(False)
    path = emkit.steps(k_means_model(centres, variance), x)
    models = [step.model for step, _ in zip(path, range(n_steps + 1), strict=False)]
    assert_allclose(models[-1].mixture.emissions.means, expected, rtol=1e-9, atol=1e-9)
    assert np.array_equal(models[-2].predict(x), labels)


@given(SEEDS)
def test_it_ends_where_k_means_ends(seed: int) -> None:
    """The fit has the inertia of scikit-learn's KMeans, of which its objective is a multiple and a constant."""
    cluster = pytest.importorskip("sklearn.cluster")
    x, centres = clouds(seed)
    lloyd = cluster.KMeans(len(centres), init=centres, n_init=1, algorithm="lloyd", tol=0.0, max_iter=300).fit(x)
    fit = emkit.fit(k_means_model(centres, 0.5), x)
    means = fit.model.mixture.emissions.means
    inertia = float(np.square(x - means[fit.model.predict(x)]).sum())
    assume(len(np.unique(fit.model.predict(x))) == len(centres))  # scikit-learn refills empty clusters
    assert_allclose(inertia, lloyd.inertia_, rtol=1e-9)
    constant = -len(x) * (np.log(len(centres)) + x.shape[1] / 2 * np.log(np.pi))
    assert_allclose(fit.trace[-1], constant - lloyd.inertia_, rtol=1e-9)
    assert fit.outcome is Outcome.CONVERGED


@given(SEEDS, st.sampled_from(KINDS))
def test_the_objective_is_the_classification_likelihood(seed: int, kind: Any) -> None:
    """The trace is the log joint of data and best labels, by SciPy, and never falls."""
    rng = np.random.default_rng(seed)
    x = random_rows(rng)
    fit = emkit.fit(Classification(healthy_start(kind, rng, x)), x, max_iter=20)
    mixture = fit.model.mixture
    components = zip(mixture.weights, mixture.means, mixture.covariances, strict=True)
    joint = np.stack([np.log(w) + multivariate_normal.logpdf(x, m, c) for w, m, c in components], axis=1)
    assert_allclose(fit.log_likelihood, joint.max(axis=1).sum(), rtol=1e-9)
    assert np.array_equal(fit.model.posterior(x), np.eye(len(mixture.weights))[joint.argmax(axis=1)])
    assert fit.trace.monotone
    assert fit.trace.records[-1].ascends is Ascent.CLASSIFICATION


def test_q_is_the_log_joint_of_the_labels() -> None:
    """Q at the labels of one model is the log joint under another, but for terms that no parameter enters."""
    x = np.array([[0.0], [1.0], [2.0], [7.0], [9.0]])
    one, other = (
        Classification(Mixture(w, Poisson([[a], [b]]))) for w, a, b in (([0.5, 0.5], 1, 8), ([0.3, 0.7], 2, 5))
    )
    labels = one.predict(x)
    assert labels.tolist() == [0, 0, 0, 1, 1]

    def log_joint(model: Any) -> float:
        rates = model.mixture.emissions.rates[labels, 0]
        return float((np.log(model.mixture.weights[labels]) + poisson.logpmf(x[:, 0], rates)).sum())

    learnt = one.e_step(one.prepare(x)).statistics
    gained = other.expected_log_joint(learnt) - one.expected_log_joint(learnt)
    assert_allclose(gained, log_joint(other) - log_joint(one), rtol=1e-12)


def test_ties_go_to_the_first_component() -> None:
    """A row between two equal components is of the first: in labels, counts and moments alike."""
    model = Classification(Mixture([0.5, 0.5], SphericalGaussian([[-1.0], [1.0]], [1.0, 1.0])))
    x = np.array([[0.0], [0.0], [3.0]])
    assert model.posterior(x).tolist() == [[1, 0], [1, 0], [0, 1]]
    assert model.predict(x).tolist() == [0, 0, 1]
    learnt = model.e_step(model.prepare(x))
    assert learnt.statistics.count.tolist() == [2, 1]
    assert learnt.log_likelihood == model.log_marginal(x).sum()


@pytest.mark.parametrize("name", ["student t", "student t, degrees free"])
def test_what_is_latent_within_a_component_stays_soft(name: str) -> None:
    """Scales of Student's t and missing cells keep their posterior, and the objective never falls."""
    x = rows(EMISSIONS[name], 120)
    x[::5, 0] = np.nan
    model = Classification(Mixture([0.4, 0.6], EMISSIONS[name]))
    fit = emkit.fit(model, Incomplete(x), max_iter=40)
    assert fit.trace.monotone
    assert fit.trace[-1] > fit.trace[0]
    learnt = model.e_step(model.prepare(Incomplete(x))).statistics
    assert_allclose(learnt.count, np.bincount(model.predict(Incomplete(x))), rtol=1e-14)
    assert (learnt.emissions.moments.weight % 1 != 0).all()  # E[u], no count


def test_a_component_that_no_unit_goes_to_is_reported() -> None:
    """It loses its weight and keeps its emissions; a prior of the weights keeps it."""
    x = np.random.default_rng(0).normal(size=(50, 1))
    emissions = SphericalGaussian([[0.0], [100.0]], [1.0, 1.0])
    fit = emkit.fit(Classification(Mixture([0.5, 0.5], emissions)), x)
    assert fit.outcome is Outcome.DEGENERATE
    assert "component 1: is empty" in fit.message
    assert fit.model.mixture.emissions.means[1] == 100
    kept = emkit.fit(Classification(Mixture([0.5, 0.5], emissions, Dirichlet([2.0, 2.0]))), x)
    assert_allclose(kept.model.mixture.weights, [51 / 52, 1 / 52])
    assert kept.trace.monotone
