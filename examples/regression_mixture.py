"""Two lines through one cloud: how rich a mixture an engine burnt, from the nitric oxide in its exhaust.

The same exhaust comes from lean mixtures and from rich ones, so that one regression line fits neither.
"""

import numpy as np

import emkit
from emkit import LinearRegression, Mixture


def main() -> None:
    ethanol = emkit.datasets.ethanol()
    x = ethanol.data  # nitric oxide, and the response last: the equivalence ratio

    one = emkit.best_of([start(x, 1, 0)], x)
    two = emkit.best_of((start(x, 2, seed) for seed in range(8)), x)
    print(two)
    print(f"one line        log-likelihood {one.best.log_likelihood:.2f}")
    print(f"two lines       log-likelihood {two.best.log_likelihood:.2f}\n")

    model = two.best.model
    lines = model.emissions
    for weight, a, (b,), deviation in zip(
        model.weights, lines.intercepts, lines.coefficients, deviations(model), strict=True
    ):
        print(f"{weight:6.1%} of runs    ratio = {a:.3f} {b:+.3f} NO, give or take {deviation:.3f}")

    levels = np.array([[1.0], [2.0], [3.0]])
    print("\nexpected ratio at nitric oxide of 1, 2 and 3:")
    print(np.array2string(lines.expected_response(levels), precision=3))


def start(x: emkit.Array, n_lines: int, seed: int) -> Mixture[LinearRegression]:
    how = emkit.starts.random_responsibilities  # clusters of points are no lines
    return Mixture.start(x, n_lines, emissions=LinearRegression, rng=seed, how=how)


def deviations(model: Mixture[LinearRegression]) -> emkit.Array:
    return np.sqrt(model.emissions.variances)


if __name__ == "__main__":
    main()
