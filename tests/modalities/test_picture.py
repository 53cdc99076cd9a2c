"""Pictures from bytes: every fault told, every treatment done."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from graftwork.data.blob import Blob
from graftwork.errors import DataError
from graftwork.modalities import _picture_facts
from graftwork.modalities.image import Image
from graftwork.modalities.picture import PictureError, open_picture
from picture_files import (
    BLUE,
    JPEG,
    RED,
    WHITE,
    bomb,
    close,
    encoded,
    photo,
    png,
    two_halves,
    webp_header,
)

IMAGE = Image()

FAULTS = {
    "nothing": (b"", "empty_file", "0 bytes"),
    "page": (b"<!DOCTYPE html>\n<html><body>404</body></html>", "not_an_image", "HTML"),
    "page with a mark": (b"\xef\xbb\xbf <html><head></head></html>", "not_an_image", "HTML"),
    "words": (b"file not found, sorry", "not_an_image", "file not found"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3", "not_an_image", "PDF"),
    "drawing": (b'<?xml version="1.0"?>\n<svg xmlns="x"></svg>', "not_an_image", "SVG"),
    "archive": (b"PK\x03\x04rest", "not_an_image", "zip"),
    "git lfs": (b"version https://git-lfs.github.com/spec/v1\noid", "not_an_image", "Git LFS"),
    "zeros": (bytes(900), "not_an_image", "zero bytes"),
    "noise": (b"\x01\x93\xe2\x91\x07\xff\xfe\xfa", "not_an_image", "no known format"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0", "format_not_allowed", "HEIC"),
    "ppm": (encoded(photo(), "PPM"), "format_not_allowed", "PNM"),
    "icon": (encoded(photo(32, 32), "ICO"), "format_not_allowed", "ICO"),
    "half a jpeg": (JPEG[: len(JPEG) // 2], "truncated", "its end is missing"),
    "jpeg head": (JPEG[:20], "truncated", "its end is missing"),
    "half a png": (encoded(photo())[:-300], "truncated", "its end is missing"),
    "half a gif": (encoded(photo(), "GIF")[:600], "truncated", "its end is missing"),
    "half a webp": (encoded(photo(), "WEBP")[:200], "truncated", "its end is missing"),
    "half a bmp": (encoded(photo(), "BMP")[:900], "truncated", "its end is missing"),
    "flipped png": (
        encoded(photo())[:29] + bytes(4) + encoded(photo())[33:],
        "damaged",
        "checksum of its part",
    ),
    "bomb": (bomb(), "too_many_pixels", "60,000 × 60,000|far more pixels; at most 100 million"),
    "just too large": (bomb(10_001, 10_000), "too_many_pixels", "10,001 × 10,000"),
    "webp bomb": (webp_header(16_000, 16_000), "too_many_pixels", "16,000 × 16,000"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_told(name: str, tmp_path: Path) -> None:
    content, reason, words = FAULTS[name]
    with pytest.raises(PictureError, match=words) as caught:
        open_picture(content)
    assert caught.value.reason == reason
    assert isinstance(caught.value, DataError)
    (tmp_path / "file.jpg").write_bytes(content)
    (tmp_path / "good.jpg").write_bytes(JPEG)
    inputs, faults = IMAGE.take(["good.jpg", "file.jpg", None, " "], folder=tmp_path)
    assert [type(one) for one in inputs] == [Blob, type(None), type(None), type(None)]
    assert list(faults) == [1]
    assert faults[1][0] == reason
    assert "file.jpg: " in faults[1][1]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to read memory from")
def test_a_bomb_costs_nothing() -> None:
    code = (
        "import sys; from graftwork.modalities.picture import open_picture, PictureError"
        "\nfor content in map(bytes.fromhex, sys.argv[1:]):"
        "\n    try: open_picture(content)"
        "\n    except PictureError as error: print(error.reason)"
        "\nlines = open('/proc/self/status').read().splitlines()"
        "\nprint(next(line.split()[1] for line in lines if line.startswith('VmHWM')))"
    )
    bombs = [bomb().hex(), bomb(10_001, 10_000).hex(), webp_header(16_000, 16_000).hex()]
    command = [sys.executable, "-W", "error", "-c", code, *bombs]
    *told, kilobytes = subprocess.run(command, capture_output=True, text=True).stdout.split()
    assert told == ["too_many_pixels"] * 3
    assert int(kilobytes) < 200_000


def test_sound_formats_are_read_alike() -> None:
    plain = np.asarray(photo(), int)
    for kind in ("PNG", "BMP", "TIFF", "WEBP"):
        options = {"lossless": True} if kind == "WEBP" else {}
        content = encoded(photo(), kind, **options)
        assert np.array_equal(np.asarray(open_picture(content)), plain)
    assert np.abs(np.asarray(open_picture(JPEG), int) - plain).mean() < 4
    assert np.abs(np.asarray(open_picture(encoded(photo(), "GIF")), int) - plain).mean() < 12


def test_every_mode_becomes_rgb() -> None:
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        made = open_picture(encoded(photo().convert(mode)))
        assert (made.mode, made.size) == ("RGB", (80, 60)), mode
        assert np.asarray(made).std() > 20, mode
    for mode in ("CMYK", "YCbCr"):
        made = open_picture(encoded(photo().convert(mode), "TIFF"))
        assert np.abs(np.asarray(made, int) - np.asarray(photo(), int)).mean() < 3, mode


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_clipped(kind: str) -> None:
    ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (20, 1))
    content = encoded(Pil.fromarray(ramp), kind)
    found = np.asarray(open_picture(content), int)
    assert np.abs(found[0, :, 0] - np.arange(256)).max() <= 1
    assert found[:, :, 0].mean() < 130  # Pillow alone makes nearly all of it white
    assert "deep" in _picture_facts.look(content).flags


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_twelve_bits_in_sixteen_are_found(kind: str) -> None:
    """As scanners and microscopes write them: scaled by what the file declares, almost black."""
    ramp = np.tile(np.linspace(0, 4095, 256).astype(np.uint16), (20, 1))
    assert "dim" in _picture_facts.look(encoded(Pil.fromarray(ramp), kind)).flags
    for bright in (ramp * 16, np.zeros_like(ramp)):  # all black is another finding
        assert "dim" not in _picture_facts.look(encoded(Pil.fromarray(bright), kind)).flags
    dark = Pil.fromarray(np.full((8, 8, 3), 9, np.uint8))  # of 8 bits it is what was photographed
    assert "dim" not in _picture_facts.look(encoded(dark)).flags


def test_sixteen_bits_of_each_colour_and_floats() -> None:
    values = np.dstack([np.full((8, 8), v, np.uint16) for v in (65535, 32768, 0)])
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    content = png(8, 8, rows, bits=16)
    assert close(np.asarray(open_picture(content))[0, 0], (255, 128, 0), 1)
    assert "deep" in _picture_facts.look(content).flags
    ramp = np.tile(np.linspace(0, 1, 256, dtype=np.float32), (20, 1))
    whole = Pil.fromarray(np.tile(np.arange(0, 256 * 256, 256, dtype=np.int32), (20, 1)))
    found = np.asarray(open_picture(encoded(whole, "TIFF")), int)
    assert np.abs(found[0, :, 0] - np.arange(256)).max() <= 1
    for scale, low in ((1, 0), (1000, -200)):
        found = np.asarray(open_picture(encoded(Pil.fromarray(ramp * scale + low), "TIFF")), int)
        assert np.abs(found[0, :, 0] - np.arange(256)).max() <= 1
    broken = np.where(ramp > 0.99, np.nan, ramp).astype(np.float32)
    assert np.asarray(open_picture(encoded(Pil.fromarray(broken), "TIFF"))).std() > 10


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_orientation_is_applied(kind: str, turn: int) -> None:
    exif = Pil.Exif()
    exif[0x0112] = turn
    upright = np.asarray(photo(40, 24))
    undo = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }
    stored = Pil.fromarray(np.ascontiguousarray(undo[turn]))
    content = encoded(stored, kind, exif=exif.tobytes(), quality=95)
    made = open_picture(content)
    assert made.size == (40, 24)
    assert np.abs(np.asarray(made, int) - upright).mean() < 6
    facts = _picture_facts.look(content)
    assert (facts.width, facts.height) == (40, 24)
    assert ("rotated" in facts.flags) == (turn > 1)


def test_odd_exif_is_no_fault() -> None:
    for junk in (
        b"Exif\0\0MM\0*\0\0\xff\xff",
        b"Exif\0\0garbage",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff",
    ):
        assert open_picture(encoded(photo(), "JPEG", exif=junk)).size == (80, 60)


def test_cmyk() -> None:
    content = encoded(two_halves().convert("CMYK"), "JPEG", quality=95)
    made = open_picture(content)
    assert close(made.getpixel((5, 2)), RED)
    assert close(made.getpixel((5, 17)), BLUE)
    assert _picture_facts.look(content).flags == ("cmyk",)


def test_of_an_animation_the_first_frame() -> None:
    frames = [Pil.new("RGB", (30, 20), colour) for colour in (RED, BLUE, WHITE)]
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        assert close(open_picture(content).getpixel((9, 9)), RED), kind
        assert "animated" in _picture_facts.look(content).flags, kind
        alone = _picture_facts.look(encoded(frames[0], kind))
        assert "animated" not in alone.flags, kind


def test_transparent_is_laid_on_white() -> None:
    clear = Pil.new("RGBA", (20, 20), (0, 0, 0, 0))
    clear.paste((*RED, 255), (0, 0, 10, 20))
    palette = clear.convert("RGB").quantize(4)
    index = int(np.asarray(palette)[5, 15])
    for content in (
        encoded(clear),
        encoded(clear, "WEBP", lossless=True),
        encoded(palette, "PNG", transparency=index),
        encoded(palette, "GIF", transparency=index),
    ):
        made = open_picture(content)
        assert close(made.getpixel((15, 5)), WHITE)
        assert close(made.getpixel((5, 5)), RED)
        assert "transparent" in _picture_facts.look(content).flags
    opaque = _picture_facts.look(encoded(photo().convert("RGBA")))
    assert "transparent" not in opaque.flags


def test_huge_pictures_are_reduced_with_all_that_is_in_them() -> None:
    wide = Pil.new("L", (6000, 5000), 40)
    wide.paste(200, (3000, 0, 6000, 5000))
    deep = Pil.fromarray((np.asarray(wide, np.uint16) * 257)[:, :4200])
    for picture, content in (
        (wide, encoded(wide, "PNG", compress_level=1)),
        (wide, encoded(wide, "JPEG")),
        (deep.resize((6000, 5000)), encoded(deep.resize((6000, 5000)), "PNG", compress_level=1)),
    ):
        made = open_picture(content)
        assert made.size == (3000, 2500)
        assert close(made.getpixel((100, 2400)), (40,) * 3, 2)
        assert close(made.getpixel((2990, 10)), (200,) * 3, 2)
        facts = _picture_facts.look(content)
        assert (facts.width, facts.height) == picture.size


def test_a_reduced_scale_is_asked_for() -> None:
    content = encoded(photo(1600, 1000), "JPEG")
    assert open_picture(content).size == (1600, 1000)
    assert open_picture(content, size=120).size == (200, 125)
    assert open_picture(content, size=126).size == (400, 250)
    assert open_picture(content, size=2000).size == (1600, 1000)
    assert open_picture(encoded(photo(1600, 1000)), size=100).size == (1600, 1000)


def test_threads_and_warnings_do_not_mind_each_other() -> None:
    odd = encoded(photo(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\xff\xff")
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda k: open_picture([odd, JPEG][k % 2]).size, range(200)))
    assert made == [(80, 60)] * 200
    assert list(warnings.filters) == before


def test_rubbish_never_raises_anything_else() -> None:
    random, told = np.random.default_rng(0), set()
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"):
        sound = np.frombuffer(encoded(photo(24, 24), kind), np.uint8)
        for _ in range(60):
            bad = sound.copy()
            where = random.integers(0, len(bad), random.integers(1, 12))
            bad[where] = random.integers(0, 256, len(where))
            try:
                made = open_picture(bad.tobytes())
            except PictureError as error:
                told.add(error.reason)
            else:
                assert made.mode == "RGB"
    assert {"truncated", "damaged", "not_an_image"} <= told


def test_a_damaged_png_is_never_taken_for_sound() -> None:
    whole = encoded(photo(90, 70))
    start = whole.index(b"IDAT") + 4
    for place in range(start, len(whole) - 16, 97):
        broken = bytearray(whole)
        broken[place] ^= 0x5A
        with pytest.raises(PictureError) as caught:
            open_picture(bytes(broken))
        assert caught.value.reason in {"damaged", "truncated"}, place


def test_a_png_is_turned_by_what_stands_at_its_end() -> None:
    exif = Pil.Exif()
    exif[0x0112] = 6
    held = io.BytesIO()
    photo(60, 30).save(held, "PNG", exif=exif)
    assert open_picture(held.getvalue()).size == (30, 60)


def test_facts_survive_being_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_picture_facts, "REMEMBERED", 3)
    monkeypatch.setattr(_picture_facts, "_remembered", {})
    blobs = [Blob.of_bytes(encoded(photo(20 + i, 20)), f"{i}.png") for i in range(9)]
    _picture_facts.facts_of(blobs[:3])
    assert [facts.width for facts in _picture_facts.facts_of(blobs)] == list(range(20, 29))
