"""The run directory: one plan, one owner at a time, nothing lost without `overwrite`.

- ``plan.json``: the frozen plan (written first: with it the run exists)
- ``recipe.yaml``: its settings, to read and to share
- ``machine.json``: how it runs here; ``record.json``: what happened
- ``status.json``: running, interrupted, failed or finished; ``log.jsonl``: one line an event
- ``stages/<name>/``: intermediate results, each whole
- ``.lock``: held while a process works on it
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from graftwork.errors import Interrupted, RunError, StorageError
from graftwork.runs import opening
from graftwork.runs.plan import Plan
from graftwork.runs.recipe import Machine, as_dict
from graftwork.runs.record import Record, now
from graftwork.storage.directory import committed, recover
from graftwork.storage.json_files import append_jsonl, read_json, write_json
from graftwork.storage.locks import Lock
from graftwork.storage.manifest import verify_manifest, write_manifest

if TYPE_CHECKING:
    import numpy as np

__all__ = ["RunDirectory", "Status", "stage_payload"]

Status = Literal["new", "resumed", "finished"]
_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_STAGE_FORMAT = 1


def stage_payload(folder: Path) -> dict[str, Any]:
    """What a stage of a run keeps; its bytes are verified.

    Raises:
        IntegrityError: the stored files are not those that were written.
    """
    verify_manifest(folder, known_versions=(_STAGE_FORMAT,))
    payload: dict[str, Any] = read_json(folder / "payload.json")
    return payload


class RunDirectory:
    """A run directory that this process has opened; made by `RunDirectory.open`.

    Attributes:
        root: the folder, absolute.
        plan: the frozen plan; with `resume` it may be another than the one that was given.
        status: ``new``, ``resumed`` (unfinished work goes on) or ``finished`` (nothing to do).
        notes: sentences to tell the user (software that has changed, settings not followed).
        record: what happened, over all sessions; saved by `save_record`, `finish` and closing.
    """

    def __init__(
        self, root: Path, plan: Plan, status: Status, notes: list[str], record: Record, lock: Lock
    ) -> None:
        self.root = root
        self.plan = plan
        self.status = status
        self.notes = notes
        self.record = record
        self._lock = lock

    @classmethod
    def open(
        cls,
        out: Path | str,
        plan: Plan,
        machine: Machine,
        *,
        resume: bool = False,
        overwrite: bool = False,
    ) -> RunDirectory:
        """Begin a run in `out`, or go on with the one that is there.

        Args:
            out: the folder; created when absent. One with other content is refused.
            plan: what shall be done.
            machine: how it runs here; no part of the plan.
            resume: go on with the plan that is frozen there and ignore the settings of `plan`; its
                data must still be those of the frozen plan.
            overwrite: replace the run that is there; it is deleted once the new one stands.

        Raises:
            RunLockedError: another process works on it.
            PlanChangedError: it holds a run of another plan; the differences are listed.
            RunError: the folder holds other things, or `resume` finds no run.
            ParameterError: both `resume` and `overwrite`.
            StorageError: the disk says no.
        """
        root, lock = opening.claim(out, resume=resume, overwrite=overwrite)
        try:
            frozen, notes, begun = opening.settle(root, plan, resume=resume, overwrite=overwrite)
            if not begun:
                opening.begin(root, plan)
            status: Status = "new" if not begun else "resumed"
            if begun and opening.state(root) == "finished":
                status = "finished"
            run = cls(root, frozen, status, notes, opening.read_record(root), lock)
            if status != "finished":
                run._start(machine)
        except BaseException:
            lock.release()
            raise
        return run

    def _start(self, machine: Machine) -> None:
        settings = as_dict(machine)
        write_json(self.root / "machine.json", settings)
        self.record.begin_session(settings=settings)
        self.save_record()
        self._set_state("running")
        self.log("opened", status=self.status, notes=self.notes)

    def path(self, name: str) -> Path:
        """The path of a file or folder in the run directory.

        Raises:
            ValueError: `name` leaves it, or is hidden.
        """
        if not name or not all(_SEGMENT.fullmatch(part) for part in name.split("/")):
            raise ValueError(f"{name!r} is no name inside a run directory")
        return self.root.joinpath(*name.split("/"))

    def has(self, name: str) -> bool:
        """Whether that file or folder is there, whole."""
        target = self.path(name)
        if not target.exists():
            recover(target)  # a crash may have left it under its temporary name
        return target.exists()

    def commit(self, name: str) -> AbstractContextManager[Path]:
        """``with run.commit("model") as folder:`` writes a folder that appears whole or not at all.

        An earlier one of that name is replaced when the block ends well.

        Raises:
            StorageError: the disk says no; an earlier folder is what it was.
        """
        return committed(self.path(name))

    def write_stage(
        self, name: str, payload: Mapping[str, Any], tensors: Mapping[str, np.ndarray] | None = None
    ) -> None:
        """Keep an intermediate result, so that a resumed run need not make it again.

        Raises:
            StorageError: the disk says no.
            ValueError: the payload is not JSON, or a tensor of a type that cannot be kept.
        """
        from graftwork.storage.tensors import save_tensors

        with self.commit(f"stages/{name}") as folder:
            write_json(folder / "payload.json", dict(payload))
            if tensors is not None:
                save_tensors(folder / "tensors.safetensors", tensors)
            write_manifest(folder, _STAGE_FORMAT)

    def read_stage(self, name: str) -> dict[str, Any] | None:
        """The payload of a stage, None where it was not reached; its bytes are verified.

        Raises:
            IntegrityError: the stored files are not those that were written.
        """
        if not self.has(f"stages/{name}"):
            return None
        return stage_payload(self.path(f"stages/{name}"))

    def stage_tensors(self, name: str) -> dict[str, np.ndarray]:
        """The tensors of a stage, {} where it was kept without or not reached.

        Raises:
            IntegrityError: the stored files are not those that were written.
        """
        from graftwork.storage.tensors import load_tensors

        if self.read_stage(name) is None:
            return {}
        path = self.path(f"stages/{name}") / "tensors.safetensors"
        return load_tensors(path) if path.exists() else {}

    def log(self, event: str, **facts: Any) -> None:
        """Append a line to `log.jsonl`."""
        append_jsonl(self.root / "log.jsonl", {"time": now(), "event": event, **facts})

    def save_record(self) -> None:
        """Write `record.json`."""
        self.record.save(self.root / "record.json")

    def finish(self) -> None:
        """Say that all is done; the same command from now on shows the result.

        Raises:
            RunError: the run is closed.
            StorageError: the disk says no; the run counts as unfinished.
        """
        if not self._lock.held:
            raise RunError(f"{self.root}: the run is closed")
        self.record.set("finished", now())
        self.save_record()
        self.log("finished")
        self._set_state("finished")
        self.status = "finished"

    def close(self, state: str = "interrupted", why: str = "") -> None:
        """Save the record of an unfinished run and free the lock; doing so twice is fine."""
        if not self._lock.held:
            return
        try:
            if self.status != "finished":
                self.save_record()
                self._set_state(state, why)
                self.log(state, why=why)
        finally:
            self._lock.release()

    def _set_state(self, state: str, why: str = "") -> None:
        value = {"state": state, "updated": now(), **({"why": why} if why else {})}
        write_json(self.root / "status.json", value)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
            return
        stopped = isinstance(error, (Interrupted, KeyboardInterrupt))
        with suppress(StorageError):  # what ended the run matters more than that this fails too
            self.close("interrupted" if stopped else "failed", str(error)[:2000])
