"""What the ladder tried: its chart, its trainings epoch by epoch, and what it passed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graftwork.evaluation.report.format import duration, figure
from graftwork.evaluation.report.steps import steps

__all__ = ["ladder"]


def ladder(payload: Mapping[str, Any], share: bool) -> dict[str, Any] | None:
    """The chart of score against seconds (from two rungs on), curves, and rungs not tried."""
    chosen = payload.get("chosen") or {}
    rungs = [
        rung
        for rung in chosen.get("rungs") or []
        if rung.get("value") is not None and rung.get("seconds") is not None
    ]
    passed = [
        {"title": rung.get("title") or rung.get("name"), "reason": rung.get("reason", "")}
        for rung in chosen.get("not_tried") or []
    ]
    trainings = [row for rung in rungs for row in _curves(rung, share)]
    chart = None
    if len(rungs) > 1:
        chart = {
            "svg": steps(_one_on_another(rungs, 1.0 if share else None), share),
            "names": [str(rung.get("title") or rung.get("name")) for rung in rungs],
        }
    if not (chart or passed or trainings):
        return None
    return {"chart": chart, "passed": passed, "trainings": trainings}


def _one_on_another(
    rungs: Sequence[Mapping[str, Any]], most: float | None = None
) -> list[dict[str, Any]]:
    """The rungs, each at the score of the one that it was compared with, plus its gain.

    Where both were judged on the same rows that is its own score. A training is judged on the rows
    of its pilot: its own score may be lower than that of the rung which it gains on. The sum of
    two samples' figures ends at `most`, the best that there can be.
    """
    shown: list[dict[str, Any]] = []
    stood: float | None = None
    for rung in rungs:
        gain = (rung.get("gain") or {}).get("value")
        shift = 0.0 if stood is None or gain is None else stood + gain - rung["value"]
        moved = {
            key: None if rung.get(key) is None else _at_most(rung[key] + shift, most)
            for key in ("value", "low", "high")
        }
        shown.append({**rung, **moved})
        if rung.get("taken"):
            stood = moved["value"]
    return shown


def _at_most(value: float, most: float | None) -> float:
    return value if most is None else min(value, most)


def _curves(rung: Mapping[str, Any], share: bool) -> list[dict[str, Any]]:
    """One row an epoch of the rung's pilots."""
    facts = rung.get("facts") or {}
    rows = []
    for number, curve in enumerate(facts.get("curves") or [], 1):
        scores = curve.get("scores") or []
        for epoch, loss in enumerate(curve.get("losses") or [], 1):
            score = scores[epoch - 1] if epoch <= len(scores) else None
            rows.append(
                {
                    "rung": rung.get("title") or rung.get("name"),
                    "pilot": number,
                    "epoch": epoch,
                    "loss": f"{loss:.3f}",
                    "score": "–" if score is None else figure(score, share),
                    "seconds": duration(curve["seconds"][epoch - 1]),
                }
            )
    return rows
