"""The page of a comparison: one self-contained HTML file, as the report of a run is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graftwork.evaluation.referee.cost import money
from graftwork.evaluation.referee.sentence import outcome_words, p_words
from graftwork.evaluation.report.charts import Scale, axis, scale_for, whisker
from graftwork.evaluation.report.comparison_curves import shortened, wrong_by_answered
from graftwork.evaluation.report.format import (
    difference,
    figure,
    metric_title,
    multiple,
    share_metric,
    span,
    thousands,
)
from graftwork.evaluation.report.render import page, write_page

__all__ = ["comparison_html", "render_comparison"]

LONGEST_ANSWER = 120  # characters of an answer that is no label; it may be a whole text


def comparison_html(found: Mapping[str, Any], *, redact: bool = False) -> str:
    """The page as text.

    Args:
        found: the content of `comparison.json`, with `examples` beside it.
        redact: leave out all texts of rows.
    """
    return page("comparison.html.j2", _view(found, redact))


def render_comparison(found: Mapping[str, Any], folder: Path, *, redact: bool = False) -> Path:
    """Write `report.html` into an existing folder; returns its path.

    Raises:
        StorageError: it cannot be written.
    """
    return write_page(comparison_html(found, redact=redact), folder)


def _view(found: Mapping[str, Any], redact: bool) -> dict[str, Any]:
    names = [each["name"] for each in found["contestants"]]
    return {
        "title": f"Who answers best: {found.get('target', '')}",
        "redact": redact,
        "data": found.get("data", ""),
        "sentence": found["sentence"],
        "names": names,
        "tiles": _tiles(found),
        "metric_title": metric_title(found["metric"]),
        "chart": _scores(found),
        "table": [_row(each, found["metric"]) for each in found["contestants"]],
        "other_metric": found["metric"] if found["metric"] not in ("accuracy", "macro_f1") else "",
        "pairs": _pairs(found),
        "curves": wrong_by_answered(found["contestants"]),
        "handovers": [_handover(each) for each in found["handovers"]],
        "coverage": _coverage(found),
        "classes": [_won(row, row["label"], names) for row in found["classes"]],
        "slices": {
            name: [_won(row, row["value"], names) for row in rows]
            for name, rows in found["slices"].items()
        },
        "spellings": [_spellings(each, redact) for each in found["contestants"]],
        "examples": [_example(each, found["labels"]) for each in found.get("examples") or []],
        "differences": thousands((found.get("differences") or {}).get("n")),
        "cautions": _cautions(found),
        "protocol": found["protocol"],
        "hourly": money(found.get("hourly") or 0.0),
        "trained": any(each["trained_on"] for each in found["contestants"]),
    }


def _tiles(found: Mapping[str, Any]) -> list[dict[str, str]]:
    # the first may be so by another metric
    best = max(found["contestants"], key=lambda each: each["scores"]["accuracy"]["value"])
    score = best["scores"]["accuracy"]
    tiles = [
        {
            "name": "Most right answers",
            "value": figure(score["value"], True),
            "detail": f"{best['name']}, 95 % interval {span(score, True)}",
        },
        {
            "name": "Rows judged",
            "value": thousands(found["judged"]),
            "detail": f"of {thousands(found['n'])} with a label",
        },
    ]
    apart = found.get("differences") or {}
    if len(found["contestants"]) > 1 and apart.get("n") is not None:
        share = apart["n"] / found["judged"]
        detail = f"{figure(share, True)} of all: only these decide"
        tiles.append(
            {
                "name": "Rows with differing answers",
                "value": thousands(apart["n"]),
                "detail": detail,
            }
        )
    return tiles


def _scores(found: Mapping[str, Any]) -> dict[str, Any]:
    scores = [each["scores"]["accuracy"] for each in found["contestants"]]
    scale = scale_for(scores, most=1.0)
    rows = []
    for place, (each, score) in enumerate(zip(found["contestants"], scores, strict=True)):
        kind = "chosen" if place == 0 else "control"
        rows.append(
            {
                "kind": kind,
                "title": each["name"],
                "role": each["source"] if each["source"] != each["name"] else each["kind"],
                "value": figure(score["value"], True),
                "span": span(score, True),
                "svg": whisker(
                    score, scale, kind, f"{each['name']}: {figure(score['value'], True)}"
                ),
            }
        )
    return {"rows": rows, "axis": axis(scale, True)}


def _row(each: Mapping[str, Any], metric: str) -> dict[str, Any]:
    answers, price, trained = each["answers"], each["price"], each["trained_on"]
    other = each["scores"].get(metric.replace("-", "_"))
    return {
        "name": each["name"],
        "accuracy": figure(each["scores"]["accuracy"]["value"], True),
        "macro_f1": figure(each["scores"]["macro_f1"]["value"]),
        "other": figure(other["value"], share_metric(metric)) if other else "",
        "outside": thousands(answers["outside"]),
        "empty": thousands(answers["empty"]),
        "price": "–" if price is None else money(price["value"]),
        "price_source": "" if price is None else price["source"],
        "trained": "" if not trained else thousands(trained["n"]),
    }


def _pairs(found: Mapping[str, Any]) -> dict[str, Any] | None:
    if not found["pairs"]:
        return None
    scale = scale_for([pair["difference"] for pair in found["pairs"]], zero=True)
    rows = [_pair(pair, scale) for pair in found["pairs"]]
    return {"rows": rows, "axis": axis(scale, True, signed=True), "table": rows}


def _pair(pair: Mapping[str, Any], scale: Scale) -> dict[str, Any]:
    kind = {"a": "good", "b": "bad"}.get(pair["outcome"], "even")
    title, apart = f"{pair['a']} minus {pair['b']}", pair["difference"]
    metric = pair["metric"]
    return {
        "kind": kind,
        "title": title,
        "role": outcome_words(pair),
        "value": difference(apart["value"], True),
        "span": span(apart, True, signed=True),
        "svg": whisker(apart, scale, kind, f"{title}: {difference(apart['value'], True)}", 0.0),
        "only_a": thousands(pair["only_a"]),
        "only_b": thousands(pair["only_b"]),
        "neither": thousands(pair["neither"]),
        "p": p_words(pair["p_holm"]),
        "agreement": figure(pair["agreement"], True),
        "kappa": figure(pair["kappa"]),
        "metric": ""
        if metric is None
        else f"{difference(metric['value'])} ({span(metric, signed=True)})",
    }


def _handover(each: Mapping[str, Any]) -> dict[str, Any]:
    errors, price = each["errors"], each["price"]
    return {
        "first": each["first"],
        "other": each["other"],
        "rate": figure(each["rate"], True),
        "coverage": figure(each["coverage"]["value"], True),
        "wrong": figure((errors["first"] or {}).get("value"), True),
        "theirs": figure((errors["other"] or {}).get("value"), True),
        "together": figure(each["together"]["value"], True),
        "gain": difference(each["gain"]["value"], True),
        "gain_span": span(each["gain"], True, signed=True),
        "ratio": multiple((price or {}).get("ratio")),
    }


def _coverage(found: Mapping[str, Any]) -> dict[str, Any] | None:
    told = [each for each in found["contestants"] if each["coverage"]]
    if not told:
        return None
    rates = [
        figure(row["rate"], True, 0 if row["rate"] >= 0.01 else 1) for row in told[0]["coverage"]
    ]
    rows = [
        {"name": each["name"], "shares": [_covered(row) for row in each["coverage"]]}
        for each in told
    ]
    return {"rates": rates, "rows": rows}


def _covered(row: Mapping[str, Any]) -> str:
    if not row["coverage"]:
        return "none"
    return f"{figure(row['coverage'], True)} ({figure(row['errors']['value'], True)} wrong)"


def _won(row: Mapping[str, Any], name: Any, names: Sequence[str]) -> dict[str, Any]:
    said = row.get("precision") or {}
    return {
        "name": name,
        "n": thousands(row["n"]),
        "n_sort": row["n"],
        "cells": [
            {
                "text": figure(row["right"][each]["value"], True),
                "sort": row["right"][each]["value"],
                "best": each == row["best"],
                "precision": figure((said.get(each) or {}).get("value"), True) if said else "",
            }
            for each in names
        ],
        "clear": row["clear"],
        "tie": row["best"] is None,
    }


def _spellings(each: Mapping[str, Any], redact: bool) -> dict[str, Any]:
    answers = each["answers"]
    return {
        "name": each["name"],
        "outside": thousands(answers["outside"]) if answers["outside"] else "",
        "respelt": thousands(answers["respelt"]) if answers["respelt"] else "",
        "rows": [] if redact else [_spelling(row) for row in answers["spellings"]],
        "read_as": {} if redact else answers["read_as"],
    }


def _spelling(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "answer": shortened(row["answer"], LONGEST_ANSWER)}


def _example(row: Mapping[str, Any], labels: Sequence[Any]) -> dict[str, Any]:
    """One row on which answers differ, what each said marked as right or as no label."""
    said = [
        {
            "name": name,
            "text": shortened(str(answer), LONGEST_ANSWER),
            "right": answer == row["label"],
            "label": answer in labels,
        }
        for name, answer in row["answers"].items()
    ]
    return {"row": row["row"], "label": row["label"], "html": row["html"], "answers": said}


def _cautions(found: Mapping[str, Any]) -> list[str]:
    apart = found["apart"]
    cautions = []
    if apart["left_out"]:
        cautions.append(
            f"{thousands(apart['left_out'])} rows were trained on by one of them; they judge nobody"
        )
    elif apart["flagged"]:
        cautions.append("Every row was trained on by one of them: these figures flatter it")
    return cautions
