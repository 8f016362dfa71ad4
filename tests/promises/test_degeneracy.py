"""Promises on degeneracy: each edge is a named outcome or a refusal before the loop, and what is returned is usable."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import emkit
from emkit import DiagonalGaussian, FullGaussian, Outcome, SphericalGaussian, TiedGaussian
from tests.gaussians import KINDS
from tests.promises.hostile import CENTRES, assert_usable, every_kind, every_prior, fit_or_refusal, groups, known, start

MATRICES = (FullGaussian, TiedGaussian)
HEALTHY = (Outcome.CONVERGED, Outcome.MAX_ITER, Outcome.STALLED)


def message(result: Any) -> str:
    """Return why a fit was refused, or the message of one that ended degenerate."""
    if isinstance(result, str):
        return result
    assert result.outcome is Outcome.DEGENERATE
    return str(result.message)


@every_kind
@every_prior
@pytest.mark.parametrize("value", [0.0, 1.0, 1e-300, -1e12, 1e300])
def test_constant_columns_are_named(kind: Any, prior: Any, value: float) -> None:
    """Promise 9: a constant column is refused by number; round components, which need only some spread, fit it."""
    x = np.column_stack([groups(), np.full(180, value)])
    result = fit_or_refusal(kind, x, 3, prior)
    if kind is not SphericalGaussian:
        assert "column 2 is constant" in message(result)
    elif abs(value) < 1e15:
        assert not isinstance(result, str)
        assert result.converged
    else:  # the width of the other columns is below rounding there
        assert "component 0: collapsed in column 2" in message(result)


@every_kind
@every_prior
def test_collinear_columns_are_named(kind: Any, prior: Any) -> None:
    """Promise 9: a column that is the sum of others is a named edge of covariance matrices, harmless to variances."""
    x = groups()
    result = fit_or_refusal(kind, np.column_stack([x, x.sum(axis=1)]), 3, prior)
    if kind in MATRICES:
        assert "component 0" in message(result) or "covariance" in message(result)
    else:
        assert not isinstance(result, str)
        assert result.converged


@every_kind
@every_prior
def test_more_columns_than_rows_are_named(kind: Any, prior: Any) -> None:
    """Promise 9: with D >= N covariance matrices are named as degenerate, and variances fitted."""
    x = np.random.default_rng(0).normal(size=(6, 8))
    result = fit_or_refusal(kind, x, 1, prior)
    if kind in MATRICES:
        assert "component 0" in message(result) or "covariance" in message(result)
    else:
        assert not isinstance(result, str)
        assert result.converged


@every_kind
@every_prior
def test_one_row_per_component_is_named(kind: Any, prior: Any) -> None:
    """Promise 9: components of one row each have no width, and are named."""
    text = message(fit_or_refusal(kind, groups(1), 3, prior))
    assert "component 0" in text or "covariance" in text or "variances[" in text


@every_kind
@every_prior
@pytest.mark.parametrize("n_components", [1, 2])
def test_identical_rows_are_refused(kind: Any, prior: Any, n_components: int) -> None:
    """Promise 9: rows that are all the same are refused, whatever is asked of them."""
    text = message(fit_or_refusal(kind, np.full((9, 2), 3.5), n_components, prior))
    assert "column 0 is constant" in text or "distinct rows" in text


@pytest.mark.parametrize("kind", [FullGaussian, DiagonalGaussian, SphericalGaussian])
@every_prior
def test_a_component_on_repeated_rows_is_named(kind: Any, prior: Any) -> None:
    """Promise 9: a component that has collapsed onto copies of one row is named by its number."""
    x = np.vstack([groups(), np.full((5, 2), 100.0)])
    text = message(fit_or_refusal(kind, x, 4, prior))
    k = int(np.argmax(np.abs(start(kind, x, 4).means[:, 0] - 100) < 1e-6))
    assert f"component {k}: " in text or f"covariances[{k}]" in text or f"variances[{k}" in text


def test_a_tied_covariance_survives_repeated_rows() -> None:
    """Promise 9: one shared covariance cannot collapse onto copies of one row while other rows have spread."""
    x = np.vstack([groups(), np.full((5, 2), 100.0)])
    result = fit_or_refusal(TiedGaussian, x, 4, None)
    assert not isinstance(result, str)
    assert result.converged


@every_kind
def test_collapse_from_known_parameters_is_an_outcome(kind: Any) -> None:
    """Promise 9: from known parameters, without a prior, a collapse ends the fit with the entry named."""
    x = groups(1)
    fit = emkit.fit(known(kind, x, 1.0), x)
    assert fit.outcome is Outcome.DEGENERATE
    assert "covariance" in fit.message or "variances[" in fit.message
    assert_usable(fit.model, x)


@every_kind
def test_constant_columns_from_known_parameters_are_an_outcome(kind: Any) -> None:
    """Promise 9: a fit of a constant column from known parameters ends with the column named."""
    x = np.column_stack([groups(), np.ones(180)])
    fit = emkit.fit(known(kind, np.column_stack([CENTRES, np.ones(3)])), x)
    assert_usable(fit.model, x)
    if kind is SphericalGaussian:
        assert fit.converged
    else:
        assert fit.outcome is Outcome.DEGENERATE
        assert "column 2" in fit.message or "variances[0, 2]" in fit.message


@every_kind
@pytest.mark.parametrize("chunk_size", [None, 7])
def test_empty_components_stay_where_they_were(kind: Any, chunk_size: int | None) -> None:
    """Promise 9: a component without an observation is named and keeps its mean and shape."""
    x = groups()
    begin = known(kind, [*CENTRES, [1e6, 1e6]])
    fit = emkit.fit(begin, x, chunk_size=chunk_size)
    assert fit.outcome is Outcome.DEGENERATE
    assert "component 3: is empty" in fit.message
    assert np.array_equal(fit.model.means[3], [1e6, 1e6])
    if kind is not TiedGaussian:
        assert np.array_equal(fit.model.covariances[3], begin.covariances[3])
    assert_usable(fit.model, x)


@every_kind
def test_coincident_components_are_named(kind: Any) -> None:
    """Promise 9: two components that began as one remain one, and are named."""
    x = groups()
    fit = emkit.fit(known(kind, CENTRES[[0, 1, 1, 2]]), x)
    assert fit.outcome is Outcome.DEGENERATE
    assert "components 1 and 2: coincide" in fit.message
    assert_usable(fit.model, x)


@every_kind
@every_prior
def test_coincident_components_of_many_columns_are_named(kind: Any, prior: Any) -> None:
    """Promise 9: coincident components are found without a covariance matrix where there is none to hold."""
    if kind in MATRICES:
        return
    x = np.random.default_rng(0).normal(size=(30, 20_000))
    fit = emkit.fit(known(kind, np.zeros((2, 20_000)), 1.0), x, max_iter=3)
    assert "components 0 and 1: coincide" in fit.message


@every_kind
def test_on_degenerate_stops_or_raises(kind: Any) -> None:
    """Promise 9: on request a degenerate model ends the fit at its iteration, or raises with the fit inside."""
    x = groups()
    begin = known(kind, [*CENTRES, [1e6, 1e6]])
    stopped = emkit.fit(begin, x, on_degenerate="stop")
    assert (stopped.outcome, stopped.n_iter) == (Outcome.DEGENERATE, 1)
    assert "iteration 1" in stopped.message
    with pytest.raises(emkit.DegenerateError, match="component 3: is empty") as caught:
        emkit.fit(begin, x, on_degenerate="raise")
    assert caught.value.fit.model == stopped.model


@every_kind
@pytest.mark.parametrize("factor", [1e-12, 1.0, 1e12])
def test_the_ridge_is_relative_and_reported(kind: Any, factor: float) -> None:
    """Promise 9: floors scale with the data, and a component that only the ridge holds up is reported in any unit."""
    x = np.vstack([groups(), np.tile(CENTRES[0] + 40, (4, 1))]) * factor
    fit = emkit.fit(start(kind, x, 4), x)
    assert_usable(fit.model, x)
    assert (fit.outcome is Outcome.DEGENERATE) == (kind is not TiedGaussian)


@every_kind
@every_prior
@pytest.mark.parametrize("scale", [1e-200, 1e160, 1e308])
def test_data_beyond_floating_point_are_refused(kind: Any, prior: Any, scale: float) -> None:
    """Promise 9: columns whose squares leave floating point are refused by number."""
    x = groups() / np.abs(groups()).max() * [1.0, scale]
    assert "column 1 spans" in message(fit_or_refusal(kind, x, 3, prior))


@every_kind
def test_rows_beyond_floating_point_are_an_outcome(kind: Any) -> None:
    """Promise 9: a known mixture that cannot reach its data in floating point ends as non_finite at the start."""
    fit = emkit.fit(known(kind), groups() * 1e200)
    assert fit.outcome is Outcome.NON_FINITE
    assert fit.n_iter == 0
    assert "at the start" in fit.message


coarse = arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(1, 3)), elements=st.sampled_from([0.0, 1.0, 3.0]))


@given(st.sampled_from(KINDS), coarse, st.integers(1, 4), st.sampled_from(["ridge", None]))
def test_whatever_comes_back_is_usable(kind: Any, x: Any, n_components: int, prior: Any) -> None:
    """Promises 9 and 10: small tables full of ties are refused by name, or give a model that scores and samples."""
    result = fit_or_refusal(kind, x, n_components, prior)
    if isinstance(result, str):
        assert any(name in result for name in ("column", "distinct rows", "variance", "covariance"))
    else:
        assert result.outcome in HEALTHY or result.outcome is Outcome.DEGENERATE
        assert result.trace.monotone
