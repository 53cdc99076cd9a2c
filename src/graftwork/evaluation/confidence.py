"""Is the model right as often as it is sure, and what does it get when it may pass?"""

from __future__ import annotations

from typing import Any

import numpy as np

from graftwork.evaluation.calibration import calibration_error, reliability_bins

__all__ = ["confidence"]

_COVERAGES = (1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5)


def confidence(truth: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    """Reliability by bins of the highest probability, and accuracy at each coverage.

    These figures describe the test part; a threshold chosen by them would be chosen on it (see
    `abstention` for thresholds chosen out of fold).

    Args:
        truth: int (n,) codes.
        probabilities: float (n, k).

    Returns:
        ``error``: the expected calibration error; ``bins``: see `calibration.reliability_bins`;
        ``coverage``: share answered (the surest first), accuracy, and the lowest probability there.
    """
    sure = probabilities.max(1).astype(float)
    right = probabilities.argmax(1) == truth
    bins = reliability_bins(truth, probabilities)
    order = np.argsort(-sure, kind="stable")
    share = right[order].cumsum() / np.arange(1, len(truth) + 1)
    coverage = []
    for wanted in _COVERAGES:
        n = max(1, round(wanted * len(truth)))
        threshold = float(sure[order[n - 1]])
        coverage.append({"coverage": wanted, "accuracy": float(share[n - 1]), "above": threshold})
    return {"error": calibration_error(bins), "bins": bins, "coverage": coverage}
