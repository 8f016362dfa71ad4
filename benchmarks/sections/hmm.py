"""Hidden Markov models with Gaussian emissions: emkit and hmmlearn, many sequences and a single long one."""

import tempfile
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path

from benchmarks.contest import Effort, Iterations, Showing, compete
from benchmarks.data import COVARIANCES, chain
from benchmarks.environments import EMKIT, EMKIT_FAST, HMMLEARN, Entrant
from benchmarks.process import Contestant
from benchmarks.report import Bar, Section, Table, number, progress
from benchmarks.settings import Settings

STEPS, STATES, FEATURES = 100_000, 8, 4
SHORT, LONG = 1, 4  # iterations
TOLERANCE = 1e-9
NOTE = "hmmlearn's recursions run on one thread, whatever it is given. Speeds are those of its faster implementation."
IMPLEMENTATIONS = ("log", "scaling")  # of hmmlearn


def section(settings: Settings) -> Section:
    """Run full and diagonal covariances, 100 sequences and one."""
    steps = settings.rows(STEPS)
    lines, bars, figures = [], [], {}
    troubles: dict[str, str] = {}
    for sequences, covariance, threads in product((100 if steps >= STEPS else 10, 1), COVARIANCES, settings.threads):
        case = f"{sequences} x {steps // sequences:,}, {covariance}, {threads} thread{'s' * (threads > 1)}"
        progress(f"hidden Markov models, {case}")
        found = _compete(steps, sequences, covariance, threads, settings.effort)
        lines.append(_line(case, found))
        bars += _bars(case, found)
        troubles |= {f"{name}, {case}": shown.trouble for name, shown in found.items() if shown.trouble}
        figures[case] = {name: asdict(shown) for name, shown in found.items()}
    title = f"ms per iteration, K = {STATES}, D = {FEATURES}"
    heads = ["sequences", *(f"{name}" for name in found), "log likelihood", "largest difference"]
    notes = [NOTE, *(f"{who}: {trouble}." for who, trouble in troubles.items())]
    return Section("Hidden Markov models", [Table(title, heads, lines)], bars, notes, figures)


def _compete(steps: int, sequences: int, covariance: str, threads: int, effort: Effort) -> dict[str, Showing]:
    hmmlearn = {f"hmmlearn, {how}": replace(HMMLEARN, name=f"hmmlearn, {how}") for how in IMPLEMENTATIONS}
    entrants: list[Entrant] = [EMKIT, EMKIT_FAST, *hmmlearn.values()]
    with tempfile.TemporaryDirectory() as name:
        folder = chain(steps, sequences, STATES, FEATURES).save(Path(name))

        def load(contestant: Contestant) -> Contestant:
            how = contestant.entrant.name.partition(", ")[2]
            options = {"implementation": how} if how else {}
            return contestant.load("hidden_markov", folder, covariance=covariance, **options)

        return compete(entrants, threads, load, Iterations(SHORT, LONG), effort)


def _line(case: str, found: dict[str, Showing]) -> list[str]:
    reference = found[EMKIT.name]
    largest = max((shown.differs(reference) for shown in found.values() if shown.seconds), default=float("nan"))
    times = [number(1e3 * shown.median) for shown in found.values()]
    return [case, *times, number(reference.log_likelihood), number(largest)]


def _bars(case: str, found: dict[str, Showing]) -> list[Bar]:
    best = min(found[f"hmmlearn, {how}"].median for how in IMPLEMENTATIONS)
    differences = [shown.differs(found[EMKIT.name]) for shown in found.values() if shown.seconds]
    return [
        Bar.at_least(f"emkit[fast] ahead of hmmlearn, {case}", best / found[EMKIT_FAST.name].median, 1, " times"),
        Bar.at_most(f"hidden Markov models: the same log likelihood to 1e-9, {case}", max(differences), TOLERANCE),
    ]
