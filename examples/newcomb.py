"""Newcomb's speed of light, 1882: two wild measurements, and a t distribution that weighs them for what they are.

The data are deviations from 24 800 nanoseconds, the time light took to travel 7.4 kilometres. Source: S. M. Stigler
(1977), Do robust estimators work with real data?, Annals of Statistics 5, 1055-1098, table 5; as in R MASS::newcomb.
"""

from typing import Any

import numpy as np

import emkit
from emkit import GaussianMixture, Mixture, StudentT

NEWCOMB = """
28 -44 29 30 24 28 37 32 36 27 26 28 29 26 27 22 23 20 25 25 36 23 31 32 24 27 33 16 24 29 36 21 28 26 27 27 32 25 28
24 40 21 31 32 28 26 30 27 26 24 32 29 34 -2 25 19 36 29 30 22 28 33 39 25 16 23
"""


def student(x: emkit.Array, **options: Any) -> emkit.Fit[Mixture[StudentT]]:
    start: Mixture[StudentT] = Mixture.start(x, 1, emissions=StudentT, rng=0, **options)
    return emkit.fit(start, x, tol=1e-12, max_iter=1000)


def main() -> None:
    x = np.array(NEWCOMB.split(), dtype=float)[:, None]  # (66, 1)

    gaussian = emkit.fit(GaussianMixture.start(x, 1, rng=0), x)
    (mean,), width = gaussian.model.means[0], np.sqrt(gaussian.model.covariances[0, 0, 0])
    print(f"{'':>20} location   scale   log-likelihood")
    print(f"{'Gaussian':>20} {mean:8.3f} {width:7.3f} {gaussian.log_likelihood:12.3f}")
    for degrees in (1.0, 2.0, 4.0, 8.0):
        print(line(f"t, {degrees:.0f} degrees held", student(x, degrees=degrees)))
    free = student(x, fixed=())
    print(line("t, degrees estimated", free))
    print(f"\nestimated degrees of freedom {free.model.emissions.degrees[0]:.3f}, after {free.n_iter} iterations")


def line(name: str, fit: emkit.Fit[Mixture[StudentT]]) -> str:
    found = fit.model.emissions
    return f"{name:>20} {found.locations[0, 0]:8.3f} {np.sqrt(found.scales[0, 0, 0]):7.3f} {fit.log_likelihood:12.3f}"


if __name__ == "__main__":
    main()
