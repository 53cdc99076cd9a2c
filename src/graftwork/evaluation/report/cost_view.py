"""What it cost, as the report shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graftwork.evaluation.report.format import duration, megabytes, text_of, thousands

__all__ = ["cost_view"]

_SHOWN = {
    "seconds": ("all in all", duration),
    "peak_memory_mb": ("peak memory", megabytes),
    "base_passes": ("passes through the base", thousands),
    "rows_encoded": ("rows encoded", thousands),
    "latency_ms": ("latency per example", lambda ms: f"{ms:.1f} ms"),
    "trainable_parameters": ("trained parameters", thousands),
    "parameters": ("all parameters", thousands),
    "model_mb": ("model on disk", megabytes),
}


def cost_view(cost: Mapping[str, Any]) -> dict[str, Any] | None:
    """Steps with their share of the time, and single facts; None without any.

    Reads ``steps`` {name: seconds}, the keys of `_SHOWN`, and shows any other key as it is.
    """
    if not cost:
        return None
    steps = {str(k): float(v) for k, v in (cost.get("steps") or {}).items() if v is not None}
    longest = max(steps.values(), default=0.0) or 1.0
    facts = [
        (title, show(cost[key]))
        for key, (title, show) in _SHOWN.items()
        if isinstance(cost.get(key), (int, float))
    ]
    facts += [
        (str(key).replace("_", " "), text_of(value))
        for key, value in cost.items()
        if key != "steps" and key not in _SHOWN and value is not None
    ]
    rows = [
        {"name": name, "seconds": duration(s), "width": round(100 * s / longest, 1)}
        for name, s in steps.items()
    ]
    return {"steps": rows, "facts": facts}
