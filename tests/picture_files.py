"""Picture files of every kind, sound and faulty, made in code."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

RED, BLUE, WHITE = (200, 30, 30), (30, 30, 200), (255, 255, 255)


def encoded(picture: Any, kind: str = "PNG", **options: Any) -> bytes:
    """The content of a file that holds the picture."""
    held = io.BytesIO()
    picture.save(held, format=kind, **options)
    return held.getvalue()


def photo(width: int = 80, height: int = 60, seed: int = 0) -> Any:
    """Soft random fields: a picture in which every place differs."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def two_halves(width: int = 40, height: int = 20) -> Any:
    """Red above, blue below."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(BLUE, (0, height // 2, width, height))
    return picture


def png(width: int, height: int, data: bytes, bits: int = 8) -> bytes:
    """A PNG of raw rows, whatever its header promises."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checked = name + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG of a few bytes whose header promises gigabytes."""
    return png(width, height, bytes(1000))


def webp_header(width: int, height: int) -> bytes:
    """The beginning of a WebP of that size."""
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + sizes + bytes(40)


def close(pixel: Any, colour: tuple[int, ...], within: int = 12) -> bool:
    """Whether a pixel is of that colour."""
    return bool(np.abs(np.asarray(pixel, int)[:3] - np.asarray(colour)).max() <= within)


JPEG = encoded(photo(), "JPEG", quality=90)
