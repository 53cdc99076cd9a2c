"""Cells of a table as pictures: found, remembered, audited."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pil

import toy_pictures
from graftwork import audit
from graftwork.data.blob import Blob
from graftwork.data.read import read
from graftwork.errors import DataError, Interrupted
from graftwork.modalities import _picture_decode, _picture_facts
from graftwork.modalities.image import Image
from graftwork.modalities.picture import MOST_PIXELS
from graftwork.modalities.picture_views import seen
from graftwork.runs.progress import Progress
from picture_files import (
    JPEG,
    RED,
    close,
    encoded,
    photo,
    two_halves,
)

IMAGE = Image()


def test_paths_stay_inside_their_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "a").mkdir(parents=True)
    (tmp_path / "secret.jpg").write_bytes(JPEG)
    (folder / "a" / "in.jpg").write_bytes(JPEG)
    (tmp_path / "data2").mkdir()
    (tmp_path / "data2" / "x.jpg").write_bytes(JPEG)
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "up").symlink_to(tmp_path)
    (folder / "own.jpg").symlink_to("a/in.jpg")
    good = ["a/in.jpg", "a/../a/in.jpg", "./a/in.jpg", str(folder / "a/in.jpg"), "own.jpg"]
    bad = [
        "../secret.jpg",
        "a/../../secret.jpg",
        str(tmp_path / "secret.jpg"),
        "../data2/x.jpg",
        "link.jpg",
        "up/secret.jpg",
        "../not there.jpg",
    ]
    inputs, faults = IMAGE.take([*good, *bad], folder=folder)
    assert all(inputs[: len(good)])
    assert [faults[i][0] for i in range(len(good), len(good) + len(bad))] == ["outside_folder"] * 7
    assert len({one.digest for one in inputs if one}) == 1
    assert [one.name for one in inputs[:2]] == good[:2]
    anywhere, none = IMAGE.take([str(tmp_path / "secret.jpg")], folder=None)
    assert anywhere[0].read() == JPEG
    assert none == {}


def test_missing_files_and_what_was_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shoes").mkdir()
    for name in ("shoes/boot.jpg", "IMG_0001.jpeg", "hat.png"):
        (tmp_path / name).write_bytes(JPEG)
    os.mkfifo(tmp_path / "pipe.jpg")
    asked = {
        "img_0001.jpeg": "IMG_0001.jpeg",
        "IMG_0002.jpeg": "IMG_0001.jpeg",
        "hat.jpg": "hat.png",
        "boot.jpg": "shoes/boot.jpg",
        "socks/boot.jpg": "boot.jpg",
        "nothing like it.gif": "no such file",
        "gone/away/zzz.gif": "not there",
        "shoes": "folder",
        "pipe.jpg": "device",
        "https://example.org/a.jpg": "address",
        "a\0.jpg": "NUL",
        "x" * 400 + ".jpg": "no such file",
    }
    inputs, faults = IMAGE.take([*asked, "shoes\\boot.jpg"], folder=tmp_path)
    for i, words in enumerate(asked.values()):
        assert faults[i][0] == "no_such_file"
        assert words in faults[i][1]
    assert inputs[-1].read() == JPEG
    monkeypatch.setattr("graftwork.modalities._picture_paths.MOST_BYTES", 100)
    assert IMAGE.take(["hat.png"], folder=tmp_path)[1][0][0] == "too_large_file"


def test_objects_become_png_without_loss() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    alpha = np.dstack([pixels, np.full((9, 7), 255, np.uint8)])
    values = [
        pixels,
        alpha,
        pixels[:, :, 0],
        pixels[:, :, :1],
        Pil.fromarray(pixels),
        encoded(Pil.fromarray(pixels)),
        {"bytes": encoded(Pil.fromarray(pixels)), "path": "/far/away/a.png"},
        {"bytes": None, "path": None},
        {"bytes": pixels, "path": 7},
        Pil.fromarray(pixels).convert("CMYK"),
    ]
    inputs, faults = IMAGE.take(values)
    assert faults == {}
    grey = np.repeat(pixels[:, :, :1], 3, axis=2)
    wanted = [pixels, pixels, grey, grey, pixels, pixels, pixels, None, pixels, pixels]
    for value, expected in zip(inputs, wanted, strict=True):
        if expected is None:
            assert value is None
        else:
            assert np.array_equal(np.asarray(seen(value)), expected)
    assert inputs[6].name == "a.png"
    deep = IMAGE.take([np.full((4, 4), 32768, np.uint16)])[0][0]
    assert close(seen(deep).getpixel((0, 0)), (128,) * 3, 1)


def test_embedded_bytes_are_never_left_for_a_file_of_their_name(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    own, beside = encoded(photo(seed=1)), encoded(photo(seed=2))
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(beside)
    rows = [
        {"bytes": own, "path": "a.png", "id": 1},
        {"bytes": None, "path": "b.png", "id": 2},
        {"bytes": None, "path": "../away.png", "id": 3},
        {"bytes": None, "path": None, "id": 4},
    ]
    wanted = [own, beside, None, None]
    pq.write_table(pa.table({"image": rows, "label": list("abab")}), tmp_path / "t.parquet")
    table = read(tmp_path / "t.parquet")
    cells = table.columns.column("image").to_pylist()
    for values in (rows, cells):  # as they are, and as a table holds them
        inputs, faults = IMAGE.take(values, folder=table.source.folder)
        assert [value and value.read() for value in inputs] == wanted
        assert {row: reason for row, (reason, _) in faults.items()} == {2: "outside_folder"}
        assert faults[2][1].startswith("../away.png: ")
    found = audit(tmp_path / "t.parquet", target="label").to_json()
    assert found["accounting"] == {"rows_in": 4, "used": 2, "quarantined": 2, "dropped": 0}


def test_records_that_hold_no_picture_at_all_are_blank_rows(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for kind in ([("bytes", pa.binary())], [("bytes", pa.binary()), ("path", pa.string())]):
        column = pa.array([None, {}], pa.struct(kind))
        pq.write_table(pa.table({"image": column, "label": ["a", "b"]}), tmp_path / "t.parquet")
        found = audit(tmp_path / "t.parquet", target="label").to_json()
        assert [row["reason"] for row in found["set_aside"]] == ["blank_input"] * 2


def test_a_pil_image_of_a_file_is_set_upright(tmp_path: Path) -> None:
    exif = Pil.Exif()
    exif[0x0112] = 6
    two_halves().save(tmp_path / "a.jpg", exif=exif, quality=95)
    with Pil.open(tmp_path / "a.jpg") as opened:
        (value,), _ = IMAGE.take([opened])
    assert seen(value).size == (20, 40)
    assert close(seen(value).getpixel((17, 5)), RED)


def test_what_is_no_picture_object_is_told(tmp_path: Path) -> None:
    (tmp_path / "half.jpg").write_bytes(JPEG[:900])
    with Pil.open(tmp_path / "half.jpg") as half:
        values = [
            np.zeros((3, 20, 20), np.float32),
            np.zeros((3, 20, 20), np.uint8),
            np.zeros((0, 4), np.uint8),
            17,
            half,
        ]
        inputs, faults = IMAGE.take(values)
    assert inputs == [None] * 5
    reasons = [faults[i][0] for i in range(5)]
    assert reasons == ["not_an_image"] * 4 + ["damaged"]
    assert "float32" in faults[0][1]
    assert "int" in faults[3][1]


def test_recognised() -> None:
    names = [f"{i}.JPG" for i in range(9)]
    for values in (
        names,
        [*names, "what?"],
        ["a/b.webp", None],
        [Path("x.tiff")],
        [JPEG],
        [photo()],
        [np.zeros((4, 4, 3), np.uint8)],
        [{"bytes": JPEG, "path": None}],
        [Blob.of_bytes(JPEG, "x")],
    ):
        assert IMAGE.recognises(values), values
    for values in (
        [],
        [None],
        [*names[:8], "what?", "who?"],
        ["look at\nthis.jpg"],
        ["see photo.jpg for more"],
        [1, 2],
        [np.zeros(4)],
        [np.zeros((4, 4), np.float32)],
        [{"text": "x"}],
        [JPEG, "words"],
    ):
        assert not IMAGE.recognises(values), values


def test_the_second_time_nothing_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{i}.jpg" for i in range(40)]
    for i, name in enumerate(names):
        (tmp_path / name).write_bytes(encoded(photo(seed=i), "JPEG"))
    (tmp_path / "bad.jpg").write_bytes(JPEG[:300])
    decoded: list[int] = []
    plain = _picture_decode.decode

    def counting(content: bytes, size: int | None = None) -> Any:
        decoded.append(1)
        return plain(content, size)

    monkeypatch.setattr(_picture_decode, "decode", counting)
    memo = tmp_path / "memo"

    def taken(expected: int) -> tuple[Any, list[Any], list[int]]:
        """Read anew, as another process would."""
        monkeypatch.setattr(_picture_facts, "_remembered", {})
        decoded.clear()
        inputs, faults = IMAGE.take([*names, "bad.jpg"], folder=tmp_path, memo=memo)
        assert len(decoded) == expected
        assert list(faults) == [40]
        groups = IMAGE.near_duplicates(inputs[:40]).tolist()
        findings = IMAGE.audit(inputs[:40], list(range(40)), field="image")
        assert len(decoded) == expected  # what was taken needs no further look
        return inputs, findings, groups

    first = taken(41)
    assert taken(1) == first  # the faulty one is tried again
    files = sorted(memo.rglob("*.jsonl"))
    lines = files[0].read_bytes().splitlines(keepends=True)
    whole = [line for line in lines if line.strip()]
    files[0].write_bytes(b"\xff\0 torn\n[1]\n" + whole[0][: len(whole[0]) // 2])
    lost = len(whole)
    assert taken(1 + lost) == first
    assert taken(1) == first  # mended by appending
    for file in files:
        file.unlink()
    memo.joinpath("x").write_text("not mine")
    assert taken(41) == first


def test_a_memo_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "memo").write_text("a file, where a folder should be")
    inputs, faults = IMAGE.take([JPEG], memo=tmp_path / "memo")
    assert inputs[0].read() == JPEG
    assert faults == {}


def test_cancelled_on_the_way(tmp_path: Path) -> None:
    class Stops(Progress):
        def on_advance(self, step: Any) -> None:
            self.cancel()

    values = [encoded(photo(seed=i)) for i in range(100)]
    with pytest.raises(Interrupted):
        IMAGE.take(values, memo=tmp_path, progress=Stops())
    assert list(tmp_path.rglob("*.jsonl"))  # what was found out stays


def test_audit_tells_each_oddity_once() -> None:
    exif = Pil.Exif()
    exif[0x0112] = 8
    frames = [photo(seed=i) for i in range(2)]
    odd = {
        "cmyk": encoded(photo().convert("CMYK"), "JPEG"),
        "deep": encoded(Pil.fromarray(np.asarray(photo().convert("L"), np.uint16) * 257)),
        "rotated": encoded(photo(), "JPEG", exif=exif.tobytes()),
        "animated": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "transparent": encoded(Pil.merge("RGBA", (*photo().split(), photo().convert("L")))),
        "huge": encoded(photo(6000, 5000), "JPEG"),
        "tiny": encoded(photo(40, 12)),
        "one_pixel": encoded(photo(1, 1)),
        "very_long": encoded(photo(200, 40)),
        "one_colour": encoded(Pil.new("RGB", (50, 50), RED), "JPEG"),
    }
    blobs = [Blob.of_bytes(content, name) for name, content in odd.items()]
    sound = [Blob.of_bytes(JPEG, "sound"), None]
    rows = [*range(100, 110), 5, 6]
    found = IMAGE.audit([*blobs, *sound], rows, field="photo")
    told = {finding.kind: finding for finding in found}
    assert set(told) == set(odd)
    for row, kind in enumerate(odd, 100):
        assert (told[kind].rows, told[kind].count, told[kind].field) == ((row,), 1, "photo")
        assert told[kind].message.startswith("1 picture is ")
    assert told["huge"].severity == "info"
    assert told["one_colour"].severity == "warning"
    many = IMAGE.audit([blobs[6]] * 30, list(range(30)), field="photo")
    assert (many[0].count, len(many[0].rows)) == (30, 20)
    assert many[0].message.startswith("30 pictures are ")
    assert IMAGE.audit(["x", blobs[0]], [2, 3], field="photo")[0].kind == "no_image"


def test_a_lost_picture_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(JPEG)
    (value,), _ = IMAGE.take(["a.jpg"], folder=tmp_path)
    path.write_bytes(encoded(photo(seed=9), "JPEG"))
    with pytest.raises(DataError, match=r"a\.jpg.*changed"):
        seen(value)
    path.unlink()
    with pytest.raises(DataError, match=r"a\.jpg"):
        seen(value)
    with pytest.raises(DataError, match=r"bad\.jpg: JPEG of"):
        seen(Blob.of_bytes(JPEG[:300], "bad.jpg"))
    monkey = Blob.of_bytes(JPEG[:300], "bad.jpg")
    assert IMAGE.audit([monkey], [3], field="image")[0].kind == "unreadable"
    assert IMAGE.near_duplicates([monkey, monkey, None]).tolist()[0] != 2


def test_toy_pictures_are_all_sound() -> None:
    inputs, faults = IMAGE.take(toy_pictures.pictures(20))
    assert len(inputs) == 20
    assert faults == {}
    assert MOST_PIXELS == 100_000_000
