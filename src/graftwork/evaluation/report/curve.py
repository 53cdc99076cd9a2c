"""The learning curve as one SVG: score by number of labels, and where twice as many would lead."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from graftwork.evaluation.report.charts import Scale, scale_for
from graftwork.evaluation.report.format import figure

__all__ = ["curve"]

_WIDTH, _HEIGHT = 640.0, 250.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 70.0, 14.0, 44.0


class _Plane:
    """From rows and scores to places; rows on a logarithmic scale."""

    def __init__(self, rows: Sequence[float], scale: Scale) -> None:
        self.low, self.high = math.log(min(rows)), math.log(max(rows) * 1.0001)
        self.scale = scale

    def x(self, rows: float) -> float:
        share = (math.log(rows) - self.low) / max(self.high - self.low, 1e-9)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, score: float) -> float:
        share = self.scale.at(score) / 100
        return _TOP + (1 - share) * (_HEIGHT - _TOP - _BOTTOM)


def curve(
    points: Sequence[Mapping[str, Any]], twice: Mapping[str, Any] | None, share: bool
) -> Markup:
    """Measured points with their intervals, and the forecast as a hollow dot.

    Args:
        points: ``rows``, ``score``, ``low``, ``high``, by rising rows.
        twice: ``rows``, ``score``, ``low``, ``high`` of the forecast, or None.
        share: whether scores read as percentages.
    """
    every = [*points, *([twice] if twice else [])]
    scale = scale_for(
        [{"value": p["score"], "low": p["low"], "high": p["high"]} for p in every],
        most=1.0 if share else None,
    )
    plane = _Plane([p["rows"] for p in every], scale)
    parts = [
        Markup(
            '<svg class="learning" viewBox="0 0 {:.0f} {:.0f}" role="img" '
            'aria-label="Score by number of labels">'
        ).format(_WIDTH, _HEIGHT),
        *_grid(plane, share),
    ]
    parts += [_step(a, b, plane, "line") for a, b in pairwise(points)]
    if twice:
        parts.append(_step(points[-1], twice, plane, "line hoped"))
    parts += [_point(p, plane, share, "dot") for p in points]
    if twice:
        parts.append(_point(twice, plane, share, "dot hoped"))
    parts += [_label(p, plane) for p in every]
    parts.append(
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 6, "middle", "labelled rows learnt from")
    )
    return Markup("").join([*parts, Markup("</svg>")])


def _grid(plane: _Plane, share: bool) -> list[Markup]:
    parts = []
    for tick in plane.scale.ticks:
        parts.append(_line("grid", _LEFT, plane.y(tick), _WIDTH - _RIGHT, plane.y(tick)))
        name = figure(tick, share, 1 if share else 3).removesuffix(" %")
        parts.append(_text(_LEFT - 8, plane.y(tick) + 4, "end", name))
    return parts


def _step(a: Mapping[str, Any], b: Mapping[str, Any], plane: _Plane, kind: str) -> Markup:
    return _line(
        kind, plane.x(a["rows"]), plane.y(a["score"]), plane.x(b["rows"]), plane.y(b["score"])
    )


def _point(found: Mapping[str, Any], plane: _Plane, share: bool, kind: str) -> Markup:
    at = plane.x(found["rows"])
    whisker = Markup("")
    if found["low"] is not None and found["high"] is not None:
        whisker = _line("whisker", at, plane.y(found["low"]), at, plane.y(found["high"]))
    title = f"{found['rows']:,} rows: {figure(found['score'], share)}"
    circle = Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="5.5"/>')
    return Markup("<g><title>{}</title>{}{}</g>").format(
        title, whisker, circle.format(kind, at, plane.y(found["score"]))
    )


def _label(found: Mapping[str, Any], plane: _Plane) -> Markup:
    return _text(plane.x(found["rows"]), _HEIGHT - _BOTTOM + 18, "middle", f"{found['rows']:,}")


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    numbers = [f"{number:.1f}" for number in (x1, y1, x2, y2)]
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(kind, *numbers)


def _text(x: float, y: float, anchor: str, text: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        x, y, anchor, text
    )
