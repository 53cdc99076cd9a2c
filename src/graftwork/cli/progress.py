"""Progress for people: bars with time left on a terminal, plain lines elsewhere; always stderr."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

from graftwork.cli.text import printable
from graftwork.runs.progress import Progress

if TYPE_CHECKING:
    from graftwork.runs.progress import Step

__all__ = ["BarProgress", "CliProgress", "LineProgress", "make_progress"]

_EVERY = 10.0  # seconds between the lines of a long step


class CliProgress(Progress):
    """Silent progress that can be closed; what `--quiet` uses and the other two build on."""

    def close(self) -> None:
        """Give the terminal back."""


def make_progress(quiet: bool, stream: TextIO | None = None) -> CliProgress:
    """The progress that suits `stream` (default: stderr)."""
    stream = stream or sys.stderr
    if quiet:
        return CliProgress()
    return BarProgress(stream) if stream.isatty() else LineProgress(stream)


def _seconds(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"


def _amount(step: Step) -> str:
    return f"{step.done:,} of {step.total:,}" if step.total else f"{step.done:,}"


def _status(step: Step, before: str = "  ") -> str:
    return f"{before}{step.status}" if step.status else ""


class LineProgress(CliProgress):
    """One line when a step begins, one about every ten seconds, one at its end.

    Args:
        stream: where the lines go.
        every: seconds between the lines of a long step.
        clock: seconds since any moment; monotonic.
    """

    def __init__(self, stream: TextIO, every: float = _EVERY, clock: Any = time.monotonic) -> None:
        super().__init__()
        self._stream = stream
        self._every = every
        self._clock = clock
        self._begun: dict[int, float] = {}
        self._spoken: dict[int, float] = {}

    def on_start(self, step: Step) -> None:
        """Name the step."""
        self._begun[id(step)] = self._spoken[id(step)] = self._clock()
        self._write(f"{step.title} …")

    def on_advance(self, step: Step) -> None:
        """Say how far it is, now and then."""
        now = self._clock()
        if now - self._spoken.get(id(step), now) < self._every:
            return
        self._spoken[id(step)] = now
        left = ""
        if step.total and step.done:
            rest = (now - self._begun[id(step)]) * (step.total - step.done) / step.done
            left = f", about {_seconds(max(rest, 0.0))} left"
        self._write(f"{step.title}: {_amount(step)}{left}{_status(step, '; ')}")

    def on_end(self, step: Step) -> None:
        """Say how long it took, or where it stopped."""
        self._spoken.pop(id(step), None)
        took = _seconds(self._clock() - self._begun.pop(id(step), self._clock()))
        # `on_end` runs in a `finally`: an exception on its way says that the step broke off.
        word = "stopped after" if sys.exc_info()[0] else "done in"
        amount = f" {_amount(step)}," if step.done else ""
        self._write(f"{step.title}:{amount} {word} {took}{_status(step, '; ')}")

    def on_say(self, text: str) -> None:
        """A line for the user."""
        self._write(text)

    def _write(self, text: str) -> None:
        self._stream.write(printable(text) + "\n")
        self._stream.flush()


class BarProgress(CliProgress):
    """Bars with the time left, one for each step that is under way."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._bars: Any = None
        self._tasks: dict[int, Any] = {}
        self._begun: dict[int, float] = {}

    def _open(self) -> Any:
        """The bars, drawn from the first step on; rich is imported only then."""
        if self._bars is None:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
            )

            self._bars = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(compact=True),
                console=Console(file=self._stream, markup=False, highlight=False, emoji=False),
                transient=True,
            )
            self._bars.start()
        return self._bars

    def on_start(self, step: Step) -> None:
        """Draw a bar."""
        self._begun[id(step)] = time.monotonic()
        self._tasks[id(step)] = self._open().add_task(printable(step.title), total=step.total)

    def on_advance(self, step: Step) -> None:
        """Move it."""
        if id(step) in self._tasks:
            description = printable(f"{step.title}{_status(step)}")
            self._open().update(self._tasks[id(step)], completed=step.done, description=description)

    def on_end(self, step: Step) -> None:
        """Put a line in its place; a step that took no time leaves none."""
        task = self._tasks.pop(id(step), None)
        took = time.monotonic() - self._begun.pop(id(step), time.monotonic())
        if task is None:
            return
        self._open().remove_task(task)
        if took >= 0.5 and not sys.exc_info()[0]:
            amount = f"  {step.done:,}" if step.done else ""
            self.on_say(f"{step.title}{amount}  {_seconds(took)}{_status(step)}")

    def on_say(self, text: str) -> None:
        """A line above the bars."""
        from rich.text import Text

        self._open().console.print(Text(printable(text)), soft_wrap=True)

    def close(self) -> None:
        """Take the bars away and show the cursor again."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None
