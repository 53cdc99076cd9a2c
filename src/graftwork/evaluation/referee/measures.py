"""Scores of answers of which some may be no label at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graftwork.evaluation.contender import Contender
from graftwork.evaluation.scores import gain, intervals
from graftwork.metrics import METRICS
from graftwork.metrics.counts import ClassCounts
from graftwork.stats.bootstrap import Statistic, interval, paired_interval
from graftwork.stats.interval import Interval

__all__ = ["AVERAGED", "paired", "scores"]

AVERAGED = ("macro_", "weighted_")  # means over classes; what is no label is none of them


def scores(
    names: Sequence[str], truth: np.ndarray, one: Contender, k: int, seed: int
) -> dict[str, Interval]:
    """Metrics with 95 % intervals; codes from `k` on are wrong, and no class of their own.

    (scikit-learn's values with ``labels=`` set to the k labels.)
    """
    plain = [name for name in names if not _averages(name)]
    found = intervals(plain, truth, one, k + 2, seed=seed)
    averaged = {name: _over(name, k) for name in names if _averages(name)}
    if averaged:
        found |= interval(averaged, truth, one.predicted, k + 2, seed=seed)
    return {name: found[name] for name in names}


def paired(name: str, truth: np.ndarray, a: Contender, b: Contender, k: int, seed: int) -> Interval:
    """How much better a is than b on the same rows, with its paired 95 % interval."""
    if not _averages(name):
        return gain(name, truth, a, b, k + 2, seed=seed)
    one = {name: _over(name, k)}
    return paired_interval(one, truth, a.predicted, b.predicted, k + 2, seed=seed)[name]


def _averages(name: str) -> bool:
    return METRICS.get(name).declaration.name.startswith(AVERAGED)


def _over(name: str, k: int) -> Statistic:
    """The metric as a mean over the first k classes."""
    metric = METRICS.get(name)

    def statistic(hits: np.ndarray, predicted: np.ndarray, actual: np.ndarray) -> np.ndarray:
        counts = ClassCounts(hits[..., :k], predicted[..., :k], actual[..., :k])
        value: np.ndarray = metric(counts)
        return value

    return statistic
