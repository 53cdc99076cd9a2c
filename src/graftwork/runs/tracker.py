"""The small face of whatever draws curves of a run elsewhere, and two that every run can have.

A tracker watches; nothing that comes out depends on it, and nothing is ever read back from it.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Protocol

__all__ = ["SILENT", "CarefulTracker", "SilentTracker", "Tracker"]


class Tracker(Protocol):
    """Takes figures and words of one run."""

    def params(self, values: Mapping[str, Any]) -> None:
        """What was asked for, by name; plain JSON values."""
        ...

    def scalar(self, name: str, value: float, step: int) -> None:
        """One figure; names are grouped by ``/``, steps count epochs or the like from 1 on."""
        ...

    def text(self, name: str, value: str) -> None:
        """A sentence."""
        ...

    def close(self) -> None:
        """Write what is left; nothing comes after."""
        ...


class SilentTracker:
    """A tracker that does nothing: the default."""

    def params(self, values: Mapping[str, Any]) -> None:
        """Nothing."""

    def scalar(self, name: str, value: float, step: int) -> None:
        """Nothing."""

    def text(self, name: str, value: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


SILENT = SilentTracker()


class CarefulTracker:
    """Keeps a run safe from its tracker: the first failure is said, then the tracker is let go.

    Warnings and log lines of the tracker's package are its own affair and are not shown.

    Args:
        make: opens the tracker; may fail like everything else.
        name: for the sentence.
        say: takes the sentence.
    """

    def __init__(self, make: Callable[[], Tracker], name: str, say: Callable[[str], None]) -> None:
        self._name = name
        self._say = say
        self._inner: Tracker = SILENT
        self._safely(lambda: setattr(self, "_inner", make()))

    def params(self, values: Mapping[str, Any]) -> None:
        """As `Tracker.params`."""
        self._safely(lambda: self._inner.params(values))

    def scalar(self, name: str, value: float, step: int) -> None:
        """As `Tracker.scalar`."""
        self._safely(lambda: self._inner.scalar(name, value, step))

    def text(self, name: str, value: str) -> None:
        """As `Tracker.text`."""
        self._safely(lambda: self._inner.text(name, value))

    def close(self) -> None:
        """As `Tracker.close`."""
        self._safely(lambda: self._inner.close())
        self._inner = SILENT

    def _safely(self, act: Callable[[], None]) -> None:
        try:
            with _quiet():
                act()
        except Exception as error:  # whatever it is, hours of work are worth more than a curve
            failed, self._inner = self._inner, SILENT
            with suppress(Exception), _quiet():
                failed.close()
            words = str(error).strip().splitlines()
            why = f"{type(error).__name__}: {words[0][:200]}" if words else type(error).__name__
            self._say(f"{self._name} failed ({why}); the run goes on without it")


@contextmanager
def _quiet() -> Iterator[None]:
    """No warnings and no logging for the moment that a tracker takes."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
