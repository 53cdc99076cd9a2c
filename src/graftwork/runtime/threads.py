"""Many small fits side by side: one thread of BLAS each, as many fits at a time as cores.

Two threads inside a small matrix product wait for each other most of the time (and NumPy's and
SciPy's BLAS, two libraries, even keep each other's threads from running); two products side by side
do not. Results do not depend on the number of workers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["cores", "side_by_side"]

T = TypeVar("T")
R = TypeVar("R")


def cores() -> int:
    """Cores that this process may use (containers and `taskset` are respected)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def side_by_side(
    work: Callable[[T], R], items: Sequence[T], workers: int | None = None
) -> Iterator[R]:
    """`work` of every item, in order, several at a time, each with one thread of BLAS.

    Args:
        work: releases the GIL where its time goes (NumPy and SciPy do).
        items: what to work on.
        workers: at a time; default: all cores.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        pool = ThreadPoolExecutor(max_workers=max(1, min(workers or cores(), len(items) or 1)))
        try:
            yield from pool.map(work, items)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
