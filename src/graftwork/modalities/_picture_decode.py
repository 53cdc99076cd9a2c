"""Bytes into a PIL image and what was found on the way; every failure becomes a `PictureError`."""

from __future__ import annotations

import io
import math
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from PIL import Image, TiffImagePlugin, WebPImagePlugin  # the plugins, lest Pillow loads them all

from graftwork.modalities._picture_kinds import (
    HUGE_PIXELS,
    MOST_PIXELS,
    PictureError,
    damaged_chunk,
    kind_of,
    looks_cut,
    webp_size,
)
from graftwork.modalities._picture_treat import is_deep, orientation, to_rgb, upright

__all__ = ["Decoded", "decode", "quiet"]

DIM = 16  # of 256 levels: as far as 12 bits reach where 16 were declared
_PLUGINS = (TiffImagePlugin, WebPImagePlugin)
_one_huge = threading.Lock()  # huge pictures one after the other: each takes up to 400 MB


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture, and what it was before.

    Attributes:
        picture: RGB, upright, perhaps at a reduced scale.
        format: one of `FORMATS`.
        width, height: upright, at full scale.
        mode: Pillow's word for its colours in the file.
        flags: of ``rotated``, ``cmyk``, ``deep`` (more than 8 bits), ``dim`` (deep, almost black),
            ``animated``, ``transparent``, ``palette``.
    """

    picture: Image.Image
    format: str
    width: int
    height: int
    mode: str
    flags: frozenset[str]


def decode(content: bytes, size: int | None = None) -> Decoded:
    """Decode a whole file; see `picture.open_picture`.

    Raises:
        PictureError: it cannot be used.
    """
    kind = kind_of(content)
    try:
        with quiet():
            if kind == "WEBP":
                _check_size(webp_size(content))
            if kind == "PNG" and (chunk := damaged_chunk(content)):
                told = f"PNG of {len(content):,} bytes: the checksum of its part {chunk} is wrong"
                raise PictureError("damaged", told)
            with Image.open(io.BytesIO(content), formats=(kind,)) as opened:
                _check_size(opened.size)
                with _one_huge if _pixels(opened.size) > HUGE_PIXELS else nullcontext():
                    return _decoded(opened, kind, content, size)
    except PictureError:
        raise
    except Image.DecompressionBombError as error:  # stricter limits of the user's own count too
        raise PictureError("too_many_pixels", _too_many("far more pixels")) from error
    except MemoryError as error:
        raise PictureError("too_many_pixels", "there is no memory to decode it") from error
    except Exception as error:  # a decoder that is fed with rubbish may raise anything
        raise _broken(error, kind, content) from error


def _decoded(opened: Image.Image, kind: str, content: bytes, size: int | None) -> Decoded:
    mode, full = opened.mode, opened.size
    flags = set()
    if _has_more_frames(opened, kind):
        flags.add("animated")
    if is_deep(opened, kind, content):
        flags.add("deep")
    if mode == "CMYK":
        flags.add("cmyk")
    if mode in ("P", "PA"):
        flags.add("palette")
    # Asked of a PNG it would decode the picture, and swallow what is wrong with it.
    turned = orientation(opened) if kind == "TIFF" else 1
    if kind == "JPEG":
        opened.draft(None, _draft_size(full, size))
    opened.load()
    after = orientation(opened)  # a PNG's stands at its end; a TIFF is turned by Pillow itself
    if max(turned, after) > 1:
        flags.add("rotated")
    picture, transparent = to_rgb(opened, _reduction(opened.size))
    if transparent:
        flags.add("transparent")
    width, height = full[::-1] if after > 4 else full  # above 4: a quarter turn is due
    picture = upright(picture, after)
    whole = kind == "TIFF" and mode in ("I", "F")  # of 32 bits, or fractions
    if "deep" in flags and not whole and 0 < _brightest(picture) <= DIM:
        flags.add("dim")
    return Decoded(picture, kind, width, height, mode, frozenset(flags))


def _brightest(picture: Image.Image) -> int:
    extrema: Any = picture.getextrema()
    return max(int(high) for _, high in extrema)


def _has_more_frames(opened: Image.Image, kind: str) -> bool:
    if kind in ("JPEG", "BMP"):  # a telephone's JPEG often holds a second one, for depth
        return False
    if kind != "TIFF":
        return bool(getattr(opened, "is_animated", False))
    try:
        opened.seek(1)
    except Exception:  # what comes after the first page does not matter
        return False
    finally:
        opened.seek(0)
    return True


def _pixels(size: tuple[int, int]) -> int:
    return size[0] * size[1]


def _reduction(size: tuple[int, int]) -> int:
    """By how much each side has to shrink so that no more than `HUGE_PIXELS` are left."""
    return max(1, math.ceil(math.sqrt(_pixels(size) / HUGE_PIXELS)))


def _draft_size(full: tuple[int, int], size: int | None) -> tuple[int, int]:
    """The least (width, height) that a JPEG may be decoded at."""
    if size is not None:
        return size, size
    return max(1, full[0] // _reduction(full)), max(1, full[1] // _reduction(full))


def _check_size(size: tuple[int, int] | None) -> None:
    if size is not None and _pixels(size) > MOST_PIXELS:
        raise PictureError("too_many_pixels", _too_many(f"{size[0]:,} × {size[1]:,} pixels"))


def _too_many(found: str) -> str:
    return f"{found}; at most {MOST_PIXELS // 1_000_000} million are decoded"


def _broken(error: Exception, kind: str, content: bytes) -> PictureError:
    told = str(error) if not isinstance(error, Image.UnidentifiedImageError) else ""
    cut = looks_cut(content, kind) or "truncat" in told.lower()
    what = "its end is missing" if cut else "it cannot be decoded"
    known = f" ({told.strip().splitlines()[0][:120]})" if told.strip() else ""
    return PictureError(
        "truncated" if cut else "damaged", f"{kind} of {len(content):,} bytes: {what}{known}"
    )


_held = threading.Lock()
_inside = 0
_filters: warnings.catch_warnings[None] | None = None


@contextmanager
def quiet() -> Iterator[None]:
    """Pillow's warnings (odd metadata, many pixels) are not shown meanwhile; faults are told.

    Warning filters belong to the process: the first thread that comes sets them aside, and the last
    that leaves puts them back.
    """
    global _inside, _filters
    with _held:
        _inside += 1
        if _inside == 1:
            _filters = warnings.catch_warnings()
            _filters.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        yield
    finally:
        with _held:
            _inside -= 1
            if _inside == 0 and _filters is not None:
                _filters.__exit__(None, None, None)
