"""The reliability diagram: is a model right as often as it is sure?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from graftwork.evaluation.report.svg import document, dot, line, text, titled

__all__ = ["reliability"]

_SIZE, _LEFT, _TOP = 220.0, 34.0, 24.0


def _x(value: float) -> float:
    return _LEFT + value * _SIZE


def _y(value: float) -> float:
    return _TOP + (1 - value) * _SIZE


def _grid() -> list[Markup]:
    parts = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        name = f"{100 * tick:.0f}"
        parts += [
            line("grid", _x(0), _y(tick), _x(1), _y(tick)),
            line("grid", _x(tick), _y(0), _x(tick), _y(1)),
            text(_LEFT - 6, _y(tick) + 4, "end", name),
            text(_x(tick), _y(0) + 16, "middle", name),
        ]
    return parts


def _bin(found: Mapping[str, Any], most: int) -> Markup:
    """One bin: its interval and a dot whose area follows the number of rows."""
    at, right = _x(found["confidence"]), found["accuracy"]
    radius = 2 + 2.6 * math.sqrt(found["n"] / most)
    title = (
        f"{found['n']} rows, {100 * found['confidence']:.0f} % sure, "
        f"{100 * right['value']:.0f} % right"
    )
    whisker = line("whisker", at, _y(right["low"]), at, _y(right["high"]))
    return titled(title, whisker, dot("dot", at, _y(right["value"]), radius))


def _ring(found: Mapping[str, Any]) -> Markup:
    """One bin of the curve before, hollow, without an interval."""
    return dot("ring", _x(found["confidence"]), _y(found["accuracy"]["value"]), 3.4)


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
    parts = [
        *_grid(),
        line("diagonal", _x(0), _y(0), _x(1), _y(1)),
        *([_path(before), *(_ring(found) for found in before)] if before else []),
        *(_bin(found, most) for found in bins),
        text(_x(0.5), _y(0) + 34, "middle", "confidence, %"),
        text(0, 10, "start", "right, %"),
    ]
    return document("reliability", 270, 282, "Share right by confidence", parts)
