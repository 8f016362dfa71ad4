"""The arithmetic of the benchmark, and that its contestants run the same EM."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from benchmarks import report
from benchmarks.contest import Effort, Iterations, Showing, compete, mean_ratio, per_iteration, ratios
from benchmarks.contestants import Task, emkit, scikit_learn
from benchmarks.data import COVARIANCES, SHAPES, Problem, Shape, chain, mixture
from benchmarks.environments import EMKIT, AbsentError, interpreter
from benchmarks.judge import log_likelihood
from benchmarks.process import Contestant, ContestantError
from benchmarks.report import Bar, Table, number, write_results
from benchmarks.roofline import Rates

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")

SMALL = Shape("small", 300, 3, 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return mixture(SMALL).save(tmp_path)


@pytest.mark.parametrize(
    ("covariance", "published"),  # ms, worked out by hand for 160 GFLOP/s, 1.56e9 exp/s and 20 GB/s
    [
        ("full", {"A": 2.4, "B": 12.7, "C": 14.9, "D": 88, "E": 133, "F": 59}),
        ("diagonal", {"A": 2.2, "B": 11.7, "C": 4.3, "D": 5.5, "E": 2.0, "F": 17.2}),
    ],
)
def test_the_roofline_is_that_of_the_table(covariance: str, published: dict[str, float]) -> None:
    """The limit of the twelve cases agrees with a table of two or three digits."""
    rates = Rates(flops=160e9, exponentials=1.56e9, bytes=20e9)
    limits = {name: 1e3 * rates.limit(shape, covariance) for name, shape in SHAPES.items()}
    assert limits == pytest.approx(published, rel=0.03)


def test_slow_memory_is_the_limit() -> None:
    """Where reading takes longest, the limit is the bytes of the data over the bandwidth."""
    rates = Rates(flops=1e15, exponentials=1e15, bytes=1e9)
    assert rates.limit(Shape("", 1000, 10, 2), "full") == pytest.approx(1000 * 10 * 8 / 1e9)


@given(once=st.floats(0, 10), each=st.floats(1e-3, 10), first=st.integers(1, 5), more=st.integers(1, 50))
def test_what_a_fit_does_once_drops_out(once: float, each: float, first: int, more: int) -> None:
    """From T(n) = a + b n, two runs give b."""
    found = per_iteration(once + each * first, once + each * (first + more), first, first + more)
    assert found == pytest.approx(each, rel=1e-9, abs=1e-12)


def test_ratios_are_of_medians_and_their_mean_is_geometric() -> None:
    """One slow repeat changes nothing, twice as fast and half as fast make level, and an absent peer no ratio."""
    peer = [Showing((2.0, 2.0, 90.0)), Showing((1.0,))]
    own = [Showing((1.0, 1.0, 50.0)), Showing((2.0,))]
    assert ratios(peer, own) == [2.0, 0.5]
    assert mean_ratio(ratios(peer, own)) == pytest.approx(1.0)
    assert math.isnan(mean_ratio(ratios([*peer, Showing(trouble="absent")], [*own, own[0]])))


@given(expected=st.floats(1e-3, 100), repeats=st.integers(1, 20), budget=st.floats(0.1, 10))
def test_turns_keep_to_the_budget(expected: float, repeats: int, budget: float) -> None:
    """There is at least one turn and never more than asked for; beyond three, all are over within the budget."""
    turns = Effort(repeats, budget).turns(expected)
    assert 1 <= turns <= repeats
    assert turns <= 3 or turns * expected <= budget * (1 + 1e-9)
    assert turns == 1 or expected < budget


def test_a_bar_without_a_figure_is_missed() -> None:
    """Nan meets no bar from either side; a figure on the bar does."""
    assert not Bar.at_least("", math.nan, 1).met
    assert not Bar.at_most("", math.nan, 1).met
    assert Bar.at_least("", 1.0, 1).met
    assert Bar.at_most("", 1.0, 1).met


def test_a_table_reads_back() -> None:
    """Markdown cells are those given, all lines are equally wide, and figures are aligned to the right."""
    rows = [["a", "1"], ["a longer name", "1,234"]]
    lines = str(Table("Title", ["case", "ms"], rows)).splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert [cells[0], *cells[2:]] == [["case", "ms"], *rows]
    assert set("".join(cells[1])) == {"-", ":"}
    assert cells[1][1].endswith(":")
    assert lines[2].endswith("     1 |")
    assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize(
    ("figure", "written"),
    [(0.012345, "0.0123"), (1.2345, "1.23"), (123.45, "123"), (12345.6, "12,346"), (1e-12, "1.0e-12"), (0, "0")],
)
def test_figures_have_three_digits(figure: float, written: str) -> None:
    assert number(figure) == written


def test_results_replace_results(tmp_path: Path) -> None:
    """Only what stands between the markers of a page changes, each time anew."""
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{report.BEGIN}\nold\n{report.END}\n\nafter\n", encoding="utf-8")
    for results in ("one", "two"):
        write_results(page, results)
    assert page.read_text(encoding="utf-8") == f"before\n\n{report.BEGIN}\n\ntwo\n\n{report.END}\n\nafter\n"


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_the_judge_agrees_with_scipy(covariance: str) -> None:
    """The log likelihood by which contestants are compared is that of SciPy's densities."""
    problem = mixture(SMALL)
    spread = problem.covariances if covariance == "full" else problem.variances
    matrices = spread if covariance == "full" else np.stack([np.diag(variances) for variances in spread])
    components = zip(problem.weights, problem.means, matrices, strict=True)
    density = sum(w * multivariate_normal(mean, matrix).pdf(problem.x) for w, mean, matrix in components)
    expected = float(np.log(density).sum())
    assert log_likelihood(problem.x, problem.weights, problem.means, spread) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_emkit_and_scikit_learn_run_the_same_iterations(folder: Path, covariance: str) -> None:
    """From one start, both reach the same log likelihood after four iterations, above that of the start."""
    tasks: list[Task] = [library.Mixture(folder, covariance=covariance, threads=1) for library in (emkit, scikit_learn)]
    ours, theirs = (task.outcome(task.run(4)) for task in tasks)
    problem = Problem.load(folder)
    begin = log_likelihood(
        problem.x,
        problem.weights,
        problem.means,
        problem.covariances if covariance == "full" else problem.variances,
    )
    assert ours["iterations"] == theirs["iterations"] == 4
    assert ours["log_likelihood"] == pytest.approx(theirs["log_likelihood"], rel=1e-9)
    assert ours["log_likelihood"] > begin


def test_a_chain_has_the_transitions_it_was_drawn_from() -> None:
    """Sequences are equally long, and most steps stay in their state: rows keep near the row before them."""
    found = chain(steps=4000, sequences=8)
    assert found.lengths.tolist() == [500] * 8
    assert found.x.shape == (4000, 4)
    sequences = found.x.reshape(8, 500, 4)
    steps = np.square(np.diff(sequences, axis=1)).sum(axis=2).mean()
    assert steps < 0.6 * np.square(sequences[:, 1:] - sequences[::-1, :-1]).sum(axis=2).mean()


@on_linux
def test_a_contestant_serves_from_its_own_process(folder: Path) -> None:
    """What a process of its own reaches is what the task reaches here; what goes wrong there is said here."""
    task = emkit.Mixture(folder, covariance="full", threads=1)
    with Contestant(EMKIT, 1) as contestant:
        with pytest.raises(ContestantError, match="nothing is loaded"):
            contestant.run(1)
        run = contestant.load("mixture", folder, covariance="full").run(2, watch=True)
        assert run.seconds > 0
        assert run.peak >= run.before > 0
        expected = task.outcome(task.run(2))["log_likelihood"]
        assert contestant.outcome() == {"iterations": 2, "log_likelihood": pytest.approx(expected, rel=1e-12)}


@on_linux
def test_an_absent_peer_is_said_to_be_absent(folder: Path) -> None:
    """A library that is not here and has no requirements to install is trouble with a reason, not silence."""
    absent = type(EMKIT)("nobody", "nobody", "no_such_library")
    with pytest.raises(AbsentError, match="no_such_library is not installed"):
        interpreter(absent.package, absent.requirements)
    found = compete([absent], 1, lambda _: None, Iterations(1, 2), Effort(repeats=1))
    assert "not installed" in found["nobody"].trouble
    assert math.isnan(found["nobody"].median)
