"""The reliability diagram: is a model right as often as it is sure?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

__all__ = ["reliability"]

_SIZE, _LEFT, _TOP = 220.0, 34.0, 10.0


def _x(value: float) -> float:
    return _LEFT + value * _SIZE


def _y(value: float) -> float:
    return _TOP + (1 - value) * _SIZE


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    numbers = [f"{number:.1f}" for number in (x1, y1, x2, y2)]
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(kind, *numbers)


def _text(x: float, y: float, anchor: str, text: str) -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(x, y, anchor, text)


def _grid() -> list[Markup]:
    parts = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        name = f"{100 * tick:.0f}"
        parts += [
            _line("grid", _x(0), _y(tick), _x(1), _y(tick)),
            _line("grid", _x(tick), _y(0), _x(tick), _y(1)),
            _text(_LEFT - 6, _y(tick) + 4, "end", name),
            _text(_x(tick), _y(0) + 16, "middle", name),
        ]
    return parts


def _dot(found: Mapping[str, Any], most: int) -> Markup:
    """One bin: its interval and a dot whose area follows the number of rows."""
    at, right = _x(found["confidence"]), found["accuracy"]
    radius = 2 + 2.6 * math.sqrt(found["n"] / most)
    title = (
        f"{found['n']} rows, {100 * found['confidence']:.0f} % sure, "
        f"{100 * right['value']:.0f} % right"
    )
    circle = Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"/>')
    return Markup("<g><title>{}</title>{}{}</g>").format(
        title,
        _line("whisker", at, _y(right["low"]), at, _y(right["high"])),
        circle.format(at, _y(right["value"]), radius),
    )


def _ring(found: Mapping[str, Any]) -> Markup:
    """One bin of the curve before, hollow, without an interval."""
    circle = Markup('<circle class="ring" cx="{:.1f}" cy="{:.1f}" r="3.4"/>')
    return circle.format(_x(found["confidence"]), _y(found["accuracy"]["value"]))


def _path(bins: Sequence[Mapping[str, Any]]) -> Markup:
    points = " ".join(
        f"{_x(found['confidence']):.1f},{_y(found['accuracy']['value']):.1f}" for found in bins
    )
    return Markup('<polyline class="before" points="{}"/>').format(points)


def reliability(
    bins: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]] = ()
) -> Markup:
    """Share right over confidence, with intervals, as one square SVG.

    On the diagonal a model is right as often as it is sure.

    Args:
        bins: as `calibration.reliability_bins` gives them.
        before: the same before temperature, drawn as a thin line of rings.
    """
    most = max((found["n"] for found in bins), default=1)
    start = Markup(
        '<svg class="reliability" viewBox="0 0 270 268" role="img" '
        'aria-label="Share right by confidence">'
    )
    parts = [
        start,
        *_grid(),
        _line("diagonal", _x(0), _y(0), _x(1), _y(1)),
        *([_path(before), *(_ring(found) for found in before)] if before else []),
        *(_dot(found, most) for found in bins),
        _text(_x(0.5), _y(0) + 34, "middle", "confidence, %"),
        Markup("</svg>"),
    ]
    return Markup("").join(parts)
