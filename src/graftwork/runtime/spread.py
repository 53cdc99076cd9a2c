"""Work on many tensors in shares, one thread each: no share waits for another within its work.

Several threads within one small operation wait for each other at its end, and on a machine that is
busy with other work the wait is the scheduler's: hundreds of operations a step, each milliseconds
instead of microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Spread", "even_shares", "in_one"]

# given work on a share (positions) and the size of every item; what comes out must not depend on
# how the items are shared out
Spread = Callable[[Callable[[list[int]], Any], Sequence[int]], None]


def in_one(work: Callable[[list[int]], Any], sizes: Sequence[int]) -> None:
    """All items in one share, in this thread."""
    if sizes:
        work(list(range(len(sizes))))


def even_shares(sizes: Sequence[int], count: int) -> list[list[int]]:
    """At most `count` shares of about the same size: positions in rising order, none empty."""
    shares: list[list[int]] = [[] for _ in range(count)]
    held = [0] * count
    for place in sorted(range(len(sizes)), key=lambda i: -sizes[i]):
        lightest = held.index(min(held))
        shares[lightest].append(place)
        held[lightest] += max(sizes[place], 1)
    return [sorted(share) for share in shares if share]
