"""Paths of pictures as they stand in a table: found inside their folder, and never outside it."""

from __future__ import annotations

import os
import re
import stat
import threading
from pathlib import Path

from graftwork.errors import nearest
from graftwork.modalities._picture_kinds import PictureError

__all__ = ["MOST_BYTES", "Paths"]

MOST_BYTES = 1 << 29  # of a file; the largest picture that is decoded has 400 MB uncompressed
HINTS = 10  # missing files for which a likely name is looked for
LISTED = 5_000  # names of a folder that are compared
FOLDERS = 200  # folders below that are looked into
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://|data:", re.I)


class Paths:
    """Looks up paths. May be used from several threads.

    Args:
        folder: paths are relative to it, and may not lead out of it (absolute ones, ``..``, or
            symbolic links); None: paths are relative to the working folder and lead anywhere.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._root = None if folder is None else os.path.realpath(folder)
        self._parents: dict[str, str] = {}
        self._listings: dict[str, list[str]] = {}
        self._hints = 0
        self._lock = threading.Lock()

    def find(self, name: str) -> Path:
        """The file of that name.

        Raises:
            PictureError: ``outside_folder``, ``no_such_file`` or ``too_large_file``.
        """
        if _ADDRESS.match(name):
            raise PictureError("no_such_file", "it is an address; pictures are read from files")
        if "\0" in name:
            raise PictureError("no_such_file", "a path cannot hold a NUL character")
        path = self._inside(name)
        if path is None and "\\" in name and os.sep == "/":  # written on Windows
            path = self._inside(name.replace("\\", "/"))
        if path is None:
            raise PictureError("no_such_file", f"there is no such file{self._meant(name)}")
        return path

    def _inside(self, name: str) -> Path | None:
        """The regular file of that name, checked before its content is touched; None: not there."""
        path = os.path.join(self.folder or "", name)
        real = self._real(path)
        self._check(real)
        try:
            found = os.stat(real)
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(found.st_mode):
            raise PictureError("no_such_file", "it is a folder or a device, not a file")
        if found.st_size > MOST_BYTES:
            raise PictureError(
                "too_large_file",
                f"{found.st_size / 2**20:,.0f} MiB; at most {MOST_BYTES >> 20} are read",
            )
        return Path(real)

    def _real(self, path: str) -> str:
        """The real path; those of folders are kept, since most files share a few."""
        above, last = os.path.split(path)
        if last in ("", ".", "..") or os.path.islink(path):
            return os.path.realpath(path)
        if above not in self._parents:
            self._parents[above] = os.path.realpath(above)
        return os.path.join(self._parents[above], last)

    def _check(self, real: str) -> None:
        if self._root is None or real.startswith(os.path.join(self._root, "")):
            return
        raise PictureError(
            "outside_folder", f"it leads out of the folder {str(self.folder)!r}, which is not read"
        )

    def _meant(self, name: str) -> str:
        """A likely name for a missing file, as the end of a sentence."""
        with self._lock:
            self._hints += 1
            if self._hints > HINTS:
                return ""
        above, last = os.path.split(name)
        root = str(self.folder or ".")
        there = self._names(os.path.join(root, above))
        close = nearest(last, there)
        if close is None:  # the same picture in another format
            stem = os.path.splitext(last)[0].casefold()
            close = next((n for n in there if os.path.splitext(n)[0].casefold() == stem), None)
        if close is not None:
            return f"; did you mean {os.path.join(above, close)!r}?"
        for below in self._names(root)[:FOLDERS]:
            if os.path.isfile(os.path.join(root, below, last)):
                return f"; did you mean {os.path.join(below, last)!r}?"
        return "" if there else f": the folder {above!r} is not there, or empty"

    def _names(self, folder: str) -> list[str]:
        if folder not in self._listings:
            try:
                self._listings[folder] = sorted(os.listdir(folder))[:LISTED]
            except OSError:
                self._listings[folder] = []
        return self._listings[folder]
