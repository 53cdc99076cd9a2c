"""All contestants on the same labelled rows, as one JSON value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graftwork.evaluation.plain import plain
from graftwork.evaluation.referee.contestant import Contestant
from graftwork.evaluation.referee.handover import coverage_at, curve_of, handovers
from graftwork.evaluation.referee.measures import scores
from graftwork.evaluation.referee.pairwise import pairs_of
from graftwork.evaluation.referee.sentence import decision
from graftwork.evaluation.referee.shared import share_codes
from graftwork.evaluation.referee.winners import class_winners, slice_winners
from graftwork.metrics import METRICS
from graftwork.stats.folds import random_halves
from graftwork.stats.interval import CONFIDENCE
from graftwork.stats.proportions import share
from graftwork.stats.resample import RESAMPLES

__all__ = ["FORMAT", "Terms", "judge", "judged_rows"]

FORMAT = 1
SHOWN = ("accuracy", "macro_f1")
RATES = (0.01, 0.02, 0.05, 0.1)  # shares of errors at which coverage is told


@dataclass(frozen=True)
class Terms:
    """How contestants are weighed.

    Attributes:
        metric: that pairs are compared by besides accuracy, and that ranks.
        margin: differences inside ± margin count as none.
        rates: shares of errors at which coverage is told.
        slices: per column the value of each row.
        seed: of halves and resamples.
    """

    metric: str = "accuracy"
    margin: float = 0.01
    rates: Sequence[float] = RATES
    slices: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    seed: int = 0


def judge(
    truth: np.ndarray, labels: Sequence[Any], contestants: Sequence[Contestant], terms: Terms
) -> dict[str, Any]:
    """Weigh everyone on the rows that none of them is known to have been trained on.

    Where no such row is left, on all of them, and that is said.

    Args:
        truth: int (n,) label codes.
        labels: the k labels, in code order.
        contestants: at least one; two for anything to compare.
        terms: metric, margin, rates, slices, seed.

    Returns:
        strict JSON values: ``contestants`` (best first), ``pairs``, ``classes``, ``slices``,
        ``handovers``, ``sentence`` and what was judged on which rows.

    Raises:
        ValueError: no rows, no contestants, or names that are not unique.
    """
    _check(truth, contestants)
    rows, apart = judged_rows(len(truth), contestants)
    known, k = truth[rows], len(labels)
    half = random_halves(rows, terms.seed)
    told = [_told(c, truth, rows, k, half, terms) for c in contestants]
    told.sort(key=lambda each: -_rank(each, terms.metric))
    order = {each["name"]: place for place, each in enumerate(told)}
    ranked = sorted(contestants, key=lambda c: order[c.name])
    contenders = [c.contender(rows) for c in ranked]
    said = share_codes([c.answers for c in ranked], rows)
    pairs = pairs_of(
        known, contenders, said, metric=terms.metric, margin=terms.margin, seed=terms.seed
    )
    passed = handovers(known, rows, ranked, k, half=half, seed=terms.seed)
    found: dict[str, Any] = {
        "format": FORMAT,
        "evidence": "comparison",
        "metric": terms.metric,
        "n": len(truth),
        "judged": len(rows),
        "apart": apart,
        "labels": list(labels),
        "contestants": told,
        "pairs": [pair.to_json() for pair in pairs],
        "classes": class_winners(known, contenders, labels) if pairs else [],
        "slices": _sliced(terms, rows, known, contenders) if pairs else {},
        "handovers": passed,
        "sentence": decision(told, pairs, passed),
        "protocol": {
            "margin": terms.margin,
            "confidence": CONFIDENCE,
            "resamples": RESAMPLES,
            "seed": terms.seed,
        },
    }
    strict: dict[str, Any] = plain(found)
    return strict


def _check(truth: np.ndarray, contestants: Sequence[Contestant]) -> None:
    if not len(truth):
        raise ValueError("there are no labelled rows, so nothing can be weighed")
    if not contestants:
        raise ValueError("there is nobody to weigh")
    names = [c.name for c in contestants]
    if len(set(names)) < len(names):
        raise ValueError(f"names must be unique: {names}")
    for c in contestants:
        if len(c.answers.codes) != len(truth):
            raise ValueError(f"{c.name}: {len(c.answers.codes)} answers to {len(truth)} rows")


def judged_rows(n: int, contestants: Sequence[Contestant]) -> tuple[np.ndarray, dict[str, Any]]:
    """Positions of the rows that judge, int64 (m,), and what was left out."""
    seen = np.zeros(n, dtype=bool)
    for c in contestants:
        if c.seen is not None:
            seen |= c.seen
    flagged = int(seen.sum())
    if seen.all():
        return np.arange(n), {"flagged": flagged, "left_out": 0}
    return np.flatnonzero(~seen), {"flagged": flagged, "left_out": flagged}


def _told(
    c: Contestant, truth: np.ndarray, rows: np.ndarray, k: int, half: np.ndarray, terms: Terms
) -> dict[str, Any]:
    """One contestant's own figures."""
    names = list(dict.fromkeys((*SHOWN, METRICS.get(terms.metric).declaration.name)))
    known, mine = truth[rows], c.contender(rows)
    found = scores(names, known, mine, k, terms.seed)
    wrong = mine.predicted != known
    confidence = None if c.confidence is None else c.confidence[rows]
    seen = None if c.seen is None else np.flatnonzero(c.seen)
    trained = None
    if seen is not None and len(seen):
        hits = int((c.answers.codes[seen] == truth[seen]).sum())
        trained = {"n": len(seen), "accuracy": hits / len(seen)}
    return {
        "name": c.name,
        "kind": c.kind,
        "source": c.source,
        "scores": {name: x.to_json() for name, x in found.items()},
        "answers": c.answers.to_json(),
        "trained_on": trained,
        "price": None if c.price is None else c.price.to_json(),
        "coverage": None if confidence is None else _coverage(confidence, wrong, half, terms),
        "curve": None if confidence is None else curve_of(confidence, wrong),
    }


def _coverage(
    confidence: np.ndarray, wrong: np.ndarray, half: np.ndarray, terms: Terms
) -> list[dict[str, Any]]:
    """Share answered at each rate of errors, and the share of these that was wrong."""
    found = []
    for rate in terms.rates:
        mine = coverage_at(confidence, wrong, float(rate), half)
        errors = None
        if mine.any():
            errors = share(int(wrong[mine].sum()), int(mine.sum())).to_json()
        found.append({"rate": float(rate), "coverage": float(mine.mean()), "errors": errors})
    return found


def _rank(told: Mapping[str, Any], metric: str) -> float:
    name = METRICS.get(metric).declaration.name
    return float(told["scores"][name]["value"])


def _sliced(terms: Terms, rows: np.ndarray, truth: np.ndarray, contenders: Any) -> dict[str, Any]:
    return {
        name: slice_winners([values[i] for i in rows], truth, contenders)
        for name, values in terms.slices.items()
    }
