"""`select`: which rows to label next."""

from __future__ import annotations

import shutil

import pytest
from job_files import make_rows, read_csv, write_csv

import graftwork as api
from graftwork.storage.json_files import read_json, write_json


@pytest.fixture(scope="module")
def pool(tmp_path_factory, inbox):
    """50 new texts, ten of them twice, a blank one, and 30 texts of the training file."""
    new = [{"text": row["text"]} for row in make_rows(50, seed=31)]
    known = [{"text": row["text"]} for row in read_csv(inbox)[:30]]
    rows = [*new, *new[:10], {"text": "  "}, *known]
    return write_csv(tmp_path_factory.mktemp("pool") / "pool.csv", rows)


def test_rows_in_are_picked_not_picked_or_unusable(graftwork, fitted, pool, inbox, tmp_path):
    out = tmp_path / "picked.csv"
    words = ["select", pool, "--run", fitted, "--n", 12]
    told = graftwork(*words, "--out", out, "--json")
    assert told.code == 0, told.err
    found = told.json
    assert found["rows_in"] == 91
    assert (found["picked"], found["unusable"]) == (12, 1)
    assert found["picked"] + found["not_picked"] + found["unusable"] == 91
    assert found["left_out"]["duplicates"] == 10
    assert found["left_out"]["trained_on"] > 20  # the rest of the thirty were test rows
    rows = read_csv(out)
    assert list(rows[0]) == ["row", "text", "prediction", "probability", "why"]
    texts = [row["text"] for row in read_csv(pool)]
    assert [texts[int(row["row"]) - 2] for row in rows] == [row["text"] for row in rows]
    assert len({row["text"] for row in rows}) == 12
    assert all("torn between" in row["why"] for row in rows)
    shown = graftwork(*words)
    assert shown.out.startswith("12 of 91 rows picked, 78 not, 1 unusable")
    assert "10 rows are duplicates" in shown.err
    assert rows[0]["row"] in shown.out


def test_no_row_that_was_trained_on_is_picked(fitted, pool, inbox):
    from graftwork.data.keys import row_keys
    from graftwork.model.model import Model

    keys = Model.load(fitted).training_keys
    trained = {key.tobytes().hex() for key in keys}
    found = api.select(pool, run=fitted, n=1000)
    assert not trained & set(row_keys([[row["text"] for row in found["rows"]]]))
    assert found["left_out"]["judged_on"] > 0  # the others of the training file's rows
    left_out = found["left_out"]["trained_on"] + found["left_out"]["judged_on"]
    assert left_out == 30
    assert found["picked"] == 91 - 1 - 10 - left_out
    assert any("only" in note for note in found["notes"])


def test_the_seed_decides(fitted, pool):
    def rows(seed):
        return [row["row"] for row in api.select(pool, run=fitted, n=8, seed=seed)["rows"]]

    assert rows(0) == rows(0)
    assert rows(0) != rows(1)


def test_picked_rows_are_those_of_more_doubt(fitted, pool):
    everything = api.select(pool, run=fitted, n=1000)["rows"]
    few = api.select(pool, run=fitted, n=2)["rows"]
    sure = sorted(row["probability"] for row in everything)
    assert max(row["probability"] for row in few) < sure[-5]


def test_what_they_should_bring_comes_from_the_run(graftwork, fitted, pool, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(fitted, run)
    report = read_json(run / "report" / "metrics.json")
    report["learning_curve"] = {
        "metric": "accuracy",
        "twice": {"rows": 200, "gain": 0.02, "low": 0.01, "high": 0.03},
        "law": {"a": 0.1, "b": 1.0, "c": 0.5, "residual": 0.0},
    }
    write_json(run / "report" / "metrics.json", report)
    told = graftwork("select", pool, "--run", run, "--n", 10)
    assert "10 labels drawn at random should bring about +0.5 points of accuracy" in told.err
    report["learning_curve"]["twice"] |= {"rows": 200_000, "high": 0.001}
    write_json(run / "report" / "metrics.json", report)
    told = graftwork("select", pool, "--run", run, "--n", 10)
    assert "should bring less than 0.1 points of accuracy" in told.err
    del report["learning_curve"]
    write_json(run / "report" / "metrics.json", report)
    told = graftwork("select", pool, "--run", run, "--n", 10, "--json")
    assert told.json["expected"] is None
    assert "left out" in told.err


def test_a_second_round_encodes_nothing(graftwork, inbox, tiny, pool, tmp_path, monkeypatch):
    from graftwork.features.store import FeatureStore

    run = tmp_path / "run"
    words = ["fit", inbox, "--target", "label", "--base", tiny, "--strategy", "probe", "--folds", 2]
    assert graftwork(*words, "--out", run).code == 0
    first = api.select(pool, run=run, n=5)
    stores = []
    begin = FeatureStore.__init__

    def kept(self, *args, **options):
        stores.append(self)
        begin(self, *args, **options)

    monkeypatch.setattr(FeatureStore, "__init__", kept)
    assert api.select(pool, run=run, n=5)["rows"] == first["rows"]
    assert stores[0].counters["rows_encoded"] == 0


def test_a_lexical_model_chooses_too(graftwork, inbox, pool, tmp_path):
    run = tmp_path / "run"
    assert graftwork("fit", inbox, "--target", "label", "--base", "lexical", "--out", run).code == 0
    found = api.select(pool, run=run, n=6)
    assert len({row["text"] for row in found["rows"]}) == 6


def test_an_input_named_like_ours_stays(graftwork, tmp_path):
    rows = [{"row": row["text"], "label": row["label"]} for row in make_rows(60)]
    data = write_csv(tmp_path / "odd.csv", rows)
    run = tmp_path / "run"
    words = ["--target", "label", "--input", "row", "--base", "lexical", "--out", run]
    assert graftwork("fit", data, *words).code == 0
    more = write_csv(tmp_path / "more.csv", [{"row": row["text"]} for row in make_rows(9, seed=4)])
    assert graftwork("select", more, "--run", run, "--n", 3, "--out", tmp_path / "p.csv").code == 0
    told = read_csv(tmp_path / "p.csv")
    assert list(told[0]) == ["row_", "row", "prediction", "probability", "why"]
    assert read_csv(more)[int(told[0]["row_"]) - 2]["row"] == told[0]["row"]


def test_where_nothing_is_left_it_says_why(graftwork, fitted, tmp_path):
    blank = write_csv(tmp_path / "blank.csv", [{"text": " "}, {"text": ""}])
    told = graftwork("select", blank, "--run", fitted)
    assert told.code == 2
    assert "0 have an input" in told.err


def test_bad_words_are_refused_together(graftwork, fitted, pool):
    told = graftwork("select", pool, "--n", 0, "--sed", 3)
    assert told.code == 2
    assert "at least 1" in told.err
    assert "did you mean --seed?" in told.err
    told = graftwork("select", pool, "--run", fitted, "--out", pool)
    assert told.code == 2
    assert "is the input itself" in told.err
    with pytest.raises(api.GraftworkError, match=r"must end in \.csv"):
        api.select(pool, run=fitted, out="picked.xlsx")
