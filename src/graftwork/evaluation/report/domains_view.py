"""The matrix over data sets: one row each, against the score on the run's own test part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graftwork.evaluation.report.format import difference, figure, span, thousands

__all__ = ["domains_view"]

_KINDS = {"yes": "good", "no": "bad", "undecidable": "warn"}
_LAST = -9  # where nothing is known, a row stands behind all others when sorted


def domains_view(payload: Mapping[str, Any], share: bool) -> dict[str, Any] | None:
    """What the section on data sets shows; None where the payload has none."""
    told = payload.get("domains")
    if not told:
        return None
    by = str(told["by"])
    margin = (payload.get("protocol") or {}).get("margin", 0.0)
    return {
        "title": "Data set by data set" if by == "data set" else f"By {by}",
        "by": by[:1].upper() + by[1:],
        "lead": _lead(told, share),
        "rows": [_row(row, share) for row in told["rows"]],
        "hint": (
            f"With 95 % intervals. “No”: the whole interval of the difference lies below "
            f"−{margin:g}; “yes”: the whole of it above (Newcombe's method, other rows on both "
            "sides). Each interval is for itself: of twenty, one may be off. Rows that the model "
            "was trained on count in the score and are left out of the difference."
        ),
    }


def _lead(told: Mapping[str, Any], share: bool) -> str:
    own = told.get("own")
    if not own:
        return (
            "The model's score on a test part of its own is not known here, so there is nothing to "
            "compare with."
        )
    where = "rows, out of fold" if told.get("own_evidence") == "out of fold" else "test rows"
    rows = f" on {thousands(told['own_rows'])} {where}" if told.get("own_rows") else ""
    return f"The run's own score{rows}: {figure(own['value'], share)} ({span(own, share)})."


def _row(row: Mapping[str, Any], share: bool) -> dict[str, Any]:
    score, apart = row.get("score") or {}, row.get("difference") or {}
    error, answer = row.get("calibration_error"), row.get("carries_over")
    seen = row.get("seen")
    notes = [row.get("note") or "", f"{thousands(seen)} rows were trained on" if seen else ""]
    return {
        "name": row["name"],
        "note": "; ".join(note for note in notes if note),
        "kind": _KINDS.get(str(answer), ""),
        "carries": answer,
        "n": thousands(row["n"]),
        "n_sort": row["n"],
        "score": figure(score.get("value"), share),
        "score_sort": score.get("value", _LAST),
        "span": span(score, share),
        "difference": difference(apart.get("value"), share),
        "difference_sort": apart.get("value", _LAST),
        "difference_span": span(apart, share, signed=True),
        "error": figure(error, True),
        "error_sort": _LAST if error is None else error,
        "unknown": figure(row.get("unknown"), True),
        "unknown_sort": row.get("unknown") or 0,
    }
