"""From a payload (`metrics.json` and more) to what the template shows: words, order, charts.

Payloads may be of older runs or other tools' predictions, so every part may be absent; a section
without content is left out. All texts leave here as plain text: the template escapes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graftwork.evaluation.report import charts_view, confidence_view, data_view, tables_view
from graftwork.evaluation.report.audit_view import audit_view
from graftwork.evaluation.report.cost_view import cost_view
from graftwork.evaluation.report.domains_view import domains_view
from graftwork.evaluation.report.format import (
    OUTCOMES,
    difference,
    duration,
    figure,
    metric_title,
    share_metric,
    span,
    thousands,
)
from graftwork.evaluation.report.ladder_view import ladder

__all__ = ["view_of"]


def view_of(payload: Mapping[str, Any], *, redact: bool) -> dict[str, Any]:
    """Everything that the template needs.

    Args:
        payload: as `evidence.prove` gives it, with `examples`, `recipe`, `record`, `audit`.
        redact: leave out all texts of rows (examples, explanations, findings' details).
    """
    metric = str(payload.get("metric", "accuracy"))
    share = share_metric(metric)
    return {
        "title": _title(payload),
        "redact": redact,
        "scored": payload.get("evidence") == "evaluate",  # no verdict on transfer
        "share": share,
        "metric": metric,
        "metric_title": metric_title(metric),
        "n_test": payload.get("n_test"),
        "verdict": _verdict(payload),
        "tiles": _tiles(payload, metric, share),
        "scores": tables_view.scores(payload),
        "domains": domains_view(payload, share),
        "comparison": charts_view.comparison(payload, metric, share),
        "gains": charts_view.gains(payload, share),
        "rungs": charts_view.rungs(payload, share),
        "ladder": ladder(payload, share),
        "choice": tables_view.choice(payload),
        "classes": tables_view.classes(payload),
        "confusion": tables_view.confusion(payload, redact),
        "confidence": confidence_view.confidence(payload),
        "abstention": confidence_view.abstention(payload),
        "slices": charts_view.slices(payload, metric, share),
        "cautions": tables_view.cautions(payload, metric, share),
        "audit": audit_view(payload.get("audit") or {}, redact=redact),
        "examples": data_view.examples(payload, redact),
        "gallery": data_view.gallery(payload, redact),
        "label_errors": data_view.label_errors(payload, redact),
        "learning": data_view.learning(payload, share),
        "cost": cost_view(payload.get("cost") or {}),
        "provenance": tables_view.provenance(payload),
    }


def _title(payload: Mapping[str, Any]) -> str:
    about = [payload.get(part) for part in ("recipe", "model", "chosen")]
    target = next((p["target"] for p in about if isinstance(p, Mapping) and p.get("target")), None)
    return f"Predicting “{target}”" if target else "Transfer report"


def _verdict(payload: Mapping[str, Any]) -> dict[str, Any] | None:
    verdict = payload.get("verdict")
    if not verdict:
        return None
    word, sign = OUTCOMES.get(verdict["outcome"], (verdict["outcome"], "?"))
    told = verdict.get("sentence", "")
    head, _, rest = told.partition(": ")
    chosen = payload.get("chosen") or {}
    kept = ""
    if chosen.get("is_transfer") is False:
        kept = (
            f"The model that this run keeps is another one: {chosen.get('title', '')}. "
            "It was better, or as good and cheaper, out of fold."
        )
    body = rest if head == word else told
    return {
        "outcome": verdict["outcome"],
        "word": word,
        "sign": sign,
        "body": body[:1].upper() + body[1:],
        "kept": kept,
    }


def _tiles(payload: Mapping[str, Any], metric: str, share: bool) -> list[dict[str, str]]:
    """The few figures that stand under the verdict."""
    test = (payload.get("test") or {}).get(metric)
    verdict, cost = payload.get("verdict") or {}, payload.get("cost") or {}
    tiles = []
    if test:
        name, detail = f"{metric_title(metric)} on test", f"95 % interval {span(test, share)}"
        tiles.append({"name": name, "value": figure(test["value"], share), "detail": detail})
    if verdict.get("gain") is not None:
        info = (verdict.get("per_control") or {}).get(verdict.get("best_control")) or {}
        name = "Gain over best control" + (", points" if share else "")
        detail = f"against {info.get('title') or verdict.get('best_control')}"
        tiles.append({"name": name, "value": difference(verdict["gain"], share), "detail": detail})
    if cost.get("seconds") is not None:
        passes = cost.get("base_passes")
        detail = "" if passes is None else _times(passes, "pass", "passes") + " through the base"
        seconds = duration(cost["seconds"])
        tiles.append({"name": "Time, all in all", "value": seconds, "detail": detail})
    if payload.get("n_test") is not None:
        before = payload.get("openings")
        detail = "" if before is None else "first look at this test part"
        if before:
            detail = f"this test part was opened {_times(before, 'time', 'times')} before"
        tiles.append({"name": "Test rows", "value": thousands(payload["n_test"]), "detail": detail})
    return tiles


def _times(n: int, one: str, more: str) -> str:
    return f"{n:,} {one if n == 1 else more}"
