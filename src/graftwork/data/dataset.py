"""A dataset: rows with named inputs, a target, and the part (train, validation, test) of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

__all__ = ["TEST", "TRAIN", "VALIDATION", "Dataset"]

TRAIN, VALIDATION, TEST = "train", "validation", "test"


@dataclass(frozen=True)
class Dataset:
    """Rows ready for a fit. Every sequence has one entry per row, in file order.

    Attributes:
        inputs: values by input name; several inputs stay apart (joining is a step of the model).
        target: labels in the source's own spelling and type, or None for unlabelled rows.
        parts: (n,) array of ``train``, ``validation``, ``test``.
        groups: int64 (n,); rows of one group (duplicates, near-duplicates, `--group`) never
            straddle parts nor folds.
        rows: int64 (n,), line numbers in the file.
        columns: further columns kept for slices and exports, by name.
        keys: 16-byte hash of the inputs of each row (contamination, ledger), as hex text.
        fingerprint: SHA-256 over keys, labels and parts.
        modality: modality of the inputs, a key of `modalities/`.
    """

    inputs: dict[str, Sequence[Any]]
    target: Sequence[Any] | None
    parts: np.ndarray
    groups: np.ndarray
    rows: np.ndarray
    keys: Sequence[str]
    fingerprint: str
    columns: dict[str, Sequence[Any]] = field(default_factory=dict)
    modality: str = "text"

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, *parts: str) -> np.ndarray:
        """int64 positions of the rows that belong to any of `parts`."""
        import numpy as np

        return np.flatnonzero(np.isin(self.parts, parts))

    def take(self, index: np.ndarray) -> dict[str, list[Any]]:
        """The inputs of the rows at `index`, by input name."""
        return {name: [values[i] for i in index] for name, values in self.inputs.items()}

    def labels(self, index: np.ndarray) -> list[Any]:
        """The labels of the rows at `index`."""
        if self.target is None:
            raise ValueError("the dataset has no target")
        return [self.target[i] for i in index]
