"""Annotators who err: the latent class model of Dawid and Skene (1979)."""

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from scipy.special import xlogy

from emkit.arguments import Seed, as_generator, check_count
from emkit.arrays import Array, average, condition, divergence, log_condition
from emkit.data import Labels, Weighted, as_weighted, split_weight, total_by
from emkit.declarations import fixed, simplex
from emkit.model import Complaint, LatentVariableModel
from emkit.models.annotators.answers import Answers, count_of
from emkit.models.mixture import WEIGHTLESS
from emkit.priors.conjugate import optional_prior
from emkit.priors.dirichlet import Dirichlet, DirichletRows, check_possible, log_prior_of, mode_of_shares
from emkit.statistics import Expectation, Statistics
from emkit.values import update, value


@value
class ConfusionCounts(Statistics):
    """Expected counts of items and of answers."""

    items: Array  # (K,) of each true class
    answers: Array  # (J, K, K) of each annotator, by true class and label


@value
class DawidSkene(LatentVariableModel[Weighted[Answers], ConfusionCounts]):
    """Each item has one of K true classes; annotator j calls class k by label l with probability `confusion[j, k, l]`.

    Answers are independent given the true class. An iteration costs as much as there are answers, times K.

    Args:
        prevalence: (K,) probability of each true class; exact zeros stay zero.
        confusion: (J, K, K) of each annotator, by true class and label; rows sum to one, exact zeros stay zero.
        prevalence_prior: a `Dirichlet`, or None for maximum likelihood.
        confusion_prior: a `DirichletRows` for each annotator alike, or None. Without one, a label that an annotator
            never gave to a class is impossible, in new data too.
        fixed: names of what an M-step leaves as it is: "prevalence", "confusion" or both.

    Data are `Answers`, or `Weighted` with a weight for each item.
    Reference: A. P. Dawid and A. M. Skene (1979), Applied Statistics 28, 20-28, equations 2.3 to 2.5.

    Raises (on construction):
        ParameterError: rows that do not sum to one, numbers of classes that differ, or a zero under a prior.
    """

    prevalence: Array = simplex("K")
    confusion: Array = simplex("J", "K", "K")
    prevalence_prior: Dirichlet | None = optional_prior(Dirichlet)
    confusion_prior: DirichletRows | None = optional_prior(DirichletRows)
    fixed: frozenset[str] = fixed()

    def __attrs_post_init__(self) -> None:
        """Refuse priors that would move probabilities which are zero by structure."""
        check_possible("DawidSkene.prevalence", self.prevalence, self.prevalence_prior)
        check_possible("DawidSkene.confusion", self.confusion, self.confusion_prior)

    @classmethod
    def start(
        cls,
        data: Any,
        n_classes: int | None = None,
        *,
        n_annotators: int | None = None,
        prevalence_prior: Dirichlet | None = None,
        confusion_prior: DirichletRows | None = None,
    ) -> Self:
        """Return the M-step's model where the posterior of each item is the share of its votes.

        An item without answers votes as all items do. An annotator without answers on a class calls it by any label.

        Args:
            data: `Answers`, or `Weighted`.
            n_classes: K; by default, as many as the largest label says.
            n_annotators: J; by default, as many as the largest annotator says.
            prevalence_prior, confusion_prior: as for the model.

        Raises:
            ValueError, TypeError: the data or an argument are refused.
        """
        answers = _answers_of(data)
        classes = max(1, count_of("label", answers.label)) if n_classes is None else check_count("n_classes", n_classes)
        annotators = (
            max(1, count_of("annotator", answers.annotator))
            if n_annotators is None
            else check_count("n_annotators", n_annotators)
        )
        even = np.full((annotators, classes, classes), 1 / classes)
        equal = cls(even[0, 0], even, prevalence_prior, confusion_prior)
        weight = equal.prepare(data).weight
        votes = answers.votes(classes)  # (N, K)
        overall = average(weight @ votes, weight @ votes.sum(axis=1), otherwise=equal.prevalence)
        share = average(votes, votes.sum(axis=1), otherwise=overall)
        return equal.m_step(equal._learn(answers, share * weight[:, None]))

    def prepare(self, data: Any) -> Weighted[Answers]:
        """Return the answers checked and weighted; every item counts once unless they are `Weighted`.

        Raises:
            TypeError: not `Answers`.
            ValueError: an annotator or a label that the model does not know; the message names the item.
        """
        answers = _answers_of(data)
        answers.check_known(len(self.confusion), len(self.prevalence))
        return as_weighted(answers, split_weight(data)[1])

    def accepts(self, wrapper: type) -> bool:
        """Accept `Weighted` data."""
        return wrapper is Weighted

    def e_step(self, data: Weighted[Answers]) -> Expectation[ConfusionCounts]:
        """Return expected counts of prepared data. Reference: Dawid and Skene (1979), equation 2.5."""
        log_marginal, posterior = self._condition(data.data)
        posterior *= data.weight[:, None]  # (N, K), weights in it from here on
        return Expectation.of(log_marginal, self._learn(data.data, posterior), data.weight)

    def m_step(self, statistics: ConfusionCounts) -> Self:
        """Return the mode of prevalence and confusion given expected counts. Reference: equations 2.3 and 2.4."""
        return update(
            self,
            prevalence=mode_of_shares(statistics.items, self.prevalence_prior, otherwise=self.prevalence),
            confusion=mode_of_shares(statistics.answers, self.confusion_prior, otherwise=self.confusion),
        )

    def log_marginal(self, data: Any) -> Array:
        """Return the log probability of each item's answers, (N,), nats; 0 for an item without answers."""
        return self._condition(self.prepare(data).data)[0]

    def posterior(self, data: Any) -> Array:
        """Return the probability of each true class for each item, (N, K)."""
        return self._condition(self.prepare(data).data)[1]

    def posterior_divergence(self, other: Self, data: Any) -> Array:
        """Return how far the posterior of each item's class moves to that of another model, (N,), nats."""
        answers = self.prepare(data).data
        moved_from, to = (log_condition(one.prevalence, one._log_density(answers)) for one in (self, other))
        return divergence(moved_from, to)

    def predict(self, data: Any) -> Labels:
        """Return the most probable true class of each item, (N,)."""
        return np.argmax(self.posterior(data), axis=1)

    def log_prior(self) -> float:
        """Return the log prior density of prevalence and confusion, nats; 0 without priors."""
        return log_prior_of(self.prevalence, self.prevalence_prior) + log_prior_of(self.confusion, self.confusion_prior)

    def expected_log_joint(self, statistics: ConfusionCounts) -> float:
        """Return Q(self given statistics): counts times log probabilities, nats."""
        items = xlogy(statistics.items, self.prevalence).sum()
        return float(items + xlogy(statistics.answers, self.confusion).sum())

    def configurations(self, unit: Any) -> Iterator[tuple[float, ConfusionCounts]]:
        """Yield, for data of one item, log p(x, z = k) and the complete-data statistics of each class k."""
        prepared = self.prepare(unit)
        given = list(zip(prepared.data.annotator, prepared.data.label, strict=True))
        for k in range(len(self.prevalence)):
            factors = [self.prevalence[k]] + [self.confusion[j, k, label] for j, label in given]
            log_joint = sum(float(np.log(factor)) if factor > 0 else -np.inf for factor in factors)
            items, counts = np.zeros_like(self.prevalence), np.zeros_like(self.confusion)
            items[k] = 1.0
            for j, label in given:
                counts[j, k, label] += 1.0
            yield log_joint, ConfusionCounts(items, counts) * float(prepared.weight[0])

    def sample(self, n: int, rng: Seed, *, asked: Answers | None = None) -> Answers:
        """Draw the answers about n items, with a seed or a generator.

        Args:
            n: how many items.
            rng: a seed, or a generator.
            asked: whose items and annotators to keep, drawing labels anew; None asks every annotator once of each item.

        Raises:
            ValueError: `asked` is not about n items.
        """
        generator = as_generator(rng)
        everyone, size = np.arange(len(self.confusion)), check_count("n", n)
        if asked is None:
            item, annotator = np.repeat(np.arange(size), len(everyone)), np.tile(everyone, size)
        else:
            design = self.prepare(asked).data
            item, annotator = design.item, design.annotator
            if len(design) != size:
                raise ValueError(f"asked: expected answers about n = {size} items, found {len(design)}")
        truth = generator.choice(len(self.prevalence), size=size, p=self.prevalence / self.prevalence.sum())
        below = np.cumsum(self.confusion[annotator, truth[item]], axis=1)  # (M, K)
        label = (below[:, :-1] <= generator.random((len(item), 1)) * below[:, -1:]).sum(axis=1)
        return Answers(item, annotator, label, size)

    def complaints(self, statistics: ConfusionCounts) -> list[Complaint]:
        """Return which classes have no items, and which annotators no answers to learn from."""
        empty = [
            (f"class {k}", f"has no items: prevalence {self.prevalence[k]:.3g}")
            for k in np.flatnonzero(self.prevalence < WEIGHTLESS)
        ]
        if self.confusion_prior is not None or "confusion" in self.fixed:
            return empty
        silent = np.flatnonzero(statistics.answers.sum(axis=(1, 2)) == 0)
        return empty + [(f"annotator {j}", "has no answers: the confusion matrix stays as it was") for j in silent]

    def _condition(self, answers: Answers) -> tuple[Array, Array]:
        """Return log marginals (N,) and the posterior (N, K)."""
        return condition(self.prevalence, self._log_density(answers))

    def _log_density(self, answers: Answers) -> Array:
        """Return the log probability of each item's answers given its class, (N, K), nats."""
        with np.errstate(divide="ignore"):
            log_confusion = np.log(self.confusion)
        of_class = [
            total_by(answers.item, log_confusion[answers.annotator, k, answers.label], len(answers))
            for k in range(len(self.prevalence))
        ]
        return np.stack(of_class, axis=1)

    def _learn(self, answers: Answers, posterior: Array) -> ConfusionCounts:
        """Return the counts where items are shared out among the classes by posterior (N, K)."""
        annotators, classes, _ = self.confusion.shape
        cells = answers.annotator * classes + answers.label  # (M,)
        of_class = [total_by(cells, one[answers.item], annotators * classes) for one in posterior.T]
        counts = np.stack(of_class).reshape(classes, annotators, classes)  # true class first
        return ConfusionCounts(posterior.sum(axis=0), counts.swapaxes(0, 1))


def _answers_of(data: Any) -> Answers:
    answers, _ = split_weight(data)
    if not isinstance(answers, Answers):
        raise TypeError(f"data: expected emkit.Answers(item, annotator, label), found {type(answers).__name__}")
    return answers
