"""How rows are parted, and that labels and rows come back as they were."""

from __future__ import annotations

from pathlib import Path

import pytest
from job_files import make_rows, read_csv, write_csv

from graftwork.storage.json_files import read_json


def fit_words(data: Path, tiny: Path, out: Path) -> list[object]:
    words = ["fit", data, "--target", "label", "--base", tiny, "--strategy", "probe"]
    return [*words, "--folds", 2, "--input", "text", "--json", "--out", out]


def judged_rows(run: Path) -> list[int]:
    """Line numbers of the rows in the test part."""
    return sorted(int(row["row"]) for row in read_csv(run / "report" / "predictions.csv"))


def test_a_split_column_is_followed_to_the_row(graftwork, tiny, tmp_path):
    rows = make_rows(120)
    for i, row in enumerate(rows):
        row["part"] = "test" if i % 3 == 0 and i < 90 else "train"
    told = graftwork(
        *fit_words(write_csv(tmp_path / "d.csv", rows), tiny, tmp_path / "run"), "--split", "part"
    )
    assert told.code == 0, told.err
    assert judged_rows(tmp_path / "run") == [i + 2 for i in range(90) if i % 3 == 0]


def test_a_group_never_straddles(graftwork, tiny, tmp_path):
    rows = make_rows(120)
    told = graftwork(
        *fit_words(write_csv(tmp_path / "d.csv", rows), tiny, tmp_path / "run"),
        *("--group", "customer"),
    )
    assert told.code == 0, told.err
    judged = {number - 2 for number in judged_rows(tmp_path / "run")}
    held = {rows[i]["customer"] for i in judged}
    assert held
    assert not held & {row["customer"] for i, row in enumerate(rows) if i not in judged}


def test_time_judges_the_newest(graftwork, tiny, tmp_path):
    rows = make_rows(120)[::-1]
    told = graftwork(
        *fit_words(write_csv(tmp_path / "d.csv", rows), tiny, tmp_path / "run"), "--time", "day"
    )
    assert told.code == 0, told.err
    judged = {number - 2 for number in judged_rows(tmp_path / "run")}
    newest = min(rows[i]["day"] for i in judged)
    assert 15 <= len(judged) <= 30
    assert all(row["day"] <= newest for i, row in enumerate(rows) if i not in judged)


def test_a_test_file_is_the_test_part_and_its_duplicates_are_told(graftwork, tiny, tmp_path):
    rows = make_rows(120)
    data = write_csv(tmp_path / "train.csv", rows[:80])
    test = write_csv(tmp_path / "test.csv", [*rows[80:], *rows[:5]])
    told = graftwork(*fit_words(data, tiny, tmp_path / "run"), "--test", test)
    assert told.code == 0, told.err
    assert judged_rows(tmp_path / "run") == list(range(2, 47))
    found = told.json
    assert found["n_test"] == 45
    kinds = {finding["kind"]: finding for finding in found["audit"]["findings"]}
    assert kinds["exact_across_parts"]["count"] == 5
    without = found["without"]["rows that are also in training"]
    assert without["flagged"] == 5
    assert without["n"] == 40


def test_without_a_test_part_the_evidence_is_out_of_fold_and_says_so(graftwork, tiny, tmp_path):
    data = write_csv(tmp_path / "d.csv", make_rows(120))
    told = graftwork(*fit_words(data, tiny, tmp_path / "run"), "--test-size", 0)
    assert told.code == 0, told.err
    found = told.json
    assert found["evidence"] == "out of fold"
    assert found["n_test"] == 120
    assert found["openings"] is None
    assert "no test part" in found["verdict"]["sentence"]
    assert set(found["controls"]) == {"majority", "lexical", "random_weights"}
    assert judged_rows(tmp_path / "run") == list(range(2, 122))
    page = (tmp_path / "run" / "report" / "report.html").read_text("utf-8")
    assert "no test part" in page


def test_rows_added_later_never_move_old_test_rows_into_training(graftwork, tiny, tmp_path):
    rows = make_rows(150)
    few = write_csv(tmp_path / "few.csv", rows[:100])
    many = write_csv(tmp_path / "many.csv", rows)
    assert graftwork(*fit_words(few, tiny, tmp_path / "a")).code == 0
    assert graftwork(*fit_words(many, tiny, tmp_path / "b")).code == 0
    later = judged_rows(tmp_path / "b")
    assert judged_rows(tmp_path / "a") == [number for number in later if number <= 101]


STRANGE = ["None", "NA", "null", "007", "true", "1.0", " 7", "nan"]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_labels_stay_the_text_that_they_were(graftwork, tiny, tmp_path, ending):
    import json

    spelt = dict(zip(["refund", "login", "delivery"], STRANGE[:3], strict=True))
    rows = [{"text": row["text"], "label": spelt[row["label"]]} for row in make_rows(96)]
    for i, row in enumerate(rows):
        if i % 2:
            row["label"] = STRANGE[3 + i % 3]
    data = tmp_path / f"d.{ending}"
    if ending == "csv":
        write_csv(data, rows)
    else:
        data.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    told = graftwork(*fit_words(data, tiny, tmp_path / "run"))
    assert told.code == 0, told.err
    assert told.json["labels"]
    assert set(told.json["labels"]) == {row["label"] for row in rows}
    out = tmp_path / f"p.{ending}"
    assert graftwork("predict", tmp_path / "run", data, "--out", out).code == 0
    if ending == "csv":
        found = [row["prediction"] for row in read_csv(out)]
    else:
        found = [json.loads(line)["prediction"] for line in out.read_text("utf-8").splitlines()]
    assert set(found) <= set(STRANGE)
    assert len(set(found)) > 3
    right = sum(label == row["label"] for label, row in zip(found, rows, strict=True))
    assert right > 60  # most rows were learnt from: the spellings match, or none would be right
    told = graftwork("evaluate", tmp_path / "run", data, "--json")
    assert told.code == 0, told.err
    assert told.json["audit"]["unknown_labels"] == []
    assert told.json["n_test"] == 96


def test_every_row_is_predicted_in_order_with_its_status(graftwork, fitted, tmp_path):
    lines = ["text,note", "refund my money,a", ",blank", "password forgot,c", '"  ",spaces']
    lines += ["late parcel,e,too,many", "lost box,f", "\u200b,invisible"]
    (tmp_path / "new.csv").write_text("\n".join(lines) + "\n", "utf-8")
    told = graftwork("predict", fitted, tmp_path / "new.csv", "--out", tmp_path / "p.csv", "--json")
    assert told.code == 0, told.err
    rows = read_csv(tmp_path / "p.csv")
    assert list(rows[0]) == ["row", "prediction", "probability", "status"]
    assert [int(row["row"]) for row in rows] == list(range(2, 9))
    status = [row["status"] for row in rows]
    assert status[0] == status[2] == status[5] == "ok"
    assert status[1] == status[3] == status[6] == "blank_input"
    assert status[4] not in ("ok", "blank_input")
    assert told.json["rows_in"] == 7
    assert told.json["predicted"] == 3
    assert told.json["unusable"] == 4
    for row in rows:
        assert (row["prediction"] != "") == (row["status"] == "ok")
        if row["status"] == "ok":
            assert row["prediction"] in ("refund", "login", "delivery")
            assert 1 / 3 <= float(row["probability"]) <= 1


@pytest.mark.parametrize("ending", ["tsv", "jsonl", "parquet"])
def test_predictions_in_every_format_are_the_same(graftwork, fitted, inbox, tmp_path, ending):
    assert graftwork("predict", fitted, inbox, "--out", tmp_path / "p.csv").code == 0
    assert graftwork("predict", fitted, inbox, "--out", tmp_path / f"p.{ending}").code == 0
    from graftwork.data.read import read

    tables = [read(tmp_path / name).columns for name in ("p.csv", f"p.{ending}")]
    names = [table["prediction"].to_pylist() for table in tables]
    assert names[0] == names[1]
    assert len(names[0]) == 120
    odds = [[float(value) for value in table["probability"].to_pylist()] for table in tables]
    assert odds[0] == odds[1]


def test_a_single_column_of_another_name_serves(graftwork, fitted, tmp_path):
    (tmp_path / "new.csv").write_text("message\nrefund my money\nlate parcel\n", "utf-8")
    told = graftwork("predict", fitted, tmp_path / "new.csv", "--out", tmp_path / "p.csv")
    assert told.code == 0, told.err
    assert [row["status"] for row in read_csv(tmp_path / "p.csv")] == ["ok", "ok"]


def test_accounts_add_up(fitted):
    accounting = read_json(fitted / "audit.json")["accounting"]
    kept = [accounting[key] for key in ("used", "quarantined", "dropped")]
    assert accounting["rows_in"] == sum(kept) == 120


def test_test_rows_of_a_class_that_training_lacks_count_as_wrong(graftwork, tiny, tmp_path):
    train, test = make_rows(80, seed=3), make_rows(30, seed=4)
    for row in test[:10]:
        row["label"] = "never seen"
    files = write_csv(tmp_path / "tr.csv", train), write_csv(tmp_path / "te.csv", test)
    out = tmp_path / "run"
    flags = ("--target", "label", "--test", files[1], "--base", tiny, "--out", out, "--json")
    told = graftwork("fit", files[0], *flags)
    assert told.code == 0, told.err
    assert told.json["n_test"] == 30
    assert told.json["test"]["accuracy"]["value"] <= 20 / 30
    assert (
        "10 of the 30 test rows have labels that no training row has"
        in (told.json["verdict"]["sentence"])
    )


def test_a_parameter_of_a_rung_reaches_it_under_auto(graftwork, tiny, inbox, tmp_path):
    out = tmp_path / "run"
    flags = ("--target", "label", "--base", tiny, "--out", out, "--set", "pooling=first", "--json")
    told = graftwork("fit", inbox, *flags)
    assert told.code == 0, told.err
    words = {rung["name"]: rung["words"] for rung in told.json["chosen"]["rungs"]}
    assert "first pooling" in words["probe"]


def test_one_group_alone_is_refused_in_words(graftwork, tiny, tmp_path):
    rows = [{"text": "same", "label": str(i % 2), "channel": "mail"} for i in range(30)]
    data = write_csv(tmp_path / "same.csv", rows)
    told = graftwork("fit", data, "--target", "label", "--base", tiny, "--out", tmp_path / "run")
    assert told.code == 2
    assert "Traceback" not in told.err
    assert "fault of Graftwork" not in told.err


def test_a_test_part_that_training_holds_whole_is_not_judged(graftwork, tiny, tmp_path):
    rows = make_rows(60, seed=5)
    files = write_csv(tmp_path / "tr.csv", rows), write_csv(tmp_path / "te.csv", rows[:20])
    flags = ("--target", "label", "--test", files[1], "--base", tiny, "--out", tmp_path / "run")
    told = graftwork("fit", files[0], *flags, "--json")
    assert told.code == 0, told.err
    assert told.json["verdict"]["outcome"] == "undecidable"
    assert "every test row is also among the training rows" in told.json["verdict"]["sentence"]
