"""A Gaussian mixture in the plane of two of its features."""

from collections.abc import Sequence
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Ellipse

from emkit.arrays import Array
from emkit.data import as_matrix, split_weight
from emkit.models.gaussian_mixture import GaussianMixture
from emkit.plot.axes import axes_or_new

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442")
"""Colours that colour-blind readers can tell apart (M. Okabe and K. Ito, 2008)."""

GRID = 200


def colours(n_components: int) -> Array:
    """Return one colour for each component, (K, 3) red, green and blue from 0 to 1."""
    if n_components <= len(PALETTE):
        return np.array([to_rgb(name) for name in PALETTE[:n_components]])
    return plt.get_cmap("hsv")(np.arange(n_components) / n_components)[:, :3]


def mixture(
    model: GaussianMixture,
    x: Any,
    ax: Axes | None = None,
    *,
    features: Sequence[int] = (0, 1),
    outline: Literal["ellipses", "contours"] = "ellipses",
) -> Axes:
    """Draw points coloured by their responsibilities, with component means and outlines.

    Args:
        model: a mixture of D features.
        x: (N, D), or `Weighted`; rows of weight zero are left out.
        ax: where to draw; a new figure by default.
        features: the two columns to draw; responsibilities are those given all D.
        outline: ellipses at one and two standard deviations, or contours of the mixture's density.

    Raises:
        ValueError: not two different features, or an outline of another name.
    """
    if outline not in ("ellipses", "contours"):
        raise ValueError(f'outline: expected "ellipses" or "contours", found {outline!r}')
    rows = _rows(model, x)
    plane = _plane(model, features)
    ax = axes_or_new(ax)
    palette = colours(len(model.weights))
    first, second = rows[:, features].T
    mixed = _blend(model.posterior(rows), palette)  # (N, 3)
    ax.scatter(first, second, c=mixed, s=22, edgecolors="0.2", linewidths=0.4)
    if outline == "ellipses":
        for mean, covariance, colour in zip(plane.means, plane.covariances, palette, strict=True):
            _add_ellipses(ax, mean, covariance, colour)
    else:
        across, up, grid = _grid(rows[:, features])
        density = np.exp(plane.log_marginal(grid)).reshape(across.shape)
        ax.contour(across, up, density, levels=8, colors="0.3", linewidths=0.7)
    ax.scatter(plane.means[:, 0], plane.means[:, 1], marker="X", s=90, c=palette, edgecolors="black", zorder=3)
    _label(ax, features, "points by responsibility")
    return ax


def responsibilities(
    model: GaussianMixture, x: Any, ax: Axes | None = None, *, features: Sequence[int] = (0, 1)
) -> Axes:
    """Draw the plane, each place in the mix of colours of its responsibilities, weights included.

    Args:
        model: a mixture of D features.
        x: (N, D), or `Weighted`: the plane drawn is where its rows are.
        ax: where to draw; a new figure by default.
        features: the two columns to draw; other columns are marginalised.

    Raises:
        ValueError: not two different features.
    """
    rows = _rows(model, x)
    plane = _plane(model, features)
    ax = axes_or_new(ax)
    first, second, grid = _grid(rows[:, features])
    image = _blend(plane.posterior(grid), colours(len(model.weights))).reshape(*first.shape, 3)
    extent = (float(first.min()), float(first.max()), float(second.min()), float(second.max()))
    ax.imshow(image, extent=extent, origin="lower", aspect="auto", alpha=0.6, interpolation="bilinear")
    _label(ax, features, "plane by responsibility")
    return ax


def _rows(model: GaussianMixture, x: Any) -> Array:
    if not isinstance(model, GaussianMixture):
        raise TypeError(f"model: expected a GaussianMixture, such as fit.model, found a {type(model).__name__}")
    data, weight = split_weight(x)
    rows = as_matrix(data, features=model.means.shape[1])
    return rows if weight is None else rows[weight > 0]


def _plane(model: GaussianMixture, features: Sequence[int]) -> GaussianMixture:
    if len(features) != 2 or model.means.shape[1] < 2:
        raise ValueError(
            f"features: a picture needs two columns to draw, found {list(features)} of {model.means.shape[1]}"
        )
    return model.marginal(features)


def _grid(points: Array) -> tuple[Array, Array, Array]:
    """Return a grid over the points (N, 2) with a margin: two coordinate images and their rows (GRID², 2)."""
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.08 * np.where(high > low, high - low, 1.0)
    axes = np.linspace(low - margin, high + margin, GRID)  # (GRID, 2)
    first, second = np.meshgrid(axes[:, 0], axes[:, 1])
    return first, second, np.column_stack([first.ravel(), second.ravel()])


def _blend(posterior: Array, palette: Array) -> Array:
    """Return the mixed colours (N, 3) of responsibilities (N, K)."""
    return np.clip(posterior @ palette, 0.0, 1.0)


def _add_ellipses(ax: Axes, mean: Array, covariance: Array, colour: Array) -> None:
    variances, axes = np.linalg.eigh(covariance)
    angle = float(np.degrees(np.arctan2(axes[1, 1], axes[0, 1])))
    for deviations in (1, 2):
        height, width = 2 * deviations * np.sqrt(variances)
        place = (float(mean[0]), float(mean[1]))
        ax.add_patch(Ellipse(place, float(width), float(height), angle=angle, fill=False, edgecolor=tuple(colour)))


def _label(ax: Axes, features: Sequence[int], title: str) -> None:
    ax.set(xlabel=f"feature {features[0]}", ylabel=f"feature {features[1]}", title=title)
