"""Scores by the values of a column that the user names; the worst one is marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graftwork.evaluation.contender import Contender
from graftwork.evaluation.scores import intervals
from graftwork.metrics import METRICS

__all__ = ["FEWEST_FOR_WORST", "MOST_GROUPS", "groups_of", "sliced"]

MOST_GROUPS = 40  # values shown; the rarer ones are put together
FEWEST_FOR_WORST = 20  # rows; below, a bad figure is more often chance than finding
_MISSING = "(missing)"


def _texts(values: Sequence[Any]) -> np.ndarray:
    shown = [_MISSING if v is None or v != v or str(v).strip() == "" else str(v) for v in values]
    return np.array(shown, dtype=object)


def groups_of(column: Sequence[Any]) -> tuple[list[tuple[str, np.ndarray]], int]:
    """Value and bool mask, the most frequent first (numbers and dates in order).

    With them the number of rarer values that share the last group.
    """
    texts = _texts(column).astype(str)
    values, code, often = np.unique(texts, return_inverse=True, return_counts=True)
    order = np.lexsort((values, -often))
    shown = order if len(order) <= MOST_GROUPS else order[: MOST_GROUPS - 1]
    if all(values[i][:1].isdigit() for i in shown):  # months, years, ratings: in their own order
        shown = np.sort(shown)
    groups = [(str(values[i]), code == i) for i in shown]
    lumped = len(order) - len(shown)
    if lumped:
        groups.append((f"({lumped} rarer values)", ~np.isin(code, shown)))
    return groups, lumped


def sliced(
    column: Sequence[Any],
    truth: np.ndarray,
    contender: Contender,
    k: int,
    *,
    metric: str,
    metrics: Sequence[str] = (),
    seed: int = 0,
) -> dict[str, Any]:
    """Scores of a contender that covers all test rows, by the values of one column.

    Args:
        column: (n,) the value of each test row; None, NaN and blank are one group.
        truth: int (n,) codes.
        contender: predictions on all rows.
        k: number of classes.
        metric: what "worst" is told by.
        metrics: further ones to give.
        seed: of the resamples.

    Returns:
        ``groups``: value, n, worst, and the metrics with intervals;
        ``worst``: the value that scores lowest among those with at least `FEWEST_FOR_WORST` rows
        (None: there are not two such);
        ``lumped``: how many rare values share the last group.
    """
    if len(column) != len(truth):
        raise ValueError(f"the slice has {len(column)} values for {len(truth)} test rows")
    masks, lumped = groups_of(column)
    names = list(dict.fromkeys([metric, *metrics]))
    groups: list[dict[str, Any]] = []
    for value, mask in masks:
        figures = intervals(names, truth, contender.only(mask), k, seed=seed)
        shown = {name: x.to_json() for name, x in figures.items()}
        groups.append({"value": value, "n": int(mask.sum()), "worst": False, **shown})
    fit = [g for g in groups if g["n"] >= FEWEST_FOR_WORST and metric in g]
    worst = None
    if len(fit) > 1:
        sign = 1 if METRICS.get(metric).declaration.facts["higher_is_better"] else -1
        lowest = min(fit, key=lambda g: sign * g[metric]["value"])
        lowest["worst"] = True
        worst = lowest["value"]
    return {"groups": groups, "worst": worst, "lumped": lumped}
