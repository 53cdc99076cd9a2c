"""Calibration, abstention and the guarantee, from `fit` to `predict` and `evaluate`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from job_files import make_rows, read_csv, write_csv

from graftwork.api._calibrate import held_back
from graftwork.api._open import machine_of, open_all, recipe_of
from graftwork.model.model import Model
from graftwork.runs.progress import Progress
from graftwork.storage.json_files import read_json

RISK = 0.4


@pytest.fixture(scope="module")
def words(tiny, tmp_path_factory) -> list[object]:
    """What a fit with a guarantee is given, after the verb."""
    data = write_csv(tmp_path_factory.mktemp("more") / "inbox.csv", make_rows(240, seed=4))
    return [data, "--target", "label", "--base", tiny, "--strategy", "probe", "--folds", 2]


@pytest.fixture(scope="module")
def promised(words, homes, tmp_path_factory) -> Path:
    """A finished run with a guarantee; for reading only."""
    from graftwork.cli import main

    out = tmp_path_factory.mktemp("runs") / "promised"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in homes.items():
            patch.setenv(name, value)
        more = ["--guarantee", RISK, "--out", out, "--quiet"]
        assert main(["fit", *map(str, [*words, *more])]) == 0
    return out


def head_of(run: Path) -> dict:
    return read_json(run / "model" / "heads" / "label" / "head.json")


def test_a_fit_tells_calibration_before_and_after(fitted):
    metrics = read_json(fitted / "report" / "metrics.json")
    told = metrics["calibration"]
    assert {"temperature", "rows", "ece_before", "ece_after", "curve_before",
            "curve_after"} <= set(told)  # fmt: skip
    assert told["rows"] == metrics["n_test"]
    assert told["temperature"] == head_of(fitted)["temperature"] != 1.0
    assert metrics["abstention"]["guarantee"] is None
    first = metrics["abstention"]["curve"][0]
    assert (first["threshold"], first["coverage"]) == (0.0, 1.0)
    accuracy = metrics["test"]["accuracy"]["value"]
    assert first["observed"]["error"]["value"] == pytest.approx(1 - accuracy)


def test_calibrated_rows_are_those_of_the_report(fitted, inbox):
    model = Model.load(fitted)
    texts = [row["text"] for row in read_csv(inbox)]
    warm, scores = model.predict(texts[:20]), model.scores(texts[:20])
    assert warm.labels == model.head.task.decode(scores)
    kept = {row["row"]: row for row in read_csv(fitted / "report" / "predictions.csv")}
    mine = {str(i + 2): p for i, p in enumerate(model.predict(texts).confidence)}
    shared = [(float(row["probability"]), mine[n]) for n, row in kept.items()]
    np.testing.assert_allclose(*zip(*shared, strict=True), atol=1e-3)


def test_rows_below_the_threshold_keep_their_probability(graftwork, fitted, inbox, tmp_path):
    out = tmp_path / "said.csv"
    told = graftwork("predict", fitted, inbox, "--out", out, "--abstain", 0.7, "--json")
    assert told.code == 0
    rows = read_csv(out)
    passed = [row for row in rows if row["status"] == "abstained"]
    assert 0 < len(passed) < len(rows)
    assert all(row["prediction"] == "" and float(row["probability"]) < 0.7 for row in passed)
    assert all(float(row["probability"]) >= 0.7 for row in rows if row["status"] == "ok")
    assert told.json["abstained"] == len(passed)
    assert told.json["predicted"] + told.json["abstained"] + told.json["unusable"] == len(rows)
    assert told.json["expected"]["from"] == "out of fold"
    spoken = graftwork("predict", fitted, inbox, "--out", out, "--abstain", 0.7)
    assert f"{len(passed)} abstained from (probability below 0.7)" in spoken.out
    assert f"of {len(rows)} rows predicted in " in spoken.out
    assert "expected wrong among the answers" in spoken.out
    none = graftwork("predict", fitted, inbox, "--out", out, "--abstain", 1)
    assert "expected wrong" not in none.out


def test_a_run_keeps_calibration_rows_from_search_and_fit(words, promised):
    metrics = read_json(promised / "report" / "metrics.json")
    recipe = recipe_of({"target": "label", "base": str(words[4]), "guarantee": RISK}, {})
    opened = open_all(words[0], recipe, machine_of(None), progress=Progress())
    rows = np.flatnonzero(opened.dataset.parts != "test")
    held = held_back(opened.dataset, recipe, rows)
    assert (held == held_back(opened.dataset, recipe, rows)).all()
    assert set(held) < set(rows.tolist())
    labels = opened.dataset.labels(held)
    assert max(map(labels.count, labels)) - min(map(labels.count, labels)) <= 3
    assert metrics["abstention"]["guarantee"]["rows"] == len(held)
    keys = {key.tobytes().hex() for key in Model.load(promised).training_keys}
    assert not keys & {opened.dataset.keys[i] for i in held}
    assert len(keys) == len(rows) - len(held)


def test_the_promise_is_kept_in_the_head_and_obeyed(graftwork, promised, words, tmp_path):
    promise = head_of(promised)["abstention"]["guarantee"]
    assert promise["risk"] == RISK
    assert promise["threshold"] is not None, promise["sentence"]
    out = tmp_path / "said.csv"
    told = graftwork("predict", promised, words[0], "--out", out, "--guarantee", RISK, "--json")
    assert told.code == 0
    assert told.json["threshold"] == promise["threshold"]
    for row in read_csv(out):
        above = float(row["probability"]) >= promise["threshold"] - 1e-6
        assert (row["status"] == "ok") == above


def test_evaluate_tells_the_error_among_answered_rows(graftwork, promised, words):
    told = graftwork("evaluate", promised, words[0], "--json")
    assert told.code == 0
    promise = told.json["abstention"]["guarantee"]
    assert promise["observed"]["n"] > 0
    assert "rows that it answers with --guarantee" in told.json["verdict"]["sentence"]
    assert told.json["calibration"]["rows"] == 240


@pytest.mark.parametrize(
    ("flags", "told_so"),
    [
        (["--guarantee", 0.2], ["was fitted with --guarantee 0.4, not 0.2", "--out NEW_RUN"]),
        (["--guarantee", 0.4, "--abstain", 0.5], ["give one"]),
        (["--abstain", 1.5], ["1.5 is not allowed"]),
    ],
)
def test_what_was_not_promised_is_refused(graftwork, promised, inbox, tmp_path, flags, told_so):
    told = graftwork("predict", promised, inbox, "--out", tmp_path / "a.csv", *flags)
    assert told.code == 2
    assert all(word in told.err for word in told_so), told.err
    assert not (tmp_path / "a.csv").exists()


def test_a_model_without_a_guarantee_names_the_line_to_refit(graftwork, fitted, inbox, tmp_path):
    told = graftwork("predict", fitted, inbox, "--out", tmp_path / "a.csv", "--guarantee", 0.05)
    assert told.code == 2
    assert "carries no guarantee" in told.err
    assert "graftwork fit DATA --target label --guarantee 0.05" in " ".join(told.err.split())


def test_too_few_rows_are_said_and_none_is_kept_back(graftwork, words, tmp_path):
    out = tmp_path / "run"
    told = graftwork("fit", *words, "--guarantee", 0.02, "--out", out)
    assert told.code == 0
    promise = read_json(out / "report" / "metrics.json")["abstention"]["guarantee"]
    assert (promise["threshold"], promise["rows"]) == (None, 0)
    assert promise["rows_needed"] > 240
    assert "None was kept back" in told.err
    again = graftwork("predict", out, words[0], "--out", tmp_path / "a.csv", "--guarantee", 0.02)
    assert again.code == 2
    assert "Nothing is promised" in again.err


def test_without_a_test_part_calibration_is_cross_fitted(graftwork, words, tmp_path):
    told = graftwork("fit", *words, "--test-size", 0, "--out", tmp_path / "run", "--json")
    assert told.code == 0
    assert told.json["calibration"]["rows"] == 240
    assert all("observed" not in row for row in told.json["abstention"]["curve"])


def test_rows_that_were_learnt_from_before_promise_nothing():
    import toys

    texts, labels = toys.sentences(200)
    data = toys.dataset({"text": texts}, labels)
    recipe, rows = recipe_of({"guarantee": 0.3}, {}), np.arange(200)
    held = held_back(data, recipe, rows)
    assert 35 <= len(held) <= 50
    seen = [data.keys[i] for i in held[:20]]
    again = held_back(data, recipe, rows, seen)
    assert len(again) > 0
    assert not set(again) & set(held[:20].tolist())
    assert len(held_back(data, recipe, rows, data.keys)) == 0


def test_a_label_of_one_row_stays_in_training():
    import toys

    texts, _ = toys.sentences(200)
    data = toys.dataset({"text": texts}, [1] * 98 + [2] * 98 + [True, 1.0, "1", 3])
    held = held_back(data, recipe_of({"guarantee": 0.3}, {}), np.arange(200))
    assert len(held) > 0
    assert set(held) <= set(range(196))


def test_rows_with_a_label_of_their_own_count_against_the_promise(graftwork, tiny, tmp_path):
    rows = make_rows(240, seed=4)
    lone = [{**row, "label": f"lone {i}"} for i, row in enumerate(make_rows(300, seed=9)[240:])]
    data = write_csv(tmp_path / "lone.csv", rows + lone)
    words = [data, "--target", "label", "--base", tiny, "--strategy", "probe", "--folds", 2]
    told = graftwork("fit", *words, "--guarantee", RISK, "--out", tmp_path / "run", "--json")
    assert told.code == 0
    promise = told.json["abstention"]["guarantee"]
    assert promise["unknown"] > 0
    assert "they count as wrong" in promise["sentence"]


def test_the_largest_groups_are_not_always_kept_back():
    import toys

    texts, labels = toys.sentences(200)
    data = toys.dataset({"text": texts}, labels)
    groups = np.r_[np.zeros(20), 1 + np.arange(180)].astype(np.int64)
    data = replace(data, groups=groups)
    asked = [recipe_of({"guarantee": 0.3, "seed": seed}, {}) for seed in range(12)]
    held = [0 in held_back(data, recipe, np.arange(200)) for recipe in asked]
    assert 0 < sum(held) < len(held)
