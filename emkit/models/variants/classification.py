"""Classification EM: every unit goes to its most probable component as a whole."""

from typing import Any, Self, final

import numpy as np

from emkit.algorithm import Ascent
from emkit.arrays import Array
from emkit.data import Weighted
from emkit.emissions import asking
from emkit.model import Complaint
from emkit.models.mixture_statistics import MixtureStatistics
from emkit.models.variants.base import M, Variant, expectation
from emkit.statistics import Expectation
from emkit.values import replace, value


@final
@value
class Classification(Variant[M]):
    """A mixture fitted by classification EM, or hard EM: it maximises Σ_n max_k log w_k p_k(x_n) + log prior.

    That is the classification log likelihood: the log joint of data and labels, at the best labels. It is what `fit`
    traces and ascends; `fit.model.mixture` is what is fitted. With equal weights and one common covariance σ²I, all
    held, this is Lloyd's k-means. Estimates are not consistent: components that overlap are cut where they meet, so
    that they end up too narrow and too far apart. `fit.bic` counts this likelihood too: it compares classifications of
    the same data among each other, and not with mixtures.

    Args:
        mixture: where to start; any `Mixture`.

    What is latent within a component, such as missing cells or the scales of `StudentT`, is not hardened: it keeps its
    posterior, and the objective never falls all the same. Where nothing is, steps end after finitely many: in a local
    maximum that depends much on the start. A row of which nothing is seen goes to the heaviest component, and adds the
    logarithm of its weight. A component that no unit goes to loses its weight and keeps its emissions.

    Reference: G. Celeux and G. Govaert (1992), A classification EM algorithm for clustering and two stochastic
    versions, Computational Statistics & Data Analysis 14, 315-332, section 3.

    Raises (on construction):
        TypeError: not a mixture, or one with an E-step of its own.
    """

    def prepare(self, data: Any) -> Weighted[Any]:
        """Return the data as the mixture prepares them, or raise what it raises."""
        return self.mixture.prepare(data)

    def chunk_size(self, data: Weighted[Any]) -> int:
        """Return how many units go well together in the mixture."""
        return self.mixture.chunk_size(data)

    def ascends(self) -> Ascent:
        """Return that steps ascend the classification likelihood."""
        return Ascent.CLASSIFICATION

    def e_step(self, data: Weighted[Any]) -> Expectation[MixtureStatistics[Any]]:
        """Return counts and emission statistics of prepared data by label: the E-step and C-step of the paper."""
        log_joint = self._log_joint(data)
        return expectation(self.mixture, data, log_joint.max(axis=1), _one_hot(log_joint))

    def m_step(self, statistics: MixtureStatistics[Any]) -> Self:
        """Return the mode of weights and emissions given the labels."""
        return replace(self, mixture=self.mixture.m_step(statistics))

    def log_marginal(self, data: Any) -> Array:
        """Return max_k log w_k p_k(x_n), (N,), nats: no marginal, but what stands in its place in the objective."""
        return np.asarray(self._log_joint(self.prepare(data)).max(axis=1))

    def posterior(self, data: Any) -> Array:
        """Return the labels as responsibilities (N, K) of zero and one; ties go to the first component."""
        return _one_hot(self._log_joint(self.prepare(data)))

    def expected_log_joint(self, statistics: MixtureStatistics[Any]) -> float:
        """Return Q of the mixture given statistics by label, nats.

        Raises:
            MissingPowerError: the emissions have no `expected_log_density`.
        """
        return self.mixture.expected_log_joint(statistics)

    def complaints(self, statistics: MixtureStatistics[Any]) -> list[Complaint]:
        """Return which components are empty, and what the emissions complain of."""
        return self.mixture.complaints(statistics)

    def _log_joint(self, rows: Weighted[Any]) -> Array:
        """Return log w_k p_k(x_n) of prepared rows, (N, K), nats."""
        with np.errstate(divide="ignore"):
            log_weights = np.log(self.mixture.weights)
        return asking.log_density(self.mixture.emissions, rows.data) + log_weights


def _one_hot(log_joint: Array) -> Array:
    """Return one for the largest number of each row (N, K), the first of several, and zero for all others."""
    return np.eye(log_joint.shape[1])[log_joint.argmax(axis=1)]
