"""Where emissions begin: from a sample of many rows where the family takes one, else from all of them."""

from typing import Any

import numpy as np
import pytest

import emkit
from emkit import Array, DiagonalGaussian, FullGaussian, Poisson, Weighted
from emkit.emissions.starting import LARGER, ROWS_PER_STATE, begun, shared_out
from emkit.samples import sample_size
from emkit.starts import k_means

N = 200_000


class Sampled:
    """A family of diagonal Gaussians that a sample starts; it keeps how many rows it was asked about."""

    def __init__(self, family: Any = DiagonalGaussian) -> None:
        self.family, self.settled_on, self.made_of = family, [], []  # type: ignore[var-annotated]

    def settled(self, x: Any, weight: Array, n_states: int, options: dict[str, Any]) -> dict[str, Any]:
        """Settle a prior on all rows."""
        self.settled_on.append(len(x))
        return {**options, "prior": None}

    def read(self, x: Any) -> Any:
        """Return the rows, checked."""
        return self.family.read(x)

    def features(self, x: Any) -> Array:
        """Return the rows."""
        return np.asarray(x)

    def around(self, x: Any, posterior: Array, *, prior: Any = "ridge") -> Any:
        """Return Gaussians, with the prior that was settled."""
        self.made_of.append(len(x))
        return self.family.around(x, posterior, prior=prior)


def begin(family: Any, rows: Weighted[Any], n_states: int) -> tuple[Any, Array]:
    """Return where a fit begins, by k-means."""
    rng = np.random.default_rng(0)
    return begun(family, rows, n_states, rng, {}, lambda few, o: shared_out(family, few, n_states, k_means, rng, o))


def two_groups(n: int = N) -> Array:
    """Return rows (n, 2), two fifths of them about (6, 6) and the rest about 0."""
    rng = np.random.default_rng(1)
    return rng.normal(size=(n, 2)) + 6.0 * (rng.random((n, 1)) < 0.4)


def test_a_sample_starts_where_the_family_takes_one() -> None:
    """The options are settled on all rows, the emissions made of few, and lie at the truth; counts add up to all."""
    family = Sampled()
    emissions, count = begin(family, Weighted(two_groups(), np.full(N, 0.5)), 2)
    assert family.settled_on == [N]
    assert family.made_of == [sample_size(2, 2)]
    assert emissions.prior is None
    order = np.argsort(emissions.means[:, 0])
    assert np.abs(emissions.means[order] - [[0, 0], [6, 6]]).max() < 0.1
    assert np.abs(count[order] / (N / 2) - [0.6, 0.4]).max() < 0.03
    assert count.sum() == pytest.approx(N / 2)


def test_other_families_see_all_rows() -> None:
    """A family that does not say that a sample will do is asked about every row: a category must not be missed."""
    seen = []

    def how(x: Array, weight: Array, n_components: int, rng: np.random.Generator) -> Array:
        seen.append(len(x))
        return k_means(x, weight, n_components, rng)

    emkit.Mixture.start(np.floor(two_groups(20_000) ** 2), 2, emissions=Poisson, rng=0, how=how)
    assert seen == [20_000]


def test_larger_samples_serve_parameters_that_few_rows_do_not_tell() -> None:
    """Full covariances of 64 columns, for a group of one row in 20, need more rows than diagonal ones do."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(100_000, 64)) + 9.0 * (rng.random((100_000, 1)) < 0.015)
    rows = Weighted(x, np.broadcast_to(1.0, len(x)))
    few, many = Sampled(), Sampled(FullGaussian)
    begin(few, rows, 2)
    begin(many, rows, 2)
    smallest = max(sample_size(2, 64), ROWS_PER_STATE * 2)
    assert few.made_of == [smallest]
    assert many.made_of == [smallest, LARGER[1] * smallest]


def test_what_a_sample_is_refused_for_is_asked_of_all_rows() -> None:
    """A column that only one row tells from a constant one starts from all rows; a constant one is named."""
    x = two_groups()
    x[:, 1] = 3.0
    family = Sampled()
    with pytest.raises(ValueError, match="column 1 is constant"):
        begin(family, Weighted(x, np.ones(N)), 2)
    assert family.made_of[-1] == N
    x[54_321, 1] = 4.0
    assert np.isfinite(begin(Sampled(), Weighted(x, np.ones(N)), 1)[0].variances).all()
