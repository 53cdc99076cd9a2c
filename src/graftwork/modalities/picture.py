"""Pictures from bytes: RGB, upright, 8 bits, whatever they were before; or a reason why not.

What is done to a picture: EXIF orientation is applied, CMYK and palettes become RGB, what is
transparent is laid on white, 16 bits and more are scaled to 8 (Pillow itself clips them to white),
of an animation the first frame is taken, and above `HUGE_PIXELS` it is decoded at a reduced scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graftwork.modalities._picture_kinds import FORMATS, HUGE_PIXELS, MOST_PIXELS, PictureError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["FORMATS", "HUGE_PIXELS", "MOST_PIXELS", "PictureError", "open_picture"]


def open_picture(content: bytes, *, size: int | None = None) -> Image:
    """The picture in a file's content. May be called from several threads.

    Args:
        content: of a file in one of `FORMATS`; no decoder of another format ever runs.
        size: how many pixels the shorter side needs; a JPEG is then decoded at a half, a quarter or
            an eighth of its size where that still leaves as many, which is much quicker.

    Returns:
        A PIL image of mode RGB.

    Raises:
        PictureError: it cannot be used; `reason` is a constant word, `detail` is for people.
    """
    from graftwork.modalities._picture_decode import decode

    return decode(content, size).picture
