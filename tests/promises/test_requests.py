"""Promises on requests: what makes no sense is refused before work begins, with argument and value."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import emkit
from emkit import (
    DiagonalGaussian,
    DiagonalRidge,
    Dirichlet,
    FullGaussian,
    GaussianMixture,
    ParameterError,
    Ridge,
    SphericalGaussian,
    TiedGaussian,
    Weighted,
)
from tests.promises.hostile import every_kind, groups, known, start

X = groups(15)
N = len(X)

COUNTS = [(0, "found 0"), (-1, "found -1"), (N + 1, f"{N + 1} components"), (10**12, "components")]
NO_COUNTS: list[Any] = [2.0, np.float64(2), True, "2", None, [2], np.array(2), float("nan")]


@every_kind
@pytest.mark.parametrize(("count", "message"), COUNTS)
@pytest.mark.parametrize("method", ["start", "start_at_points"])
def test_impossible_numbers_of_components_are_refused(kind: Any, count: int, message: str, method: str) -> None:
    """Promise 11: no component, fewer than none, or more than there are distinct rows are refused, with the number."""
    with pytest.raises(ValueError, match=f"n_components: .*{message}"):
        getattr(GaussianMixture, method)(X, count, rng=0, emissions=kind)


@every_kind
@pytest.mark.parametrize("count", NO_COUNTS, ids=repr)
def test_numbers_of_components_are_whole(kind: Any, count: Any) -> None:
    """Promise 11: a number of components that is not an integer is refused by name, and NumPy's integers are not."""
    with pytest.raises(TypeError, match="n_components: expected a whole number"):
        start(kind, X, count)
    assert start(kind, X, np.int64(3)) == start(kind, X, 3)


OPTIONS: list[tuple[str, Any]] = [
    *[("tol", value) for value in (-1e-3, float("nan"), float("inf"), "a", None, True, 1j)],
    *[("max_iter", value) for value in (0, -1, 1.5, "a", None, True, float("nan"))],
    *[("chunk_size", value) for value in (0, -1, 1.5, "a", True)],
    *[("on_degenerate", value) for value in ("ignore", "", None, True)],
    *[("algorithm", value) for value in (3, "em", emkit.EM)],
]


@every_kind
@pytest.mark.parametrize(("option", "value"), OPTIONS, ids=lambda one: repr(one)[:20])
def test_bad_options_of_a_fit_are_refused(kind: Any, option: str, value: Any) -> None:
    """Promise 11: an option out of its range is refused before the first E-step, by name."""
    with pytest.raises((ValueError, TypeError), match=f"{option}: expected"):
        emkit.fit(known(kind), X, **{option: value})


def test_options_of_numpy_types_are_numbers() -> None:
    """Promise 11: NumPy's numbers are as good as Python's."""
    one = emkit.fit(known(FullGaussian), X, tol=np.float32(0.5), max_iter=np.int32(9), chunk_size=np.uint8(7))
    assert one == emkit.fit(known(FullGaussian), X, tol=0.5, max_iter=9, chunk_size=7)


BAD_WEIGHTS: dict[str, tuple[Any, str]] = {
    "negative": (np.where(np.arange(N) == 4, -1.0, 1.0), r"weight\[4\] is -1"),
    "nan": (np.where(np.arange(N) == 4, np.nan, 1.0), r"weight\[4\] is nan"),
    "inf": (np.where(np.arange(N) == 4, np.inf, 1.0), r"weight\[4\] is inf"),
    "all zero": (np.zeros(N), "weights are all zero"),
    "wrong length": (np.ones(N - 1), f"{N} units but {N - 1} weights"),
    "two columns": (np.ones((N, 2)), "weight: expected one number for each unit"),
    "one number": (1.0, "weight: expected one number for each unit"),
    "None": (None, "weight: expected one number for each unit"),
    "complex": (np.ones(N) * 1j, "weight: .*complex128"),
    "text": (["1"] * N, "weight: expected one number for each unit"),
    "datetime": (np.zeros(N, "M8[s]"), "weight: .*datetime64"),
    "masked": (np.ma.masked_array(np.ones(N), np.arange(N) == 4), "weight: .*masked"),
    "too small to hold digits": (np.full(N, 1e-320), r"weight\[0\] is too small"),
    "too large to be summed": (np.full(N, 1e308), "weights sum to more than"),
}


@every_kind
@pytest.mark.parametrize(("weight", "message"), BAD_WEIGHTS.values(), ids=BAD_WEIGHTS)
def test_bad_weights_are_refused(kind: Any, weight: Any, message: str) -> None:
    """Promise 11: weights that are not one finite number for each unit, some above zero, are refused with their row."""
    calls: list[Callable[[], Any]] = [
        lambda: start(kind, Weighted(X, weight)),
        lambda: emkit.fit(known(kind), Weighted(X, weight)),
    ]
    for call in calls:
        with pytest.raises((ValueError, TypeError), match=message):
            call()


def test_weights_over_weights_are_refused() -> None:
    """Promise 11: weighted data are not weighted again."""
    with pytest.raises(TypeError, match="already Weighted"):
        Weighted(Weighted(X, np.ones(N)), np.ones(N))


M, V, C, HALF = np.zeros((2, 2)), np.ones(2), np.eye(2), [0.5, 0.5]
PAIR = np.stack([C, C])

BAD_STARTS: dict[str, tuple[Callable[[], Any], str]] = {
    "weights sum": (lambda: GaussianMixture([0.5, 0.6], FullGaussian(M, PAIR)), "weights .*1.1"),
    "weights negative": (lambda: GaussianMixture([1.5, -0.5], FullGaussian(M, PAIR)), r"weights\[1\] is -0.5"),
    "weights nan": (lambda: GaussianMixture([0.5, np.nan], FullGaussian(M, PAIR)), r"weights\[1\] is nan"),
    "weights empty": (lambda: GaussianMixture([], FullGaussian(M, PAIR)), r"weights: expected axes \(K\)"),
    "weights text": (lambda: GaussianMixture(["a", "b"], FullGaussian(M, PAIR)), "weights: expected real numbers"),
    "weights of three": (lambda: GaussianMixture([0.2, 0.3, 0.5], FullGaussian(M, PAIR)), "along axis 'K'"),
    "means nan": (lambda: FullGaussian([[0, np.nan], [0, 0]], PAIR), r"means\[0, 1\] is nan"),
    "means complex": (lambda: FullGaussian(M * 1j, PAIR), "means: expected real numbers"),
    "means 1-D": (lambda: FullGaussian([0.0, 0.0], PAIR), r"means: expected axes \(K, D\)"),
    "means datetime": (lambda: FullGaussian(M.astype("M8[s]"), PAIR), "means: expected real numbers"),
    "means ragged": (lambda: FullGaussian([[0.0], [0.0, 1.0]], PAIR), "means: expected real numbers"),
    "full, wrong D": (lambda: FullGaussian(M, np.stack([np.eye(3)] * 2)), "along axis 'D'"),
    "full, wrong K": (lambda: FullGaussian(M, np.stack([C] * 3)), "along axis 'K'"),
    "full, not square": (lambda: FullGaussian(M, np.ones((2, 2, 3))), "square"),
    "full, one matrix": (lambda: FullGaussian(M, C), r"covariances: expected axes \(K, D, D\)"),
    "full, indefinite": (lambda: FullGaussian(M, [C, [[1, 2], [2, 1]]]), r"covariances\[1\] is not positive definite"),
    "full, singular": (lambda: FullGaussian(M, [C, np.ones((2, 2))]), r"covariances\[1\] is not positive definite"),
    "full, skew": (lambda: FullGaussian(M, [C, [[1, 0.5], [0.2, 1]]]), r"covariances\[1\] is not symmetric"),
    "full, negative": (lambda: FullGaussian(M, [C, -C]), r"covariances\[1\] has variance -1 in column 0"),
    "full, inf": (lambda: FullGaussian(M, [C, np.full((2, 2), np.inf)]), r"covariances\[1, 0, 0\] is inf"),
    "tied, indefinite": (lambda: TiedGaussian(M, [[1, 2], [2, 1]]), "covariance is not positive definite"),
    "tied, wrong D": (lambda: TiedGaussian(M, np.eye(3)), "along axis 'D'"),
    "tied, one each": (lambda: TiedGaussian(M, PAIR), r"covariance: expected axes \(D, D\)"),
    "diagonal, zero": (lambda: DiagonalGaussian(M, [[1, 1], [1, 0]]), r"variances\[1, 1\] is 0"),
    "diagonal, nan": (lambda: DiagonalGaussian(M, [[1, 1], [1, np.nan]]), r"variances\[1, 1\] is nan"),
    "diagonal, wrong K": (lambda: DiagonalGaussian(M, np.ones((3, 2))), "along axis 'K'"),
    "diagonal, 1-D": (lambda: DiagonalGaussian(M, V), r"variances: expected axes \(K, D\)"),
    "spherical, negative": (lambda: SphericalGaussian(M, [1, -1]), r"variances\[1\] is -1"),
    "spherical, wrong K": (lambda: SphericalGaussian(M, np.ones(3)), "along axis 'K'"),
    "spherical, 2-D": (lambda: SphericalGaussian(M, np.ones((2, 2))), r"variances: expected axes \(K\)"),
}


@pytest.mark.parametrize(("make", "message"), BAD_STARTS.values(), ids=BAD_STARTS)
def test_bad_known_parameters_are_refused(make: Callable[[], Any], message: str) -> None:
    """Promise 11: parameters out of their space, or whose axes disagree, are refused with the entry at fault."""
    with pytest.raises(ParameterError, match=message):
        make()


BAD_LABELS: dict[str, tuple[Any, str]] = {
    "too few": (np.zeros(N - 1, int), f"one row for each of the {N} units"),
    "negative": (np.full(N, -1), "counted from 0"),
    "fractions": (np.full(N, 0.5), "counted from 0"),
    "text": (["a"] * N, "counted from 0"),
    "beyond N": (np.array([10**12] + [0] * (N - 1)), "below N"),
    "a label left out": (np.where(np.arange(N) % 2, 2, 0), "component 1 has no share"),
    "shares do not sum": (np.full((N, 2), 0.4), "row 0 .*sum to one"),
    "shares negative": (np.tile([1.5, -0.5], (N, 1)), "row 0 .*sum to one"),
    "shares nan": (np.full((N, 2), np.nan), "row 0 .*sum to one"),
    "no share": (np.tile([1.0, 0.0], (N, 1)), "component 1 has no share"),
}


@every_kind
@pytest.mark.parametrize(("labels", "message"), BAD_LABELS.values(), ids=BAD_LABELS)
def test_bad_labels_are_refused(kind: Any, labels: Any, message: str) -> None:
    """Promise 11: labels and responsibilities that do not share out every row are refused, with row or component."""
    with pytest.raises(ValueError, match=f"responsibilities: .*{message}"):
        GaussianMixture.from_responsibilities(X, labels, emissions=kind)


BAD_CHOICES: dict[str, tuple[dict[str, Any], str]] = {
    "emissions by name": ({"emissions": "full"}, "emissions: expected a class"),
    "emissions as a value": ({"emissions": FullGaussian(M, PAIR)}, "emissions: expected a class"),
    "how by name": ({"how": "k_means"}, "how: expected a function"),
    "prior by a wrong name": ({"prior": "wishart"}, 'prior: expected "ridge"'),
    "prior as a number": ({"prior": 1e-6}, "prior: expected None or a"),
    "prior as a class": ({"prior": Ridge}, "prior: expected None or a"),
    "prior of the wrong kind": ({"prior": DiagonalRidge(V, 1.0)}, "prior: expected None or a CovariancePrior"),
    "prior of another D": ({"prior": Ridge(np.eye(3), 1.0)}, "along axis 'D'"),
    "weights_prior as a number": ({"weights_prior": 2}, "weights_prior: expected None or a Dirichlet"),
    "weights_prior of another K": ({"weights_prior": Dirichlet(np.ones(5))}, "along axis 'K'"),
    "no seed": ({"rng": None}, "rng: expected a seed"),
    "negative seed": ({"rng": -1}, "rng: expected a seed"),
    "old generator": ({"rng": np.random.RandomState(0)}, "rng: expected a seed"),
}


@pytest.mark.parametrize(("choice", "message"), BAD_CHOICES.values(), ids=BAD_CHOICES)
def test_bad_choices_of_a_start_are_refused(choice: dict[str, Any], message: str) -> None:
    """Promise 11: emissions, starts, priors and seeds of the wrong kind are refused by the argument's name."""
    with pytest.raises((ValueError, TypeError), match=message):
        GaussianMixture.start(X, 3, **{"rng": 0, **choice})


def test_what_is_not_a_model_is_refused() -> None:
    """Promise 11: a class in place of a model, or data in the place of the model, are refused by name."""
    wrongs: list[Any] = [None, GaussianMixture, X, 3]
    for wrong in wrongs:
        with pytest.raises(TypeError, match="model: expected an object with the methods e_step, m_step, log_marginal"):
            emkit.fit(wrong, X)
    with pytest.raises(TypeError, match="emissions: expected emissions"):
        GaussianMixture(HALF, 3)


@pytest.mark.parametrize("how", [emkit.starts.k_means, emkit.starts.random_points])
@pytest.mark.parametrize("rows", [[[0.0], [1e-200], [1.0]], [[1.0], [1 + 2.3e-16], [1e9], [5e9]]])
def test_rows_that_cannot_be_told_apart_are_no_clusters(how: Any, rows: list[list[float]]) -> None:
    """Promise 11: more components than rows that differ beyond rounding are refused by a message that says so."""
    with pytest.raises(ValueError, match=r"cannot be told apart|distinct"):
        GaussianMixture.start(rows, len(rows), rng=0, how=how)


def test_steps_refuse_weights_that_are_all_zero() -> None:
    """Promise 11: `steps` refuses at the call what `fit` refuses."""
    model = GaussianMixture([1.0], emkit.SphericalGaussian([[0.0]], [1.0]))
    with pytest.raises(ValueError, match="all zero"):
        emkit.steps(model, emkit.Weighted([[0.0], [1.0]], [0.0, 0.0]))
