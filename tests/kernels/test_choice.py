"""When compiled kernels are used, and what the cache on disk says about them."""

import os
import runpy
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import pytest

from emkit import kernels
from emkit.kernels import cache, choice

SMALL, MIDDLE, LARGE = 0.001, 0.1, 10.0  # seconds a pass: not worth loading, worth loading, worth compiling


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Stands for any kernel module: installed, cached and ready, with no mode set from outside."""
    stand_in = ModuleType("stand_in")
    monkeypatch.delenv(choice.VARIABLE, raising=False)
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    monkeypatch.setattr(cache, "holds", lambda name: True)
    monkeypatch.setattr(cache, "record", lambda name, kernels: None)
    monkeypatch.setattr(choice, "_ready", {})
    monkeypatch.setattr(choice, "import_module", lambda name: stand_in)
    stand_in.SIGNATURES = {}  # type: ignore[attr-defined]
    return stand_in


def without_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda name: None)


def with_broken_numba(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(name: str) -> ModuleType:
        raise error

    monkeypatch.setattr(choice, "import_module", fail)


def test_cached_kernels_serve_work_worth_loading_them(module: ModuleType) -> None:
    assert kernels.load("gaussian", SMALL) is None
    assert kernels.load("gaussian", MIDDLE) is module
    assert kernels.load("gaussian", LARGE) is module


def test_kernels_not_cached_serve_work_worth_compiling_them(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "holds", lambda name: False)
    assert kernels.load("gaussian", SMALL) is None
    assert kernels.load("gaussian", MIDDLE) is None
    assert kernels.load("gaussian", LARGE) is module


def test_the_choice_forgets_what_the_process_did(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels already loaded change nothing: the same fit gives the same bits, first or last in a process."""
    monkeypatch.setattr(cache, "holds", lambda name: False)
    assert kernels.load("gaussian", LARGE) is module
    assert kernels.load("gaussian", MIDDLE) is None
    assert kernels.load("gaussian", SMALL) is None


def test_without_numba_there_are_no_kernels(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    without_numba(monkeypatch)
    assert kernels.load("gaussian", LARGE) is None


@pytest.mark.parametrize("error", [ImportError("NumPy too new"), RuntimeError("cannot cache function")])
def test_a_numba_that_does_not_work_counts_as_missing(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with_broken_numba(monkeypatch, error)
    assert kernels.load("gaussian", LARGE) is None
    with kernels.use("always"), pytest.raises(ImportError, match=str(error)):
        kernels.load("gaussian", LARGE)


@pytest.mark.parametrize("error", [ImportError("no package metadata"), OSError("libllvmlite.so")])
def test_a_compiler_that_cannot_be_loaded_counts_as_missing(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(name: str) -> bool:
        raise error

    monkeypatch.setattr(cache, "holds", fail)
    assert kernels.load("gaussian", MIDDLE) is None


def test_a_user_without_a_home_has_no_cache_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no home is known, as for the users that some containers make up, only the folder beside the sources is."""

    def fail() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(Path, "home", fail)
    monkeypatch.setattr(cache, "SOURCES", tmp_path)
    assert not cache.holds("gaussian")
    cache.record("gaussian", [])
    assert [path.parent.name for path in tmp_path.rglob("*.txt")] == ["__pycache__"]


def test_numba_told_not_to_compile_counts_as_missing(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert kernels.load("gaussian", LARGE) is None


def test_the_environment_overrules(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(choice.VARIABLE, "never")
    assert kernels.load("gaussian", LARGE) is None
    monkeypatch.setenv(choice.VARIABLE, "always")
    assert kernels.load("gaussian", 0.0) is module
    for automatic in ("auto", ""):
        monkeypatch.setenv(choice.VARIABLE, automatic)
        assert kernels.load("gaussian", SMALL) is None
        assert kernels.load("gaussian", MIDDLE) is module


def test_always_without_numba_names_the_extra(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    without_numba(monkeypatch)
    monkeypatch.setenv(choice.VARIABLE, "always")
    with pytest.raises(ImportError, match=r"pip install 'emkit\[fast\]'"):
        kernels.load("gaussian", SMALL)


def test_an_exception_ends_a_block(module: ModuleType) -> None:
    with pytest.raises(KeyError), kernels.use("always"):
        raise KeyError
    assert kernels.load("gaussian", SMALL) is None


def test_an_unknown_mode_is_refused(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(choice.VARIABLE, "on")
    with pytest.raises(ValueError, match="EMKIT_KERNELS is 'on': expected 'auto', 'never' or 'always'"):
        kernels.load("gaussian", SMALL)
    with pytest.raises(ValueError, match="mode is 'on'"), kernels.use("on"):
        pass


def test_use_overrules_the_environment_until_its_end(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks inside blocks: the innermost decides."""
    monkeypatch.setenv(choice.VARIABLE, "always")
    with kernels.use("never"):
        assert kernels.load("gaussian", LARGE) is None
        with kernels.use("always"):
            with kernels.use("never"):
                assert kernels.load("gaussian", LARGE) is None
            assert kernels.load("gaussian", SMALL) is module
        with kernels.use("auto"):
            assert kernels.load("gaussian", SMALL) is None
            assert kernels.load("gaussian", LARGE) is module
        assert kernels.load("gaussian", LARGE) is None
    assert kernels.load("gaussian", SMALL) is module


def test_the_command_compiles_every_module(module: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_module("emkit.kernels", run_name="__main__")
    assert choice._ready.keys() == set(choice.MODULES)
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()[1:]] == list(choice.MODULES)


def python(code: str, **environment: str) -> str:
    """Run code in a fresh interpreter and return what it printed."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, **environment}
    ).stdout.strip()


def test_small_work_imports_nothing() -> None:
    """Neither importing emkit nor a small fit pays for Numba or its compiler."""
    code = """
        import sys, emkit
        from emkit import kernels
        assert kernels.load("gaussian", 0.001) is None
        print([name for name in ("numba", "llvmlite") if name in sys.modules])
    """
    assert python(code, EMKIT_KERNELS="auto") == "[]"


TINY = """
    import sys
    from importlib.util import module_from_spec, spec_from_file_location
    from emkit.kernels import cache, load

    spec = spec_from_file_location("emkit.kernels.tiny", {path!r})
    tiny = sys.modules["emkit.kernels.tiny"] = module_from_spec(spec)
    before, light = cache.holds("tiny"), "numba" not in sys.modules
    spec.loader.exec_module(tiny)
    load("tiny", {seconds})
    hits = sum(tiny.twice.stats.cache_hits.values())
    print(before, light, hits, len(tiny.twice.signatures), cache.holds("tiny"))
"""

SOURCE = """
from numba import types
from emkit.kernels.compiled import kernel

@kernel
def twice(x):
    return 2 * x

SIGNATURES = {twice: (types.float64,)}
"""


def test_the_cache_knows_what_it_holds(tmp_path: Path) -> None:
    """Compiled once, then read; compiled anew for another setting; missed when its files or the receipt are damaged."""
    path = tmp_path / "tiny.py"
    path.write_text(SOURCE)
    settings = {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "EMKIT_KERNELS": "auto"}

    def run(seconds: float, **more: str) -> str:
        return python(TINY.format(path=str(path), seconds=seconds), **settings, **more)

    assert run(MIDDLE) == "False True 0 0 False"  # not worth compiling
    assert run(LARGE) == "False True 0 1 True"  # compiled
    assert run(MIDDLE) == "True True 1 1 True"  # read
    assert run(LARGE, NUMBA_OPT="1") == "False True 0 1 True"  # not taken from what another setting left
    assert run(LARGE) == "False True 0 1 True"  # nor back
    assert run(MIDDLE) == "True True 1 1 True"
    for file in (tmp_path / "cache").rglob("*.nbc"):
        file.unlink()
    assert run(MIDDLE) == "False True 0 0 False"
    assert run(LARGE).endswith("True")
    for file in (tmp_path / "cache").rglob("*.txt"):
        file.write_text("")
    assert run(MIDDLE) == "False True 0 0 False"
