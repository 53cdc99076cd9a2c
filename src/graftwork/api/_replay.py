"""`fit --replay RUN`: a run's settings and decisions, on the same or other data.

What the ladder decides by the clock (which rungs the budget had time for) comes from the run, so
that a slower machine ends on the same rung.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from graftwork.api._report_of import run_folder
from graftwork.api._rungs import DECISION, RunMemory
from graftwork.runs.directory import stage_payload
from graftwork.runs.plan import Plan
from graftwork.runs.run import Run
from graftwork.storage.json_files import read_json

__all__ = ["Replayed", "replay_of"]


@dataclass(frozen=True)
class Replayed:
    """What is taken over from a finished run.

    Attributes:
        settings: every field of its recipe.
        decisions: by rung, as `RunMemory.decide` kept them.
    """

    settings: dict[str, Any]
    decisions: dict[str, dict[str, Any]]

    def tell(self, memory: RunMemory) -> None:
        """Put the decisions where the ladder finds them; those of a resumed run stand."""
        for name, decision in self.decisions.items():
            if memory.decided(name) is None:
                memory.decide(name, decision)


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
    decisions = {}
    for folder in sorted(place.glob(f"stages/{DECISION}*")):
        decisions[folder.name.removeprefix(DECISION)] = stage_payload(folder)
    return Replayed(settings, decisions)
