"""The learning curve as one SVG: score by number of labels, and where twice as many would lead."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from graftwork.evaluation.report.charts import scale_for
from graftwork.evaluation.report.format import figure
from graftwork.evaluation.report.plot import Plot
from graftwork.evaluation.report.svg import line

__all__ = ["curve"]

_HEIGHT, _RIGHT = 250.0, 70.0


class _Plane:
    """A plot of scores over numbers of rows; the rows are on a logarithmic scale."""

    def __init__(self, points: Sequence[Mapping[str, Any]], share: bool) -> None:
        rows = [p["rows"] for p in points]
        self.low, self.high = math.log(min(rows)), math.log(max(rows) * 1.0001)
        scale = scale_for([_scored(p) for p in points], most=1.0 if share else None)
        self.plot = Plot(scale, share, _HEIGHT, _RIGHT)

    def x(self, rows: float) -> float:
        return self.plot.x((math.log(rows) - self.low) / max(self.high - self.low, 1e-9))

    def step(self, a: Mapping[str, Any], b: Mapping[str, Any], kind: str) -> Markup:
        y = self.plot.y
        return line(kind, self.x(a["rows"]), y(a["score"]), self.x(b["rows"]), y(b["score"]))

    def point(self, found: Mapping[str, Any], kind: str) -> Markup:
        title = f"{found['rows']:,} rows: {figure(found['score'], self.plot.share)}"
        return self.plot.point(kind, self.x(found["rows"]), _scored(found), title)

    def label(self, found: Mapping[str, Any]) -> Markup:
        return self.plot.below(self.x(found["rows"]), f"{found['rows']:,}")


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
    plane = _Plane(every, share)
    parts = [plane.step(a, b, "line") for a, b in pairwise(points)]
    if twice:
        parts.append(plane.step(points[-1], twice, "line hoped"))
    parts += [plane.point(p, "dot") for p in points]
    if twice:
        parts.append(plane.point(twice, "dot hoped"))
    parts += [plane.label(p) for p in every]
    return plane.plot.draw("Score by number of labels", "labelled rows learnt from", parts)


def _scored(point: Mapping[str, Any]) -> dict[str, Any]:
    """A point as scales and whiskers read it."""
    return {"value": point["score"], "low": point["low"], "high": point["high"]}
