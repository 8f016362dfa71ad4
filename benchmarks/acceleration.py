"""Algorithms side by side: passes over the data and seconds, to the optimum that plain EM climbs to.

`python -m benchmarks.acceleration` prints tables: the slow cases, which were chosen before any algorithm was run on
them, to a millionth of a nat; and every model of the package, to a billionth of the objective. `--write` puts them
into the documentation, and what was measured into `acceleration.json`, from which its figure is drawn.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import emkit
from benchmarks.machine import described
from benchmarks.report import Table, number, progress, write_results
from benchmarks.slow_cases import CASES, Case
from emkit import EM, Algorithm, Anderson, QuasiNewton, Squarem
from emkit.stopping import Increment, Remaining, Rule
from emkit.trace import Record
from tests.lab.package import MODELS

ALGORITHMS: dict[str, Algorithm] = {
    "EM": EM(),
    "Squarem": Squarem(),
    "Anderson": Anderson(),
    "QuasiNewton": QuasiNewton(),
}
MOST = 40_000
"""Iterations of EM on its way to an optimum."""

SLOWER = 1.1
"""Times the passes of EM, after which an algorithm has failed."""

ELSEWHERE = 1e-3
"""Nats from EM's optimum, from which on it is another one."""

TOL = 1e-8
"""Nats per unit, at which stopping rules are compared."""

REPEATS, PATIENCE = 5, 2.0
"""Of one run, of which the median counts; and the seconds that they may take together before it is fewer."""

MEASURED = Path(__file__).parent / "acceleration.json"
PAGE = Path(__file__).parents[1] / "docs" / "choosing.md"


@dataclass(frozen=True)
class Outcome:
    """What an algorithm took to the target of a case."""

    passes: int  # E-steps over the data
    seconds: float
    reached: bool
    end: float  # nats: the objective of a fit that goes on until less than 1e-10 nats per unit are to come


@dataclass(frozen=True)
class Comparison:
    """All algorithms on one case, and EM's optimum, nats."""

    case: str
    optimum: float
    outcomes: dict[str, Outcome]
    left: dict[str, float]  # by stopping rule: what EM leaves when it stops, in units of the tolerance

    @property
    def speed_ups(self) -> dict[str, float]:
        """How many times fewer passes than EM each algorithm took; 0 where it did not arrive."""
        plain = self.outcomes["EM"].passes
        return {name: plain / one.passes if one.reached else 0.0 for name, one in self.outcomes.items()}


def compare(name: str, case: Case, within: Callable[[float], float]) -> Comparison:
    """Run all algorithms on a case, to within so many nats, a function of the optimum, of where EM ends."""
    progress(name)
    model, data = case
    trace = emkit.fit(model, data, tol=0, max_iter=MOST).trace
    optimum = max(trace)
    target = optimum - within(optimum)
    plain = solve(case, EM(), target, MOST)
    allowed = int(SLOWER * plain.passes) + 1
    others = {key: solve(case, algorithm, target, allowed) for key, algorithm in ALGORITHMS.items() if key != "EM"}
    left = {rule.__name__: left_by(rule(TOL), trace.records, optimum) for rule in (Increment, Remaining)}
    return Comparison(name, optimum, {"EM": plain} | others, left)


def left_by(rule: Rule, records: Sequence[Record], optimum: float) -> float:
    """Return what is left to an optimum, nats per unit, over the tolerance, where a rule ends a run of EM."""
    ends = (i for i in range(1, len(records)) if rule(records[max(0, i - 3) : i + 1]) is not None)
    at = records[next(ends, len(records) - 1)]
    return (optimum - at.objective) / at.units / TOL


def solve(case: Case, algorithm: Algorithm, target: float, allowed: int) -> Outcome:
    """Run an algorithm until it reaches a target, nats, or has taken so many passes; a few times, for the clock."""
    model, data = case
    seconds: list[float] = []
    while not seconds or (len(seconds) < REPEATS and sum(seconds) < PATIENCE):
        begin = time.perf_counter()
        for step in emkit.steps(model, data, algorithm=algorithm):
            if step.objective >= target or step.passes >= allowed:
                break
        seconds.append(time.perf_counter() - begin)
    end = emkit.fit(model, data, algorithm=algorithm, tol=1e-10, max_iter=allowed).objective
    return Outcome(step.passes, float(np.median(seconds)), step.objective >= target, end)


def details(comparisons: list[Comparison]) -> Table:
    """Return passes, seconds and where each algorithm ended, case by case."""
    columns = ["case", *(f"{name}: passes, s" for name in ALGORITHMS), "EM's optimum", "others end"]
    rows = []
    for found in comparisons:
        cells = [
            f"{one.passes:,}, {number(one.seconds)}" if one.reached else f"not within {one.passes:,}"
            for one in found.outcomes.values()
        ]
        away = {name: one.end - found.optimum for name, one in found.outcomes.items() if name != "EM"}
        elsewhere = ", ".join(f"{name} {gap:+.3f}" for name, gap in away.items() if abs(gap) > ELSEWHERE)
        rows.append([found.case.replace("_", " "), *cells, f"{found.optimum:.6f}", elsewhere])
    return Table("To a millionth of a nat below the optimum that EM climbs to", columns, rows)


def rules(comparisons: list[Comparison]) -> Table:
    """Return what EM leaves by each stopping rule, over all cases."""
    rows = []
    for rule, name in ((Increment, "the last gain"), (Remaining, "what is still to come")):
        left = np.array([found.left[rule.__name__] for found in comparisons])
        rows.append([name, f"{np.median(left):.1f}", f"{left.max():.1f}"])
    columns = ["EM stops by", "median", "worst"]
    return Table(f"What is left when EM stops, over tol = {TOL:g} nats per unit", columns, rows)


def summary(title: str, comparisons: list[Comparison]) -> Table:
    """Return how many times fewer passes, and how much less time, each algorithm takes than EM, over all cases."""
    rows = []
    for name in ALGORITHMS:
        passes = np.array([found.speed_ups[name] for found in comparisons])
        arrived = [found.outcomes for found in comparisons if found.outcomes[name].reached]
        seconds = np.array([one["EM"].seconds / one[name].seconds for one in arrived])
        row = [f"{np.median(passes):.1f}", f"{_mean(passes[passes > 0]):.1f}", f"{passes.min():.2f}"]
        rows.append([name, *row, f"{np.median(seconds):.2f}", f"{(passes == 0).sum()} of {len(passes)}"])
    columns = [
        "algorithm",
        "passes: median",
        "geometric mean",
        "least",
        "time: median",
        "not within 1.1 times EM's passes",
    ]
    return Table(title, columns, rows)


def _mean(ratios: "np.typing.NDArray[np.float64]") -> float:
    return float(np.exp(np.log(ratios).mean()))


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.acceleration", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=CASES, default=None, help="slow cases to run, and nothing else")
    parser.add_argument("--write", action="store_true", help="put the results into the documentation")
    given = parser.parse_args()
    if given.write and given.only:
        parser.error("--write needs all cases")
    slow = [compare(name, CASES[name](), lambda _: 1e-6) for name in given.only or CASES]
    models = [] if given.only else [compare(name, case, lambda best: 1e-9 * abs(best)) for name, case in MODELS.items()]
    tables = [details(slow), rules(slow), summary("EM's passes and time over those of each, slow cases", slow)]
    if models:
        tables.append(summary(f"The same, over the {len(models)} models of the package", models))
    results = "\n\n".join(map(str, tables))
    print(f"{described()}\n\n{results}")
    if given.write:
        measured = {"slow cases": [asdict(one) for one in slow], "models": [asdict(one) for one in models]}
        MEASURED.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
        write_results(PAGE, results)


if __name__ == "__main__":
    main()
