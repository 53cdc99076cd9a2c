"""What happened in a run: versions, machine, times, counts, decisions."""

from __future__ import annotations

import os
import platform
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from graftwork.storage.json_files import plain, read_json, write_json

__all__ = ["Record", "machine_facts", "now", "software_versions"]

_PACKAGES = (
    "graftwork", "torch", "transformers", "tokenizers", "safetensors", "numpy", "scipy",
    "scikit-learn", "pyarrow", "pandas",
)  # fmt: skip


def now() -> str:
    """The time in UTC, as ISO 8601 with seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def software_versions() -> dict[str, str]:
    """Versions of Python and of the packages that can change a result; none is imported."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine_facts() -> dict[str, Any]:
    """CPU model, cores that this process may use, memory in bytes, system. No host or user name."""
    facts: dict[str, Any] = {
        "cpu": _cpu_model(),
        "cores": _cores(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    try:
        facts["memory_bytes"] = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        facts["memory_bytes"] = None
    return facts


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


class Record:
    """What happened. Safe to use from several threads.

    Values are plain JSON (numpy's numbers are converted; NaN is refused where it is put in, so that
    the fault shows at its cause and not at the end).

    Args:
        values: what an earlier session of the same run recorded; times and counts go on from there.
    """

    def __init__(self, values: dict[str, Any] | None = None) -> None:
        self._lock = threading.RLock()
        self._values: dict[str, Any] = dict(values) if values else {"created": now()}
        for section in ("seconds", "counts"):
            self._values[section] = dict(self._values.get(section, {}))
        self._values["sessions"] = list(self._values.get("sessions", []))

    @classmethod
    def load(cls, path: Path | str) -> Record:
        """The record in a file.

        Raises:
            StorageError: it cannot be read or is damaged.
        """
        return cls(read_json(path))

    def begin_session(self, **facts: Any) -> None:
        """Note that a process starts working: when, with which software, on what machine."""
        session = {
            "started": now(),
            "versions": software_versions(),
            "machine": machine_facts(),
            **facts,
        }
        with self._lock:
            self._values["sessions"].append(plain(session, "session"))

    def set(self, key: str, value: Any) -> None:
        """Note one fact; an earlier one of that key is replaced."""
        self._guard(key)
        with self._lock:
            self._values[key] = plain(value, key)

    def get(self, key: str, default: Any = None) -> Any:
        """The fact of that key."""
        with self._lock:
            return self._values.get(key, default)

    def add(self, section: str, item: Any) -> None:
        """Append to a list of facts (decisions, notes, warnings …)."""
        self._guard(section)
        with self._lock:
            found = self._values.setdefault(section, [])
            if not isinstance(found, list):
                raise ValueError(f"{section!r} of the record is no list")
            found.append(plain(item, section))

    def count(self, name: str, amount: int = 1) -> int:
        """Add to a counter, e.g. ``base_passes``, and return it; 0 only makes it appear."""
        with self._lock:
            counts = self._values["counts"]
            counts[name] = counts.get(name, 0) + int(amount)
            return int(counts[name])

    @contextmanager
    def seconds(self, name: str) -> Iterator[None]:
        """Add the wall-clock seconds of the block to those of `name`."""
        began = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - began
            with self._lock:
                times = self._values["seconds"]
                times[name] = round(times.get(name, 0.0) + spent, 4)

    def to_json(self) -> dict[str, Any]:
        """A copy of everything, as plain JSON values."""
        with self._lock:
            copy: dict[str, Any] = plain(self._values)
            return copy

    def save(self, path: Path | str) -> None:
        """Write it, whole or not at all.

        Raises:
            StorageError: the disk says no.
        """
        write_json(path, self.to_json())

    @staticmethod
    def _guard(key: str) -> None:
        if key in ("seconds", "counts", "sessions", "created"):
            raise ValueError(f"{key!r} of the record has its own method")
