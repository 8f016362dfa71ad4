"""Latent class analysis: seven pathologists judge 118 slides; which slides do they agree on, and who differs?

Run it with `python examples/latent_classes.py`. It fits one to four classes of slides and prints the best.
"""

import emkit
from emkit import Bernoulli, Mixture


def main() -> None:
    slides = emkit.datasets.carcinoma()
    fits = {}
    for n_classes in range(1, 5):
        starts: list[Mixture[Bernoulli]] = [
            Mixture.start(slides.data, n_classes, emissions=Bernoulli, rng=seed) for seed in range(5)
        ]
        fit = fits[n_classes] = emkit.best_of(starts, slides.data).best
        print(f"{n_classes} classes  log-likelihood {fit.log_likelihood:8.2f}  BIC {fit.bic:7.2f}")

    n_classes = min(fits, key=lambda k: fits[k].bic)
    model = fits[n_classes].model
    print(f"\n{fits[n_classes]}\n\nshare of slides and chance that a pathologist sees carcinoma, by class")
    print("       share  " + "  ".join(f"{name:>4}" for name in slides.features))
    for k, weight in enumerate(model.weights):
        print(f"class {k}  {weight:.2f}  " + "  ".join(f"{p:4.2f}" for p in model.emissions.probabilities[k]))


if __name__ == "__main__":
    main()
