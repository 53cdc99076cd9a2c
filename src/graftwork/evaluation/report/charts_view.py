"""The charts of the report: who is compared, what was considered, which slices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graftwork.evaluation.report.charts import axis, scale_for, whisker
from graftwork.evaluation.report.format import difference, duration, figure, span

__all__ = ["comparison", "gains", "rungs", "slices"]


def comparison(payload: Mapping[str, Any], metric: str, share: bool) -> dict[str, Any] | None:
    """Chosen, transfer and controls on one scale."""
    entries: list[tuple[str, str, str, Mapping[str, Any], Mapping[str, Any]]] = []
    chosen, transfer = payload.get("chosen") or {}, payload.get("transfer") or {}
    own = (payload.get("test") or {}).get(metric)
    if own:
        role = "the model kept"
        entries.append(("chosen", chosen.get("title", "this model"), role, own, chosen))
    other = (transfer.get("test") or {}).get(metric)
    if other and chosen.get("is_transfer") is False:
        entries.append(
            ("transfer", transfer.get("title", "transfer"), "best transfer", other, transfer)
        )
    info = payload.get("control_info") or {}
    for name, scores in (payload.get("controls") or {}).items():
        if metric in scores and not (name == chosen.get("name") and own):
            about = info.get(name) or {}
            entries.append(("control", about.get("title", name), "control", scores[metric], about))
    if not entries:
        return None
    scale = scale_for([e[3] for e in entries], most=1.0 if share else None)
    rows = []
    for kind, title, role, found, about in entries:
        n = about.get("n")
        fewer = n is not None and n != payload.get("n_test")
        rows.append(
            {
                "kind": kind,
                "title": title,
                "role": f"{role}, on {n:,} rows" if fewer else role,
                "value": figure(found["value"], share),
                "span": span(found, share),
                "seconds": duration(about["seconds"]) if about.get("seconds") is not None else "",
                "svg": whisker(found, scale, kind, f"{title}: {figure(found['value'], share)}"),
            }
        )
    return {"rows": rows, "axis": axis(scale, share)}


def gains(payload: Mapping[str, Any], share: bool) -> dict[str, Any] | None:
    """Transfer minus each control, paired."""
    compared = list(((payload.get("verdict") or {}).get("per_control") or {}).values())
    if not compared:
        return None
    found = [{"value": c["gain"], "low": c["low"], "high": c["high"]} for c in compared]
    scale = scale_for(found, zero=True, reach=_reach(payload["verdict"]))
    rows = []
    for c, gain in zip(compared, found, strict=True):
        low, high = gain["low"], gain["high"]
        kind = (
            "good"
            if low is not None and low > 0
            else "bad"
            if high is not None and high < 0
            else "even"
        )
        role = f"{c['n']:,} rows" + (", both trained on the same" if c.get("own") else "")
        rows.append(
            {
                "kind": kind,
                "title": f"against {c['title']}",
                "role": role,
                "value": difference(gain["value"], share),
                "span": span(gain, share, signed=True),
                "svg": whisker(
                    gain, scale, kind, f"gain {difference(gain['value'], share)}", zero=0.0
                ),
            }
        )
    return {"rows": rows, "axis": axis(scale, share, signed=True)}


def _reach(verdict: Mapping[str, Any]) -> float | None:
    """Four times the deciding interval: what lies beyond (the majority class) is an arrow."""
    bounds = [abs(verdict[key]) for key in ("low", "high") if verdict.get(key) is not None]
    return 4 * max(bounds) if bounds and max(bounds) > 0 else None


def rungs(payload: Mapping[str, Any], share: bool) -> dict[str, Any] | None:
    """What was considered, with out-of-fold scores."""
    rungs = (payload.get("chosen") or {}).get("rungs") or []
    rungs = [rung for rung in rungs if rung.get("value") is not None]
    if not rungs:
        return None
    scale = scale_for(rungs, most=1.0 if share else None)
    rows = []
    for rung in rungs:
        kind = "chosen" if rung.get("chosen") else "control"
        seconds = duration(rung["seconds"]) if rung.get("seconds") is not None else ""
        role = "chosen" if rung.get("chosen") else rung.get("note") or ""
        title = str(rung.get("title") or rung.get("name"))
        rows.append(
            {
                "kind": kind,
                "title": title,
                "role": role,
                "value": figure(rung["value"], share),
                "span": span(rung, share),
                "seconds": seconds,
                "svg": whisker(rung, scale, kind, f"{title}: {figure(rung['value'], share)}"),
            }
        )
    return {"rows": rows, "axis": axis(scale, share)}


def slices(payload: Mapping[str, Any], metric: str, share: bool) -> list[dict[str, Any]]:
    """One chart a column; the worst value in red."""
    shown = []
    for column, found in (payload.get("slices") or {}).items():
        groups = [g for g in found["groups"] if metric in g]
        scale = scale_for([g[metric] for g in groups], most=1.0 if share else None)
        rows = [
            {
                "value": g["value"],
                "n": g["n"],
                "worst": g["worst"],
                "score": figure(g[metric]["value"], share),
                "span": span(g[metric], share),
                "svg": whisker(
                    g[metric], scale, "bad" if g["worst"] else "chosen", f"{g['value']}"
                ),
            }
            for g in groups
        ]
        shown.append(
            {"column": column, "rows": rows, "axis": axis(scale, share), "worst": found["worst"]}
        )
    return shown
