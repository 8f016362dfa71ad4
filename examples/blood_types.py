"""Count the genes behind the blood groups of 521 patients (Clarke and others, 1959).

Run with `python examples/blood_types.py`.
"""

import numpy as np

import emkit

GROUPS = ("A", "B", "AB", "O")
GENOTYPES = ("AA", "AO", "BB", "BO", "AB", "OO")


def main() -> None:
    counts = np.array([186, 38, 13, 284])  # people of each group
    people = emkit.Weighted(np.arange(4), counts)

    fit = emkit.fit(emkit.AlleleFrequencies.start(people), people, tol=1e-14)
    print(fit)

    print("\ngene   frequency")
    for gene, frequency in zip("ABO", fit.model.frequencies, strict=True):
        print(f"{gene:4}   {frequency:.4f}")

    print("\ngroup   seen   expected   genotypes behind it")
    expected = counts.sum() * np.exp(fit.model.log_marginal(np.arange(4)))
    for group, seen, many, posterior in zip(GROUPS, counts, expected, fit.model.posterior(np.arange(4)), strict=True):
        behind = ", ".join(f"{p:.1%} {name}" for name, p in zip(GENOTYPES, posterior, strict=True) if p > 0)
        print(f"{group:5}   {seen:4d}   {many:8.1f}   {behind}")


if __name__ == "__main__":
    main()
