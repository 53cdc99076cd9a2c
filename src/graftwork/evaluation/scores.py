"""Scores and gains with their intervals, by metric name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graftwork.errors import ParameterError
from graftwork.evaluation.contender import Contender
from graftwork.metrics import METRICS
from graftwork.metrics.counts import ClassCounts
from graftwork.stats.bootstrap import Statistic, interval, paired_interval
from graftwork.stats.interval import Interval
from graftwork.stats.means import mean_interval
from graftwork.stats.proportions import paired_difference, share

__all__ = ["can_score", "gain", "intervals", "margin_rows", "needs_probabilities"]


def needs_probabilities(metric: str) -> bool:
    """Whether the metric asks for probabilities."""
    return bool(METRICS.get(metric).declaration.facts["needs"] == "probabilities")


def can_score(metric: str, contender: Contender) -> bool:
    """Whether the contender has what the metric asks for."""
    return contender.probabilities is not None or not needs_probabilities(metric)


def margin_rows(truth: np.ndarray, a: Contender, b: Contender) -> tuple[int, int]:
    """Rows that a alone, and that b alone, has right; both cover the same rows."""
    known = truth[a.rows()]
    right_a, right_b = a.predicted == known, b.predicted == known
    return int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())


def _statistic(metric: Any) -> Statistic:
    def of_counts(hits: np.ndarray, predicted: np.ndarray, actual: np.ndarray) -> np.ndarray:
        values: np.ndarray = metric(ClassCounts(hits, predicted, actual))
        return values

    return of_counts


def _clip(metric: Any, found: Interval) -> Interval:
    low, high = metric.declaration.facts["range"]
    return found.clipped(low, np.inf if high is None else high)


def _share_right(truth: np.ndarray, predicted: np.ndarray) -> Interval:
    return share(int((truth == predicted).sum()), len(truth))


def intervals(
    names: Sequence[str], truth: np.ndarray, contender: Contender, k: int, *, seed: int = 0
) -> dict[str, Interval]:
    """Each metric that the contender can be scored by, with its 95 % interval.

    Accuracy has Wilson's interval (closed form, exact enough at any n), other metrics of labels a
    bootstrap over rows, metrics of probabilities the bootstrap of a mean.

    Args:
        names: metric names; the keys of what comes back.
        truth: int (n,) codes of all test rows.
        contender: predictions on all or some of them.
        k: number of classes.
        seed: of the resamples.
    """
    known = truth[contender.rows()]
    found: dict[str, Interval] = {}
    metrics = {name: METRICS.get(name) for name in names}
    counted = {
        name: _statistic(metric)
        for name, metric in metrics.items()
        if not needs_probabilities(name) and metric.declaration.name != "accuracy"
    }
    resampled = interval(counted, known, contender.predicted, k, seed=seed) if counted else {}
    for name, metric in metrics.items():
        if metric.declaration.name == "accuracy":
            found[name] = _share_right(known, contender.predicted)
        elif name in resampled:
            found[name] = _clip(metric, resampled[name])
        elif contender.probabilities is not None:
            values = metric(known, contender.probabilities)
            found[name] = _clip(metric, mean_interval(values, seed=seed))
    return found


def gain(
    name: str, truth: np.ndarray, a: Contender, b: Contender, k: int, *, seed: int = 0
) -> Interval:
    """How much better a is than b on the same rows, with its paired 95 % interval.

    Positive means that a is better, also for metrics where less is better. For accuracy it is the
    wider of the bootstrap and of Bonett and Price's closed form: the former promises too much where
    few rows differ (four of four would be proof), the latter is its limit where many do.

    Args:
        name: the metric.
        truth: int (n,) codes of all test rows.
        a: predictions on some rows.
        b: predictions on the same rows.
        k: number of classes.
        seed: of the resamples.

    Raises:
        ParameterError: the metric needs probabilities, and one of the two has none.
    """
    metric = METRICS.get(name)
    known = truth[a.rows()]
    if needs_probabilities(name):
        if a.probabilities is None or b.probabilities is None:
            raise ParameterError(f"{name!r} needs probabilities of {a.name} and of {b.name}")
        apart = metric(known, a.probabilities) - metric(known, b.probabilities)
        sign = 1.0 if metric.declaration.facts["higher_is_better"] else -1.0
        return mean_interval(sign * apart, seed=seed)
    if metric.declaration.name != "accuracy":
        one = {name: _statistic(metric)}
        return paired_interval(one, known, a.predicted, b.predicted, k, seed=seed)[name]
    only_a, only_b = margin_rows(truth, a, b)
    apart = np.equal(a.predicted, known).astype(int) - np.equal(b.predicted, known).astype(int)
    resampled = mean_interval(apart, seed=seed)
    return resampled.union(paired_difference(only_a, only_b, len(known))).clipped(-1.0, 1.0)
