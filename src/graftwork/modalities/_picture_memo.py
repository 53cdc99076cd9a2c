"""What was found out about pictures, kept on disk so that a second reading decodes nothing."""

from __future__ import annotations

import base64
import json
import threading
from pathlib import Path
from typing import Any

from graftwork.errors import StorageError
from graftwork.modalities._picture_facts import Facts
from graftwork.storage.json_files import read_jsonl

__all__ = ["Memo"]

FORMAT = 3  # 1 held facts of damaged PNGs that were taken for sound, 2 told no dim ones


class Memo:
    """Facts by the hash of the content, in files of JSON lines that are only appended to.

    A content's file is named by the first two digits of its hash, so that few pictures read little.
    Lines that are damaged or torn are passed over, the folder may be deleted at any time, and a
    disk that says no only costs time. Failures are not kept: they are found again quickly, and a
    newer Pillow may read what an older could not.

    Args:
        folder: of all memos; one of its own is made inside, for this form and this Pillow.
    """

    def __init__(self, folder: Path) -> None:
        import PIL

        release = PIL.__version__.split(".")[0]
        self.folder = folder / f"pictures-{FORMAT}-pillow-{release}"
        self._known: dict[str, dict[str, Facts]] = {}
        self._new: dict[str, Facts] = {}
        self._lock = threading.Lock()

    def get(self, digest: str) -> Facts | None:
        """The facts of that content, if they are kept."""
        shard = digest[:2]
        with self._lock:
            if shard not in self._known:
                self._known[shard] = self._read(shard)
        return self._known[shard].get(digest)

    def add(self, digest: str, facts: Facts) -> None:
        """Keep the facts of a sound picture; `write` puts them on disk."""
        if not facts.reason:
            with self._lock:
                self._new[digest] = facts

    def write(self) -> None:
        """Append what is new, each file with one write, so that several processes may do so."""
        with self._lock:
            new, self._new = self._new, {}
        lines: dict[str, list[str]] = {}
        for digest, facts in new.items():
            lines.setdefault(digest[:2], []).append(json.dumps([digest, *_packed(facts)]))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for shard, those in lines.items():
                # the first break closes a line that a crash may have torn
                content = ("\n" + "\n".join(those) + "\n").encode()
                with open(self.folder / f"{shard}.jsonl", "ab", buffering=0) as stream:
                    stream.write(content)
        except OSError:
            return  # it is decoded again next time

    def _read(self, shard: str) -> dict[str, Facts]:
        path = self.folder / f"{shard}.jsonl"
        try:
            found = [_unpacked(line) for line in read_jsonl(path)] if path.is_file() else []
        except (StorageError, OSError):
            return {}
        return {one[0]: one[1] for one in found if one is not None}


def _packed(facts: Facts) -> list[Any]:
    small = base64.b64encode(facts.thumbnail).decode()
    size = [facts.width, facts.height]
    return [facts.format, *size, facts.mode, list(facts.flags), f"{facts.dhash:016x}", small]


def _unpacked(line: Any) -> tuple[str, Facts] | None:
    """What a line holds; None where it is not whole."""
    try:
        digest, form, width, height, mode, flags, dhash, small = line
        facts = Facts(
            format=str(form),
            width=int(width),
            height=int(height),
            mode=str(mode),
            flags=tuple(map(str, flags)),
            dhash=int(dhash, 16),
            thumbnail=base64.b64decode(small, validate=True),
        )
    except (TypeError, ValueError):
        return None
    sound = len(facts.thumbnail) == 192 and 0 <= facts.dhash < 1 << 64 and facts.width > 0
    return (str(digest), facts) if sound else None
