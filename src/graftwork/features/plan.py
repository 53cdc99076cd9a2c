"""Which inputs go through a base, and in which batches, fixed before the first one runs.

Features depend a little on the rows that share a batch. A run therefore writes its plan down
first; a resumed or replayed run encodes by the same plan and gets the same bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from graftwork.data.blob import Blob

__all__ = [
    "EncodePlan",
    "Journal",
    "due_batches",
    "first_positions",
    "input_keys",
    "keys_digest",
    "unique_keys",
]

KEY_BYTES = 16


def input_keys(inputs: Sequence[Any]) -> np.ndarray:
    """uint8 (n, 16): BLAKE2b of each input (text as UTF-8, bytes as they are, None as no text)."""
    out = np.empty((len(inputs), KEY_BYTES), dtype=np.uint8)
    for row, value in enumerate(inputs):
        text = "" if value is None else value.key if isinstance(value, Blob) else str(value)
        content = value if isinstance(value, bytes) else text.encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(content, digest_size=KEY_BYTES).digest()
        out[row] = np.frombuffer(digest, dtype=np.uint8)
    return out


@dataclass(frozen=True)
class EncodePlan:
    """Inputs to encode, batch after batch.

    Attributes:
        keys: uint8 (n, 16), in the order of encoding.
        sizes: int64 (batches,), how many of them go together.
    """

    keys: np.ndarray
    sizes: np.ndarray

    def __len__(self) -> int:
        return len(self.keys)

    def batches(self) -> Iterator[list[bytes]]:
        """The keys of each batch."""
        names = [key.tobytes() for key in self.keys]
        start = 0
        for size in self.sizes.tolist():
            yield names[start : start + size]
            start += size


class Journal(Protocol):
    """Where plans are written down; a run directory is one."""

    def keep(self, name: str, plan: EncodePlan) -> EncodePlan:
        """Write `plan` down under `name`, or give back the one written there before."""
        ...


def due_batches(
    plan: EncodePlan, wanted: Container[bytes], found: Container[bytes]
) -> list[list[bytes]]:
    """The plan's batches of which a key at least is not found yet, in order.

    They keep the keys that are found, as features depend on the rows that share a batch, but not
    keys of inputs that nobody wants now.
    """
    due = [
        [name for name in batch if name in wanted]
        for batch in plan.batches()
        if any(name not in found for name in batch)
    ]
    return [batch for batch in due if batch]


def unique_keys(keys: np.ndarray) -> list[bytes]:
    """The distinct keys, in the order of their first row."""
    return list(dict.fromkeys(key.tobytes() for key in keys))


def first_positions(keys: np.ndarray) -> dict[bytes, int]:
    """The first row of each key."""
    first: dict[bytes, int] = {}
    for position, key in enumerate(keys):
        first.setdefault(key.tobytes(), position)
    return first


def keys_digest(keys: np.ndarray) -> str:
    """A short name for this very list of inputs."""
    return hashlib.sha256(keys.tobytes()).hexdigest()[:12]
