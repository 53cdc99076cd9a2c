"""A model that may pass: how few errors can be promised among the rows that it answers?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Selection", "error_bound", "guaranteed", "rows_that_would_do", "rows_without_error"]

_MOST = 10_000_000  # rows; what would take more is told as out of reach


@dataclass(frozen=True)
class Selection:
    """A threshold and what was counted above it on the calibration rows.

    Attributes:
        threshold: answer where the confidence is at least this.
        answered: calibration rows that are answered.
        errors: wrong ones among them.
        bound: upper bound of the share of errors, at the level that each look was given.
    """

    threshold: float
    answered: int
    errors: int
    bound: float


def error_bound(errors: int, answered: int, delta: float) -> float:
    """The largest share of errors that so few errors still leave a chance of `delta`.

    The exact binomial tail (Clopper & Pearson 1934; lemma 3.1 of Geifman & El-Yaniv 2017): with
    chance 1 - delta the true share lies below. 1.0 where nothing was answered.

    Args:
        errors: wrong rows.
        answered: of how many.
        delta: chance that the bound fails.
    """
    if errors >= answered:
        return 1.0
    from scipy.special import bdtri

    return float(bdtri(errors, answered, delta))


def rows_without_error(risk: float, delta: float, looks: int) -> int:
    """Answered rows that it takes at least, all of them right, to promise `risk`."""
    return math.ceil(math.log(delta / looks) / math.log1p(-risk))


def guaranteed(
    confidence: np.ndarray,
    wrong: np.ndarray,
    thresholds: Sequence[float],
    *,
    risk: float,
    delta: float,
) -> Selection | None:
    """The loosest threshold above which at most `risk` of what is answered is wrong.

    With chance 1 - delta over the draw of the calibration rows, if later rows come from where they
    came from. The bound is that of Geifman & El-Yaniv 2017 (Selective classification for deep
    neural networks). Their search looks at ⌈log2 m⌉ thresholds along a path which the same rows
    decide; here the thresholds are fixed beforehand and *all* are looked at, each with
    delta / len(thresholds), so that the promise needs no assumption on how errors fall along the
    path. With 20 thresholds that takes a fifth more rows than their 10 looks for 1,000 rows.

    Args:
        confidence: float (n,), of calibration rows that neither model nor thresholds have seen.
        wrong: bool (n,).
        thresholds: fixed without these rows.
        risk: largest share of errors.
        delta: chance that the promise is broken.

    Returns:
        the selection, or None where no threshold can be promised.
    """
    share = delta / max(1, len(thresholds))
    for threshold in sorted(thresholds):  # loosest first: the first that holds answers most
        above = confidence >= threshold
        answered, errors = int(above.sum()), int(wrong[above].sum())
        bound = error_bound(errors, answered, share)
        if bound <= risk:
            return Selection(float(threshold), answered, errors, bound)
    return None


def rows_that_would_do(
    confidence: np.ndarray,
    wrong: np.ndarray,
    thresholds: Sequence[float],
    *,
    risk: float,
    delta: float,
) -> int | None:
    """Calibration rows with which a threshold could be promised, if errors stay as they are.

    A guide: the share of errors above each threshold is taken from these rows, and is put up by one
    error (at most half way to `risk`), so that few rows promise little. Rounded up to two digits.

    Returns:
        the fewest rows over all thresholds, or None where the share of errors is above `risk` at
        each of them (more rows would not help; a better model would).
    """
    share, found = delta / max(1, len(thresholds)), []
    for threshold in thresholds:
        above = confidence >= threshold
        answered, errors = int(above.sum()), int(wrong[above].sum())
        if answered and errors / answered < risk:
            error = min((errors + 1) / (answered + 2), (errors / answered + risk) / 2)
            needed = _answered_for(error, risk, share)
            if needed is not None:
                found.append(needed * len(confidence) / answered)
    return _two_digits(min(found)) if found and min(found) <= _MOST else None


def _answered_for(error: float, risk: float, delta: float) -> int | None:
    """Answered rows at which that share of errors is bounded by `risk`."""
    low, high = 1, 2
    while error_bound(math.ceil(error * high), high, delta) > risk:
        low, high = high, high * 2
        if high > _MOST:
            return None
    while high - low > max(1, low // 100):
        middle = (low + high) // 2
        if error_bound(math.ceil(error * middle), middle, delta) > risk:
            low = middle
        else:
            high = middle
    return high


def _two_digits(rows: float) -> int:
    step = 10 ** max(0, math.floor(math.log10(max(rows, 1))) - 1)
    return int(math.ceil(rows / step) * step)
