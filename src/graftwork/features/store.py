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
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.bases.backbone import Backbone, Shape
from graftwork.bases.vectors import Vectors, vectors_of
from graftwork.features.encoding import Encoding
from graftwork.features.plan import Journal, input_keys, unique_keys
from graftwork.features.segments import (
    SEGMENTS,
    Segment,
    open_segment,
    sound_segments,
    write_segment,
)
from graftwork.features.stored import Stored
from graftwork.runs.progress import Progress
from graftwork.storage.json_files import read_json, write_json
from graftwork.storage.locks import wait_lock

__all__ = ["FeatureStore", "half_is_enough"]

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
        vectors = vectors_of(backbone)
        encoding = Encoding(
            backbone,
            inputs,
            keys,
            encode=lambda prepared, rows: vectors.flat(
                np.asarray(backbone.encode(prepared, rows, Shape.POOLED))
            ),
            write=partial(space.write, vectors=vectors),
            index=space.index,
            count=self._count,
        )
        with wait_lock(space.folder / "lock", progress):
            found = space.index()
            self.counters["rows_found"] += sum(key in found for key in unique_keys(keys))
            name = f"encode-{space.folder.name[:12]}"
            found = encoding.complete(
                found, name=name, title=title, progress=progress, journal=journal
            )
            stored = Stored.gather(keys, found, vectors)
        self.trim(keep=stored.paths)
        return stored

    def _count(self, rows: int) -> None:
        self.counters["rows_encoded"] += rows
        self.counters["batches"] += 1

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

    def decide(self, enough: np.ndarray) -> bool:
        """Whether float16 loses nothing, by the first rows of all, and write that down."""
        if self.half is None:
            meta = self.folder / "meta.json"
            write_json(meta, {"half": bool(enough.all())})
            os.chmod(meta, 0o600)
        return bool(self.half)

    def index(self) -> dict[bytes, tuple[Segment, int]]:
        """Where each key lies."""
        found: dict[bytes, tuple[Segment, int]] = {}
        for segment in sound_segments(self.folder, open_segment):
            for row, key in enumerate(segment.keys):
                found.setdefault(key, (segment, row))
        return found

    def write(self, rows: dict[bytes, np.ndarray], vectors: Vectors) -> None:
        """Write features by key: a segment of those that half precision keeps, one of the rest."""
        names, values = list(rows), np.stack(list(rows.values()))
        # Row by row, so that a rare huge activation is kept whole, wherever segments happen to end.
        parts = [values] if vectors.even else vectors.views(values)
        enough = np.logical_and.reduce([half_is_enough(part) for part in parts])
        small = enough if self.decide(enough) else np.zeros(len(names), dtype=bool)
        for dtype, mine in ((np.float16, small), (np.float32, ~small)):
            chosen = np.flatnonzero(mine)
            if len(chosen):
                some = values[chosen].astype(dtype)
                write_segment(self.folder, "features", [names[i] for i in chosen], values=some)


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
    for path in root.glob(f"*/{SEGMENTS}"):
        with contextlib.suppress(FileNotFoundError):
            status = path.stat()
            found.append((status.st_mtime, status.st_size, path))
    return found
