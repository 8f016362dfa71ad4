"""The divergence of paths keeps its digits at extremes: against a dense normal in a thousand digits."""

from itertools import product
from typing import Any

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose

from emkit import Array, LinearGaussianStateSpace, replace
from tests.models.state_space.dense_chain import random_model

DIGITS = 1000
LENGTH = 4


def precise(array: Any) -> Any:
    return mpmath.matrix(np.atleast_2d(array).tolist())


def block_diagonal(blocks: list[Any]) -> Any:
    size = sum(block.rows for block in blocks)
    joined, start = mpmath.zeros(size), 0
    for block in blocks:
        joined[start : start + block.rows, start : start + block.rows] = block
        start += block.rows
    return joined


def paths(model: LinearGaussianStateSpace, x: Array) -> tuple[Any, Any]:
    """Return mean and precision matrix of all states given all of x: residuals B z - b are of the noise."""
    length, size = len(x), len(model.initial_mean)
    rows = np.eye(length * size) - np.kron(np.eye(length, k=-1), model.transition)
    rows = np.vstack([rows, np.kron(np.eye(length), model.observation)])
    target = np.concatenate([model.initial_mean, np.zeros((length - 1) * size), x.ravel()])
    names = ["initial_covariance", *["transition_covariance"] * (length - 1), *["observation_covariance"] * length]
    weighted = precise(rows).T * block_diagonal([mpmath.inverse(precise(getattr(model, name))) for name in names])
    precision = weighted * precise(rows)
    return mpmath.lu_solve(precision, weighted * precise(target).T), precision


def expected(model: LinearGaussianStateSpace, other: LinearGaussianStateSpace, x: Array) -> float:
    """Return the divergence of two normals from means and precisions."""
    with mpmath.workdps(DIGITS):
        (mean, precision), (other_mean, other_precision) = (paths(each, x) for each in (model, other))
        shift = other_mean - mean
        ratio = other_precision * mpmath.inverse(precision)
        terms = sum(ratio[i, i] for i in range(ratio.rows)) - ratio.rows - mpmath.log(mpmath.det(ratio))
        return float((terms + (shift.T * other_precision * shift)[0]) / 2)


@pytest.mark.parametrize(
    ("name", "times"),
    [
        *product(("initial_covariance", "transition_covariance"), (1e-200, 1e-14, 1e-6, 1e6)),
        ("initial_covariance", 1e30),
        *product(["observation_covariance"], (1e-16, 1e-8, 1e8, 1e200)),
    ],
)
def test_any_noise_may_be_small_or_large(name: str, times: float) -> None:
    """Where one of the noises is small or large beside the others, no digit is lost, in near and in distant models."""
    rng = np.random.default_rng(0)
    model, other = (random_model(rng, 3, 2) for _ in range(2))
    x = model.sample(1, rng, length=LENGTH)[0]
    model, other = (replace(each, **{name: times * getattr(each, name)}) for each in (model, other))
    near = replace(
        model,
        transition_covariance=1.2 * model.transition_covariance,
        observation_covariance=1.5 * model.observation_covariance,
    )
    for one, two in ((model, near), (model, other), (other, near)):
        assert_allclose(one.posterior_divergence(two, [x]), expected(one, two, x), rtol=1e-11)
