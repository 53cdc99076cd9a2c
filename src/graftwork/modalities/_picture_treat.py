"""Whatever colours and turn a picture has in its file, made upright RGB of 8 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from graftwork.modalities._picture_kinds import PictureError

__all__ = ["is_deep", "orientation", "to_rgb", "upright"]

ORIENTATION = 0x0112  # the EXIF tag
BITS = 258  # the TIFF tag: bits of each sample
BAND = 1 << 22  # pixels of a large picture that are converted at a time: bounds memory
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation(picture: Image.Image) -> int:
    """EXIF orientation, 1 (upright) to 8; 1 where there is none or it cannot be read."""
    try:
        found = picture.getexif().get(ORIENTATION, 1)
    except Exception:  # metadata of any kind of damage; the picture may still be sound
        return 1
    return found if found in _TURNS else 1


def upright(picture: Image.Image, turn: int) -> Image.Image:
    """The picture turned as its EXIF orientation says."""
    return picture.transpose(_TURNS[turn]) if turn in _TURNS else picture


def is_deep(picture: Image.Image, kind: str, content: bytes) -> bool:
    """Whether a sample has more than 8 bits."""
    if picture.mode.startswith("I") or picture.mode == "F":
        return True
    if kind == "PNG":
        return content[24:25] == b"\x10"
    bits = getattr(picture, "tag_v2", {}).get(BITS, 8)
    return max(bits if isinstance(bits, tuple) else (bits,), default=8) > 8


def to_rgb(picture: Image.Image, reduction: int = 1) -> tuple[Image.Image, bool]:
    """The loaded picture in RGB, and whether something of it was transparent.

    Args:
        picture: of any mode that Pillow reads.
        reduction: by how much each side shrinks; large pictures are worked on in bands of rows.
    """
    if picture.mode == "RGB" and reduction == 1 and not picture.has_transparency_data:
        return picture.copy(), False  # a copy: the file behind it may be closed
    span = _span(picture)
    if reduction == 1:
        return _flat(picture, span)
    width, height = (max(1, side // reduction) for side in picture.size)
    made, transparent = Image.new("RGB", (width, height)), False
    rows = max(1, BAND // picture.width // reduction)  # of the reduced picture
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        box = (0, top * reduction, width * reduction, bottom * reduction)
        band, clear = _flat(picture.crop(box), span)
        made.paste(band.reduce(reduction), (0, top))
        transparent |= clear
    return made, transparent


def _flat(picture: Image.Image, span: tuple[float, float] | None) -> tuple[Image.Image, bool]:
    if span is not None:
        return _scaled(picture, span).convert("RGB"), False
    if picture.has_transparency_data:
        return _on_white(picture)
    try:
        return picture.convert("RGB"), False
    except ValueError as error:
        detail = f"colours of the kind {picture.mode} cannot be made RGB"
        raise PictureError("format_not_allowed", detail) from error


def _on_white(picture: Image.Image) -> tuple[Image.Image, bool]:
    layer = picture.convert("RGBA")
    lowest: Any = layer.getchannel("A").getextrema()
    if lowest[0] == 255:
        return layer.convert("RGB"), False
    white = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(white, layer).convert("RGB"), True


def _span(picture: Image.Image) -> tuple[float, float] | None:
    """The values that become black and white, of samples with more than 8 bits; None: it has 8."""
    if picture.mode.startswith("I;16"):
        return 0.0, 65535.0
    if picture.mode not in ("I", "F"):
        return None
    extrema: Any = picture.getextrema()
    low, high = (float(each) for each in extrema)
    usual = (1.0, 255.0, 65535.0) if picture.mode == "F" else (255.0, 65535.0)
    for white in usual:
        if low >= 0 and high <= white:
            return 0.0, white
    return (low, high) if np.isfinite([low, high]).all() else (0.0, 65535.0)


def _scaled(picture: Image.Image, span: tuple[float, float]) -> Image.Image:
    """Samples of 16 or 32 bits as 8; Pillow would clip all above 255 to white."""
    low, high = span
    values = np.nan_to_num(np.asarray(picture, np.float32), nan=low, posinf=high, neginf=low)
    values = (values - low) * (255.0 / max(high - low, 1e-30))
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))
