"""What the evidence says of the data: learning curve, suspected labels, rows to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from graftwork.evaluation.report.curve import curve
from graftwork.evaluation.report.format import figure, text_of, thousands

__all__ = ["examples", "gallery", "label_errors", "learning", "row_texts"]


def learning(payload: Mapping[str, Any], share: bool) -> dict[str, Any] | None:
    """The curve and its sentence."""
    found = payload.get("learning_curve")
    if not found or not found.get("points"):
        return None
    points = found["points"]
    chart = None
    if len(points) > 1:
        chart = curve(points, _forecast(found.get("twice"), points[-1]), share)
    return {"svg": chart, "sentence": text_of(found["sentence"]), "of": text_of(found.get("of"))}


def _forecast(
    twice: Mapping[str, Any] | None, last: Mapping[str, Any]
) -> dict[str, float | None] | None:
    """The forecast as a point, with the interval of the gain about it."""
    if not twice or twice.get("gain") is None:
        return None
    score = min(1.0, twice.get("score", last["score"] + twice["gain"]))
    bounds = {
        key: None if twice[key] is None else min(1.0, score + twice[key] - twice["gain"])
        for key in ("low", "high")
    }
    return {"rows": twice["rows"], "score": score, **bounds}


def label_errors(payload: Mapping[str, Any], redact: bool) -> dict[str, Any] | None:
    """The first suspects, with their texts where there are any."""
    found = payload.get("label_errors")
    if not found:
        return None
    rows = [
        {
            "row": e["row"],
            "label": text_of(e["label"]),
            "suggested": text_of(e["suggested"]),
            "score": figure(e["score"], digits=2),
            "width": round(100 * e["score"], 1),
            "html": _html(e, redact),
        }
        for e in found["first"]
    ]
    suspected, looked_at = found["suspected"], found["rows_looked_at"]
    return {
        "rows": rows,
        "suspected": f"{suspected:,}",
        "looked_at": f"{looked_at:,}",
        "share": figure(suspected / looked_at if looked_at else None, True),
        "by": text_of(found.get("by")),
        "texts": any(row["html"] is not None for row in rows),
        "more": suspected > len(rows),
        "many": bool(found.get("many")),
    }


def row_texts(rows: Sequence[Any] | None, redact: bool) -> list[dict[str, Any]]:
    """Rows to read beside a table's line: numbers alone (from `metrics.json`) or with texts."""
    return [
        {"row": row["row"], "html": _html(row, redact)}
        if isinstance(row, Mapping)
        else {"row": row, "html": None}
        for row in rows or ()
    ]


def gallery(payload: Mapping[str, Any], redact: bool) -> dict[str, Any] | None:
    """Rows of each class and near-duplicates side by side; None where there is nothing to see."""
    found = payload.get("gallery")
    if redact or not found:
        return None
    classes = [
        {
            "label": text_of(each["label"]),
            "rows": thousands(each["rows"]),
            "shown": list(map(_look, each["shown"])),
        }
        for each in found.get("classes") or ()
    ]
    alike = found.get("alike") or {}
    groups = [
        {"shown": list(map(_look, group)), "kind": _alike_kind(group)}
        for group in alike.get("shown") or ()
    ]
    if not classes and not groups:
        return None
    return {"classes": classes, "alike": groups, "groups": thousands(alike.get("groups") or 0)}


def _look(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "row": row["row"],
        "name": text_of(row.get("name")),
        "label": text_of(row.get("label")),
        "part": text_of(row.get("part")),
        "html": Markup(row["html"]),
    }


def _alike_kind(group: Sequence[Mapping[str, Any]]) -> str:
    """What is wrong with a group of look-alikes, in words; empty where nothing is."""
    faults = []
    if len({row.get("part") for row in group}) > 1:
        faults.append("in several parts")
    if len({row.get("label") for row in group}) > 1:
        faults.append("under several labels")
    return ", ".join(faults)


def examples(payload: Mapping[str, Any], redact: bool) -> list[dict[str, Any]]:
    """Rows to read; `html` comes escaped from the modality and is the only markup let through."""
    shown = []
    for e in payload.get("examples") or []:
        right = e.get("probability_right")
        shown.append(
            {
                "row": e.get("row"),
                "html": _html(e, redact),
                "label": text_of(e.get("label")),
                "predicted": text_of(e.get("predicted")),
                "right": e.get("label") == e.get("predicted"),
                "probability": figure(e.get("probability"), True, 0),
                "probability_right": None if right is None else figure(right, True, 0),
                "why": "" if redact or not e.get("why") else text_of(e["why"]),
                "nearest": [
                    {
                        "row": near["row"],
                        "html": _html(near, redact),
                        "label": text_of(near["label"]),
                        "similarity": figure(near["similarity"], digits=2),
                        "kind": _side(near["label"], e),
                    }
                    for near in e.get("nearest") or []
                ],
            }
        )
    return shown


def _side(label: Any, example: Mapping[str, Any]) -> str:
    """Whether a neighbour speaks for the label (good), the prediction (bad) or neither."""
    if label == example.get("label"):
        return "good"
    return "bad" if label == example.get("predicted") else "even"


def _html(row: Mapping[str, Any], redact: bool) -> Markup | None:
    return None if redact or row.get("html") is None else Markup(row["html"])
