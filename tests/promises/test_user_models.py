"""Promises on user models: whatever a model does wrong is said with its iteration, its method and its own exception."""

from collections import namedtuple
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

import emkit
from emkit import Array, Expectation, ModelError, Outcome, ParameterError, Weighted

X = np.random.default_rng(0).normal(size=60)
AT = 7  # the iteration at which a model goes wrong


@emkit.value
class Sums(emkit.Statistics):
    weight: float
    total: float


class Location:
    """The mean of a normal distribution, approached by half the way at each M-step; it goes wrong on request."""

    def __init__(self, mean: float = 3.0, age: int = 0, **wrong: Callable[..., Any]) -> None:
        self.mean = mean
        self.age = age
        self.wrong = wrong

    def log_marginal(self, x: Array) -> Array:
        if "log_marginal" in self.wrong:
            return self.wrong["log_marginal"](self, x)
        return -((x - self.mean) ** 2) / 2

    def e_step(self, x: Array) -> Expectation[Any]:
        if "e_step" in self.wrong and self.age == AT:
            return self.wrong["e_step"](self, x)
        return self.learn(x, -((x - self.mean) ** 2) / 2)

    def m_step(self, s: Any) -> "Location":
        if "m_step" in self.wrong and self.age == AT - 1:
            return self.wrong["m_step"](self, s)
        return Location((self.mean + s.total / s.weight) / 2, self.age + 1, **self.wrong)

    @staticmethod
    def learn(x: Array, log_marginal: Array) -> Expectation[Any]:
        return Expectation.of(log_marginal, Sums(len(x), x.sum()))


class WithPrior(Location):
    """A location with a log prior that goes wrong on request."""

    def log_prior(self) -> float:
        return self.wrong["log_prior"](self) if self.age == AT else 0.0

    def m_step(self, s: Any) -> "WithPrior":
        after = super().m_step(s)
        return WithPrior(after.mean, after.age, **self.wrong)


def raises(error: BaseException) -> Callable[..., Any]:
    """Return a function that raises."""

    def step(*_: Any) -> Any:
        raise error

    return step


def moved(model: Location, by: float) -> Location:
    """Return a model with another mean, one iteration on."""
    return Location(model.mean + by, model.age + 1, **model.wrong)


def test_a_healthy_model_converges() -> None:
    """Promise 14: the model that the tests below damage is healthy."""
    fit = emkit.fit(Location(), X)
    assert fit.converged
    assert fit.model.mean == pytest.approx(X.mean(), abs=1e-3)
    assert fit.n_iter > AT


NOT_FINITE: dict[str, tuple[dict[str, Any], str]] = {
    "nan": ({"e_step": lambda m, x: m.learn(x, x * np.nan)}, "nan"),
    "+inf": ({"e_step": lambda m, x: m.learn(x, np.full_like(x, np.inf))}, "inf"),
    "-inf": ({"e_step": lambda m, x: m.learn(x, np.full_like(x, -np.inf))}, "impossible"),
    "nan parameters": ({"m_step": lambda m, s: moved(m, np.nan)}, "nan"),
}


@pytest.mark.parametrize(("wrong", "message"), NOT_FINITE.values(), ids=NOT_FINITE)
@pytest.mark.parametrize("chunk_size", [None, 7])
def test_what_is_not_finite_is_rejected(wrong: Any, message: str, chunk_size: int | None) -> None:
    """Promise 14: a log likelihood that is nan or infinite ends the fit at its iteration, with the model before it."""
    fit = emkit.fit(Location(**wrong), X, chunk_size=chunk_size)
    assert fit.outcome is Outcome.NON_FINITE
    assert not fit.converged
    assert f"iteration {AT}" in fit.message
    assert message in fit.message
    assert fit.model.age == fit.n_iter == AT - 1
    assert np.isfinite(np.asarray(fit.trace)).all()


Pair = namedtuple("Pair", "weight total")  # an untyped one, as a user may write

ANSWERS: dict[str, tuple[dict[str, Any], str]] = {
    "None": ({"e_step": lambda m, x: None}, "e_step .*returned a NoneType; expected an emkit.Expectation"),
    "a tuple": ({"e_step": lambda m, x: (1.0, 2.0)}, "e_step .*returned a tuple; expected an emkit.Expectation"),
    "a column": ({"e_step": lambda m, x: m.learn(x, x[:, None])}, r"e_step .*expected log_marginal of shape \(N,\)"),
    "a scalar": ({"e_step": lambda m, x: m.learn(x, x.sum())}, r"e_step .*expected log_marginal of shape \(N,\)"),
    "too few": ({"e_step": lambda m, x: m.learn(x, x[:3])}, "e_step .*counted 3 units, after 60"),
    "an array": ({"e_step": lambda m, x: Expectation(x, 60, 0, Sums(1, 1))}, "e_step .*one number summed over units"),
    "text": ({"e_step": lambda m, x: Expectation("a", 60, 0, Sums(1, 1))}, "e_step .*ValueError"),
    "nan units": ({"e_step": lambda m, x: Expectation(-9, np.nan, 0, Sums(1, 1))}, "e_step .*units nan"),
    "negative units": ({"e_step": lambda m, x: Expectation(-9, -60, 0, Sums(1, 1))}, "e_step .*units -60"),
    "nan rounding": ({"e_step": lambda m, x: Expectation(-9, 60, np.nan, Sums(1, 1))}, "e_step .*rounding nan"),
    "inf rounding": ({"e_step": lambda m, x: Expectation(-9, 60, np.inf, Sums(1, 1))}, "e_step .*rounding inf"),
    "tuple statistics": ({"e_step": lambda m, x: Expectation.of(x, (1.0, 2.0))}, "e_step .*statistics are a tuple"),
    "list statistics": ({"e_step": lambda m, x: Expectation.of(x, [1.0])}, "e_step .*statistics are a list"),
    "dict statistics": ({"e_step": lambda m, x: Expectation.of(x, {"a": 1})}, "e_step .*statistics are a dict"),
    "named tuple": ({"e_step": lambda m, x: Expectation.of(x, Pair(1, 2))}, "e_step .*statistics are a Pair"),
    "no statistics": ({"e_step": lambda m, x: Expectation.of(x, None)}, "e_step .*statistics are a NoneType"),
    "no model": ({"m_step": lambda m, s: None}, "m_step .*returned a NoneType; expected a Location"),
    "a number": ({"m_step": lambda m, s: 3.0}, "m_step .*returned a float; expected a Location"),
}


@pytest.mark.parametrize(("wrong", "message"), ANSWERS.values(), ids=ANSWERS)
def test_wrong_answers_are_named(wrong: Any, message: str) -> None:
    """Promise 14: an answer of the wrong type or shape is an error that names the iteration and the method."""
    with pytest.raises(ModelError, match=f"iteration {AT}: Location.{message}"):
        emkit.fit(Location(**wrong), X)


ERRORS = [RuntimeError("boom"), ValueError("boom"), KeyError("boom"), IndexError("boom"), ZeroDivisionError("boom")]
ERRORS += [np.linalg.LinAlgError("boom"), AttributeError("boom"), StopIteration("boom")]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("step", ["e_step", "m_step"])
def test_the_users_exception_is_kept(error: Exception, step: str) -> None:
    """Promise 14: what a step raises at iteration 7 is the cause of an error that names iteration and step."""
    with pytest.raises(ModelError, match=f"iteration {AT}: Location.{step} raised ") as caught:
        emkit.fit(Location(**{step: raises(error)}), X)
    root = caught.value.__cause__
    assert root is error or (root is not None and root.__cause__ is error)


PRIORS: dict[str, Callable[..., Any]] = {
    "raises": raises(RuntimeError("boom")),
    "None": lambda m: None,
    "array": lambda m: np.zeros(3),
}


@pytest.mark.parametrize("log_prior", PRIORS.values(), ids=PRIORS)
def test_a_wrong_log_prior_is_named(log_prior: Any) -> None:
    """Promise 14: a log prior that raises or is no number is an error that names it."""
    with pytest.raises(ModelError, match=f"iteration {AT}: WithPrior.log_prior raised"):
        emkit.fit(WithPrior(log_prior=log_prior), X)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_log_prior_that_is_not_finite_is_rejected(bad: float) -> None:
    """Promise 14: a log prior that is nan or infinite ends the fit as non_finite at its iteration."""
    fit = emkit.fit(WithPrior(log_prior=lambda m: bad), X)
    assert fit.outcome is Outcome.NON_FINITE
    assert f"iteration {AT}" in fit.message
    assert fit.model.age == AT - 1


def test_a_fall_is_an_outcome_with_its_iteration() -> None:
    """Promises 3 and 14: a model that descends ends as decreased at the iteration, and returns the better model."""
    fit = emkit.fit(Location(m_step=lambda m, s: moved(m, 1.0)), X)
    assert fit.outcome is Outcome.DECREASED
    assert f"at iteration {AT}" in fit.message
    assert fit.model.age == fit.n_iter == AT - 1
    assert fit.log_likelihood == pytest.approx(-((X - fit.model.mean) ** 2).sum() / 2, rel=1e-12)


MARGINALS: dict[str, Callable[..., Any]] = {
    "raises": raises(RuntimeError("boom")),
    "None": lambda m, x: None,
    "column": lambda m, x: x[:, None],
}


@pytest.mark.parametrize("log_marginal", MARGINALS.values(), ids=MARGINALS)
def test_a_wrong_log_marginal_is_named_when_it_is_asked(log_marginal: Any) -> None:
    """Promise 14: where a fall is checked through a broken log_marginal, the error names it and the iteration."""
    with pytest.raises(ModelError, match=f"iteration {AT}: Location.log_marginal raised"):
        emkit.fit(Location(m_step=lambda m, s: moved(m, 1.0), log_marginal=log_marginal), X)


def writes(model: Location, x: Any) -> Any:
    """Write to the data."""
    x[0] = 5.0
    return model.learn(x, x)


@pytest.mark.parametrize("chunk_size", [None, 7])
def test_a_model_that_mutates_the_data_is_told_so(chunk_size: int | None) -> None:
    """Promise 14: an E-step cannot write to the data; it is told so, and the data stay as they were."""
    x = X.copy()
    with pytest.raises(ModelError, match=f"iteration {AT}: Location.e_step raised ValueError: .*read-only"):
        emkit.fit(Location(e_step=writes), x, chunk_size=chunk_size)
    assert np.array_equal(x, X)
    assert x.flags.writeable


@pytest.mark.parametrize("wrap", [lambda x: [x, x], lambda x: (x, x), lambda x: Weighted(x, np.ones(len(x)))])
def test_wrapped_data_cannot_be_written_to(wrap: Any) -> None:
    """Promise 14: arrays inside lists and weighted data are as safe from an E-step as bare ones."""

    class Vandal(Location):
        def accepts(self, wrapper: type) -> bool:
            return True

        def e_step(self, data: Any) -> Any:
            inner = data.data if isinstance(data, Weighted) else data[1]
            inner[0] = 5.0

    x, vandal = X.copy(), cast(Any, Vandal())
    with pytest.raises(ModelError, match=r"iteration 0: Vandal.e_step raised ValueError: .*read-only"):
        emkit.fit(vandal, wrap(x))
    assert np.array_equal(x, X)


def test_a_model_that_changes_in_place_is_told_so() -> None:
    """Promise 14: an M-step that changes its own model and returns it is told to return a new one."""

    def in_place(model: Location, s: Any) -> Location:
        model.mean = s.total / s.weight
        return model

    with pytest.raises(ModelError, match=f"iteration {AT}: Location.m_step raised .*changed the model in place"):
        emkit.fit(Location(m_step=in_place), X)


def test_a_subclass_that_is_lost_is_named() -> None:
    """Promise 14: an inherited M-step that returns the parent, and so loses the subclass's powers, is named."""

    class Child(Location):
        def log_prior(self) -> float:
            return -abs(self.mean)

    with pytest.raises(ModelError, match=r"iteration 1: Child.m_step .*returned a Location; expected a Child"):
        emkit.fit(cast(Any, Child()), X)


def test_leaving_the_parameter_space_is_an_outcome() -> None:
    """Promise 14: a parameter that leaves its space ends the fit as degenerate, with the last model inside."""
    fit = emkit.fit(Location(m_step=raises(ParameterError("mean is -1, expected a positive number"))), X)
    assert fit.outcome is Outcome.DEGENERATE
    assert f"iteration {AT}" in fit.message
    assert "mean is -1" in fit.message
    assert fit.model.age == AT - 1


@pytest.mark.parametrize("complaints", [lambda m: None, lambda m: ["too short"], raises(RuntimeError("boom"))])
def test_wrong_complaints_are_named(complaints: Any) -> None:
    """Promise 14: complaints that raise or are not pairs of text are an error that names the method."""

    class Grumbler(Location):
        def m_step(self, s: Any) -> "Grumbler":
            return self

        def complaints(self, statistics: Any) -> Any:
            return complaints(self)

    with pytest.raises(ModelError, match=r"Grumbler.complaints raised"):
        emkit.fit(Grumbler(), X)


def test_data_that_cannot_be_data_are_refused() -> None:
    """Promise 11: data without a length, without a unit, or with weights that the model does not know are refused."""
    with pytest.raises(TypeError, match="data: expected something with a length and slices, found generator"):
        emkit.fit(Location(), (value for value in X))
    with pytest.raises(ValueError, match="data: expected at least one unit"):
        emkit.fit(Location(), X[:0])
    with pytest.raises(TypeError, match="Location does not accept Weighted data"):
        emkit.fit(Location(), Weighted(X, np.ones(60)))
