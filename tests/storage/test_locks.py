from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from graftwork.errors import RunLockedError, StorageError
from graftwork.storage.locks import Lock, wait_lock

HOLDER = """
import sys, time
from graftwork.storage.locks import Lock
with Lock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@contextmanager
def holder(path: Path, seconds: float = 60) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class Listener:
    def __init__(self) -> None:
        self.said: list[str] = []
        self.stop = False

    def check(self) -> None:
        if self.stop:
            raise InterruptedError

    def say(self, text: str) -> None:
        self.said.append(text)


def test_another_process_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with holder(path) as process:
        with pytest.raises(RunLockedError, match=f"runs/a is in use by process {process.pid} on"):
            Lock(path, "runs/a").acquire()
        process.kill()  # SIGKILL: the system frees the lock
        process.wait()
        with Lock(path) as lock:
            assert lock.held
            assert lock.holder()["pid"] == os.getpid()
    assert not lock.held
    assert lock.holder() == {}


def test_within_one_process_too(tmp_path: Path) -> None:
    with Lock(tmp_path / "x") as first:
        assert not Lock(tmp_path / "x").try_acquire()
        first.acquire()  # again by the same object: nothing happens
    with Lock(tmp_path / "x"):
        pass
    first.release()  # twice is fine


def test_another_thread_may_release(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "x").acquire()
    thread = threading.Thread(target=lock.release)
    thread.start()
    thread.join()
    assert Lock(tmp_path / "x").try_acquire()


def test_waiting_ends_when_the_holder_does_and_says_so_once(tmp_path: Path) -> None:
    path, listener = tmp_path / "x", Listener()
    with holder(path, 2.0) as process:
        began = time.monotonic()
        with wait_lock(path, listener, what="the feature store") as lock:
            assert time.monotonic() - began > 0.5
            assert lock.held
    assert len(listener.said) == 1
    assert f"waiting for the feature store, in use by process {process.pid}" in listener.said[0]
    assert not lock.held


def test_waiting_can_be_cancelled(tmp_path: Path) -> None:
    listener = Listener()
    listener.stop = True
    with (
        Lock(tmp_path / "x"),
        pytest.raises(InterruptedError),
        wait_lock(tmp_path / "x", listener),
    ):
        pytest.fail("the lock was given away twice")


def test_a_lock_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot lock"):
        Lock(tmp_path / "file" / "x").acquire()
