"""The tables of the report: classes, confusions, rows to read, provenance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graftwork.evaluation.report.data_view import row_texts
from graftwork.evaluation.report.format import (
    OUTCOMES,
    figure,
    metric_title,
    share_metric,
    span,
    text_of,
)

__all__ = [
    "cautions",
    "choice",
    "classes",
    "confusion",
    "provenance",
    "scores",
]

LARGEST_HEAT_MAP = 30  # classes; above, the most confused pairs alone


def scores(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All metrics of the model kept."""
    rows = []
    for name, found in (payload.get("test") or {}).items():
        share = share_metric(name)
        rows.append(
            {
                "name": metric_title(name),
                "value": figure(found["value"], share),
                "span": span(found, share),
            }
        )
    return rows


_SHOWN_ELSEWHERE = {
    "name",
    "title",
    "n",
    "seconds",
    "note",
    "rungs",
    "is_transfer",
    "over_transfer",
    "not_tried",
    "reason",
}


_FACTS = {"words": "in words", "chosen": "in words"}


def choice(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Why it was chosen, and with which settings."""
    chosen = payload.get("chosen") or {}
    facts = [
        (_FACTS.get(key, str(key).replace("_", " ")), text_of(value))
        for key, value in chosen.items()
        if key not in _SHOWN_ELSEWHERE
    ]
    return {"title": chosen.get("title", ""), "reason": chosen.get("reason") or "", "facts": facts}


def classes(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Precision, recall and F1 with bars, class by class."""
    rows = []
    for c in payload.get("per_class") or []:
        row: dict[str, Any] = {"label": text_of(c["label"]), "support": c["support"]}
        for name in ("precision", "recall", "f1"):
            found = c.get(name)
            value = found["value"] if found else None
            row[name] = {
                "text": figure(value, digits=2),
                "sort": -1 if value is None else round(value, 6),
                "width": 0 if value is None else round(100 * value, 1),
                "span": span(found),
            }
        rows.append(row)
    return rows


def confusion(payload: Mapping[str, Any], redact: bool = False) -> dict[str, Any] | None:
    """The heat map where classes are few, and the most confused pairs with rows to read."""
    confusion = payload.get("confusion")
    if not confusion:
        return None
    labels = [text_of(label) for label in confusion["labels"]]
    matrix = confusion.get("matrix")
    rows = []
    if matrix and len(labels) <= LARGEST_HEAT_MAP:
        for i, (label, counts) in enumerate(zip(labels, matrix, strict=True)):
            total = max(1, sum(counts))
            cells = [
                {
                    "n": n,
                    "strength": round(100 * n / total),
                    "right": i == j,
                    "say": f"{n} of {total} rows of {label} predicted as {labels[j]}",
                }
                for j, n in enumerate(counts)
            ]
            rows.append({"label": label, "cells": cells})
    pairs = [
        {
            "truth": text_of(p["truth"]),
            "predicted": text_of(p["predicted"]),
            "n": p["n"],
            "share": figure(p["share"], True, 0),
            "width": round(100 * p["share"], 1),
            "examples": row_texts(p.get("examples"), redact),
        }
        for p in confusion.get("pairs", [])[: 8 if rows else 20]
    ]
    return {"labels": labels, "rows": rows, "pairs": pairs}


def cautions(payload: Mapping[str, Any], metric: str, share: bool) -> list[dict[str, str]]:
    """Test rows that may flatter: scores and verdict with and without them."""
    own = (payload.get("test") or {}).get(metric)
    parts = dict(payload.get("without") or {})
    parts["rows that the model was trained on"] = payload.get("contamination") or {}
    rows = []
    for name, found in parts.items():
        if not found.get("checked"):
            continue
        rest = (found.get("test") or {}).get(metric)
        same = "–" if found["flagged"] else "the same"
        outcome = (found.get("verdict") or {}).get("outcome")
        if payload.get("evidence") == "evaluate":  # its one control carries no verdict on transfer
            outcome = None
        rows.append(
            {
                "name": name,
                "flagged": f"{found['flagged']:,}",
                "with": figure(own["value"], share) if own else "–",
                "without": figure(rest["value"], share) if rest else same,
                "verdict": OUTCOMES[outcome][0] if outcome in OUTCOMES else same,
            }
        )
    return rows


_RECORD_FIRST = ("run_id", "created", "command")


def provenance(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Run, versions, hashes, recipe, protocol, and how to replay."""
    record, recipe = payload.get("record") or {}, payload.get("recipe") or {}
    head = [(k.replace("_", " "), text_of(record[k])) for k in _RECORD_FIRST if record.get(k)]
    plain = [
        (str(k).replace("_", " "), text_of(v))
        for k, v in record.items()
        if k not in _RECORD_FIRST and not isinstance(v, Mapping)
    ]
    if payload.get("model"):  # of several data sets
        record = {**record, "model": payload["model"]}
    tables = [
        (str(k).replace("_", " "), [(str(a), text_of(b)) for a, b in v.items()])
        for k, v in record.items()
        if isinstance(v, Mapping) and v
    ]
    settings = [(str(k), text_of(v)) for k, v in recipe.items() if v not in (None, "", [], {})]
    protocol = [(k, text_of(v)) for k, v in (payload.get("protocol") or {}).items()]
    return {
        "facts": head + plain,
        "tables": tables,
        "recipe": settings,
        "protocol": protocol,
        "replay": text_of(record["command"]) if record.get("command") else "",
        "openings": payload.get("openings"),
    }
