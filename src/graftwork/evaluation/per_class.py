"""Scores of each class, and which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graftwork.metrics.counts import class_counts
from graftwork.stats.interval import Interval
from graftwork.stats.proportions import wilson

__all__ = ["LARGEST_MATRIX", "confusion", "per_class"]

LARGEST_MATRIX = 200  # classes; a larger matrix is told by its most confused pairs alone
_PAIRS = 25


def _share(hits: float, of: float) -> Interval | None:
    if of == 0:
        return None
    low, high = wilson(int(hits), int(of))
    return Interval(hits / of, float(low), float(high))


def _f1(hits: float, predicted: float, actual: float) -> Interval | None:
    """F1 = 2J / (1 + J) rises with the overlap J = hits / (predicted or actual), a proportion."""
    overlap = _share(hits, predicted + actual - hits)
    if overlap is None:
        return None
    return Interval(*(2 * j / (1 + j) for j in (overlap.value, overlap.low, overlap.high)))


def per_class(
    truth: np.ndarray, predicted: np.ndarray, labels: Sequence[Any]
) -> list[dict[str, Any]]:
    """Per class: label, support, and precision, recall and F1 with 95 % Wilson intervals.

    A figure without rows to stand on is None.

    Args:
        truth: int (n,) codes.
        predicted: int (n,) codes.
        labels: (k,) the classes, in code order.
    """
    counts = class_counts(truth, predicted, len(labels))
    found = []
    for code, label in enumerate(labels):
        hits, said, actual = (
            float(part[code]) for part in (counts.hits, counts.predicted, counts.actual)
        )
        figures = {
            "precision": _share(hits, said),
            "recall": _share(hits, actual),
            "f1": _f1(hits, said, actual),
        }
        shown = {name: x.to_json() if x else None for name, x in figures.items()}
        found.append({"label": label, "support": int(actual), "predicted": int(said), **shown})
    return found


def confusion(truth: np.ndarray, predicted: np.ndarray, labels: Sequence[Any]) -> dict[str, Any]:
    """The confusion matrix (rows: truth, columns: predicted) and its most confused pairs.

    Args:
        truth: int (n,) codes.
        predicted: int (n,) codes.
        labels: (k,) the classes, in code order.

    Returns:
        ``labels``, ``matrix`` (None above `LARGEST_MATRIX` classes) and ``pairs``, the largest
        first: ``truth``, ``predicted``, ``n`` and ``share`` of the true class's rows.
    """
    k = len(labels)
    wrong = truth != predicted
    cells, often = np.unique(
        truth[wrong].astype(np.int64) * k + predicted[wrong], return_counts=True
    )
    support = np.bincount(truth, minlength=k)
    order = np.lexsort((cells, -often))[:_PAIRS]
    pairs = [
        {
            "truth": labels[cells[i] // k],
            "predicted": labels[cells[i] % k],
            "n": int(often[i]),
            "share": float(often[i] / support[cells[i] // k]),
        }
        for i in order
    ]
    matrix = None
    if k <= LARGEST_MATRIX:
        flat = np.bincount(truth.astype(np.int64) * k + predicted, minlength=k * k)
        matrix = flat.reshape(k, k).tolist()
    return {"labels": list(labels), "matrix": matrix, "pairs": pairs}
