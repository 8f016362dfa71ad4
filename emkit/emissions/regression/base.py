"""What regressions share: rows of covariates and a response, and one line for each state.

A unit is a row of P covariates with the response in the last column. Every line has an intercept of its own, so that
covariates never contain a column of ones. Densities are those of the response given the covariates, whose own
distribution is not modelled: a regression draws responses, and no rows.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from emkit.arguments import Seed, as_generator
from emkit.arrays import Array
from emkit.data import as_labels, as_matrix
from emkit.entries import Entries, as_entries
from emkit.incomplete import Incomplete
from emkit.moments import FullMoments
from emkit.regression import unidentified
from emkit.starts import features_of


class Regression(ABC):
    """K regressions of the last column on the others; a final class adds the distribution about each line."""

    intercepts: Array  # (K,)
    coefficients: Array  # (K, P)

    response: ClassVar[Entries]
    """What a row (P covariates, a response) may be."""

    @abstractmethod
    def _mean(self, line: Array) -> Array:
        """Return the expected response given the value of the line, of any shape."""

    @abstractmethod
    def _draw(self, line: Array, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Draw one response (N,) for each value of a line (N,) and state (N,)."""

    @classmethod
    def read(cls, x: Any) -> Any:
        """Return data as rows (N, P + 1), or raise ValueError or TypeError with the entry at fault."""
        rows = as_entries(x, cls.response)
        if isinstance(rows, Incomplete):
            rows.whole_rows()
        return rows

    @classmethod
    def features(cls, x: Any) -> Array:
        """Return covariates and response, (N, P + 1)."""
        return features_of(x)

    def prepare(self, x: Any) -> Any:
        """Return data as rows (N, P + 1), or raise ValueError or TypeError with the entry at fault."""
        return as_entries(x, self.response, features=self.coefficients.shape[1] + 1)

    def expected_response(self, covariates: Any) -> Array:
        """Return the expected response of each state at covariates (N, P): (N, K).

        Raises:
            ValueError, TypeError: not (N, P) real numbers.
        """
        return self._mean(self._lines(self._covariates(covariates)))

    def sample_response(self, covariates: Any, states: Any, rng: Seed) -> Array:
        """Draw a response at each row of covariates (N, P), given its state (N,), with a seed or a generator; (N,).

        Raises:
            ValueError, TypeError: covariates that are not (N, P) real numbers, or states that are not N whole numbers
                below K.
        """
        rows, chosen = self._covariates(covariates), as_labels(states, len(self.intercepts), name="states")
        if len(rows) != len(chosen):
            raise ValueError(
                f"states: expected one for each of the {len(rows)} rows of covariates, found {len(chosen)}"
            )
        return self._draw(self._lines(rows)[np.arange(len(rows)), chosen], chosen, as_generator(rng))

    def _covariates(self, given: Any) -> Array:
        return as_matrix(given, features=self.coefficients.shape[1], name="covariates")

    def _lines(self, covariates: Array) -> Array:
        return self.intercepts + covariates @ self.coefficients.T  # (N, K)


def joint_moments(rows: Array, posterior: Array) -> FullMoments:
    """Return the moments of covariates and response in each state, given posterior (N, K)."""
    about = rows[0] if len(rows) else np.zeros(rows.shape[1])  # near all rows, seen from zero
    return FullMoments.of(rows, posterior, about=np.tile(about, (posterior.shape[1], 1)))


def one_state(moments: FullMoments, k: int) -> FullMoments:
    """Return the moments of one state, (1, P + 1)."""
    only = slice(k, k + 1)
    return FullMoments(moments.weight[only], moments.mean[only], moments.scatter[only])


def check_covariates(rows: Array, weight: Array) -> None:
    """Refuse covariates that are constant, or combinations of others: they have no coefficient.

    Raises:
        ValueError: it names the covariate.
    """
    found = unidentified(joint_moments(rows, weight[:, None]))
    if found:
        raise ValueError("data: " + "; ".join(f"{where} {why}" for where, why in found))
