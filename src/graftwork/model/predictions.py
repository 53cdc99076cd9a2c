"""What a model says of some rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Predictions"]


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions of n rows.

    Attributes:
        labels: predicted labels, in the training labels' own spelling and type.
        probabilities: float64 (n, classes), columns in the order of `classes`.
        classes: all labels.
    """

    labels: list[Any]
    probabilities: np.ndarray
    classes: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def confidence(self) -> np.ndarray:
        """float64 (n,): probability of the predicted label."""
        if not len(self.labels):
            return np.zeros(0)
        return np.asarray(self.probabilities.max(axis=1))

    @property
    def codes(self) -> np.ndarray:
        """int64 (n,): position of the predicted label in `classes`."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)
