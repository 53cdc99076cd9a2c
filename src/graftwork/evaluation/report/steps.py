"""The ladder as one SVG: score against the seconds that it took to get there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from markupsafe import Markup

from graftwork.evaluation.report.charts import scale_for
from graftwork.evaluation.report.format import duration, figure
from graftwork.evaluation.report.plot import Plot
from graftwork.evaluation.report.svg import line, text

__all__ = ["steps"]

_HEIGHT, _RIGHT = 240.0, 30.0


def steps(rungs: Sequence[Mapping[str, Any]], share: bool) -> Markup:
    """A dot a rung with its interval, at the seconds spent when it was known.

    Args:
        rungs: ``title``, ``value``, ``low``, ``high``, ``seconds``, ``taken``, ``chosen``, in the
            order in which they were tried.
        share: whether scores read as percentages.
    """
    plot = Plot(scale_for(rungs, most=1.0 if share else None), share, _HEIGHT, _RIGHT)
    ends = list(accumulate(float(rung["seconds"]) for rung in rungs))
    total = ends[-1] if ends else 0.0
    parts = _seconds(plot, total)
    stood: tuple[float, float] | None = None
    for number, (rung, end) in enumerate(zip(rungs, ends, strict=True), 1):
        here = _x(plot, end, total), plot.y(rung["value"])
        if stood is not None:
            parts.append(line("line" if rung.get("taken") else "line hoped", *stood, *here))
        parts.append(_rung(plot, rung, number, end, here))
        if rung.get("taken"):
            stood = here
    caption = "seconds spent in searching, rung after rung"
    return plot.draw("Score against seconds of search", caption, parts)


def _x(plot: Plot, seconds: float, total: float) -> float:
    return plot.x(seconds / max(total, 1e-9))


def _seconds(plot: Plot, total: float) -> list[Markup]:
    """Ticks at nothing, half and all of the time."""
    return [
        plot.below(_x(plot, part * total, total), duration(part * total) if part else "0")
        for part in (0.0, 0.5, 1.0)
    ]


def _rung(
    plot: Plot, rung: Mapping[str, Any], number: int, end: float, here: tuple[float, float]
) -> Markup:
    x, y = here
    kind = "dot" if rung.get("taken") else "dot hoped"
    title = f"{rung.get('title')}: {figure(rung['value'], plot.share)} after {duration(end)}"
    return plot.point(kind, x, rung, title, text(x - 9, y - 9, "end", str(number)))
