"""Digests of files and of plain values."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from graftwork.storage.disk import disk_errors
from graftwork.storage.json_files import plain

__all__ = ["digest_json", "sha256_file"]


def sha256_file(path: Path | str) -> str:
    """SHA-256 of the file's bytes, 64 hex digits; constant memory.

    Raises:
        StorageError: the file cannot be read.
    """
    with disk_errors("read", path), open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_json(value: Any) -> str:
    """SHA-256 over the value's canonical JSON (keys sorted, no spaces), 64 hex digits.

    Tuples and lists, and numpy's and Python's numbers of one value, give the same digest.

    Raises:
        ValueError: NaN, infinity, or a value that is not JSON; the place in it is named.
    """
    text = json.dumps(
        plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
