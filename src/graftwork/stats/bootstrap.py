"""Bootstrap intervals of statistics of class counts, alone and paired.

A statistic is a function of class counts ``(hits, predicted, actual)``, each (resamples, k), to
(resamples,); every metric over labels is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from graftwork.stats.interval import CONFIDENCE, Interval, percentile_interval
from graftwork.stats.proportions import paired_difference, wilson
from graftwork.stats.resample import RESAMPLES, Cells, draws, gather

__all__ = ["FEW_DIFFERENT", "Statistic", "interval", "paired_interval"]

Statistic = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
FEW_DIFFERENT = 10  # with fewer rows that differ, resamples do not show what may happen


def _by_class(weights: np.ndarray, codes: np.ndarray, k: int) -> np.ndarray:
    """Sum (b, c) weights over the cells of each class: float (b, k)."""
    order = np.argsort(codes, kind="stable")
    found, starts = np.unique(codes[order], return_index=True)
    summed = np.zeros((len(weights), k))
    if len(found):
        ordered = np.take(weights, order, axis=1)
        summed[:, found] = np.add.reduceat(ordered, starts, axis=1)
    return summed


def _counts(
    weights: np.ndarray, truth: np.ndarray, predicted: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hits, predicted and actual, (b, k) each, from weighted cells."""
    right = np.flatnonzero(truth == predicted)
    return (
        _by_class(weights[:, right], truth[right], k),
        _by_class(weights, predicted, k),
        _by_class(weights, truth, k),
    )


def _evaluate(
    statistics: Mapping[str, Statistic], cells: Cells, weights: np.ndarray, k: int
) -> dict[str, np.ndarray]:
    """Each statistic on weighted cells (b, c): of one prediction, or of two the difference."""
    truth, *predictions = cells.values
    found = [_counts(weights, truth, predicted, k) for predicted in predictions]
    values = {name: f(*found[0]) for name, f in statistics.items()}
    if len(found) > 1:
        values = {name: value - statistics[name](*found[1]) for name, value in values.items()}
    return values


def _bootstrap(
    statistics: Mapping[str, Statistic],
    columns: Sequence[np.ndarray],
    k: int,
    resamples: int,
    seed: int,
    confidence: float,
) -> dict[str, Interval]:
    n = len(columns[0])
    if n == 0:
        raise ValueError("there are no rows to take intervals over")
    cells = gather(*columns)
    own = _evaluate(statistics, cells, cells.counts[None, :], k)
    rng = np.random.default_rng(seed)
    chunks = [_evaluate(statistics, cells, drawn, k) for drawn in draws(cells, resamples, rng)]
    return {
        name: percentile_interval(
            float(own[name][0]),
            np.concatenate([c[name] for c in chunks]),
            n,
            confidence,
            biased=len(columns) == 2,
        )
        for name in statistics
    }


def interval(
    statistics: Mapping[str, Statistic],
    truth: np.ndarray,
    predicted: np.ndarray,
    k: int,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> dict[str, Interval]:
    """Percentile intervals of statistics by resampling rows; one set of resamples serves all.

    Where fewer than `FEW_DIFFERENT` rows are wrong (or right), the interval is at least as wide as
    Wilson's of the share of right rows: ten rows without a mistake do not prove a perfect model.

    Args:
        statistics: functions of class counts, by name.
        truth: int (n,) codes in 0 … k-1.
        predicted: int (n,) codes in 0 … k-1.
        k: number of classes.
        resamples: bootstrap resamples.
        seed: same seed, same interval.
        confidence: share of such intervals that hold the truth.

    Raises:
        ValueError: no rows.
    """
    found = _bootstrap(statistics, (truth, predicted), k, resamples, seed, confidence)
    n, right = len(truth), int((truth == predicted).sum())
    if min(right, n - right) >= FEW_DIFFERENT:
        return found
    low, high = (float(bound) - right / n for bound in wilson(right, n, confidence))
    return {
        name: x.union(Interval(x.value, x.value + low, x.value + high)) for name, x in found.items()
    }


def paired_interval(
    statistics: Mapping[str, Statistic],
    truth: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    k: int,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> dict[str, Interval]:
    """Intervals of statistic(a) - statistic(b), both on the same resampled rows.

    Where fewer than `FEW_DIFFERENT` rows tell a and b apart, the resamples cannot show what further
    rows might bring; the interval is then at least as wide as that of a paired difference of
    proportions with two rows added (`paired_difference`). So five rows on which both agree never
    prove that there is no difference.

    Args:
        statistics: functions of class counts, by name.
        truth: int (n,) codes.
        a: int (n,) codes predicted by one.
        b: int (n,) codes predicted by the other.
        k: number of classes.
        resamples: bootstrap resamples.
        seed: same seed, same interval.
        confidence: share of such intervals that hold the truth.

    Raises:
        ValueError: no rows.
    """
    found = _bootstrap(statistics, (truth, a, b), k, resamples, seed, confidence)
    if int((a != b).sum()) >= FEW_DIFFERENT:
        return found
    only_a, only_b = (
        int(((a == truth) & (b != truth)).sum()),
        int(((b == truth) & (a != truth)).sum()),
    )
    guard = paired_difference(only_a, only_b, len(truth), confidence)
    half = (guard.high - guard.low) / 2
    return {
        name: x.union(Interval(x.value, x.value - half, x.value + half))
        for name, x in found.items()
    }
