"""The data audit as the report shows it: what became of every row, and what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from graftwork.evaluation.report.format import text_of, thousands

__all__ = ["audit_view"]

_PARTS = ("used", "quarantined", "dropped")
_ROWS_SHOWN = 12
_LEVELS = {"error": "bad", "warning": "warn"}


def audit_view(audit: Mapping[str, Any], *, redact: bool) -> dict[str, Any] | None:
    """Accounting, reasons and findings of an `audit.json`; None without one.

    Reads ``accounting`` {rows_in, used, quarantined, dropped} (or these at the top), ``set_aside``
    [{reason, …}], ``splits`` {how, parts} and ``findings`` [{kind, message, count, rows,
    severity}]. With `redact` a finding's message is left out: it may quote a row.
    """
    if not audit:
        return None
    counts = audit.get("accounting") or audit
    total = counts.get("rows_in")
    parts = [
        {
            "name": name,
            "n": thousands(counts[name]),
            "width": round(100 * counts[name] / total, 2) if total else 0,
        }
        for name in _PARTS
        if isinstance(counts.get(name), int)
    ]
    return {
        "total": thousands(total) if total is not None else "",
        "parts": parts,
        "facts": [*_splits(audit), *_reasons(audit)],
        "findings": [_finding(found, redact) for found in audit.get("findings") or []],
    }


def _reasons(audit: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Rows set aside, by reason."""
    reasons = Counter(str(row.get("reason")) for row in audit.get("set_aside") or [])
    return [
        (f"set aside: {why.replace('_', ' ')}", thousands(n)) for why, n in reasons.most_common()
    ]


def _splits(audit: Mapping[str, Any]) -> list[tuple[str, str]]:
    splits = audit.get("splits") or {}
    parts = splits.get("parts")
    shown = [("parts", text_of(parts))] if parts else []
    return [*shown, ("split", text_of(splits["how"]))] if splits.get("how") else shown


def _finding(found: Mapping[str, Any], redact: bool) -> dict[str, Any]:
    kind = str(found.get("kind") or "finding").replace("_", " ")
    rows = [row for row in found.get("rows") or [] if isinstance(row, int)]
    count = found.get("count") or 0
    numbers = ", ".join(str(row) for row in rows[:_ROWS_SHOWN])
    more = " …" if rows and (len(rows) > _ROWS_SHOWN or count > len(rows)) else ""
    level = str(found.get("severity") or "info")
    return {
        "title": kind[:1].upper() + kind[1:],
        "message": "" if redact else str(found.get("message") or ""),
        "count": thousands(count) if count else "",
        "rows": numbers + more,
        "level": _LEVELS.get(level, "info"),
        "word": level,
    }
