"""The rooms of emkit: imports point to lower floors, and each file has its place and size."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import emkit

ROOT = Path(emkit.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# The first name that matches a module, or a package above it, tells its floor. The package itself is the roof.
FLOORS = {
    "emkit.arguments": 0,
    "emkit.arrays": 0,
    "emkit.censoring": 0,
    "emkit.constraints": 0,
    "emkit.data": 0,
    "emkit.datasets": 0,
    "emkit.distances": 0,
    "emkit.divergences": 0,
    "emkit.entries": 0,
    "emkit.gamma_function": 0,
    "emkit.incomplete": 0,
    "emkit.matrices": 0,
    "emkit.samples": 0,
    "emkit.scratch": 0,
    "emkit.sequences": 0,
    "emkit.declarations": 0,
    "emkit.truncated": 0,
    "emkit.kernels": 0,
    "emkit.sample_covariance": 0,
    "emkit.values": 1,
    "emkit.parameters": 1,
    "emkit.statistics": 1,
    "emkit.moments": 1,
    "emkit.pattern_moments": 1,
    "emkit.model": 1,
    "emkit.leaves": 1,
    "emkit.differences": 2,
    "emkit.powers": 2,
    "emkit.accelerate": 2,
    "emkit.algorithm": 2,
    "emkit.stopping": 2,
    "emkit.trace": 2,
    "emkit.execution": 2,
    "emkit.priors": 2,
    "emkit.regression": 2,
    "emkit.starts": 2,
    "emkit.emissions": 2,
    "emkit.run": 3,
    "emkit.verdicts": 3,
    "emkit.accepted": 3,
    "emkit.em": 3,
    "emkit.online": 3,
    "emkit.fitted": 3,
    "emkit.lab": 4,
    "emkit.models": 3,
    "emkit.restarts": 4,
    "emkit.testing": 5,
    "emkit.plot": 5,
    "emkit": 6,
}

# Libraries that only some rooms may import: they are not needed to fit a model.
RESERVED = {
    "matplotlib": "emkit.plot",
    "numba": "emkit.kernels",
    "hypothesis": "emkit.testing",
    "pytest": "emkit.testing",
}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def imported(node: ast.AST) -> Iterator[str]:
    """Yield the modules that one statement imports; a name taken from a package is the module of that name."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        assert node.module is not None
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            yield full if full in MODULES else node.module


def for_type_checkers(tree: ast.Module) -> set[ast.AST]:
    """Return the statements under `if TYPE_CHECKING`, which never run."""
    guards = (n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING")
    return {inner for guard in guards for inner in ast.walk(guard)}


def imports_of(module: str) -> set[str]:
    tree = MODULES[module]
    unseen = for_type_checkers(tree)
    return {target for node in ast.walk(tree) if node not in unseen for target in imported(node)}


def floor_of(module: str) -> int:
    name = module
    while name not in FLOORS or (name == "emkit" and module != "emkit"):
        assert "." in name, f"{module} has no floor: add it to the table"
        name = name.rpartition(".")[0]
    return FLOORS[name]


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_to_lower_floors(module: str) -> None:
    """A module imports from its own floor or from below."""
    inside = {target for target in imports_of(module) if target.split(".")[0] == "emkit"}
    assert {target for target in inside if floor_of(target) > floor_of(module)} == set()


def test_rooms_form_no_circles() -> None:
    """The imports inside emkit can be put in order."""
    graph = {module: imports_of(module) & MODULES.keys() - {module} for module in MODULES}
    assert len(list(TopologicalSorter(graph).static_order())) == len(MODULES)


def test_the_driver_and_the_models_do_not_know_each_other() -> None:
    """`em.py` and `models/` meet in `model.py` and nowhere else."""
    assert not any(target.startswith(("emkit.models", "emkit.emissions")) for target in imports_of("emkit.em"))
    models = [module for module in MODULES if module.startswith(("emkit.models", "emkit.emissions"))]
    assert not any(target == "emkit.em" for module in models for target in imports_of(module))


@pytest.mark.parametrize("module", MODULES)
def test_heavy_libraries_stay_in_their_rooms(module: str) -> None:
    """Only plot imports matplotlib, and only testing imports hypothesis and pytest."""
    for target in imports_of(module):
        room = RESERVED.get(target.split(".")[0])
        assert room is None or module.startswith(room), f"{module} imports {target}"


@pytest.mark.parametrize("module", MODULES)
def test_imports_stand_at_the_top(module: str) -> None:
    """No import hides inside a function, but for optional libraries in plot and testing."""
    inner = (n for n in ast.walk(MODULES[module]) if isinstance(n, (ast.FunctionDef, ast.Lambda, ast.ClassDef)))
    hidden = {target for scope in inner for node in ast.walk(scope) for target in imported(node)}
    allowed = {target for target in hidden if module.startswith(RESERVED.get(target.split(".")[0], "nowhere"))}
    assert hidden - allowed == set()


@pytest.mark.parametrize("library", [*RESERVED, "scipy.optimize", "scipy.stats", "numba"])
def test_importing_emkit_is_light(library: str) -> None:
    """`import emkit` in a fresh interpreter loads no plots, no tests, and nothing that few models need."""
    code = f"import sys, emkit; sys.exit({library!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_is_loaded_later_is_what_type_checkers_see() -> None:
    """The names that `emkit` loads when first used, and from where, are those under its `if TYPE_CHECKING`."""
    statements = [node for node in for_type_checkers(MODULES["emkit"]) if isinstance(node, ast.ImportFrom)]
    seen = {alias.name: str(node.module) for node in statements for alias in node.names}
    later = emkit._LATER | dict.fromkeys(emkit._ROOMS, "emkit")
    assert seen == later
    for name in seen:
        assert name in emkit.__all__
        assert name in dir(emkit)
        assert getattr(emkit, name) is getattr(sys.modules[later[name]], name)


def test_unknown_names_are_no_attributes() -> None:
    """A name that emkit does not have is an AttributeError, and an ImportError where it is imported."""
    code = "import emkit\ntry: from emkit import Poison\nexcept ImportError: assert not hasattr(emkit, 'Poison')"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_are_small_and_say_what_they_are(path: Path) -> None:
    """Every file has fewer than 300 lines and begins with a docstring."""
    assert len(path.read_text(encoding="utf-8").splitlines()) < 300
    assert ast.get_docstring(MODULES[name_of(path)])
