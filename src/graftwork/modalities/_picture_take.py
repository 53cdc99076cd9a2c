"""Cells of a table as pictures: found, read, decoded once, and each that cannot be used told."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from graftwork.data.blob import Blob
from graftwork.errors import GraftworkError
from graftwork.modalities._picture_facts import Facts, look, recall, remember
from graftwork.modalities._picture_kinds import PictureError
from graftwork.modalities._picture_memo import Memo
from graftwork.modalities._picture_paths import Paths
from graftwork.runs.progress import Progress
from graftwork.runtime.threads import side_by_side

__all__ = ["is_nothing", "take"]

CHUNK = 16  # pictures that a thread takes at a time
_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
_ARRAYS = "uint8 of (height, width), (height, width, 3) or (height, width, 4)"
_objects = threading.Lock()  # a lazily opened PIL image may stand in several rows


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
        if isinstance(value, (str, PurePath)):
            name = str(value)
        try:
            blob, content = self._blob(value, name)
            facts = self._facts(blob, content)
        except PictureError as error:
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
        if isinstance(value, dict):  # an image of Hugging Face's datasets
            content, told = value.get("bytes"), value.get("path")
            if content is None and isinstance(told, str):
                return self._file(told)
            value, name = content, (PurePath(told).name if isinstance(told, str) else name)
        if isinstance(value, (str, PurePath)):
            return self._file(str(value))
        content = bytes(value) if isinstance(value, (bytes, bytearray, memoryview)) else _png(value)
        return Blob.of_bytes(content, name), content

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


def _png(value: Any) -> bytes:
    """A PIL image or an array as PNG, lossless where PNG has its kind of colours."""
    from PIL import Image

    from graftwork.modalities._picture_decode import quiet
    from graftwork.modalities._picture_treat import orientation, to_rgb, upright

    if not isinstance(value, Image.Image):
        value = Image.fromarray(_array(value))
    held = io.BytesIO()
    try:
        with quiet():
            with _objects:
                picture = value.copy()
                turn = orientation(value)
            if picture.mode not in _PNG_MODES:
                picture = to_rgb(picture)[0]
            upright(picture, turn).save(held, format="PNG", compress_level=1)
    except Exception as error:  # its own decoder may raise anything
        raise PictureError("damaged", f"the image object cannot be read: {error}") from error
    return held.getvalue()


def _array(value: Any) -> Any:
    shape, kind = getattr(value, "shape", None), str(getattr(value, "dtype", ""))
    if shape is None:
        raise PictureError("not_an_image", f"a value of type {type(value).__name__}")
    if len(shape) == 3 and shape[2] == 1:
        value, shape = value[:, :, 0], shape[:2]
    deep = kind == "uint16" and len(shape) == 2
    sound = kind == "uint8" and (len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4)))
    if not (sound or deep) or 0 in shape:
        raise PictureError("not_an_image", f"an array {kind} of {shape}; allowed is {_ARRAYS}")
    return value
