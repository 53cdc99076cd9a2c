"""One command in several processes, started by `torchrun`: the first works, the others help it."""

from __future__ import annotations

import signal
from collections.abc import Callable

__all__ = ["run_together"]


def run_together(work: Callable[[], int]) -> int:
    """Run `work` in the first process; the others take part in its trainings and say nothing.

    Args:
        work: the command; gives the exit code.
    """
    from graftwork.training.followers import serve
    from graftwork.training.processes import joined, leave, started_with

    if started_with() < 2:
        return work()
    with joined() as processes:
        code = 0
        if processes.rank == 0:
            code = work()
        else:
            for number in (signal.SIGINT, signal.SIGTERM):  # the first hears them and says when
                signal.signal(number, signal.SIG_IGN)
            serve(processes)
    leave(code)
