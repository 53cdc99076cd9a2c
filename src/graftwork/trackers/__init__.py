"""Where curves can be drawn besides the report: one file per tracker, all of them offline."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from graftwork.errors import MissingExtraError
from graftwork.registry import Registry
from graftwork.runs.progress import Progress
from graftwork.runs.tracker import CarefulTracker, Tracker

__all__ = ["TRACKERS", "check_tracker", "open_tracker"]

TRACKERS = Registry("graftwork.trackers", "tracker")


def check_tracker(name: str) -> None:
    """Refuse a tracker whose package is missing, before any work is done.

    Raises:
        MissingExtraError: its package is not installed.
        UnknownNameError: there is no such tracker.
    """
    found = TRACKERS.get(name).declaration
    package = found.facts["package"]
    if find_spec(package) is None:
        raise MissingExtraError(package, found.name)


def open_tracker(name: str, folder: Path, run_id: str, title: str, progress: Progress) -> Tracker:
    """A tracker that writes under `folder` and cannot end the run, whatever happens to it.

    Args:
        name: of the tracker.
        folder: everything it writes lies there; made when absent.
        run_id: the same for all sessions of a run, so that they go on with one set of curves.
        title: for people.
        progress: told once, should it fail.
    """
    kind = TRACKERS.get(name)

    def make() -> Tracker:
        folder.mkdir(parents=True, exist_ok=True)
        made: Tracker = kind(folder.resolve(), run_id, title)
        return made

    return CarefulTracker(make, f"the tracker {kind.declaration.name}", progress.say)
