"""What a fit says of the data, and `predict --explain`, as a user meets them."""

from __future__ import annotations

import pytest
from job_files import make_rows, read_csv, write_csv

from graftwork.storage.json_files import read_json


@pytest.fixture(scope="module")
def flipped(tiny, homes, tmp_path_factory):
    """A finished run on 240 rows, twelve of which have a label that is not theirs."""
    from graftwork.cli import main

    root = tmp_path_factory.mktemp("flipped")
    rows = make_rows(240, seed=5)
    labels = sorted({row["label"] for row in rows})
    wrong = list(range(7, 240, 20))
    for i in wrong:
        rows[i]["label"] = labels[(labels.index(rows[i]["label"]) + 1) % 3]
    data = write_csv(root / "data.csv", rows)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in homes.items():
            patch.setenv(name, value)
        words = ["fit", data, "--target", "label", "--base", tiny, "--out", root / "run"]
        assert main([str(word) for word in [*words, "--folds", 3, "--quiet"]]) == 0
    return root / "run", {i + 2 for i in wrong}, rows


def test_label_errors_are_found_and_written(flipped):
    run, wrong, rows = flipped
    told = read_json(run / "report" / "metrics.json")["label_errors"]
    listed = read_csv(run / "report" / "label_errors.csv")
    assert len(listed) == told["suspected"]
    assert 0 < told["rows_looked_at"] <= 240
    assert [int(row["row"]) for row in listed[:20]] == [e["row"] for e in told["first"]]
    assert {int(row["row"]) for row in listed} & wrong
    for row in listed:
        assert rows[int(row["row"]) - 2]["label"] == row["label"] != row["suggested"]
        assert 0.5 <= float(row["score"]) <= 1


def test_the_learning_curve_is_in_the_metrics(flipped):
    told = read_json(flipped[0] / "report" / "metrics.json")["learning_curve"]
    sizes = [point["rows"] for point in told["points"]]
    assert sizes == sorted(sizes)
    assert len(sizes) >= 3
    assert told["sentence"].endswith(".")
    assert set(told) == {"metric", "points", "twice", "law", "sentence", "of"}


def test_confused_pairs_name_judged_rows(flipped):
    run = flipped[0]
    judged = {int(row["row"]): row for row in read_csv(run / "report" / "predictions.csv")}
    pairs = read_json(run / "report" / "metrics.json")["confusion"]["pairs"]
    assert pairs
    for pair in pairs:
        assert 1 <= len(pair["examples"]) <= 2
        for row in pair["examples"]:
            assert judged[row]["label"] == pair["truth"]
            assert judged[row]["prediction"] == pair["predicted"]


def test_the_report_shows_them_with_neighbours(flipped):
    page = (flipped[0] / "report" / "report.html").read_text("utf-8")
    for words in ('id="learning"', 'id="labels"', 'class="nearest"', "cosine"):
        assert words in page, words
    assert all(row["text"] not in (flipped[0] / "report" / "metrics.json").read_text("utf-8")
               for row in flipped[2])  # fmt: skip


def test_explain_says_which_words_speak(graftwork, fitted):
    told = graftwork("predict", fitted, "--explain", "please refund my money", "--json")
    assert told.code == 0, told.err
    assert [part["part"] for part in told.json["parts"]] == ["please", "refund", "my", "money"]
    shown = graftwork("predict", fitted, "--explain", "please refund my money")
    assert shown.code == 0
    assert "refund" in shown.out
    assert "speaks for" in shown.out


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--explain", ""], "is empty"),
        (["--explain", "a", "--explain", "b"], "one is explained at a time"),
        (["new.csv", "--explain", "a"], "found beside the file new.csv"),
        ([], "DATA is missing"),
    ],
)
def test_explain_refuses_what_it_cannot_do(graftwork, fitted, words, found):
    told = graftwork("predict", fitted, *words)
    assert told.code == 2
    assert found in told.err


def test_without_a_test_part_rows_are_read_out_of_fold(graftwork, tiny, inbox, tmp_path):
    words = ["fit", inbox, "--target", "label", "--base", tiny, "--test-size", 0, "--folds", 2]
    words += ["--strategy", "probe", "--keep-neighbours", "--out", tmp_path / "run"]
    assert graftwork(*words).code == 0
    told = read_json(tmp_path / "run" / "report" / "metrics.json")
    assert told["label_errors"]["rows_looked_at"] == told["n_test"]
    page = (tmp_path / "run" / "report" / "report.html").read_text("utf-8")
    assert 'class="nearest"' in page
    other = write_csv(tmp_path / "other.csv", make_rows(90, seed=9))
    assert graftwork("evaluate", tmp_path / "run", other, "--out", tmp_path / "judged").code == 0
    assert 'class="nearest"' in (tmp_path / "judged" / "report.html").read_text("utf-8")
    pairs = read_json(tmp_path / "judged" / "metrics.json")["confusion"]["pairs"]
    assert all(2 <= row <= 91 for pair in pairs for row in pair["examples"])
