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


@pytest.mark.parametrize("load", [datasets.iris, datasets.faithful])
def test_each_data_set_states_its_source(load: type) -> None:
    """A data set names its features and where it comes from, and each call gives a fresh table."""
    one, other = load(), load()
    assert len(one.features) == one.data.shape[1]
    assert "(1" in one.source
    assert not np.shares_memory(one.data, other.data)
