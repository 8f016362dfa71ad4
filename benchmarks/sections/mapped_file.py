"""A fit of 20 million rows from a file mapped into memory, start included: how much memory of its own it takes."""

import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.environments import EMKIT, EMKIT_FAST, AbsentError
from benchmarks.process import Contestant, ContestantError, Run
from benchmarks.report import Bar, Section, Table, number
from benchmarks.settings import Settings

ROWS, FEATURES, COMPONENTS = 20_000_000, 8, 8
ITERATIONS = 3
BLOCK = 500_000  # rows written at a time
MOST = 500.0  # MB


def section(settings: Settings) -> Section:
    """Write the file, fit it in both configurations."""
    rows, threads = settings.rows(ROWS), settings.most_threads
    lines, bars, figures = [], [], {}
    with tempfile.TemporaryDirectory() as name:
        _write(Path(name) / "x.npy", rows)
        for own in (EMKIT, EMKIT_FAST):
            asked = f"{own.name}: {ROWS:,} x {FEATURES} from a file under 500 MB of anonymous memory"
            try:
                with Contestant(own, threads) as contestant:
                    run = contestant.load("mapped_file", Path(name), components=COMPONENTS).run(ITERATIONS, watch=True)
            except (AbsentError, ContestantError) as error:
                bars.append(Bar(asked, str(error), met=False))
                continue
            lines.append(_line(own.name, run))
            bars.append(Bar.at_most(asked, run.peak, MOST, " MB"))
            figures[own.name] = asdict(run)
    title = f"{rows:,} x {FEATURES}, K = {COMPONENTS}: default start and {ITERATIONS} iterations, {threads} threads"
    heads = ["", "seconds", "RssAnon before, MB", "at its peak, MB"]
    return Section("A file larger than the memory in use", [Table(title, heads, lines)], bars, figures=figures)


def _line(name: str, run: Run) -> list[str]:
    return [name, number(run.seconds), number(run.before), number(run.peak)]


def _write(path: Path, rows: int) -> None:
    """Write overlapping clusters, block by block."""
    rng = np.random.default_rng(0)
    means = rng.normal(size=(COMPONENTS, FEATURES)) * 1.5
    file = np.lib.format.open_memmap(path, mode="w+", dtype=np.float64, shape=(rows, FEATURES))
    for first in range(0, rows, BLOCK):
        block = file[first : first + BLOCK]
        block[:] = means[rng.integers(COMPONENTS, size=len(block))] + rng.standard_normal(block.shape)
    file.flush()
