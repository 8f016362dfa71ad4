"""Life of motor insulation by temperature, from a test that ended before all motorettes had failed.

Schmee and Hahn (1979), Technometrics 21, 417-432. The logarithm of life is linear in the inverse of absolute
temperature (Arrhenius); motorettes still running are right-censored. Run with `python examples/motorettes.py`.
"""

import numpy as np

import emkit
from emkit import Censored, CensoredNormal

FAILED = {  # hours, by temperature in degrees Celsius
    150: [],
    170: [1764, 2772, 3444, 3542, 3780, 4860, 5196],
    190: [408, 408, 1344, 1344, 1440],
    220: [408, 408, 504, 504, 504],
}
RUNNING = {150: [8064] * 10, 170: [5448] * 3, 190: [1680] * 5, 220: [528] * 5}


def inverse_temperature(celsius: emkit.Array) -> emkit.Array:
    return 1000 / (celsius + 273.2)


def main() -> None:
    rows = [(t, hours, True) for t, times in FAILED.items() for hours in times]
    rows += [(t, hours, False) for t, times in RUNNING.items() for hours in times]
    celsius, hours, failed = np.array(rows).T
    data = Censored.right(np.log10(hours), failed, inverse_temperature(celsius)[:, None])

    fit = emkit.fit(CensoredNormal.start(data), data, tol=1e-12)
    print(fit)
    model = fit.model
    print(f"log10(hours) = {model.intercept:.3f} + {model.coefficients[0]:.3f} * 1000 / kelvin")
    print(f"standard deviation of log10(hours): {model.standard_deviation:.3f}")

    print("\ntemperature   median life    typical life of those still running")
    known = model.posterior(data)
    for t in FAILED:
        (median,) = model.predict([[inverse_temperature(np.array(t, dtype=float))]])
        still = 10 ** known.mean[(celsius == t) & (failed == 0)].mean()
        print(f"{t:8d} C {10**median:12.0f} h {still:12.0f} h")
    (median,) = model.predict([[inverse_temperature(np.array(130.0))]])
    print(f"{130:8d} C {10**median:12.0f} h        (extrapolated)")


if __name__ == "__main__":
    main()
