"""Features of some rows, as they lie in the store."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graftwork.bases.vectors import Vectors
from graftwork.features.segments import Segment

__all__ = ["Stored"]


@dataclass(frozen=True, eq=False)
class Stored:
    """Pooled features of n rows, on disk until a view is asked for.

    Attributes:
        segments: the files.
        where: int64 (n, 2): segment and row in it.
        keys: uint8 (n, 16).
        vectors: how wide each vector is.
    """

    segments: tuple[Segment, ...]
    where: np.ndarray
    keys: np.ndarray
    vectors: Vectors

    @classmethod
    def gather(
        cls,
        keys: np.ndarray,
        found: dict[bytes, tuple[Segment, int]],
        vectors: Vectors,
    ) -> Stored:
        """Point at the rows of `keys`."""
        number: dict[Path, int] = {}
        segments: list[Segment] = []
        where = np.empty((len(keys), 2), dtype=np.int64)
        for position, key in enumerate(keys):
            segment, row = found[key.tobytes()]
            if segment.path not in number:
                number[segment.path] = len(segments)
                segments.append(segment)
            where[position] = number[segment.path], row
        return cls(tuple(segments), where, keys, vectors)

    def __len__(self) -> int:
        return len(self.where)

    @property
    def paths(self) -> list[Path]:
        """The files in use."""
        return [segment.path for segment in self.segments]

    def view(self, layer: int, pooling: int, rows: np.ndarray | None = None) -> np.ndarray:
        """float32 (n, d): one layer, one pooling, of all rows or those at `rows`."""
        where = self.where if rows is None else self.where[rows]
        out = np.empty((len(where), self.vectors.widths[layer][pooling]), dtype=np.float32)
        for number, segment in enumerate(self.segments):
            mine = np.flatnonzero(where[:, 0] == number)
            if len(mine):
                out[mine] = self.vectors.view(segment.values, layer, pooling)[where[mine, 1]]
        return out

    def take(self, rows: np.ndarray) -> Stored:
        """The same features for some rows only."""
        return Stored(self.segments, self.where[rows], self.keys[rows], self.vectors)

    def digest(self) -> str:
        """SHA-256 over the values as stored, row after row (for the record)."""
        digest = hashlib.sha256()
        for number, row in self.where:
            digest.update(np.ascontiguousarray(self.segments[number].values[row]).tobytes())
        return digest.hexdigest()
