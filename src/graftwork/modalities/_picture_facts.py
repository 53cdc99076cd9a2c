"""What a picture's content turned out to be, found out once and remembered by its hash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graftwork.data.blob import Blob
from graftwork.errors import GraftworkError
from graftwork.modalities._picture_kinds import PictureError

__all__ = ["Facts", "facts_of", "look", "recall", "remember"]

LOOK_SIZE = 64  # pixels of the shorter side that are enough for all that is looked at
FLAT = 2  # of 255: a span of brightness that is one colour (JPEG's rounding)
REMEMBERED = 1_000_000  # pictures; about 0.5 kB each


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a picture's content.

    Attributes:
        reason, detail: why it cannot be used, as in `PictureError`; empty where it can.
        format: one of `FORMATS`.
        width, height: upright, in pixels.
        mode: Pillow's word for its colours in the file.
        flags: those of `Decoded`, and ``blank``: it is of one colour.
        dhash: its difference hash, 64 bits.
        thumbnail: 8 × 8 × 3 mean colours.
    """

    reason: str = ""
    detail: str = ""
    format: str = ""
    width: int = 0
    height: int = 0
    mode: str = ""
    flags: tuple[str, ...] = ()
    dhash: int = 0
    thumbnail: bytes = b""


_remembered: dict[str, Facts] = {}


def recall(digest: str) -> Facts | None:
    """What this process found out about that content."""
    return _remembered.get(digest)


def remember(digest: str, facts: Facts) -> None:
    """Keep it for this process; the oldest go first."""
    while len(_remembered) >= REMEMBERED:
        try:
            _remembered.pop(next(iter(_remembered)), None)
        except (RuntimeError, StopIteration):  # another thread was quicker
            break
    _remembered[digest] = facts


def look(content: bytes) -> Facts:
    """Decode the whole content and say what it is."""
    from graftwork.modalities._picture_decode import decode
    from graftwork.modalities._picture_hash import difference_hash, thumbnail

    try:
        found = decode(content, LOOK_SIZE)
    except PictureError as error:
        return Facts(reason=error.reason, detail=error.detail)
    flags = set(found.flags)
    if all(high - low <= FLAT for low, high in found.picture.getextrema()):  # type: ignore[misc]
        flags.add("blank")
    return Facts(
        format=found.format,
        width=found.width,
        height=found.height,
        mode=found.mode,
        flags=tuple(sorted(flags)),
        dhash=difference_hash(found.picture),
        thumbnail=thumbnail(found.picture),
    )


def facts_of(blobs: Sequence[Blob]) -> list[Facts]:
    """Of each picture; only content that this process did not see yet is decoded, on all cores.

    A file that cannot be read any more has the reason ``no_such_file``.
    """
    from graftwork.runtime.threads import side_by_side

    # kept here too: while new ones are looked at, old ones may be forgotten
    known = {blob.digest: facts for blob in blobs if (facts := recall(blob.digest)) is not None}
    new = {blob.digest: blob for blob in blobs if blob.digest not in known}
    known |= zip(new, side_by_side(_looked_at, list(new.values())), strict=True)
    return [known[blob.digest] for blob in blobs]


def _looked_at(blob: Blob) -> Facts:
    try:
        content = blob.read()
    except GraftworkError as error:
        return Facts(reason="no_such_file", detail=str(error))
    facts = look(content)
    remember(blob.digest, facts)
    return facts
