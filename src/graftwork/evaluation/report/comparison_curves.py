"""Share wrong by share answered, a line for each contestant, named beside the chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from graftwork.evaluation.report.charts import Scale
from graftwork.evaluation.report.plot import Plot
from graftwork.evaluation.report.svg import line, text, titled

__all__ = ["MOST_LINES", "shortened", "wrong_by_answered"]

MOST_LINES = 8  # each has a colour and dashes of its own in the style sheet (hue0 … hue7)
_SURE_FROM = 0.1  # coverages below rest on few rows; they do not set the scale
_HEIGHT, _RIGHT = 260.0, 175.0
_SAMPLE, _GAP = 26.0, 15.0  # width of a line's sample in the key; from one name to the next
_LONGEST = 19  # characters of a name that fit


def wrong_by_answered(contestants: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The chart (``svg``), whether it has ``levels``, and the number ``left_out``; None: no curve.

    A contestant that never tells how sure it is is a level line: its errors on all rows.

    Args:
        contestants: with ``name``, ``curve`` (None: it never tells) and ``scores``, best first.
    """
    if not any(each["curve"] for each in contestants):
        return None
    # curves first: they are what the chart is for
    drawn = sorted(contestants, key=lambda each: not each["curve"])[:MOST_LINES]
    lines = [_Line.of(each, number) for number, each in enumerate(drawn)]
    plot = Plot(Scale(0.0, max([0.01, *(each.top for each in lines)])), True, _HEIGHT, _RIGHT)
    parts = [each.drawn(plot) for each in lines]
    parts += _key(plot, lines)
    parts += [plot.below(plot.x(share), f"{100 * share:.0f}") for share in (0, 0.25, 0.5, 0.75, 1)]
    svg = plot.draw("Share of wrong answers, by share of rows answered", "rows answered, %", parts)
    return {
        "svg": svg,
        "levels": any(each.level for each in lines),
        "left_out": len(contestants) - len(drawn),
    }


@dataclass(frozen=True)
class _Line:
    """One contestant's line: (coverage, error) by rising coverage."""

    name: str
    number: int
    points: tuple[tuple[float, float], ...]
    level: bool

    @classmethod
    def of(cls, each: Mapping[str, Any], number: int) -> _Line:
        if each["curve"]:
            points = tuple((point["coverage"], point["error"]) for point in each["curve"])
            return cls(each["name"], number, points, False)
        wrong = 1 - each["scores"]["accuracy"]["value"]
        return cls(each["name"], number, ((0.0, wrong), (1.0, wrong)), True)

    @property
    def top(self) -> float:
        """The largest error that the scale has to hold."""
        return max((e for c, e in self.points if c > _SURE_FROM), default=self.points[-1][1])

    @property
    def kind(self) -> str:
        """Classes of the style sheet."""
        return f"{'level' if self.level else 'curve'} hue{self.number}"

    def drawn(self, plot: Plot) -> Markup:
        inside = [(c, e) for c, e in self.points if e <= plot.scale.high] or list(self.points)
        path = " ".join(f"{plot.x(c):.1f},{plot.y(e):.1f}" for c, e in inside)
        return titled(
            self.name, Markup('<polyline class="{}" points="{}"/>').format(self.kind, path)
        )


def _key(plot: Plot, lines: Sequence[_Line]) -> list[Markup]:
    """Names to the right, as near the ends of their lines as they do not cover each other."""
    order = sorted(lines, key=lambda each: -each.points[-1][1])  # y grows downwards
    left, lowest = plot.x(1) + 10, plot.y(0)
    places = _spread([plot.y(each.points[-1][1]) for each in order], lowest)
    parts = []
    for each, y in zip(order, places, strict=True):
        sample = line(each.kind, left, y, left + _SAMPLE, y)
        words = text(left + _SAMPLE + 6, y + 4, "start", shortened(each.name, _LONGEST))
        parts.append(titled(each.name, sample, words))
    return parts


def _spread(places: Sequence[float], lowest: float) -> list[float]:
    """Rising places moved apart to `_GAP` at least, none below `lowest`."""
    found: list[float] = []
    for place in places:
        found.append(max(place, found[-1] + _GAP) if found else place)
    for at in range(len(found) - 1, -1, -1):
        found[at] = min(found[at], lowest if at == len(found) - 1 else found[at + 1] - _GAP)
    return found


def shortened(words: str, longest: int) -> str:
    """Words cut in the middle, so that both ends, which tell paths and versions, are kept."""
    if len(words) <= longest:
        return words
    tail = (longest - 1) // 2
    return f"{words[: longest - 1 - tail].rstrip()}…{words[-tail:].lstrip()}"
