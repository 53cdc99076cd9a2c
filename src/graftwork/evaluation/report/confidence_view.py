"""Confidence in the report: calibration before and after, and what it gets where it may pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graftwork.evaluation.report.format import figure, span
from graftwork.evaluation.report.reliability import reliability
from graftwork.evaluation.report.risk import risk_chart

__all__ = ["abstention", "confidence"]

_SHOWN = (1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.3)


def confidence(payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """The reliability diagram, before and after temperature where both are known."""
    told = payload.get("calibration")
    if told and told.get("curve_after"):
        changed = told["temperature"] != 1.0
        return {
            "error": figure(told["ece_after"], True),
            "words": _words(told, changed),
            "changed": changed,
            "facts": _facts(told, changed),
            "svg": reliability(told["curve_after"], told["curve_before"] if changed else ()),
        }
    found = payload.get("confidence")
    if not found:
        return None
    return {
        "error": figure(found["error"], True),
        "words": "",
        "changed": False,
        "facts": [],
        "svg": reliability(found["bins"]),
    }


def _words(told: Mapping[str, Any], changed: bool) -> str:
    if told.get("note"):
        return f"{str(told['note'])[:1].upper()}{str(told['note'])[1:]}."
    if not changed:
        return "Probabilities are as the model gives them."
    way = "less" if told["temperature"] > 1 else "more"
    return (
        f"Left alone it would be {figure(told['ece_before'], True)}: one temperature, fitted on "
        f"out-of-fold rows, makes the model {way} sure and changes no prediction."
    )


def _facts(told: Mapping[str, Any], changed: bool) -> list[tuple[str, str]]:
    facts = [("rows", f"{told['rows']:,}")]
    if changed:
        facts += [
            ("temperature", f"{told['temperature']:.3f}"),
            ("error before", figure(told["ece_before"], True)),
        ]
    facts.append(("error after" if changed else "error", figure(told["ece_after"], True)))
    if told.get("ece_by_chance") is not None:
        facts.append(("by chance alone", f"about {figure(told['ece_by_chance'], True)}"))
    return facts


def abstention(payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """The risk–coverage chart with its table and the promise; else accuracy by coverage."""
    told = payload.get("abstention") or {}
    curve, promise = told.get("curve") or [], told.get("guarantee")
    if not curve:
        plain = _plain(payload)
        if promise is None:
            return plain
        return {**(plain or {"svg": None, "rows": [], "seen": False}), "promise": _promise(promise)}
    seen = any(row.get("observed") for row in curve)
    return {
        "svg": risk_chart(curve, promise),
        "seen": seen,
        "n": f"{told['rows']:,}",
        "drawn": bool(promise and promise.get("threshold") is not None),
        "rows": [_row(row) for row in _some(curve)],
        "promise": _promise(promise),
    }


def _some(curve: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows nearest to a few round coverages, each once."""
    found = []
    for wanted in _SHOWN:
        row = min(curve, key=lambda row: abs(row["coverage"] - wanted))
        if row not in found:
            found.append(row)
    return found


def _row(row: Mapping[str, Any]) -> dict[str, str]:
    observed = row.get("observed") or {}
    error = observed.get("error") or {}
    return {
        "answered": figure(row["coverage"], True, 0),
        "above": f"{row['threshold']:.3f}",
        "error": figure(row["error"]["value"], True),
        "span": span(row["error"], True),
        "seen": figure(error.get("value"), True),
        "seen_span": span(error, True),
        "seen_answered": figure(observed.get("coverage"), True, 0),
    }


def _promise(promise: Mapping[str, Any] | None) -> dict[str, str] | None:
    if not promise:
        return None
    held = promise.get("threshold") is not None
    seen = promise.get("observed")
    rest = ""
    if held and seen and seen["n"]:
        rest = (
            f"On the rows judged here it answers {figure(seen['coverage'], True)}, and "
            f"{figure(seen['error']['value'], True)} of these are wrong "
            f"({span(seen['error'], True)})."
        )
    title = f"at most {figure(promise['risk'], True)} wrong" if held else "nothing can be promised"
    return {
        "kind": "good" if held else "warn",
        "title": f"Guarantee: {title}",
        "sentence": str(promise.get("sentence", "")),
        "seen": rest,
    }


def _plain(payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """Accuracy at each coverage of the judged rows themselves, where no table was stored."""
    found = payload.get("confidence")
    if not found:
        return None
    coverage = [
        {
            "answered": figure(row["coverage"], True, 0),
            "above": f"{row['above']:.3f}",
            "right": figure(row["accuracy"], True),
            "width": round(100 * row["accuracy"], 1),
        }
        for row in found["coverage"]
    ]
    return {"svg": None, "rows": coverage, "seen": False, "promise": None}
