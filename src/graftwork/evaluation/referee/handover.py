"""One answers what it is sure of and hands the rest to another: how much, how well, for what?

Thresholds are chosen on one half of the rows and used on the other, and the reverse, so that the
coverage and the errors told are not those that the threshold was picked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np

from graftwork.evaluation.contender import Contender
from graftwork.evaluation.referee.contestant import Contestant, Price
from graftwork.evaluation.referee.measures import paired
from graftwork.stats.proportions import share

__all__ = ["coverage_at", "curve_of", "handovers"]

POINTS = 60  # of a curve


def coverage_at(
    confidence: np.ndarray, wrong: np.ndarray, rate: float | tuple[float, float], half: np.ndarray
) -> np.ndarray:
    """Bool (n,): rows that are answered where at most `rate` of the answers may be wrong.

    Args:
        confidence: float (n,), NaN where nothing was answered.
        wrong: bool (n,).
        rate: share of errors, or one for each half (what the reference has in it).
        half: bool (n,) one half of the rows; each one's threshold comes from the other.
    """
    first, second = (rate, rate) if isinstance(rate, float) else rate
    answered = np.zeros(len(confidence), dtype=bool)
    for here, allowed in ((half, second), (~half, first)):
        threshold = _threshold(confidence[~here], wrong[~here], allowed)
        answered[here] = confidence[here] >= threshold
    return answered


def _threshold(confidence: np.ndarray, wrong: np.ndarray, rate: float) -> float:
    """The lowest confidence from which on at most `rate` of these rows are wrong; NaN: none.

    (Infinity is a confidence, as of log odds, and NaN is below and above nothing.)
    """
    known = np.flatnonzero(~np.isnan(confidence))
    order = known[np.argsort(-confidence[known], kind="stable")]
    if not len(order):
        return float("nan")
    share = np.cumsum(wrong[order]) / np.arange(1, len(order) + 1)
    sure = confidence[order]
    ends = np.append(sure[1:] != sure[:-1], True)  # rows of one confidence stay together
    allowed = np.flatnonzero(ends & (share <= rate))
    return float(sure[allowed[-1]]) if len(allowed) else float("nan")


def curve_of(confidence: np.ndarray, wrong: np.ndarray) -> list[dict[str, float]]:
    """Share wrong by share answered, surest first; at most `POINTS` points."""
    known = np.flatnonzero(~np.isnan(confidence))
    order = known[np.argsort(-confidence[known], kind="stable")]
    if not len(order):
        return []
    ends = np.unique(np.linspace(1, len(order), POINTS).round().astype(int))
    errors = np.cumsum(wrong[order])
    return [
        {"coverage": float(end / len(confidence)), "error": float(errors[end - 1] / end)}
        for end in ends
    ]


def handovers(
    truth: np.ndarray,
    rows: np.ndarray,
    contestants: Sequence[Contestant],
    k: int,
    *,
    half: np.ndarray,
    seed: int,
) -> list[dict[str, Any]]:
    """Each that tells its confidence, in front of each other one.

    Args:
        truth: int (n,) codes of the judged rows.
        rows: int (n,) their positions among the contestants' rows.
        contestants: who is weighed.
        k: labels.
        half: bool (n,), as in `coverage_at`.
        seed: of the resamples.

    Returns:
        per pair: ``coverage`` (share that the first answers at the other's error rate), its and
        the other's ``errors`` on those rows, the share right when the other answers the rest
        (``together``), ``gain`` of that over the other alone, and ``price`` with its ``ratio`` to
        the other alone (``row_ratio``: of a row that the first answers to one of the other's).
    """
    found = []
    for first in contestants:
        if first.confidence is None:
            continue
        for other in contestants:
            if other is not first:
                found.append(_handover(truth, rows, first, other, k, half, seed))
    return found


def _handover(
    truth: np.ndarray,
    rows: np.ndarray,
    first: Contestant,
    other: Contestant,
    k: int,
    half: np.ndarray,
    seed: int,
) -> dict[str, Any]:
    confidence = np.asarray(first.confidence)[rows]
    one, two = first.contender(rows), other.contender(rows)
    wrong, theirs = one.predicted != truth, two.predicted != truth
    rates = tuple(float(theirs[side].mean()) if side.any() else 0.0 for side in (half, ~half))
    mine = coverage_at(confidence, wrong, (rates[0], rates[1]), half)
    mixed = np.where(mine, one.predicted, two.predicted)
    together = Contender(name="together", title="together", predicted=mixed)
    return {
        "first": first.name,
        "other": other.name,
        "rate": float(theirs.mean()),
        "coverage": _share(mine),
        "errors": {"first": _share(wrong[mine]), "other": _share(theirs[mine])},
        "together": _share(mixed == truth),
        "gain": paired("accuracy", truth, together, two, k, seed).to_json(),
        "price": _price(first.price, other.price, float(mine.mean())),
    }


def _share(hits: np.ndarray) -> dict[str, Any] | None:
    if not len(hits):
        return None
    return share(int(hits.sum()), len(hits)).to_json()


def _price(first: Price | None, other: Price | None, coverage: float) -> dict[str, float] | None:
    """Of a million rows: the first sees all of them, the other what is left."""
    if first is None or other is None:
        return None
    value = first.value + (1 - coverage) * other.value
    if other.value <= 0 or not isfinite(value / other.value):
        return {"value": value}
    return {
        "value": value,
        "ratio": value / other.value,
        "row_ratio": first.value / other.value,
    }
