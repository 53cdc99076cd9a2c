"""The feature store: every input goes through a base once.

Content-addressed by example: a namespace per backbone fingerprint (weights, processor settings,
precision), in it immutable segments of rows keyed by a hash of the input. Segments are written
aside, synced and renamed, so that readers need no lock; writers of one namespace take turns. What
is stored is what is used: features are read back from disk, also right after encoding.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.bases.backbone import Backbone, Shape
from graftwork.errors import IntegrityError, Interrupted
from graftwork.features.plan import (
    EncodePlan,
    Journal,
    first_positions,
    input_keys,
    keys_digest,
    unique_keys,
)
from graftwork.features.segments import Segment, open_segment, write_segment
from graftwork.features.stored import Stored
from graftwork.runs.progress import Progress
from graftwork.runtime.batches import plan_batches
from graftwork.runtime.threads import networks_side_by_side
from graftwork.storage.json_files import read_json, write_json
from graftwork.storage.locks import wait_lock

__all__ = ["FeatureStore", "half_is_enough"]

SEGMENT_ROWS = 512  # what a killed run loses at most
HALF_PRECISION_LOSS = 1e-3  # largest relative change of a vector that counts as none


class FeatureStore:
    """Features of all layers, on disk, found again by content.

    Args:
        root: folder of the store (made with mode 0700, files 0600).
        limit_gb: most disk it may take; the segments unused for longest go first.
        counters: base passes are counted here: ``rows_encoded``, ``rows_found``, ``batches``.
    """

    def __init__(
        self, root: Path, *, limit_gb: float = 10.0, counters: dict[str, int] | None = None
    ) -> None:
        self.root = root
        self.limit_bytes = int(limit_gb * 1e9)
        self.counters = counters if counters is not None else {}
        for name in ("rows_encoded", "rows_found", "batches"):
            self.counters.setdefault(name, 0)
        root.mkdir(parents=True, exist_ok=True, mode=0o700)

    def features(
        self,
        backbone: Backbone,
        inputs: Sequence[Any],
        *,
        progress: Progress | None = None,
        journal: Journal | None = None,
        title: str = "encoding",
    ) -> Stored:
        """Pooled features of all layers for `inputs`, encoding what is not there yet.

        Args:
            backbone: gives shape POOLED.
            inputs: n inputs; equal ones are encoded once.
            progress: shown while encoding.
            journal: keeps the plan of what is encoded, so that a resumed run repeats it exactly.
            title: words for the progress bar.
        """
        progress = progress or Progress()
        keys = input_keys(inputs)
        space = _Namespace(self.root / backbone.fingerprint()[:32])
        with wait_lock(space.folder / "lock", progress):
            found = space.index()
            unique = unique_keys(keys)
            missing = [key for key in unique if key not in found]
            plan = self._plan(backbone, inputs, keys, missing)
            if journal is not None and len(plan):
                name = f"encode-{space.folder.name[:12]}-{keys_digest(keys)}"
                plan = journal.keep(name, plan)
            self.counters["rows_found"] += len(unique) - len(missing)
            if len(plan):
                _encode(self, space, backbone, inputs, keys, plan, found, progress, title)
                found = space.index()
            left = [key for key in missing if key not in found]
            if left:  # the journal's plan was of another state of the store
                plan = self._plan(backbone, inputs, keys, left)
                _encode(self, space, backbone, inputs, keys, plan, found, progress, title)
                found = space.index()
            stored = Stored.gather(keys, found)
        self.trim(keep=stored.paths)
        return stored

    def _plan(
        self, backbone: Backbone, inputs: Sequence[Any], keys: np.ndarray, missing: list[bytes]
    ) -> EncodePlan:
        if not missing:
            return EncodePlan(keys[:0], np.zeros(0, dtype=np.int64))
        first = first_positions(keys)
        positions = np.asarray([first[key] for key in missing])
        prepared = backbone.prepare([inputs[i] for i in positions])
        batches = plan_batches(prepared.lengths, _device(backbone))
        order = positions[np.concatenate(batches)]
        sizes = np.asarray([len(batch) for batch in batches], dtype=np.int64)
        return EncodePlan(keys[order], sizes)

    def known(self, backbone: Backbone) -> set[bytes]:
        """Keys of the inputs whose features under `backbone` are stored."""
        return set(_Namespace(self.root / backbone.fingerprint()[:32]).index())

    def size(self) -> int:
        """Bytes on disk."""
        return sum(size for _, size, _ in _segments(self.root))

    def trim(self, keep: Sequence[Path] = ()) -> int:
        """Delete the segments unused for longest until the limit holds; returns bytes freed."""
        segments = sorted(_segments(self.root))
        excess = sum(size for _, size, _ in segments) - self.limit_bytes
        kept, freed = set(keep), 0
        for _, size, path in segments:
            if excess - freed <= 0:
                break
            if path not in kept:
                path.unlink(missing_ok=True)
                freed += size
        return freed

    def clear(self, older_than_days: float = 0.0) -> int:
        """Delete segments not used for that many days (0: all); returns bytes freed.

        The folders stay: a run may be writing there, and its lock lies in them.
        """
        limit = time.time() - older_than_days * 86_400
        freed = 0
        for used, size, path in _segments(self.root):
            if older_than_days == 0 or used < limit:
                path.unlink(missing_ok=True)
                freed += size
        return freed


class _Namespace:
    """One backbone's part of the store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / "lock").touch(mode=0o600)

    @property
    def half(self) -> bool | None:
        """Whether half precision was measured to lose nothing; None before the first rows."""
        meta = self.folder / "meta.json"
        return bool(read_json(meta)["half"]) if meta.is_file() else None

    def decide(self, sample: np.ndarray) -> bool:
        """Measure on `sample` whether float16 loses nothing, and write that down."""
        if self.half is None:
            meta = self.folder / "meta.json"
            write_json(meta, {"half": bool(half_is_enough(sample).all())})
            os.chmod(meta, 0o600)
        return bool(self.half)

    def index(self) -> dict[bytes, tuple[Segment, int]]:
        """Where each key lies; a damaged segment is removed and encoded again."""
        found: dict[bytes, tuple[Segment, int]] = {}
        for path in sorted(self.folder.glob("seg-*.safetensors")):
            try:
                segment = open_segment(path)
            except (IntegrityError, OSError, ValueError, KeyError):
                path.unlink(missing_ok=True)
                continue
            for row, key in enumerate(segment.keys):
                found.setdefault(key, (segment, row))
        return found


def _encode(
    store: FeatureStore,
    space: _Namespace,
    backbone: Backbone,
    inputs: Sequence[Any],
    keys: np.ndarray,
    plan: EncodePlan,
    found: dict[bytes, tuple[Segment, int]],
    progress: Progress,
    title: str,
) -> None:
    """Encode the plan's batches that are not stored yet, a segment at a time."""
    first = first_positions(keys)
    names = [key.tobytes() for key in plan.keys]
    wanted = [name for name in names if name in first]
    prepared = backbone.prepare([inputs[first[name]] for name in wanted])
    place = {name: i for i, name in enumerate(wanted)}
    held: list[tuple[list[bytes], np.ndarray]] = []
    due = [
        [name for name in batch if name in place]
        for batch in plan.batches()
        if any(name not in found for name in batch)
    ]
    due = [batch for batch in due if batch]

    def work(batch: list[bytes]) -> np.ndarray:
        progress.check()
        rows = np.asarray([place[name] for name in batch], dtype=np.int64)
        return np.asarray(backbone.encode(prepared, rows, Shape.POOLED))

    with progress.step(title, len(names)) as step:
        step.advance(len(names) - sum(len(batch) for batch in due))
        try:
            for batch, values in zip(due, _passes(backbone, work, due), strict=True):
                held.append((batch, values))
                store.counters["rows_encoded"] += len(batch)
                store.counters["batches"] += 1
                if sum(len(part) for part, _ in held) >= SEGMENT_ROWS:
                    _flush(space, held, found)
                step.advance(len(batch))
        except Interrupted:  # what has gone through the base stays stored
            _flush(space, held, found)
            raise
        _flush(space, held, found)


def _flush(
    space: _Namespace,
    held: list[tuple[list[bytes], np.ndarray]],
    found: dict[bytes, tuple[Segment, int]],
) -> None:
    """Write what is held as one segment, leaving out rows that are stored already."""
    if not held:
        return
    names = [name for part, _ in held for name in part]
    values = np.concatenate([part for _, part in held])
    fresh = np.asarray([name not in found for name in names])
    # Row by row, so that a rare huge activation is kept whole, wherever segments happen to end.
    small = half_is_enough(values) if space.decide(values) else np.zeros(len(values), dtype=bool)
    for dtype, rows in ((np.float16, fresh & small), (np.float32, fresh & ~small)):
        chosen = np.flatnonzero(rows)
        if len(chosen):
            path = space.folder / f"seg-{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.safetensors"
            write_segment(path, [names[i] for i in chosen], values[chosen].astype(dtype))
    held.clear()


def _device(backbone: Backbone) -> str:
    return str(getattr(getattr(backbone, "placement", None), "device", "cpu"))


def _passes(
    backbone: Backbone, work: Callable[[list[bytes]], np.ndarray], due: list[list[bytes]]
) -> Iterator[np.ndarray]:
    """Passes in order: side by side on the CPU, one after the other on a GPU."""
    return networks_side_by_side(work, due) if _device(backbone) == "cpu" else map(work, due)


def half_is_enough(values: np.ndarray) -> np.ndarray:
    """Bool (n,): float16 keeps every vector of the row to within `HALF_PRECISION_LOSS`."""
    with np.errstate(over="ignore", invalid="ignore"):
        half = values.astype(np.float16).astype(np.float32)
        change = np.linalg.norm(half - values, axis=-1)
    kept = change <= HALF_PRECISION_LOSS * (np.linalg.norm(values, axis=-1) + 1e-12)
    return np.asarray(kept.reshape(len(values), -1).all(axis=1))


def _segments(root: Path) -> list[tuple[float, int, Path]]:
    """(when used last, bytes, path) of every segment; another process may be trimming meanwhile."""
    found = []
    for path in root.glob("*/seg-*.safetensors"):
        with contextlib.suppress(FileNotFoundError):
            status = path.stat()
            found.append((status.st_mtime, status.st_size, path))
    return found
