"""Cells of a table as pictures: found, read, decoded once, and each that cannot be used told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from graftwork.data.blob import Blob
from graftwork.data.readers.media import UnreadablePicture, picture_bytes, unpacked
from graftwork.errors import GraftworkError
from graftwork.modalities._picture_decode import quiet
from graftwork.modalities._picture_facts import Facts, look, recall, remember
from graftwork.modalities._picture_memo import Memo
from graftwork.modalities._picture_paths import Paths
from graftwork.runs.progress import Progress
from graftwork.runtime.threads import side_by_side

__all__ = ["is_nothing", "take"]

CHUNK = 16  # pictures that a thread takes at a time


@dataclass(frozen=True)
class _Reader:
    """What reading a cell needs."""

    paths: Paths
    memo: Memo | None

    def read(
        self, cells: list[tuple[int, Any]]
    ) -> list[tuple[Blob | None, tuple[str, str] | None]]:
        """For each cell its picture, or why it cannot be used."""
        return [self._one(value, f"picture {place + 1}") for place, value in cells]

    def _one(self, value: Any, name: str) -> tuple[Blob | None, tuple[str, str] | None]:
        if is_nothing(value):
            return None, None
        try:
            value, name = _meant(value, name)
            blob, content = self._blob(value, name)
            facts = self._facts(blob, content)
        except UnreadablePicture as error:  # a `PictureError` too
            return None, (error.reason, f"{name}: {error.detail}")
        except (GraftworkError, OSError) as error:
            return None, ("no_such_file", f"{name}: cannot be read: {error}")
        if facts.reason:
            return None, (facts.reason, f"{blob.name}: {facts.detail}")
        return blob, None

    def _blob(self, value: Any, name: str) -> tuple[Blob, bytes | None]:
        """The input, and its bytes where they were read on the way."""
        if isinstance(value, Blob):
            return value, value.content
        if isinstance(value, str):
            return self._file(value)
        if not isinstance(value, bytes):
            with quiet():
                value = picture_bytes(value)
        return Blob.of_bytes(value, name), value

    def _file(self, name: str) -> tuple[Blob, bytes]:
        path = self.paths.find(name)
        content = path.read_bytes()
        return replace(Blob.of_bytes(content, name), path=path, content=None), content

    def _facts(self, blob: Blob, content: bytes | None) -> Facts:
        facts = recall(blob.digest)
        if facts is not None:
            return facts
        if self.memo is not None:
            facts = self.memo.get(blob.digest)
        if facts is None:
            facts = look(blob.read() if content is None else content)
            if self.memo is not None:
                self.memo.add(blob.digest, facts)
        remember(blob.digest, facts)
        return facts


def take(
    values: Sequence[Any],
    *,
    folder: Path | None = None,
    memo: Path | None = None,
    progress: Progress | None = None,
) -> tuple[list[Any], dict[int, tuple[str, str]]]:
    """Cells as `Blob`s (None where nothing stands or it cannot be used), and why not, by position.

    Every picture is decoded once, on all cores, unless `memo` knows its content.
    """
    reader = _Reader(Paths(folder), None if memo is None else Memo(memo))
    cells = list(enumerate(values))
    chunks = [cells[start : start + CHUNK] for start in range(0, len(cells), CHUNK)]
    inputs: list[Any] = []
    faults: dict[int, tuple[str, str]] = {}
    try:
        with (progress or Progress()).step("reading pictures", len(cells)) as step:
            for found in side_by_side(reader.read, chunks):
                for blob, fault in found:
                    if fault is not None:
                        faults[len(inputs)] = fault
                    inputs.append(blob)
                step.advance(len(found))
    finally:
        if reader.memo is not None:
            reader.memo.write()
    return inputs, faults


def is_nothing(value: Any) -> bool:
    """Whether a cell is empty: None, NaN, blank text, or an image of no bytes and no path."""
    if isinstance(value, dict):
        return not value.get("path") and value.get("bytes") is None
    if value is None or isinstance(value, str):
        return value is None or not value.strip()
    return isinstance(value, float) and value != value


def _meant(value: Any, name: str) -> tuple[Any, str]:
    """What a cell stands for, and its name: a path as text, content as bytes, or an object."""
    if isinstance(value, dict):  # an image of Hugging Face's datasets
        told = value.get("path")
        if value.get("bytes") is None:
            value = told
        else:
            value = value["bytes"]
            name = PurePath(told).name if told and isinstance(told, (str, PurePath)) else name
    if isinstance(value, (bytes, bytearray, memoryview)):
        value = unpacked(bytes(value))
    if isinstance(value, (str, PurePath)):
        value = name = str(value)
    return value, name
