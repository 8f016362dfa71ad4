"""Fit Poisson hidden Markov models to a century of earthquakes, and say how many regimes there were."""

from typing import Any

import numpy as np

import emkit
from emkit import HiddenMarkov, Poisson, StationaryHiddenMarkov


def main() -> None:
    years, counts = emkit.datasets.earthquakes().data.T
    series = [counts[:, None]]  # one sequence of 107 years

    print("states  start       log-likelihood      AIC  rates per year")
    fits = {}
    for n_states in (1, 2, 3):
        for name, model in (("free", HiddenMarkov), ("stationary", StationaryHiddenMarkov)):
            start: Any = model.start(series, n_states, rng=0, emissions=Poisson)
            fit = fits[n_states, name] = emkit.fit(start, series)
            rates = ", ".join(f"{rate:.1f}" for rate in np.sort(fit.model.emissions.rates[:, 0]))
            print(f"{n_states:6d}  {name:10s}  {fit.log_likelihood:14.4f}  {fit.aic:7.2f}  {rates}")

    best = fits[min(fits, key=lambda key: fits[key].aic)].model
    path = best.decode(series)[0]
    changes = np.flatnonzero(np.diff(path)) + 1
    print("\nthe most probable regimes of the model with the smallest AIC:")
    for begin, end in zip([0, *changes], [*changes, len(path)], strict=True):
        rate = best.emissions.rates[path[begin], 0]
        print(f"  {years[begin]:.0f} to {years[end - 1]:.0f}  {rate:5.1f} earthquakes per year")

    (forecast,) = best.forecast(series)
    quiet = np.exp(forecast.log_marginal(np.arange(10.0)[:, None])).sum()
    print(f"\nexpected in {years[-1] + 1:.0f}: {forecast.weights @ best.emissions.rates[:, 0]:.1f}")
    print(f"probability of fewer than ten: {quiet:.3f}")


if __name__ == "__main__":
    main()
