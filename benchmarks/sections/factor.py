"""Factor analysis: emkit and scikit-learn, a whole fit to the same log likelihood, and each further iteration."""

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.contest import Effort
from benchmarks.data import factors
from benchmarks.environments import EMKIT, SCIKIT_LEARN, AbsentError
from benchmarks.process import Contestant, ContestantError
from benchmarks.report import Bar, Section, Table, number, progress
from benchmarks.settings import Settings

ROWS, FEATURES, FACTORS = 100_000, 64, 8
METHODS = ("lapack", "randomized")  # of scikit-learn
TOLERANCE = 1e-9


def section(settings: Settings) -> Section:
    """Fit to the log likelihood that scikit-learn reaches at its own tolerance."""
    threads, rows = settings.most_threads, settings.rows(ROWS)
    lines, bars, figures = [], [], {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "x.npy", factors(rows, FEATURES, FACTORS))
        for method in METHODS:
            progress(f"factor analysis, {method}")
            try:
                found = _fits(folder, method, threads, settings.effort)
            except (AbsentError, ContestantError) as error:
                bars.append(Bar(f"factor analysis ahead of scikit-learn, {method}", str(error), met=False))
                continue
            names = (f"emkit, to the log likelihood of {method}", f"scikit-learn, {method}")
            lines += [_line(name, fits, rows) for name, fits in zip(names, found, strict=True)]
            bars += _bars(method, *found)
            figures[method] = [asdict(fits) for fits in found]
    heads = ["", "whole fit, ms", "iterations", "ms per further iteration", "nats per row"]
    title = f"N = {rows:,}, D = {FEATURES}, {FACTORS} factors, {threads} threads"
    return Section("Factor analysis", [Table(title, heads, lines)], bars, figures=figures)


@dataclass(frozen=True)
class Fits:
    """Whole fits by one library."""

    seconds: list[float]
    single: float  # seconds of a fit of one iteration
    outcome: dict[str, float]

    @property
    def median(self) -> float:
        """Seconds of a whole fit."""
        return median(self.seconds)

    @property
    def further(self) -> float:
        """Seconds of each iteration after the first."""
        return (self.median - self.single) / (self.outcome["iterations"] - 1)


def _fits(folder: Path, method: str, threads: int, effort: Effort) -> tuple[Fits, Fits]:
    """Return emkit's fits and scikit-learn's."""
    with Contestant(EMKIT, threads) as own, Contestant(SCIKIT_LEARN, threads) as peer:
        peer.load("factor_analysis", folder, number=FACTORS, method=method)
        first = peer.run(0).seconds
        target = peer.outcome()["log_likelihood"]
        own.load("factor_analysis", folder, number=FACTORS, target=target - TOLERANCE * abs(target))
        single = [contestant.run(1).seconds for contestant in (own, peer)]
        seconds: tuple[list[float], list[float]] = ([], [])
        for _ in range(min(effort.repeats, max(1, int(effort.budget / first)))):
            seconds[0].append(own.run(0).seconds)
            seconds[1].append(peer.run(0).seconds)
        return Fits(seconds[0], single[0], own.outcome()), Fits(seconds[1], single[1], peer.outcome())


def _line(name: str, fits: Fits, rows: int) -> list[str]:
    times = [number(1e3 * fits.median), f"{fits.outcome['iterations']:g}", number(1e3 * fits.further)]
    return [name, *times, f"{fits.outcome['log_likelihood'] / rows:.9f}"]


def _bars(method: str, own: Fits, peer: Fits) -> list[Bar]:
    ours, theirs = own.outcome["log_likelihood"], peer.outcome["log_likelihood"]
    ahead = f"factor analysis ahead of scikit-learn, {method}: whole fit"
    return [
        Bar.at_least(ahead, peer.median / own.median, 1, " times"),
        Bar.at_least(
            f"factor analysis: no less log likelihood, to 1e-9, {method}", (ours - theirs) / abs(theirs), -TOLERANCE
        ),
    ]
