"""What an iteration costs as N, K and D grow: for each row and component, and as a share of the limit."""

import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from benchmarks import roofline
from benchmarks.contest import Iterations, Showing, compete
from benchmarks.data import COVARIANCES, Shape, mixture
from benchmarks.environments import EMKIT, EMKIT_FAST
from benchmarks.process import Contestant
from benchmarks.report import Bar, Section, Table, number, progress
from benchmarks.settings import Settings

OWN = (EMKIT, EMKIT_FAST)
FEATURES, COMPONENTS, ROWS = 4, 8, 200_000  # what is held while another grows
IN_ROWS = (10_000, 100_000, 1_000_000, 4_000_000)
IN_COMPONENTS = (2, 8, 32, 128)
IN_FEATURES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
WORK = 2e9  # flops, about, of one iteration while D grows
SHORT, SECONDS = 1, 0.3  # a long run takes about so many seconds at the limit's fifth
FLAT = 1.3


def section(settings: Settings) -> Section:
    """Run the ladders at the most threads."""
    ladders = {
        "N": [Shape("N", n, FEATURES, COMPONENTS) for n in IN_ROWS],
        "K": [Shape("K", ROWS, FEATURES, k) for k in IN_COMPONENTS],
        "D": [Shape("D", int(min(ROWS, WORK / (2 * COMPONENTS * d * (d + 4)))), d, COMPONENTS) for d in IN_FEATURES],
    }
    tables, bars = [], []
    troubles: dict[str, str] = {}
    figures: dict[str, dict[str, tuple[float, ...]]] = {}
    for name, ladder in ladders.items():
        shapes = [settings.sized(shape) for shape in ladder]
        showings = [_showings(shape, settings) for shape in shapes]
        for shown in showings:
            troubles |= {who: one.trouble for who, one in shown.items() if one.trouble}
        table, costs = (_shares if name == "D" else _costs)(name, shapes, showings, settings.most_threads)
        tables.append(table)
        figures[name] = costs
        if name != "D":
            bars += [
                Bar.at_most(
                    f"{column}: cost per N K flat within 30 percent in {name}, most to least", max(c) / min(c), FLAT
                )
                for column, c in costs.items()
            ]
    notes = [f"{who}: {trouble}." for who, trouble in troubles.items()]
    return Section(f"Scaling, {settings.most_threads} threads", tables, bars, notes, figures)


def _showings(shape: Shape, settings: Settings) -> dict[str, Showing]:
    """Return what both configurations show, by covariance and name."""
    threads = settings.most_threads
    effort = replace(settings.effort, budget=settings.effort.budget / 2)  # there are many cases
    found = {}
    progress(f"scaling in {shape}")
    with tempfile.TemporaryDirectory() as name:
        folder = mixture(shape).save(Path(name))
        for covariance in COVARIANCES:
            long = _iterations(roofline.rates(threads).limit(shape, covariance))

            def load(contestant: Contestant, covariance: str = covariance) -> Contestant:
                return contestant.load("mixture", folder, covariance=covariance)

            for entrant, shown in compete(OWN, threads, load, Iterations(SHORT, long), effort).items():
                found[f"{entrant}, {covariance}"] = shown
    return found


def _iterations(limit: float) -> int:
    """Return how many iterations a long run has, so that it is neither over in a moment nor for ever."""
    return SHORT + min(50, max(3, round(SECONDS / (5 * limit))))


def _costs(
    name: str, shapes: list[Shape], showings: list[dict[str, Showing]], threads: int
) -> tuple[Table, dict[str, tuple[float, ...]]]:
    """Return nanoseconds for each row and component."""
    costs = {
        column: tuple(1e9 * shown[column].median / shape.pairs for shape, shown in zip(shapes, showings, strict=True))
        for column in showings[0]
    }
    held = f"D = {FEATURES}, " + (f"K = {COMPONENTS}" if name == "N" else f"N = {shapes[0].rows:,}")
    sizes = [shape.rows if name == "N" else shape.components for shape in shapes]
    return Table(f"ns per row and component, {held}", [name, *costs], _lines(sizes, costs.values())), costs


def _shares(
    name: str, shapes: list[Shape], showings: list[dict[str, Showing]], threads: int
) -> tuple[Table, dict[str, tuple[float, ...]]]:
    """Return percent of the limit."""
    rates = roofline.rates(threads)
    shares = {
        column: tuple(
            100 * rates.limit(shape, column.rpartition(", ")[2]) / shown[column].median
            for shape, shown in zip(shapes, showings, strict=True)
        )
        for column in showings[0]
    }
    sizes = [shape.features for shape in shapes]
    return Table(f"Percent of the limit, K = {COMPONENTS}", [name, *shares], _lines(sizes, shares.values())), shares


def _lines(sizes: list[int], columns: Iterable[tuple[float, ...]]) -> list[list[str]]:
    return [[f"{size:,}", *map(number, line)] for size, *line in zip(sizes, *columns, strict=True)]
