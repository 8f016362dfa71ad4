"""Whether a fit runs on compiled kernels: where Numba is installed and the work at hand is worth it.

The rule looks at the work, at whether Numba is installed and at whether the kernels are cached on disk, never at what
the process did before, so that, for a given cache, the same fit gives the same bits:

- below `WORTH_LOADING` seconds of work in NumPy: never, importing Numba would take as long;
- kernels cached on disk: yes;
- not cached: only above `WORTH_COMPILING` seconds of work, about three times what the compiler takes.

`EMKIT_KERNELS` in the environment, or `use` around a block, overrules it: "never", or "always", whatever it costs.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Literal, TypeAlias, get_args

from emkit.kernels import cache

Mode: TypeAlias = Literal["auto", "never", "always"]

VARIABLE = "EMKIT_KERNELS"
"""The environment variable that sets the mode: "auto" (the default), "never" or "always"."""

FIT_PASSES = 100
"""Passes over the data that a fit is reckoned at."""

WORTH_LOADING = 1.0
"""Seconds of work in NumPy from which importing Numba and reading kernels from the cache is worth it."""

WORTH_COMPILING = 30.0
"""Seconds of work in NumPy from which compiling kernels is worth it."""

MODULES = ("gaussian", "markov")
"""The kernel modules. Each has `SIGNATURES`: its compiled functions, and the types each is compiled for."""

_lock = threading.RLock()
_chosen: list[Mode] = []  # by `use`, innermost last
_ready: dict[str, ModuleType] = {}  # compiled or read from the cache by this process


def load(name: str, seconds: float) -> ModuleType | None:
    """Return the module `emkit.kernels.<name>`, compiled, where it should be used, else None.

    Args:
        name: one of `MODULES`.
        seconds: roughly what one pass over the data takes in NumPy, from the size of the data and nothing else.

    Raises:
        ImportError: Numba is missing or does not work, and the mode is "always".
        ValueError: `EMKIT_KERNELS` is set to something else than a mode.
    """
    match _mode():
        case "never":
            return None
        case "always":
            return _compiled(name)
    work = FIT_PASSES * seconds
    if work < WORTH_LOADING or not _installed():
        return None
    try:
        return _compiled(name) if work >= WORTH_COMPILING or cache.holds(name) else None
    except (ImportError, OSError):  # installed but broken, or without a place to cache in
        return None


@contextmanager
def use(mode: Mode) -> Iterator[None]:
    """Set the mode inside a `with` block, for the whole process, whatever the environment says."""
    _checked(mode, "mode")
    _chosen.append(mode)
    try:
        yield
    finally:
        _chosen.pop()


def compile_all() -> dict[str, float]:
    """Compile every kernel module that the cache lacks, and return the seconds until each was ready."""
    seconds = {}
    for name in MODULES:
        start = time.perf_counter()
        _compiled(name)
        seconds[name] = time.perf_counter() - start
    return seconds


def _mode() -> Mode:
    return _chosen[-1] if _chosen else _checked(os.environ.get(VARIABLE) or "auto", VARIABLE)


def _checked(mode: str, name: str) -> Mode:
    for known in get_args(Mode):
        if mode == known:
            return known
    raise ValueError(f"{name} is {mode!r}: expected 'auto', 'never' or 'always'")


def _installed() -> bool:
    """Return whether Numba is there to compile; with NUMBA_DISABLE_JIT set it is not."""
    return os.environ.get("NUMBA_DISABLE_JIT", "0") in {"", "0"} and find_spec("numba") is not None


def _compiled(name: str) -> ModuleType:
    if not _installed():
        raise ImportError("compiled kernels need Numba, able to compile: pip install 'emkit[fast]'")
    with _lock:
        if name not in _ready:
            _ready[name] = _prepared(name)
        return _ready[name]


def _prepared(name: str) -> ModuleType:
    """Import a kernel module and compile all its functions, or read them from the cache."""
    try:
        module = import_module(f"emkit.kernels.{name}")
    except RuntimeError as error:  # Numba's answer where it may write nowhere
        raise ImportError(
            f"Numba cannot cache the kernels: set NUMBA_CACHE_DIR to a folder. It said: {error}"
        ) from error
    cached = cache.holds(name)
    for kernel, signature in module.SIGNATURES.items():
        if not cached:
            kernel.recompile()  # with nothing compiled yet this only drops cache entries of older sources
        kernel.compile(signature)
        kernel.disable_compile()
    if not cached:
        cache.record(name, list(module.SIGNATURES))
    return module
