"""A fit in motion: the ellipses of a mixture in the plane beside the trace of its objective."""

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation

from emkit.models.gaussian_mixture import GaussianMixture
from emkit.plot.mixtures import mixture
from emkit.run import Step


def animation(
    steps: Iterable[Step[GaussianMixture]], x: Any, *, features: Sequence[int] = (0, 1), milliseconds: int = 200
) -> FuncAnimation:
    """Return an animation of the steps of a fit: points and ellipses on the left, the objective on the right.

    `animation(...).save("fit.gif", writer="pillow")` writes a GIF, `.to_jshtml()` returns HTML5 with buttons.

    Args:
        steps: such as `itertools.islice(emkit.steps(start, x), 40)`.
        x: (N, D), or `Weighted`; rows of weight zero are left out.
        features: the two columns to draw.
        milliseconds: for each step.

    Raises:
        ValueError: no steps, or not two different features.
        TypeError: steps of a model that is no GaussianMixture.
    """
    frames = list(steps)
    if not frames:
        raise ValueError("steps: expected at least one, such as itertools.islice(emkit.steps(start, x), 40)")
    figure, (plane, curve) = plt.subplots(1, 2, figsize=(10, 4.5))
    objective = np.array([step.objective for step in frames])
    iterations = [step.iteration for step in frames]

    def draw(i: int) -> list[Any]:
        plane.clear()
        curve.clear()
        mixture(frames[i].model, x, plane, features=features)
        plane.set_title(f"iteration {iterations[i]}")
        curve.plot(iterations, objective, color="0.8")
        curve.plot(iterations[: i + 1], objective[: i + 1], color="0.2", marker=".")
        curve.set(xlabel="iteration", ylabel="objective (nats)", title=f"{objective[i]:.4f} nats")
        return []

    draw(0)
    figure.tight_layout()
    return FuncAnimation(figure, draw, frames=len(frames), interval=milliseconds)
