"""Ctrl-C and SIGTERM: the first ends the work at its next safe point, the second at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graftwork.cli.progress import CliProgress

__all__ = ["Watch", "watch_signals"]


@dataclass
class Watch:
    """The signal that came, or None."""

    came: int | None = None

    @property
    def exit_code(self) -> int:
        """What a shell expects after that signal: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + (self.came or signal.SIGINT)


@contextmanager
def watch_signals(progress: CliProgress) -> Iterator[Watch]:
    """Turn signals into `progress.cancel()` while the body runs; a no-op outside the main thread.

    The work notices at its next `progress.check()` and raises `Interrupted`, so that files are
    whole and the features encoded so far stay stored.
    """
    watch = Watch()

    def on_signal(number: int, frame: Any) -> None:
        if watch.came is not None:
            progress.close()
            os._exit(128 + number)
        watch.came = number
        progress.cancel(signal.Signals(number).name)
        # `os.write`, as the interrupted code may hold the lock of Python's stderr.
        if number == signal.SIGINT:
            os.write(2, b"\nStopping at the next safe point; Ctrl-C again stops at once.\n")

    if threading.current_thread() is not threading.main_thread():
        yield watch
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, on_signal)
    try:
        yield watch
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
