"""The data that ship with the package are the published ones."""

import numpy as np
import pytest

from emkit import datasets


def test_iris_is_the_published_table() -> None:
    """Iris has the size, the column means and the species means that Fisher (1936) and R's summary print."""
    iris = datasets.iris()
    assert iris.data.shape == (150, 4)
    assert iris.labels is not None
    assert np.bincount(iris.labels).tolist() == [50, 50, 50]
    assert iris.label_names == ("setosa", "versicolor", "virginica")
    np.testing.assert_allclose(iris.data.mean(axis=0), [5.843333, 3.057333, 3.758000, 1.199333], atol=5e-7)
    by_species = [iris.data[iris.labels == k].mean(axis=0) for k in range(3)]
    published = [[5.006, 3.428, 1.462, 0.246], [5.936, 2.770, 4.260, 1.326], [6.588, 2.974, 5.552, 2.026]]
    np.testing.assert_allclose(by_species, published, atol=5e-4)


def test_iris_follows_r_where_copies_differ() -> None:
    """Rows 35 and 38 are R's (4.9 3.1 1.5 0.2 and 4.9 3.6 1.4 0.1), not those of the UCI copy."""
    assert datasets.iris().data[[34, 37]].tolist() == [[4.9, 3.1, 1.5, 0.2], [4.9, 3.6, 1.4, 0.1]]


def test_faithful_is_the_published_table() -> None:
    """Old Faithful has the size, the first rows, the means and the standard deviations of R's `faithful`."""
    faithful = datasets.faithful()
    assert faithful.data.shape == (272, 2)
    assert faithful.data[:3].tolist() == [[3.6, 79.0], [1.8, 54.0], [3.333, 74.0]]
    np.testing.assert_allclose(faithful.data.mean(axis=0), [3.487783, 70.897059], atol=5e-7)
    np.testing.assert_allclose(faithful.data.std(axis=0, ddof=1), [1.141371, 13.594974], atol=5e-7)


def test_anaesthetists_is_the_published_table() -> None:
    """Every patient has seven answers, three of the first observer; the first and last patients' are as published."""
    table = datasets.anaesthetists().data.astype(int)
    assert table.shape == (315, 3)
    patients, observers = np.bincount(table[:, 0]), np.bincount(table[:, 1])
    assert (patients[1:] == 7).all()
    assert observers.tolist() == [0, 135, 45, 45, 45, 45]
    assert table[table[:, 0] == 1, 2].tolist() == [1] * 7
    assert table[table[:, 0] == 2, 2].tolist() == [3, 3, 3, 4, 3, 3, 4]
    assert table[table[:, 0] == 45, 2].tolist() == [2] * 7


def test_carcinoma_is_the_published_table() -> None:
    """The slides have the size, the number of unanimous ones and the shares of Agresti's table 13.1."""
    table = datasets.carcinoma().data
    assert table.shape == (118, 7)
    assert (table.sum(axis=1) == 0).sum() == 34
    assert (table.sum(axis=1) == 7).sum() == 16
    np.testing.assert_allclose(table.mean(axis=0), [0.559, 0.669, 0.381, 0.271, 0.602, 0.212, 0.559], atol=6e-4)


def test_ethanol_is_the_published_table() -> None:
    """Ethanol has the size, and the extremes, quartiles and means that R's summary prints."""
    ethanol = datasets.ethanol().data
    assert ethanol.shape == (88, 2)
    np.testing.assert_allclose(ethanol.mean(axis=0), [1.957, 0.9265], atol=5e-4)
    quartiles = [[0.37, 0.953, 1.754, 3.003, 4.028], [0.535, 0.7618, 0.932, 1.1098, 1.232]]
    np.testing.assert_allclose(np.quantile(ethanol, [0, 0.25, 0.5, 0.75, 1], axis=0).T, quartiles, atol=6e-4)


def test_earthquakes_are_the_published_table() -> None:
    """Every year has its count; first, last and largest, mean and variance are those of Zucchini and MacDonald."""
    earthquakes = datasets.earthquakes().data
    assert earthquakes[:, 0].tolist() == list(range(1900, 2007))
    assert earthquakes[[0, -1, 43], 1].tolist() == [13, 11, 41]
    np.testing.assert_allclose(earthquakes[:, 1].mean(), 19.36, atol=0.005)
    np.testing.assert_allclose(earthquakes[:, 1].var(ddof=1), 51.57, atol=0.005)


def test_speed_is_the_published_table() -> None:
    """Three series of trials have the lengths and the first values of depmixS4's."""
    speed = datasets.speed()
    assert speed.labels is not None
    assert np.bincount(speed.labels).tolist() == [168, 134, 137]
    assert (np.diff(speed.labels) >= 0).all()
    np.testing.assert_allclose(speed.data[:2, 0], [6.456770, 5.602119], atol=5e-7)
    assert speed.data[:2, 1].tolist() == [1, 1]


def test_biochemists_is_the_published_table() -> None:
    """The articles have the size, the number of zeros, the mean and the variance that Long (1990) and R print."""
    articles = datasets.biochemists().data[:, 0]
    assert len(articles) == 915
    assert np.bincount(articles.astype(int))[:4].tolist() == [275, 246, 178, 84]
    np.testing.assert_allclose([articles.mean(), articles.var(ddof=1)], [1.692896, 3.709742], atol=5e-7)


LOADERS = [
    datasets.airquality,
    datasets.iris,
    datasets.faithful,
    datasets.anaesthetists,
    datasets.carcinoma,
    datasets.ethanol,
    datasets.earthquakes,
    datasets.speed,
    datasets.biochemists,
]


@pytest.mark.parametrize("load", LOADERS)
def test_each_data_set_states_its_source(load: type) -> None:
    """A data set names its features and where it comes from, and each call gives a fresh table."""
    one, other = load(), load()
    assert len(one.features) == one.data.shape[1]
    assert "(1" in one.source or "(2" in one.source
    assert not np.shares_memory(one.data, other.data)


def test_nile_is_the_published_table() -> None:
    """The Nile's flow has the years, the first and last values, and the mean and median that R's summary prints."""
    nile = datasets.nile()
    assert nile.features == ("year", "flow")
    assert nile.data[:, 0].tolist() == list(range(1871, 1971))
    flow = nile.data[:, 1]
    assert flow[:5].tolist() == [1120, 1160, 963, 1210, 1160]
    assert flow[-2:].tolist() == [714, 740]
    np.testing.assert_allclose([flow.min(), np.median(flow), flow.mean(), flow.max()], [456, 893.5, 919.35, 1370])


def test_airquality_is_the_published_table() -> None:
    """Air quality has the days, the missing values and the ranges, medians and means that R's summary prints."""
    air = datasets.airquality()
    x = air.data
    assert x.shape == (153, 4)
    assert x[:2].tolist() == [[41, 190, 7.4, 67], [36, 118, 8.0, 72]]
    assert np.isnan(x).sum(axis=0).tolist() == [37, 7, 0, 0]
    assert np.nanmin(x, axis=0).tolist() == [1, 7, 1.7, 56]
    assert np.nanmax(x, axis=0).tolist() == [168, 334, 20.7, 97]
    assert np.nanmedian(x, axis=0).tolist() == [31.5, 205, 9.7, 79]
    np.testing.assert_allclose(np.nanmean(x, axis=0), [42.13, 185.93, 9.958, 77.88], atol=5e-3)
