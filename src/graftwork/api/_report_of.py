"""The run behind what the user named, and its report, where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graftwork.storage.json_files import read_json

__all__ = ["report_of", "run_folder"]


def run_folder(run: Any) -> Path | None:
    """The run directory of a path, of the model directory inside it, or of a `Run`; else None."""
    if not isinstance(run, (str, Path)):
        found = getattr(run, "path", None)
        return found if isinstance(found, Path) else None
    place = Path(run)
    for folder in (place, place.resolve().parent if place.resolve().name == "model" else place):
        if (folder / "plan.json").is_file():
            return folder
    return None


def report_of(run: Any) -> dict[str, Any] | None:
    """The content of the run's `report/metrics.json`; None where there is none.

    Raises:
        StorageError: it is damaged or cannot be read.
    """
    folder = run_folder(run)
    if folder is None or not (folder / "report" / "metrics.json").is_file():
        return None
    found: dict[str, Any] = read_json(folder / "report" / "metrics.json")
    return found
