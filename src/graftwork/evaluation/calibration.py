"""Is a model right as often as it is sure, and one number that makes it so: temperature.

Guo et al. 2017, On calibration of modern neural networks: scores are divided by one temperature,
fitted here on out-of-fold probabilities, so that no test row is looked at. The order of the labels
of a row stays, hence every prediction.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graftwork.stats.proportions import wilson

__all__ = [
    "BINS",
    "FEWEST_ROWS",
    "calibration",
    "calibration_error",
    "error_by_chance",
    "fit_temperature",
    "reliability_bins",
    "tempered",
]

BINS = 15  # Guo et al. 2017
FEWEST_ROWS = 50  # fewer say too little of a temperature: it stays 1
_BIN_ROWS = 10  # fewer in a bin are noise; with few rows there are fewer bins
_COLDEST, _HOTTEST = 0.05, 20.0


def fit_temperature(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """The temperature at which these rows' log loss is smallest; above 1 means less sure.

    The truth is softened by one part in n + 2, as in Platt 1999: where every row is right the best
    temperature would else be 0. The loss is convex in 1 / T, so that there is one optimum.

    Args:
        truth: int (n,) codes.
        probabilities: float (n, k), on rows that their model was not fitted on.

    Returns:
        between .05 and 20; exactly 1.0 with fewer than `FEWEST_ROWS` rows.
    """
    n = len(truth)
    if n < FEWEST_ROWS or probabilities.shape[0] != n:
        return 1.0
    from scipy.optimize import brentq

    tiny = float(np.finfo(np.float32).tiny)
    logs = np.log(np.clip(probabilities.astype(np.float64), tiny, None))
    soft = 1 / (n + 2)
    wanted = (1 - soft) * logs[np.arange(n), truth].mean() + soft * logs.mean()
    logs -= logs.max(axis=1, keepdims=True)
    shifted = wanted - np.log(np.clip(probabilities.max(axis=1), tiny, None)).mean()

    def slope(log_inverse: float) -> float:
        """Derivative of the loss by 1 / T: mean expected score less the wanted one."""
        odds = np.exp(np.exp(log_inverse) * logs)
        return float(((odds * logs).sum(1) / odds.sum(1)).mean() - shifted)

    low, high = -np.log(_HOTTEST), -np.log(_COLDEST)
    if slope(low) >= 0:
        return _HOTTEST
    if slope(high) <= 0:
        return _COLDEST
    return float(np.exp(-brentq(slope, low, high, xtol=1e-6)))


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """softmax(log p / T): float64 (n, k); zeros stay zeros, 1 / T takes it back.

    Args:
        probabilities: float (n, k).
        temperature: above 0.
    """
    with np.errstate(divide="ignore"):
        logs = np.log(probabilities.astype(np.float64))
    odds = np.exp((logs - logs.max(axis=1, keepdims=True)) / temperature)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def reliability_bins(truth: np.ndarray, probabilities: np.ndarray) -> list[dict[str, Any]]:
    """Confidence and accuracy in up to 15 bins that hold about as many rows each.

    Equal in mass, not in width: a good model is sure of most rows, so that bins of equal width are
    almost all empty, and the error hangs on a few crowded ones (Nguyen & O'Connor 2015; Nixon et
    al. 2019). Rows of equal confidence stay together. Under 150 rows there are fewer bins.

    Args:
        truth: int (n,) codes.
        probabilities: float (n, k).

    Returns:
        per bin ``low``, ``high`` (confidence of its rows), ``n``, mean ``confidence``, and
        ``accuracy`` with its 95 % Wilson interval.
    """
    if not len(truth):
        return []
    sure, right = _sure_and_right(truth, probabilities)
    bins = []
    for inside in _groups(sure):
        n, hits = len(inside), int(right[inside].sum())
        low, high = (float(bound) for bound in wilson(hits, n))
        bins.append(
            {
                "low": float(sure[inside].min()),
                "high": float(sure[inside].max()),
                "n": n,
                "confidence": float(sure[inside].mean()),
                "accuracy": {"value": hits / n, "low": low, "high": high},
            }
        )
    return bins


def calibration_error(bins: list[dict[str, Any]]) -> float | None:
    """The expected calibration error (ECE): mean distance of accuracy from confidence over bins."""
    total = sum(found["n"] for found in bins)
    if not total:
        return None
    apart = (found["n"] * abs(found["accuracy"]["value"] - found["confidence"]) for found in bins)
    return float(sum(apart) / total)


def error_by_chance(truth: np.ndarray, probabilities: np.ndarray) -> float | None:
    """The ECE that a perfectly calibrated model would show with these rows, by chance alone.

    Accuracy in a bin of n rows strays from confidence also where both agree in the long run, and
    the ECE counts every distance as positive: 71 rows a bin at 80 % make .04 out of nothing
    (Bröcker & Smith 2007; Roelofs et al. 2022). By the normal approximation in each bin.
    """
    if not len(truth):
        return None
    sure, _ = _sure_and_right(truth, probabilities)
    spread = (float(np.sqrt((sure[g] * (1 - sure[g])).sum())) for g in _groups(sure))
    return float(np.sqrt(2 / np.pi) * sum(spread) / len(truth))


def calibration(
    truth: np.ndarray, before: np.ndarray, after: np.ndarray, temperature: float
) -> dict[str, Any]:
    """What temperature changed on rows that it was not fitted on.

    Args:
        truth: int (n,) codes.
        before: float (n, k) probabilities without it.
        after: float (n, k) with it.
        temperature: that was applied.

    Returns:
        ``temperature``, ``rows``, ``ece_before``, ``ece_after``, ``ece_by_chance`` (what a
        perfectly calibrated model would show), ``curve_before``, ``curve_after``: see
        `reliability_bins`.
    """
    curves = [reliability_bins(truth, odds) for odds in (before, after)]
    return {
        "temperature": float(temperature),
        "rows": len(truth),
        "ece_before": calibration_error(curves[0]),
        "ece_after": calibration_error(curves[1]),
        "ece_by_chance": error_by_chance(truth, after),
        "curve_before": curves[0],
        "curve_after": curves[1],
    }


def _sure_and_right(truth: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return probabilities.max(1).astype(float), probabilities.argmax(1) == truth


def _groups(sure: np.ndarray) -> list[np.ndarray]:
    """Positions of the rows of each bin, from the least sure on."""
    n = len(sure)
    count = min(BINS, max(1, n // _BIN_ROWS))
    edges = np.sort(sure)[[n * i // count for i in range(1, count)]]
    place = np.searchsorted(edges, sure, side="right")
    return [np.flatnonzero(place == b) for b in np.unique(place)]
