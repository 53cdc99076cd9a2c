"""A value with the interval around it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

__all__ = ["CONFIDENCE", "Interval", "percentile_interval", "z_of"]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A value between two bounds; bounds are infinite where the rows say nothing.

    Attributes:
        value: the estimate.
        low: lower bound.
        high: upper bound.
    """

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float | None]:
        """``value``, ``low``, ``high``; infinite bounds as None."""
        parts = {"value": self.value, "low": self.low, "high": self.high}
        return {key: x if math.isfinite(x) else None for key, x in parts.items()}

    def union(self, other: Interval) -> Interval:
        """The same value within the wider of both bounds."""
        return Interval(self.value, min(self.low, other.low), max(self.high, other.high))

    def clipped(self, low: float, high: float) -> Interval:
        """The bounds held within what is possible."""
        return Interval(self.value, max(self.low, low), min(self.high, high))


def z_of(confidence: float) -> float:
    """Two-sided normal quantile: 1.96 for .95."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def percentile_interval(
    value: float,
    resampled: np.ndarray,
    n: int,
    confidence: float = CONFIDENCE,
    *,
    biased: bool = False,
) -> Interval:
    """The expanded percentile interval of bootstrap values.

    Plain percentiles are too narrow by about √((n-1)/n) and by ignoring that the spread itself is
    estimated; the level is widened for both (Hesterberg 2015, What teachers should know about the
    bootstrap). With thousands of rows nothing changes; with one row nothing is known.


    Args:
        value: the statistic on the rows themselves; always inside the interval.
        resampled: (resamples,) the statistic on each resample.
        n: number of rows.
        confidence: share of such intervals that hold the truth.
        biased: put back the bias. A macro average over classes with few rows falls short in
            resamples, as it does in the rows themselves; the interval is moved by twice that bias,
            once for each (simulated, 77 classes, 600 rows: macro-F1 covered in 86 % instead of
            41 %). In paired differences the bias cancels and putting it back only adds noise.
    """
    if n < 2:
        return Interval(value, -math.inf, math.inf)
    from scipy.special import stdtrit

    t = float(stdtrit(n - 1, 0.5 + confidence / 2))
    tail = NormalDist().cdf(-math.sqrt(n / (n - 1)) * t)
    bias = float(resampled.mean()) - value if biased else 0.0
    low, high = np.quantile(resampled, [tail, 1 - tail]) - 2 * bias
    return Interval(value, min(float(low), value), max(float(high), value))
