"""The difference of two figures that were taken on different rows."""

from __future__ import annotations

import math

from graftwork.stats.interval import Interval

__all__ = ["independent_difference"]


def independent_difference(a: Interval, b: Interval) -> Interval:
    """Difference a minus b, its interval recovered from those of a and of b.

    With Wilson's intervals of two shares this is Newcombe's hybrid score interval. It takes the two
    for independent; where some rows are in both it is a little too wide, never too narrow.

    Args:
        a: a figure with its interval.
        b: the other one, on other rows, at the same confidence.

    Source: Newcombe 1998, Interval estimation for the difference between independent proportions
        (method 10); Zou & Donner 2008, Construction of confidence limits about effect measures.
    """
    value = a.value - b.value
    low = value - math.hypot(a.value - a.low, b.high - b.value)
    high = value + math.hypot(a.high - a.value, b.value - b.low)
    return Interval(value, low, high)
