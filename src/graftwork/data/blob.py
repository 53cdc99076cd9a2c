"""The content of a file as an input: known by its hash, read when it is wanted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from graftwork.errors import DataError, Fault

__all__ = ["Blob"]

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes in a file or in memory; equal content is an equal input, whatever it is called.

    Attributes:
        digest: BLAKE2b of the content, 32 hex digits.
        name: for people: the path as the user gave it, or where the bytes stood.
        path: the file; None where the content is held in memory.
        content: the bytes; None where they lie in a file.
        view: 0: as it is; else the number of an altered view of it (augmentation), which is an
            input of its own.
    """

    digest: str
    name: str = field(compare=False)
    path: Path | None = field(default=None, compare=False, repr=False)
    content: bytes | None = field(default=None, compare=False, repr=False)
    view: int = 0

    @classmethod
    def of_file(cls, path: Path, name: str | None = None) -> Blob:
        """The content of a file, hashed now and read again when it is wanted.

        Raises:
            OSError: it cannot be read.
        """
        digest = _hash()
        with open(path, "rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
        return cls(digest.hexdigest(), str(path) if name is None else name, path)

    @classmethod
    def of_bytes(cls, content: bytes, name: str) -> Blob:
        """Content that is in memory already."""
        digest = _hash()
        digest.update(content)
        return cls(digest.hexdigest(), name, None, content)

    @property
    def key(self) -> str:
        """What makes it the same input: its content, and the view of it."""
        return f"bytes:{self.digest}" + (f":view:{self.view}" if self.view else "")

    def read(self) -> bytes:
        """The bytes.

        Raises:
            DataError: the file is gone, or holds something else than when it was hashed.
        """
        if self.content is not None:
            return self.content
        try:
            content = self.path.read_bytes()  # type: ignore[union-attr]
        except OSError as error:
            message = f"cannot be read any more: {error.strerror or error}"
            raise DataError(faults=[Fault(message, file=str(self.path))]) from error
        digest = _hash()
        digest.update(content)
        if digest.hexdigest() != self.digest:
            message = "was changed while it was in use"
            raise DataError(faults=[Fault(message, file=str(self.path))])
        return content

    def seen_as(self, view: int) -> Blob:
        """An altered view of the same content."""
        return replace(self, view=view)

    def __str__(self) -> str:
        return self.name


def _hash() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=16)
