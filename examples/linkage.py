"""Estimate genetic linkage from four counts, with every iterate: the first example of the paper that named EM.

Dempster, Laird and Rubin (1977), section 1. Run with `python examples/linkage.py`.
"""

import numpy as np

import emkit


def main() -> None:
    counts = np.array([125, 18, 20, 34])  # animals seen in each of four cells
    animals = emkit.Weighted(np.arange(4), counts)

    print("iteration   theta         log-likelihood")
    for step in emkit.steps(emkit.Linkage(0.5), animals):
        print(f"{step.iteration:9d}   {step.model.theta:.9f}   {step.objective:.9f}")
        if step.iteration == 8:
            break

    fit = emkit.fit(emkit.Linkage.start(animals), animals, tol=1e-14)
    print(f"\n{fit}")
    print(f"theta           {fit.model.theta:.10f}")
    print(f"in closed form  {(15 + np.sqrt(53809)) / 394:.10f}")

    half, quarter = fit.model.posterior([0])[0, :2] * counts[0]
    print(
        f"\nof the {counts[0]} animals in cell 0, {half:.1f} are expected in the half and {quarter:.1f} in the quarter"
    )

    prior = emkit.Dirichlet(np.array([1.0, 11.0]))  # as if ten more animals had been seen in cell 1 or 2
    shrunk = emkit.fit(emkit.Linkage.start(animals, prior), animals, tol=1e-14)
    print(f"with a prior worth ten animals, theta is {shrunk.model.theta:.4f}")


if __name__ == "__main__":
    main()
