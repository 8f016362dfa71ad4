"""The process of one contestant: `python -m benchmarks.contestants.serve scikit_learn`.

It takes requests, one line of JSON each, and answers likewise: load a task, run n iterations of it, tell the outcome.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.contestants import Task


class Server:
    """A contestant with the task it has loaded and what its last run returned."""

    def __init__(self, tasks: dict[str, Callable[..., Task]]) -> None:
        self._tasks = tasks
        self._task: Task | None = None
        self._fitted: Any = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what a request asks."""
        if "load" in request:
            self._task = self._tasks[request["load"]](Path(request["folder"]), **request["options"])
            return {}
        if self._task is None:
            raise RuntimeError("nothing is loaded yet")
        if "run" in request:
            self._fitted = None  # the memory of the last run is not this one's
            begin = time.perf_counter()
            self._fitted = self._task.run(request["run"])
            return {"seconds": time.perf_counter() - begin}
        return dict(self._task.outcome(self._fitted))


def main() -> None:
    """Serve until the requests end."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints is no answer
    server = Server(importlib.import_module(f"benchmarks.contestants.{sys.argv[1]}").TASKS)
    print(json.dumps({}), file=channel, flush=True)
    for line in sys.stdin:
        try:
            answer = server.answer(json.loads(line))
        except Exception as error:  # the one who asked decides what it means
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=channel, flush=True)


if __name__ == "__main__":
    main()
