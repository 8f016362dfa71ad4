"""Groups of PhD students from columns of three kinds: counts, yes or no, and a measurement.

Run it with `python examples/mixed_columns.py`. Each group has Poisson counts, Bernoulli answers and a normal
distribution of the prestige of the department; given the group, the columns are independent.
"""

import emkit
from emkit import Bernoulli, DiagonalGaussian, Mixture, Poisson, Product


def main() -> None:
    students = emkit.datasets.biochemists()
    column = {name: d for d, name in enumerate(students.features)}
    counts, answers = [column["articles"], column["children"], column["mentor"]], [column["woman"], column["married"]]
    recipe = Product.of((Poisson, counts), (Bernoulli, answers), (DiagonalGaussian, [column["prestige"]]))

    fits = {}
    for n_groups in range(1, 5):
        starts: list[Mixture[Product]] = [
            Mixture.start(students.data, n_groups, emissions=recipe, rng=seed) for seed in range(5)
        ]
        fit = fits[n_groups] = emkit.best_of(starts, students.data, tol=1e-6).best
        print(f"{n_groups} groups  log-likelihood {fit.log_likelihood:9.1f}  BIC {fit.bic:8.1f}")

    best = fits[min(fits, key=lambda k: fits[k].bic)].model
    publishing, private, prestige = best.emissions.blocks
    print("\nshare   articles  children  mentor's articles   women  married   prestige")
    for k, weight in enumerate(best.weights):
        articles, children, mentor = publishing.rates[k]
        women, married = private.probabilities[k]
        print(
            f"{weight:5.2f} {articles:10.2f} {children:9.2f} {mentor:18.1f} {women:7.2f} {married:8.2f} "
            f"{prestige.means[k, 0]:10.2f}"
        )


if __name__ == "__main__":
    main()
