"""How a picture is shown, covered in parts, and altered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from graftwork.data.blob import Blob
from graftwork.modalities.image import Image
from graftwork.modalities.picture import open_picture
from graftwork.modalities.picture_views import altered, seen
from picture_files import (
    BLUE,
    JPEG,
    RED,
    close,
    encoded,
    photo,
    two_halves,
)

IMAGE = Image()


def test_shown() -> None:
    blob = Blob.of_bytes(encoded(photo(400, 200), "JPEG"), 'a"<b>\n.jpg')
    shown = IMAGE.show(blob)
    assert shown.startswith("<img")
    assert 'src="data:image/jpeg;base64,' in shown
    assert 'width="112" height="56"' in shown
    assert "<b>" not in shown
    assert "&quot;&lt;b&gt;" in shown
    assert len(shown) < 12_000
    assert IMAGE.show(blob) == shown
    assert "data:" not in IMAGE.show(blob, redact=True)
    assert "jpg" not in IMAGE.show(blob, redact=True)
    gone = Blob(digest="0" * 32, name="<gone>.jpg", path=Path("/nowhere/x.jpg"))
    assert "&lt;gone&gt;.jpg: cannot be read" in IMAGE.show(gone)
    assert "cannot be read" in IMAGE.show(Blob.of_bytes(b"junk", "junk.jpg"))
    assert IMAGE.show("<i>") == '<span class="picture">[&lt;i&gt;]</span>'
    assert IMAGE.show(None) == ""
    long = Blob.of_bytes(JPEG, "n" * 999)
    assert "n" * 51 not in IMAGE.show(long, limit=50)


def test_left_out_patches_are_filled_with_the_mean() -> None:
    blob = Blob.of_bytes(encoded(two_halves(70, 70)), "x.png")
    rest = np.asarray(seen(IMAGE.without(blob, [0, 8])))
    mean = tuple((a + b) / 2 for a, b in zip(RED, BLUE, strict=True))
    assert close(rest[5, 5], mean, 1)
    assert close(rest[15, 15], mean, 1)
    assert close(rest[5, 15], RED, 0)
    assert close(rest[65, 5], BLUE, 0)
    assert np.ptp(np.asarray(seen(IMAGE.without(blob, range(49))))[:, :, 0]) == 0
    same = seen(IMAGE.without(blob, []))
    assert np.array_equal(np.asarray(same), np.asarray(two_halves(70, 70)))
    tiny = Blob.of_bytes(encoded(photo(3, 2)), "tiny.png")
    assert seen(IMAGE.without(tiny, [3])).size == (3, 2)
    large = Blob.of_bytes(encoded(photo(3000, 1500), "JPEG"), "large.jpg")
    assert min(seen(IMAGE.without(large, [1])).size) == 512


def test_overlay() -> None:
    blob = Blob.of_bytes(encoded(Pil.new("RGB", (100, 50), (128, 128, 128))), "x.png")
    drawn = open_picture(IMAGE.overlay(blob, [1.0] + [0.0] * 47 + [-1.0]))
    assert drawn.size == (448, 224)
    first, last, middle = (drawn.getpixel(at) for at in ((5, 5), (440, 218), (224, 112)))
    assert first[0] > first[2] + 50
    assert last[2] > last[0] + 50
    assert close(middle, (128,) * 3, 1)
    plain = open_picture(IMAGE.overlay(blob, [0.0] * 49))
    assert close(plain.getpixel((5, 5)), (128,) * 3, 1)
    with pytest.raises(ValueError, match="49 patches"):
        IMAGE.overlay(blob, [1.0])


def test_views_are_other_inputs_of_the_same_content() -> None:
    blob = Blob.of_bytes(encoded(photo(100, 80)), "x.png")
    views = IMAGE.views(blob, 3, seed=0)
    assert len({view.key for view in (blob, *views)}) == 4
    pictures = [np.asarray(seen(view)) for view in views]
    assert len({picture.tobytes() for picture in pictures}) == 3
    again = np.asarray(seen(IMAGE.views(blob, 1, seed=9)[0]))
    assert np.array_equal(again, pictures[0])
    other = Blob.of_bytes(encoded(photo(100, 80), "BMP"), "x.bmp").seen_as(1)
    assert not np.array_equal(np.asarray(seen(other)), pictures[0])  # each in its own way
    for seed in range(50):
        made = altered(photo(100, 80), seed)
        assert made.mode == "RGB"
        assert 0.5 < made.width * made.height / 8000 <= 1
    assert altered(photo(1, 1), 3).size == (1, 1)
