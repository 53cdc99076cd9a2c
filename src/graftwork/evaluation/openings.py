"""How often a test part has been looked at.

Each look at the same test part, followed by a change, makes its figures a little too good. The
ledger is a file of lines that is only ever appended to, one line per opening.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from graftwork.errors import StorageError

__all__ = ["LEDGER", "opened"]

LEDGER = "openings.jsonl"


def opened(folder: Path, key: str, run_id: str) -> int:
    """Write down that a run opens a test part, and say how many other runs did before.

    A run that is replayed or resumed counts once. Safe with parallel writers.

    Args:
        folder: where the ledger lies; made when absent, readable by its owner alone.
        key: fingerprint of the test part.
        run_id: of the run that opens it.

    Returns:
        the number of different runs that opened this test part before this one first did.

    Raises:
        StorageError: the ledger cannot be written or read.
    """
    from filelock import FileLock

    path = folder / LEDGER
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(folder / f"{LEDGER}.lock", mode=0o600):
            before = _runs(path, key)
            if run_id in before:
                return before.index(run_id)
            _append(path, key, run_id)
            return len(before)
    except OSError as error:
        raise StorageError(f"cannot keep the ledger of test openings {path}: {error}") from error


def _runs(path: Path, key: str) -> list[str]:
    """Different runs that opened the part, in order; a torn or foreign line is passed."""
    if not path.exists():
        return []
    runs: dict[str, None] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(entry, dict) and entry.get("test") == key and "run" in entry:
            runs[str(entry["run"])] = None
    return list(runs)


def _append(path: Path, key: str, run_id: str) -> None:
    """Add one line in one write; a line torn by an earlier crash is closed first."""
    time = datetime.now(UTC).isoformat(timespec="seconds")
    line = json.dumps({"test": key, "run": run_id, "time": time}) + "\n"
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            line = "\n" + line
        os.write(handle, line.encode())
        os.fsync(handle)
    finally:
        os.close(handle)
