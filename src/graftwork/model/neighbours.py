"""Training rows kept in a model, so that a prediction can be explained by its nearest examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.storage.json_files import read_json, write_json
from graftwork.storage.tensors import load_tensors, save_tensors

__all__ = ["Neighbours"]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Standardised dense features of the training rows, with what they were.

    Attributes:
        features: float16 (n, d), rows of length 1.
        rows: int64 (n,), row numbers in the training file.
        labels: the rows' labels.
        inputs: the rows' inputs, by input name.
    """

    features: np.ndarray
    rows: np.ndarray
    labels: list[Any]
    inputs: dict[str, list[Any]]

    @classmethod
    def of(
        cls, block: np.ndarray, rows: np.ndarray, labels: list[Any], inputs: dict[str, list[Any]]
    ) -> Neighbours:
        """Keep the rows of a dense block (n, d)."""
        return cls(_unit(block).astype(np.float16), rows, labels, inputs)

    def nearest(self, block: np.ndarray, n: int = 5) -> list[list[dict[str, Any]]]:
        """The `n` nearest training rows by cosine of each row of `block` (m, d), nearest first."""
        similarity = _unit(block) @ self.features.astype(np.float32).T
        out = []
        for row in similarity:
            order = np.argsort(-row, kind="stable")[:n]
            out.append(
                [
                    {
                        "row": int(self.rows[i]),
                        "label": self.labels[i],
                        "similarity": float(row[i]),
                        "inputs": {name: values[i] for name, values in self.inputs.items()},
                    }
                    for i in order.tolist()
                ]
            )
        return out

    def save(self, folder: Path) -> None:
        """Write `neighbours.json` and `neighbours.safetensors`."""
        save_tensors(
            folder / "neighbours.safetensors", {"features": self.features, "rows": self.rows}
        )
        write_json(folder / "neighbours.json", {"labels": self.labels, "inputs": self.inputs})

    @classmethod
    def load(cls, folder: Path) -> Neighbours:
        """What `save` wrote."""
        tensors = load_tensors(folder / "neighbours.safetensors")
        told = read_json(folder / "neighbours.json")
        return cls(tensors["features"], tensors["rows"], told["labels"], told["inputs"])


def _unit(block: np.ndarray) -> np.ndarray:
    values = np.asarray(block, dtype=np.float32)
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)


def dense_block(blocks: Sequence[Any]) -> np.ndarray | None:
    """The dense blocks of a head side by side, or None where there is none."""
    dense = [block for block in blocks if isinstance(block, np.ndarray)]
    return np.concatenate(dense, axis=1) if dense else None
