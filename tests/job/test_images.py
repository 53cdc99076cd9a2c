"""The main job on pictures: folders, tables, Python objects, faults, the report, explanations."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from job_files import PICTURES_PER_CLASS as PER_CLASS
from job_files import read_csv
from PIL import Image

import graftwork as gw
from graftwork.data.drawn import draw_folder


@pytest.fixture(scope="session")
def base(image_base: Path) -> Path:
    """A SqueezeNet with random weights and a small input."""
    return image_base


@pytest.fixture(scope="session")
def run(photo_run: Any) -> Any:
    """A finished probe; for reading only."""
    return photo_run


def test_every_file_is_accounted_for(run: Any, photos: Path) -> None:
    audit = json.loads((Path(run.path) / "audit.json").read_text("utf-8"))
    files = sum(path.is_file() for path in photos.rglob("*"))
    told = audit["accounting"]
    assert told["rows_in"] == files
    assert told["used"] + told["quarantined"] + told["dropped"] == files
    reasons = {row["reason"]: row["detail"] for row in audit["set_aside"]}
    assert set(reasons) == {"not_an_image", "truncated", "empty_file"}
    assert "HTML" in reasons["not_an_image"]
    kinds = {finding["kind"] for finding in audit["findings"]}
    assert {"exact_duplicates", "rotated"} <= {kind.removeprefix("picture_") for kind in kinds}


def test_the_report_shows_pictures(run: Any) -> None:
    html = (Path(run.path) / "report" / "report.html").read_text("utf-8")
    assert html.count("data:image/jpeg;base64,") > 3 * 8
    assert "A look at the classes" in html
    assert "HOG + colour" in html
    report = run.report
    assert {"majority", "hog", "random_weights"} <= set(report["controls"])


def test_it_predicts_folders_tables_and_objects_alike(
    run: Any, photos: Path, graftwork: Any, tmp_path: Path
) -> None:
    told = graftwork("predict", run.path, photos, "--out", tmp_path / "p.csv")
    assert told.code == 0, told.err
    rows = {row["file"]: row for row in read_csv(tmp_path / "p.csv") if row["file"]}
    assert rows["cup/cup_cut.jpg"]["status"] == "truncated"
    assert rows["cup/cup_cut.jpg"]["prediction"] == ""
    names = ["boat/boat_003.jpg", "clock/clock_004.jpg", "cup/cup_005.jpg"]
    expected = [float(rows[name]["probability"]) for name in names]
    paths = [photos / name for name in names]
    with open(photos.parent / "list.csv", "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["image"], *[[f"photos/{name}"] for name in names]])
    ways = {
        "table": photos.parent / "list.csv",
        "paths": [str(path) for path in paths],
        "bytes": {"image": [path.read_bytes() for path in paths]},
    }
    for way, given in ways.items():
        found = [row["probability"] for row in gw.predict(run, given)["predictions"]]
        assert found == pytest.approx(expected, abs=1e-6), way
    opened = [Image.open(path).convert("RGB") for path in paths]
    arrays = np.stack([np.asarray(picture) for picture in opened])
    for given in (opened, arrays):  # not quite: a JPEG may be decoded at half its size at once
        found = [row["probability"] for row in gw.predict(run, given)["predictions"]]
        assert found == pytest.approx(expected, abs=0.1)


def test_a_second_fit_encodes_nothing(run: Any, photos: Path, base: Path, tmp_path: Path) -> None:
    again = gw.fit(photos, out=tmp_path / "again", base=str(base), strategy="probe", folds=3)
    assert again.record["counts"]["base_passes"] == 0
    assert run.record["counts"]["base_passes"] > 0


def test_parts_of_folders_stay_as_they_are(photos: Path, tmp_path: Path) -> None:
    parted = tmp_path / "parted"
    for name in ("boat", "clock"):
        for part, keep in (("train", slice(1, 9)), ("test", slice(9, 14))):
            (parted / part / name).mkdir(parents=True)
            for number in range(PER_CLASS)[keep]:
                file = f"{name}_{number:03d}.jpg"
                shutil.copyfile(photos / name / file, parted / part / name / file)
    (parted / "test" / "notes.txt").write_text("not a picture")
    (parted / "train" / "empty").mkdir()
    audit = gw.audit(parted)
    assert audit.splits["parts"] == {"test": 10, "train": 16}
    assert audit.splits["how"] == "column"
    assert audit.accounting == {"rows_in": 27, "used": 26, "quarantined": 0, "dropped": 1}
    (told,) = [finding for finding in audit.findings if finding.kind == "empty_folders"]
    assert "'train/empty'" in told.message


def test_what_lies_beside_the_parts_is_dropped_and_said(photos: Path, tmp_path: Path) -> None:
    parted = tmp_path / "parted"
    for part in ("train", "test"):
        for name in ("boat", "clock"):
            shutil.copytree(photos / name, parted / part / name)
    shutil.copytree(photos / "cup", parted / "misc")
    audit = gw.audit(parted)
    assert set(audit.splits["parts"]) == {"train", "test"}
    assert {row.reason for row in audit.set_aside if "misc" in row.detail} == {"in_no_part"}
    assert audit.accounting["dropped"] == sum(path.is_file() for path in (photos / "cup").iterdir())


def test_a_class_without_a_picture_is_named(photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos, tmp_path / "p")
    (tmp_path / "p" / "scans").mkdir()
    (tmp_path / "p" / "scans" / "scan.pdf").write_bytes(b"%PDF")
    (tmp_path / "p" / "nothing").mkdir()
    (told,) = [f for f in gw.audit(tmp_path / "p").findings if f.kind == "empty_folders"]
    assert "'nothing', 'scans'" in told.message


def test_a_folder_holds_pictures_whatever_it_is_called(photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos, tmp_path / "p")
    for folder in (tmp_path / "p").iterdir():
        folder.rename(folder.with_name(f"{folder.name}\nor so"))
    found = gw.audit(tmp_path / "p")
    assert found.columns["image"] == gw.audit(photos).columns["image"]
    assert not [f for f in found.findings if "as text" in f.message]


def test_without_a_base_hog_answers_and_says_so(
    photos: Path, graftwork: Any, tmp_path: Path
) -> None:
    told = graftwork("fit", photos, "--out", tmp_path / "plain", "--quiet")
    assert told.code == 0, told.err
    loud = graftwork("fit", photos, "--out", tmp_path / "plain2", "--folds", "3")
    assert "no base was named" in loud.err
    assert "graftwork list bases" in loud.err
    assert "No transfer" in loud.out or "no transfer" in loud.out


def test_tuned_layers_of_a_network(photos: Path, base: Path, tmp_path: Path) -> None:
    tuned = gw.fit(
        photos,
        out=tmp_path / "tuned",
        base=str(base),
        strategy="finetune",
        parameters={"top": 1, "epochs": 1},
        folds=3,
    )
    names = (
        [rung["name"] for rung in tuned.report["chosen"]["rungs"]]
        if ("rungs" in tuned.report["chosen"])
        else [rung["name"] for rung in tuned.report["choice"]["rungs"]]
    )
    assert "finetune" in names


def test_an_explanation_is_drawn(run: Any, photos: Path, graftwork: Any, tmp_path: Path) -> None:
    picture = photos / "boat" / "boat_003.jpg"
    told = graftwork(
        "predict", run.path, "--explain", picture, "--out", tmp_path / "why.png", "--json"
    )
    assert told.code == 0, told.err
    assert len(told.json["parts"]) == 49
    drawn = Image.open(io.BytesIO((tmp_path / "why.png").read_bytes()))
    assert max(drawn.size) == 448
    missing = graftwork("predict", run.path, "--explain", photos / "nothing.jpg")
    assert missing.code == 2
    assert "no such file" in missing.err


def test_embedding_keeps_every_row(photos: Path, base: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    told = gw.embed(photos, base=str(base), out=tmp_path / "v.parquet")
    table = pq.read_table(tmp_path / "v.parquet").to_pydict()
    assert told["rows"] == len(table["file"]) == sum(path.is_file() for path in photos.rglob("*"))
    by_file = dict(zip(table["file"], table["image"], strict=True))
    assert all(np.isnan(by_file["cup/cup_cut.jpg"]))
    assert not np.isnan(by_file["cup/cup_001.jpg"]).any()


def test_the_classifier_takes_pictures(photos: Path, base: Path) -> None:
    paths = [
        path for name in ("boat", "clock") for path in sorted((photos / name).glob("*_0*.jpg"))
    ]
    labels = [path.parent.name for path in paths]
    classifier = gw.TransferClassifier(base=str(base), strategy="probe", folds=3)
    classifier.fit(paths, labels)
    assert classifier.score([Image.open(path) for path in paths], labels) > 0.9
    with pytest.raises(ValueError, match="fitted on image"):
        classifier.predict(["a text"])
    with pytest.raises(ValueError, match="cannot be read"):
        classifier.predict([*paths, photos / "cup" / "cup_page.jpg"])


FAULTS = {
    "a text base": (("--base", "minilm"), ("reads text", "image")),
    "no such base": (("--base", "nowhere/at/all"), ("nowhere/at/all",)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_base_is_refused(fault: str, photos: Path, graftwork: Any, tmp_path: Path) -> None:
    words, expected = FAULTS[fault]
    told = graftwork("fit", photos, "--out", tmp_path / "run", *words)
    assert told.code == 2
    assert "Traceback" not in told.err
    for word in expected:
        assert word in told.err


def test_faulty_folders_and_tables_are_refused_in_words(
    photos: Path, graftwork: Any, tmp_path: Path
) -> None:
    one = tmp_path / "one"
    shutil.copytree(photos / "boat", one / "boat")
    told = graftwork("fit", one, "--out", tmp_path / "r1")
    assert told.code == 2
    assert "boat" in told.err
    flat = tmp_path / "flat"
    shutil.copytree(photos / "boat", flat)
    told = graftwork("fit", flat, "--out", tmp_path / "r2")
    assert told.code == 2
    assert "no class folders" in told.err
    rows = [["image", "label"], ["../secret.jpg", "a"], ["nowhere.jpg", "a"]]
    rows += [[f"photos/{n}/{n}_{i:03d}.jpg", n] for n in ("boat", "clock") for i in range(12)]
    with open(photos.parent / "faulty.csv", "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    audit = gw.audit(photos.parent / "faulty.csv", target="label")
    reasons = {row.row: row.reason for row in audit.set_aside}
    assert reasons == {2: "outside_folder", 3: "no_such_file"}
    assert audit.accounting["used"] == 24


def test_pictures_in_parquet(photos: Path, base: Path, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [(n, i) for n in ("boat", "clock") for i in range(12)]
    whole = [(photos / n / f"{n}_{i:03d}.jpg").read_bytes() for n, i in names]
    cells = [{"bytes": content, "path": None} for content in whole]
    cells[3] = {"bytes": b"no picture at all", "path": None}
    table = pa.table({"picture": cells, "kind": [n for n, _ in names]})
    pq.write_table(table, tmp_path / "p.parquet")
    fitted = gw.fit(
        tmp_path / "p.parquet",
        target="kind",
        out=tmp_path / "run",
        base=str(base),
        strategy="probe",
        folds=2,
    )
    audit = json.loads((Path(fitted.path) / "audit.json").read_text("utf-8"))
    assert audit["accounting"]["quarantined"] == 1
    assert audit["set_aside"][0]["row"] == 4


def test_the_drawn_pictures_are_always_the_same(tmp_path: Path) -> None:
    draw_folder(tmp_path / "a", per_class=2)
    draw_folder(tmp_path / "b", per_class=2)
    for path in (tmp_path / "a").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()
