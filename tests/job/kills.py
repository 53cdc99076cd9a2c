"""How runs are killed on their way, at random points."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from typing import Any


def kill_runs(
    kills: int, seconds: float, start: Callable[[int], Any], check: Callable[[Any], None]
) -> None:
    """Kill so many times in all, over as many jobs as that takes, each of which then ends.

    `start(i)` gives a job with nothing done, `check(job)` asserts what became of it, `seconds` is
    what an undisturbed one takes.
    """
    made = 0
    while made < kills:
        job = start(made)
        points = kill(job, seconds, kills - made)
        assert points, "the machine became several times as fast: no kill met the run"
        made += len(points)
        print(f"killed after {points} of {seconds:.3f} s")  # shown where the check fails
        check(job)


def kill(job: Any, seconds: float, kills: int) -> list[float]:
    """Run a job to its end, killed `kills` times at most; after how many seconds, each time.

    Of the `seconds` of an undisturbed run a random part: the first one long, so that every place
    is met, the others short, so that several meet one run.
    """
    draw, points = random.SystemRandom(), []
    for _ in range(kills):
        point = seconds * draw.uniform(0.05, 0.35 if points else 0.7)
        told = job(after=point, signal=int(signal.SIGKILL))
        if told.code == 0:
            return points
        assert told.code == -signal.SIGKILL, told.err
        points.append(point)
    told = job()
    assert told.code == 0, told.err
    return points
