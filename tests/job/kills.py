"""How runs are cut on their way: killed at random points, or stopped within a step."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from itertools import count
from typing import Any

from graftwork.runs.progress import Progress, Step

HALVES = ((0.5, 1.0), (0.05, 0.5))  # of a run: where the first kill of a job falls, in turns
AGAIN = (0.05, 0.35)
MISSES = 10  # runs in a row that ended before a kill came: something is wrong, not slow or fast


def kill_runs(
    kills: int, seconds: float, start: Callable[[int], Any], check: Callable[[Any], None]
) -> None:
    """Kill so many times in all, over as many jobs as that takes, each of which then ends.

    `start(i)` gives a job with nothing done, `check(job)` asserts what became of it, `seconds` is
    what an undisturbed one takes; one that takes less counts from then on.
    """
    made = missed = 0
    for number in count():
        job = start(number)
        most = min(kills - made, -(-kills // 2))  # two jobs at least, one for each half
        points, last = kill(job, seconds, most, HALVES[number % 2])
        print(f"killed after {points} of {seconds:.3f} s")  # shown where the check fails
        check(job)
        made += len(points)
        if made >= kills:
            return
        missed = 0 if points else missed + 1
        assert missed < MISSES
        if not points:
            seconds = min(seconds, last)


def kill(
    job: Any, seconds: float, kills: int, first: tuple[float, float]
) -> tuple[list[float], float]:
    """Run a job to its end, killed `kills` times at most; after how many seconds, and the last run.

    Of the `seconds` of an undisturbed run a random part: the `first` one within these shares, so
    that every place is met, the others short, so that several meet one run.
    """
    draw, points = random.SystemRandom(), []
    for _ in range(kills):
        point = seconds * draw.uniform(*(AGAIN if points else first))
        told = job(after=point, signal=int(signal.SIGKILL))
        if told.code == 0:
            return points, told.seconds
        assert told.code == -signal.SIGKILL, told.err
        points.append(point)
    told = job()
    assert told.code == 0, told.err
    return points, told.seconds


class Stopping(Progress):
    """Cancels once a step with that title has moved on by so much."""

    def __init__(self, title: str, after: int) -> None:
        super().__init__()
        self.title, self.after = title, after

    def on_advance(self, step: Step) -> None:
        if step.title == self.title and step.done >= self.after:
            self.cancel()
