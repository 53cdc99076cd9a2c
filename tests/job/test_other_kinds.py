"""A model that is given another kind of input than it reads says so and answers nothing."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from job_files import WORDS, make_rows, read_csv, write_csv
from PIL import Image

import graftwork as gw
from graftwork.errors import DataError, ParameterError
from graftwork.model.model import Model

TEXT_MODEL = "the model reads text; "
IMAGE_MODEL = "the model reads images; "
FOLDER = "holds images (a folder of pictures)"
HINT = "`graftwork info RUN`"


@pytest.fixture(scope="module")
def lexical_run(inbox: Path, homes: dict[str, str], tmp_path_factory: Any) -> Path:
    """A run on texts, which TF-IDF would answer for whatever it is given."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in homes.items():
            patch.setenv(name, value)
        out = tmp_path_factory.mktemp("runs") / "lex"
        gw.fit(inbox, target="label", base="lexical", strategy="probe", folds=3, out=out)
    return out


@pytest.fixture(scope="module")
def texts(tmp_path_factory: Any) -> Path:
    """A CSV of one column of texts."""
    rows = [{"text": row["text"]} for row in make_rows(20)]
    return write_csv(tmp_path_factory.mktemp("texts") / "texts.csv", rows)


def paths_csv(photos: Path, name: str, paths: list[str], column: str = "file") -> Path:
    return write_csv(photos.parent / name, [{column: path} for path in paths])


def named(photos: Path, n: int = 12) -> list[str]:
    """Paths of sound pictures from the folder above them on."""
    return [f"photos/{p.parent.name}/{p.name}" for p in sorted(photos.glob("*/*_0*.jpg"))[:n]]


VERBS = {
    "predict": ("predict", "{run}", "{data}", "--out", "{out}.csv"),
    "evaluate": ("evaluate", "{run}", "{data}", "--target", "label"),
    "select": ("select", "{data}", "--run", "{run}", "--out", "{out}.csv"),
    "compare": ("compare", "{data}", "--target", "label", "--run", "{run}"),
}


def told(graftwork: Any, verb: str, run: Path, data: Path, out: Path) -> Any:
    return graftwork(*(word.format(run=run, data=data, out=out) for word in VERBS[verb]))


@pytest.mark.parametrize("verb", VERBS)
def test_a_text_model_refuses_a_folder_of_pictures(
    graftwork: Any, lexical_run: Path, photos: Path, tmp_path: Path, verb: str
) -> None:
    found = told(graftwork, verb, lexical_run, photos, tmp_path / "out")
    assert found.code == 2, found.out
    assert f"{TEXT_MODEL}{photos} {FOLDER}" in found.err
    assert HINT in found.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("verb", ["predict", "select"])
def test_an_image_model_refuses_texts(
    graftwork: Any, photo_run: Any, texts: Path, tmp_path: Path, verb: str
) -> None:
    found = told(graftwork, verb, photo_run.path, texts, tmp_path / "out")
    assert found.code == 2, found.out
    assert f"{texts}, field 'text': {IMAGE_MODEL}this column holds text (" in found.err
    assert HINT in found.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("verb", ["evaluate", "compare"])
def test_an_image_model_refuses_labelled_texts_in_the_column_that_it_reads(
    graftwork: Any, photo_run: Any, tmp_path: Path, verb: str
) -> None:
    rows = [{"image": row["text"], "label": "boat"} for row in make_rows(12)]
    data = write_csv(tmp_path / "t.csv", rows)
    found = told(graftwork, verb, photo_run.path, data, tmp_path / "out")
    assert found.code == 2, found.out
    assert f"{IMAGE_MODEL}this column holds text" in found.err


def test_a_missing_column_is_told_with_what_it_should_hold(
    graftwork: Any, photo_run: Any, inbox: Path, tmp_path: Path
) -> None:
    found = graftwork("predict", photo_run.path, inbox, "--out", tmp_path / "p.csv")
    assert found.code == 2
    assert "the model reads images in the column image" in found.err


def test_all_data_sets_of_another_kind_are_told_at_once(
    graftwork: Any, lexical_run: Path, photos: Path, inbox: Path
) -> None:
    found = graftwork("evaluate", lexical_run, photos, inbox, photos)
    assert found.code == 2
    assert "2 data sets cannot be evaluated" in found.err
    assert found.err.count(FOLDER) == 2


def test_pictures_in_memory_are_no_texts(lexical_run: Path, photos: Path) -> None:
    picture = Image.open(photos / "boat" / "boat_003.jpg")
    content = (photos / "boat" / "boat_003.jpg").read_bytes()
    for values in ([picture] * 2, [np.asarray(picture)] * 2, [content], [Path("a.jpg")] * 12):
        for given in (values, {"image": values}, {"text": values}):
            with pytest.raises(DataError, match=f"{TEXT_MODEL}this column holds images") as caught:
                gw.predict(lexical_run, given)
            assert caught.value.faults[0].field in ("image", "text")


def test_one_input_of_another_kind_is_not_explained(
    graftwork: Any, lexical_run: Path, photo_run: Any, photos: Path
) -> None:
    picture = photos / "boat" / "boat_003.jpg"
    found = graftwork("predict", lexical_run, "--explain", picture)
    assert found.code == 2
    assert TEXT_MODEL in found.err
    assert "is an image" in found.err
    held = io.BytesIO(picture.read_bytes())
    for value in (Image.open(held), held.getvalue(), picture, np.zeros((9, 9, 3), np.uint8)):
        with pytest.raises(ParameterError, match=r"reads text; .* is an image"):
            gw.explain(lexical_run, value)
    with pytest.raises(ParameterError, match=r"reads images; 'I lost my card' is text"):
        gw.explain(photo_run, "I lost my card")


def test_texts_that_mention_files_are_texts(
    graftwork: Any, lexical_run: Path, photos: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(photos.parent)
    mentions = [f"{row['text']} see photos/boat/boat_{i:03d}.jpg" for i, row in enumerate(ROWS)]
    for given in (mentions, ["screenshot_1.png"], [*mentions[:2], "IMG_1.jpg"]):
        predicted = gw.predict(lexical_run, {"text": given})
        assert predicted["predicted"] == len(given)
    assert gw.explain(lexical_run, "screenshot_1.png")["prediction"] in WORDS


ROWS = make_rows(20)


@pytest.mark.parametrize(("folder", "n"), [("", 3), ("", 12), ("away/", 12)])
def test_a_column_of_paths_is_no_text(lexical_run: Path, photos: Path, folder: str, n: int) -> None:
    """Where files are there, or where so many bare names can be nothing else."""
    table = paths_csv(photos, "paths.csv", [folder + path for path in named(photos, n)], "text")
    with pytest.raises(DataError, match=rf"this column holds images \('{folder}photos/boat"):
        gw.predict(lexical_run, table)


def test_some_missing_pictures_are_told_row_by_row(photo_run: Any, photos: Path) -> None:
    paths = named(photos, 3)
    gone = ["gone/a.jpg", "gone/b.jpg", "not a picture at all"]
    for given in (paths + gone[:2], [*paths, *gone], gone[:2]):
        answered = gw.predict(photo_run, paths_csv(photos, "some.csv", given))["predictions"]
        statuses = [row["status"] for row in answered]
        assert statuses == ["ok" if path in paths else "no_such_file" for path in given]


def test_pictures_without_an_ending_are_pictures(photo_run: Any, photos: Path) -> None:
    (photos.parent / "bare").write_bytes((photos / "boat" / "boat_003.jpg").read_bytes())
    answered = gw.predict(photo_run, paths_csv(photos, "bare.csv", ["bare", "none"]))
    assert [row["status"] for row in answered["predictions"]] == ["ok", "no_such_file"]


def test_a_model_that_was_fitted_to_names_of_pictures_goes_on_reading_them(
    graftwork: Any, photos: Path, tmp_path: Path
) -> None:
    """Asked for with `--modality text`: the names of the files say what they show."""
    rows = [{"file": path, "label": path.split("/")[1]} for path in named(photos, 99)]
    write_csv(photos.parent / "names.csv", rows)
    run = tmp_path / "names"
    words = ("--target", "label", "--modality", "text", "--base", "lexical", "--strategy", "probe")
    fitted = graftwork("fit", photos.parent / "names.csv", *words, "--folds", "3", "--out", run)
    assert fitted.code == 0, fitted.err
    again = graftwork("predict", run, photos.parent / "names.csv", "--out", tmp_path / "p.csv")
    assert again.code == 0, again.err
    assert all(row["status"] == "ok" for row in read_csv(tmp_path / "p.csv"))
    assert gw.predict(run, [row["file"] for row in rows])["predicted"] == len(rows)
    assert gw.predict(run, photos)["predicted"] > 30
    assert gw.explain(run, str(photos / "boat" / "boat_003.jpg"))["prediction"] == "boat"
    with pytest.raises(DataError, match="holds images"):  # their content it cannot read
        gw.predict(run, [(photos / "boat" / "boat_003.jpg").read_bytes()])
    facts = Model.load(run).facts
    assert facts["looks_like"] == "image"
    assert json.loads((run / "model" / "graph.json").read_text("utf-8"))["facts"] == facts


def test_other_models_note_nothing(lexical_run: Path, photo_run: Any) -> None:
    assert "looks_like" not in Model.load(lexical_run).facts
    assert "looks_like" not in photo_run.model.facts


def test_a_model_of_some_names_reads_names_alone_too(tmp_path: Path) -> None:
    """Three names in four are of pictures: too few to look like a column of them, but seen."""
    rows = [
        {"name": f"{word}_{i}.{'pdf' if i % 4 == 0 else 'jpg'}", "label": word}
        for i in range(40)
        for word in ("invoice", "beach")
    ]
    run = gw.fit(rows, out=tmp_path / "run", target="label", input="name", base="lexical")
    told = gw.predict(run, [{"name": f"beach_{i}.jpg"} for i in range(100, 112)])
    assert told["predicted"] == 12
