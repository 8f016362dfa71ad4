"""Cases computed by other programs, kept as their authors wrote them; each file states its source and its tolerance."""

import json
from pathlib import Path
from typing import Any

import emkit
from emkit import Array

FOLDER = Path(__file__).parent / "refs"


def load(name: str) -> dict[str, Any]:
    """Return one case by the name of its file."""
    case: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return case


def data(case: dict[str, Any]) -> Array:
    """Return the (N, D) matrix that a case was computed on."""
    table = {"iris.csv": emkit.datasets.iris, "faithful.csv": emkit.datasets.faithful}[case["data"]["file"]]().data
    return table[:, case["data"].get("columns_used", [0, 1])]
