"""Does a model carry over? The same score on several data sets, against the one on its own test."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graftwork.evaluation.confidence import confidence
from graftwork.evaluation.contender import Contender
from graftwork.evaluation.plain import plain
from graftwork.evaluation.scores import intervals
from graftwork.evaluation.slices import groups_of
from graftwork.metrics import METRICS
from graftwork.stats.independent import independent_difference
from graftwork.stats.interval import Interval

__all__ = ["CARRIES", "Domain", "by_value", "matrix", "own_score", "verdict"]

CARRIES = ("yes", "no", "undecidable")


@dataclass(frozen=True, eq=False)
class Domain:
    """Labelled rows of one data set, predicted.

    Attributes:
        name: of the data set, or the value of the column.
        truth: int (n,) codes; those that the model does not know are `known` or above.
        contender: predictions on all or some of these rows.
        known: number of labels that the model knows.
        seen: bool (n,), rows that the model was trained on; None: it keeps no hashes of them.
        note: what is to be said of it.
    """

    name: str
    truth: np.ndarray
    contender: Contender
    known: int
    seen: np.ndarray | None = None
    note: str = ""

    @property
    def k(self) -> int:
        """Number of classes, one for all unknown labels included where there are such."""
        return self.known + int(bool(len(self.truth)) and int(self.truth.max()) >= self.known)


def by_value(domain: Domain, column: Sequence[Any]) -> list[Domain]:
    """One domain for each value of a column (n,); blank ones together, the rarest together."""
    groups, _ = groups_of(column)
    return [
        Domain(
            value, domain.truth, domain.contender.only(mask), domain.known, domain.seen, domain.note
        )
        for value, mask in groups
    ]


def own_score(report: Mapping[str, Any] | None, metric: str) -> Interval | None:
    """The score of a run on its own test part, out of its `metrics.json`; None where there is none.

    Infinite bounds stand there as None.
    """
    found = ((report or {}).get("test") or {}).get(metric)
    if not found or found.get("value") is None:
        return None
    low, high = found.get("low"), found.get("high")
    return Interval(
        float(found["value"]),
        -math.inf if low is None else float(low),
        math.inf if high is None else float(high),
    )


def matrix(
    domains: Sequence[Domain],
    own: Interval | None,
    *,
    metric: str,
    margin: float,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """A row for each domain.

    Args:
        domains: what was predicted.
        own: the run's score on its own test part.
        metric: what is compared.
        margin: a loss inside it counts as none.
        seed: of the resamples.

    Returns:
        per domain strict JSON values: ``name``, ``n``, ``score`` (value, low, high),
        ``difference`` from `own` (positive is better, whatever the metric; None without `own`),
        ``judged`` (rows that the difference is taken on: those not trained on), ``carries_over``
        (one of `CARRIES` or None), ``calibration_error``, ``unknown`` (share of rows with labels
        that the model does not know; None where no row is left), ``seen`` (rows that it was trained
        on, None: not known) and ``note``.
    """
    return [_row(each, own, metric, margin, seed) for each in domains]


def _row(
    domain: Domain, own: Interval | None, metric: str, margin: float, seed: int
) -> dict[str, Any]:
    rows = domain.contender.rows()
    seen = None if domain.seen is None else domain.seen[rows]
    fresh = domain.contender
    if seen is not None and seen.any():
        fresh = domain.contender.only(~domain.seen)  # type: ignore[operator]
    difference = None if own is None else _difference(domain, fresh, own, metric, seed)
    truth = domain.truth[rows]
    return dict(
        plain(
            {
                "name": domain.name,
                "n": len(rows),
                "score": _score(domain, domain.contender, metric, seed),
                "difference": difference,
                "judged": len(fresh.rows()),
                "carries_over": _carries(difference, margin),
                "calibration_error": _calibration(truth, domain.contender),
                "unknown": float((truth >= domain.known).mean()) if len(rows) else None,
                "seen": None if seen is None else int(seen.sum()),
                "note": domain.note,
            }
        )
    )


def _score(domain: Domain, contender: Contender, metric: str, seed: int) -> Interval | None:
    if not len(contender.rows()):
        return None
    return intervals([metric], domain.truth, contender, domain.k, seed=seed).get(metric)


def _difference(
    domain: Domain, contender: Contender, own: Interval, metric: str, seed: int
) -> Interval | None:
    found = _score(domain, contender, metric, seed)
    if found is None:
        return None
    if METRICS.get(metric).declaration.facts["higher_is_better"]:
        return independent_difference(found, own)
    return independent_difference(own, found)


def _calibration(truth: np.ndarray, contender: Contender) -> float | None:
    if contender.probabilities is None or not len(truth):
        return None
    return float(confidence(truth, contender.probabilities)["error"])


def _carries(difference: Interval | None, margin: float) -> str | None:
    """No: all of the interval lies below −margin; yes: all of it above; else rows are too few."""
    if difference is None:
        return None
    if difference.high < -margin:
        return "no"
    return "yes" if difference.low > -margin else "undecidable"


def verdict(rows: Sequence[Mapping[str, Any]], by: str, margin: float) -> dict[str, Any]:
    """Where the model carries over, in one word and in words."""
    named = {
        answer: [str(row["name"]) for row in rows if row["carries_over"] == answer]
        for answer in ("yes", "no", "undecidable")
    }
    what = "data sets" if by == "data set" else f"values of {by}"
    if not any(named.values()):
        return {
            "outcome": "not judged",
            "sentence": "Whether the model carries over is not judged: its score on a test part of "
            "its own is not known here.",
        }
    if named["no"]:
        told = f"The model does not carry over to {_listed(named['no'])}"
        outcome = "does-not-carry-over"
    elif named["undecidable"]:
        told = f"Nowhere is the model proven worse by more than {margin:g}"
        outcome = "undecidable"
    else:
        judged = sum(map(len, named.values()))
        told = f"The model carries over to all {judged} {what} that are judged"
        told = told if judged < len(rows) else told.removesuffix(" that are judged")
        outcome = "carries-over"
    if named["undecidable"]:
        told += f"; too few rows to tell: {_listed(named['undecidable'])}"
    unjudged = [str(row["name"]) for row in rows if row["carries_over"] is None]
    if unjudged:
        told += f"; not judged: {_listed(unjudged)}"
    return {"outcome": outcome, "sentence": told + "."}


def _listed(names: Sequence[str], most: int = 8) -> str:
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
