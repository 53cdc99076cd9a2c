"""One field of named discs as SVG: accuracy with its interval against time, the area a size."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from charts import STYLE, label, line, time_words

__all__ = ["Bubble", "field"]

WIDTH, HEIGHT = 760, 430
LEFT, RIGHT, TOP, BOTTOM = 52, 190, 50, 44  # names stand to the right of their discs
LARGEST = 22.0  # radius of the largest disc
TICKS = (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 3600)
APART = 15.0  # pixels between two names, one above the other


@dataclass(frozen=True)
class Bubble:
    """One of those compared; `low` and `high` end the interval of its accuracy."""

    name: str
    seconds: float
    accuracy: float
    low: float
    high: float
    size: float
    told: str
    colour: str = "#2477d4"


def field(title: str, words: str, bubbles: Sequence[Bubble]) -> str:
    """The picture; `words` say what the axes and the area are."""
    times = [min(b.seconds for b in bubbles) / 1.25, max(b.seconds for b in bubbles) * 1.25]
    first = math.floor(10 * min(b.low for b in bubbles)) / 10
    last = math.ceil(10 * max(b.high for b in bubbles)) / 10

    def x(seconds: float) -> float:
        share = math.log(seconds / times[0]) / math.log(times[1] / times[0])
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(score: float) -> float:
        return HEIGHT - BOTTOM - (score - first) / (last - first) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'width="{WIDTH}" height="{HEIGHT}">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        f'<text class="name" x="{LEFT}" y="18">{escape(title)}</text>',
        f'<text class="note" x="{LEFT}" y="36">{escape(words)}</text>',
    ]
    for tick in (t for t in TICKS if times[0] <= t <= times[1]):
        parts += [line(x(tick), x(tick), TOP, HEIGHT - BOTTOM)]
        parts += [label(x(tick), HEIGHT - BOTTOM + 18, time_words(tick), "middle")]
    for step in range(round((last - first) * 10) + 1):
        score = first + step / 10
        parts += [line(LEFT, WIDTH - RIGHT, y(score), y(score))]
        parts += [label(LEFT - 7, y(score) + 4, f"{100 * score:.0f}", "end")]
    largest = max(b.size for b in bubbles)
    for b in sorted(bubbles, key=lambda b: -b.size):
        across, radius = x(b.seconds), max(3.0, LARGEST * math.sqrt(b.size / largest))
        parts += [
            f'<line x1="{across:.1f}" x2="{across:.1f}" y1="{y(b.low):.1f}" y2="{y(b.high):.1f}" '
            f'stroke="{b.colour}" stroke-width="1.4"/>',
            f'<circle class="mark" cx="{across:.1f}" cy="{y(b.accuracy):.1f}" r="{radius:.1f}" '
            f'fill="{b.colour}" fill-opacity=".55"><title>{escape(b.told)}</title></circle>',
        ]
    heights = _spread([y(b.accuracy) for b in bubbles])
    for b, height in zip(bubbles, heights, strict=True):
        end = WIDTH - RIGHT + 12
        parts += [
            f'<path class="grid" fill="none" d="M{x(b.seconds):.1f},{y(b.accuracy):.1f}'
            f'L{end - 4},{height:.1f}"/>',
            label(end, height + 4, b.name, "start"),
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _spread(heights: list[float]) -> list[float]:
    """The heights, moved apart so far that names do not cover each other."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    placed = list(heights)
    for above, below in itertools.pairwise(order):
        placed[below] = max(placed[below], placed[above] + APART)
    over = max(placed) - (HEIGHT - BOTTOM)
    if over > 0:
        placed = [height - over for height in placed]
    return placed
