"""Pictures that are objects of Python: which columns they make, and what each cell becomes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image as Pil

from graftwork import audit
from graftwork.data.read import read
from graftwork.data.readers.media import UnreadablePicture, picture_bytes, unpacked
from graftwork.errors import DataError
from graftwork.modalities.image import Image
from graftwork.modalities.picture import open_picture
from graftwork.modalities.picture_views import seen
from picture_files import JPEG, RED, close, encoded, photo, two_halves

PIXELS = np.asarray(photo(12, 9))
GREY = PIXELS[:, :, 0]


def taken(source: Any) -> tuple[list[Any], dict[int, tuple[str, str]]]:
    """The first column as the image modality takes it."""
    cells = read(source).columns.column(0).to_pylist()
    return Image().take(cells)


def frame(values: list[Any]) -> Any:
    """A DataFrame of them."""
    import pandas as pd

    return pd.DataFrame({"image": pd.Series(values, dtype=object)})


MAKERS = {
    "list": list,
    "dict": lambda values: {"image": values},
    "dicts": lambda values: [{"image": value} for value in values],
    "DataFrame": frame,
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_every_accepted_object_is_a_picture_in_every_container(make: Any) -> None:
    deep = GREY.astype(np.uint16) * 257
    alpha = np.dstack([PIXELS, np.full_like(GREY, 255)])
    wanted = [PIXELS] * 3 + [np.dstack([GREY] * 3)] * 5
    grey = [GREY, GREY[:, :, None], deep, deep[:, :, None], deep.astype(">u2")]
    inputs, faults = taken(make([Pil.fromarray(PIXELS), PIXELS, alpha, *grey]))
    assert faults == {}
    for value, pixels in zip(inputs, wanted, strict=True):
        assert np.abs(np.asarray(seen(value), int) - pixels).max() == 0


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_all_items_are_looked_at_and_kinds_may_mix(make: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Pil.fromarray(PIXELS).save(path)
    image, content = Pil.fromarray(PIXELS), path.read_bytes()
    for values in (
        [None, image, image],
        [content, image, path],
        [path, image],
        [image, path],
        [image, str(path), bytearray(content)],
        [None, PIXELS, str(path), float("nan"), ""],
        [content, str(path)],
        [path, None, str(path)],
    ):
        inputs, faults = taken(make(values))
        assert faults == {}
        for value, given in zip(inputs, values, strict=True):
            if isinstance(given, (float, type(None))) or (isinstance(given, str) and not given):
                assert value is None
            else:
                assert np.array_equal(np.asarray(seen(value)), PIXELS)


def test_paths_alone_stay_text_and_mixed_ones_keep_their_name(tmp_path: Path) -> None:
    for source in ([Path("a.png"), None], frame([Path("a.png"), None])):
        assert read(source).columns.column("image").to_pylist() == ["a.png", None]
    inputs, faults = taken([JPEG, tmp_path / "gone.png"])
    assert inputs[0].read() == JPEG
    assert faults[1][0] == "no_such_file"
    assert faults[1][1].startswith(f"{tmp_path / 'gone.png'}: ")
    beside = {"x": [Path("a.txt"), 5]}  # no pictures: kept as text, aloud
    assert read(beside).columns.column("x").to_pylist() == ["a.txt", "5"]


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize(
    "strange",
    [
        np.zeros((3, 20, 20), np.uint8),
        np.zeros((9, 12, 3), np.float32),
        np.zeros((9, 12), np.int64),
        np.zeros((9, 12, 3), np.uint16),
        np.zeros((2, 9, 12, 3), np.uint8),
    ],
    ids=lambda array: f"{array.dtype}-{array.ndim}d",
)
def test_arrays_that_are_no_pictures_are_refused_in_words(make: Any, strange: Any) -> None:
    with pytest.raises(DataError) as caught:
        read(make([PIXELS, None, strange, PIXELS, strange]))
    assert [fault.row for fault in caught.value.faults] == [3, 5]
    for words in (strange.dtype.name, str(strange.shape), "uint16 (height, width)", "'image'"):
        assert words in str(caught.value)


def test_twenty_of_many_faults_are_listed_and_all_counted() -> None:
    with pytest.raises(DataError, match=r"30 cells are no pictures \(the first 20") as caught:
        read(np.zeros((30, 8, 8, 3)))
    assert len(caught.value.faults) == 20
    with pytest.raises(DataError, match=r"row 2.*value of type int"):
        read([PIXELS, 5])
    tensors = pytest.importorskip("torch").zeros(2, 3, 8, 8)
    with pytest.raises(DataError, match=r"torch\.float32 \(3, 8, 8\)"):
        read({"image": list(tensors), "label": ["a", "b"]})


def test_vectors_and_other_objects_are_left_alone() -> None:
    vectors = {"v": [np.zeros(3), np.ones(3)], "n": [1, None], "t": ["a", "b"]}
    assert read(vectors).columns.to_pylist()[1] == {"v": [1.0] * 3, "n": None, "t": "b"}
    with pytest.raises(DataError, match="row 1: a dict is wanted"):
        read([b"raw", 5])
    cells = read({"x": [b"raw", "words"]}).columns.column("x")
    assert cells.to_pylist() == [b"raw", b"words"]


def test_an_object_that_cannot_be_read_spoils_its_own_row_only(tmp_path: Path) -> None:
    (tmp_path / "half.jpg").write_bytes(JPEG[:900])
    closed = Pil.open(io.BytesIO(JPEG))
    closed.close()
    half = Pil.open(tmp_path / "half.jpg")
    empty = np.zeros((0, 3, 3), np.uint8)
    sound = [photo(seed=i) for i in range(4)]
    values = [half, closed, empty, Pil.new("RGB", (0, 4)), *sound, None]
    rows = [
        {"image": value, "label": label} for value, label in zip(values, "ababababa", strict=True)
    ]
    with half:
        found = audit(rows, target="label").to_json()
        inputs, faults = Image().take(values)
    assert found["accounting"] == {"rows_in": 9, "used": 4, "quarantined": 5, "dropped": 0}
    reasons = ["damaged", "damaged", "not_an_image", "not_an_image"]
    assert [row["reason"] for row in found["set_aside"]] == [*reasons, "blank_input"]
    details = [row["detail"] for row in found["set_aside"]]
    assert "truncated" in details[0]
    assert "uint8 (0, 3, 3)" in details[2]
    assert [faults[i][0] for i in range(4)] == reasons
    assert [faults[i][1] for i in range(4)] == details[:4]
    assert all(inputs[4:8])


def test_levels_beyond_eight_bits_are_scaled_as_those_of_a_file() -> None:
    ramp = np.linspace(0, 1, 120, dtype=np.float32).reshape(10, 12)
    pictures = {
        "I of 8 bits": Pil.fromarray((ramp * 254).astype(np.int32)),
        "I of 16 bits": Pil.fromarray((ramp * 65_000).astype(np.int32)),
        "I of more": Pil.fromarray((ramp * 1e6 - 5000).astype(np.int32)),
        "F of one": Pil.fromarray(ramp),
        "F of 8 bits": Pil.fromarray(ramp * 254),
        "F of 16 bits": Pil.fromarray(ramp * 65_000),
        "I;16": Pil.fromarray((ramp * 65_000).astype(np.uint16)),
        "I;16B": Pil.frombytes("I;16B", (12, 10), (ramp * 65_000).astype(">u2").tobytes()),
    }
    for name, picture in pictures.items():
        told = np.asarray(open_picture(picture_bytes(picture)))
        filed = np.asarray(open_picture(encoded(picture, "TIFF")))
        assert np.array_equal(told, filed), name
        assert np.unique(told).size > 100, name
        assert np.array_equal(np.asarray(seen(Image().take([picture])[0][0])), filed), name


def test_what_is_transparent_stays_so() -> None:
    clear = Pil.merge("RGBA", (*photo().split(), Pil.new("L", (80, 60), 0)))
    palette = Pil.merge("PA", (Pil.new("L", (8, 6), 3), Pil.new("L", (8, 6), 0)))
    for picture in (clear, clear.convert("RGBa"), clear.convert("LA").convert("La"), palette):
        (value,), faults = taken([picture])
        assert faults == {}
        assert seen(value).getextrema() == ((255, 255),) * 3, picture.mode
    half = Pil.merge("RGBA", (*photo().split(), Pil.new("L", (80, 60), 128)))
    inputs, _ = taken([half, half.convert("RGBa")])
    straight, premultiplied = (np.asarray(seen(value), int) for value in inputs)
    assert np.abs(straight - premultiplied).max() <= 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_lazily_opened_file_is_set_upright_once(kind: str) -> None:
    exif = Pil.Exif()
    exif[0x0112] = 6
    with Pil.open(io.BytesIO(encoded(two_halves(), kind, exif=exif.tobytes()))) as opened:
        content = picture_bytes(opened)
    picture = open_picture(content)
    assert picture.size == (20, 40)
    assert close(picture.getpixel((17, 5)), RED)


def test_metadata_that_is_damaged_spoils_nothing() -> None:
    picture = photo()
    picture.info["exif"] = b"Exif\0\0II*\0\xff\xff\xff\xff rubbish"
    assert picture_bytes(picture) == picture_bytes(photo())


def test_images_of_another_package_are_told_by_what_they_are() -> None:
    class Own(Pil.Image):
        """As that of a plugin for another format."""

    Own.__module__ = "plugin"
    own = Own()
    own.im, own._mode, own._size = photo().im, "RGB", (80, 60)
    assert taken([own])[0][0] == taken([photo()])[0][0]


def test_notes_that_a_file_imitates_name_no_reason_of_their_own() -> None:
    assert unpacked(JPEG) == JPEG
    for imitated in (b"\0graftwork fault\0ok\0", b"\0graftwork path\0\xff\xfe"):
        assert unpacked(imitated) == imitated
        assert Image().take([imitated])[1][0][0] == "not_an_image"
    with pytest.raises(UnreadablePicture, match="why"):
        unpacked(b"\0graftwork fault\0damaged\0why")
    odd = Path("odd \udcff.png")  # a file name that is no UTF-8
    mixed = read({"image": [JPEG, odd]}).columns.column("image")
    assert mixed.type == pa.binary()
    assert unpacked(mixed[1].as_py()) == str(odd)
