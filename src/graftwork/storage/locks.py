"""Locks between processes, released by the system when their holder dies."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import filelock

from graftwork.errors import RunLockedError
from graftwork.storage.disk import disk_errors

__all__ = ["Lock", "Waiting", "wait_lock"]


class Waiting(Protocol):
    """What `wait_lock` needs of a progress object."""

    def check(self) -> None:
        """Raise where the work was cancelled."""
        ...

    def say(self, text: str) -> None:
        """Tell the user one line."""
        ...


class Lock:
    """An exclusive lock on a file, for one owner at a time on this machine.

    The lock file stays (deleting it would split waiters); who holds it stands in ``<path>.json``.
    The system frees the lock when the process dies, by SIGKILL too.

    Args:
        path: the lock file; its folder must exist.
        what: what it guards, for messages; the path when left out.
    """

    def __init__(self, path: Path | str, what: str | None = None) -> None:
        self.path = Path(path)
        self.what = what or str(path)
        self._holder_path = self.path.with_name(self.path.name + ".json")
        # Not thread-local: whoever closes a run may be another thread than the one that opened it.
        self._lock = filelock.FileLock(self.path, thread_local=False)

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._lock.is_locked

    def try_acquire(self) -> bool:
        """Take the lock if it is free, at once.

        Raises:
            StorageError: the lock file cannot be written.
        """
        with disk_errors("lock", self.path):
            try:
                self._lock.acquire(timeout=0)
            except filelock.Timeout:
                return False
        self._write_holder()
        return True

    def acquire(self) -> Lock:
        """Take the lock, or say at once who has it.

        Raises:
            RunLockedError: another process has it: which, on which host, since when.
            StorageError: the lock file cannot be written.
        """
        if self.held or self.try_acquire():
            return self
        raise RunLockedError(f"{self.what} is in use by {self.describe_holder()}")

    def release(self) -> None:
        """Free the lock; doing so twice is fine."""
        if self.held:
            with suppress(OSError):
                self._holder_path.unlink(missing_ok=True)
            self._lock.release(force=True)

    def holder(self) -> dict[str, Any]:
        """``pid``, ``host``, ``since`` of who last wrote that it holds the lock, {} if unknown."""
        try:
            found = json.loads(self._holder_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def describe_holder(self) -> str:
        """The holder in words."""
        holder = self.holder()
        if not holder:
            return "another process"
        return f"process {holder.get('pid')} on {holder.get('host')} since {holder.get('since')}"

    def _write_holder(self) -> None:
        """Best effort: the lock holds without it, and a full disk has its own message later."""
        since = datetime.now(UTC).isoformat(timespec="seconds")
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
        with suppress(OSError):
            self._holder_path.write_text(json.dumps(holder), encoding="utf-8")

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


@contextmanager
def wait_lock(
    path: Path | str, progress: Waiting | None = None, *, what: str | None = None
) -> Iterator[Lock]:
    """Hold the lock inside the block, waiting for it as long as it takes.

    Waiting can be cancelled through `progress.check()`, and is told once through `progress.say()`.

    Raises:
        StorageError: the lock file cannot be written.
    """
    lock = Lock(path, what)
    pause, waited, told = 0.01, 0.0, False
    while not lock.try_acquire():
        if progress is not None:
            progress.check()
            if waited > 1.0 and not told:  # shorter waits are not worth a line
                progress.say(f"waiting for {lock.what}, in use by {lock.describe_holder()}")
                told = True
        time.sleep(pause)
        waited += pause
        pause = min(0.2, pause * 1.5)
    try:
        yield lock
    finally:
        lock.release()
