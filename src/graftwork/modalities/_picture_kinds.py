"""Which content is a picture, told by its first bytes, and why other content is not."""

from __future__ import annotations

import re
import zlib

from graftwork.data.readers.media import UnreadablePicture

__all__ = [
    "FORMATS",
    "HUGE_PIXELS",
    "MOST_PIXELS",
    "PictureError",
    "damaged_chunk",
    "kind_of",
    "looks_cut",
    "webp_size",
]

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MOST_PIXELS = 100_000_000  # 400 MB once decoded
HUGE_PIXELS = 25_000_000  # above it a picture is decoded at a reduced scale

_PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")  # of a PNG

_SIGNATURES = {
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "BMP": (b"BM",),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
}
# Known formats that are not read: other pictures, and what is often saved under a picture's name.
_OTHER_PICTURES = (
    (re.compile(rb"....ftyp(heic|heix|hevc|mif1|msf1)", re.S), "HEIC"),
    (re.compile(rb"....ftypavi[fs]", re.S), "AVIF"),
    (re.compile(rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"), "JPEG 2000"),
    (re.compile(rb"\xff\x0a|\0\0\0\x0cJXL "), "JPEG XL"),
    (re.compile(rb"8BPS"), "Photoshop"),
    (re.compile(rb"\0\0[\x01\x02]\0"), "an icon (ICO)"),
    (re.compile(rb"%!PS|\xc5\xd0\xd3\xc6"), "PostScript"),
    (re.compile(rb"P[1-7]\s"), "PNM"),
    (re.compile(rb"DDS "), "DDS"),
    (re.compile(rb".{128}DICM", re.S), "DICOM"),
)
_NO_PICTURES = (
    (re.compile(rb"%PDF"), "a PDF"),
    (re.compile(rb"(<\?xml.{0,2000}?|<!--.{0,2000}?|\s*)<(!doctype )?svg", re.S | re.I), "SVG"),
    (
        re.compile(rb"\s*(<!--.{0,2000}?-->\s*)?<(!doctype html|html|head|body)", re.S | re.I),
        "HTML",
    ),
    (re.compile(rb"\s*<\?xml"), "XML"),
    (re.compile(rb"PK(\x03\x04|\x05\x06|\x07\x08)"), "a zip archive (or an Office document)"),
    (re.compile(rb"\x1f\x8b"), "gzip"),
    (re.compile(rb"Rar!|7z\xbc\xaf"), "an archive"),
    (re.compile(rb"....ftyp|\x1aE\xdf\xa3|RIFF....AVI ", re.S), "a video"),
    (re.compile(rb"version https://git-lfs"), "a pointer of Git LFS; the file was not fetched"),
)


class PictureError(UnreadablePicture):
    """Content that cannot be used as a picture.

    Args:
        reason: ``empty_file``, ``not_an_image``, ``format_not_allowed``, ``truncated``,
            ``damaged`` or ``too_many_pixels``.
        detail: what was found, for people.
    """


def kind_of(content: bytes) -> str:
    """The format that the content begins as: one of `FORMATS`.

    Raises:
        PictureError: it is none of them; the detail says what it is, where that is known.
    """
    if not content:
        raise PictureError("empty_file", "the file is empty (0 bytes)")
    for name, signatures in _SIGNATURES.items():
        if content.startswith(signatures):
            return name
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WEBP"
    head = content[:4096].removeprefix(b"\xef\xbb\xbf")
    for pattern, name in _OTHER_PICTURES:
        if pattern.match(head):
            allowed = ", ".join(FORMATS)
            raise PictureError("format_not_allowed", f"the format is {name}; allowed: {allowed}")
    for pattern, name in _NO_PICTURES:
        if pattern.match(head):
            raise PictureError("not_an_image", f"the content is {name}")
    raise PictureError("not_an_image", f"the content is {_unknown(head)}")


def _unknown(head: bytes) -> str:
    if not head.strip(b"\0"):
        return "nothing but zero bytes"
    try:
        text = head[:-3].decode("utf-8") if len(head) > 4000 else head.decode("utf-8")
    except UnicodeDecodeError:
        return f"of no known format (it begins {head[:8].hex(' ')})"
    return f"text ({text[:40].strip()!r})" if text.isprintable() or "\n" in text else "no picture"


def looks_cut(content: bytes, kind: str) -> bool:
    """Whether the end of the file is missing, as far as its format tells."""
    if kind == "JPEG":
        return not content.rstrip(b"\0").endswith(b"\xff\xd9")
    if kind == "PNG":
        return b"IEND" not in content[-64:]
    if kind == "GIF":
        return not content.endswith(b";")
    if kind == "WEBP":
        return int.from_bytes(content[4:8], "little") + 8 > len(content)
    if kind == "BMP":
        return int.from_bytes(content[2:6], "little") > len(content)
    return False


def damaged_chunk(content: bytes) -> str | None:
    """Name of the first part of a PNG whose pixels or palette fail their checksum, else None.

    Pillow checks not all of them. A file that is cut short is left to its decoder.
    """
    place = 8
    while place + 12 <= len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        name, end = content[place + 4 : place + 8], place + 8 + length
        if end + 4 > len(content) or name == b"IEND":
            return None
        told = int.from_bytes(content[end : end + 4], "big")
        if name in _PIXEL_CHUNKS and zlib.crc32(memoryview(content)[place + 4 : end]) != told:
            return name.decode()
        place = end + 4
    return None


def webp_size(content: bytes) -> tuple[int, int] | None:
    """(width, height) by a WebP's header; its decoder reserves memory for them at once."""
    chunk, head = content[12:16], content[20:30]
    if len(head) < 10:
        return None
    if chunk == b"VP8X":
        return int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        wide, high = int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
        return wide & 0x3FFF, high & 0x3FFF
    return None
