"""What a fit returns: the model, its trace, how it ended, and what can be read off them."""

from typing import Any, Generic

import numpy as np

from emkit.algorithm import EM, Algorithm, M
from emkit.declarations import ParameterError
from emkit.parameters import n_free_parameters
from emkit.stopping import Outcome
from emkit.trace import Record, Trace
from emkit.values import value


class DegenerateError(ParameterError):
    """A model became degenerate and `on_degenerate="raise"` was asked for; `fit` is the fit so far."""

    def __init__(self, fit: "Fit[Any]") -> None:
        super().__init__(fit.message)
        self.fit = fit


@value
class Fit(Generic[M]):
    """The result of a fit: the model, its trace, and how it ended."""

    model: M  # the last accepted model; it owns trace[-1]
    trace: Trace
    outcome: Outcome
    message: str  # what the outcome means and what to try
    tol: float = 0.0  # what the fit was asked for, nats per unit
    recorded: tuple[Any, ...] = ()  # what `record` kept of each accepted point, the start first
    rejected: Record | None = None  # the point that fell, where the outcome is `decreased`
    algorithm: Algorithm = EM()  # in the state that goes on from the model

    @property
    def stopped_early(self) -> bool:
        """Whether the fit would still gain more than `tol` nats per unit if it ran on.

        `trace.remaining` is the estimate; where there is none, nothing is known, and this is False.
        """
        return self.trace.unfinished(self.tol)

    @property
    def converged(self) -> bool:
        """Whether the stopping criterion was met, and nothing else happened."""
        return self.outcome is Outcome.CONVERGED

    @property
    def objective(self) -> float:
        """Log likelihood + log prior of the model, nats."""
        return self.trace[-1]

    @property
    def log_likelihood(self) -> float:
        """Log likelihood of the model, nats."""
        return self.trace.records[-1].log_likelihood

    @property
    def n_iter(self) -> int:
        """How many iterations were accepted."""
        return len(self.trace) - 1

    @property
    def aic(self) -> float:
        """Akaike's criterion, -2 log likelihood + 2 p; smaller is better.

        Raises:
            TypeError: the model declares no parameters.
        """
        return -2 * self.log_likelihood + 2 * n_free_parameters(self.model)

    @property
    def bic(self) -> float:
        """Schwarz's criterion, -2 log likelihood + p log(observations); smaller is better.

        A sequence holds as many observations as steps; other units are one each.

        Raises:
            TypeError: the model declares no parameters.
        """
        observations = self.trace.records[-1].observations
        return -2 * self.log_likelihood + n_free_parameters(self.model) * float(np.log(observations))

    def __str__(self) -> str:
        """Say in five lines how the fit went."""
        falls = self.trace.violations + [self.n_iter + 1] * (self.outcome is Outcome.DECREASED)
        return (
            f"outcome         {self.outcome}\n"
            f"iterations      {self.n_iter}\n"
            f"log-likelihood  {self.log_likelihood:.6f}\n"
            f"monotone        {f'no, fell at iterations {falls}' if falls else 'yes'}\n"
            f"message         {self.message}"
        )
