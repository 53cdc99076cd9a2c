"""The small object that everything long accepts: progress, words for the user, cancelling.

It travels down as an argument; nothing below the API prints. The base class is silent, so that
library use stays quiet; `cli.py` passes one that draws.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from graftwork.errors import Interrupted

__all__ = ["Progress", "Step"]


class Step:
    """One piece of work with a known or unknown length."""

    def __init__(self, progress: Progress, title: str, total: int | None) -> None:
        self.progress = progress
        self.title = title
        self.total = total
        self.done = 0
        self.status = ""  # how it goes, in a few words

    def show(self, status: str) -> None:
        """Say how it goes; drawn with the next advance."""
        self.status = status

    def advance(self, amount: int = 1) -> None:
        """Say that `amount` more is done; the place where a cancelled run stops."""
        self.progress.check()
        self.done += amount
        self.progress.on_advance(self)


class Progress:
    """Silent progress: keeps the count, draws nothing.

    Override the three `on_…` methods to show it. `cancel()` may be called from a signal handler or
    another thread; the next `check()` (each step's `advance` is one) raises `Interrupted`.
    """

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._why = "interrupted"

    def cancel(self, why: str = "interrupted") -> None:
        """Ask the work to end at its next safe point."""
        self._why = why
        self._cancelled.set()

    def check(self) -> None:
        """Raise `Interrupted` where `cancel` was called."""
        if self._cancelled.is_set():
            raise Interrupted(self._why)

    @contextmanager
    def step(self, title: str, total: int | None = None) -> Iterator[Step]:
        """Open a piece of work: ``with progress.step("encoding", n) as step: step.advance()``."""
        self.check()
        step = Step(self, title, total)
        self.on_start(step)
        try:
            yield step
        finally:
            self.on_end(step)

    def say(self, text: str) -> None:
        """Tell the user one plain line."""
        self.on_say(text)

    def on_start(self, step: Step) -> None:
        """A step begins."""

    def on_advance(self, step: Step) -> None:
        """A step moved on."""

    def on_end(self, step: Step) -> None:
        """A step ended, done or not."""

    def on_say(self, text: str) -> None:
        """A line for the user."""
