"""One poor start, four algorithms: plain EM, and the variants that harden, temper or draw its responsibilities."""

import numpy as np

import emkit
from emkit import Annealed, Classification, GaussianMixture, Mixture, SphericalGaussian, Stochastic, TiedGaussian


def grid_of_clusters() -> emkit.Array:
    """Return 40 rows about each of nine places, (360, 2)."""
    rng = np.random.default_rng(0)
    places = [(4.0 * i, 4.0 * j) for i in range(3) for j in range(3)]
    return np.concatenate([rng.normal(place, 0.6, size=(40, 2)) for place in places])


def poor_start(x: emkit.Array, seed: int) -> GaussianMixture:
    """Return nine components at random rows, several of which are often of one cluster."""
    rows = np.random.default_rng(seed).choice(len(x), 9, replace=False)
    return GaussianMixture(np.full(9, 1 / 9), SphericalGaussian(x[rows], np.ones(9)))


def main() -> None:
    x = grid_of_clusters()

    print("log likelihoods from five poor starts, each gone on from by plain EM\n")
    print("start       plain EM  classification  annealed  stochastic")
    for seed in range(5):
        start = poor_start(x, seed)
        hard = emkit.fit(Classification(start), x).model.mixture
        drawn = emkit.fit(Stochastic(start, seed=seed), x, max_iter=50).model.mixture
        ends = [emkit.fit(model, x).log_likelihood for model in (start, hard, Annealed(start), drawn)]
        print("{:5d}  {:13.2f}  {:14.2f}  {:8.2f}  {:10.2f}".format(seed, *ends))

    fit = emkit.fit(Annealed(poor_start(x, 4)), x)
    tempered = [record.log_likelihood for record in fit.trace.records if record.ascends == "nothing"]
    print(f"\nannealed from start 4: {len(tempered)} tempered steps, then {len(fit.trace) - len(tempered) - 1} of EM")
    print(fit)

    centres = x[np.random.default_rng(4).choice(len(x), 9, replace=False)]
    held = TiedGaussian(centres, 0.5 * np.eye(2), fixed=frozenset({"covariance"}))
    k_means = emkit.fit(Classification(Mixture(np.full(9, 1 / 9), held, fixed=frozenset({"weights"}))), x)
    means = k_means.model.mixture.emissions.means
    print(f"\nk-means from start 4, with inertia {np.square(x - means[k_means.model.predict(x)]).sum():.2f}")
    print(k_means)


if __name__ == "__main__":
    main()
