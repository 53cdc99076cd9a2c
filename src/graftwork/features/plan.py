"""Which inputs go through a base, and in which batches, fixed before the first one runs.

Features depend a little on the rows that share a batch. A run therefore writes its plan down
first; a resumed or replayed run encodes by the same plan and gets the same bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

__all__ = ["EncodePlan", "Journal", "input_keys"]

KEY_BYTES = 16


def input_keys(inputs: Sequence[Any]) -> np.ndarray:
    """uint8 (n, 16): BLAKE2b of each input (text as UTF-8, bytes as they are, None as no text)."""
    out = np.empty((len(inputs), KEY_BYTES), dtype=np.uint8)
    for row, value in enumerate(inputs):
        text = "" if value is None else str(value)
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


class Journal(Protocol):
    """Where plans are written down; a run directory is one."""

    def keep(self, name: str, plan: EncodePlan) -> EncodePlan:
        """Write `plan` down under `name`, or give back the one written there before."""
        ...
