"""Dawid and Skene: the anaesthetists, dense enumeration, sparse designs, and every law."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import logsumexp

import emkit
from emkit import Answers, Array, DawidSkene, Dirichlet, DirichletRows, Outcome, Weighted
from emkit.testing import conformance
from emkit.testing.case import Case
from emkit.testing.laws.likelihood import sample_reproduces_moments
from tests.references import load

SEEDS = st.integers(0, 2**32 - 1)
TOLERANCE = load("dawid_skene_anaesthetists")["tolerance"]
REFERENCE = load("dawid_skene_anaesthetists")["reference"]

PREVALENCE = np.array([0.5, 0.3, 0.2])
CONFUSION = np.array(
    [
        [[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.2, 0.7]],
        [[0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.3, 0.2, 0.5]],
        [[0.5, 0.2, 0.3], [0.3, 0.5, 0.2], [0.2, 0.1, 0.7]],
    ]
)
PRIORS = {
    "prevalence_prior": Dirichlet(np.array([2.0, 1.0, 1.5])),
    "confusion_prior": DirichletRows.diagonal(3, same=3.0, other=1.2),
}


def anaesthetists() -> Answers:
    patient, observer, grade = emkit.datasets.anaesthetists().data.T - 1
    return Answers(patient, observer, grade)


def sparse(seed: int, n: int = 150) -> Answers:
    """Draw answers of a sparse design: some items without any, some annotators asked twice."""
    rng = np.random.default_rng(seed)
    asked = rng.integers(0, 6, n)
    item = np.repeat(np.arange(n), asked)
    design = Answers(item, rng.integers(0, 3, len(item)), np.zeros(len(item)), n)
    return DawidSkene(PREVALENCE, CONFUSION).sample(n, rng, asked=design)


ANSWERS = sparse(3)
WEIGHTED = Weighted(ANSWERS, np.where(np.arange(150) % 7 == 0, 0.0, np.linspace(0.2, 3, 150)))

for _name, _options in {
    "": {},
    "WithPriors": PRIORS,
    "PrevalenceHeld": {"fixed": "prevalence"},
    "ConfusionHeld": {"fixed": "confusion"},
    "ConfusionHeldWithPriors": {"fixed": "confusion", **PRIORS},
}.items():
    _model = DawidSkene(PREVALENCE, CONFUSION, **_options)
    globals()[f"TestDawidSkene{_name}"] = conformance(_model, ANSWERS, examples=2)
    globals()[f"TestDawidSkene{_name}Weighted"] = conformance(_model, WEIGHTED, examples=2)


def log_joint(model: DawidSkene, answers: Answers) -> Array:
    """Return log p(answers, class) of each item, (N, K), answer by answer."""
    with np.errstate(divide="ignore"):
        found = np.tile(np.log(model.prevalence), (len(answers), 1))
        for item, j, label in zip(answers.item, answers.annotator, answers.label, strict=True):
            found[item] += np.log(model.confusion[j, :, label])
    return found


def test_the_published_trace() -> None:
    """From vote shares, every log-likelihood is that of the reference run."""
    expected = REFERENCE["loglik_trace_from_average_vote_start"]
    answers = anaesthetists()
    fit = emkit.fit(DawidSkene.start(answers), answers, tol=1e-14)
    n = min(len(expected), len(fit.trace))
    assert n > 25
    assert_allclose(np.asarray(fit.trace)[:n], expected[:n], rtol=0, atol=TOLERANCE["trace"])


def test_the_published_maximum() -> None:
    """The fit from vote shares has the log-likelihood, the estimates and the posteriors of the reference run."""
    answers = anaesthetists()
    fit = emkit.fit(DawidSkene.start(answers), answers, tol=1e-300)
    assert fit.outcome in (Outcome.CONVERGED, Outcome.STALLED)
    assert fit.trace.monotone
    assert_allclose(fit.log_likelihood, REFERENCE["loglik"], rtol=0, atol=TOLERANCE["loglik"])
    for found, expected in (
        (fit.model.prevalence, REFERENCE["class_prevalence"]),
        (fit.model.confusion, REFERENCE["error_rates_observer_true_reported"]),
        (fit.model.posterior(answers), REFERENCE["posterior"]),
    ):
        assert_allclose(found, expected, rtol=0, atol=TOLERANCE["estimates"])


def test_the_other_published_maximum() -> None:
    """At the local maximum that hard majority votes lead to, EM stays, at its published log-likelihood."""
    reference, answers = REFERENCE["majority_vote_start_local_optimum"], anaesthetists()
    model = DawidSkene(np.array(reference["class_marginals"]), np.array(reference["error_rates"]))
    fit = emkit.fit(model, answers, tol=1e-300)
    assert_allclose(model.log_marginal(answers).sum(), reference["loglik"], rtol=0, atol=TOLERANCE["loglik"])
    assert_allclose(fit.log_likelihood, reference["loglik"], rtol=0, atol=TOLERANCE["loglik"])
    assert_allclose(fit.model.confusion, reference["error_rates"], rtol=0, atol=TOLERANCE["estimates"])


@given(SEEDS)
def test_bayes_rule(seed: int) -> None:
    """Log marginals, posteriors and predictions are those of the joint density, with repeated and missing answers."""
    model, answers = DawidSkene(PREVALENCE, CONFUSION), sparse(seed, 30)
    joint = log_joint(model, answers)
    assert_allclose(model.log_marginal(answers), logsumexp(joint, axis=1), rtol=1e-12, atol=1e-14)
    assert_allclose(model.posterior(answers), np.exp(joint - logsumexp(joint, axis=1, keepdims=True)), rtol=1e-10)
    chosen = joint[np.arange(30), model.predict(answers)]
    assert_allclose(chosen, joint.max(axis=1), rtol=1e-12)  # classes may tie


@pytest.mark.parametrize("seed", [55, 102, 190, 239, 272])
def test_labels_too_rare_to_be_drawn_raise_no_alarm(seed: int) -> None:
    """The law of sampled moments holds at models that give some label so rarely that a sample may lack it."""
    sample_reproduces_moments(Case(DawidSkene(PREVALENCE, CONFUSION), ANSWERS, ANSWERS), seed)


@given(SEEDS, st.permutations(range(3)))
def test_renumbered_classes_change_nothing(seed: int, order: list[int]) -> None:
    """Classes and labels renumbered alike give the renumbered fit."""
    answers = sparse(seed, 60)
    relabelled = Answers(answers.item, answers.annotator, np.argsort(order)[answers.label], len(answers))
    start = DawidSkene(PREVALENCE, CONFUSION)
    renumbered = DawidSkene(PREVALENCE[order], CONFUSION[:, order][:, :, order])
    one = emkit.fit(start, answers, tol=0.0, max_iter=5)
    other = emkit.fit(renumbered, relabelled, tol=0.0, max_iter=5)
    assert_allclose(np.asarray(other.trace), np.asarray(one.trace), rtol=1e-10)
    assert_allclose(other.model.confusion, one.model.confusion[:, order][:, :, order], rtol=1e-6, atol=1e-9)


@given(SEEDS)
def test_start_counts_votes(seed: int) -> None:
    """The start is the M-step where each item is shared out by its votes, counted by a plain loop."""
    answers = sparse(seed, 40)
    start = DawidSkene.start(answers, 3, n_annotators=3)
    votes = np.zeros((40, 3))
    for item, label in zip(answers.item, answers.label, strict=True):
        votes[item, label] += 1
    some = votes.sum(axis=1) > 0
    share = np.tile(votes.sum(axis=0) / votes.sum(), (40, 1))
    share[some] = votes[some] / votes[some].sum(axis=1, keepdims=True)
    counts = np.zeros((3, 3, 3))
    for item, j, label in zip(answers.item, answers.annotator, answers.label, strict=True):
        counts[j, :, label] += share[item]
    total = counts.sum(axis=2, keepdims=True)
    expected = np.where(total > 0, counts / np.where(total > 0, total, 1.0), 1 / 3)
    assert_allclose(start.prevalence, share.mean(axis=0), rtol=1e-12)
    assert_allclose(start.confusion, expected, rtol=1e-12, atol=1e-300)


def test_known_truth_gives_the_shares_of_labels() -> None:
    """An annotator who never errs makes the classes known; another's confusion is then the table of their labels."""
    rng = np.random.default_rng(0)
    truth, other = rng.integers(0, 3, 200), rng.integers(0, 3, 200)
    item = np.tile(np.arange(200), 2)
    answers = Answers(item, np.repeat([0, 1], 200), np.concatenate([truth, other]))
    confusion = np.stack([np.eye(3), np.full((3, 3), 1 / 3)])
    fit = emkit.fit(DawidSkene(np.full(3, 1 / 3), confusion), answers)
    table = np.array([[(other[truth == k] == label).mean() for label in range(3)] for k in range(3)])
    assert_allclose(fit.model.confusion, [np.eye(3), table], rtol=1e-12)
    assert_allclose(fit.model.prevalence, np.bincount(truth) / 200, rtol=1e-12)
    assert np.array_equal(fit.model.predict(answers), truth)


def test_thousands_of_answers_do_not_underflow() -> None:
    """An item of 30,000 answers has a finite log marginal and a certain class."""
    model = DawidSkene(PREVALENCE, CONFUSION)
    label = np.repeat([0, 1, 2], [21_000, 6_000, 3_000])
    answers = Answers(np.zeros(30_000), np.zeros(30_000), label)
    expected = np.log(0.5) + 21_000 * np.log(0.7) + 6_000 * np.log(0.2) + 3_000 * np.log(0.1)
    assert_allclose(model.log_marginal(answers), [expected], rtol=1e-11)
    assert_allclose(model.posterior(answers), [[1, 0, 0]], atol=1e-300)


def test_a_prior_makes_every_label_possible() -> None:
    """By maximum likelihood a label never seen is impossible in effect; with a prior on the confusion it is not."""
    answers = Answers([0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 1, 1])
    surprise = Answers([0, 0], [0, 1], [0, 1])
    plain = emkit.fit(DawidSkene.start(answers), answers).model
    cautious = emkit.fit(DawidSkene.start(answers, confusion_prior=DirichletRows(np.full((2, 2), 1.5))), answers).model
    assert plain.log_marginal(surprise)[0] < -700
    assert np.isfinite(cautious.log_marginal(surprise)[0])


def test_samples_keep_the_design() -> None:
    """A sample asks every annotator once of each item, or the annotators of the answers given."""
    model = DawidSkene(PREVALENCE, CONFUSION)
    everyone = model.sample(5, 0)
    assert everyone.item.tolist() == np.repeat(np.arange(5), 3).tolist()
    assert everyone.annotator.tolist() == [0, 1, 2] * 5
    again = model.sample(len(ANSWERS), 0, asked=ANSWERS)
    assert np.array_equal(again.item, ANSWERS.item)
    assert np.array_equal(again.annotator, ANSWERS.annotator)
    with pytest.raises(ValueError, match="expected answers about n = 5 items, found 150"):
        model.sample(5, 0, asked=ANSWERS)


def test_samples_have_the_probabilities_of_the_model() -> None:
    """Over a large sample pairs of labels have their probabilities, within six standard errors; zeros never occur."""
    confusion = CONFUSION.copy()
    confusion[0] = [[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]
    n = 40_000
    drawn = DawidSkene(PREVALENCE, confusion).sample(n, 1)
    labels = drawn.label.reshape(n, 3)
    pairs = np.bincount(labels[:, 0] * 3 + labels[:, 1], minlength=9) / n
    expected = np.einsum("k,ka,kb->ab", PREVALENCE, confusion[0], confusion[1]).ravel()
    assert (np.abs(pairs - expected) < 6 * np.sqrt(expected * (1 - expected) / n)).all()
    sure = DawidSkene(np.array([0.0, 1.0, 0.0]), confusion).sample(1000, 2)
    assert not (sure.label.reshape(-1, 3)[:, 0] == 1).any()


def test_edges_are_said() -> None:
    """A class without items and an annotator without answers are named; a prior or a hold excuses the latter."""
    answers = Answers([0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 0, 1], [0, 0, 1, 1, 0, 1])
    fit = emkit.fit(DawidSkene.start(answers, 3, n_annotators=3), answers)
    assert fit.outcome is Outcome.DEGENERATE
    assert "class 2: has no items" in fit.message
    assert "annotator 2: has no answers" in fit.message
    assert_allclose(fit.model.confusion[2], 1 / 3)
    prior = DirichletRows(np.full((2, 2), 2.0))
    start = DawidSkene.start(answers, n_annotators=3, confusion_prior=prior)
    for model in (start, emkit.replace(start, confusion_prior=None, fixed="confusion")):
        assert emkit.fit(model, answers).converged


def test_weights_of_zero_have_no_influence_on_the_start() -> None:
    """Items of weight zero leave the start as it is without them."""
    kept = np.flatnonzero(WEIGHTED.weight)
    with_zeros = DawidSkene.start(WEIGHTED, 3, n_annotators=3)
    without = DawidSkene.start(Weighted(ANSWERS[kept], WEIGHTED.weight[kept]), 3, n_annotators=3)
    assert_allclose(with_zeros.prevalence, without.prevalence, rtol=1e-12)
    assert_allclose(with_zeros.confusion, without.confusion, rtol=1e-12)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (Answers([0, 4], [0, 3], [0, 0]), ValueError, "item 4 has an answer with annotator 3; .* from 0 to 2"),
        (Answers([0, 4], [0, 1], [5, 0]), ValueError, "item 0 has an answer with label 5; .* from 0 to 2"),
        (np.zeros((3, 3)), TypeError, r"expected emkit\.Answers\(item, annotator, label\), found ndarray"),
    ],
)
def test_unknown_answers_are_named(data: Any, error: type[Exception], message: str) -> None:
    """Annotators and labels that the model does not know are refused by item, other data by what they are."""
    with pytest.raises(error, match=message):
        emkit.fit(DawidSkene(PREVALENCE, CONFUSION), data)


def test_impossible_models_are_refused() -> None:
    """Numbers of classes that differ, and zeros that a prior would move, are refused on construction."""
    with pytest.raises(emkit.ParameterError, match="axis 'K'"):
        DawidSkene(np.full(2, 0.5), CONFUSION)
    with pytest.raises(emkit.ParameterError, match=r"confusion\[0, 0, 1\] is 0, impossible under the Dirichlet prior"):
        DawidSkene(PREVALENCE, np.stack([np.eye(3)] * 2), confusion_prior=PRIORS["confusion_prior"])
    with pytest.raises(ValueError, match="n_classes: expected at least 1"):
        DawidSkene.start(ANSWERS, 0)


def test_names_of_annotators_and_labels_are_not_counted_up_to() -> None:
    """A start refuses annotators and labels whose numbers must be names, unless it is told how many there are."""
    with pytest.raises(ValueError, match=r"annotator: found 987654321 among 2 answers; .*np\.unique"):
        DawidSkene.start(Answers([0, 1], [0, 987654321], [0, 1]))
    with pytest.raises(ValueError, match="label: found 40000 among 2 answers"):
        DawidSkene.start(Answers([0, 1], [0, 1], [0, 40000]))
    assert len(DawidSkene.start(Answers([0], [700], [1]), n_annotators=701).confusion) == 701


def test_a_design_to_draw_answers_for_is_made_of_answers() -> None:
    """Other things than answers are refused as what is asked."""
    wrong: Any = [0, 1]
    with pytest.raises(TypeError, match=r"expected emkit\.Answers"):
        DawidSkene(PREVALENCE, CONFUSION).sample(2, 0, asked=wrong)


def drawn(seed: int) -> DawidSkene:
    rng = np.random.default_rng(seed)
    return DawidSkene(rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(3), (3, 3)))


@given(SEEDS)
def test_posteriors_move(seed: int) -> None:
    """The divergence of an item is that of its classes by enumeration, and gains of EM add up, with weights too."""
    first, second, answers = drawn(seed), drawn(seed + 1), sparse(seed, 60)
    joints = [log_joint(model, answers) for model in (first, second)]
    log_p, log_q = (joint - logsumexp(joint, axis=1, keepdims=True) for joint in joints)
    found = first.posterior_divergence(second, answers)
    assert_allclose(found, (np.exp(log_p) * (log_p - log_q)).sum(axis=1), rtol=1e-9, atol=1e-14)
    assert (found >= 0).all()
    assert (first.posterior_divergence(first, answers) == 0).all()
    data = Weighted(answers, np.linspace(0.0, 3.0, 60))
    statistics = first.e_step(data).statistics
    raised = second.expected_log_joint(statistics) - first.expected_log_joint(statistics)
    gained = [data.weight @ logsumexp(joint, axis=1) for joint in joints]
    size = sum(map(abs, gained)) + 60
    free = data.weight @ first.posterior_divergence(second, data)
    assert_allclose(gained[1] - gained[0], raised + free, rtol=0, atol=1e-10 * size)


def test_certain_classes_move_too() -> None:
    """Where a posterior underflows in both models, the divergence is what is left of the evidence, in closed form."""
    label = np.repeat([0, 1], [4_000, 1_000])
    answers = Answers(np.zeros(5_000), np.zeros(5_000), label)
    sure, torn = ([[[a, 1 - a], [1 - a, a]]] for a in (0.8, 0.5))
    first, second = DawidSkene([0.5, 0.5], sure), DawidSkene([0.3, 0.7], torn)
    assert first.posterior(answers)[0, 1] == 0
    assert_allclose(first.posterior_divergence(second, answers), [-np.log(0.3)], rtol=1e-12)
    evidence = 3_000 * np.log(0.8 / 0.2)  # nats for class 0, of the first model
    expected = 0.3 * np.log(0.3) + 0.7 * (np.log(0.7) + evidence)
    assert_allclose(second.posterior_divergence(first, answers), [expected], rtol=1e-12)


def test_only_what_becomes_impossible_moves_without_end() -> None:
    """A class that both models exclude costs nothing; one that the other alone excludes costs infinitely much."""
    answers = Answers([0, 1], [0, 0], [0, 1], 3)
    never = DawidSkene([0.5, 0.5, 0.0], [[[0.9, 0.1, 0.0], [0.0, 1.0, 0.0], [0.2, 0.3, 0.5]]])
    rarely = DawidSkene([0.6, 0.4, 0.0], [[[0.8, 0.2, 0.0], [0.1, 0.9, 0.0], [0.2, 0.3, 0.5]]])
    there, back = never.posterior_divergence(rarely, answers), rarely.posterior_divergence(never, answers)
    assert np.isfinite(there).all()
    assert there[0] == pytest.approx(-np.log(0.48 / 0.52))
    assert back[0] == np.inf
    assert_allclose(back[2], 0.6 * np.log(0.6 / 0.5) + 0.4 * np.log(0.4 / 0.5), rtol=1e-12)
