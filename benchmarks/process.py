"""A contestant's process as seen from here: ask, wait, watch its memory."""

import json
import select
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.environments import ROOT, Entrant, environment

SAMPLING_SECONDS = 0.001
START_SECONDS = 120.0
SETTLE_SECONDS = 0.05  # BLAS threads of the contestant before may still be spinning


class ContestantError(Exception):
    """A contestant that failed or took too long."""


@dataclass(frozen=True)
class Run:
    """One timed run."""

    seconds: float
    before: float  # anonymous memory (RssAnon) when it began, MB
    peak: float  # the most while it ran, MB; as before where memory was not watched

    @property
    def extra(self) -> float:
        """Peak extra memory, MB."""
        return self.peak - self.before


class Contestant:
    """A process that runs one library.

    Raises:
        AbsentError: the library is not here.
        ContestantError: it failed to start, or later to do what it was asked.
    """

    def __init__(self, entrant: Entrant, threads: int) -> None:
        self.entrant = entrant
        self.threads = threads
        python = entrant.python()
        self._errors = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115  # closed in __exit__
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.contestants.serve", entrant.module],
            cwd=ROOT,
            env=environment(entrant, threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        try:
            self._answer(START_SECONDS)
        except ContestantError:
            self.__exit__(None, None, None)
            raise

    def load(self, task: str, folder: Path, **options: Any) -> Self:
        """Load a task, in place of the one before."""
        request = {"load": task, "folder": str(folder), "options": {**options, "threads": self.threads}}
        self._ask(request, START_SECONDS)
        return self

    def run(self, n: int, *, limit: float = 600.0, watch: bool = False) -> Run:
        """Run n iterations within so many seconds; `watch` samples memory meanwhile."""
        time.sleep(SETTLE_SECONDS)
        before = self._anonymous()
        answer, peak = self._ask({"run": n}, limit, watch=watch)
        return Run(answer["seconds"], before, max(before, peak))

    def outcome(self) -> dict[str, float]:
        """Return what the last run reached: `iterations` and `log_likelihood`."""
        return self._ask({"outcome": True}, START_SECONDS)[0]

    def __enter__(self) -> Self:
        """Return the contestant."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def _ask(self, request: dict[str, Any], limit: float, *, watch: bool = False) -> tuple[dict[str, Any], float]:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # the answer, which is none, says more
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        return self._answer(limit, watch=watch)

    def _answer(self, limit: float, *, watch: bool = False) -> tuple[dict[str, Any], float]:
        """Wait for an answer; return it with the most memory seen meanwhile."""
        channel = self._process.stdout
        assert channel is not None
        end, peak = time.monotonic() + limit, 0.0
        while not select.select([channel], [], [], SAMPLING_SECONDS if watch else max(0.0, end - time.monotonic()))[0]:
            if time.monotonic() >= end:
                raise ContestantError(f"took more than {limit:.0f} s")
            peak = max(peak, self._anonymous()) if watch else peak
        line = channel.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            last = self._errors.read().strip().splitlines()[-1:]
            raise ContestantError(f"ended with status {self._process.returncode}: {' '.join(last)}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ContestantError(answer["error"])
        return answer, peak

    def _anonymous(self) -> float:
        """Return RssAnon of the process, MB; 0 where it has just ended."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        kibibytes = status.partition("RssAnon:")[2].split()[:1]
        return float(kibibytes[0]) * 1024e-6 if kibibytes else 0.0
