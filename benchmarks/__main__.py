"""`python -m benchmarks`: run everything, print tables, end with the bars."""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.contest import Effort
from benchmarks.data import SHAPES
from benchmarks.environments import AbsentError
from benchmarks.machine import described
from benchmarks.process import ContestantError
from benchmarks.report import Bar, Section, bars_of, progress, write_results
from benchmarks.sections import factor, gaussian, hmm, imports, mapped_file, newcomer, rates, scaling
from benchmarks.settings import Settings

SECTIONS: dict[str, Callable[[Settings], Section]] = {
    "roofline": rates.section,
    "gaussian": gaussian.section,
    "scaling": scaling.section,
    "memory": mapped_file.section,
    "hmm": hmm.section,
    "factor": factor.section,
    "newcomer": newcomer.section,
    "import": imports.section,
}
PAGE = Path(__file__).parent / "README.md"


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="emkit and its peers, in alternation.")
    parser.add_argument("--only", choices=SECTIONS, nargs="+", default=list(SECTIONS), help="parts to run")
    parser.add_argument("--shapes", type=_letters, default=tuple(SHAPES), help="shapes of Gaussian mixtures: A,B")
    parser.add_argument("--threads", type=_numbers, default=(1, 2), help="numbers of threads: 1,2")
    parser.add_argument("--repeats", type=int, default=Effort.repeats, help="the most repeats of one measurement")
    parser.add_argument("--budget", type=float, default=Effort.budget, help="seconds for one contestant at one case")
    parser.add_argument("--quick", action="store_true", help="a twentieth of the data, to see that all runs")
    parser.add_argument("--out", type=Path, help="write bars and raw figures to this JSON file")
    parser.add_argument("--write", action="store_true", help="put the results into benchmarks/README.md")
    given = parser.parse_args()
    if given.write and given.quick:
        parser.error("--quick shows that all runs; its figures are not for --write")
    settings = Settings(given.shapes, given.threads, Effort(given.repeats, given.budget), given.quick)

    begin = time.perf_counter()
    machine = described()
    print(machine, flush=True)
    sections = []
    for name in given.only:
        progress(name)
        try:
            sections.append(SECTIONS[name](settings))
        except (AbsentError, ContestantError) as error:  # the other parts go on
            sections.append(Section(name, bars=[Bar(f"{name}: runs at all", str(error), met=False)]))
        print(f"\n{sections[-1]}", flush=True)
        if given.out:  # after each section: a long run that is broken off leaves something
            content = {"machine": machine, "sections": [section.as_json() for section in sections]}
            given.out.write_text(json.dumps(content, indent=1), encoding="utf-8")
    bars = str(bars_of(sections))
    print(f"\n{bars}\n\n{(time.perf_counter() - begin) / 60:.1f} minutes")
    if given.write:
        write_results(PAGE, "\n\n".join([machine, bars, *map(str, sections)]))


def _letters(text: str) -> tuple[str, ...]:
    letters = tuple(text.upper().split(","))
    unknown = [letter for letter in letters if letter not in SHAPES]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown shapes {unknown}; expected some of {', '.join(SHAPES)}")
    return letters


def _numbers(text: str) -> tuple[int, ...]:
    numbers = tuple(map(int, text.split(",")))
    if min(numbers) < 1:
        raise argparse.ArgumentTypeError("expected numbers of threads, 1 or more")
    return numbers


if __name__ == "__main__":
    main()
