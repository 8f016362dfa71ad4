"""A fit in motion: the ellipses of a mixture in the plane beside the trace of its objective."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.axes import Axes

from emkit.arguments import check_count
from emkit.models.gaussian_mixture import GaussianMixture
from emkit.plot.axes import count_along_x
from emkit.plot.mixtures import mixture
from emkit.run import Step


def animation(
    steps: Iterable[Step[GaussianMixture]],
    x: Any,
    axes: tuple[Axes, Axes] | None = None,
    *,
    features: Sequence[int] = (0, 1),
    milliseconds: int = 200,
    most: int = 200,
) -> FuncAnimation:
    """Return an animation of the steps of a fit: points and ellipses on the left, the objective on the right.

    `animation(...).save("fit.gif", writer="pillow")` writes a GIF, `.to_jshtml()` returns HTML5 with buttons.

    Args:
        steps: such as `itertools.islice(emkit.steps(start, x), 40)`.
        x: (N, D), or `Weighted`; rows of weight zero are left out.
        axes: where to draw the mixture and its trace; a new figure by default.
        features: the two columns to draw.
        milliseconds: for each step.
        most: of the steps that are drawn, since `emkit.steps` never end.

    Raises:
        ValueError: no steps, or not two different features.
        TypeError: steps of a model that is no GaussianMixture.
    """
    frames = list(islice(steps, check_count("most", most)))
    if not frames:
        raise ValueError("steps: expected at least one, such as itertools.islice(emkit.steps(start, x), 40)")
    if axes is None:
        axes = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")[1]
    plane, curve = axes
    figure = plane.get_figure(root=True)
    if figure is None:
        raise ValueError("axes: they belong to no figure")
    objective = np.array([step.objective for step in frames])
    iterations = [step.iteration for step in frames]

    def draw(i: int) -> list[Any]:
        plane.clear()
        curve.clear()
        mixture(frames[i].model, x, plane, features=features)
        plane.set_title(f"iteration {iterations[i]}")
        curve.plot(iterations, objective, color="0.8")
        curve.plot(iterations[: i + 1], objective[: i + 1], color="0.2", marker=".")
        count_along_x(curve)
        curve.set(xlabel="iteration", ylabel="objective (nats)", title=f"{objective[i]:.4f} nats")
        return []

    draw(0)
    return FuncAnimation(figure, draw, frames=len(frames), interval=milliseconds)
