"""How many rows would settle a comparison."""

from __future__ import annotations

import math
from statistics import NormalDist

from graftwork.stats.interval import CONFIDENCE, Interval, z_of

__all__ = ["rows_to_decide"]


def rows_to_decide(
    found: Interval, n: int, margin: float, *, power: float = 0.8, confidence: float = CONFIDENCE
) -> int | None:
    """Rows at which the interval would, with chance `power`, either leave 0 or fit into ±margin.

    Takes the difference that was found as the true one and the spread per row from the interval
    found, so it is a guide, not a promise; rounded up to two digits.

    Args:
        found: the paired difference with its interval.
        n: rows that it came from.
        margin: differences inside ±margin count as none.
        power: chance of deciding with that many rows.
        confidence: of the interval.

    Returns:
        a number of rows above `n`, or None where none can be told (no spread, no end).
    """
    width = found.high - found.low
    if not math.isfinite(width) or width <= 0:
        return None
    both = z_of(confidence) + NormalDist().inv_cdf(power)
    spread = width / (2 * z_of(confidence)) * math.sqrt(n)
    distances = [abs(found.value), margin - abs(found.value)]
    needed = [(both * spread / distance) ** 2 for distance in distances if distance > 0]
    if not needed or min(needed) > 1e9:
        return None
    rows = max(min(needed), n + 1)
    step = 10 ** max(0, math.floor(math.log10(rows)) - 1)
    return int(math.ceil(rows / step) * step)
