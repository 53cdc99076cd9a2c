"""Scores of each class, and which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graftwork.metrics.counts import class_counts
from graftwork.stats.interval import Interval
from graftwork.stats.proportions import share

__all__ = ["LARGEST_MATRIX", "PAIR_EXAMPLES", "confusion", "per_class"]

LARGEST_MATRIX = 200  # classes; a larger matrix is told by its most confused pairs alone
PAIR_EXAMPLES = 2  # rows to read of each confused pair
_PAIRS = 25


def _share(hits: float, of: float) -> Interval | None:
    if of == 0:
        return None
    return share(int(hits), int(of))


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


def confusion(
    truth: np.ndarray,
    predicted: np.ndarray,
    labels: Sequence[Any],
    probabilities: np.ndarray | None = None,
) -> dict[str, Any]:
    """The confusion matrix (rows: truth, columns: predicted) and its most confused pairs.

    Args:
        truth: int (n,) codes.
        predicted: int (n,) codes.
        labels: (k,) the classes, in code order.
        probabilities: float (n, k), to take the surest mistakes for examples.

    Returns:
        ``labels``, ``matrix`` (None above `LARGEST_MATRIX` classes) and ``pairs``, the largest
        first: ``truth``, ``predicted``, ``n``, ``share`` of the true class's rows, and
        ``examples``: up to `PAIR_EXAMPLES` positions among the n rows.
    """
    k = len(labels)
    wrong = np.flatnonzero(truth != predicted)
    if probabilities is not None:  # the surest first
        wrong = wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")]
    cell = truth[wrong].astype(np.int64) * k + predicted[wrong]
    cells, often = np.unique(cell, return_counts=True)
    by_cell = wrong[np.argsort(cell, kind="stable")]
    first = np.cumsum(often) - often
    support = np.bincount(truth, minlength=k)
    order = np.lexsort((cells, -often))[:_PAIRS]
    pairs = [
        {
            "truth": labels[cells[i] // k],
            "predicted": labels[cells[i] % k],
            "n": int(often[i]),
            "share": float(often[i] / support[cells[i] // k]),
            "examples": by_cell[first[i] : first[i] + min(often[i], PAIR_EXAMPLES)].tolist(),
        }
        for i in order
    ]
    matrix = None
    if k <= LARGEST_MATRIX:
        flat = np.bincount(truth.astype(np.int64) * k + predicted, minlength=k * k)
        matrix = flat.reshape(k, k).tolist()
    return {"labels": list(labels), "matrix": matrix, "pairs": pairs}
