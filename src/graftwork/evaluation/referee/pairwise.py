"""Every two contestants on the same rows: difference, test, agreement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from graftwork.evaluation.contender import Contender
from graftwork.evaluation.referee.measures import paired
from graftwork.metrics import METRICS
from graftwork.metrics.counts import class_counts
from graftwork.stats.holm import holm
from graftwork.stats.interval import Interval
from graftwork.stats.mcnemar import mcnemar

__all__ = ["SURE", "Pair", "pairs_of"]

SURE = 0.05  # largest adjusted p-value that counts as a finding


@dataclass(frozen=True)
class Pair:
    """a against b.

    Attributes:
        a, b: names.
        n: rows.
        only_a, only_b: rows that one alone has right.
        neither: rows that both have wrong.
        difference: a's share of right rows less b's, with its paired 95 % interval.
        metric: the same of another metric, where one was asked for.
        p: McNemar's exact test.
        p_holm: the same, corrected for the number of pairs (Holm).
        agreement: share of rows with the same answer.
        kappa: agreement beyond chance (Cohen).
        margin: differences inside ± margin count as none.
    """

    a: str
    b: str
    n: int
    only_a: int
    only_b: int
    neither: int
    difference: Interval
    metric: Interval | None
    p: float
    p_holm: float
    agreement: float
    kappa: float
    margin: float

    @property
    def outcome(self) -> str:
        """``a``, ``b``, ``even`` (inside the margin) or ``undecidable`` with these rows."""
        if self.p_holm < SURE:
            return "a" if self.difference.value > 0 else "b"
        low, high = self.difference.low, self.difference.high
        return "even" if -self.margin <= low and high <= self.margin else "undecidable"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        told = {name: getattr(self, name) for name in self.__dataclass_fields__}
        told["difference"] = self.difference.to_json()
        told["metric"] = None if self.metric is None else self.metric.to_json()
        return {**told, "outcome": self.outcome}


def pairs_of(
    truth: np.ndarray,
    contenders: Sequence[Contender],
    k: int,
    *,
    metric: str,
    margin: float,
    seed: int,
) -> list[Pair]:
    """All pairs, in the given order."""
    found = [_pair(truth, a, b, k, metric, margin, seed) for a, b in combinations(contenders, 2)]
    adjusted = holm([pair.p for pair in found])
    return [replace(pair, p_holm=p) for pair, p in zip(found, adjusted, strict=True)]


def _pair(
    truth: np.ndarray, a: Contender, b: Contender, k: int, metric: str, margin: float, seed: int
) -> Pair:
    right_a, right_b = a.predicted == truth, b.predicted == truth
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    p = mcnemar(only_a, only_b)
    counts = class_counts(a.predicted, b.predicted, k + 2)
    other = METRICS.get(metric).declaration.name != "accuracy"
    return Pair(
        a=a.name,
        b=b.name,
        n=len(truth),
        only_a=only_a,
        only_b=only_b,
        neither=int((~right_a & ~right_b).sum()),
        difference=paired("accuracy", truth, a, b, k, seed),
        metric=paired(metric, truth, a, b, k, seed) if other else None,
        p=p,
        p_holm=p,
        agreement=float((a.predicted == b.predicted).mean()),
        kappa=float(METRICS.get("kappa")(counts)),
        margin=margin,
    )
