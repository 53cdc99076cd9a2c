"""What the audit finds in pictures is told by the names of their files, not by numbers alone."""

from __future__ import annotations

import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from graftwork import audit
from graftwork.data.audit import Audit, Finding
from graftwork.errors import DataError
from picture_files import JPEG, RED, encoded, photo

EXIF = Pil.Exif()
EXIF[0x0112] = 8
FRAMES = [photo(seed=i) for i in (61, 62)]
ODD = {
    "cmyk": ("print.jpg", encoded(photo(seed=50).convert("CMYK"), "JPEG")),
    "deep": (
        "deep.png",
        encoded(Pil.fromarray(np.asarray(photo(seed=51).convert("L"), np.uint16) * 257)),
    ),
    "rotated": ("turned.jpg", encoded(photo(seed=52), "JPEG", exif=EXIF.tobytes())),
    "animated": (
        "moving.gif",
        encoded(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]),
    ),
    "transparent": (
        "glass.png",
        encoded(Pil.merge("RGBA", (*photo(seed=53).split(), photo(seed=54).convert("L")))),
    ),
    "huge": ("wide.jpg", encoded(photo(6000, 5000, seed=55), "JPEG")),
    "tiny": ("small.png", encoded(photo(40, 12, seed=56))),
    "one_pixel": ("dot.png", encoded(photo(1, 1, seed=57))),
    "very_long": ("strip.png", encoded(photo(200, 40, seed=58))),
    "one_colour": ("red.jpg", encoded(Pil.new("RGB", (50, 50), RED), "JPEG")),
    "empty_file": ("nothing.jpg", b""),
    "other_file": ("notes.txt", b"x"),
}


def folder_of(root: Path, seed: int, n: int = 9) -> Path:
    """Class folders a and b of so many different pictures."""
    for name, first in (("a", seed), ("b", seed + n)):
        (root / name).mkdir(parents=True)
        for i in range(n):
            (root / name / f"{i}.jpg").write_bytes(encoded(photo(seed=first + i), "JPEG"))
    return root


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Class folders a and b."""
    return folder_of(tmp_path / "pictures", 200)


def one(found: Audit, kind: str) -> Finding:
    (finding,) = found.of(kind)
    return finding


def test_each_oddity_names_its_file(pictures: Path) -> None:
    for name, content in ODD.values():
        (pictures / "a" / name).write_bytes(content)
    found = audit(pictures)
    for kind, (name, _) in ODD.items():
        finding = one(found, kind)
        assert f"a/{name}" in finding.message, kind
        assert finding.data["names"] == [f"a/{name}"], kind
        assert finding.message.startswith("1 "), kind
    assert not re.search(r"\b1 (rows|files|pictures|classes)\b|their EXIF", found.to_text())
    assert Audit.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_of_many_the_first_are_named(pictures: Path) -> None:
    for i in range(25):
        (pictures / "a" / f"cut{i:02d}.jpg").write_bytes(JPEG[: 300 + i])
        (pictures / "a" / f"tiny{i:02d}.png").write_bytes(encoded(photo(40, 12, seed=300 + i)))
    found = audit(pictures)
    cut, tiny = one(found, "truncated"), one(found, "tiny")
    assert "(a/cut00.jpg: JPEG of 300 bytes" in cut.message
    assert "; also a/cut01.jpg, a/cut02.jpg, a/cut03.jpg, …)" in cut.message
    assert tiny.message.endswith("(a/tiny00.png, a/tiny01.png, a/tiny02.png, …)")
    for finding, name in ((cut, "a/cut{:02d}.jpg"), (tiny, "a/tiny{:02d}.png")):
        assert finding.count == 25
        assert finding.data["names"] == [name.format(i) for i in range(20)]
        assert len(finding.rows) == 20


def add_copies(train: Path, test: Path) -> None:
    """The same picture, and nearly the same, on both sides; and the same with two labels."""
    shutil.copy(train / "a" / "1.jpg", test / "a" / "seen.jpg")
    with Pil.open(train / "b" / "2.jpg") as picture:
        picture.resize((60, 45)).save(test / "b" / "near.jpg", quality=80)
    shutil.copy(train / "a" / "0.jpg", train / "b" / "same.jpg")


def test_copies_are_told_with_what_they_repeat_and_their_parts(tmp_path: Path) -> None:
    parted = tmp_path / "parted"
    add_copies(folder_of(parted / "train", 200), folder_of(parted / "test", 300))
    found = audit(parted)
    seen, near = one(found, "exact_across_parts"), one(found, "near_across_parts")
    assert seen.message.startswith("1 of 20 test rows has the same input")
    assert "(test/a/seen.jpg in test = train/a/1.jpg in train)" in seen.message
    assert "(test/b/near.jpg in test ≈ train/b/2.jpg in train)" in near.message
    assert (seen.data["names"], seen.data["same_as"]) == (["test/a/seen.jpg"], ["train/a/1.jpg"])
    assert near.data["same_as"] == ["train/b/2.jpg"]
    assert seen.data["parts"] == near.data["parts"] == [["test", "train"]]
    copies = one(found, "exact_duplicates")
    pairs = dict(zip(copies.data["names"], copies.data["same_as"], strict=True))
    assert pairs == {"train/a/1.jpg": "test/a/seen.jpg", "train/b/same.jpg": "train/a/0.jpg"}
    assert "train/b/same.jpg = train/a/0.jpg" in copies.message
    assert one(found, "near_duplicates").message.endswith(
        "(train/b/2.jpg in train ≈ test/b/near.jpg in test)"
    )
    conflict = one(found, "label_conflicts")
    assert conflict.data["names"] == ["train/a/0.jpg", "train/b/same.jpg"]
    assert conflict.data["same_as"] == [None, "train/a/0.jpg"]
    assert conflict.message.endswith("(train/b/same.jpg = train/a/0.jpg)")


def test_of_two_folders_the_name_tells_which(tmp_path: Path) -> None:
    train, test = folder_of(tmp_path / "train", 200), folder_of(tmp_path / "test", 300)
    add_copies(train, test)
    (train / "a" / "dot.png").write_bytes(ODD["one_pixel"][1])
    for folder in (train, test):
        (folder / "b" / "cut.jpg").write_bytes(JPEG[:300])
    found = audit(train, test=str(test))
    seen = one(found, "exact_across_parts")
    assert f"({test}: a/seen.jpg in test = {train}: a/1.jpg in train)" in seen.message
    dot = one(found, "one_pixel")
    assert (dot.data["names"], dot.data["files"]) == ([f"{train}: a/dot.png"], [str(train)])
    assert f"({train}: b/cut.jpg: " in one(found, "truncated").message
    assert f"; also {test}: b/cut.jpg)" in one(found, "truncated").message


def test_a_table_of_paths_names_them_too(pictures: Path) -> None:
    (pictures / "a" / "dot.png").write_bytes(ODD["one_pixel"][1])
    names = sorted(str(path.relative_to(pictures)) for path in pictures.glob("*/*"))
    rows = [f"{name},{name[0]}" for name in [*names, "a/1.jpg", "a/gone.jpg", "a/lost.jpg"]]
    (pictures / "table.csv").write_text("\n".join(["file,label", *rows]) + "\n", "utf-8")
    found = audit(pictures / "table.csv", target="label")
    assert found.columns == {"file": "images", "label": "category"}
    assert one(found, "one_pixel").data["names"] == ["a/dot.png"]
    assert one(found, "exact_duplicates").message.endswith("(a/1.jpg = a/1.jpg)")
    assert one(found, "no_such_file").data["names"] == ["a/gone.jpg", "a/lost.jpg"]
    assert {row.cell for row in found.set_aside} == {"a/gone.jpg", "a/lost.jpg"}


def test_two_columns_of_pictures_name_what_is_meant(pictures: Path) -> None:
    (pictures / "a" / "dot.png").write_bytes(ODD["one_pixel"][1])
    rows = [f"a/{i}.jpg,b/{i}.jpg,{'xy'[i % 2]}" for i in range(9)]
    rows += ["a/dot.png,b/1.jpg,x", "a/0.jpg,b/0.jpg,x"]
    (pictures / "two.csv").write_text("\n".join(["front,back,label", *rows]) + "\n", "utf-8")
    found = audit(pictures / "two.csv", target="label", inputs=("front", "back"))
    assert found.columns == {"front": "images", "back": "images", "label": "category"}
    assert one(found, "one_pixel").data["names"] == ["a/dot.png"]
    copies = one(found, "exact_duplicates")
    assert copies.message.endswith("(a/0.jpg, b/0.jpg = a/0.jpg, b/0.jpg)")


def test_columns_of_pictures_are_called_so_whatever_they_are_kept_in(pictures: Path) -> None:
    content = [path.read_bytes() for path in sorted(pictures.glob("*/*.jpg"))]
    opened = [Pil.open(io.BytesIO(each)) for each in content]
    arrays = [np.asarray(each) for each in opened]
    labels = list("ab") * 9
    for values in (content, opened, arrays):
        found = audit({"photo": values, "label": labels}, target="label")
        assert found.columns == {"photo": "images", "label": "category"}
    folder = audit(pictures)
    assert "columns: image (images), label (category)" in folder.to_text()


def test_errors_name_the_files(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that was sound when it was taken and is gone when it is audited."""
    from graftwork.modalities import _picture_audit

    plain = _picture_audit.facts_of

    def gone(blobs: list[object]) -> list[object]:
        known = plain(blobs)  # type: ignore[arg-type]
        return [type(known[0])(reason="no_such_file", detail="gone"), *known[1:]]

    monkeypatch.setattr(_picture_audit, "facts_of", gone)
    found = audit(pictures)
    assert one(found, "unreadable").data["names"] == ["a/0.jpg"]
    with pytest.raises(DataError, match=r"1 picture is not readable any more \(gone\) \(a/0\.jpg"):
        found.raise_errors()


def test_a_name_that_would_break_the_line_is_spelt_out(pictures: Path) -> None:
    (pictures / "a" / "two\nlines.png").write_bytes(ODD["one_pixel"][1])
    (pictures / "a" / "cut\noff.jpg").write_bytes(JPEG[:300])
    found = audit(pictures)
    assert "('a/two\\nlines.png')" in one(found, "one_pixel").message
    assert one(found, "one_pixel").data["names"] == ["a/two\nlines.png"]
    assert all("\n" not in finding.message for finding in found.findings)
