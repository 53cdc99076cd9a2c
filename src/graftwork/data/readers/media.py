"""Pictures among the cells of a table: how they are told, and those of Python as bytes.

A column of pictures in memory is a column of bytes. Where a cell cannot give a picture's bytes, a
note stands in their place, which begins as no picture does: the path of a file beside embedded
pictures, or why an image object cannot be read. The column so keeps one type, whatever its cells
hold, and fits the columns of other tables; `unpacked` reads a cell.
"""

from __future__ import annotations

import io
import sys
import threading
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import PurePath
from typing import Any

from graftwork.errors import DataError, Fault

__all__ = [
    "OTHER_PICTURES",
    "PATH_NOTE",
    "PICTURE_ENDINGS",
    "UnreadablePicture",
    "holds_pictures",
    "is_nan",
    "may_be_picture",
    "picture_bytes",
    "picture_cells",
    "unpacked",
]

PICTURE_ENDINGS = (
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".png",
    ".webp",
    ".gif",
    ".bmp",
    ".tif",
    ".tiff",
)
OTHER_PICTURES = (  # pictures too, but of formats that are not read
    ".heic",
    ".heif",
    ".avif",
    ".jp2",
    ".jxl",
    ".psd",
    ".dng",
    ".cr2",
    ".nef",
    ".svg",
)
PATH_NOTE = b"\0graftwork path\0"  # and the path in UTF-8
_FAULT_NOTE = b"\0graftwork fault\0"  # and the reason, a NUL, the detail
_REASONS = ("damaged", "not_an_image")  # that a note may give
_ALLOWED = (
    "PIL images, and arrays of uint8 (height, width), (height, width, 1), (height, width, 3), "
    "(height, width, 4) or uint16 (height, width), (height, width, 1)"
)
_CHANNELS = {"uint8": (1, 3, 4), "uint16": (1,)}  # of an array of three dimensions
_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
_STRAIGHT = {"La": "LA", "RGBa": "RGBA", "PA": "RGBA"}  # what is transparent stays so
_PLAIN = {str, int, float, bool, type(None)}  # most columns hold nothing else
_SHOWN = 20  # faults listed in a message; the count is always told
_objects = threading.Lock()  # a lazily opened PIL image may stand in several rows


class UnreadablePicture(DataError):
    """An object of Python that cannot be made a picture file.

    Args:
        reason: ``damaged`` or ``not_an_image``.
        detail: what was found, for people.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.reason, self.detail)


def holds_pictures(values: Sequence[Any]) -> bool:
    """Whether they are pictures: PIL images, arrays of two dimensions or more, paths, bytes.

    Text is a path where it stands beside one of them; beside bytes alone only if all of it names
    pictures. All values are looked at.
    """
    if {type(value) for value in values} <= _PLAIN:
        return False
    kinds = {_kind(value) for value in values}
    if "picture" in kinds:
        return True
    if "other" in kinds or not kinds & {"path", "bytes"}:
        return False
    names = [value for value in values if _kind(value) == "name"]
    return "path" in kinds or all(name.lower().endswith(PICTURE_ENDINGS) for name in names)


def picture_cells(values: Sequence[Any], name: str, file: str) -> list[Any] | None:
    """The cells of a column of pictures as bytes, or as paths; None where it is no such column.

    Args:
        values: one per row.
        name: of the column, for messages.
        file: for messages.

    Raises:
        DataError: arrays of a type or shape that no picture has, or values that are no pictures at
            all; the first 20. An object that cannot be read spoils its own row only: its cell
            becomes a note.
    """
    if not holds_pictures(values):
        return None
    kinds = [_kind(value) for value in values]
    _check(values, kinds, name, file)
    embedded = not {"picture", "bytes"}.isdisjoint(kinds)
    with warnings.catch_warnings():  # odd metadata spoils nothing
        warnings.filterwarnings("ignore", module=r"PIL\.")
        return [_cell(value, kind, embedded) for value, kind in zip(values, kinds, strict=True)]


def unpacked(cell: bytes) -> bytes | str:
    """What a cell stands for: the content of a picture, or the path of its file.

    A file's bytes may imitate a note. That gains nothing: whoever reads the path keeps to the
    table's folder, as with any other path.

    Raises:
        UnreadablePicture: the cell notes why there is no picture.
    """
    if cell.startswith(PATH_NOTE):
        with suppress(UnicodeDecodeError):
            return cell.removeprefix(PATH_NOTE).decode("utf-8", "surrogatepass")
    if cell.startswith(_FAULT_NOTE):
        told = cell.removeprefix(_FAULT_NOTE).decode("utf-8", "replace")
        reason, _, detail = told.partition("\0")
        if reason in _REASONS:
            raise UnreadablePicture(reason, detail)
    return cell


def picture_bytes(value: Any) -> bytes:
    """A PIL image or an array as the bytes of a file, upright; may be called from several threads.

    Nothing is lost: levels of more than 16 bits become TIFF, all others PNG. Only kinds of colours
    that neither has (CMYK, Lab, …) are converted to RGB.

    Raises:
        UnreadablePicture: it is neither, an array as no picture has it, or cannot be read.
    """
    if not may_be_picture(value):
        raise UnreadablePicture("not_an_image", f"{_title(value)}; allowed are {_ALLOWED}")
    if 0 in (value.size if _is_image(value) else value.shape):
        raise UnreadablePicture("not_an_image", f"{_title(value)} holds no pixels")
    try:
        return _encoded(_upright(value if _is_image(value) else _of_array(value)))
    except Exception as error:  # its own decoder may raise anything
        detail = f"the image object cannot be read: {error or type(error).__name__}"
        raise UnreadablePicture("damaged", detail) from error


def may_be_picture(value: Any) -> bool:
    """Whether it is a PIL image, or an array of such a type and shape as pictures have."""
    if _is_image(value):
        return True
    shape = _shape(value)
    channels = _CHANNELS.get(_dtype(value), ()) if shape else ()
    return bool(channels) and (len(shape) == 2 or (len(shape) == 3 and shape[2] in channels))


def is_nan(value: Any) -> bool:
    """Whether a value is NaN, or what pandas has for it."""
    # pandas.NA is told by its type's name: comparing it with itself gives no truth
    return type(value).__name__ in ("NAType", "NaTType") or (
        isinstance(value, float) and value != value
    )


def _kind(value: Any) -> str:
    """One of nothing, name, path, bytes, picture, other."""
    if value is None or is_nan(value):
        return "nothing"
    if isinstance(value, str):
        return "name" if value.strip() else "nothing"
    if isinstance(value, PurePath):
        return "path"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "bytes"
    return "picture" if _is_image(value) or len(_shape(value)) > 1 else "other"


def _is_image(value: Any) -> bool:
    """Whether it is a PIL image; where there is one, Pillow is imported already."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(value, pillow.Image)


def _shape(value: Any) -> tuple[int, ...]:
    """Of an array of whatever package; () of all else."""
    shape = getattr(value, "shape", ()) if hasattr(value, "dtype") else ()
    return tuple(shape) if isinstance(shape, tuple) else ()


def _title(value: Any) -> str:
    """What it is, for people."""
    if _is_image(value):
        return f"an image of {value.size}"
    if _shape(value):
        return f"an array of {_dtype(value)} {_shape(value)}"
    return f"a value of type {type(value).__name__}"


def _dtype(value: Any) -> str:
    return str(getattr(value.dtype, "name", value.dtype))


def _check(values: Sequence[Any], kinds: Sequence[str], name: str, file: str) -> None:
    faults = [
        Fault(f"a picture is wanted, {_title(value)} was found", file, row, name)
        for row, (value, kind) in enumerate(zip(values, kinds, strict=True), 1)
        if kind in ("picture", "other") and not may_be_picture(value)
    ]
    if faults:
        n = len(faults)
        told = f"{n:,} cells are no pictures" if n > 1 else "a cell is no picture"
        told += f" (the first {_SHOWN} follow)" if n > _SHOWN else ""
        raise DataError(f"{told}; allowed are {_ALLOWED}", faults[:_SHOWN])


def _cell(value: Any, kind: str, embedded: bool) -> Any:
    if kind == "nothing":
        return None
    if kind == "bytes":
        return bytes(value)
    if kind in ("name", "path"):
        path = str(value)
        return PATH_NOTE + path.encode("utf-8", "surrogatepass") if embedded else path
    try:
        return picture_bytes(value)
    except UnreadablePicture as error:
        return _FAULT_NOTE + f"{error.reason}\0{error.detail}".encode("utf-8", "replace")


def _of_array(value: Any) -> Any:
    import numpy as np
    from PIL import Image

    pixels = np.asarray(value)
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2:] == (1,) else pixels)


def _upright(value: Any) -> Any:
    """A loaded copy, turned as its EXIF orientation says."""
    from PIL import ImageOps

    with _objects:
        picture = value.copy()
    with suppress(Exception):  # metadata of any kind of damage; the picture is sound
        ImageOps.exif_transpose(picture, in_place=True)
    picture.info.pop("exif", None)  # lest it is turned once more
    return picture


def _encoded(picture: Any) -> bytes:
    import numpy as np
    from PIL import Image

    kind = "TIFF" if picture.mode in ("I", "F") else "PNG"
    if picture.mode.startswith("I;16") and picture.mode != "I;16":  # of another byte order
        picture = Image.fromarray(np.asarray(picture).astype(np.uint16))
    elif kind == "PNG" and picture.mode not in _PNG_MODES:
        picture = picture.convert(_STRAIGHT.get(picture.mode, "RGB"))
    held = io.BytesIO()
    picture.save(held, format=kind, **({"compress_level": 1} if kind == "PNG" else {}))
    return held.getvalue()
