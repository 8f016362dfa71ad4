"""Every example runs, and prints and writes what it says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.image import imread

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(example: Path, folder: Path) -> str:
    command = [sys.executable, "-W", "error", str(example)]
    environment = {**os.environ, "MPLCONFIGDIR": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_it_runs(example: Path, tmp_path: Path) -> None:
    """The example ends without an error or a warning."""
    assert run(example, tmp_path)


def test_the_iris_example_reports_and_draws(tmp_path: Path) -> None:
    """The main example prints the five facts of the fit and writes a picture of three panels."""
    printed = run(EXAMPLES / "iris_mixture.py", tmp_path)
    for fact in ("outcome", "iterations", "log-likelihood", "monotone        yes", "figure"):
        assert fact in printed
    height, width = imread(tmp_path / "iris_mixture.png").shape[:2]
    assert width > 3 * height
