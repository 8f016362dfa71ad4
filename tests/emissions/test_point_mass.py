"""Point masses, alone in a mixture: the weights are the shares of rows at each location."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import emkit
from emkit import Array, Incomplete, Mixture, PointMass, Weighted
from emkit.parameters import n_free_parameters, pack
from emkit.stopping import Outcome
from emkit.testing import conformance

PLACES = np.array([[0.0, 1.0], [2.0, 1.0], [0.0, 3.0]])
MODEL = Mixture([0.2, 0.5, 0.3], PointMass(PLACES))
SHARES = [10, 6, 4]


def rows() -> Array:
    return np.repeat(PLACES, SHARES, axis=0)


HOLES = Incomplete(np.concatenate([rows(), [[np.nan, 1.0], [0.0, np.nan], [np.nan, np.nan]]]))
TestPlain = conformance(MODEL, rows(), examples=3)
TestWeighted = conformance(MODEL, Weighted(rows(), np.linspace(0.5, 2, 20)), examples=3)
TestIncomplete = conformance(MODEL, HOLES, examples=3)


def test_density_is_one_at_the_location_and_zero_elsewhere() -> None:
    """Log densities are 0 where a row is the location, to the last bit, and -inf elsewhere."""
    x = np.array([[0.0, 1.0], [2.0, 1.0], [0.0, np.nextafter(1.0, 2)]])
    inf = np.inf
    assert PointMass(PLACES).log_density(x).tolist() == [[0, -inf, -inf], [-inf, 0, -inf], [-inf, -inf, -inf]]


def test_missing_cells_are_left_out() -> None:
    """A row with a missing cell is at every location that its other cells do not rule out."""
    found = PointMass(PLACES).log_density(Incomplete([[0.0, np.nan], [np.nan, np.nan], [np.nan, 1.0]]))
    assert (found == 0).tolist() == [[True, False, True], [True, True, True], [True, True, False]]


def test_locations_are_not_learnt() -> None:
    """Locations have no free coordinates; a fit finds the shares of rows in one step and leaves them alone."""
    assert n_free_parameters(MODEL.emissions) == 0
    assert len(pack(MODEL)) == n_free_parameters(MODEL) == 2
    fit = emkit.fit(MODEL, rows())
    assert fit.converged
    assert_allclose(fit.model.weights, [0.5, 0.3, 0.2], rtol=1e-14)
    assert fit.model.emissions == MODEL.emissions
    assert_allclose(fit.log_likelihood, 10 * np.log(0.5) + 6 * np.log(0.3) + 4 * np.log(0.2), rtol=1e-14)


def test_a_location_without_rows_is_an_empty_component() -> None:
    """A location where no row is ends with weight zero, which the outcome names."""
    fit = emkit.fit(MODEL, rows()[:16])
    assert fit.outcome is Outcome.DEGENERATE
    assert "component 2: is empty" in fit.message


def test_a_row_at_no_location_is_impossible() -> None:
    """A row that no state can emit has log marginal -inf, and a fit says that an observation is impossible."""
    x = np.array([[0.0, 1.0], [5.0, 5.0]])
    assert MODEL.log_marginal(x).tolist() == [np.log(0.2), -np.inf]
    fit = emkit.fit(MODEL, x)
    assert fit.outcome is Outcome.NON_FINITE
    assert "some observation is impossible" in fit.message


def test_what_is_not_a_number_is_refused() -> None:
    """A nan without `Incomplete` is refused with its row and column, and so is another number of columns."""
    with pytest.raises(ValueError, match="row 1, column 0 is nan"):
        MODEL.log_marginal([[0.0, 1.0], [np.nan, 1.0]])
    with pytest.raises(ValueError, match="expected 2 columns, found 1"):
        MODEL.log_marginal([[0.0]])


def test_it_cannot_be_started_from_data() -> None:
    """Locations come from the user: a start refuses the class by name."""
    with pytest.raises(TypeError, match="emissions: expected a class such as"):
        Mixture.start(rows(), 2, emissions=PointMass, rng=0)


def test_missing_cells_are_imputed_from_the_locations() -> None:
    """A missing cell is imputed by the posterior mean of the locations, and drawn from those that are possible."""
    x = Incomplete([[np.nan, 1.0]] * 4000)
    expected = 2.0 * 0.5 / 0.7
    assert_allclose(MODEL.impute(x)[0], [expected, 1.0])
    drawn = MODEL.sample_missing(x, 0)
    assert set(drawn[:, 0]) == {0.0, 2.0}
    assert_allclose(drawn[:, 0].mean(), expected, rtol=0.05)
