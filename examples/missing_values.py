"""Fit a normal distribution to days of which ozone or sun were not always measured, and fill in what is missing.

Every number that was measured counts, those of incomplete days too. Run with `python examples/missing_values.py`.
"""

import numpy as np

import emkit
from emkit import GaussianMixture, Incomplete


def hidden(x: emkit.Array, rng: np.random.Generator, column: int, share: float) -> emkit.Array:
    """Return x with a share of the values of one column missing as well."""
    measured = np.flatnonzero(~np.isnan(x[:, column]))
    fewer = x.copy()
    fewer[rng.choice(measured, int(share * len(measured)), replace=False), column] = np.nan
    return fewer


def main() -> None:
    air = emkit.datasets.airquality()
    x = air.data
    print("days", len(x), " complete", int((~np.isnan(x)).all(axis=1).sum()))

    fit = emkit.fit(GaussianMixture.start(Incomplete(x), 1, rng=0), Incomplete(x))
    print(fit)
    complete = x[~np.isnan(x).any(axis=1)]
    print(f"\n{'mean':12s}{'complete days':>16s}{'all days':>12s}")
    for name, one, other in zip(air.features, complete.mean(axis=0), fit.model.means[0], strict=True):
        print(f"{name:12s}{one:16.2f}{other:12.2f}")

    day = int(np.argmax(np.where(np.isnan(x[:, 0]), x[:, 3], 0.0)))  # the hottest one without ozone
    filled = fit.model.impute(Incomplete(x))  # expected values
    draws = np.array([fit.model.sample_missing(Incomplete(x), seed)[day, 0] for seed in range(200)])
    print(f"\nday {day + 1}: ozone {filled[day, 0]:.0f} expected, {draws.std():.0f} standard deviation of draws")

    fewer = hidden(x, np.random.default_rng(1), 0, 0.3)
    model = emkit.fit(GaussianMixture.start(Incomplete(fewer), 1, rng=0), Incomplete(fewer)).model
    held_out = np.isnan(fewer[:, 0]) & ~np.isnan(x[:, 0])
    truth = x[held_out, 0]
    by_model = model.impute(Incomplete(fewer))[held_out, 0]
    print("\ntypical error of ozone values hidden from the fit")
    for name, guess in [("imputed", by_model), ("column mean", np.nanmean(fewer[:, 0]))]:
        print(f"{name:12s}{np.sqrt(np.mean((guess - truth) ** 2)):8.1f}")


if __name__ == "__main__":
    main()
