"""What a process that died has left beside a folder, and putting it right.

A folder is replaced in these steps, each one rename: ``.x.tmp-…`` is written and fsynced, becomes
``.x.new-…`` (from here on it is whole), the old folder becomes ``.x.old-…``, the new one becomes
``x``. A crash between any two leaves the old or the new content whole, under one of these names.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from graftwork.storage.disk import disk_errors, fsync_folder

__all__ = ["Leftover", "leftovers", "mine", "recover", "remove", "sweep"]

_NAME = re.compile(r"\.(.+)\.(tmp|new|old)-(\d+)-([0-9a-f]{16})[0-9a-f]{6}")

# Names that this process is working with right now: a process id alone cannot tell them from those
# that a dead process of the same id left (in containers the same command often has the same id).
mine: set[str] = set()


@dataclass(frozen=True)
class Leftover:
    """A temporary sibling: of which target, of what kind, and whose it was."""

    path: Path
    target: str
    kind: str
    pid: int
    made: float

    @property
    def dead(self) -> bool:
        """Whether nobody works on it any more."""
        if self.pid == os.getpid():
            return self.path.name not in mine
        return not _was_alive(self.pid, self.made)


def leftovers(folder: Path, target: str | None = None) -> list[Leftover]:
    """Temporary siblings in `folder`, oldest first; of one target where it is named."""
    found = []
    for entry in os.listdir(folder) if folder.is_dir() else ():
        match = _NAME.fullmatch(entry)
        if match and target in (None, match[1]):
            made = int(match[4], 16) / 1e9
            found.append(Leftover(folder / entry, match[1], match[2], int(match[3]), made))
    return sorted(found, key=lambda one: one.made)


def recover(folder: Path | str) -> None:
    """Put right what a crash left of `folder`: its old or its new content, whole, or nothing.

    Leftovers of living processes are not touched. Safe to call at any time.

    Raises:
        StorageError: the disk says no.
    """
    target = Path(os.path.realpath(folder))
    with disk_errors("recover", folder):
        dead = [one for one in leftovers(target.parent, target.name) if one.dead]
        if not os.path.lexists(target):
            whole = [one for one in dead if one.kind == "new"] or [
                one for one in dead if one.kind == "old"
            ]
            if whole:
                with suppress(FileNotFoundError):  # another process was quicker
                    os.rename(whole[-1].path, target)
                    fsync_folder(target.parent)
        for one in dead:
            remove(one.path)


def sweep(folder: Path | str) -> None:
    """`recover` everything that has leftovers in `folder`."""
    place = Path(folder)
    for name in {one.target for one in leftovers(place)}:
        recover(place / name)


def remove(path: Path) -> None:
    """Delete a file or a folder with all that is in it; gone already is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(FileNotFoundError):
            path.unlink()


def _was_alive(pid: int, moment: float) -> bool:
    """Whether process `pid` runs now and already ran at `moment` (seconds since 1970)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass  # it runs, as another user
    if os.name == "nt":
        return True
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        uptime = float(Path("/proc/uptime").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return True  # cannot be told: leave it alone
    began = time.time() - uptime + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return fields[0] not in "ZX" and began <= moment + 2.0  # clocks of this kind differ a little
