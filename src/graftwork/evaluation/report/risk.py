"""The risk–coverage chart: what share of the answers is wrong where a model may pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from graftwork.evaluation.report.charts import Scale
from graftwork.evaluation.report.svg import document, dot, line, text, titled

__all__ = ["risk_chart"]

_WIDTH, _HEIGHT, _LEFT, _TOP = 290.0, 220.0, 38.0, 24.0
_SURE_FROM = 0.15  # coverages below rest on few rows; their intervals do not set the scale


class _Frame:
    """Where a share of rows answered and a share of errors lie."""

    def __init__(self, curve: Sequence[Mapping[str, Any]], risk: float | None) -> None:
        shown = [row for row in curve if row["coverage"] >= _SURE_FROM] or list(curve)
        tops = [row["error"]["high"] for row in shown]
        tops += [row["observed"]["error"]["value"] or 0.0 for row in shown if row.get("observed")]
        self.scale = Scale(0.0, max(0.01, *tops, risk or 0.0))

    def x(self, coverage: float) -> float:
        return _LEFT + coverage * _WIDTH

    def y(self, error: float) -> float:
        return _TOP + _HEIGHT - self.scale.at(error) / 100 * _HEIGHT

    def points(self, pairs: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{self.x(c):.1f},{self.y(e):.1f}" for c, e in pairs)


def risk_chart(
    curve: Sequence[Mapping[str, Any]], promise: Mapping[str, Any] | None = None
) -> Markup:
    """Share wrong over share answered: expected out of fold (line, band), and seen (dots).

    Args:
        curve: as `abstention.risk_coverage` gives it, perhaps with ``observed`` in each row.
        promise: the guarantee; its threshold's place and its limit are drawn.
    """
    known = [row for row in curve if row["error"]["value"] is not None]
    promise = promise if promise and promise.get("threshold") is not None else None
    frame = _Frame(known, promise["risk"] if promise else None)
    parts = [*_grid(frame), _expected(frame, known)]
    if promise:
        parts += _promise(frame, promise)
    parts += [_seen(frame, row) for row in curve if row.get("observed")]
    parts.append(text(frame.x(0.5), _TOP + _HEIGHT + 34, "middle", "rows answered, %"))
    parts.append(text(0, 10, "start", "wrong, %"))
    label = "Share of answers that are wrong, by share of rows answered"
    return document("risk", 338, 282, label, parts)


def _grid(frame: _Frame) -> list[Markup]:
    parts = []
    digits = 0 if frame.scale.ticks[1] >= 0.01 - 1e-12 else 1
    for tick in frame.scale.ticks:
        y = frame.y(tick)
        parts += [
            line("grid", frame.x(0), y, frame.x(1), y),
            text(_LEFT - 6, y + 4, "end", f"{100 * tick:.{digits}f}"),
        ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = frame.x(share)
        parts += [
            line("grid", x, _TOP, x, _TOP + _HEIGHT),
            text(x, _TOP + _HEIGHT + 16, "middle", f"{100 * share:.0f}"),
        ]
    return parts


def _expected(frame: _Frame, known: Sequence[Mapping[str, Any]]) -> Markup:
    """The band of 95 % intervals and the line of expected errors."""
    high = [(row["coverage"], row["error"]["high"]) for row in known]
    low = [(row["coverage"], row["error"]["low"]) for row in reversed(known)]
    middle = [(row["coverage"], row["error"]["value"]) for row in known]
    return Markup(
        '<polygon class="band" points="{}"/><polyline class="curve" points="{}"/>'
    ).format(frame.points([*high, *low]), frame.points(middle))


def _promise(frame: _Frame, promise: Mapping[str, Any]) -> list[Markup]:
    at, limit = frame.x(promise["coverage"]), frame.y(promise["risk"])
    return [
        line("limit", frame.x(0), limit, frame.x(1), limit),
        line("limit", at, _TOP, at, _TOP + _HEIGHT),
        dot("kept", at, limit, 5.5),
    ]


def _seen(frame: _Frame, row: Mapping[str, Any]) -> Markup:
    """One threshold as the judged rows show it."""
    seen = row["observed"]
    if not seen["n"]:
        return Markup("")
    value, coverage = seen["error"]["value"], seen["coverage"]
    title = (
        f"probability from {row['threshold']:.3f}: {seen['n']} rows answered, "
        f"{100 * value:.1f} % wrong"
    )
    return titled(title, dot("seen", frame.x(coverage), frame.y(value), 3.6))
