"""How long do eruptions of Old Faithful last? Mixtures of gamma and of exponential distributions, compared by BIC.

Run it with `python examples/durations.py`. A gamma distribution with a large shape is a bell, with shape 1 an
exponential: the shapes tell which of the two the data need.
"""

import emkit
from emkit import Exponential, Gamma, Mixture


def main() -> None:
    minutes = emkit.datasets.faithful().data[:, :1]  # (272, 1)
    for family in (Exponential, Gamma):
        for n_components in (1, 2):
            start: Mixture[Gamma | Exponential] = Mixture.start(minutes, n_components, emissions=family, rng=0)
            fit = emkit.fit(start, minutes)
            print(
                f"{family.__name__:12} {n_components} components  {fit.outcome!s:10} "
                f"log-likelihood {fit.log_likelihood:8.2f}  BIC {fit.bic:8.2f}"
            )

    best: Mixture[Gamma] = emkit.fit(Mixture.start(minutes, 2, emissions=Gamma, rng=0), minutes).model
    print("\ntwo gamma components: weight, mean in minutes, shape")
    for weight, shape, rate in zip(best.weights, best.emissions.shapes[:, 0], best.emissions.rates[:, 0], strict=True):
        print(f"{weight:6.3f} {shape / rate:8.3f} {shape:8.1f}")


if __name__ == "__main__":
    main()
