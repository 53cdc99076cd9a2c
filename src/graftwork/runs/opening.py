"""How a run directory is opened: claimed, put right after a crash, compared, begun.

With `overwrite` the old run is moved into ``.old-run`` inside the directory, `plan.json` first; it
is deleted once the new `plan.json` stands. So at every moment a directory with ``.old-run`` and
without `plan.json` holds the old run (moved back when next opened), and one with both the new run.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from graftwork.errors import Fault, ParameterError, PlanChangedError, RunError, StorageError
from graftwork.runs.plan import Plan, difference, version_notes
from graftwork.runs.recipe_file import write_recipe
from graftwork.runs.record import Record
from graftwork.storage.disk import disk_errors, fsync_folder
from graftwork.storage.json_files import read_json, write_json
from graftwork.storage.leftovers import leftovers, remove, sweep
from graftwork.storage.locks import Lock

__all__ = ["begin", "claim", "read_record", "settle", "state"]

_LOCK = ".lock"
_OLD = ".old-run"
# All that may stand in a folder before its plan does; everything else is somebody else's.
_OURS = {_LOCK, f"{_LOCK}.json", _OLD}
# What a run has written before its first rung.
_BEGUN = {
    "audit.json",
    "log.jsonl",
    "machine.json",
    "plan.json",
    "recipe.yaml",
    "record.json",
    "stages",
    "status.json",
    "tracking",
    "training",
}


def claim(out: Path | str, *, resume: bool, overwrite: bool) -> tuple[Path, Lock]:
    """The absolute folder, existing and locked.

    Raises:
        RunError, RunLockedError, ParameterError, StorageError: as `RunDirectory.open`.
    """
    if resume and overwrite:
        raise ParameterError("--resume and --overwrite exclude each other: go on, or begin anew")
    root = Path(out).expanduser().absolute()
    with disk_errors("create the run directory", out):
        if root.exists() and not root.is_dir():
            raise StorageError(f"cannot create the run directory {out}: it is a file")
        _refuse_foreign(root)  # before anything is written there
        if resume and not _holds_run(root):
            raise RunError(f"{out} holds no run to resume; leave --resume away to begin one")
        root.mkdir(parents=True, exist_ok=True)
    lock = Lock(root / _LOCK, what=str(out))
    with disk_errors("write to the run directory", out):
        lock.acquire()
    return root, lock


def settle(
    root: Path, plan: Plan, *, resume: bool, overwrite: bool
) -> tuple[Plan, list[str], bool]:
    """Which plan counts here, notes for the user, and whether a run with it has begun already.

    Raises:
        PlanChangedError: it has begun with another plan.
    """
    with disk_errors("write to the run directory", root):
        _put_right(root)
        if not (root / "plan.json").exists():
            return plan, [], False
        if overwrite:
            _move_aside(root)
            return plan, [], False
    old = Plan.from_json(read_json(root / "plan.json"), file=str(root / "plan.json"))
    if not resume and _came_to_nothing(root) and difference(old, plan):
        with disk_errors("write to the run directory", root):
            _move_aside(root)
        return plan, ["the run that failed here had done nothing yet; this one replaces it"], False
    if not (root / "recipe.yaml").exists():  # killed between the plan and its readable twin
        write_recipe(root / "recipe.yaml", old.recipe)
    return old, _compare(root, old, plan, resume=resume), True


def begin(root: Path, plan: Plan) -> None:
    """Freeze the plan; from here on the run exists, and one that was overwritten is deleted."""
    write_json(root / "plan.json", plan.to_json())
    remove(root / _OLD)
    write_recipe(root / "recipe.yaml", plan.recipe)


def state(root: Path) -> str:
    """The state that was noted last: running, interrupted, failed or finished."""
    path = root / "status.json"
    return str(read_json(path).get("state", "")) if path.exists() else ""


def read_record(root: Path) -> Record:
    """The record so far; an empty one at the beginning."""
    path = root / "record.json"
    return Record.load(path) if path.exists() else Record()


def _holds_run(root: Path) -> bool:
    return (root / "plan.json").is_file() or (root / _OLD / "plan.json").is_file()


def _refuse_foreign(root: Path) -> None:
    """A folder without a plan may hold nothing but what a run that was just beginning leaves."""
    if not root.is_dir() or _holds_run(root):
        return
    aside = {one.path.name for one in leftovers(root)}
    foreign = sorted(set(os.listdir(root)) - _OURS - aside)
    if foreign:
        shown = ", ".join(foreign[:5]) + (", …" if len(foreign) > 5 else "")
        raise RunError(
            f"{root} holds other things and no run ({shown}); nothing was touched: "
            "choose a folder that is new or empty"
        )


def _compare(root: Path, old: Plan, new: Plan, *, resume: bool) -> list[str]:
    """Notes for the user where the run can go on.

    Raises:
        PlanChangedError: it cannot.
    """
    changed: list[Any] = difference(old, new)
    notes = version_notes(old, new)
    if changed and not resume:
        hint = "--resume goes on with the old plan, --overwrite replaces the run"
        raise PlanChangedError(
            f"{root} holds a run of another plan; nothing was touched ({hint})",
            faults=[Fault(line) for line in changed],
        )
    # Half a run on some rows and half on others would be evidence of nothing.
    data = [role for role in old.data if new.data.get(role, old.data[role]) != old.data[role]]
    if data:
        lines = [line for line in changed if line.startswith("data: ")]
        raise PlanChangedError(
            f"{root} cannot be resumed: its data have changed; nothing was touched",
            faults=[Fault(line) for line in lines],
        )
    return notes + [f"not followed, the plan of the run counts: {line}" for line in changed]


def _came_to_nothing(root: Path) -> bool:
    """Whether a run failed before it had anything to lose: often on what is now put right.

    With anything beside what a run writes by then (a cache, somebody's notes) it has.
    """
    if state(root) != "failed" or any((root / "stages").glob("rung-*")):
        return False
    return set(os.listdir(root)) <= _OURS | _BEGUN


def _put_right(root: Path) -> None:
    """Mend what a crash left: half-written files, a run that was being overwritten."""
    sweep(root)
    sweep(root / "stages")
    old = root / _OLD
    if not old.is_dir():
        return
    if not (root / "plan.json").exists():
        for entry in sorted(old.iterdir(), key=lambda path: path.name == "plan.json"):
            remove(root / entry.name)  # the beginning of a new run that never stood
            os.rename(entry, root / entry.name)
        fsync_folder(root)
    remove(old)


def _move_aside(root: Path) -> None:
    old = root / _OLD
    old.mkdir()
    entries = [path for path in root.iterdir() if path.name not in (_LOCK, f"{_LOCK}.json", _OLD)]
    for entry in sorted(entries, key=lambda path: path.name != "plan.json"):
        os.rename(entry, old / entry.name)
        fsync_folder(old)  # plan.json must have moved before anything else does
