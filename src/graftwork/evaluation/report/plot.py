"""The area of a chart whose scores grow upwards: places, grid, points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from graftwork.evaluation.report.charts import Scale
from graftwork.evaluation.report.format import figure
from graftwork.evaluation.report.svg import document, dot, line, text, titled

__all__ = ["Plot"]

_WIDTH, _LEFT, _TOP, _BOTTOM = 640.0, 52.0, 14.0, 44.0


@dataclass(frozen=True)
class Plot:
    """An area of scores, with room for their names on the left and for words below.

    Attributes:
        scale: of the scores.
        share: whether they read as percentages.
        height: of the whole drawing.
        right: what is left free on the right.
    """

    scale: Scale
    share: bool
    height: float
    right: float

    def x(self, part: float) -> float:
        """The place of a part, 0 to 1, of the way from left to right."""
        return _LEFT + part * (_WIDTH - _LEFT - self.right)

    def y(self, score: float) -> float:
        """The place of a score."""
        return _TOP + (1 - self.scale.at(score) / 100) * (self.height - _TOP - _BOTTOM)

    def draw(self, label: str, caption: str, parts: Sequence[Markup]) -> Markup:
        """The chart: grid, parts, and the caption at the foot; `label` is for screen readers."""
        foot = text((_LEFT + _WIDTH - self.right) / 2, self.height - 6, "middle", caption)
        return document("learning", _WIDTH, self.height, label, [*self._grid(), *parts, foot])

    def below(self, x: float, words: str) -> Markup:
        """Words under the area, where a tick's name stands."""
        return text(x, self.height - _BOTTOM + 18, "middle", words)

    def point(
        self, kind: str, x: float, found: Mapping[str, Any], title: str, *more: Markup
    ) -> Markup:
        """A dot at ``value``, its whisker from ``low`` to ``high`` where both are known."""
        low, high = found.get("low"), found.get("high")
        whisker = Markup("")
        if low is not None and high is not None:
            whisker = line("whisker", x, self.y(low), x, self.y(high))
        return titled(title, whisker, dot(kind, x, self.y(found["value"]), 5.5), *more)

    def _grid(self) -> list[Markup]:
        parts = []
        whole = all(abs(100 * tick - round(100 * tick)) < 1e-9 for tick in self.scale.ticks)
        digits = (0 if whole else 1) if self.share else 3
        for tick in self.scale.ticks:
            y = self.y(tick)
            parts.append(line("grid", _LEFT, y, _WIDTH - self.right, y))
            parts.append(text(_LEFT - 8, y + 4, "end", figure(tick, self.share, digits)))
        return parts
