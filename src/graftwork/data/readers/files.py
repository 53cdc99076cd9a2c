"""What every file reader does first: is it there, what are its bytes, are they text?"""

from __future__ import annotations

import codecs
import hashlib
from dataclasses import dataclass
from pathlib import Path

from graftwork.errors import DataError, Fault, nearest

__all__ = ["FileFacts", "check_file", "line_at", "scan"]

CHUNK = 1 << 20  # bytes read at a time: large enough to be fast, small enough to be nothing
SAMPLE = 4 << 20  # bytes kept for guessing an encoding


@dataclass(frozen=True)
class FileFacts:
    """What one pass over a file's bytes tells.

    Attributes:
        path: the file.
        sha256: of all its bytes.
        size: in bytes.
        head: the first 4 MiB.
        nul_at: offset of the first NUL byte, or None.
        bad_at: offset of the first byte that is not UTF-8, or None.
    """

    path: Path
    sha256: str
    size: int
    head: bytes
    nul_at: int | None
    bad_at: int | None


def check_file(path: Path) -> None:
    """Refuse what is no file with content.

    Raises:
        DataError: the path is missing (nearest name in its folder given), a directory, empty, or
            may not be read.
    """
    name = str(path)
    if path.is_dir():
        raise DataError(faults=[Fault("is a directory, a file is wanted", file=name)])
    if not path.exists():
        close = _near_file(path)
        hint = f"did you mean {close!r}?" if close else None
        raise DataError(faults=[Fault("there is no such file", file=name, hint=hint)])
    try:
        with path.open("rb") as stream:
            first = stream.read(1)
    except OSError as error:
        raise DataError(faults=[Fault(f"cannot be read: {error.strerror}", file=name)]) from error
    if not first:
        raise DataError(faults=[Fault("the file is empty", file=name)])


def _near_file(path: Path) -> str | None:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return None
    return nearest(path.name, names[:10_000])


def scan(path: Path) -> FileFacts:
    """One pass over the bytes of `path`: hash, size, first NUL, first byte that is not UTF-8."""
    digest, decoder = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")()
    head, position = b"", 0
    nul_at: int | None = None
    bad_at: int | None = None
    with path.open("rb") as stream:
        while True:
            chunk = stream.read(CHUNK)
            digest.update(chunk)
            if len(head) < SAMPLE:
                head += chunk
            if nul_at is None and (found := chunk.find(b"\0")) >= 0:
                nul_at = position + found
            if bad_at is None:
                try:
                    decoder.decode(chunk, final=not chunk)
                except UnicodeDecodeError as error:
                    # the decoder may have kept the first bytes of a character of the last chunk
                    bad_at = position - (len(error.object) - len(chunk)) + error.start
            position += len(chunk)
            if not chunk:
                break
    return FileFacts(path, digest.hexdigest(), position, head, nul_at, bad_at)


def line_at(path: Path, offset: int) -> int:
    """1-based line in which the byte at `offset` stands (line ends: LF, CRLF or CR)."""
    lines, last = 1, b""
    with path.open("rb") as stream:
        while offset > 0 and (chunk := stream.read(min(CHUNK, offset))):
            offset -= len(chunk)
            text = last + chunk
            last = b"\r" if text.endswith(b"\r") else b""
            text = text[:-1] if last else text
            lines += text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n")
    return lines + len(last)
