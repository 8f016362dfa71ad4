"""A mixture's E-step over Gaussian components in compiled code, where Numba is installed and the work is worth it.

The kernels centre rows on each component, as the plain path does, so that they lose nothing that it keeps. Their sums
are about the current means; a component whose mean moved far in its own widths, which would cost digits, is summed
anew, about where it moved to.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from emkit.arrays import LOG_2PI, Array, average
from emkit.emissions.gaussian.distances import square_distances
from emkit.emissions.gaussian.variant import Variant
from emkit.emissions.protocol import MixtureStep
from emkit.incomplete import Incomplete
from emkit.kernels.choice import load
from emkit.moments import DiagonalMoments, FullMoments, Moments, SphericalMoments, TiedMoments

Step: TypeAlias = Callable[[Variant[Any], Array, Any, Array], MixtureStep | None]

PAIR_SECONDS, FEATURE_SECONDS = 2.5e-9, 1.2e-10
"""What a row and a component take in NumPy: on their own, and for each number that a component learns."""

KERNELS: dict[type[Moments], str] = {
    FullMoments: "full",
    TiedMoments: "tied",
    DiagonalMoments: "diagonal",
    SphericalMoments: "spherical",
}

TURNED = 1e-3
"""A scatter below this share of that about the current mean is summed anew."""


def mixture_step(emissions: Variant[Any], x: Any) -> Step | None:
    """Return the E-step of mixtures of such components, given all rows, or None where plain NumPy should do it."""
    if isinstance(x, Incomplete):
        return None
    learnt = emissions.means.size + np.size(emissions.stored)
    pairs = len(x) * len(emissions.means)
    module = load("gaussian", pairs * PAIR_SECONDS + len(x) * learnt * FEATURE_SECONDS)
    return None if module is None else partial(_step, getattr(module, KERNELS[emissions.moments]))


def _step(kernel: Any, emissions: Variant[Any], weights: Array, x: Any, weight: Array) -> MixtureStep | None:
    """Return what rows tell; None where one of them is impossible, which the plain path knows how to treat."""
    with np.errstate(divide="ignore"):
        log_scale = np.log(weights)
    log_scale -= 0.5 * (emissions.structure.log_volume + emissions.means.shape[1] * LOG_2PI)
    roots = emissions.structure.inverse_roots
    log_marginal, count, first, scatter = kernel(x, weight, emissions.means, roots, log_scale)
    if not np.isfinite(log_marginal).all():
        return None
    moved = average(first, count, otherwise=np.zeros_like(first))  # (K, D)
    mean = np.where(count[:, None] > 0, emissions.means + moved, 0.0)
    before = TURNED * emissions.moments.squares(scatter)  # about the current means
    between = emissions.moments.between(count, moved)
    scatter = np.subtract(scatter, between, out=between)
    turned = ~(emissions.moments.squares(scatter) >= before)
    if turned.any() and emissions.moments is TiedMoments:  # one scatter for all, of which no part can be taken out
        return None
    for k in np.flatnonzero(turned.reshape(len(turned), -1).any(axis=1)) if turned.any() else ():
        alone = emissions.component(int(k))
        distance = square_distances(x, alone.means, alone.structure)[:, 0]
        share = np.exp(log_scale[k] - 0.5 * distance - log_marginal) * weight
        one = emissions.moments.of(x, share[:, None], about=mean[k : k + 1])
        mean[k], scatter[k] = one.mean[0], one.scatter[0]
    return MixtureStep(log_marginal, count, emissions.moments(count, mean, scatter))
