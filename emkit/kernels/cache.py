"""Which kernels Numba's cache on disk holds, told without importing Numba.

Numba checks the file of a compiled function for changes, but not the files of the functions it calls. So emkit keeps a
receipt per kernel module: the files that Numba cached, and one hash of what they hold, of the sources and of the
machine they were compiled for.
"""

import hashlib
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from glob import escape
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).parent

# The settings that decide for which processor Numba compiles, and how.
SETTINGS = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_OPT")


def holds(name: str) -> bool:
    """Return whether Numba will find every kernel of a module in its cache, compiled from these sources."""
    for folder in _folders():
        try:
            digest, *files = (folder / _receipt(name)).read_text(encoding="utf-8").splitlines()
            if files and digest == _digest(files):
                return True
        except (OSError, ValueError):  # no receipt, a file that is gone, or a receipt cut short
            continue
    return False


def record(name: str, kernels: Iterable[Any]) -> None:
    """Write the receipt for kernels just compiled, in the first folder that can be written to, if any."""
    files = sorted(file for kernel in kernels for file in _files(kernel))
    receipt = "\n".join([_digest(files), *files])
    for folder in _folders():
        unfinished = folder / f"{_receipt(name)}.{os.getpid()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(receipt, encoding="utf-8")
            unfinished.replace(folder / _receipt(name))
        except OSError:
            continue
        return


def _files(kernel: Any) -> Iterator[str]:
    """Yield the files in which Numba cached a compiled function."""
    function = kernel.py_func
    stem = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}-"
    yield from map(str, Path(kernel.stats.cache_path).glob(f"{escape(stem)}*.{_python()}*.nb[ic]"))


def _folders() -> list[Path]:
    """Return where receipts lie: beside Numba's own cache, or in the user's where emkit's folder is read-only."""
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return [Path(chosen)]
    beside = SOURCES / "__pycache__"
    try:
        return [beside, Path.home() / ".cache" / "emkit"]
    except RuntimeError:  # a user without a home, as in some containers
        return [beside]


def _receipt(name: str) -> str:
    return f"emkit-{name}.{_python()}.txt"


def _python() -> str:
    return f"py{sys.version_info.major}{sys.version_info.minor}"


def _digest(files: list[str]) -> str:
    """Return one hash of the files, the sources and the machine; a file that is not there is an `OSError`."""
    settings = repr([os.environ.get(setting) for setting in SETTINGS])
    digest = hashlib.sha256((_origin() + settings).encode())
    for file in files:
        digest.update(Path(file).read_bytes())
    return digest.hexdigest()


@cache
def _origin() -> str:
    """Return the sources of all kernels, the versions and the processor, as one hash."""
    binding = import_module("llvmlite.binding")  # the optional extra brings it
    processor = (platform.machine(), binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten())
    told = repr((str(SOURCES), sys.version, version("numba"), version("llvmlite"), processor))
    sources = b"".join(path.read_bytes() for path in sorted(SOURCES.glob("*.py")))
    return hashlib.sha256(told.encode() + sources).hexdigest()
