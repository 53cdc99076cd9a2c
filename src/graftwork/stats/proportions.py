"""Intervals of proportions: of one, and of the difference of two on the same rows."""

from __future__ import annotations

import math

import numpy as np

from graftwork.stats.interval import CONFIDENCE, Interval, z_of

__all__ = ["paired_difference", "share", "wilson"]


def wilson(
    successes: np.ndarray | int, n: np.ndarray | int, confidence: float = CONFIDENCE
) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's score interval of a proportion; holds at 0, at n and with few rows.

    Args:
        successes: how many; any shape.
        n: of how many; 0 gives the whole range 0 … 1.
        confidence: share of such intervals that hold the truth.

    Returns:
        lower and upper bounds, in the arguments' common shape.

    Source: Wilson 1927; Brown, Cai & DasGupta 2001, Interval estimation for a binomial proportion.
    """
    z2 = z_of(confidence) ** 2
    hits, rows = np.broadcast_arrays(np.asarray(successes, float), np.asarray(n, float))
    safe = np.maximum(rows, 1)
    share = hits / safe
    middle = (share + z2 / (2 * safe)) / (1 + z2 / safe)
    half = np.sqrt(z2 * (share * (1 - share) + z2 / (4 * safe)) / safe) / (1 + z2 / safe)
    low = np.where((rows == 0) | (hits == 0), 0.0, np.clip(middle - half, 0, 1))
    high = np.where((rows == 0) | (hits == rows), 1.0, np.clip(middle + half, 0, 1))
    return low, high


def share(successes: int, n: int) -> Interval:
    """A share of rows with its 95 % Wilson interval; `n` must be above 0."""
    low, high = wilson(successes, n)
    return Interval(successes / n, float(low), float(high))


def paired_difference(only_a: int, only_b: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Interval of the difference of two shares on the same rows (right by a, right by b).

    One row is added to each side on which they differ, which keeps the promise where such rows are
    few or none (Bonett & Price 2012, Adjusted Wald intervals for a difference of two binomial
    proportions based on paired data).

    Args:
        only_a: rows that a alone has right.
        only_b: rows that b alone has right.
        n: all rows.
        confidence: share of such intervals that hold the truth.
    """
    if n == 0:
        return Interval(0.0, -1.0, 1.0)
    p, q = (only_a + 1) / (n + 2), (only_b + 1) / (n + 2)
    half = z_of(confidence) * math.sqrt((p + q - (p - q) ** 2) / (n + 2))
    value = (only_a - only_b) / n
    low, high = min(p - q - half, value), max(p - q + half, value)
    return Interval(value, max(low, -1.0), min(high, 1.0))
