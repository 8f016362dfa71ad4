"""The machine and the versions a result belongs to."""

import os
import platform
import subprocess
import sys
from datetime import date
from pathlib import Path

from benchmarks.environments import HMMLEARN, ONEDAL, POMEGRANATE, SCIKIT_LEARN, AbsentError, Entrant

LIBRARIES = {
    SCIKIT_LEARN: "scikit-learn",
    ONEDAL: "daal4py",
    HMMLEARN: "hmmlearn",
    POMEGRANATE: "pomegranate",
}  # as pip calls them
HERE = ("numpy", "scipy", "numba")


def described() -> str:
    """Name the processor, memory, Python and the versions of all contestants."""
    cpu = dict(_entries(Path("/proc/cpuinfo")))
    memory = int(dict(_entries(Path("/proc/meminfo")))["MemTotal"].split()[0]) / 2**20
    wide = "AVX-512" if "avx512f" in cpu["flags"].split() else "AVX2" if "avx2" in cpu["flags"].split() else "no AVX2"
    here = f"Python {platform.python_version()}, " + ", ".join(map(_version, HERE))
    peers = "; ".join(_version(name, entrant) for entrant, name in LIBRARIES.items())
    return (
        f"{date.today().isoformat()}, {cpu['model name']} ({wide}), {len(os.sched_getaffinity(0))} cores, "
        f"{memory:.0f} GiB, Linux {platform.release()}, load average {os.getloadavg()[0]:.1f} at the start. "
        f"{here}. {peers}."
    )


def _version(name: str, entrant: Entrant | None = None) -> str:
    """Return the version of a library here, or in the environment of an entrant."""
    try:
        python = sys.executable if entrant is None else entrant.python()
    except AbsentError as error:
        return f"{name} absent ({error})"
    code = f"from importlib.metadata import version; print('{name}', version('{name}'))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return done.stdout.strip() or f"{name} absent"


def _entries(path: Path) -> list[tuple[str, str]]:
    lines = (line.partition(":") for line in path.read_text(encoding="utf-8").splitlines())
    return [(name.strip(), text.strip()) for name, _, text in lines]
