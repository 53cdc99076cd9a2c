"""Class counts: all that a metric over labels needs to know of truth and predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

__all__ = ["ClassCounts", "class_counts"]


@dataclass(frozen=True)
class ClassCounts:
    """Rows by class, as floats; leading axes are resamples (none: one plain table).

    Attributes:
        hits: (..., k) rows of the class that were predicted as it.
        predicted: (..., k) rows predicted as the class.
        actual: (..., k) rows that are of the class.
    """

    hits: np.ndarray
    predicted: np.ndarray
    actual: np.ndarray


def class_counts(
    truth: np.ndarray, predicted: np.ndarray, k: int, weights: np.ndarray | None = None
) -> ClassCounts:
    """Count rows by class.

    Args:
        truth: int (n,) codes in 0 … k-1.
        predicted: int (n,) codes in 0 … k-1.
        k: number of classes.
        weights: (n,) row weights; None: each row counts once.

    Raises:
        ValueError: the two differ in length.
    """
    import numpy as np

    if len(truth) != len(predicted):
        raise ValueError(f"{len(truth)} true labels, but {len(predicted)} predictions")
    right = np.equal(truth, predicted)
    chosen = None if weights is None else weights[right]
    return ClassCounts(
        hits=np.bincount(truth[right], weights=chosen, minlength=k).astype(float),
        predicted=np.bincount(predicted, weights=weights, minlength=k).astype(float),
        actual=np.bincount(truth, weights=weights, minlength=k).astype(float),
    )
