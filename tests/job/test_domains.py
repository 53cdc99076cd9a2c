"""`evaluate` on several files, and by the values of a column."""

from __future__ import annotations

import pytest
from job_files import make_rows, read_csv, write_csv

import graftwork as api
from graftwork.storage.json_files import read_json


@pytest.fixture(scope="module")
def months(tmp_path_factory):
    """Three files: rows like those of the run, rows with swapped labels, rows with a new label."""
    folder = tmp_path_factory.mktemp("months")
    other = {"refund": "login", "login": "delivery", "delivery": "refund"}
    same = make_rows(60, seed=11)
    swapped = [{**row, "label": other[row["label"]]} for row in make_rows(60, seed=12)]
    new = [{**row, "label": "pricing"} if i % 4 == 0 else row
           for i, row in enumerate(make_rows(40, seed=13))]  # fmt: skip
    return [
        write_csv(folder / f"{name}.csv", rows)
        for name, rows in (("same", same), ("swapped", swapped), ("new", new))
    ]


def test_several_files_give_a_row_each(graftwork, fitted, months, tmp_path):
    out = tmp_path / "report"
    told = graftwork("evaluate", fitted, *months, "--out", out, "--json")
    assert told.code == 0, told.err
    found = told.json
    assert found == read_json(out / "metrics.json")
    assert found["evidence"] == "domains"
    rows = {row["name"]: row for row in found["domains"]["rows"]}
    assert list(rows) == ["same.csv", "swapped.csv", "new.csv"]
    assert rows["swapped.csv"]["carries_over"] == "no"
    assert rows["same.csv"]["score"]["value"] > rows["swapped.csv"]["score"]["value"]
    assert rows["new.csv"]["unknown"] == pytest.approx(0.25)
    assert found["audit"]["unknown_labels"] == ["pricing"]
    assert found["audit"]["accounting"]["rows_in"] == 160
    assert found["verdict"]["outcome"] == "does-not-carry-over"
    assert "swapped.csv" in found["verdict"]["sentence"]
    own = read_json(fitted / "report" / "metrics.json")["test"]["accuracy"]
    assert found["domains"]["own"] == own
    alone = graftwork("evaluate", fitted, months[1], "--json").json
    assert alone["evidence"] == "evaluate"
    assert rows["swapped.csv"]["score"] == alone["test"]["accuracy"]
    assert rows["swapped.csv"]["calibration_error"] == alone["confidence"]["error"]


def test_it_is_shown_and_the_report_has_the_matrix(graftwork, fitted, months, tmp_path):
    told = graftwork("evaluate", fitted, *months, "--out", tmp_path / "r")
    assert told.code == 0
    assert told.out.startswith("The model does not carry over to swapped.csv")
    assert "own test part" in told.out
    page = (tmp_path / "r" / "report.html").read_text("utf-8")
    assert "The model does not carry over everywhere" in page
    assert page.count('<th scope="row">new.csv') == 1
    assert "25.0 %" in page
    assert "Predicting “label”" in page
    assert "Newcombe's method." in page
    assert "Paired bootstrap" not in page
    texts = [row["text"] for path in months for row in read_csv(path)]
    assert not [text for text in texts if text in page]


def test_a_column_of_one_file_gives_a_row_for_each_value(graftwork, fitted, tmp_path):
    rows = [{**row, "shop": "<b>A&B</b>" if i % 3 else ""} for i, row in
            enumerate(make_rows(60, seed=21))]  # fmt: skip
    data = write_csv(tmp_path / "shops.csv", rows)
    told = graftwork(
        "evaluate", fitted, data, "--domain", "shop", "--out", tmp_path / "r", "--json"
    )
    assert told.code == 0, told.err
    found = {row["name"]: row["n"] for row in told.json["domains"]["rows"]}
    assert found == {"<b>A&B</b>": 40, "(missing)": 20}
    assert told.json["domains"]["by"] == "shop"
    page = (tmp_path / "r" / "report.html").read_text("utf-8")
    assert "<b>A&B</b>" not in page
    assert "&lt;b&gt;A&amp;B&lt;/b&gt;" in page


def test_rows_of_the_training_data_are_told_and_left_out(graftwork, fitted, inbox, months):
    told = graftwork("evaluate", fitted, inbox, months[0], "--json").json
    first, second = told["domains"]["rows"]
    assert first["seen"] > 80
    assert first["judged"] == first["n"] - first["seen"]
    assert second["seen"] == 0


def test_all_files_faults_come_together(graftwork, fitted, months, tmp_path):
    bare = write_csv(tmp_path / "bare.csv", [{"text": "a", "lable": "refund"}])
    words = ["evaluate", fitted, months[0], bare, tmp_path / "gone.csv"]
    told = graftwork(*words)
    assert told.code == 2
    assert "bare.csv" in told.err
    assert "gone.csv" in told.err
    assert "did you mean 'lable'?" in told.err


def test_a_file_without_a_known_label_is_a_row_that_says_so(graftwork, fitted, months, tmp_path):
    foreign = [{**row, "label": "zzz"} for row in make_rows(12, seed=5)]
    data = write_csv(tmp_path / "foreign.csv", foreign)
    told = graftwork("evaluate", fitted, months[0], data, "--json")
    assert told.code == 0, told.err
    last = told.json["domains"]["rows"][1]
    assert last["n"] == 0
    assert last["score"] is None
    assert last["unknown"] is None  # of no row
    assert "no row has" in last["note"]
    assert "not judged: foreign.csv" in told.json["verdict"]["sentence"]
    again = write_csv(tmp_path / "again.csv", foreign)
    told = graftwork("evaluate", fitted, data, again)
    assert told.code == 2
    assert "no row of any data set" in told.err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--domain", "channel"], "2 data sets were given"),
        (["--slice", "channel"], "several data sets"),
        (["--metric", "acuracy"], "did you mean 'accuracy'?"),
    ],
)
def test_what_does_not_go_together_is_refused(graftwork, fitted, months, more, said):
    told = graftwork("evaluate", fitted, *months[:2], *more)
    assert told.code == 2
    assert said in told.err


def test_an_unknown_domain_column_names_the_nearest(graftwork, fitted, months):
    told = graftwork("evaluate", fitted, months[0], "--domain", "chanel")
    assert told.code == 2
    assert "did you mean 'channel'?" in told.err


def test_a_model_alone_knows_no_score_of_its_own(graftwork, fitted, months, tmp_path):
    import shutil

    copy = tmp_path / "alone"
    shutil.copytree(fitted / "model", copy)
    told = graftwork("evaluate", copy, *months[:2], "--json").json
    assert told["verdict"]["outcome"] == "not judged"
    assert told["domains"]["own"] is None
    inside = graftwork("evaluate", fitted / "model", *months[:2], "--json").json
    assert inside["domains"]["own"] is not None


def test_frames_can_be_given_in_python(fitted, months):
    import pandas as pd

    frames = [pd.read_csv(path) for path in months[:2]]
    found = api.evaluate(fitted, frames)
    assert [row["name"] for row in found["domains"]["rows"]] == [
        "pandas.DataFrame (1)",
        "pandas.DataFrame (2)",
    ]
    rows = [{"text": "money back", "label": "refund"}, {"text": "lost parcel", "label": "delivery"}]
    assert api.evaluate(fitted, rows)["evidence"] == "evaluate"
    assert api.evaluate(fitted, [months[0]])["evidence"] == "evaluate"
