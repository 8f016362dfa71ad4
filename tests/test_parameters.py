"""Parameters declared once: validation, protection, free coordinates."""

import pickle
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emkit
from emkit import Array, ParameterError
from tests.toys import Counts, PoissonMixture


@emkit.value
class Inner:
    means: Array = emkit.real("K", "D")
    covariances: Array = emkit.positive_definite("K", "D", "D")
    label: str = "inner"


@emkit.value
class Outer:
    weights: Array = emkit.simplex("K")
    inner: Inner
    noise: float = emkit.positive()
    mixing: Array = emkit.probability("K")
    scale: Array = emkit.positive("D", free=False)


def outer(rng: np.random.Generator) -> Outer:
    """Draw a nested value of two groups and three columns, with a structural zero among weights and probabilities."""
    factors = rng.normal(size=(2, 3, 3))
    inner = Inner(rng.normal(size=(2, 3)), factors @ factors.swapaxes(1, 2) + 0.1 * np.eye(3))
    return Outer([0.0, 1.0], inner, rng.uniform(0.1, 9), [0.0, rng.uniform(0.01, 0.99)], np.ones(3))


@given(st.integers(0, 10**6))
def test_pack_and_unpack_round_trip_nested_values(seed: int) -> None:
    """A nested value comes back from its vector; structural zeros, hyperparameters and other fields stay."""
    value = outer(np.random.default_rng(seed))
    free = emkit.pack(value)
    assert free.shape == (emkit.n_free_parameters(value),)
    back = emkit.unpack(free, like=value)
    np.testing.assert_allclose(emkit.pack(back), free, atol=1e-8)
    np.testing.assert_allclose(back.inner.covariances, value.inner.covariances, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose([back.noise, back.mixing[1]], [value.noise, value.mixing[1]])
    assert np.array_equal(back.inner.means, value.inner.means)
    assert back.weights.tolist() == [0.0, 1.0]
    assert back.mixing[0] == 0.0
    assert np.array_equal(back.scale, value.scale)
    assert back.inner.label == "inner"


def test_free_parameters_are_counted() -> None:
    """Simplex 0 (one entry is not zero), noise 1, mixing 1 (the other is zero), means 6, covariances 2 of 6."""
    assert emkit.n_free_parameters(outer(np.random.default_rng(0))) == 0 + 1 + 1 + 6 + 12
    assert emkit.n_free_parameters(PoissonMixture([0.2, 0.3, 0.5], [1, 2, 3])) == 5


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_any_free_vector_is_a_model(free: list[float]) -> None:
    """Any vector of the right length is a valid model, the log-ratios and logarithms it says."""
    model = emkit.unpack(np.array(free), like=PoissonMixture([0.5, 0.5], [1.0, 1.0]))
    odds, first, second = np.exp(free)
    np.testing.assert_allclose(model.weights, [odds / (1 + odds), 1 / (1 + odds)])
    np.testing.assert_allclose(model.rates, [first, second])


def test_unpack_refuses_other_lengths_and_overflow() -> None:
    """A vector of another length is a ValueError, and one that overflows a ParameterError with the entry."""
    like = PoissonMixture([0.5, 0.5], [1.0, 1.0])
    with pytest.raises(ValueError, match=r"expected 3 free coordinates, found shape \(2,\)"):
        emkit.unpack(np.zeros(2), like=like)
    with pytest.raises(ParameterError, match=r"PoissonMixture\.rates\[1\] is inf: expected a finite number"):
        emkit.unpack(np.array([0.0, 0.0, 1e4]), like=like)


@pytest.mark.parametrize("stranger", [object(), Counts(np.ones(1), np.ones(1))])
def test_values_without_declarations_are_refused(stranger: object) -> None:
    """`pack` of a class that declares no parameters is a TypeError that shows how to declare."""
    with pytest.raises(TypeError, match="declares no parameters: decorate the class"):
        emkit.pack(stranger)


BAD: list[tuple[Any, Any, str]] = [
    ([0.5, 0.6], [1, 2], r"PoissonMixture\.weights sums to 1\.1; expected 1"),
    ([1.5, -0.5], [1, 2], r"PoissonMixture\.weights\[1\] is -0\.5"),
    ([0.5, 0.5], [1, 0], r"PoissonMixture\.rates\[1\] is 0, expected a positive number"),
    ([0.5, 0.5], [np.nan, 1], r"PoissonMixture\.rates\[0\] is nan: expected a finite number"),
    ([0.5, 0.5], 1.0, r"PoissonMixture\.rates: expected axes \(K\), found an array of shape \(\)"),
    ([0.5, 0.5], [[1, 2]], r"PoissonMixture\.rates: expected axes \(K\), found an array of shape \(1, 2\)"),
    ([0.5, 0.5], ["a", "b"], r"PoissonMixture\.rates: expected real numbers"),
    ([0.5, 0.5], [1j, 2], r"PoissonMixture\.rates: expected real numbers"),
    ([0.5, 0.5], [[1], [2, 3]], r"PoissonMixture\.rates: expected real numbers"),
    ([0.2, 0.3, 0.5], [1, 2], r"PoissonMixture: rates has 2 along axis 'K', but weights has 3"),
]


@pytest.mark.parametrize(("weights", "rates", "message"), BAD)
def test_bad_parameters_name_class_field_and_entry(weights: Any, rates: Any, message: str) -> None:
    """A ParameterError is a ValueError that names the class, the field and the entry."""
    with pytest.raises(ParameterError, match=message) as caught:
        PoissonMixture(weights, rates)
    assert isinstance(caught.value, ValueError)
    assert caught.value.finite == ("finite number" not in message)


def test_a_subclass_is_named_by_its_own_name() -> None:
    """Inherited fields are reported under the class that was constructed."""

    @emkit.value
    class Special(PoissonMixture):
        pass

    with pytest.raises(ParameterError, match=r"Special\.weights\[1\] is -1"):
        Special([2, -1], [1, 2])


def test_axes_of_one_name_agree_through_nested_values() -> None:
    """Three weights over the means of two groups is an error that names both fields, not a broadcast."""
    inner = Inner(np.zeros((2, 3)), np.tile(np.eye(3), (2, 1, 1)))
    with pytest.raises(ParameterError, match=r"Outer: inner\.means has 2 along axis 'K', but weights has 3"):
        Outer(np.full(3, 1 / 3), inner, 1.0, np.full(3, 0.5), np.ones(3))
    with pytest.raises(ParameterError, match=r"Inner: covariances has 3 along axis 'D', but means has 2"):
        Inner(np.zeros((2, 2)), np.tile(np.eye(3), (2, 1, 1)))


def test_values_are_checked_where_a_plain_parent_checks_too() -> None:
    """Axes, names held and the count of parameters know of a value whose own check is that of a class that is none."""

    class Plain:
        def __attrs_post_init__(self) -> None:
            if vars(self)["rates"].max() > 99:
                raise ParameterError("too large")

    @emkit.value
    class Checked(Plain):
        weights: Array = emkit.simplex("K")
        rates: Array = emkit.positive("K")
        fixed: frozenset[str] = emkit.fixed()

    @emkit.value
    class Child(Checked):
        pass

    @emkit.value
    class Around:
        inner: Checked

    for cls in (Checked, Child):
        assert emkit.n_free_parameters(Around(cls([0.5, 0.5], [1, 2]))) == 3
        with pytest.raises(ParameterError, match="rates has 3 along axis 'K'"):
            cls([0.5, 0.5], [1, 2, 3])
        with pytest.raises(ParameterError, match=r"fixed: expected names among weights, rates, found 'rate'"):
            cls([0.5, 0.5], [1, 2], fixed="rate")
        with pytest.raises(ParameterError, match="too large"):
            cls([0.5, 0.5], [1, 200])


def test_parameters_are_read_only_copies() -> None:
    """The caller's array is copied, stays writeable, and the model's cannot be written to nor replaced."""
    mine = np.array([3, 4])
    model = PoissonMixture([0.5, 0.5], mine)
    mine[0] = 99
    assert model.rates.tolist() == [3.0, 4.0]
    assert model.rates.dtype == np.float64
    with pytest.raises(ValueError, match="read-only"):
        model.rates[0] = 1.0
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        model.rates = mine  # type: ignore[misc]  # a value is frozen


def test_other_arrays_are_read_only_views() -> None:
    """Fields without a declaration keep the caller's memory behind a read-only view."""
    mine = np.ones(2)
    counts = Counts(mine, mine)
    assert np.shares_memory(counts.weight, mine)
    assert not counts.weight.flags.writeable
    assert mine.flags.writeable


def test_equality_compares_class_and_arrays() -> None:
    """Values are equal when class and every entry are; they have no hash."""
    one = PoissonMixture([0.5, 0.5], [1, 2])
    assert one == PoissonMixture([0.5, 0.5], [1, 2])
    assert one != PoissonMixture([0.5, 0.5], [1, 3])
    assert one != PoissonMixture([1 / 3] * 3, [1, 2, 3])
    other: Any = Counts(one.weights, one.rates)
    assert one != other
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)


@given(st.integers(0, 10**6))
def test_values_pickle(seed: int) -> None:
    """A pickled value comes back equal and read-only, nested values included."""
    value = outer(np.random.default_rng(seed))
    back = pickle.loads(pickle.dumps(value))
    assert back == value
    assert not back.inner.means.flags.writeable


def test_pickles_leave_caches_behind() -> None:
    """What a model cached of itself is not in its pickle."""
    model = emkit.FullGaussian(np.zeros((1, 2)), np.eye(2)[None])
    before = pickle.dumps(model)
    assert model.structure.log_volume.shape == (1,)
    assert pickle.dumps(model) == before


def test_replace_checks_anew() -> None:
    """`replace` changes fields and validates the result as a constructor would."""
    model = PoissonMixture([0.5, 0.5], [1, 2])
    assert emkit.replace(model, rates=[3, 4]) == PoissonMixture([0.5, 0.5], [3, 4])
    with pytest.raises(ParameterError, match=r"rates\[0\]"):
        emkit.replace(model, rates=[-1, 4])


def test_a_parameter_without_axes_is_a_float() -> None:
    """A parameter declared without axes is kept as a plain float."""
    assert type(outer(np.random.default_rng(0)).noise) is float


@emkit.value
class Holding:
    rates: Array = emkit.positive("K")
    inner: Inner
    fixed: frozenset[str] = emkit.fixed()


def holding(*names: str) -> Holding:
    rng = np.random.default_rng(5)
    inner = Inner(rng.normal(size=(2, 3)), np.tile(np.eye(3), (2, 1, 1)))
    return Holding([1.0, 2.0], inner, fixed=names)


@pytest.mark.parametrize(("names", "count"), [((), 20), (("rates",), 18), (("inner",), 2), (("rates", "inner"), 0)])
def test_parameters_held_fixed_have_no_coordinates(names: tuple[str, ...], count: int) -> None:
    """What is held fixed is neither packed nor counted, and comes back unchanged from free coordinates."""
    model = holding(*names)
    assert emkit.n_free_parameters(model) == count
    moved = emkit.unpack(emkit.pack(model) + 1, like=model)
    assert np.array_equal(moved.rates, model.rates) == ("rates" in names)
    assert (moved.inner == model.inner) == ("inner" in names)
    assert moved.fixed == frozenset(names)


def test_update_leaves_what_is_held_fixed() -> None:
    """`update` changes parameters but for those held fixed."""
    model = emkit.update(holding("rates"), rates=[5.0, 6.0], inner=holding().inner)
    assert model.rates.tolist() == [1, 2]
    assert emkit.update(holding(), rates=[5.0, 6.0]).rates.tolist() == [5, 6]


def test_only_parameters_can_be_held_fixed() -> None:
    """A name that is no parameter is refused, and the parameters are listed."""
    with pytest.raises(ParameterError, match=r"Holding\.fixed: expected names among rates, inner, found 'rate'"):
        holding("rate")
    with pytest.raises(TypeError, match="expected names of parameters"):
        holding(3)


@emkit.value
class Columns:
    means: Array = emkit.real("K", "D")


@emkit.value
class Blocks:
    weights: Array = emkit.simplex("K")
    noise: Array = emkit.positive("D")
    blocks: tuple[Columns, ...] = emkit.parts("K", added="D")


def test_axes_of_parts_agree_or_add_up() -> None:
    """Of a tuple of values shared axes agree, an added axis is their sum, and free coordinates follow their order."""
    parts = [Columns(np.zeros((2, 1))), Columns(np.ones((2, 3)))]
    model = Blocks([0.5, 0.5], np.ones(4), parts)
    assert emkit.n_free_parameters(model) == 1 + 4 + 2 + 6
    back = emkit.unpack(emkit.pack(model), like=model)
    assert back == model
    with pytest.raises(ParameterError, match=r"blocks\[0\]\.means has 2 along axis 'K', but weights has 3"):
        Blocks([0.2, 0.3, 0.5], np.ones(4), parts)
    with pytest.raises(ParameterError, match=r"blocks has 4 along axis 'D', but noise has 5"):
        Blocks([0.5, 0.5], np.ones(5), parts)


def test_redundant_coordinates_are_not_counted() -> None:
    """A model that knows of directions without effect has fewer free parameters than coordinates."""
    model = Turning([[1.0, 2.0]])
    assert len(emkit.pack(model)) == 2
    assert emkit.n_free_parameters(model) == 1


@emkit.value
class Turning:
    loadings: Array = emkit.real("D", "Q")

    def redundant_parameters(self) -> int:
        return 1
