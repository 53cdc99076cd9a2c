"""Is the model right as often as it is sure, and what does it get when it may pass?"""

from __future__ import annotations

from typing import Any

import numpy as np

from graftwork.stats.proportions import wilson

__all__ = ["BINS", "confidence"]

BINS = 10
_COVERAGES = (1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5)


def confidence(truth: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    """Reliability by bins of the highest probability, and accuracy at each coverage.

    These figures describe the test part; a threshold chosen by them would be chosen on it.

    Args:
        truth: int (n,) codes.
        probabilities: float (n, k).

    Returns:
        ``error``: the expected calibration error over equal-width bins (Naeini et al. 2015);
        ``bins``: low, high, n, mean confidence, accuracy with its interval;
        ``coverage``: share answered (the surest first), accuracy, and the lowest probability there.
    """
    sure = probabilities.max(1).astype(float)
    right = probabilities.argmax(1) == truth
    place = np.clip((sure * BINS).astype(int), 0, BINS - 1)
    bins, error = [], 0.0
    for b in np.unique(place):
        inside = place == b
        n, hits = int(inside.sum()), int(right[inside].sum())
        mean = float(sure[inside].mean())
        low, high = (float(bound) for bound in wilson(hits, n))
        error += n / len(truth) * abs(hits / n - mean)
        accuracy = {"value": hits / n, "low": low, "high": high}
        bins.append(
            {
                "low": b / BINS,
                "high": (b + 1) / BINS,
                "n": n,
                "confidence": mean,
                "accuracy": accuracy,
            }
        )
    order = np.argsort(-sure, kind="stable")
    share = right[order].cumsum() / np.arange(1, len(truth) + 1)
    coverage = []
    for wanted in _COVERAGES:
        n = max(1, round(wanted * len(truth)))
        threshold = float(sure[order[n - 1]])
        coverage.append({"coverage": wanted, "accuracy": float(share[n - 1]), "above": threshold})
    return {"error": error, "bins": bins, "coverage": coverage}
