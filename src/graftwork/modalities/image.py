"""Pictures: photographs, scans, drawings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, ClassVar

from graftwork.data.blob import Blob
from graftwork.data.readers.media import PICTURE_ENDINGS, may_be_picture
from graftwork.registry import Declaration, declare

if TYPE_CHECKING:
    import numpy as np

    from graftwork.data.audit import Finding
    from graftwork.runs.progress import Progress

__all__ = ["Image"]

MOSTLY = 0.9  # share of texts that have to look like a picture's file name


@declare("image", title="Pictures: JPEG, PNG, WebP, GIF, BMP, TIFF", aliases=("images", "pictures"))
class Image:
    """Inputs that are pictures: `Blob`s of files in one of the formats that are read."""

    declaration: ClassVar[Declaration]
    noun = "images"
    classical = "hog"
    default_base = "hog"
    glance = True

    def recognises(self, values: Sequence[Any]) -> bool:
        """Whether they are pictures in memory, or names of picture files (nine in ten at least)."""
        told = [_is_picture(value) for value in values if value is not None]
        named = all(isinstance(value, str) for value in values if value is not None)
        return bool(told) and sum(told) >= (MOSTLY if named else 1) * len(told)

    def take(
        self,
        values: Sequence[Any],
        *,
        folder: Path | None = None,
        memo: Path | None = None,
        progress: Progress | None = None,
    ) -> tuple[list[Any], dict[int, tuple[str, str]]]:
        """Pictures as `Blob`s, and by position why one cannot be used; see `Modality.take`.

        Every picture is decoded once, so that none fails later. Cells may be paths, bytes, `Blob`s,
        PIL images, arrays (uint8, or uint16 of one channel) and what Hugging Face's datasets hold;
        objects become PNG.
        """
        from graftwork.modalities._picture_take import take

        return take(values, folder=folder, memo=memo, progress=progress)

    def audit(
        self,
        values: Sequence[Any],
        rows: Sequence[int],
        *,
        field: str,
        count_tokens: Callable[[Sequence[Any]], Any] | None = None,
    ) -> list[Finding]:
        """Pictures that are blank, tiny, very long, huge, or that need a treatment."""
        from graftwork.modalities._picture_audit import picture_findings

        return picture_findings(values, rows, field=field)

    def near_duplicates(self, values: Sequence[Any]) -> np.ndarray:
        """int64 (n,) group of each picture; see `_picture_hash` for what counts as near.

        What is no picture (any more) is near only to its equals.
        """
        import numpy as np

        from graftwork.modalities._picture_facts import facts_of
        from graftwork.modalities._picture_hash import near_groups

        groups = np.empty(len(values), np.int64)
        blobs = [i for i, value in enumerate(values) if isinstance(value, Blob)]
        known = dict(zip(blobs, facts_of([values[i] for i in blobs]), strict=True))
        sound = [i for i, facts in known.items() if not facts.reason]
        hashes = np.asarray([known[i].dhash for i in sound], np.uint64)
        small = np.frombuffer(b"".join(known[i].thumbnail for i in sound), np.uint8)
        groups[sound] = near_groups(hashes, small.reshape(len(sound), -1 if sound else 192))
        top, others = len(values), dict[str, int]()
        for i, value in enumerate(values):
            if i not in known or known[i].reason:
                name = value.digest if isinstance(value, Blob) else repr(value)
                groups[i] = top + others.setdefault(name, len(others))
        return groups

    def is_blank(self, value: Any) -> bool:
        """Whether there is no picture: None, NaN, or empty text."""
        from graftwork.data.values import is_blank

        return is_blank(value)

    def show(self, value: Any, *, redact: bool = False, limit: int = 400) -> str:
        """The picture as a small `<img>` that holds its own data; never raises for a lost file."""
        from graftwork.modalities._picture_show import shown

        return shown(value, redact=redact, limit=limit)

    def samples(self, count: int) -> list[Blob]:
        """Drawn pictures: coarse fields of colour, each of its own size."""
        from graftwork.modalities._picture_samples import samples

        return samples(count)

    def parts(self, value: Any) -> list[str]:
        """Names of 7 × 7 patches, row by row; of nothing there are none."""
        from graftwork.modalities._picture_grid import names

        return names() if isinstance(value, Blob) else []

    def without(self, value: Any, left_out: Collection[int]) -> Blob:
        """The picture with those patches filled by its mean colour.

        Raises:
            DataError: it cannot be read any more.
        """
        from graftwork.modalities._picture_grid import without

        return without(value, left_out)

    def views(self, value: Blob | None, count: int, seed: int) -> list[Blob | None]:
        """Altered views of a picture (a part of it, mirrored, other light), made when read.

        The numbers of views are their seeds, so that the same views are the same inputs in every
        run, and what was encoded of them is found again; `seed` therefore changes nothing.
        """
        return [value if value is None else value.seen_as(n) for n in range(1, count + 1)]

    def overlay(self, value: Blob, importances: Sequence[float]) -> bytes:
        """PNG of the picture with a heat map of its parts' importances: red speaks for the label.

        Raises:
            DataError: it cannot be read any more.
            ValueError: there are not as many importances as parts.
        """
        from graftwork.modalities._picture_grid import overlay

        return overlay(value, importances)


def _is_picture(value: Any) -> bool:
    """Whether one cell looks like a picture; nothing is opened or imported for it."""
    if isinstance(value, (bytes, bytearray, memoryview, Blob)):
        return True
    if isinstance(value, (str, PurePath)):
        name = str(value)
        return name.rstrip().lower().endswith(PICTURE_ENDINGS) and not (
            "\n" in name or "\r" in name
        )
    if isinstance(value, dict):
        return bool({"bytes", "path"} & set(value))
    return may_be_picture(value)
