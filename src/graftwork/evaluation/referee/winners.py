"""Who is best on which part of the rows: class by class, slice by slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graftwork.evaluation.contender import Contender
from graftwork.evaluation.referee.pairwise import SURE
from graftwork.evaluation.slices import groups_of
from graftwork.stats.holm import holm
from graftwork.stats.mcnemar import mcnemar
from graftwork.stats.proportions import share

__all__ = ["class_winners", "slice_winners"]


def class_winners(
    truth: np.ndarray, contenders: Sequence[Contender], labels: Sequence[Any]
) -> list[dict[str, Any]]:
    """Per class that has rows: each one's recall and precision, and who finds most of it.

    Args:
        truth: int (n,) codes.
        contenders: on all n rows.
        labels: in code order.
    """
    codes = [code for code in range(len(labels)) if (truth == code).any()]
    rows = _won({str(code): truth == code for code in codes}, truth, contenders)
    for code, row in zip(codes, rows, strict=True):
        del row["value"]
        row["label"] = labels[code]
        row["precision"] = {c.name: _precision(truth, c.predicted, code) for c in contenders}
    return rows


def slice_winners(
    column: Sequence[Any], truth: np.ndarray, contenders: Sequence[Contender]
) -> list[dict[str, Any]]:
    """Per value of a column: each one's share of right rows, and who has most."""
    masks, _ = groups_of(column)
    return _won(dict(masks), truth, contenders)


def _won(
    masks: Mapping[str, np.ndarray], truth: np.ndarray, contenders: Sequence[Contender]
) -> list[dict[str, Any]]:
    """Rows with ``value``, ``n``, ``right`` by contestant, ``best`` and whether that is ``clear``.

    Best: the one that has most rows right; none where several share that. Clear: the best differs
    from the second by McNemar's exact test, corrected for the number of parts (Holm).
    """
    right = {c.name: c.predicted == truth for c in contenders}
    found, tests = [], []
    for value, mask in masks.items():
        mine = {name: found_right[mask] for name, found_right in right.items()}
        order = sorted(mine, key=lambda name: -int(mine[name].sum()))
        first, second = mine[order[0]], mine[order[1]]
        tests.append(mcnemar(int((first & ~second).sum()), int((second & ~first).sum())))
        found.append(
            {
                "value": value,
                "n": int(mask.sum()),
                "right": {
                    name: share(int(hits.sum()), len(hits)).to_json() for name, hits in mine.items()
                },
                "best": order[0] if first.sum() > second.sum() else None,
                "clear": False,
            }
        )
    for row, p in zip(found, holm(tests), strict=True):
        row["clear"] = p < SURE
    return found


def _precision(truth: np.ndarray, predicted: np.ndarray, code: int) -> dict[str, Any] | None:
    said = predicted == code
    if not said.any():
        return None
    return share(int((truth[said] == code).sum()), int(said.sum())).to_json()
