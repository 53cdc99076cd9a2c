"""`compare`: runs, columns and files on the same rows, from the command line and from Python."""

from __future__ import annotations

import csv
import random

import pytest
from job_files import make_rows, read_csv, write_csv

import graftwork as api
from graftwork.storage.json_files import read_json

LABELS = ("refund", "login", "delivery")


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """New rows with a column of an LLM's answers, and a vendor's file in another order."""
    folder = tmp_path_factory.mktemp("answered")
    draw = random.Random(1)
    rows = make_rows(90, seed=21)
    vendor = []
    for i, row in enumerate(rows):
        row["id"] = f"k{i}"
        right = draw.random() < 0.8
        said = row["label"] if right else draw.choice([x for x in LABELS if x != row["label"]])
        row["llm"] = said.upper() if i % 9 == 0 else "no idea" if i % 10 == 0 else said
        sure = round(draw.uniform(0.6, 1.0) if right else draw.uniform(0.3, 0.7), 3)
        vendor.append({"id": f"k{i}", "answer": said, "score": sure})
    draw.shuffle(vendor)
    return write_csv(folder / "rows.csv", rows), write_csv(folder / "vendor.csv", vendor)


def test_runs_columns_and_files_are_weighed(graftwork, fitted, answered, tmp_path):
    rows, vendor = answered
    out = tmp_path / "out"
    told = graftwork(
        "compare", rows, "--target", "label", "--run", fitted, "--column", "llm",
        "--file", f"{vendor}:answer", "--key", "id", "--confidence", "vendor=score",
        "--cost", "llm=4", "--slice", "channel", "--out", out, "--json",
    )  # fmt: skip
    assert told.code == 0, told.err
    found = told.json
    assert found == read_json(out / "comparison.json")
    by_name = {each["name"]: each for each in found["contestants"]}
    assert set(by_name) == {fitted.name, "llm", "vendor"}
    assert by_name["llm"]["answers"]["respelt"] == 10
    assert by_name["llm"]["answers"]["outside"] == 18
    assert by_name["llm"]["price"] == {"value": 4.0, "source": "stated", "seconds": None}
    assert by_name[fitted.name]["price"]["source"] == "measured"
    assert by_name["vendor"]["price"] is None
    assert len(found["pairs"]) == 3
    assert found["accounting"] == {"rows_in": 90, "used": 90, "quarantined": 0, "dropped": 0}
    assert {row["value"] for row in found["slices"]["channel"]} == {"mail", "chat"}
    assert {h["first"] for h in found["handovers"]} == {fitted.name, "vendor"}
    apart = read_csv(out / "differences.csv")
    assert len(apart) == found["differences"]["n"]
    assert apart[0].keys() >= {"row", "label", "llm", "vendor", "text"}
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Pair by pair" in page
    assert "no idea × 8" in page
    again = graftwork("compare", rows, "--target", "label", "--column", "llm", "--spelling",
                      "--map", "no idea=login", "--out", out)  # fmt: skip
    assert again.code == 0, again.err
    (alone,) = read_json(out / "comparison.json")["contestants"]
    assert alone["answers"]["outside"] == 0
    assert alone["answers"]["read_as"]["no idea"] == "login"


def test_the_same_from_python_with_answers_given(answered):
    rows, _ = answered
    with open(rows, encoding="utf-8") as stream:
        truth = [row["label"] for row in csv.DictReader(stream)]
    found = api.compare(
        rows, target="label", columns=["llm"], answers={"perfect": truth, "refund": ["refund"] * 90}
    )
    assert [each["name"] for each in found["contestants"]] == ["perfect", "llm", "refund"]
    assert found["contestants"][0]["scores"]["accuracy"]["value"] == 1.0
    assert found["contestants"][2]["scores"]["accuracy"]["value"] == pytest.approx(1 / 3)


def test_rows_that_a_run_was_trained_on_judge_nobody(graftwork, fitted, inbox, tmp_path):
    with open(inbox, encoding="utf-8") as stream:
        rows = [{**row, "said": row["label"]} for row in csv.DictReader(stream)]
    data = write_csv(
        tmp_path / "seen.csv", rows + [{**r, "said": "login"} for r in make_rows(30, 99)]
    )
    told = graftwork("compare", data, "--target", "label", "--run", fitted, "--column", "said")
    assert told.code == 0, told.err
    assert "rows were trained on by one of them; they judge nobody" in told.out


def test_what_predict_wrote_takes_part_by_its_file(graftwork, fitted, answered, tmp_path):
    rows, _ = answered
    said = tmp_path / "said.csv"
    assert graftwork("predict", fitted, rows, "--out", said).code == 0
    found = graftwork(
        "compare", rows, "--target", "label", "--run", fitted, "--file", said, "--json"
    )
    assert found.code == 0, found.err
    (pair,) = found.json["pairs"]
    assert pair["agreement"] == 1.0
    assert all(each["coverage"] for each in found.json["contestants"])


def test_texts_are_left_out_on_request(graftwork, answered, tmp_path):
    rows, vendor = answered
    out = tmp_path / "out"
    told = graftwork("compare", rows, "--target", "label", "--column", "llm", "--file",
                     f"{vendor}:answer", "--key", "id", "--redact", "--out", out)  # fmt: skip
    assert told.code == 0, told.err
    (first, *_) = read_csv(rows)
    for name in ("report.html", "differences.csv"):
        written = (out / name).read_text(encoding="utf-8")
        assert all(row["text"] not in written for row in read_csv(rows))
        assert first["text"] not in written


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nobody takes part"),
        (["--column", "lm"], "did you mean 'llm'?"),
        (["--column", "llm", "--column", "llm"], "takes part twice"),
        (["--column", "llm", "--cost", "lmm=3"], "did you mean 'llm'?"),
        (["--column", "llm", "--cost", "llm"], "allowed is NAME=VALUE"),
        (["--column", "llm", "--cost", "llm=-1"], "numbers from 0 on"),
        (["--column", "llm", "--map", "no idea=logn"], "did you mean 'login'?"),
        (["--column", "llm", "--slice", "chanel"], "did you mean 'channel'?"),
        (["--column", "llm", "--confidence", "llm=text"], "is no number"),
        (["--column", "llm", "--metric", "acuracy"], "accuracy"),
        (["--column", "llm", "--error-rate", "2"], "error_rate"),
    ],
)
def test_what_does_not_fit_is_told(graftwork, answered, words, said):
    told = graftwork("compare", answered[0], "--target", "label", *words)
    assert told.code == 2
    assert said in told.err.replace("error-rate", "error_rate")


def test_files_that_do_not_fit_are_told(graftwork, answered, tmp_path):
    rows, vendor = answered
    short = write_csv(tmp_path / "short.csv", read_csv(vendor)[:50])
    base = ["compare", rows, "--target", "label", "--file"]
    told = graftwork(*base, f"{short}:answer")
    assert told.code == 2
    assert "has 50 rows" in told.err
    assert "--key" in told.err
    joined = graftwork(*base, f"{short}:answer", "--key", "id", "--json")
    assert joined.code == 0, joined.err
    assert joined.json["contestants"][0]["answers"]["empty"] == 40
    twice = write_csv(tmp_path / "twice.csv", read_csv(vendor) + read_csv(vendor)[:2])
    told = graftwork(*base, f"{twice}:answer", "--key", "id")
    assert told.code == 2
    assert "stands in rows" in told.err
    told = graftwork(*base, f"{vendor}:anwser", "--key", "id")
    assert told.code == 2
    assert "did you mean 'answer'?" in told.err


def test_only_an_earlier_comparison_is_replaced(graftwork, answered, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    told = graftwork("compare", answered[0], "--target", "label", "--column", "llm",
                     "--out", tmp_path / "mine")  # fmt: skip
    assert told.code != 0
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
