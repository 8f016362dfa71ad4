"""Fit a three-component Gaussian mixture to two iris features by EM, and draw what it found.

Run with `python examples/iris_mixture.py [figure.png]`.
"""

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")  # write a file; no screen is needed

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from scipy.optimize import linear_sum_assignment

import emkit
import emkit.plot


def species_colours(iris: emkit.datasets.Dataset, posterior: emkit.Array) -> emkit.Array:
    """Give each species the colour of the component that stands for it: the pairing that agrees best."""
    agreement = np.array([posterior[iris.labels == species].sum(axis=0) for species in range(3)])  # (3, 3)
    _, component = linear_sum_assignment(agreement, maximize=True)
    return emkit.plot.colours(3)[component]


def draw_species(ax: Axes, iris: emkit.datasets.Dataset, colours: emkit.Array) -> None:
    for species, (name, marker) in enumerate(zip(iris.label_names, "o^s", strict=True)):
        first, second = iris.data[iris.labels == species, :2].T
        ax.scatter(first, second, marker=marker, color=colours[species], s=30, edgecolors="black", label=name)


def main(path: Path) -> None:
    iris = emkit.datasets.iris()
    x = iris.data[:, :2]  # sepal length and width, cm

    fit = emkit.fit(emkit.GaussianMixture.start(x, 3, rng=1234), x)
    print(fit)

    figure, (by_point, by_plane, truth) = plt.subplots(
        1, 3, figsize=(15, 4.6), sharex=True, sharey=True, layout="constrained"
    )
    emkit.plot.mixture(fit.model, x, by_point, outline="contours")
    emkit.plot.responsibilities(fit.model, x, by_plane)
    colours = species_colours(iris, fit.model.posterior(x))
    draw_species(by_plane, iris, colours)
    draw_species(truth, iris, colours)
    by_plane.set_title("plane by responsibility, points by species")
    truth.set_title("true species")
    truth.legend()
    for ax in (by_point, by_plane, truth):
        ax.set(xlabel="sepal length (cm)", ylabel="sepal width (cm)")
    figure.savefig(path, dpi=120)
    print(f"figure          {path.resolve()}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "iris_mixture.png"))
