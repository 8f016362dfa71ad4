"""Static types: the example model and a stranger's class type-check as they are, and fits know their model."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import toys

STRANGER = '''
import numpy as np

import emkit
from emkit import Array


class Stranger:
    """Inherits nothing; its statistics are an array."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def e_step(self, data: Array) -> emkit.Expectation[Array]:
        return emkit.Expectation.of(self.log_marginal(data), np.array([data.sum(), len(data)]))

    def m_step(self, statistics: Array) -> "Stranger":
        return Stranger(float(statistics[1] / statistics[0]))

    def log_marginal(self, data: Array) -> Array:
        return np.asarray(np.log(self.rate) - self.rate * data, dtype=np.float64)


stranger = emkit.fit(Stranger(1.0), np.ones(3))
reveal_type(stranger)
reveal_type(stranger.model.rate)
for step in emkit.steps(Stranger(1.0), np.ones(3)):
    reveal_type(step.model)
'''

EXAMPLE = """
example = emkit.fit(PoissonMixture(np.array([0.5, 0.5]), np.array([1.0, 5.0])), np.ones(3))
reveal_type(example)
reveal_type(example.model.rates)
reveal_type(emkit.unpack(emkit.pack(example.model), like=example.model))
"""

INCOMPLETE = """
import numpy as np

import emkit


class Incomplete:
    def e_step(self, data: emkit.Array) -> emkit.Expectation[emkit.Array]:
        raise NotImplementedError


emkit.fit(Incomplete(), np.ones(3))
"""


def example_source() -> str:
    """Return the example model as it stands in `tests/toys.py`, imports included."""
    source = Path(toys.__file__).read_text(encoding="utf-8")
    model = source[source.index("@emkit.value\nclass Counts") : source.index("\n\ndef counts")]
    imports = "import numpy as np\nfrom scipy.stats import poisson\n\nimport emkit\nfrom emkit import Array\n\n\n"
    return imports + model


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Run mypy --strict once over all sources, and return its lines by file."""
    folder = tmp_path_factory.mktemp("typing")
    sources = {"stranger.py": STRANGER, "example.py": example_source() + EXAMPLE, "incomplete.py": INCOMPLETE}
    for name, source in sources.items():
        (folder / name).write_text(source, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-warn-return-any", "--no-error-summary", *sources]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    return {name: [line.split(": ", 1)[1] for line in lines if line.startswith(name)] for name in sources}


def test_a_strangers_class_type_checks(reports: dict[str, list[str]]) -> None:
    """A class with the three methods goes through `fit` and `steps` without a cast, and comes out as itself."""
    assert reports["stranger.py"] == [
        'note: Revealed type is "emkit.fitted.Fit[stranger.Stranger]"',
        'note: Revealed type is "float"',
        'note: Revealed type is "stranger.Stranger"',
    ]


def test_the_example_model_type_checks(reports: dict[str, list[str]]) -> None:
    """The documented Poisson mixture type-checks as written, and its fit is a Fit[PoissonMixture]."""
    fit, rates, unpacked = reports["example.py"]
    assert fit == 'note: Revealed type is "emkit.fitted.Fit[example.PoissonMixture]"'
    assert "numpy.ndarray" in rates
    assert unpacked == 'note: Revealed type is "example.PoissonMixture"'


def test_an_incomplete_class_is_refused(reports: dict[str, list[str]]) -> None:
    """A class without one of the methods is a type error at the call of `fit`."""
    assert any(line.startswith("error:") and "fit" in line for line in reports["incomplete.py"])
