"""What a newcomer waits for: start, iterations to a tolerance and the result, on small data, emkit and scikit-learn."""

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

import emkit
from benchmarks.data import Array, Shape, mixture
from benchmarks.environments import EMKIT, EMKIT_AUTO, SCIKIT_LEARN, AbsentError, Entrant
from benchmarks.process import Contestant, ContestantError
from benchmarks.report import Bar, Section, Table, number
from benchmarks.settings import Settings

TOLERANCE = 1e-6  # nats per row; both compare the mean log likelihood of one iteration with the last
ENTRANTS = (EMKIT, EMKIT_AUTO, SCIKIT_LEARN)
WARM_UP = 2  # runs
ROWS = 10_000


@dataclass(frozen=True)
class Fits:
    """Fits from one seed after the other."""

    seconds: list[float]
    iterations: list[float]
    log_likelihood: list[float]

    @property
    def median(self) -> float:
        """Seconds of a whole fit."""
        return median(self.seconds)


def section(settings: Settings) -> Section:
    """Run both cases from as many seeds as there are repeats."""
    cases: dict[str, tuple[Array, int]] = {
        "iris, K = 3": (np.asarray(emkit.datasets.iris().data), 3),
        f"{ROWS:,} x 4, K = 5": (mixture(Shape("", ROWS, 4, 5)).x, 5),
    }
    lines, bars, figures = [], [], {}
    troubles: dict[str, str] = {}
    for case, (x, components) in cases.items():
        fits: dict[str, Fits] = {}
        with tempfile.TemporaryDirectory() as folder, ExitStack() as processes:
            np.save(Path(folder) / "x.npy", x)
            contestants = []
            for entrant in ENTRANTS:
                try:
                    contestant = processes.enter_context(Contestant(entrant, settings.most_threads))
                    contestants.append(_loaded(contestant, Path(folder), components))
                except (AbsentError, ContestantError) as error:
                    troubles[entrant.name] = f"{entrant.name} is missing: {error}."
            fits = _fits(contestants, settings.effort.repeats)
        lines += [_line(f"{case}: {name}", fit, len(x)) for name, fit in fits.items()]
        bars += [_bar(case, own, fits) for own in (EMKIT, EMKIT_AUTO)]
        figures[case] = {name: vars(fit) for name, fit in fits.items()}
    heads = ["medians over seeds", "whole fit, ms", "iterations", "ms per iteration", "nats per row"]
    title = f"Default start, then until an iteration gains less than {TOLERANCE:.0e} nats per row"
    return Section("A newcomer's cases", [Table(title, heads, lines)], bars, list(troubles.values()), figures)


def _loaded(contestant: Contestant, folder: Path, components: int) -> Contestant:
    contestant.load("newcomer", folder, components=components, tol=TOLERANCE)
    for seed in range(WARM_UP):
        contestant.run(seed)
    return contestant


def _fits(contestants: list[Contestant], seeds: int) -> dict[str, Fits]:
    """Let contestants take turns, seed by seed."""
    fits = {contestant.entrant.name: Fits([], [], []) for contestant in contestants}
    for seed in range(seeds):
        for contestant in contestants:
            fit = fits[contestant.entrant.name]
            fit.seconds.append(contestant.run(seed).seconds)
            outcome = contestant.outcome()
            fit.iterations.append(outcome["iterations"])
            fit.log_likelihood.append(outcome["log_likelihood"])
    return fits


def _line(name: str, fit: Fits, rows: int) -> list[str]:
    each = median(s / n for s, n in zip(fit.seconds, fit.iterations, strict=True))
    reached = f"{median(fit.log_likelihood) / rows:.6f}"
    return [name, number(1e3 * fit.median), f"{median(fit.iterations):g}", number(1e3 * each), reached]


def _bar(case: str, own: Entrant, fits: dict[str, Fits]) -> Bar:
    asked = f"{own.name} ahead of scikit-learn on the whole fit, {case}"
    if not {own.name, SCIKIT_LEARN.name} <= set(fits):
        return Bar(asked, "absent", met=False)
    return Bar.at_least(asked, fits[SCIKIT_LEARN.name].median / fits[own.name].median, 1, " times")
