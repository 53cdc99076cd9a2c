"""Metrics of one predicted label per row, each from class counts alone.

All equal scikit-learn's values; where scikit-learn leaves a value undefined (no rows, one class),
0 stands, so that a report never holds a NaN. A class counts for an average when it occurs in truth
or predictions, scikit-learn's convention.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graftwork.registry import declare

if TYPE_CHECKING:
    import numpy as np

    from graftwork.metrics.counts import ClassCounts

__all__ = [
    "accuracy",
    "balanced_accuracy",
    "kappa",
    "macro_f1",
    "macro_precision",
    "macro_recall",
    "mcc",
    "weighted_f1",
]


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """`above / below`, 0 where `below` is 0."""
    import numpy as np

    above, below = np.broadcast_arrays(above, below)
    ratio: np.ndarray = np.divide(above, below, out=np.zeros(below.shape), where=below > 0)
    return ratio


def _mean_of_seen(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Mean over classes (last axis) of those that are seen."""
    return _ratio((values * seen).sum(-1), seen.sum(-1))


def _f1(counts: ClassCounts) -> np.ndarray:
    return _ratio(2 * counts.hits, counts.predicted + counts.actual)


def _seen(counts: ClassCounts) -> np.ndarray:
    seen: np.ndarray = (counts.predicted + counts.actual) > 0
    return seen


@declare(
    "accuracy",
    title="Accuracy: share of rows that are right",
    higher_is_better=True,
    needs="labels",
    sklearn="accuracy_score",
    unit="share",
    range=(0.0, 1.0),
)
def accuracy(counts: ClassCounts) -> np.ndarray:
    """Share of rows that are right."""
    return _ratio(counts.hits.sum(-1), counts.actual.sum(-1))


@declare(
    "balanced_accuracy",
    title="Balanced accuracy: mean recall over the classes that have rows",
    aliases=("balanced-accuracy",),
    higher_is_better=True,
    needs="labels",
    sklearn="balanced_accuracy_score",
    unit="score",
    range=(0.0, 1.0),
)
def balanced_accuracy(counts: ClassCounts) -> np.ndarray:
    """Mean recall over the classes that have rows."""
    return _mean_of_seen(_ratio(counts.hits, counts.actual), counts.actual > 0)


@declare(
    "macro_f1",
    title="Macro-F1: mean F1 over classes, each class counting the same",
    aliases=("macro-f1", "macro_f1_score", "f1_macro"),
    higher_is_better=True,
    needs="labels",
    sklearn="f1_score(average='macro')",
    unit="score",
    range=(0.0, 1.0),
)
def macro_f1(counts: ClassCounts) -> np.ndarray:
    """Mean over classes of F1."""
    return _mean_of_seen(_f1(counts), _seen(counts))


@declare(
    "weighted_f1",
    title="Weighted F1: mean F1 over classes by their number of rows",
    aliases=("weighted-f1", "f1_weighted"),
    higher_is_better=True,
    needs="labels",
    sklearn="f1_score(average='weighted')",
    unit="score",
    range=(0.0, 1.0),
)
def weighted_f1(counts: ClassCounts) -> np.ndarray:
    """Mean over classes of F1, weighted by rows."""
    return _ratio((_f1(counts) * counts.actual).sum(-1), counts.actual.sum(-1))


@declare(
    "macro_precision",
    title="Macro precision: mean precision over classes",
    aliases=("macro-precision", "precision_macro"),
    higher_is_better=True,
    needs="labels",
    sklearn="precision_score(average='macro')",
    unit="score",
    range=(0.0, 1.0),
)
def macro_precision(counts: ClassCounts) -> np.ndarray:
    """Mean over classes of precision."""
    return _mean_of_seen(_ratio(counts.hits, counts.predicted), _seen(counts))


@declare(
    "macro_recall",
    title="Macro recall: mean recall over classes",
    aliases=("macro-recall", "recall_macro"),
    higher_is_better=True,
    needs="labels",
    sklearn="recall_score(average='macro')",
    unit="score",
    range=(0.0, 1.0),
)
def macro_recall(counts: ClassCounts) -> np.ndarray:
    """Mean over classes of recall."""
    return _mean_of_seen(_ratio(counts.hits, counts.actual), _seen(counts))


@declare(
    "mcc",
    title="Matthews correlation: 0 is guessing, 1 is perfect",
    source="Gorodkin 2004, Comparing two K-category assignments by a K-category correlation",
    aliases=("matthews",),
    higher_is_better=True,
    needs="labels",
    sklearn="matthews_corrcoef",
    unit="score",
    range=(-1.0, 1.0),
)
def mcc(counts: ClassCounts) -> np.ndarray:
    """Matthews correlation coefficient for k classes."""
    import numpy as np

    n = counts.actual.sum(-1)
    chance = (counts.predicted * counts.actual).sum(-1)
    spread = (n**2 - (counts.predicted**2).sum(-1)) * (n**2 - (counts.actual**2).sum(-1))
    return _ratio(counts.hits.sum(-1) * n - chance, np.sqrt(np.maximum(spread, 0.0)))


@declare(
    "kappa",
    title="Cohen's kappa: agreement beyond chance",
    source="Cohen 1960, A coefficient of agreement for nominal scales",
    aliases=("cohen_kappa",),
    higher_is_better=True,
    needs="labels",
    sklearn="cohen_kappa_score",
    unit="score",
    range=(-1.0, 1.0),
)
def kappa(counts: ClassCounts) -> np.ndarray:
    """Agreement of truth and predictions beyond that of chance."""
    n = counts.actual.sum(-1)
    chance = (counts.predicted * counts.actual).sum(-1)
    return _ratio(counts.hits.sum(-1) * n - chance, n**2 - chance)
