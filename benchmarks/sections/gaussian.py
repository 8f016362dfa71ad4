"""Gaussian mixtures at twelve cases: emkit and its peers from the same start, beside the limit of the machine."""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks import roofline
from benchmarks.contest import Effort, Iterations, Showing, compete, mean_ratio, ratios
from benchmarks.data import COVARIANCES, SHAPES, Shape, mixture
from benchmarks.environments import EMKIT, EMKIT_FAST, ONEDAL, POMEGRANATE, SCIKIT_LEARN, AbsentError, Entrant
from benchmarks.process import Contestant, ContestantError
from benchmarks.report import Bar, Section, Table, number, progress
from benchmarks.settings import Settings

OWN = (EMKIT, EMKIT_FAST)
ENTRANTS = (*OWN, ONEDAL, SCIKIT_LEARN, POMEGRANATE)
SHORT, LONG = 1, 4  # iterations
NEAR_THE_LIMIT = ("A", "B", "F")  # where a share of it is asked for


@dataclass(frozen=True)
class Case:
    """One shape, covariance and number of threads."""

    shape: Shape
    covariance: str
    threads: int
    limit: float  # seconds
    showings: dict[str, Showing]
    starts: dict[str, float]  # by entrant of our own, in EM iterations

    def __str__(self) -> str:
        """Name the case as tables do."""
        return f"{self.shape}, {self.covariance}"

    def of(self, entrant: Entrant) -> Showing:
        """Return what an entrant showed; nothing where it did not take part."""
        return self.showings.get(entrant.name, Showing())

    def share(self, entrant: Entrant) -> float:
        """Return the share of the limit that an entrant reaches, percent."""
        return 100 * self.limit / self.of(entrant).median


def section(settings: Settings) -> Section:
    """Run all cases and lay them out."""
    cases = list(_cases(settings))
    tables = [table for threads in settings.threads for table in _speed(_at(cases, threads), threads)]
    last = _at(cases, settings.most_threads)
    tables += [_memory(last), _starts(last), _agreement(last)]
    bars = [bar for threads in settings.threads for bar in _speed_bars(_at(cases, threads), threads)]
    bars += _other_bars(cases)
    absent = {name: shown.trouble for case in cases for name, shown in case.showings.items() if shown.trouble}
    notes = [f"{name} is missing from a case or more: {trouble}." for name, trouble in absent.items()]
    return Section("Gaussian mixtures", tables, bars, notes, {"cases": [asdict(case) for case in cases]})


def prepared(contestant: Contestant, small: Path, folder: Path, covariance: str) -> Contestant:
    """Load a problem, after a run of a small one: what a library loads when first called is not the fit's memory."""
    contestant.load("mixture", small, covariance=covariance).run(SHORT)
    return contestant.load("mixture", folder, covariance=covariance)


def _cases(settings: Settings) -> Iterable[Case]:
    for name in settings.shapes:
        shape = settings.sized(SHAPES[name])
        with tempfile.TemporaryDirectory() as large, tempfile.TemporaryDirectory() as little:
            folder, small = mixture(shape).save(Path(large)), mixture(Shape("", 400, 2, 2)).save(Path(little))
            for covariance in COVARIANCES:
                for threads in settings.threads:
                    last = threads == settings.most_threads
                    progress(f"{shape}, {covariance}, {threads} threads")
                    yield _case(shape, covariance, threads, folder, small, settings.effort, last)


def _case(shape: Shape, covariance: str, threads: int, folder: Path, small: Path, effort: Effort, last: bool) -> Case:
    entrants = [entrant for entrant in ENTRANTS if last or entrant is not POMEGRANATE]  # it is slow: once is enough

    def load(contestant: Contestant) -> Contestant:
        return prepared(contestant, small, folder, covariance)

    showings = compete(entrants, threads, load, Iterations(SHORT, LONG), effort)
    starts = {own.name: _start(own, threads, folder, covariance) / showings[own.name].median for own in OWN if last}
    limit = roofline.rates(threads).limit(shape, covariance)
    return Case(shape, covariance, threads, limit, showings, starts)


def _start(entrant: Entrant, threads: int, folder: Path, covariance: str) -> float:
    """Return seconds for a default start; nan where the entrant is absent."""
    try:
        with Contestant(entrant, threads) as contestant:
            contestant.load("start", folder, covariance=covariance)
            return median(contestant.run(seed).seconds for seed in range(3))
    except (AbsentError, ContestantError):
        return float("nan")


def _at(cases: Sequence[Case], threads: int) -> list[Case]:
    return [case for case in cases if case.threads == threads]


def _showings(cases: Sequence[Case], entrant: Entrant) -> list[Showing]:
    return [case.of(entrant) for case in cases]


def _speed(cases: Sequence[Case], threads: int) -> list[Table]:
    """Return milliseconds and ratios."""
    seats = f"{threads} thread{'s' * (threads > 1)}"
    times = [
        [str(case), *(number(1e3 * case.of(entrant).median) for entrant in ENTRANTS), number(1e3 * case.limit)]
        + [f"{number(case.share(own))} %" for own in OWN]
        for case in cases
    ]
    columns = [
        "ms per iteration",
        *(entrant.name for entrant in ENTRANTS),
        "limit",
        *(f"{own.name} of it" for own in OWN),
    ]
    pairs = [(own, peer) for own in OWN for peer in (SCIKIT_LEARN, ONEDAL)]
    by_pair = [ratios(_showings(cases, peer), _showings(cases, own)) for own, peer in pairs]
    rows = [[str(case), *map(number, found)] for case, *found in zip(cases, *by_pair, strict=True)]
    rows.append(["geometric mean", *(number(mean_ratio(found)) for found in by_pair)])
    heads = ["times faster", *(f"{own.name} than {peer.name}" for own, peer in pairs)]
    return [Table(f"Time, {seats}", columns, times), Table(f"Ratios of medians, {seats}", heads, rows)]


def _memory(cases: Sequence[Case]) -> Table:
    rows = [
        [str(case), number(8e-6 * case.shape.rows * case.shape.features), *_row(case, lambda shown: shown.extra)]
        for case in cases
    ]
    return Table("Peak extra memory, MB", ["case", "data", *(entrant.name for entrant in ENTRANTS)], rows)


def _row(case: Case, figure: Callable[[Showing], float]) -> list[str]:
    return [number(figure(case.of(entrant))) for entrant in ENTRANTS]


def _starts(cases: Sequence[Case]) -> Table:
    rows = [[str(case), *(number(case.starts[own.name]) for own in OWN)] for case in cases]
    return Table("The start, in EM iterations", ["case", *(own.name for own in OWN)], rows)


def _agreement(cases: Sequence[Case]) -> Table:
    """Return the log likelihood per row, and how far the others are from emkit's, relative."""
    rows = [
        [
            str(case),
            f"{case.of(EMKIT).log_likelihood / case.shape.rows:.9f}",
            *(number(case.of(entrant).differs(case.of(EMKIT))) for entrant in ENTRANTS[1:]),
        ]
        for case in cases
    ]
    heads = ["case", "nats per row, emkit", *(entrant.name for entrant in ENTRANTS[1:])]
    return Table(f"Log likelihood after {LONG} iterations, and relative differences", heads, rows)


def _speed_bars(cases: Sequence[Case], threads: int) -> list[Bar]:
    def found(peer: Entrant, own: Entrant) -> list[float]:
        return ratios(_showings(cases, peer), _showings(cases, own))

    seats = f"{threads} thread{'s' * (threads > 1)}"
    learn, dal, fast_dal = found(SCIKIT_LEARN, EMKIT), found(ONEDAL, EMKIT), found(ONEDAL, EMKIT_FAST)
    near = [case.share(EMKIT_FAST) for case in cases if case.shape.name in NEAR_THE_LIMIT]
    bars = [
        Bar.at_least(f"emkit 10 times scikit-learn in the geometric mean, {seats}", mean_ratio(learn), 10),
        Bar.at_least(f"emkit 2 times scikit-learn at every case, {seats}", _least(learn), 2),
        Bar.at_least(f"emkit level with oneDAL in the geometric mean, {seats}", mean_ratio(dal), 1),
        Bar.at_least(f"emkit[fast] ahead of oneDAL at every case, {seats}", _least(fast_dal), 1),
        Bar.at_least(f"emkit[fast] 1.5 times oneDAL in the geometric mean, {seats}", mean_ratio(fast_dal), 1.5),
    ]
    if near:
        bars.append(Bar.at_least(f"emkit[fast] 40 percent of the limit at A, B, F, {seats}", _least(near), 40, " %"))
    return bars


def _other_bars(cases: Sequence[Case]) -> list[Bar]:
    last = [case for case in cases if case.starts]
    bars = []
    for own in OWN:
        bars += [
            Bar.at_most(
                f"{own.name}: extra memory under 64 MB", _most(s.extra for s in _showings(cases, own)), 64, " MB"
            ),
            Bar.at_most(f"{own.name}: start under 3 EM iterations", _most(case.starts[own.name] for case in last), 3),
        ]
    for entrant in ENTRANTS[1:]:
        pairs = [(case.of(entrant), case.of(EMKIT)) for case in cases if case.of(entrant).seconds]
        if not pairs:
            continue  # the bars on time say it
        difference = _most(theirs.differs(ours) for theirs, ours in pairs)
        all_run = all(shown.iterations == LONG for pair in pairs for shown in pair)  # a library may have stopped early
        asked = f"{entrant.name}: emkit's log likelihood to {entrant.tolerance:.0e}, after as many iterations"
        reached = number(difference) + ("" if all_run else ", not all iterations run")
        bars.append(Bar(asked, reached, all_run and difference <= entrant.tolerance))
    return bars


def _least(figures: Iterable[float]) -> float:
    """Return the least; nan if one is."""
    return float(min(figures, key=lambda figure: (figure == figure, figure)))


def _most(figures: Iterable[float]) -> float:
    """Return the most; nan if one is."""
    return -_least(-figure for figure in figures)
