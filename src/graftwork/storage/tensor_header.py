"""The header of a safetensors file, read and checked before any library touches the file.

The format: 8 bytes with the header's length N (little-endian), N bytes of JSON ``{name: {dtype,
shape, data_offsets}}``, then the data. Readers are lenient (a name twice, a million empty tensors);
this one is not.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from graftwork.errors import Fault, IntegrityError
from graftwork.storage.disk import disk_errors
from graftwork.storage.json_files import parse_json

__all__ = ["check_safetensors"]

_MOST_TENSORS = 100_000
_LONGEST_HEADER = 100_000_000  # the format's own limit, in bytes
_MOST_AXES = 64
_MOST_FAULTS = 20
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "U16": 16, "I16": 16, "U32": 32, "I32": 32, "U64": 64, "I64": 64,
    "F16": 16, "BF16": 16, "F32": 32, "F64": 64, "C64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
    "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8,
}  # fmt: skip


def check_safetensors(path: Path | str) -> dict[str, Any]:
    """Check the structure of a safetensors file; only its header is read.

    Returns:
        The header: ``{name: {"dtype", "shape", "data_offsets"}}``, and ``__metadata__`` if any.

    Raises:
        StorageError: the file cannot be read.
        IntegrityError: it is a pickle or a zip, is cut off, or its header is absurd, no JSON, names
            a tensor twice, or does not fit the data. The message names the file and all faults.
    """
    with disk_errors("read", path), open(path, "rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        start = stream.read(64)
        length = _length(path, start, size)
        stream.seek(8)
        content = stream.read(length)
    header = _parse(path, content)
    faults = _faults(header, size - 8 - length)
    if faults:
        shown = [Fault(text, file=str(path)) for text in faults[:_MOST_FAULTS]]
        raise IntegrityError(f"{path}: its header and data do not fit together", faults=shown)
    return header


def _length(path: Path | str, start: bytes, size: int) -> int:
    """Length of the header in bytes, once it is plain that this is such a file."""
    if size < 8:
        raise IntegrityError(f"{path}: only {size} bytes long, no safetensors file{_kind(start)}")
    length = int.from_bytes(start[:8], "little")
    # The first bytes of a pickle or a zip are also valid lengths, hence this order.
    if length > _LONGEST_HEADER:
        raise IntegrityError(
            f"{path}: no safetensors file: header length {length:,} bytes, at most "
            f"{_LONGEST_HEADER:,} are allowed{_kind(start)}"
        )
    if length < 2 or (len(start) > 8 and start[8:9] != b"{"):
        raise IntegrityError(f"{path}: no safetensors file: no header{_kind(start)}")
    if length > size - 8:
        raise IntegrityError(
            f"{path}: cut off: its header needs {length + 8:,} bytes, the file has {size:,}"
        )
    return length


def _kind(start: bytes) -> str:
    """What a file that is no safetensors file looks like."""
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return "; it is a zip archive (as torch.save writes, a pickle inside), which is not opened"
    old_pickle = start[:1] in (b"(", b"c", b"]", b"}") and b"\n" in start
    if (start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")) or old_pickle:
        return "; it is a pickle, which can run code and is not opened"
    if start.startswith(b"version https://git-lfs"):
        return "; it is a Git LFS pointer: fetch the file itself with `git lfs pull`"
    if start[:1] == b"<":
        return "; it looks like a web page: the download went wrong"
    return ""


def _parse(path: Path | str, content: bytes) -> dict[str, Any]:
    try:
        header = parse_json(content.decode("utf-8"))
    except ValueError as error:
        raise IntegrityError(f"{path}: its header is not valid: {error}") from error
    if not isinstance(header, dict):
        raise IntegrityError(f"{path}: its header is not valid: no table of tensors")
    if len(header) > _MOST_TENSORS:
        raise IntegrityError(
            f"{path}: {len(header):,} tensors, at most {_MOST_TENSORS:,} are allowed"
        )
    return header


def _faults(header: dict[str, Any], data: int) -> list[str]:
    """All that is wrong with the entries, against `data` bytes of data."""
    faults: list[str] = []
    spans: list[tuple[int, int, str]] = []
    for name, entry in header.items():
        if name == "__metadata__":
            faults += _metadata_faults(entry)
            continue
        wrong = _entry_fault(entry)
        if wrong:
            faults.append(f"tensor {name!r}: {wrong}")
        else:
            spans.append((*entry["data_offsets"], name))
    if beyond := [end for _, end, _ in spans if end > data]:  # one fault, not one a tensor
        faults.append(
            f"{len(beyond):,} of {len(spans):,} tensors end beyond the file: they need "
            f"{max(beyond):,} bytes of data, it has {data:,} (cut off?)"
        )
    return faults or _cover_faults(sorted(spans), data)


def _metadata_faults(entry: Any) -> list[str]:
    texts = isinstance(entry, dict) and all(isinstance(value, str) for value in entry.values())
    return [] if texts else ["__metadata__ must be a table of texts"]


def _entry_fault(entry: Any) -> str | None:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        return "must have dtype, shape and data_offsets, and nothing else"
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _BITS:
        return f"unknown dtype {dtype!r}"
    if not _counts(shape) or len(shape) > _MOST_AXES:
        return "shape must be a list of whole numbers from 0"
    if not _counts(offsets) or len(offsets) != 2:
        return "data_offsets must be two whole numbers"
    begin, end = offsets
    if begin > end:
        return f"its data begin at byte {begin:,} and end before it, at {end:,}"
    bits = _BITS[dtype]
    for axis in shape:
        bits *= axis
    if bits != 8 * (end - begin):
        return f"shape {shape} of {dtype} needs {-(-bits // 8)} bytes, it has {end - begin:,}"
    return None


def _counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(n) is int and 0 <= n < 2**63 for n in value)


def _cover_faults(spans: list[tuple[int, int, str]], data: int) -> list[str]:
    """The tensors must lie end to end over all of the data."""
    faults: list[str] = []
    reached, before = 0, ""
    for begin, end, name in spans:
        if begin < reached:
            faults.append(f"tensor {name!r} overlaps {before!r}")
        elif begin > reached:
            faults.append(f"{begin - reached:,} bytes before tensor {name!r} belong to no tensor")
        if end >= reached:
            reached, before = end, name
    if reached < data:
        faults.append(f"the last {data - reached:,} bytes belong to no tensor")
    return faults
