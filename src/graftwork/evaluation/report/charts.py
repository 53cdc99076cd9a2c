"""Charts as inline SVG, drawn by hand.

Positions are in percent, so that charts stretch with the page and their dots stay round.

Colours come from the style sheet (`style.css`) by class, so light, dark and print each have theirs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

__all__ = ["Scale", "axis", "scale_for", "whisker"]


class Scale:
    """Maps values to percent of a track's width, with round ticks.

    Args:
        low: smallest value shown.
        high: largest value shown.
    """

    def __init__(self, low: float, high: float) -> None:
        if high - low < 1e-9:
            low, high = low - 0.05, high + 0.05
        step = _round_step((high - low) / 5)
        self.low = math.floor(low / step + 1e-9) * step
        self.high = math.ceil(high / step - 1e-9) * step
        count = round((self.high - self.low) / step)
        self.ticks = [round(self.low + i * step, 10) for i in range(count + 1)]

    def at(self, value: float) -> float:
        """Percent from the left, within the track."""
        place = 100 * (value - self.low) / (self.high - self.low)
        return min(100.0, max(0.0, place))


def _round_step(raw: float) -> float:
    """The next step of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(raw))
    for factor in (1, 2, 5):
        if raw <= factor * power * (1 + 1e-9):
            return factor * power
    return 10 * power


def scale_for(
    intervals: Sequence[Mapping[str, Any]],
    *,
    zero: bool = False,
    most: float | None = None,
    reach: float | None = None,
) -> Scale:
    """A scale that holds all values and bounds.

    Args:
        intervals: each with ``value``, ``low``, ``high``.
        zero: hold 0 too.
        most: the largest value there can be (1 for shares): no tick above it.
        reach: show nothing beyond ± this, so that one far value does not squeeze the others;
            `whisker` then draws an arrow.
    """
    numbers = [
        found[key]
        for found in intervals
        for key in ("value", "low", "high")
        if found.get(key) is not None
    ]
    if zero or not numbers:
        numbers.append(0.0)
    if reach is not None:
        numbers = [min(reach, max(-reach, number)) for number in numbers]
    low, high = min(numbers), max(numbers)
    scale = Scale(low, high)
    if most is not None and scale.high > most >= high:
        scale.high = most
        scale.ticks = [tick for tick in scale.ticks if tick <= most + 1e-9]
    return scale


def whisker(
    found: Mapping[str, Any], scale: Scale, kind: str, label: str, zero: float | None = None
) -> Markup:
    """One row of a dot-and-whisker chart.

    Args:
        found: ``value``, ``low``, ``high`` (bounds may be None).
        scale: shared by all rows.
        kind: class of colour: ``chosen``, ``transfer``, ``control``, ``good``, ``bad``, ``even``.
        label: what a screen reader says.
        zero: draws a line there.
    """
    parts = [Markup('<svg class="track {}" role="img" aria-label="{}">').format(kind, label)]
    line = Markup('<line class="{1}" x1="{0}%" x2="{0}%" y1="0" y2="100%"/>')
    parts += [line.format(_p(scale.at(tick)), "grid") for tick in scale.ticks]
    if zero is not None:
        parts.append(line.format(_p(scale.at(zero)), "zero"))
    parts += [_whiskers(found, scale), _dot(found, scale)]
    return Markup("").join([*parts, Markup("</svg>")])


def _whiskers(found: Mapping[str, Any], scale: Scale) -> Markup:
    """The line from bound to bound, capped where the bound is inside the scale."""
    low, high = found.get("low"), found.get("high")
    if low is None or high is None or low > scale.high or high < scale.low:
        return Markup("")
    a, b = _p(scale.at(low)), _p(scale.at(high))
    drawn = Markup('<line class="whisker" x1="{}%" x2="{}%" y1="50%" y2="50%"/>').format(a, b)
    cap = Markup('<line class="cap" x1="{0}%" x2="{0}%" y1="32%" y2="68%"/>')
    inside = [bound for bound in (low, high) if scale.low <= bound <= scale.high + 1e-12]
    return Markup("").join([drawn, *(cap.format(_p(scale.at(bound))) for bound in inside)])


def _dot(found: Mapping[str, Any], scale: Scale) -> Markup:
    """The value, or an arrow at the edge that it lies beyond."""
    value = found.get("value")
    if value is None:
        return Markup("")
    if scale.low - 1e-12 <= value <= scale.high + 1e-12:
        at = _p(scale.at(value))
        return Markup('<circle class="dot" cx="{}%" cy="50%" r="5.5"/>').format(at)
    x, anchor, sign = ("100%", "end", "▶") if value > scale.high else ("0%", "start", "◀")
    return Markup('<text class="off" x="{}" y="50%" dy=".35em" text-anchor="{}">{}</text>').format(
        x, anchor, sign
    )


def axis(scale: Scale, share: bool, signed: bool = False) -> Markup:
    """Tick labels under a chart's rows."""
    every = 2 if len(scale.ticks) > 7 else 1
    parts = [Markup('<svg class="axis" aria-hidden="true">')]
    for tick in scale.ticks[::every]:
        at = scale.at(tick)
        anchor = "start" if at < 3 else "end" if at > 97 else "middle"
        digits = _digits(scale, share)
        number = 100 * tick if share else tick
        text = f"{number:{'+' if signed and abs(tick) > 1e-12 else ''}.{digits}f}".replace("-", "−")
        parts.append(
            Markup('<text x="{}%" y="14" text-anchor="{}">{}</text>').format(_p(at), anchor, text)
        )
    return Markup("").join([*parts, Markup("</svg>")])


def _digits(scale: Scale, share: bool) -> int:
    step = (scale.ticks[1] - scale.ticks[0]) * (100 if share else 1)
    return max(0, -math.floor(math.log10(step) + 1e-9))


def _p(percent: float) -> str:
    return f"{percent:.2f}"
