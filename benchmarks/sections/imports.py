"""What `import emkit` costs beyond NumPy and scipy.linalg, and a first small fit in a fresh process."""

import os
import subprocess
import sys
import time
from statistics import median

from benchmarks.environments import EMKIT, EMKIT_AUTO, ROOT, AbsentError, Entrant
from benchmarks.report import Bar, Section, Table, number
from benchmarks.settings import Settings

BASE = "import numpy, scipy.linalg"
FIRST_FIT = """
import emkit, time
x = emkit.datasets.iris().data
begin = time.perf_counter()
emkit.fit(emkit.GaussianMixture.start(x, 3, rng=0), x)
print(time.perf_counter() - begin)
"""
MOST_IMPORT, MOST_FIT = 0.35, 0.2  # seconds


def section(settings: Settings) -> Section:
    """Start fresh processes in alternation, in both configurations."""
    lines, bars, figures = [], [], {}
    for own in (EMKIT, EMKIT_AUTO):
        asked = f"{own.name}: import at most {MOST_IMPORT} s beyond numpy and scipy.linalg"
        try:
            own.python()
        except AbsentError as error:
            bars.append(Bar(asked, str(error), met=False))
            continue
        _seconds("import emkit", own)  # compiles the bytecode
        base, whole, fits = [], [], []
        for _ in range(settings.effort.repeats):
            base.append(_seconds(BASE, own))
            whole.append(_seconds(f"{BASE}; import emkit", own))
            fits.append(float(_output(FIRST_FIT, own)))
        extra, first = median(whole) - median(base), median(fits)
        lines.append([own.name, *map(number, (median(base), median(whole), extra, first))])
        bars += [
            Bar.at_most(asked, extra, MOST_IMPORT, " s"),
            Bar.at_most(f"{own.name}: first small fit (iris) under {MOST_FIT} s after import", first, MOST_FIT, " s"),
        ]
        figures[own.name] = {"base": base, "whole": whole, "first fit": fits}
    heads = ["seconds", "numpy, scipy.linalg", "with emkit", "emkit's own", "first fit of iris"]
    return Section("Import and first fit", [Table("Fresh processes, medians", heads, lines)], bars, figures=figures)


def _seconds(code: str, own: Entrant) -> float:
    begin = time.perf_counter()
    _output(code, own)
    return time.perf_counter() - begin


def _output(code: str, own: Entrant) -> str:
    """Run code as a user would: with no limit on threads."""
    variables = {**os.environ, **own.variables}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=variables
    ).stdout
