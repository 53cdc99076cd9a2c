"""Inputs on their way through a base into segments: those not stored yet, by a plan kept first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from graftwork.bases.backbone import Backbone, Prepared
from graftwork.features.plan import (
    EncodePlan,
    Journal,
    due_batches,
    first_positions,
    keys_digest,
    unique_keys,
)
from graftwork.runs.progress import Progress, Step
from graftwork.runtime.batches import plan_batches
from graftwork.runtime.threads import cores, networks_side_by_side

__all__ = ["SEGMENT_ROWS", "Encoding", "at_a_time", "passes"]

SEGMENT_ROWS = 512  # what a killed run loses at most

Place = TypeVar("Place")  # where a key lies
T = TypeVar("T")
R = TypeVar("R")
Rows = Iterable[np.ndarray]


@dataclass(frozen=True)
class Encoding(Generic[Place]):
    """Inputs that shall all be found in one folder of the store; its lock is the caller's.

    Attributes:
        backbone: its processor prepares the inputs and tells what they cost.
        inputs: n inputs; equal ones are encoded once.
        keys: uint8 (n, 16), theirs.
        encode: gives one array for each of the rows of a batch.
        write: writes the arrays of some keys, whole or not at all.
        index: reads where each stored key lies.
        count: told the rows of every batch that was encoded.
    """

    backbone: Backbone
    inputs: Sequence[Any]
    keys: np.ndarray
    encode: Callable[[Prepared, np.ndarray], Rows]
    write: Callable[[dict[bytes, np.ndarray]], None]
    index: Callable[[], dict[bytes, Place]]
    count: Callable[[int], None]

    def complete(
        self,
        found: dict[bytes, Place],
        *,
        name: str,
        title: str,
        progress: Progress,
        journal: Journal | None = None,
    ) -> dict[bytes, Place]:
        """Encode what is not `found` yet, and tell where all lies then.

        Args:
            found: what `index` gave.
            name: begins the name under which the journal keeps the plan.
            title: words for the progress bar.
            progress: shown meanwhile.
            journal: keeps the plan, so that a resumed run gets the same bits.
        """
        missing = [key for key in unique_keys(self.keys) if key not in found]
        if not missing:
            return found
        plan = self._plan(missing)
        if journal is not None:
            plan = journal.keep(f"{name}-{keys_digest(self.keys)}", plan)
        self._run(plan, found, title, progress)
        found = self.index()
        left = [key for key in missing if key not in found]
        if left:  # the journal's plan was of another state of the store
            self._run(self._plan(left), found, title, progress)
            found = self.index()
        return found

    def _plan(self, missing: list[bytes]) -> EncodePlan:
        first = first_positions(self.keys)
        positions = np.asarray([first[key] for key in missing])
        prepared = self.backbone.prepare([self.inputs[i] for i in positions])
        batches = plan_batches(prepared.lengths, _device(self.backbone))
        order = positions[np.concatenate(batches)]
        sizes = np.asarray([len(batch) for batch in batches], dtype=np.int64)
        return EncodePlan(self.keys[order], sizes)

    def _run(
        self, plan: EncodePlan, found: dict[bytes, Place], title: str, progress: Progress
    ) -> None:
        """Encode the plan's batches that are not stored yet."""
        first = first_positions(self.keys)
        due = due_batches(plan, first, found)
        names = [name for batch in due for name in batch]
        place = {name: i for i, name in enumerate(names)}
        prepared = self.backbone.prepare([self.inputs[first[name]] for name in names])

        def work(batch: list[bytes]) -> Rows:
            progress.check()
            return self.encode(prepared, np.asarray([place[name] for name in batch], np.int64))

        with progress.step(title, len(plan)) as step:
            step.advance(len(plan) - len(names))
            self._store(due, passes(self.backbone, work, due), found, step)

    def _store(
        self, due: list[list[bytes]], passes: Iterator[Rows], found: dict[bytes, Place], step: Step
    ) -> None:
        """Write what comes of the batches, a segment at a time."""
        held: list[tuple[bytes, np.ndarray]] = []
        try:
            for batch, rows in zip(due, passes, strict=True):
                held.extend(zip(batch, rows, strict=True))
                self.count(len(batch))
                if len(held) >= SEGMENT_ROWS:
                    self._flush(held, found)
                step.advance(len(batch))
        finally:  # what has gone through the base stays stored
            self._flush(held, found)

    def _flush(self, held: list[tuple[bytes, np.ndarray]], found: dict[bytes, Place]) -> None:
        """Write what is held, but for rows that are stored already."""
        fresh = {name: row for name, row in held if name not in found}
        held.clear()  # before it is written: what the disk refuses is not tried twice
        if fresh:
            self.write(fresh)


def _device(backbone: Backbone) -> str:
    return str(getattr(getattr(backbone, "placement", None), "device", "cpu"))


def passes(backbone: Backbone, work: Callable[[T], R], due: Sequence[T]) -> Iterator[R]:
    """Passes in order: side by side on the CPU, one after the other on a GPU."""
    return networks_side_by_side(work, due) if _device(backbone) == "cpu" else map(work, due)


def at_a_time(backbone: Backbone) -> int:
    """How many passes are made at a time."""
    return cores() if _device(backbone) == "cpu" else 1
