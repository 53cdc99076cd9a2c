"""What a tracker is told of a fit: the recipe, the rungs, the test, the verdict.

Epochs are told by the strategies as they train.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from graftwork.planning.ladder import Climb
from graftwork.runs.directory import RunDirectory
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine, as_dict
from graftwork.runs.tracker import SILENT, Tracker
from graftwork.trackers import open_tracker

__all__ = ["tell_metrics", "tell_rungs", "tracking"]


@contextmanager
def tracking(run: RunDirectory, machine: Machine, progress: Progress) -> Iterator[Tracker]:
    """The tracker that the machine settings name, closed however the work ends."""
    if machine.track is None:
        yield SILENT
        return
    run_id = run.plan.digest()[:16]
    made = open_tracker(machine.track, run.path("tracking"), run_id, run.root.name, progress)
    try:
        made.params(as_dict(run.plan.recipe))
        yield made
    finally:
        made.close()


def tell_rungs(tracker: Tracker, ladder: Climb) -> None:
    """Each rung's score and seconds, at its number."""
    for number, result in enumerate(ladder.results, 1):
        value = result.score["value"]
        if value is not None:
            tracker.scalar(f"rungs/{result.rung.name}/score", value, number)
        tracker.scalar(f"rungs/{result.rung.name}/seconds", result.seconds, number)
    tracker.text("chosen", f"{ladder.chosen.rung.title}: {ladder.reason}")


def tell_metrics(tracker: Tracker, metrics: dict[str, Any]) -> None:
    """Scores of the model and of the controls with their intervals, and the verdict."""
    _scores(tracker, "test", metrics["test"])
    for name, scores in metrics["controls"].items():
        _scores(tracker, f"controls/{name}", scores)
    verdict = metrics["verdict"]
    for name in ("gain", "low", "high"):
        if verdict.get(name) is not None:
            tracker.scalar(f"verdict/{name}", verdict[name], 1)
    tracker.text("outcome", verdict["outcome"])
    tracker.text("verdict", verdict["sentence"])


def _scores(tracker: Tracker, group: str, scores: dict[str, Any]) -> None:
    for metric, found in scores.items():
        for part in ("value", "low", "high"):
            if isinstance(found, dict) and found.get(part) is not None:
                name = metric if part == "value" else f"{metric}_{part}"
                tracker.scalar(f"{group}/{name}", found[part], 1)
