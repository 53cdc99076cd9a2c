"""What a model gets wrong where it may pass: estimated out of fold, or promised.

The estimate is a table: at each share of rows answered (the surest first) the lowest probability
there and the share of errors, from out-of-fold probabilities. The promise is a row of that table,
picked on calibration rows that neither the search nor the fit have seen (`stats.selective`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graftwork.evaluation.calibration import FEWEST_ROWS
from graftwork.stats.proportions import wilson
from graftwork.stats.selective import Selection, guaranteed, rows_that_would_do, rows_without_error

__all__ = [
    "COVERAGES",
    "answered_above",
    "calibration_rows",
    "risk_coverage",
    "thresholds_of",
    "too_few",
    "with_guarantee",
    "with_observed",
]

COVERAGES = tuple(round(1 - step / 20, 2) for step in range(20))  # 1.0, .95, … .05
_SHARE, _MOST_SHARE = 0.2, 0.5  # of the rows that are not test


def thresholds_of(probabilities: np.ndarray) -> list[float]:
    """The lowest confidence at each of `COVERAGES`, rising, each once; the first is 0 (answer all).

    With fewer than 50 rows to take them from they are evenly spaced, which is as good a guess.
    """
    if len(probabilities) < FEWEST_ROWS:
        return [round(step / len(COVERAGES), 2) for step in range(len(COVERAGES))]
    sure = np.sort(probabilities.max(1).astype(float))[::-1]
    found = {float(sure[max(1, round(wanted * len(sure))) - 1]) for wanted in COVERAGES[1:]}
    return [0.0, *sorted(found - {0.0})]


def answered_above(
    truth: np.ndarray, probabilities: np.ndarray, threshold: float
) -> dict[str, Any]:
    """What is answered at a threshold: ``n``, ``coverage``, and ``error`` with its interval.

    Args:
        truth: int (n,) codes.
        probabilities: float (n, k).
        threshold: rows whose highest probability is at least this are answered.
    """
    above = probabilities.max(1) >= threshold
    n = int(above.sum())
    errors = int((probabilities.argmax(1) != truth)[above].sum())
    low, high = (float(bound) for bound in wilson(errors, n))
    error = {"value": errors / n if n else None, "low": low, "high": high}
    return {"n": n, "coverage": n / len(truth) if len(truth) else 0.0, "error": error}


def risk_coverage(truth: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    """The risk–coverage table of some rows (El-Yaniv & Wiener 2010), all answered first.

    Args:
        truth: int (n,) codes.
        probabilities: float (n, k) out of fold, calibrated.

    Returns:
        ``rows`` and ``curve``: ``threshold``, ``coverage``, ``n``, ``error`` with 95 % interval.
    """
    curve = [
        {"threshold": threshold, **answered_above(truth, probabilities, threshold)}
        for threshold in thresholds_of(probabilities)
    ]
    return {"rows": len(truth), "curve": curve}


def with_observed(
    stored: Mapping[str, Any], truth: np.ndarray, probabilities: np.ndarray
) -> dict[str, Any]:
    """A stored table and guarantee, with what these rows show at the same thresholds.

    Args:
        stored: as `risk_coverage` and `with_guarantee` gave it.
        truth: int (n,) codes of rows that the table was not made of.
        probabilities: float (n, k) of them, calibrated.

    Returns:
        the same with ``observed`` in each row of the curve and in the guarantee.
    """
    curve = [
        {**row, "observed": answered_above(truth, probabilities, row["threshold"])}
        for row in stored["curve"]
    ]
    promise = stored.get("guarantee")
    if promise and promise.get("threshold") is not None:
        promise = {
            **promise,
            "observed": answered_above(truth, probabilities, promise["threshold"]),
        }
    return {**stored, "curve": curve, "guarantee": promise}


def calibration_rows(n: int, risk: float, delta: float) -> int:
    """How many of `n` rows to keep back for a guarantee; 0 where half of them would not do.

    A fifth, or where that is more twice the fewest that could be enough (no error among them, half
    of them answered), but never more than half.
    """
    least = rows_without_error(risk, delta, len(COVERAGES))
    most = int(_MOST_SHARE * n)
    return 0 if most < least else min(most, max(round(_SHARE * n), 2 * least))


def too_few(n: int, risk: float, delta: float) -> dict[str, Any]:
    """The guarantee of a run that has too few rows to keep any back."""
    wanted = int(rows_without_error(risk, delta, len(COVERAGES)) / _MOST_SHARE)
    told = (
        f"Nothing is promised: for at most {_percent(risk)} errors with confidence "
        f"{_percent(1 - delta)} at least {wanted:,} rows beside the test part are needed, "
        f"and there are {n:,}. None was kept back."
    )
    return {
        **_asked(risk, delta),
        "threshold": None,
        "rows": 0,
        "rows_needed": wanted,
        "sentence": told,
    }


def with_guarantee(
    truth: np.ndarray,
    probabilities: np.ndarray,
    thresholds: Sequence[float],
    *,
    risk: float,
    delta: float,
    unknown: int = 0,
) -> dict[str, Any]:
    """The loosest threshold that can be promised, counted on calibration rows.

    Args:
        truth: int (n,) codes of the calibration rows.
        probabilities: float (n, k) of the final model.
        thresholds: fixed without these rows (`thresholds_of` out-of-fold probabilities).
        risk: largest share of errors among what is answered.
        delta: chance that the promise is broken.
        unknown: calibration rows besides, each with a label that no other row has. They count as
            answered and wrong at every threshold: so may a new row be whose label is new, and how
            sure the model will be of it cannot be known.

    Returns:
        ``risk``, ``delta``, ``rows``, ``unknown``, ``looks``, ``sentence``, and ``threshold``
        (None: none can be promised; ``rows_needed`` then says how many calibration rows would do,
        if known) with ``answered``, ``coverage``, ``errors`` and ``bound``.
    """
    sure = np.append(probabilities.max(1), np.ones(unknown))
    wrong = np.append(probabilities.argmax(1) != truth, np.ones(unknown, dtype=bool))
    found = guaranteed(sure, wrong, thresholds, risk=risk, delta=delta)
    told: dict[str, Any] = {
        **_asked(risk, delta),
        "rows": len(sure),
        "unknown": unknown,
        "looks": len(thresholds),
    }
    if found is not None:
        return {
            **told,
            "threshold": found.threshold,
            "answered": found.answered,
            "coverage": found.answered / len(sure),
            "errors": found.errors,
            "bound": found.bound,
            "sentence": _promised(found, len(sure), risk, delta) + _alone(unknown),
        }
    needed = rows_that_would_do(sure, wrong, thresholds, risk=risk, delta=delta)
    would = (
        f"About {needed:,} calibration rows would do, if errors stay as they are."
        if needed
        else "No number of rows would do: the model errs more often wherever it is cut. Ask for "
        "a larger share, or better the model."
    )
    sentence = (
        f"Nothing is promised: with {len(sure):,} calibration rows no threshold keeps errors "
        f"to {_percent(risk)} with confidence {_percent(1 - delta)}. {would}{_alone(unknown)}"
    )
    return {**told, "threshold": None, "rows_needed": needed, "sentence": sentence}


def _promised(found: Selection, rows: int, risk: float, delta: float) -> str:
    where = (
        f"Where the probability is at least {found.threshold:.4f}, at most"
        if found.threshold > 0
        else "Every row can be answered: at most"
    )
    return (
        f"{where} {_percent(risk)} of the answers are wrong, with confidence "
        f"{_percent(1 - delta)}: {found.errors:,} of {found.answered:,} were, on {rows:,} "
        f"calibration rows that nothing else has seen ({_percent(found.answered / rows)} of them "
        "answered)."
    )


def _alone(unknown: int) -> str:
    """What is said of rows whose label no other row has, or nothing."""
    if not unknown:
        return ""
    return (
        f" {unknown:,} of these rows have labels that no other row has; they count as wrong, as "
        "new rows may have new labels too."
    )


def _asked(risk: float, delta: float) -> dict[str, Any]:
    return {"risk": risk, "delta": delta}


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
