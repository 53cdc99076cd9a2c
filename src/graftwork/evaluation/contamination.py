"""Rows that a model was trained on, found by the hashes of their inputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

__all__ = ["seen_in_training"]


def seen_in_training(trained_on: Iterable[str], keys: Sequence[str]) -> np.ndarray:
    """Bool (n,): which rows have a key that was trained on.

    Args:
        trained_on: hex keys of the training rows (`Dataset.keys`).
        keys: hex keys of the rows to evaluate.
    """
    known = {key.lower() for key in trained_on}
    return np.fromiter((key.lower() in known for key in keys), dtype=bool, count=len(keys))
