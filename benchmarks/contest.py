"""The contest: contestants take turns at the same runs, so that a busy moment of the machine hits all of them alike."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import geometric_mean, median

from benchmarks.environments import AbsentError, Entrant
from benchmarks.process import Contestant, ContestantError, Run

Loader = Callable[[Contestant], object]

SLOW = 2.0  # seconds of a short run that is not repeated: what it did for the first time is nothing beside them


@dataclass(frozen=True)
class Effort:
    """How much time a contest may take."""

    repeats: int = 9
    budget: float = 3.0  # seconds for each contestant of one case

    def turns(self, expected: float) -> int:
        """Return how many turns of so many seconds there are: all within the budget, three if one is, else one."""
        return min(self.repeats, max(3 if expected < self.budget else 1, int(self.budget / expected)))


@dataclass(frozen=True)
class Showing:
    """What one contestant showed in one case."""

    seconds: tuple[float, ...] = ()  # of each turn
    extra: float = float("nan")  # peak extra memory, MB
    iterations: int = 0
    log_likelihood: float = float("nan")
    trouble: str = ""  # why there is nothing to show

    @property
    def median(self) -> float:
        """Seconds, the median of all turns; nan where there are none."""
        return median(self.seconds) if self.seconds else float("nan")

    def differs(self, reference: "Showing") -> float:
        """Return how far the log likelihood is from another's, relative."""
        return abs(self.log_likelihood - reference.log_likelihood) / abs(reference.log_likelihood)


def per_iteration(short: float, long: float, n_short: int, n_long: int) -> float:
    """Return seconds per iteration from two runs: what a fit does once drops out."""
    return (long - short) / (n_long - n_short)


@dataclass(frozen=True)
class Iterations:
    """A turn for the time of one iteration: a short run and a long one."""

    first: int
    long: int

    def seconds(self, contestant: Contestant, short: float | None = None) -> float:
        """Take a turn, with a short run that has been timed already or with a new one."""
        short = contestant.run(self.first).seconds if short is None else short
        return per_iteration(short, contestant.run(self.long).seconds, self.first, self.long)

    def expected(self, first: float) -> float:
        """Return how long a turn may take, from the seconds of the first, short run; a fit ends with one more pass."""
        return first * (self.first + self.long + 2) / (self.first + 1)


def compete(
    entrants: Iterable[Entrant], threads: int, load: Loader, turn: Iterations, effort: Effort
) -> dict[str, Showing]:
    """Let entrants take turns; memory is watched in their first run, which warms up. In the order of the entrants."""
    showings: dict[str, Showing] = {}
    players: dict[str, Player] = {}
    with ExitStack() as processes:
        for entrant in entrants:
            try:
                contestant = processes.enter_context(Contestant(entrant, threads))
                load(contestant)
                players[entrant.name] = Player.warmed_up(contestant, turn, effort)
                showings[entrant.name] = Showing()
            except (AbsentError, ContestantError) as error:
                showings[entrant.name] = Showing(trouble=str(error))
        for count in range(effort.repeats):
            for name, player in list(players.items()):
                try:
                    player.play(count, turn)
                except ContestantError as error:
                    showings[name] = Showing(trouble=str(error))
                    del players[name]
        for name, player in players.items():
            try:
                showings[name] = player.showing()
            except ContestantError as error:
                showings[name] = Showing(trouble=str(error))
    return showings


@dataclass(frozen=True)
class Player:
    """A contestant in its place in the round."""

    contestant: Contestant
    first: Run
    short: float | None  # seconds of the short run, where it is too long to be repeated
    repeats: int
    seconds: list[float]  # of each turn so far

    @classmethod
    def warmed_up(cls, contestant: Contestant, turn: Iterations, effort: Effort) -> "Player":
        """Run the first time, and see how many turns there is time for."""
        patience = contestant.entrant.patience
        first = contestant.run(turn.first, limit=patience, watch=True)
        slow = first.seconds > SLOW
        short = first.seconds if slow else contestant.run(turn.first).seconds  # the first may have loaded libraries
        expected = turn.expected(short)
        if expected > patience:
            raise ContestantError(f"a turn would take about {expected:.0f} s")
        return cls(contestant, first, short if slow else None, effort.turns(expected), [])

    def play(self, count: int, turn: Iterations) -> None:
        """Take the turn of this count, if there is one."""
        if count < self.repeats:
            self.seconds.append(turn.seconds(self.contestant, self.short))

    def showing(self) -> Showing:
        """Return what all turns showed."""
        reached = self.contestant.outcome()  # of the last run, a long one
        return Showing(tuple(self.seconds), self.first.extra, int(reached["iterations"]), reached["log_likelihood"])


def ratios(peer: Iterable[Showing], own: Iterable[Showing]) -> list[float]:
    """Return how many times faster than a peer, case by case: ratios of medians, nan where one is absent."""
    return [theirs.median / ours.median for theirs, ours in zip(peer, own, strict=True)]


def mean_ratio(found: list[float]) -> float:
    """Return the geometric mean; nan where a case has no ratio."""
    return geometric_mean(found) if found and all(ratio > 0 for ratio in found) else float("nan")
