"""The ladder as one SVG: score against the seconds that it took to get there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from graftwork.evaluation.report.charts import Scale, scale_for
from graftwork.evaluation.report.format import duration, figure

__all__ = ["steps"]

_WIDTH, _HEIGHT = 640.0, 240.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 30.0, 14.0, 44.0


def steps(rungs: Sequence[Mapping[str, Any]], share: bool) -> Markup:
    """A dot a rung with its interval, at the seconds spent when it was known.

    Args:
        rungs: ``title``, ``value``, ``low``, ``high``, ``seconds``, ``taken``, ``chosen``, in the
            order in which they were tried.
        share: whether scores read as percentages.
    """
    scale = scale_for(rungs, most=1.0 if share else None)
    ends, total = [], 0.0
    for rung in rungs:
        total += float(rung["seconds"])
        ends.append(total)
    parts = [
        Markup(
            '<svg class="learning" viewBox="0 0 {:.0f} {:.0f}" role="img" '
            'aria-label="Score against seconds of search">'
        ).format(_WIDTH, _HEIGHT),
        *_grid(scale, share, total),
    ]
    stood: tuple[float, float] | None = None
    for number, (rung, end) in enumerate(zip(rungs, ends, strict=True), 1):
        here = _x(end, total), _y(rung["value"], scale)
        if stood is not None:
            hoped = "line" if rung.get("taken") else "line hoped"
            parts.append(_line(hoped, *stood, *here))
        parts.append(_dot(rung, number, end, here, scale, share))
        if rung.get("taken"):
            stood = here
    caption = "seconds spent in searching, rung after rung"
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 6, "middle", caption))
    return Markup("").join([*parts, Markup("</svg>")])


def _x(seconds: float, total: float) -> float:
    return _LEFT + seconds / max(total, 1e-9) * (_WIDTH - _LEFT - _RIGHT)


def _y(score: float, scale: Scale) -> float:
    return _TOP + (1 - scale.at(score) / 100) * (_HEIGHT - _TOP - _BOTTOM)


def _grid(scale: Scale, share: bool, total: float) -> list[Markup]:
    parts = []
    for tick in scale.ticks:
        y = _y(tick, scale)
        parts.append(_line("grid", _LEFT, y, _WIDTH - _RIGHT, y))
        name = figure(tick, share, 1 if share else 3).removesuffix(" %")
        parts.append(_text(_LEFT - 8, y + 4, "end", name))
    for part in (0.0, 0.5, 1.0):
        x = _x(part * total, total)
        parts.append(
            _text(x, _HEIGHT - _BOTTOM + 18, "middle", duration(part * total) if part else "0")
        )
    return parts


def _dot(
    rung: Mapping[str, Any],
    number: int,
    end: float,
    here: tuple[float, float],
    scale: Scale,
    share: bool,
) -> Markup:
    x, y = here
    whisker = Markup("")
    if rung.get("low") is not None and rung.get("high") is not None:
        low, high = _y(rung["low"], scale), _y(rung["high"], scale)
        whisker = _line("whisker", x, low, x, high)
    kind = "dot" if rung.get("taken") else "dot hoped"
    title = f"{rung.get('title')}: {figure(rung['value'], share)} after {duration(end)}"
    return Markup(
        "<g><title>{}</title>{}<circle class='{}' cx='{:.1f}' cy='{:.1f}' r='5.5'/>{}</g>"
    ).format(title, whisker, kind, x, y, _text(x - 9, y - 9, "end", str(number)))


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    numbers = [f"{number:.1f}" for number in (x1, y1, x2, y2)]
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(kind, *numbers)


def _text(x: float, y: float, anchor: str, text: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        x, y, anchor, text
    )
