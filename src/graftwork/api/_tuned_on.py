"""Rows that a promoted base was tuned on: what it says of them proves little."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from graftwork.bases.backbone import Backbone
from graftwork.data.dataset import TEST, Dataset
from graftwork.data.keys import unpacked_keys
from graftwork.evaluation.contamination import seen_in_training
from graftwork.storage.tensors import load_tensors

__all__ = ["KEYS", "tuned_on", "tuned_on_notes"]

KEYS = "training_keys.safetensors"  # in a promoted base


def tuned_on(base: Backbone) -> frozenset[str]:
    """Hex keys of the rows that a base was tuned on; none where it was not promoted.

    Raises:
        IntegrityError: the file that holds them is damaged.
    """
    folder: Path | None = getattr(base, "folder", None)
    if folder is None or not (folder / KEYS).is_file():
        return frozenset()
    return frozenset(unpacked_keys(load_tensors(folder / KEYS)["keys"]))


def tuned_on_notes(dataset: Dataset, keys: frozenset[str]) -> list[str]:
    """Sentences on those among the dataset's rows, one for each part that has some."""
    if not keys:
        return []
    seen, test = seen_in_training(keys, dataset.keys), dataset.parts == TEST
    notes = []
    for mask, part, so in (
        (test, "test", "scores on them flatter, and the report tells the score without them"),
        (~test, "training", "what is chosen on them out of fold favours this base"),
    ):
        n = int(np.sum(seen & mask))
        if n:
            notes.append(
                f"{n:,} of the {int(mask.sum()):,} {part} rows are among those that the base was "
                f"tuned on: {so}"
            )
    return notes
