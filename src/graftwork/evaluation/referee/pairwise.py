"""Every two contestants on the same rows: difference, test, agreement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from graftwork.evaluation.contender import Contender
from graftwork.evaluation.referee.measures import paired
from graftwork.evaluation.referee.shared import Shared
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
        agreement: share of rows with the same answer, be it a label or not; no answer is the same
            as no answer.
        kappa: agreement beyond chance (Cohen); None: both give one answer to all rows, and chance
            leaves nothing beyond.
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
    kappa: float | None
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
    said: Shared,
    *,
    metric: str,
    margin: float,
    seed: int,
) -> list[Pair]:
    """All pairs, in the given order.

    Args:
        truth: int (n,) label codes.
        contenders: their answers as label codes, which tell who is right.
        said: the same answers as they were given, which tell who agrees.
        metric: to compare by besides accuracy.
        margin: differences inside ± margin count as none.
        seed: of the resamples.
    """
    sides = [_Side(one, own) for one, own in zip(contenders, said.codes, strict=True)]
    found = [_pair(truth, a, b, said, metric, margin, seed) for a, b in combinations(sides, 2)]
    adjusted = holm([pair.p for pair in found])
    return [replace(pair, p_holm=p) for pair, p in zip(found, adjusted, strict=True)]


@dataclass(frozen=True, eq=False)
class _Side:
    """A contender, and its answers as they were given."""

    one: Contender
    said: np.ndarray


def _kappa(mine: np.ndarray, theirs: np.ndarray, size: int) -> float | None:
    if (mine == mine[0]).all() and (theirs == mine[0]).all():
        return None
    return float(METRICS.get("kappa")(class_counts(mine, theirs, size)))


def _pair(
    truth: np.ndarray, one: _Side, two: _Side, said: Shared, metric: str, margin: float, seed: int
) -> Pair:
    a, b, k = one.one, two.one, said.k
    right_a, right_b = a.predicted == truth, b.predicted == truth
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    p = mcnemar(only_a, only_b)
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
        agreement=float((one.said == two.said).mean()),
        kappa=_kappa(one.said, two.said, said.size),
        margin=margin,
    )
