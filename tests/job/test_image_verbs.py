"""Every verb on pictures: what holds for a table of texts holds for a folder of photos."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from job_files import PICTURES_PER_CLASS, read_csv
from PIL import Image

import graftwork as gw
from graftwork.data.drawn import draw_folder
from graftwork.storage.json_files import read_json

NAMES = ("boat", "clock", "cup")


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Other pictures of the same three things, none of them faulty."""
    folder = tmp_path_factory.mktemp("others") / "others"
    draw_folder(folder, per_class=9, seed=7)
    for place in folder.iterdir():
        if place.name not in NAMES:
            shutil.rmtree(place)
    for file in [*folder.glob("*/*_page*"), *folder.glob("*/*_cut*"), *folder.glob("*/*_empty*")]:
        file.unlink()
    return folder


def test_evaluate(graftwork: Any, photo_run: Any, others: Path) -> None:
    told = graftwork("evaluate", photo_run.path, others, "--json")
    assert told.code == 0, told.err
    files = sum(path.is_file() for path in others.rglob("*"))
    assert told.json["n_test"] == files
    assert 0 <= told.json["test"]["accuracy"]["value"] <= 1


def test_several_folders_make_a_matrix(
    graftwork: Any, photo_run: Any, photos: Path, others: Path
) -> None:
    told = graftwork("evaluate", photo_run.path, photos, others, "--json")
    assert told.code == 0, told.err
    assert len(told.json["domains"]["rows"]) == 2


def test_select(graftwork: Any, photo_run: Any, others: Path, tmp_path: Path) -> None:
    pool = tmp_path / "pool"
    pool.mkdir()
    for file in others.glob("*/*.jpg"):
        shutil.copyfile(file, pool / file.name)
    out = tmp_path / "next.csv"
    told = graftwork("select", pool, "--run", photo_run.path, "--n", "5", "--out", out)
    assert told.code == 0, told.err
    rows = read_csv(out)
    assert len(rows) == 5
    assert all((pool / row["image"]).is_file() for row in rows)


def test_compare_shows_the_pictures_that_split_the_contestants(
    graftwork: Any, photo_run: Any, others: Path, tmp_path: Path
) -> None:
    table = others.parent / "answered.csv"
    files = sorted(others.glob("*/*.jpg"))
    with open(table, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "label", "llm"])
        for number, file in enumerate(files):
            said = NAMES[number % 3] if number % 2 else file.parent.name
            writer.writerow([f"others/{file.parent.name}/{file.name}", file.parent.name, said])
    out = tmp_path / "out"
    words = ("compare", table, "--target", "label", "--run", photo_run.path, "--column", "llm")
    told = graftwork(*words, "--out", out)
    assert told.code == 0, told.err
    page = (out / "report.html").read_text("utf-8")
    shown = len(read_json(out / "comparison.json")["differences"]["first"])
    assert shown > 3
    assert page.count("data:image/jpeg;base64,") == shown
    redacted = graftwork(*words, "--out", tmp_path / "redacted", "--redact")
    assert redacted.code == 0, redacted.err
    assert "data:image" not in (tmp_path / "redacted" / "report.html").read_text("utf-8")


def test_a_promoted_base_of_pictures_says_how_it_opens(photo_run: Any, tmp_path: Path) -> None:
    gw.promote(photo_run.path, out=tmp_path / "ours")
    card = (tmp_path / "ours" / "README.md").read_text("utf-8")
    assert "AutoTokenizer" not in card
    assert "library_name" not in card
    assert "graftwork fit DATA --base" in card
    assert gw.info(tmp_path / "ours")["modality"] == "image"


def test_an_earlier_run_is_the_first_thing_tried(
    photo_run: Any, photos: Path, others: Path, tmp_path: Path
) -> None:
    both = tmp_path / "both"
    shutil.copytree(photos, both)
    for file in others.glob("*/*.jpg"):
        shutil.copyfile(file, both / file.parent.name / f"new_{file.name}")
    again = gw.fit(both, out=tmp_path / "again", start=str(photo_run.path), strategy="probe")
    rungs = [rung["name"] for rung in again.report["chosen"]["rungs"]]
    assert "earlier" in rungs


def test_auto_climbs_on_pictures(photos: Path, image_base: Path, tmp_path: Path) -> None:
    found = gw.fit(photos, out=tmp_path / "auto", base=str(image_base), budget="20s", folds=3)
    rungs = {rung["name"]: rung for rung in found.report["chosen"]["rungs"]}
    assert list(rungs)[:3] == ["hog", "probe", "hybrid"]
    assert sum(rung["chosen"] for rung in rungs.values()) == 1
    assert found.report["chosen"]["reason"]


def test_near_copies_across_given_parts_are_told(photos: Path, tmp_path: Path) -> None:
    parted = tmp_path / "parted"
    for name in ("boat", "clock"):
        for part, numbers in (("train", range(8)), ("test", range(8, PICTURES_PER_CLASS))):
            (parted / part / name).mkdir(parents=True)
            for number in numbers:
                file = f"{name}_{number:03d}.jpg"
                shutil.copyfile(photos / name / file, parted / part / name / file)
    with Image.open(photos / "boat" / "boat_002.jpg") as picture:
        picture.resize((96, 96)).save(parted / "test" / "boat" / "smaller.jpg", quality=70)
    findings = {finding.kind: finding for finding in gw.audit(parted).findings}
    assert findings["near_across_parts"].count >= 1


def _labels(audit: Any) -> set[str]:
    return {label for counts in audit.splits["labels"].values() for label in counts}


def test_labels_of_datasets_keep_their_names(photos: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["boat", "clock"])}
    )
    files = [photos / n / f"{n}_{i:03d}.jpg" for n in ("boat", "clock") for i in range(12)]
    codes = [i // 12 for i in range(24)]
    given = datasets.Dataset.from_dict(
        {"image": [file.read_bytes() for file in files], "label": codes}, features=features
    )
    audit = gw.audit(given, target="label")
    assert audit.accounting["used"] == 24
    assert _labels(audit) == {"boat", "clock"}
    given.to_parquet(tmp_path / "pictures.parquet")
    written = gw.audit(tmp_path / "pictures.parquet", target="label")
    assert _labels(written) == {"boat", "clock"}


def test_every_file_of_an_odd_folder_is_accounted_for(photos: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd"
    for name in ("boat", "clock"):
        shutil.copytree(photos / name, odd / name)
    (odd / "cup").symlink_to(photos / "cup")
    shutil.copyfile(photos / "boat" / "boat_000.jpg", os.fsencode(odd / "boat") + b"/b\xff.jpg")
    audit = gw.audit(odd)
    told = {row.reason: row.detail for row in audit.set_aside}
    assert "cup is a link to a folder" in told["linked_folder"]
    assert "boat/b\\xff.jpg" in told["odd_name"]
    n = audit.accounting
    assert n["rows_in"] == n["used"] + n["quarantined"] + n["dropped"]


def test_pictures_of_formats_that_are_not_read_are_named(photos: Path, tmp_path: Path) -> None:
    """A telephone's HEIC is no odd file beside the pictures: it is a picture that would be lost."""
    odd = tmp_path / "odd"
    for name in ("boat", "clock"):
        shutil.copytree(photos / name, odd / name)
    for name in ("IMG_1.HEIC", "IMG_2.heic", "notes.txt"):
        (odd / "boat" / name).write_bytes(b"\0\0\0\x18ftypheic")
    audit = gw.audit(odd)
    found = {finding.kind: finding for finding in audit.findings}
    assert (found["other_picture"].severity, found["other_picture"].count) == ("warning", 2)
    assert "save them as JPEG" in found["other_picture"].message
    assert found["other_file"].count == 1
    for path in odd.rglob("*.jpg"):
        path.unlink()
    with pytest.raises(gw.errors.DataError, match=r"boat/IMG_1.HEIC.*as JPEG or PNG first"):
        gw.audit(odd)


def test_train_alone_is_a_part_and_no_class(photos: Path, tmp_path: Path) -> None:
    for name in NAMES[:2]:
        shutil.copytree(photos / name, tmp_path / "p" / "train" / name)
    assert _labels(gw.audit(tmp_path / "p")) == {"boat", "clock"}


def test_blank_cells_get_no_vector(photos: Path, image_base: Path, tmp_path: Path) -> None:
    cells = [(photos / "boat" / "boat_003.jpg").read_bytes(), None]
    told = gw.embed({"image": cells}, base=str(image_base), machine={"cache": str(tmp_path)})
    assert told["unusable"] == 1
    vectors = told["vectors"]["image"]
    assert np.isnan(vectors[1]).all()
    assert not np.isnan(vectors[0]).any()


def test_predictions_name_their_files_whatever_became_of_them(
    graftwork: Any, photo_run: Any, tmp_path: Path
) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.jpg").write_bytes(b"")
    (tmp_path / "bad" / "b.jpg").write_bytes(b"<html>")
    (tmp_path / "bad" / "c.txt").write_bytes(b"c")
    (tmp_path / "bad" / "d.heic").write_bytes(b"d")
    told = graftwork("predict", photo_run.path, tmp_path / "bad", "--out", tmp_path / "p.csv")
    assert told.code == 0, told.err
    rows = read_csv(tmp_path / "p.csv")
    assert {row["file"]: row["status"] for row in rows} == {
        "a.jpg": "empty_file",
        "b.jpg": "not_an_image",
        "c.txt": "other_file",
        "d.heic": "other_picture",
    }


def test_what_goes_in_is_told_in_words(
    graftwork: Any, photos: Path, image_base: Path, tmp_path: Path
) -> None:
    table = photos.parent / "mixed.csv"
    with open(table, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["front", "title", "label"])
        for name in NAMES:
            for i in range(8):
                writer.writerow([f"photos/{name}/{name}_{i:03d}.jpg", "a title", name])
    words = ("fit", table, "--target", "label", "--base", image_base, "--out", tmp_path / "r")
    told = graftwork(*words, "--input", "front", "--input", "title")
    assert told.code == 2
    assert "'front' hold image, 'title' something else" in told.err
    one = graftwork("fit", photos / "boat" / "boat_003.jpg", "--out", tmp_path / "r")
    assert one.code == 2
    assert "is one picture, no data set" in one.err


def test_the_way_a_patch_is_covered_is_no_importance(photo_run: Any) -> None:
    """A large photo is made smaller before patches are covered: that alone changes its scores."""
    from graftwork.data.blob import Blob
    from graftwork.evaluation.explain import explain
    from graftwork.modalities.image import Image as Pictures

    grain = np.random.default_rng(0).integers(0, 256, (1300, 1700, 3), dtype=np.uint8)
    held = io.BytesIO()
    Image.fromarray(grain).save(held, "JPEG", quality=90)
    blob = Blob.of_bytes(held.getvalue(), "grain.jpg")
    found = explain(photo_run.model, {"image": blob})
    untouched = photo_run.model.predict([Pictures().without(blob, ())]).probabilities[0]
    covered = photo_run.model.predict([Pictures().without(blob, [0])]).probabilities[0]
    code = photo_run.model.classes.index(found.label)
    odds = [np.log(p[code] / (1 - p[code])) for p in (untouched, covered)]
    assert found.parts[0].importance == pytest.approx(odds[0] - odds[1], abs=1e-3)


@pytest.mark.slow
def test_the_demo_draws_its_pictures_and_fits_them(graftwork: Any, tmp_path: Path) -> None:
    told = graftwork("demo", "images", "--out", tmp_path / "demo", "--json")
    assert told.code == 0, told.err
    audit = json.loads((tmp_path / "demo" / "audit.json").read_text("utf-8"))
    assert audit["accounting"]["quarantined"] > 0
    assert (tmp_path / "demo" / "report" / "report.html").is_file()


@pytest.mark.slow
def test_a_bundle_of_an_image_base_proves_itself(
    image_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the wheels, which the bundle of a model has a test for: its features come again."""
    from graftwork.api import _bundle

    base = shutil.copytree(image_base, tmp_path / "unpacked" / "base")
    from graftwork.runs.progress import Progress
    from graftwork.storage.json_files import plain, write_json

    told = _bundle._Base(base).expected(Progress())
    write_json(tmp_path / "unpacked" / "expected.json", plain(told))
    assert _bundle.verify(tmp_path / "unpacked") == 0
    told["features"][3] = told["features"][3][::-1]
    write_json(tmp_path / "unpacked" / "expected.json", plain(told))
    assert _bundle.verify(tmp_path / "unpacked") == 1
