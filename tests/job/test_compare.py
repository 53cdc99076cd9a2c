"""`compare`: runs, columns and files on the same rows, from the command line and from Python."""

from __future__ import annotations

import csv
import random

import pytest
from job_files import make_rows, read_csv, write_csv

import graftwork as api
from graftwork.errors import ParameterError
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
        (["--column", "llm", "--cost", "llm=inf"], "finite"),
        (["--column", "llm", "--metric", "log-loss"], "needs probabilities"),
        (["--column", "label"], "holds the labels"),
        (["--column", "llm", "--map", "login=refund"], "is a label itself"),
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


def test_a_faulty_line_moves_nothing(graftwork, fitted, tmp_path):
    """Both files have a line that cannot be read, each another one."""
    rows = make_rows(60, seed=9)
    mine = ["text,label", *(f"{row['text']},{row['label']}" for row in rows)]
    theirs = ["answer,score", *(f"{row['label']},0.9" for row in rows)]
    mine[5] += ",too,many"
    theirs[50] += ",too,many"
    data, vendor = tmp_path / "mine.csv", tmp_path / "vendor.csv"
    data.write_text("\n".join(mine))
    vendor.write_text("\n".join(theirs))
    told = graftwork("compare", data, "--target", "label", "--file", f"{vendor}:answer", "--json")
    assert told.code == 0, told.err
    (found,) = told.json["contestants"]
    assert found["scores"]["accuracy"]["value"] == pytest.approx(58 / 59)
    assert found["answers"]["empty"] == 1
    assert "1 rows could not be read" in told.err
    said = tmp_path / "said.csv"
    assert graftwork("predict", fitted, data, "--out", said).code == 0
    told = graftwork(
        "compare", data, "--target", "label", "--run", fitted, "--file", said, "--json"
    )
    assert told.code == 0, told.err
    assert told.json["pairs"][0]["agreement"] == 1.0
    found = api.compare(data, target="label", answers={"mine": [row["label"] for row in rows]})
    assert found["contestants"][0]["scores"]["accuracy"]["value"] == 1.0


def test_keys_that_never_meet_are_a_fault(graftwork, answered, tmp_path):
    rows, vendor = answered
    other = [{**row, "id": f"x{row['id']}"} for row in read_csv(vendor)]
    away = write_csv(tmp_path / "away.csv", other)
    told = graftwork(
        "compare", rows, "--target", "label", "--file", f"{away}:answer", "--key", "id"
    )
    assert told.code == 2
    assert "has not one key of" in told.err


def test_whose_confidence_and_cost(answered, tmp_path):
    rows, vendor = answered
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for folder in "ab":
        write_csv(tmp_path / folder / "vendor.csv", read_csv(vendor))
    files = [f"{tmp_path / folder / 'vendor.csv'}:answer" for folder in "ab"]
    with pytest.raises(ParameterError, match="'vendor' may be"):
        api.compare(rows, target="label", files=files, key="id", cost={"vendor": 3})
    found = api.compare(rows, target="label", files=files, key="id", cost={files[1]: 3})
    assert {each["name"]: each["price"] is None for each in found["contestants"]} == {
        files[0]: True, files[1]: False
    }  # fmt: skip


def test_answers_given_tell_how_sure_they_are_and_a_run_tells_it_itself(answered, fitted, tmp_path):
    rows = [{**row, "sure": 0.9} for row in read_csv(answered[0])]
    data = write_csv(tmp_path / "sure.csv", rows)
    said = [None if i > 80 else row["label"] for i, row in enumerate(rows)]
    found = api.compare(data, target="label", answers={"a": said}, confidence={"a": "sure"})
    (told,) = found["contestants"]
    # where it gave no answer it was not sure either
    assert told["coverage"][0]["coverage"] == pytest.approx(81 / 90)
    with pytest.raises(ParameterError, match="tells it itself"):
        api.compare(data, target="label", runs=[fitted], confidence={fitted.name: "sure"})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"cost": {"llm": -3}}, "finite numbers from 0"),
        ({"cost": {"llm": "four"}}, "finite numbers from 0"),
        ({"error_rates": [5]}, "from 0 to 1"),
        ({"margin": -1}, "from 0 to 0.5"),
        ({"seed": -1}, "a whole number"),
        ({"mapping": {"yes": 1}}, "'1' is no label"),
        ({"answers": {"": ["refund"] * 90}}, "is no name"),
        ({"answers": {"a": "refund"}}, "a sequence of answers"),
    ],
)
def test_words_from_python_are_checked_too(answered, words, said):
    with pytest.raises(ParameterError, match=said):
        api.compare(answered[0], target="label", columns=["llm"], **words)


def test_rows_that_judge_nobody_decide_nothing(graftwork, fitted, inbox, tmp_path):
    """Only judged rows are told as those on which answers differ."""
    with open(inbox, encoding="utf-8") as stream:
        rows = [{**row, "said": "nothing"} for row in csv.DictReader(stream)]
    data, out = write_csv(tmp_path / "seen.csv", rows), tmp_path / "out"
    told = graftwork("compare", data, "--target", "label", "--run", fitted, "--column", "said",
                     "--out", out, "--json")  # fmt: skip
    assert told.code == 0, told.err
    assert told.json["judged"] < 120
    assert told.json["differences"]["n"] == told.json["judged"]
    assert len(read_csv(out / "differences.csv")) == told.json["judged"]


def outsiders(path):
    """Answers past the labels: the same by two, another by the third; some are empty."""
    rows = [
        {**row, "a": "foo", "b": "" if i < 10 else "bar", "c": "" if i < 10 else "foo"}
        for i, row in enumerate(make_rows(60, seed=3))
    ]
    return write_csv(path, rows)


def test_rows_differ_by_the_answers_as_given(graftwork, tmp_path):
    data, out = outsiders(tmp_path / "two.csv"), tmp_path / "out"
    words = ["compare", data, "--target", "label", "--column", "a", "--column", "b"]
    told = graftwork(*words, "--column", "c", "--out", out, "--json")
    assert told.code == 0, told.err
    agreed = {(p["a"], p["b"]): p["agreement"] for p in told.json["pairs"]}
    assert agreed == pytest.approx({("a", "b"): 0, ("a", "c"): 50 / 60, ("b", "c"): 10 / 60})
    assert told.json["differences"]["n"] == 60
    apart = read_csv(out / "differences.csv")
    assert {(row["a"], row["b"], row["c"]) for row in apart} == {
        ("foo", "bar", "foo"),
        ("foo", "(no answer)", "(no answer)"),
    }
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<dt>b</dt><dd><i>bar</i></dd>" in page
    # several columns are shown, each with its name
    assert '<small class="hint">channel</small> mail' in page
    plain = graftwork(*words)
    assert "60 rows are not answered alike by all" in plain.out
    # what is read as the same label is the same answer
    mapped = graftwork(*words, "--map", "foo=login", "--map", "bar=login", "--json")
    assert mapped.json["pairs"][0]["agreement"] == pytest.approx(50 / 60)
    assert mapped.json["differences"]["n"] == 10


def test_answers_that_are_no_label_are_left_out_with_the_texts(graftwork, tmp_path):
    data, out = outsiders(tmp_path / "two.csv"), tmp_path / "out"
    told = graftwork("compare", data, "--target", "label", "--column", "a", "--column", "b",
                     "--map", "bar=login", "--redact", "--out", out, "--json")  # fmt: skip
    assert told.code == 0, told.err
    assert told.json == read_json(out / "comparison.json")
    assert told.json["differences"]["n"] == 60
    for file in out.iterdir():
        written = file.read_text(encoding="utf-8").split("</style>")[-1]
        assert "foo" not in written.replace("footer", "")
        assert '"bar"' not in written
    assert {row["a"] for row in read_csv(out / "differences.csv")} == {"(no label)"}


def test_the_terminal_tells_coverage_and_who_wins_where(graftwork, answered):
    rows, vendor = answered
    told = graftwork("compare", rows, "--target", "label", "--column", "llm", "--file",
                     f"{vendor}:answer", "--key", "id", "--confidence", "vendor=score",
                     "--slice", "channel", "--error-rate", "0.05", "--error-rate", "0.2",
                     "--cost", "llm=0.0004")  # fmt: skip
    assert told.code == 0, told.err
    lines = told.out.splitlines()
    (place,) = [i for i, line in enumerate(lines) if "at most 5 %" in line]
    assert lines[place].startswith("answered (wrong of these)")
    assert "at most 20 %" in lines[place]
    assert lines[place + 1].startswith("vendor ")
    assert lines[place + 1].count(" %)") == 2
    (classes,) = [line for line in lines if line.startswith("Most right answers by class (3): ")]
    assert "vendor in " in classes
    assert "beyond chance in " in classes
    assert "Most right answers by channel (2): " in told.out
    assert "0.00040 (stated)" in told.out


def test_a_picture_that_cannot_be_read_is_named(graftwork, photos, tmp_path):
    found = sorted(photos.glob("*/*.png"))[:2] or sorted(photos.glob("*/*.jpg"))[:2]
    (tmp_path / "torn.png").write_bytes(b"no picture")
    for i, file in enumerate(found):
        (tmp_path / f"{i}{file.suffix}").write_bytes(file.read_bytes())
    names = [f"{i}{file.suffix}" for i, file in enumerate(found)] + ["torn.png", "gone.png"]
    rows = [{"image": name, "label": "x", "a": "x", "b": "y"} for name in names]
    data, out = write_csv(tmp_path / "answered.csv", rows), tmp_path / "out"
    told = graftwork("compare", data, "--target", "label", "--column", "a", "--column", "b",
                     "--out", out)  # fmt: skip
    assert told.code == 0, told.err
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == 2
    assert "[torn.png: " in page
    assert "[gone.png: there is no such file" in page
