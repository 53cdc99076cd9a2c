"""`fit --replay RUN`: a run's settings and decisions, on the same or other data.

What the ladder decides by the clock (which rungs the budget had time for) comes from the run, so
that a slower machine ends on the same rung. Whatever else it decides, it decides of the data and
the base that are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from graftwork.api._open import settings_of
from graftwork.api._report_of import run_folder
from graftwork.api._rungs import DECISION, ENCODING, RunMemory
from graftwork.runs.directory import stage_payload
from graftwork.runs.plan import Plan
from graftwork.runs.recipe import Recipe
from graftwork.runs.run import Run
from graftwork.storage.json_files import read_json

__all__ = ["Replayed", "replay_of"]


@dataclass(frozen=True)
class Replayed:
    """What is taken over from a finished run.

    Attributes:
        settings: every field of its recipe.
        timely: by rung, and for ``encoding``, what was decided where time had a say.
    """

    settings: dict[str, Any]
    timely: dict[str, dict[str, Any]]

    def under(self, settings: Mapping[str, Any] | Recipe | None) -> dict[str, Any]:
        """Its settings with others on top."""
        return {**self.settings, **settings_of(settings)}

    def tell(self, memory: RunMemory) -> None:
        """Say that there is, or is no, time for the base; a resumed run has said so before."""
        known = self.timely.get(ENCODING)
        if known is not None and memory.decided(ENCODING) is None:
            memory.decide(ENCODING, {"go": bool(known["go"]), "forecast": 0.0})


def replay_of(run: str | Path) -> Replayed:
    """Read a finished run's recipe and decisions.

    Raises:
        RunError: there is no finished run.
        IntegrityError: a file of it is damaged.
    """
    place = run_folder(run) or Path(run)
    Run.load(place, lambda path: path)  # says what is missing
    recipe = Plan.from_json(read_json(place / "plan.json"), file=str(place / "plan.json")).recipe
    settings = {field.name: getattr(recipe, field.name) for field in fields(recipe)}
    timely = {}
    for folder in sorted(place.glob(f"stages/{DECISION}*")):
        name, decision = folder.name.removeprefix(DECISION), stage_payload(folder)
        if name == ENCODING or decision.get("clock"):
            timely[name] = decision
    return Replayed(settings, timely)
