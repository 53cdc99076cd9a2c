"""Accuracy against seconds as SVG: small panels side by side, readable on light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["STYLE", "Panel", "Point", "Side", "figure", "label", "line", "time_words"]

COLUMNS, WIDTH, HEIGHT = 3, 300, 236
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 42, 34  # of a panel, around its field
LEGEND = 58
TICKS = (0.1, 0.3, 1, 3, 10, 30, 60, 180, 600, 1800, 3600, 10800, 36000)
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #4a4f57 }
.name { font-weight: 600; font-size: 13px; fill: #22262c }
.note { font-size: 11px }
.grid { stroke: #8a909a; stroke-opacity: .28 }
.path { fill: none; stroke-width: 1.6; stroke-opacity: .75 }
.mark { stroke: #fff; stroke-width: 1 }
@media (prefers-color-scheme: dark) {
  text { fill: #b4bac4 } .name { fill: #e8ebf0 } .mark { stroke: #14171b }
}
""".strip()


@dataclass(frozen=True)
class Side:
    """One of those compared: title, colour and the shape of its mark."""

    title: str
    colour: str
    shape: str  # circle, square, diamond or triangle


@dataclass(frozen=True)
class Point:
    """A measured run of a side: seconds, accuracy, and what a pointer shows over it."""

    side: str
    seconds: float
    accuracy: float
    told: str


@dataclass(frozen=True)
class Panel:
    """A data set: its name, a line under it, its points (those of a side are joined in order)."""

    name: str
    note: str
    points: Sequence[Point]


def figure(title: str, sides: dict[str, Side], panels: Sequence[Panel]) -> str:
    """The whole picture; only sides that have a point stand in the legend."""
    columns = min(COLUMNS, len(panels))
    wide, rows = max(columns, 2) * WIDTH, math.ceil(len(panels) / columns)
    shown = {point.side for panel in panels for point in panel.points}
    high = LEGEND + rows * HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" role="img" '
        f'width="{wide}" height="{high}">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        *_legend({name: side for name, side in sides.items() if name in shown}, wide),
    ]
    for i, panel in enumerate(panels):
        left, top = i % columns * WIDTH, LEGEND + i // columns * HEIGHT
        parts.append(f'<g transform="translate({left} {top})">')
        parts += [*_panel(panel, sides), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend(sides: dict[str, Side], wide: int) -> list[str]:
    """Marks and names, then what the axes are."""
    parts, x = [], 14.0
    for side in sides.values():
        parts.append(_mark(side, x, 17, ""))
        parts.append(f'<text x="{x + 11:.0f}" y="21">{escape(side.title)}</text>')
        x += 38 + 6.2 * len(side.title)
    words = "up: accuracy on the test rows, in percent · to the right: time, log scale"
    return [*parts, f'<text class="note" x="10" y="42">{words}</text>']


def _panel(panel: Panel, sides: dict[str, Side]) -> list[str]:
    """Name, note, grid, paths and marks of one set."""
    times, scores = _time_scale(panel), _score_scale(panel)
    parts = [
        f'<text class="name" x="{LEFT}" y="14">{escape(panel.name)}</text>',
        f'<text class="note" x="{LEFT}" y="30">{escape(panel.note)}</text>',
        *_grid(times, scores),
    ]
    for name, side in sides.items():
        places = [
            (_x(times, p.seconds), _y(scores, p.accuracy), p)
            for p in panel.points
            if p.side == name
        ]
        if len(places) > 1:
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in places)
            parts.append(f'<polyline class="path" points="{line}" stroke="{side.colour}"/>')
        parts += [_mark(side, x, y, point.told) for x, y, point in places]
    return parts


def _grid(times: list[float], scores: list[float]) -> list[str]:
    """Lines and labels of both scales; the first and last time are ends, not ticks."""
    parts = []
    for tick in (t for t in TICKS if times[0] <= t <= times[-1]):
        x = _x(times, tick)
        parts.append(line(x, x, TOP, HEIGHT - BOTTOM))
        parts.append(label(x, HEIGHT - BOTTOM + 16, time_words(tick), "middle"))
    for score in scores:
        y = _y(scores, score)
        parts.append(line(LEFT, WIDTH - RIGHT, y, y))
        parts.append(label(LEFT - 6, y + 4, f"{100 * score:.4g}", "end"))
    return parts


def line(x1: float, x2: float, y1: float, y2: float) -> str:
    return f'<line class="grid" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>'


def label(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _time_scale(panel: Panel) -> list[float]:
    """From under the quickest to over the slowest, a factor of 1.6 to spare."""
    spent = [point.seconds for point in panel.points]
    return [min(spent) / 1.6, max(spent) * 1.6]


def _score_scale(panel: Panel) -> list[float]:
    """Round values around the scores, three to six of them."""
    scores = [point.accuracy for point in panel.points]
    reach = max(max(scores) - min(scores), 0.01)
    step = next(s for s in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if reach / s <= 4.3)
    first, last = math.floor(min(scores) / step - 0.15), math.ceil(max(scores) / step + 0.15)
    return [round(i * step, 6) for i in range(first, max(last, first + 2) + 1)]


def _x(times: list[float], seconds: float) -> float:
    share = math.log(seconds / times[0]) / math.log(times[-1] / times[0])
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(scores: list[float], score: float) -> float:
    share = (score - scores[0]) / (scores[-1] - scores[0])
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def time_words(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:g} s"
    return f"{seconds / 60:g} min" if seconds < 3600 else f"{seconds / 3600:g} h"


SHAPES = {
    "circle": "M-6,0a6,6 0 1,0 12,0a6,6 0 1,0 -12,0z",
    "square": "M-5,-5h10v10h-10z",
    "diamond": "M0,-7l7,7l-7,7l-7,-7z",
    "triangle": "M0,-7l6.5,11.5h-13z",
}


def _mark(side: Side, x: float, y: float, told: str) -> str:
    title = f"<title>{escape(told)}</title>" if told else ""
    return (
        f'<path class="mark" fill="{side.colour}" d="{SHAPES[side.shape]}" '
        f'transform="translate({x:.1f} {y:.1f})">{title}</path>'
    )
