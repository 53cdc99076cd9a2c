"""Pictures among the cells of a table: how they are told, and those of Python as bytes."""

from __future__ import annotations

import io
from typing import Any

__all__ = ["PICTURE_ENDINGS", "picture_bytes"]

_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")


def picture_bytes(value: Any) -> bytes | None:
    """The bytes of a picture in memory, lossless; None where the value is no picture.

    Known are PIL images and arrays of (height, width), (height, width, 3) or (…, 4) in uint8.
    They are told by the names of their types, so that nothing is imported that the user has not.
    """
    module = type(value).__module__.split(".")[0]
    if module == "PIL":
        return _png(value)
    if module == "numpy" and getattr(value, "ndim", 0) in (2, 3) and value.dtype.name == "uint8":
        if value.ndim == 3 and value.shape[2] not in (3, 4):
            return None
        from PIL import Image

        return _png(Image.fromarray(value))
    return None


def _png(picture: Any) -> bytes:
    """As PNG, upright; levels of more than 16 bits a channel are cut off."""
    import numpy as np
    from PIL import Image, ImageOps

    held = io.BytesIO()
    picture = ImageOps.exif_transpose(picture)
    if picture.mode == "I":
        picture = Image.fromarray(np.clip(np.asarray(picture), 0, 65_535).astype(np.uint16))
    elif picture.mode not in _PNG_MODES:
        picture = picture.convert("RGB")
    picture.save(held, format="PNG", compress_level=1)
    return held.getvalue()
