"""Articles of PhD students of biochemistry: a point mass at zero beside a Poisson distribution.

More students publish nothing than any one rate explains. A mixture of states of different kinds tells those who do not
publish at all from those who might have, and did not in these three years.
Source: J. S. Long (1990), Social Forces 68, 1297-1316.

Run with `python examples/zero_inflation.py`.
"""

from typing import Any

import numpy as np

import emkit
from emkit import Mixture, PointMass, Poisson, Stacked


def expected_students(model: Mixture[Any], counts: emkit.Array, n: int) -> emkit.Array:
    """Return how many of n students a model expects with each count, (counts,)."""
    return n * np.exp(model.log_marginal(counts[:, None]))


def main() -> None:
    x = emkit.datasets.biochemists().data[:, :1]
    plain = emkit.fit(Mixture(np.ones(1), Poisson(np.ones((1, 1)))), x)
    zero_or_more = Stacked.of(PointMass(np.zeros((1, 1))), Poisson)
    start: Mixture[Stacked] = Mixture.start(x, 2, emissions=zero_or_more, rng=0)
    inflated = emkit.fit(start, x)
    print(inflated)

    model = inflated.model
    may_publish = model.posterior(np.zeros((1, 1)))[0, 1]
    print(f"never publish   {model.weights[0]:.3f} of all students")
    print(f"rate            {model.emissions.parts[1].rates[0, 0]:.3f} articles, of all others")
    print(f"by chance       {may_publish:.3f} of those without an article")

    counts = np.arange(8.0)
    observed = [int((x == count).sum()) for count in counts]
    columns = (expected_students(fit.model, counts, len(x)) for fit in (plain, inflated))
    print(f"\n{'articles':>8}{'students':>10}{'Poisson':>10}{'inflated':>10}")
    for row in zip(counts, observed, *columns, strict=True):
        print("{:8.0f}{:10d}{:10.1f}{:10.1f}".format(*row))
    print(f"\nBIC{plain.bic:25.1f}{inflated.bic:10.1f}")


if __name__ == "__main__":
    main()
