"""Deaths of women over 80 announced in The Times: days of two kinds, each with a Poisson distribution.

The table counts days by their number of deaths, 1910 to 1912; each row of data is weighted by its number of days.
Source: V. Hasselblad (1969), Journal of the American Statistical Association 64, 1459-1471.

Run with `python examples/london_times.py`.
"""

import numpy as np
from scipy.stats import poisson

import emkit

DEATHS = np.arange(10.0)
DAYS = np.array([162, 267, 271, 185, 111, 61, 27, 8, 3, 1])


def fitted(n_components: int) -> emkit.Fit[emkit.Mixture[emkit.Poisson]]:
    x = emkit.Weighted(DEATHS[:, None], DAYS)
    start: emkit.Mixture[emkit.Poisson] = emkit.Mixture.start(x, n_components, emissions=emkit.Poisson, rng=0)
    return emkit.fit(start, x, tol=1e-13, max_iter=10_000)


def expected_days(model: emkit.Mixture[emkit.Poisson]) -> emkit.Array:
    """Return how many days of each row a mixture expects, (10,)."""
    return DAYS.sum() * poisson.pmf(DEATHS[:, None], model.emissions.rates[:, 0]) @ model.weights


def main() -> None:
    one, two = fitted(1), fitted(2)
    print(two)
    for k in np.argsort(two.model.emissions.rates[:, 0]):
        print(f"component {k}     {two.model.weights[k]:.4f} of the days, {two.model.emissions.rates[k, 0]:.4f} deaths")
    print(f"\n{'deaths':>6}{'days':>8}{'one Poisson':>14}{'two':>8}")
    for row in zip(DEATHS, DAYS, expected_days(one.model), expected_days(two.model), strict=True):
        print("{:6.0f}{:8d}{:14.1f}{:8.1f}".format(*row))
    print(f"\nBIC           {one.bic:14.1f}{two.bic:8.1f}")


if __name__ == "__main__":
    main()
