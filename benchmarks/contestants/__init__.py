"""One file per library. Each runs in a process of its own, perhaps of another environment, and imports no other.

A file has `TASKS`: by name, a class whose constructor loads a problem and which then is a `Task`.
"""

from typing import Any, Protocol


class Task(Protocol):
    """A loaded problem: `run` is timed, `outcome` is not."""

    def run(self, n: int, /) -> Any:
        """Run n iterations from the start, or the whole of it where iterations are not asked for."""
        ...

    def outcome(self, fitted: Any, /) -> dict[str, float]:
        """Say of what `run` returned how many `iterations` it took and which `log_likelihood` (nats) it reached."""
        ...
