"""Immutable files of the feature store: keys of some rows, and what was computed of them."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from graftwork.errors import IntegrityError
from graftwork.features.plan import KEY_BYTES
from graftwork.storage.disk import atomic_file, disk_errors
from graftwork.storage.tensor_header import check_safetensors
from graftwork.storage.tensors import save_tensors

__all__ = [
    "SEGMENTS",
    "Segment",
    "mapped",
    "open_segment",
    "sound_segments",
    "write_segment",
]

SEGMENTS = "seg-*.safetensors"  # their names
DTYPES = {"F16": np.float16, "F32": np.float32}

Opened = TypeVar("Opened")


@dataclass(frozen=True, eq=False)
class Segment:
    """Features on disk, mapped into memory.

    Attributes:
        path: the safetensors file.
        keys: 16-byte keys in row order.
        values: memory map, float16 or float32, of (n, layers, poolings, d), or of flat rows where
            vectors are of different widths (`bases.vectors`).
    """

    path: Path
    keys: list[bytes]
    values: np.ndarray


def write_segment(folder: Path, what: str, keys: Sequence[bytes], **tensors: np.ndarray) -> None:
    """Write a new segment, whole or not at all, readable by its owner alone.

    Args:
        folder: where; the name is made, names sort by time.
        what: what it holds, for the message where the disk says no.
        keys: of the rows.
        tensors: of the rows, by name.
    """
    path = folder / f"seg-{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.safetensors"
    table = np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, KEY_BYTES)
    with disk_errors(f"write {what} to", path), atomic_file(path) as temporary:
        save_tensors(temporary, {"keys": table, **tensors})
        os.chmod(temporary, 0o600)


def mapped(path: Path, large: str, *small: str) -> tuple[list[bytes], np.ndarray, list[bytes]]:
    """Open a segment; its header is checked first, the large tensor is read when used.

    Args:
        path: the segment.
        large: name of the float16 or float32 tensor that is mapped.
        small: names of further tensors that are read now.

    Returns:
        the keys in row order, the memory map, and the bytes of each small tensor.

    Raises:
        IntegrityError: the file is damaged, or another kind of segment.
    """
    header = check_safetensors(path)
    if not {"keys", large, *small} <= set(header):
        raise IntegrityError(f"{path}: not a segment of the feature store")
    with open(path, "rb") as stream:
        start = 8 + int.from_bytes(stream.read(8), "little")

        def read(name: str) -> bytes:
            first, last = header[name]["data_offsets"]
            stream.seek(start + first)
            return stream.read(last - first)

        raw, *others = [read(name) for name in ("keys", *small)]
    entry = header[large]
    values = np.memmap(
        path,
        dtype=DTYPES[entry["dtype"]],
        mode="r",
        offset=start + entry["data_offsets"][0],
        shape=tuple(entry["shape"]),
    )
    os.utime(path)  # used now: the trimmer takes the longest unused first
    keys = [raw[i : i + KEY_BYTES] for i in range(0, len(raw), KEY_BYTES)]
    return keys, values, others


def open_segment(path: Path) -> Segment:
    """Map a segment of features.

    Raises:
        IntegrityError: the file is damaged.
    """
    keys, values, _ = mapped(path, "values")
    return Segment(path, keys, values)


def sound_segments(folder: Path, opened: Callable[[Path], Opened]) -> Iterator[Opened]:
    """A folder's segments, oldest first; a damaged one is removed, its rows are computed again."""
    for path in sorted(folder.glob(SEGMENTS)):
        try:
            segment = opened(path)
        except (IntegrityError, OSError, ValueError, KeyError):
            path.unlink(missing_ok=True)
            continue
        yield segment
