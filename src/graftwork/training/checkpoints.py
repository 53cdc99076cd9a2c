"""Checkpoints of a training: whole directories, the newest sound one is taken."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.errors import IntegrityError, StorageError
from graftwork.runs.progress import Progress
from graftwork.storage.directory import committed, sweep
from graftwork.storage.json_files import read_json, write_json
from graftwork.storage.manifest import verify_manifest, write_manifest
from graftwork.storage.tensors import load_tensors, save_tensors

__all__ = ["Checkpoint", "Checkpoints"]

FORMAT = 1
KEPT = 2  # a damaged newest one costs a little time, not the training
LEAST_SECONDS = 15.0
SHARE = 0.03  # of the time goes into writing checkpoints, at most
_NAME = re.compile(r"step-(\d{8})")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Where a training stood.

    Attributes:
        step: optimizer steps done.
        facts: plain values (curve, plan).
        tensors: weights and moments by name.
    """

    step: int
    facts: dict[str, Any]
    tensors: dict[str, np.ndarray]


class Checkpoints:
    """A folder of checkpoints of one training.

    Args:
        folder: created when the first one is written.
        every: seconds between two; None: as seldom as keeps their writing to a few per cent.
        plan: what the training is; a checkpoint of another plan is not taken.
    """

    def __init__(
        self, folder: Path, plan: Mapping[str, Any], *, every: float | None = None
    ) -> None:
        self.folder = folder
        self.plan = dict(plan)
        self.every = every
        self._last = time.perf_counter()
        self._took = 0.0

    def due(self) -> bool:
        """Whether enough time has gone by since the last one."""
        wait = self.every
        if wait is None:
            wait = max(LEAST_SECONDS, self._took / SHARE)
        return time.perf_counter() - self._last >= wait

    def aged(self) -> bool:
        """Whether losing what came after the last one would be felt."""
        return time.perf_counter() - self._last >= LEAST_SECONDS

    def write(self, step: int, facts: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> None:
        """Write a checkpoint whole, then delete all but the newest few.

        Raises:
            StorageError: the disk says no; earlier ones are what they were.
        """
        begun = time.perf_counter()
        with committed(self.folder / f"step-{step:08d}") as folder:
            save_tensors(folder / "state.safetensors", tensors)
            write_json(folder / "facts.json", {"step": step, "plan": self.plan, **facts})
            write_manifest(folder, FORMAT)
        for old in self._found()[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)
        self._last = time.perf_counter()
        self._took = self._last - begun

    def newest(self, progress: Progress) -> Checkpoint | None:
        """The newest that is sound and of this plan; damaged ones are named and passed over."""
        for folder in reversed(self._found()):
            try:
                verify_manifest(folder, known_versions=(FORMAT,))
                facts = read_json(folder / "facts.json")
                tensors = load_tensors(folder / "state.safetensors")
            except (IntegrityError, StorageError) as error:
                progress.say(f"a checkpoint is damaged, the one before it is used: {error}")
                continue
            if facts.pop("plan", None) == self.plan:
                return Checkpoint(int(facts.pop("step")), facts, tensors)
        return None

    def clear(self) -> None:
        """Delete them all: the training is finished, its result kept elsewhere."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _found(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        sweep(self.folder)
        return sorted(p for p in self.folder.iterdir() if _NAME.fullmatch(p.name))
