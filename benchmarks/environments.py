"""Where each contestant runs: in this Python if it has the library, otherwise in an environment made for it."""

import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parent.parent
VENVS = Path(__file__).parent / ".venvs"
INSTALL_SECONDS = 900


class AbsentError(Exception):
    """A contestant that cannot take part, and why."""


@dataclass(frozen=True)
class Entrant:
    """A library in one configuration."""

    name: str
    module: str  # in benchmarks/contestants
    package: str  # what it imports
    requirements: tuple[str, ...] = ()  # for pip; none where this Python must have it
    variables: dict[str, str] = field(default_factory=dict, hash=False)
    tolerance: float = 1e-9  # on the log likelihood, relative
    patience: float = 90.0  # seconds; where one turn would take longer, it is left out

    def python(self) -> Path:
        """Return the Python that runs it, all made ready, or raise AbsentError with a reason."""
        if self.variables.get("EMKIT_KERNELS", "never") != "never":
            _compile_kernels()
        return interpreter(self.package, self.requirements)


def with_numpy_of_emkit(*requirements: str) -> tuple[str, ...]:
    """Return requirements with the NumPy that emkit runs on here."""
    return (f"numpy=={version('numpy')}", *requirements)


EMKIT = Entrant("emkit", "emkit", "emkit", variables={"EMKIT_KERNELS": "never"})
EMKIT_FAST = Entrant("emkit[fast]", "emkit", "emkit", variables={"EMKIT_KERNELS": "always"})
EMKIT_AUTO = Entrant("emkit[fast], by its own rule", "emkit", "emkit", variables={"EMKIT_KERNELS": "auto"})
SCIKIT_LEARN = Entrant("scikit-learn", "scikit_learn", "sklearn", with_numpy_of_emkit("scikit-learn"))
HMMLEARN = Entrant("hmmlearn", "hmmlearn", "hmmlearn", with_numpy_of_emkit("hmmlearn"))
ONEDAL = Entrant("oneDAL", "onedal", "daal4py", ("numpy<2", "scikit-learn<1.6", "daal4py==2024.7.0", "packaging"))
POMEGRANATE = Entrant(
    "pomegranate",
    "pomegranate",
    "pomegranate",
    ("torch==2.13.0+cpu", "pomegranate==1.1.2", "--extra-index-url=https://download.pytorch.org/whl/cpu"),
    tolerance=1e-6,  # its observation weights are float32
    patience=15.0,  # the peers that matter are faster
)


@cache
def interpreter(package: str, requirements: tuple[str, ...]) -> Path:
    """Return a Python that can import the package; make an environment for it if need be.

    Raises:
        AbsentError: it is not here and cannot be installed.
    """
    if find_spec(package):
        return Path(sys.executable)
    if not requirements:
        raise AbsentError(f"{package} is not installed")
    folder = VENVS / package
    python, ready = folder / "bin" / "python", folder / "ready"
    if not (ready.exists() and ready.read_text(encoding="utf-8") == "\n".join(requirements)):
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        _call([python, "-m", "pip", "install", "--quiet", "--timeout=15", "--retries=1", *requirements], package)
        _call([python, "-c", f"import {package}"], package)
        ready.write_text("\n".join(requirements), encoding="utf-8")
    return python


def environment(entrant: Entrant, threads: int) -> dict[str, str]:
    """Return the variables of a contestant's process: its own, and as many threads as the others."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, str(threads)), "PYTHONPATH": str(ROOT), **entrant.variables}


@cache
def _compile_kernels() -> None:
    """Compile emkit's kernels once, so that no timed run waits for them."""
    if not find_spec("numba"):
        raise AbsentError("the extra `fast` is not installed: numba is missing")
    if not find_spec("emkit.kernels"):
        raise AbsentError("this emkit has no kernels")
    _call([Path(sys.executable), "-m", "emkit.kernels"], "emkit.kernels")


def _call(command: list[Path | str], what: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise AbsentError(f"{what}: not ready after {INSTALL_SECONDS} s") from error
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise AbsentError(f"{what}: {' '.join(last) or 'failed without a word'}")
