"""Figures as people read them; used by the template as filters and by the card."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = [
    "OUTCOMES",
    "difference",
    "duration",
    "figure",
    "megabytes",
    "metric_title",
    "multiple",
    "share_metric",
    "span",
    "text_of",
    "thousands",
]

NONE = "–"
OUTCOMES = {  # the word and the sign of each
    "helped": ("Transfer helped", "✓"),
    "hurt": ("Transfer hurt", "✕"),
    "no-difference": ("Transfer made no difference", "="),
    "undecidable": ("Undecidable with these rows", "?"),
    "carries-over": ("The model carries over", "✓"),
    "does-not-carry-over": ("The model does not carry over everywhere", "✕"),
    "not judged": ("Scored, without a verdict", "i"),
}


def share_metric(name: str) -> bool:
    """Whether a metric reads as a percentage of rows."""
    return name.replace("-", "_") in {"accuracy"}


def metric_title(name: str) -> str:
    """A metric's name for people: ``macro_f1`` → ``Macro-F1``."""
    known = {"mcc": "Matthews correlation", "kappa": "Cohen's kappa", "log_loss": "Log loss"}
    plain = name.replace("-", "_")
    if plain in known:
        return known[plain]
    text = plain.replace("_f1", "-F1") if plain.endswith("_f1") else plain.replace("_", " ")
    return text[:1].upper() + text[1:]


def _finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def figure(value: Any, share: bool = False, digits: int | None = None) -> str:
    """A score: ``84.9 %`` for shares of rows, else three decimals; – where there is none."""
    if not _finite(value):
        return NONE
    if share:
        return f"{100 * value:.{1 if digits is None else digits}f} %".replace("-", "−")
    return f"{value:.{3 if digits is None else digits}f}".replace("-", "−")


def difference(value: Any, share: bool = False) -> str:
    """A signed difference, in points where the metric is a share."""
    if not _finite(value):
        return NONE
    text = f"{100 * value:+.1f}" if share else f"{value:+.3f}"
    if float(text) == 0:
        return text[1:]
    return text.replace("-", "−")


def multiple(ratio: Any) -> str:
    """A part of something: ``45.0 %``; where it is ten times that and more, ``100 ×``."""
    if not _finite(ratio) or ratio < 10:
        return "< 0.1 %" if _finite(ratio) and 0 < ratio < 0.0005 else figure(ratio, True)
    return f"{float(f'{ratio:.3g}'):,.0f} ×"


def span(found: Mapping[str, Any] | None, share: bool = False, signed: bool = False) -> str:
    """The interval alone: ``82.6 to 87.0 %``."""
    if not found or not (_finite(found.get("low")) and _finite(found.get("high"))):
        return NONE
    if signed:
        return f"{difference(found['low'], share)} to {difference(found['high'], share)}"
    return f"{figure(found['low'], share).removesuffix(' %')} to {figure(found['high'], share)}"


def thousands(value: Any) -> str:
    """A whole number with separators."""
    return f"{value:,.0f}" if _finite(value) else NONE


def duration(seconds: Any) -> str:
    """Seconds as ``0.42 s``, ``31 s``, ``4 min 05 s``, ``2 h 10 min``."""
    if not _finite(seconds):
        return NONE
    if seconds < 10:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def megabytes(value: Any) -> str:
    """Megabytes as MB or GB."""
    if not _finite(value):
        return NONE
    return f"{value / 1024:.1f} GB" if value >= 1024 else f"{value:.0f} MB"


def text_of(value: Any) -> str:
    """Any JSON value as one short line."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {text_of(inner)}" for key, inner in value.items()) or NONE
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(text_of(inner) for inner in value) or NONE
    return str(value)
