"""A pass of EM over a Gaussian mixture in long double, row by component, as the textbook has it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from emkit.arrays import Array
from emkit.kernels import load, use

with use("always"):
    gaussian: Any = load("gaussian", 0.0)

KINDS = ("full", "tied", "diagonal", "spherical")

TOLERANCE = 1e-12


@dataclass
class Case:
    """Rows, and the arguments of a pass."""

    kind: str
    x: Array  # (N, D)
    weight: Array  # (N,)
    means: Array  # (K, D)
    scale: Array  # whitening or inverse deviations
    log_scale: Array  # (K,)

    def run(self) -> tuple[Array, Array, Array, Array]:
        result: tuple[Array, Array, Array, Array] = getattr(gaussian, self.kind)(
            self.x, self.weight, self.means, self.scale, self.log_scale
        )
        return result


def case(kind: str, n: int, n_features: int, n_components: int, *, spread: float = 2.0, seed: int = 0) -> Case:
    """Return overlapping components with covariances of condition number up to about a hundred."""
    rng = np.random.default_rng(seed)
    means = spread * rng.normal(size=(n_components, n_features)) / np.sqrt(n_features)
    x = means[rng.integers(n_components, size=n)] + rng.normal(size=(n, n_features))
    lower = np.tril(0.4 * rng.normal(size=(n_components, n_features, n_features)) / np.sqrt(n_features), -1)
    whitening = lower + np.eye(n_features) * rng.uniform(0.5, 2, size=(n_components, 1, n_features))
    scale = {
        "full": whitening,
        "tied": whitening[0],
        "diagonal": whitening.diagonal(axis1=1, axis2=2).copy(),
        "spherical": whitening[:, 0, 0].copy(),
    }[kind]
    return Case(kind, x, rng.uniform(0.1, 2, size=n), means, scale, np.log(rng.dirichlet(np.full(n_components, 3.0))))


def square_root(one: Case, k: int) -> Array:
    """Return component k's whitening matrix (D, D)."""
    n_features = one.means.shape[1]
    match one.kind:
        case "full":
            return one.scale[k]
        case "tied":
            return one.scale
        case "diagonal":
            return np.diag(one.scale[k])
        case _:
            return one.scale[k] * np.eye(n_features)


def check(one: Case) -> None:
    """Hold a pass against long double: each sum to 1e-12 of the sum of its terms' sizes."""
    log_marginal, count, first, scatter = one.run()
    x, weight = one.x.astype(np.longdouble), one.weight.astype(np.longdouble)
    centred = x[None] - one.means.astype(np.longdouble)[:, None]  # (K, N, D)
    log_joint = np.empty((len(one.means), len(x)), dtype=np.longdouble)
    for k, u in enumerate(centred):
        whitened = (square_root(one, k).astype(np.longdouble)[None] * u[:, None, :]).sum(axis=2)  # (N, D)
        log_joint[k] = np.longdouble(one.log_scale[k]) - (whitened**2).sum(axis=1) / 2
    peak = log_joint.max(axis=0)
    share = np.exp(log_joint - peak)  # (K, N)
    total = share.sum(axis=0)
    r = share / total * weight  # (K, N)

    close(log_marginal, peak + np.log(total), 1 + abs(peak))
    close(count, r.sum(axis=1), r.sum(axis=1))
    sizes = abs(centred)
    close(first, (r[..., None] * centred).sum(axis=1), (r[..., None] * sizes).sum(axis=1))
    if one.kind in {"full", "tied"}:
        truth = np.einsum("kn,knd,kne->kde", r, centred, centred)
        size = np.einsum("kn,knd,kne->kde", r, sizes, sizes)
        np.testing.assert_array_equal(scatter, np.swapaxes(scatter, -1, -2))
    else:
        truth = size = np.einsum("kn,knd->kd", r, centred**2)
    if one.kind in {"tied", "spherical"}:
        axis = 0 if one.kind == "tied" else 1
        truth, size = truth.sum(axis=axis), size.sum(axis=axis)
    close(scatter, truth, size)


def close(found: Array, truth: Array, size: Array) -> None:
    """Compare with a tolerance in units of `size`, entry by entry; a size of zero wants the exact value."""
    assert found.shape == truth.shape
    error = abs(found.astype(np.longdouble) - truth)
    worst = np.max(error / np.where(size > 0, size, 1), initial=0.0)
    assert worst <= TOLERANCE, f"off by {float(worst):.2g}"
