"""Keys: what makes two rows the same input, and a dataset the same dataset."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from graftwork.data.blob import Blob

__all__ = [
    "dataset_fingerprint",
    "label_token",
    "normalise",
    "packed_keys",
    "row_keys",
    "unit_hash",
    "unpacked_keys",
]

_KEY_BYTES = 16
_BETWEEN = "\x1f"  # between several inputs of a row; normalised text cannot hold it


def normalise(value: Any) -> str:
    """Text as keys see it: NFC, white space collapsed and stripped; letter case is kept."""
    if isinstance(value, str):
        text = value if value.isascii() else unicodedata.normalize("NFC", value)
        return " ".join(text.split())
    if isinstance(value, bytes):
        return "\x1ebytes:" + hashlib.blake2b(value, digest_size=16).hexdigest()
    if isinstance(value, Blob):
        return "\x1e" + value.key
    return "" if value is None else str(value)


def row_keys(inputs: Sequence[Sequence[Any]]) -> list[str]:
    """32 hex digits (16-byte BLAKE2b) per row over its normalised inputs.

    Column names do not count, so that the same text has one key in every file; the order of the
    inputs does.

    Args:
        inputs: one sequence of values per input column, all of one length.
    """
    blake = hashlib.blake2b
    if len(inputs) == 1:
        texts: Iterable[str] = map(normalise, inputs[0])
    else:
        texts = (_BETWEEN.join(map(normalise, row)) for row in zip(*inputs, strict=True))
    return [
        blake(text.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES).hexdigest()
        for text in texts
    ]


def packed_keys(keys: Sequence[str]) -> np.ndarray:
    """uint8 (n, 16), read-only: row keys as files hold them, in half the room of their digits."""
    return np.frombuffer(bytes.fromhex("".join(keys)), dtype=np.uint8).reshape(-1, _KEY_BYTES)


def unpacked_keys(table: np.ndarray) -> list[str]:
    """The row keys of a packed table, in lower-case hex digits; `packed_keys` the other way."""
    return [row.tobytes().hex() for row in table]


def unit_hash(keys: Iterable[str], seed: int = 0) -> np.ndarray:
    """float64 (n,) in [0, 1): BLAKE2b of each key divided by 2**64; the seed is its salt."""
    salt = seed.to_bytes(8, "little", signed=True)
    blake = hashlib.blake2b
    raw = b"".join(blake(key.encode(), digest_size=8, salt=salt).digest() for key in keys)
    # dividing by 2**64 could round up to 1.0: the lowest 11 bits, beyond a double, are cut
    whole = np.frombuffer(raw, dtype=">u8").astype(np.uint64)
    return (whole >> np.uint64(11)).astype(np.float64) / 2.0**53


def label_token(label: Any) -> str:
    """A label as hashes see it: its type counts, so that 1 and "1" differ."""
    return f"{type(label).__name__}:{label}"


def dataset_fingerprint(
    keys: Sequence[str], target: Sequence[Any] | None, parts: Iterable[str]
) -> str:
    """SHA-256 over keys, labels and parts of all rows, in their order."""
    digest = hashlib.sha256()
    labels: Iterable[str] = [""] * len(keys) if target is None else map(label_token, target)
    for key, label, part in zip(keys, labels, parts, strict=True):
        digest.update(f"{key}\x1f{label}\x1f{part}\x1e".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
