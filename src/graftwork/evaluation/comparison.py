"""Transfer against one control: two scores, and the paired gain with its interval."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Comparison"]


@dataclass(frozen=True)
class Comparison:
    """Transfer against one control, on the control's rows.

    Attributes:
        name: the control's.
        title: the control's.
        n: rows.
        value: the control's score.
        against: transfer's score on the same rows.
        gain: how much better transfer is (positive is better, whatever the metric).
        low: lower bound of the gain's 95 % interval.
        high: upper bound.
        p_value: McNemar's exact test of right and wrong rows.
        own: whether transfer was trained anew, on this control's rows, to meet it.
    """

    name: str
    title: str
    n: int
    value: float
    against: float
    gain: float
    low: float
    high: float
    p_value: float
    own: bool = False
