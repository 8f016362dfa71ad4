"""Tests of emkit/plot/mixtures.py, by the artists they leave on the Axes."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.image import AxesImage
from matplotlib.patches import Ellipse

import emkit
import emkit.plot
from emkit import Array, GaussianMixture


def three_blobs() -> tuple[GaussianMixture, Array]:
    """Return a mixture of three far components in three features, and rows at their means."""
    means = np.array([[0.0, 0.0, 0.0], [50.0, 0.0, 5.0], [0.0, 50.0, 9.0]])
    covariances = np.tile(np.diag([4.0, 1.0, 1.0]), (3, 1, 1))
    model = GaussianMixture([0.2, 0.3, 0.5], emkit.FullGaussian(means, covariances))
    return model, model.sample(60, np.random.default_rng(0))


def scatters(ax: Axes) -> list[PathCollection]:
    return [artist for artist in ax.collections if isinstance(artist, PathCollection)]


def test_points_take_the_colour_of_their_component() -> None:
    """A row that certainly belongs to one component is drawn in that component's colour."""
    model, x = three_blobs()
    points, _ = scatters(emkit.plot.mixture(model, x))
    expected = emkit.plot.colours(3)[model.predict(x)]
    np.testing.assert_allclose(np.asarray(points.get_facecolor())[:, :3], expected, atol=1e-6)
    np.testing.assert_allclose(np.asarray(points.get_offsets()), x[:, :2])


def test_the_means_are_marked() -> None:
    """The second set of markers stands at the component means, in the columns asked for."""
    model, x = three_blobs()
    _, means = scatters(emkit.plot.mixture(model, x, features=(2, 0)))
    np.testing.assert_allclose(np.asarray(means.get_offsets()), model.means[:, [2, 0]])


def test_ellipses_are_one_and_two_standard_deviations() -> None:
    """Each component has two ellipses whose full axes are 2 and 4 standard deviations."""
    model, x = three_blobs()
    ellipses = [patch for patch in emkit.plot.mixture(model, x).patches if isinstance(patch, Ellipse)]
    assert len(ellipses) == 6
    for ellipse, deviations in zip(ellipses, [1, 2] * 3, strict=True):
        assert sorted([ellipse.width, ellipse.height]) == pytest.approx([2.0 * deviations, 4.0 * deviations])
        long_axis_is_horizontal = abs(np.sin(np.radians(ellipse.angle))) < 1e-9
        assert long_axis_is_horizontal == (ellipse.width > ellipse.height)


def test_contours_replace_ellipses() -> None:
    """With contours there are no ellipses, and one more artist for the density."""
    model, x = three_blobs()
    ax = emkit.plot.mixture(model, x, outline="contours")
    assert not ax.patches
    assert len(ax.collections) > 2


def test_the_plane_is_coloured_by_responsibility() -> None:
    """The image's pixel next to a component's mean has that component's colour."""
    model, x = three_blobs()
    (image,) = [artist for artist in emkit.plot.responsibilities(model, x).images if isinstance(artist, AxesImage)]
    pixels = np.asarray(image.get_array())
    left, right, low, high = image.get_extent()
    for mean, colour in zip(model.means, emkit.plot.colours(3), strict=True):
        column = round((mean[0] - left) / (right - left) * (pixels.shape[1] - 1))
        row = round((mean[1] - low) / (high - low) * (pixels.shape[0] - 1))
        np.testing.assert_allclose(pixels[row, column], colour, atol=1e-6)


def test_the_plane_counts_the_weights() -> None:
    """Two equal components share the plane in proportion to their weights."""
    model = GaussianMixture([0.25, 0.75], emkit.SphericalGaussian([[0.0, 0.0], [0.0, 0.0]], [1.0, 1.0]))
    (image,) = emkit.plot.responsibilities(model, np.array([[-1.0, -1.0], [1.0, 1.0]])).images
    expected = np.array([0.25, 0.75]) @ emkit.plot.colours(2)
    np.testing.assert_allclose(np.asarray(image.get_array()), np.broadcast_to(expected, (200, 200, 3)), atol=1e-6)


def test_rows_of_weight_zero_are_not_drawn() -> None:
    """A weighted picture leaves out rows that do not count."""
    model, x = three_blobs()
    weight = np.r_[np.zeros(10), np.ones(len(x) - 10)]
    points, _ = scatters(emkit.plot.mixture(model, emkit.Weighted(x, weight)))
    assert len(np.asarray(points.get_offsets())) == len(x) - 10


def test_it_draws_where_it_is_told() -> None:
    """An Axes given is drawn on and returned."""
    model, x = three_blobs()
    _, (first, second) = plt.subplots(1, 2)
    assert emkit.plot.mixture(model, x, first) is first
    assert emkit.plot.responsibilities(model, x, second) is second


@pytest.mark.parametrize("n_components", [1, 7, 8, 40])
def test_every_component_has_a_colour_of_its_own(n_components: int) -> None:
    """Any number of components gets different colours."""
    assert len(np.unique(emkit.plot.colours(n_components).round(6), axis=0)) == n_components


@pytest.mark.parametrize("features", [(0,), (0, 0), (0, 3), (0, 1, 2)])
def test_other_than_two_columns_are_refused(features: tuple[int, ...]) -> None:
    """A picture needs two different columns that exist."""
    model, x = three_blobs()
    with pytest.raises(ValueError, match="features"):
        emkit.plot.mixture(model, x, features=features)


def test_a_single_feature_is_refused() -> None:
    """A mixture of one feature has no plane to draw."""
    model = GaussianMixture([1.0], emkit.SphericalGaussian([[0.0]], [1.0]))
    with pytest.raises(ValueError, match="needs two columns"):
        emkit.plot.mixture(model, [[0.0], [1.0]])


def test_a_fit_is_not_a_model() -> None:
    """Who hands over a fit is told to hand over its model."""
    model, x = three_blobs()
    with pytest.raises(TypeError, match=r"such as fit\.model"):
        emkit.plot.mixture(emkit.fit(model, x), x)


def test_an_unknown_outline_is_refused() -> None:
    """An outline of another name is refused before anything is drawn."""
    model, x = three_blobs()
    with pytest.raises(ValueError, match="outline"):
        emkit.plot.mixture(model, x, outline="circles")
