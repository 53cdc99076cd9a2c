"""Intervals of means of row values, and of paired differences pooled over several sets."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from graftwork.stats.interval import CONFIDENCE, Interval, percentile_interval
from graftwork.stats.resample import RESAMPLES, draws, gather

__all__ = ["draws_paired_interval", "mean_interval", "pooled_paired_interval"]


def _resampled_means(values: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """(resamples,) means of resampled rows."""
    cells = gather(values)
    held = cells.values[0].astype(float)
    return np.concatenate([drawn @ held for drawn in draws(cells, resamples, rng)]) / len(values)


def mean_interval(
    values: np.ndarray,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Percentile interval of the mean of row values (n,); paired: pass a's values minus b's.

    Raises:
        ValueError: no rows.
    """
    if len(values) == 0:
        raise ValueError("there are no rows to take intervals over")
    values = np.asarray(values)
    means = _resampled_means(values, resamples, np.random.default_rng(seed))
    return percentile_interval(float(values.mean()), means, len(values), confidence)


def pooled_paired_interval(
    differences: Sequence[np.ndarray],
    weights: Sequence[float] | None = None,
    *,
    resample_sets: bool = False,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> Interval:
    """The mean paired difference over several data sets, with its interval.

    Args:
        differences: per set the row differences, a's value minus b's (for accuracy -1, 0 or 1).
        weights: weight per set (default: each the same, so that large sets do not drown others).
        resample_sets: draw sets too. False speaks of these sets (a bench); True of sets like
            them (draws of few labels), and is wider.
        resamples: bootstrap resamples.
        seed: same seed, same interval.
        confidence: share of such intervals that hold the truth.

    Raises:
        ValueError: no sets, an empty one, or weights that do not fit.
    """
    if not differences or any(len(rows) == 0 for rows in differences):
        raise ValueError("every set needs at least one row")
    share = np.ones(len(differences)) if weights is None else np.asarray(weights, dtype=float)
    if share.shape != (len(differences),) or share.min() < 0 or share.sum() <= 0:
        raise ValueError(f"{len(differences)} sets need as many weights, none of them negative")
    share = share / share.sum()
    rng = np.random.default_rng(seed)
    means = np.stack([_resampled_means(np.asarray(d), resamples, rng) for d in differences])
    if resample_sets:
        often = rng.multinomial(len(share), share, size=resamples).T / len(share)
        pooled = (often * means).sum(0)
    else:
        pooled = share @ means
    value = float(share @ np.array([np.mean(rows) for rows in differences]))
    n = len(differences) if resample_sets else sum(len(rows) for rows in differences)
    return percentile_interval(value, pooled, n, confidence)


def draws_paired_interval(
    differences: np.ndarray,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> Interval:
    """The mean paired difference where several draws of training rows meet the same test rows.

    Rows and draws are both resampled (crossed), so that the interval covers other rows and other
    draws alike (Owen 2007, The pigeonhole bootstrap).

    Args:
        differences: (draws, n), a's value minus b's.
        resamples: bootstrap resamples.
        seed: same seed, same interval.
        confidence: share of such intervals that hold the truth.
    """
    many, n = differences.shape
    rng = np.random.default_rng(seed)
    values = np.empty(resamples)
    chunk = max(1, 4_000_000 // max(n, 1))
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        rows = rng.multinomial(n, np.full(n, 1 / n), size=size) / n
        sets = rng.multinomial(many, np.full(many, 1 / many), size=size) / many
        values[start : start + size] = np.einsum("bn,bn->b", sets @ differences, rows)
    fewest = min(many, n) if many > 1 else n
    interval = percentile_interval(float(differences.mean()), values, fewest, confidence)
    return (
        interval if math.isfinite(interval.low) else Interval(interval.value, -math.inf, math.inf)
    )
