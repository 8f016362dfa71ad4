"""Speed or accuracy: reaction times and answers of one person, by a hidden Markov model of two moods."""

import numpy as np

import emkit
from emkit import Bernoulli, DirichletRows, FullGaussian, HiddenMarkov, Product


def main() -> None:
    speed = emkit.datasets.speed()
    series = [speed.data[speed.labels == k] for k in range(3)]  # log reaction time, correct or not
    emissions = Product.of((FullGaussian, [0]), (Bernoulli, [1]))

    start: HiddenMarkov[Product] = HiddenMarkov.start(series, 2, rng=0, emissions=emissions)
    fit = emkit.fit(start, series)
    print(fit)
    times, answers = fit.model.emissions.blocks
    for k in range(2):
        print(
            f"state {k}         {np.exp(times.means[k, 0]):.0f} ms, {answers.probabilities[k, 0]:.0%} correct, "
            f"stays with probability {fit.model.transition[k, k]:.3f}"
        )

    print("\nsequence  trials  changes of mood on the most probable path")
    for i, path in enumerate(fit.model.decode(series)):
        print(f"{i:8d}  {len(path):6d}  {np.count_nonzero(np.diff(path)):7d}")

    prior = DirichletRows.diagonal(2, same=200.0)  # as if 199 stays of each state had been seen
    lasting = emkit.fit(emkit.replace(start, transition_prior=prior), series)
    changes = sum(np.count_nonzero(np.diff(path)) for path in lasting.model.decode(series))
    print(f"\nwith a prior for moods that last: {changes} changes, log-likelihood {lasting.log_likelihood:.2f}")


if __name__ == "__main__":
    main()
