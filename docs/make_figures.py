"""Draw the figures of the documentation. Run with `python docs/make_figures.py [folder]`; docs/figures/ by default."""

import json
import sys
from pathlib import Path
from runpy import run_path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")  # write files; no screen is needed

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from scipy.cluster.vq import kmeans2

import emkit
import emkit.plot
from emkit import DiagonalGaussian, GaussianMixture

FIGURES = Path(__file__).parent / "figures"
EXAMPLES = Path(__file__).parents[1] / "examples"
MEASURED = Path(__file__).parents[1] / "benchmarks" / "acceleration.json"


def kmeans_and_mixture() -> Figure:
    """Draw k-means' hard labels beside the mixture's responsibilities, on Old Faithful."""
    x = emkit.datasets.faithful().data
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    centres, labels = kmeans2(scaled, 2, rng=np.random.default_rng(0), minit="++")
    centres = centres * x.std(axis=0) + x.mean(axis=0)
    fit = emkit.fit(GaussianMixture.start(x, 2, rng=0), x)
    same = int(np.argmin(np.abs(centres[:, 0] - fit.model.means[0, 0])))  # the cluster that component 0 stands for
    palette = emkit.plot.colours(2)[:: 1 if same == 0 else -1]

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), sharex=True, sharey=True, layout="constrained")
    left.scatter(*x.T, c=palette[labels], s=22, edgecolors="0.2", linewidths=0.4)
    left.scatter(*centres.T, marker="X", s=90, c=palette, edgecolors="black", zorder=3)
    emkit.plot.mixture(fit.model, x, right)
    left.set_title("k-means")
    right.set_title("Gaussian mixture")
    for ax in (left, right):
        ax.set(xlabel="eruption (min)", ylabel="waiting (min)")
    return figure


def responsibilities() -> Figure:
    """Draw the plane of Old Faithful by responsibility, with the eruptions on top."""
    x = emkit.datasets.faithful().data
    fit = emkit.fit(GaussianMixture.start(x, 2, rng=0), x)
    figure, ax = plt.subplots(figsize=(5, 3.8), layout="constrained")
    emkit.plot.responsibilities(fit.model, x, ax)
    ax.plot(*x.T, ".", color="0.2", markersize=3)
    ax.set(xlabel="eruption (min)", ylabel="waiting (min)")
    return figure


def trace() -> Figure:
    """Draw the objective of a fit of Old Faithful that starts at two random rows."""
    x = emkit.datasets.faithful().data
    fit = emkit.fit(GaussianMixture.start_at_points(x, 2, rng=3, prior=None), x)
    figure, ax = plt.subplots(figsize=(5, 3.4), layout="constrained")
    emkit.plot.trace(fit, ax)
    return figure


def singularity() -> Figure:
    """Draw the objective against the width of a component on one point, and EM's way from there."""
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(0, 1, (30, 1)), rng.normal(6, 1, (30, 1))])
    prior = emkit.NormalInverseGamma.fraley_raftery(points, 2)

    def with_width(width: float, prior: emkit.NormalInverseGamma | None) -> GaussianMixture:
        means, variances = [points.mean(axis=0), points[0]], [points.var(axis=0), [width**2]]
        return GaussianMixture([0.5, 0.5], DiagonalGaussian(means, variances, prior))

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    widths = np.logspace(-40, 0.5, 300)
    for given, name, colour in ((None, "log likelihood", "tab:red"), (prior, "log likelihood + log prior", "tab:blue")):
        models = [with_width(width, given) for width in widths]
        objective = [model.log_marginal(points).sum() + model.log_prior() for model in models]
        left.semilogx(widths, objective, color=colour, label=name)
        fit = emkit.fit(with_width(1e-3, given), points)
        right.plot(fit.trace, ".-", color=colour, label=f"{'no prior' if given is None else 'prior'}: {fit.outcome}")
    left.set(xlabel="width of a component on one point", ylabel="nats", ylim=(-250, 0), title="the singularity")
    right.set(xlabel="iteration", ylabel="objective (nats)", ylim=(-250, 0), title="EM from width 0.001")
    for ax in (left, right):
        ax.legend()
    return figure


def iris() -> Figure:
    """Draw the mixture on two iris features, the plane by responsibility, and the species."""
    iris = emkit.datasets.iris()
    x = iris.data[:, :2]
    fit = emkit.fit(GaussianMixture.start(x, 3, rng=1234), x)
    figure, (points, plane, truth) = plt.subplots(1, 3, figsize=(12, 3.8), sharey=True, layout="constrained")
    emkit.plot.mixture(fit.model, x, points, outline="contours")
    emkit.plot.responsibilities(fit.model, x, plane)
    for ax in (plane, truth):
        for species, (name, marker) in enumerate(zip(iris.label_names, "o^s", strict=True)):
            ax.plot(*x[iris.labels == species].T, marker, color="0.3", markerfacecolor="none", label=name)
    plane.set_title("plane by responsibility, points by species")
    truth.set_title("true species")
    truth.legend()
    for ax in (points, plane, truth):
        ax.set(xlabel="sepal length (cm)", ylabel="sepal width (cm)")
    return figure


def bound() -> Figure:
    """Draw what each iteration gains, and the bounds that touch the objective, of a mixture on Old Faithful."""
    x = emkit.datasets.faithful().data
    start = GaussianMixture.start(x, 3, rng=0)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    emkit.plot.gains(emkit.fit(start, x, record=emkit.lab.gains), left)
    emkit.plot.bound(start, x, right)
    return figure


def performance_profile() -> Figure:
    """Draw for each algorithm which share of the slow cases it solves within so many times the cost of the best."""
    cases = json.loads(MEASURED.read_text(encoding="utf-8"))["slow cases"]
    figure, axes = plt.subplots(1, 2, figsize=(11, 4), sharey=True, layout="constrained")
    names = list(cases[0]["outcomes"])
    for ax, cost in zip(axes, ("passes", "seconds"), strict=True):
        costs = np.array([[_cost(case["outcomes"][name], cost) for name in names] for case in cases])  # (cases, names)
        ratios = costs / costs.min(axis=1, keepdims=True)
        for name, ratio, colour in zip(names, ratios.T, emkit.plot.colours(len(names)), strict=True):
            reached = np.sort(ratio[np.isfinite(ratio)])
            shares = np.arange(len(reached) + 1) / len(cases)
            ax.step([1, *reached, 1e3], [*shares, shares[-1]], where="post", label=name, color=colour)
        ax.set(xscale="log", xlim=(1, 300), xlabel=f"{cost}, times those of the best")
    axes[0].set_ylabel("share of the slow cases solved")
    axes[0].legend()
    return figure


def _cost(outcome: dict[str, Any], cost: str) -> float:
    return float(outcome[cost]) if outcome["reached"] else np.inf


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FIGURES
    folder.mkdir(exist_ok=True)
    for draw in (kmeans_and_mixture, responsibilities, trace, singularity, iris, bound, performance_profile):
        draw().savefig(folder / f"{draw.__name__}.png", dpi=100)
    run_path(str(EXAMPLES / "monotone_lab.py"))["main"](folder / "monotone_lab.png")
