"""One immutable file of the feature store: keys and features of some rows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graftwork.errors import IntegrityError
from graftwork.features.plan import KEY_BYTES
from graftwork.storage.disk import atomic_file, disk_errors
from graftwork.storage.tensor_header import check_safetensors
from graftwork.storage.tensors import save_tensors

__all__ = ["Segment", "open_segment", "write_segment"]

DTYPES = {"F16": np.float16, "F32": np.float32}


@dataclass(frozen=True, eq=False)
class Segment:
    """Rows on disk, mapped into memory.

    Attributes:
        path: the safetensors file.
        keys: 16-byte keys in row order.
        values: memory map (n, layers, poolings, d), float16 or float32.
    """

    path: Path
    keys: list[bytes]
    values: np.ndarray


def write_segment(path: Path, keys: Sequence[bytes], values: np.ndarray) -> None:
    """Write a segment whole or not at all, readable by its owner alone."""
    table = np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, KEY_BYTES)
    with disk_errors("write features to", path), atomic_file(path) as temporary:
        save_tensors(temporary, {"keys": table, "values": np.ascontiguousarray(values)})
        os.chmod(temporary, 0o600)


def open_segment(path: Path) -> Segment:
    """Map a segment; its header is checked first, its values are read when used.

    Raises:
        IntegrityError: the file is damaged.
    """
    header = check_safetensors(path)
    if "keys" not in header or "values" not in header:
        raise IntegrityError(f"{path}: not a segment of the feature store")
    with open(path, "rb") as stream:
        start = 8 + int.from_bytes(stream.read(8), "little")
        first, last = header["keys"]["data_offsets"]
        stream.seek(start + first)
        raw = stream.read(last - first)
    entry = header["values"]
    values = np.memmap(
        path,
        dtype=DTYPES[entry["dtype"]],
        mode="r",
        offset=start + entry["data_offsets"][0],
        shape=tuple(entry["shape"]),
    )
    os.utime(path)  # used now: the trimmer takes the longest unused first
    keys = [raw[i : i + KEY_BYTES] for i in range(0, len(raw), KEY_BYTES)]
    return Segment(path, keys, values)
