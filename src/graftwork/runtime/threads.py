"""Many small fits side by side: one thread of BLAS each, as many fits at a time as cores.

Two threads inside a small matrix product wait for each other most of the time (and NumPy's and
SciPy's BLAS, two libraries, even keep each other's threads from running); two products side by side
do not. Results do not depend on the number of workers.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["cores", "networks_side_by_side", "side_by_side"]

T = TypeVar("T")
R = TypeVar("R")


def cores() -> int:
    """Cores that this process may use.

    Containers, `taskset` and ``OMP_NUM_THREADS`` are respected; joblib sets the latter in its
    workers, so that a grid search in two processes does not run twice as many threads as cores.
    """
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    told = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    return max(1, min(here or 1, int(told))) if told.isdigit() else (here or 1)


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
        yield from _in_order(work, items, workers or cores())


def networks_side_by_side(
    work: Callable[[T], R], items: Sequence[T], workers: int | None = None
) -> Iterator[R]:
    """The same for passes through a network: torch uses one thread in each of the workers.

    Quicker than several threads in one pass (small products do not fill them), and what comes out
    does not depend on the number of cores.

    Args:
        work: one pass (torch releases the GIL in its kernels).
        items: what to work on.
        workers: at a time; default: as many as torch had threads.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield from _in_order(work, items, workers or before)
    finally:
        torch.set_num_threads(before)


def _in_order(work: Callable[[T], R], items: Sequence[T], workers: int) -> Iterator[R]:
    """Results in the items' order, only a few ahead of the reader (they may be large)."""
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
