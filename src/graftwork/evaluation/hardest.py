"""The rows that a model finds hardest, to read: with their nearest training rows beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graftwork.evaluation.contender import Contender
from graftwork.evaluation.reader import Reader, html_of

__all__ = ["EXAMPLES", "NEAREST", "Nearest", "examples", "hardest"]

EXAMPLES = 24  # rows to read; more than anyone does
NEAREST = 2  # training rows beside each
SURE = 0.8
DOUBTFUL = 0.6  # of a right row: as good as a guess, or between two labels

# positions among the judged rows → of each its nearest training rows, as `Neighbours.nearest` tells
Nearest = Callable[[np.ndarray], list[list[dict[str, Any]]]]


def hardest(truth: np.ndarray, probabilities: np.ndarray, most: int = EXAMPLES) -> np.ndarray:
    """int64 positions of wrong rows with the least probability for the right label, least first.

    Rows whose label the model cannot know (its column is all 0) come after all other wrong ones:
    there is nothing to read out of them. Where fewer are wrong, the right rows that the model was
    least sure of follow, below `DOUBTFUL`.

    Args:
        truth: int (n,) codes.
        probabilities: float (n, k).
        most: how many.
    """
    right = probabilities[np.arange(len(truth)), truth]
    known = np.asarray(probabilities.any(axis=0))[truth]
    agrees = probabilities.argmax(axis=1) == truth
    wrong = np.flatnonzero(~agrees)
    order = np.lexsort((right[wrong], ~known[wrong]))
    doubtful = np.flatnonzero(agrees & (right < DOUBTFUL))
    doubtful = doubtful[np.argsort(right[doubtful], kind="stable")]
    return np.asarray(np.concatenate([wrong[order], doubtful])[:most])


def examples(
    contender: Contender,
    truth: np.ndarray,
    labels: Sequence[Any],
    reader: Reader,
    *,
    nearest: Nearest | None = None,
) -> list[dict[str, Any]]:
    """The hardest judged rows for the report.

    Args:
        contender: predictions with probabilities, of all judged rows; [] without probabilities.
        truth: int (n,) codes of the judged rows.
        labels: the classes in code order, those included that the model does not know.
        reader: shows judged rows.
        nearest: finds the nearest training rows, told with their labels: they show whether the
            label or the input is the trouble.

    Returns:
        ``row``, ``html``, ``label``, ``predicted``, ``probability`` (of the prediction),
        ``probability_right`` (of the label), ``why`` and ``nearest``.
    """
    odds = contender.probabilities
    if odds is None or not len(truth):
        return []
    chosen = hardest(truth, odds)
    beside: list[list[dict[str, Any]]] = [[] for _ in chosen]
    if nearest is not None and len(chosen):
        beside = nearest(chosen)
    told = []
    for i, near in zip(chosen.tolist(), beside, strict=True):
        said = int(odds[i].argmax())
        label, predicted = labels[int(truth[i])], labels[said]
        told.append(
            {
                "row": reader.number(i),
                "html": reader.html(i),
                "label": label,
                "predicted": predicted,
                "probability": float(odds[i, said]),
                "probability_right": float(odds[i, truth[i]]),
                "why": _why(float(odds[i, said]), label, predicted, near),
                "nearest": [_neighbour(found, reader) for found in near],
            }
        )
    return told


def _neighbour(found: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    inputs = list(found["inputs"].values())
    return {
        "row": found["row"],
        "label": found["label"],
        "similarity": found["similarity"],
        "html": html_of(reader.modality, inputs, redact=reader.redact),
    }


def _why(sure: float, label: Any, predicted: Any, near: Sequence[Mapping[str, Any]]) -> str:
    """A guess at the trouble, from what the nearest training rows are labelled."""
    if predicted == label:
        return "right, but in doubt"
    words = "wrong, and sure of it" if sure > SURE else "wrong"
    around = [found["label"] for found in near]
    if not around:
        return words
    if all(found == predicted for found in around):
        return f"{words}; its neighbours have the predicted label: is the label right?"
    if all(found == label for found in around):
        return f"{words}; its neighbours have its label: the input is hard for the model"
    if label not in around and predicted not in around:
        return f"{words}; its neighbours have neither label"
    return f"{words}; its neighbours disagree"
