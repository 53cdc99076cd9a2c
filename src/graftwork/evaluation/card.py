"""The model card: `README.md` of the model directory, from the same payload as the report."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from graftwork.evaluation.report.format import (
    duration,
    figure,
    megabytes,
    metric_title,
    share_metric,
    span,
    text_of,
    thousands,
)

__all__ = ["card", "markdown_table", "safe"]

_CLASSES_SHOWN = 60


def safe(value: Any) -> str:
    """Any text inside Markdown: one line, no markup of Markdown or HTML, no table breaks."""
    line = html.escape(" ".join(text_of(value).split()), quote=False)
    return re.sub(r"([\\`*_\[\]|#~])", r"\\\1", line)


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table in Markdown, an empty one after them."""
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def card(payload: Mapping[str, Any]) -> str:
    """The card as Markdown, with the front matter that model hubs read.

    Args:
        payload: what `evidence.prove` gives, with `recipe` and `record` beside it; any part may be
            absent. No text of any row goes into a card; labels do.
    """
    parts = (_head, _scores, _classes, _limits, _use, _origin)
    return "\n".join(line for part in parts for line in part(payload)).rstrip() + "\n"


def _head(payload: Mapping[str, Any]) -> list[str]:
    chosen, recipe = payload.get("chosen") or {}, payload.get("recipe") or {}
    verdict = payload.get("verdict") or {}
    target = recipe.get("target")
    lines = [
        "---",
        "library_name: graftwork",
        "tags:",
        "- graftwork",
        "- transfer-learning",
        "---",
        "",
    ]
    lines += [f"# Model for “{safe(target)}”" if target else "# Graftwork model", ""]
    if chosen.get("title"):
        lines += [f"{safe(chosen['title'])}.", ""]
    if verdict.get("sentence"):
        lines += [f"> **{safe(verdict['sentence'])}**", ""]
    if chosen.get("is_transfer") is False:
        lines += [
            "The verdict is told of the best transfer model; the one kept here is another.",
            "",
        ]
    return lines


def _scores(payload: Mapping[str, Any]) -> list[str]:
    test = payload.get("test") or {}
    if not test:
        return []
    rows = [
        [metric_title(name), figure(x["value"], share_metric(name)), span(x, share_metric(name))]
        for name, x in test.items()
    ]
    lines = [f"## How good it is, on {thousands(payload.get('n_test'))} test rows", ""]
    lines += markdown_table(["metric", "value", "95 % interval"], rows)
    metric, info = str(payload.get("metric", "accuracy")), payload.get("control_info") or {}
    share = share_metric(metric)
    controls = [
        [
            safe((info.get(name) or {}).get("title", name)),
            figure(scores[metric]["value"], share),
            span(scores[metric], share),
        ]
        for name, scores in (payload.get("controls") or {}).items()
        if metric in scores
    ]
    if controls:
        lines += ["Without transfer:", ""]
        lines += markdown_table(["control", metric_title(metric), "95 % interval"], controls)
    return lines


def _classes(payload: Mapping[str, Any]) -> list[str]:
    found = list(payload.get("per_class") or [])
    if not found:
        return []
    rows = [
        [
            safe(c["label"]),
            thousands(c["support"]),
            *(
                figure((c.get(x) or {}).get("value"), digits=2)
                for x in ("precision", "recall", "f1")
            ),
        ]
        for c in found[:_CLASSES_SHOWN]
    ]
    lines = [
        "## Classes",
        "",
        *markdown_table(["label", "test rows", "precision", "recall", "F1"], rows),
    ]
    if len(found) > _CLASSES_SHOWN:
        lines += [
            f"{len(found) - _CLASSES_SHOWN} more classes are in `metrics.json` of the run.",
            "",
        ]
    return lines


def _limits(payload: Mapping[str, Any]) -> list[str]:
    """What a user should know before relying on it, from the evidence alone."""
    metric = str(payload.get("metric", "accuracy"))
    share = share_metric(metric)
    notes = []
    for column, found in (payload.get("slices") or {}).items():
        worst = next((g for g in found["groups"] if g["worst"]), None)
        if worst:
            notes.append(
                f"Weakest where {safe(column)} is “{safe(worst['value'])}”: "
                f"{metric_title(metric)} {figure(worst[metric]['value'], share)} "
                f"on {thousands(worst['n'])} rows."
            )
    for pair in ((payload.get("confusion") or {}).get("pairs") or [])[:3]:
        notes.append(
            f"“{safe(pair['truth'])}” is taken for “{safe(pair['predicted'])}” in "
            f"{figure(pair['share'], True, 0)} of its rows."
        )
    unseen = [c["label"] for c in payload.get("per_class") or [] if not c["support"]]
    if unseen:
        notes.append(f"Classes without test rows, so unproven: {safe(unseen[:20])}.")
    if payload.get("openings"):
        notes.append(f"The test part had been opened {payload['openings']} time(s) before.")
    return ["## Know before use", "", *(f"- {note}" for note in notes), ""] if notes else []


def _use(payload: Mapping[str, Any]) -> list[str]:
    return [
        "## Use",
        "",
        "```",
        "graftwork predict PATH_OF_THIS_DIRECTORY new.csv --out predictions.csv",
        "```",
        "",
        "```python",
        "import graftwork",
        "",
        'model = graftwork.load("PATH_OF_THIS_DIRECTORY")',
        "```",
        "",
    ]


def _origin(payload: Mapping[str, Any]) -> list[str]:
    cost, recipe = payload.get("cost") or {}, payload.get("recipe") or {}
    record = payload.get("record") or {}
    pairs = [
        ("base", recipe.get("base")),
        ("strategy", recipe.get("strategy")),
        ("metric", payload.get("metric")),
        ("seed", recipe.get("seed")),
        ("trained parameters", _shown(cost, "trainable_parameters", thousands)),
        ("time", _shown(cost, "seconds", duration)),
        ("peak memory", _shown(cost, "peak_memory_mb", megabytes)),
        ("run", record.get("run_id")),
        ("versions", record.get("versions")),
    ]
    rows = [[name, safe(value)] for name, value in pairs if value not in (None, "", {})]
    return ["## Where it comes from", "", *markdown_table(["what", "value"], rows)] if rows else []


def _shown(cost: Mapping[str, Any], key: str, show: Any) -> str | None:
    return show(cost[key]) if cost.get(key) is not None else None
