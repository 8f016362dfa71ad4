"""Compiled passes over Gaussian mixtures, against long double."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from emkit.arrays import Array
from tests.kernels.oracle import KINDS, Case, case, check

SIZES = (0, 1, 255, 256, 257, 1000)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.mark.parametrize("n_features", [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 33])
def test_any_number_of_features_rows_and_components(kind: str, n_features: int) -> None:
    """Rows that end before, at and after a block's end; one to seven components."""
    for i, n in enumerate(SIZES):
        check(case(kind, n, n_features, 1 + (n_features + i) % 7, seed=n))


@pytest.mark.parametrize("n_features", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("unit", [1e-150, 1e-8, 1e8, 1e150])
def test_units_of_the_data(kind: str, n_features: int, unit: float) -> None:
    """Scales from 1e-150 to 1e150."""
    one = case(kind, 300, n_features, 3)
    check(replace(one, x=one.x * unit, means=one.means * unit, scale=one.scale / unit))


@pytest.mark.parametrize("n_features", [1, 2, 3, 4, 6])
def test_offsets_cost_no_digit(kind: str, n_features: int) -> None:
    """Data at 1e8 deviations from the origin."""
    one = case(kind, 300, n_features, 3)
    check(replace(one, x=one.x + 1e8, means=one.means + 1e8))


@pytest.mark.parametrize("n_features", [1, 2, 3, 4, 6])
def test_separation_costs_no_digit(kind: str, n_features: int) -> None:
    """Clusters 1e10 deviations apart, each as exact as alone."""
    one = case(kind, 300, n_features, 3)
    place = 1e10 * np.arange(3)
    check(replace(one, x=one.x + place[np.arange(300) % 3, None], means=one.means + place[:, None]))


@pytest.mark.parametrize("n_features", [1, 2, 3, 4, 6])
def test_rows_without_weight_count_for_nothing(kind: str, n_features: int) -> None:
    one = case(kind, 300, n_features, 3)
    weight = np.where(np.arange(300) % 3, one.weight, 0.0)
    check(replace(one, weight=weight))
    heavy = weight > 0
    alone = replace(one, x=one.x[heavy], weight=weight[heavy]).run()
    for found, expected in zip(replace(one, weight=weight).run()[1:], alone[1:], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("n_features", [1, 2, 3, 4, 6])
def test_a_component_without_weight_gets_exactly_nothing(kind: str, n_features: int) -> None:
    one = case(kind, 300, n_features, 3)
    one = replace(one, log_scale=np.array([-np.inf, -1.0, -2.0]))
    check(one)
    _, count, first, _ = one.run()
    assert count[0] == 0
    assert not first[0].any()


@pytest.mark.parametrize("n_features", [2, 6])
@pytest.mark.parametrize("log_weight", [-40.0, -200.0, -600.0])
def test_a_nearly_empty_component_has_exact_moments(kind: str, n_features: int, log_weight: float) -> None:
    """However little every block gives to a component, it is all that the component has."""
    one = case(kind, 2000, n_features, 3)
    check(replace(one, log_scale=np.array([log_weight, -0.5, -1.0])))


@pytest.mark.parametrize("n_features", [2, 6])
@pytest.mark.parametrize("gap", [3.0, 15.0, 25.0, 60.0])
def test_sorted_clusters(kind: str, n_features: int, gap: float) -> None:
    """Blocks that are negligible to a component, whose moments they leave out, before and after its own."""
    one = case(kind, 2000, n_features, 4, spread=0.5)
    place = gap * np.arange(4)
    check(replace(one, x=one.x + place[np.arange(2000) // 500, None], means=one.means + place[:, None]))


@pytest.mark.parametrize("n_features", [2, 6])
def test_a_single_row_is_enough_to_be_seen(kind: str, n_features: int) -> None:
    """The last row alone belongs to a component a thousand deviations away."""
    one = case(kind, 2000, n_features, 3, spread=0.5)
    x, means = one.x.copy(), one.means.copy()
    x[-1] += 1000.0
    means[2] += 1000.0
    check(replace(one, x=x, means=means))


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "float32": lambda x: x.astype(np.float32),
    "Fortran": np.asfortranarray,
    "every other row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "every other column": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "reversed": lambda x: x[::-1, ::-1],
    "big-endian": lambda x: x.astype(">f8"),
    "unaligned": lambda x: np.frombuffer(b"_" + x.tobytes(), dtype=np.uint8)[1:].view(np.float64).reshape(x.shape),
}


@pytest.mark.parametrize("n_features", [1, 3, 6])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_rows_of_any_layout(kind: str, n_features: int, layout: str) -> None:
    """More rows than are copied at once; the oracle reads the very same numbers."""
    one = case(kind, 5000, n_features, 2)
    check(replace(one, x=LAYOUTS[layout](one.x)))


def test_read_only_and_strided_arguments(kind: str) -> None:
    """Nothing handed over is written to, and one weight may serve all rows."""
    one = case(kind, 300, 3, 2)
    one = replace(one, weight=np.broadcast_to(np.float64(0.5), 300), means=np.asfortranarray(one.means))
    for array in (one.x, one.means, one.scale, one.log_scale):
        array.flags.writeable = False
    check(one)


@pytest.mark.parametrize("n_features", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("value", [np.nan, 1e200, np.inf])
def test_an_impossible_row_is_flagged_and_adds_nothing(kind: str, n_features: int, value: float) -> None:
    """A row whose distances are nan or overflow gets log marginal -inf; all else is as without it."""
    one = case(kind, 600, n_features, 3)
    x = one.x.copy()
    x[300] = value
    log_marginal, *statistics = replace(one, x=x).run()
    assert log_marginal[300] == -np.inf
    weight = one.weight.copy()
    weight[300] = 0.0
    expected, *without = replace(one, weight=weight).run()
    np.testing.assert_array_equal(np.delete(log_marginal, 300), np.delete(expected, 300))
    for found, right in zip(statistics, without, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-13, atol=1e-13)


def test_threads_do_not_disturb_each_other(kind: str) -> None:
    """The same pass on many threads at once has the same bits."""
    one = case(kind, 3000, 6, 4)
    expected = one.run()
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(Case.run, [one] * 16):
            for a, b in zip(found, expected, strict=True):
                np.testing.assert_array_equal(a, b)
