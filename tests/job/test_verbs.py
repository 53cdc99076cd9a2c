"""Every verb, on a small file, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from job_files import heads_of, make_rows, read_csv, write_csv
from safetensors.numpy import load_file

from graftwork.storage.json_files import read_json


def test_fit_says_the_verdict_and_where_things_are(graftwork, tiny, inbox, tmp_path):
    out = tmp_path / "run"
    told = graftwork("fit", inbox, "--target", "label", "--base", tiny, "--out", out)
    assert told.code == 0
    verdict = read_json(out / "report" / "metrics.json")["verdict"]["sentence"]
    assert told.out.startswith(verdict)
    assert str(out / "report" / "report.html") in told.out
    assert "the input is column 'text'" in told.err
    assert (out / "report" / "report.html").stat().st_size > 5000


def test_train_and_soft_are_other_words_for_fit_and_probe(graftwork, tiny, inbox, tmp_path):
    words = [inbox, "--target", "label", "--base", tiny, "--folds", 2, "--json"]
    soft = graftwork("train", *words, "--strategy", "soft", "--out", tmp_path / "a")
    probe = graftwork("fit", *words, "--strategy", "probe", "--out", tmp_path / "b")
    assert soft.code == probe.code == 0
    assert soft.json["chosen"]["strategy"] == "probe"
    plans = [read_json(tmp_path / name / "plan.json") for name in "ab"]
    assert plans[0]["digest"] == plans[1]["digest"]
    assert heads_of(tmp_path / "a") == heads_of(tmp_path / "b")


def test_the_recipe_of_a_run_gives_the_same_plan_and_model(graftwork, tiny, inbox, tmp_path):
    first, again = tmp_path / "first", tmp_path / "again"
    words = ["--target", "label", "--base", tiny, "--metric", "macro_f1", "--seed", 3]
    more = ["--slice", "channel", "--folds", 2, "--class-weight", "balanced", "--redact"]
    assert graftwork("fit", inbox, *words, *more, "--out", first).code == 0
    assert graftwork("fit", inbox, "--recipe", first / "recipe.yaml", "--out", again).code == 0
    plans = [read_json(place / "plan.json") for place in (first, again)]
    assert plans[0]["digest"] == plans[1]["digest"]
    assert plans[0]["recipe"]["metric"] == "macro_f1"
    assert heads_of(first) == heads_of(again)
    graphs = [(place / "model" / "graph.json").read_bytes() for place in (first, again)]
    assert graphs[0] == graphs[1]


def test_a_dry_run_prints_the_plan_and_writes_nothing(
    graftwork, tiny, inbox, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    words = ["fit", inbox, "--target", "label", "--base", tiny, "--dry-run"]
    told = graftwork(*words)
    assert told.code == 0
    assert "Forecast" in told.out
    assert "Nothing was trained or written." in told.out
    machine = graftwork(*words, "--out", tmp_path / "run", "--json")
    assert machine.json["forecast"]["seconds"] >= 0
    assert list(tmp_path.iterdir()) == []


def test_the_plan_of_a_dry_run_is_the_plan_of_the_run(graftwork, tiny, inbox, fitted):
    words = ["fit", inbox, "--target", "label", "--base", tiny, "--slice", "channel"]
    told = graftwork(*words, "--dry-run", "--json")
    assert told.json["digest"] == read_json(fitted / "plan.json")["digest"]


@pytest.mark.parametrize("metric", ["macro_f1"])
def test_the_metric_that_is_optimised_is_the_one_of_the_verdict(
    graftwork, tiny, inbox, tmp_path, metric
):
    words = [
        "fit",
        inbox,
        "--target",
        "label",
        "--base",
        tiny,
        "--strategy",
        "probe",
        "--folds",
        2,
        "--json",
    ]
    told = graftwork(*words, "--metric", metric, "--out", tmp_path / "run")
    assert told.code == 0
    assert told.json["metric"] == metric
    assert metric in told.json["test"]


def test_class_weights_change_the_head(graftwork, tiny, tmp_path):
    rows = make_rows(120)
    rare = [row for i, row in enumerate(rows) if row["label"] != "refund" or i % 4 == 0]
    data = write_csv(tmp_path / "data.csv", rare)
    words = ["fit", data, "--target", "label", "--base", tiny, "--strategy", "probe", "--folds", 2]
    for weight in ("none", "balanced"):
        told = graftwork(*words, "--class-weight", weight, "--out", tmp_path / weight)
        assert told.code == 0, told.err
    assert heads_of(tmp_path / "none") != heads_of(tmp_path / "balanced")


def test_redact_leaves_no_text_in_the_report(graftwork, tiny, inbox, tmp_path):
    words = [
        "fit",
        inbox,
        "--target",
        "label",
        "--base",
        tiny,
        "--strategy",
        "probe",
        "--redact",
        "--folds",
        2,
    ]
    assert graftwork(*words, "--out", tmp_path / "run").code == 0
    kept = [p for p in (tmp_path / "run").rglob("*") if p.suffix in (".html", ".json", ".md")]
    kept += [tmp_path / "run" / "report" / "predictions.csv", tmp_path / "run" / "log.jsonl"]
    texts = [row["text"] for row in read_csv(inbox)]
    for path in kept:
        if "vocabulary" in path.name:
            continue
        content = path.read_text("utf-8")
        assert not [text for text in texts if text in content], path


def test_without_redact_the_report_shows_mistakes(fitted, inbox):
    page = (fitted / "report" / "report.html").read_text("utf-8")
    assert any(row["text"] in page for row in read_csv(inbox))


def test_several_inputs_are_kept_apart(graftwork, tiny, tmp_path):
    rows = [{"title": r["text"].split()[0], "body": r["text"], **r} for r in make_rows(120)]
    data = write_csv(
        tmp_path / "data.csv", [{k: r[k] for k in ("title", "body", "label")} for r in rows]
    )
    words = [
        "fit",
        data,
        "--target",
        "label",
        "--base",
        tiny,
        "--input",
        "title",
        "--input",
        "body",
    ]
    told = graftwork(*words, "--out", tmp_path / "run", "--json")
    assert told.code == 0, told.err
    graph = read_json(tmp_path / "run" / "model" / "graph.json")
    assert list(graph["inputs"]) == ["title", "body"]
    assert graftwork("predict", tmp_path / "run", data, "--out", tmp_path / "p.csv").code == 0
    assert len(read_csv(tmp_path / "p.csv")) == 120
    lonely = write_csv(tmp_path / "lonely.csv", [{"body": "refund", "titel": "x"}])
    missing = graftwork("predict", tmp_path / "run", lonely, "--out", tmp_path / "p.csv")
    assert missing.code == 2
    assert "did you mean 'titel'?" in missing.err


def test_evaluate_flags_training_rows_and_counts_unknown_labels(graftwork, fitted, inbox, tmp_path):
    rows = make_rows(60, seed=9)
    rows[0]["label"] = "praise"
    rows += read_csv(inbox)[:20]
    rows.append({**rows[3], "text": "  "})
    rows.append({**rows[3], "label": ""})
    data = write_csv(tmp_path / "more.csv", rows)
    told = graftwork("evaluate", fitted, data, "--slice", "channel", "--json")
    assert told.code == 0, told.err
    found = told.json
    assert found["evidence"] == "evaluate"
    assert 0 < found["contamination"]["flagged"] <= 20
    assert found["contamination"]["n"] == found["n_test"] - found["contamination"]["flagged"]
    assert "praise" in told.err
    assert found["audit"]["unknown_labels"] == ["praise"]
    accounting = found["audit"]["accounting"]
    assert accounting["rows_in"] == 82
    assert accounting["used"] == found["n_test"] == 80  # the unknown label counts, as wrong
    assert found["labels"][-1] == "(a label that the model does not know)"
    assert found["test"]["accuracy"]["value"] < 1
    assert accounting["rows_in"] == sum(
        accounting[key] for key in ("used", "quarantined", "dropped")
    )
    groups = found["slices"]["channel"]["groups"]
    assert {group["value"] for group in groups} == {"mail", "chat"}
    assert sum(group["n"] for group in groups) == 80


def test_evaluate_writes_a_report_and_says_the_score(graftwork, fitted, inbox, tmp_path):
    told = graftwork("evaluate", fitted, inbox, "--out", tmp_path / "report", "--redact")
    assert told.code == 0, told.err
    metrics = read_json(tmp_path / "report" / "metrics.json")
    assert told.out.startswith(metrics["verdict"]["sentence"])
    assert metrics["contamination"]["flagged"] > 80
    page = (tmp_path / "report" / "report.html").read_text("utf-8")
    assert not [row["text"] for row in read_csv(inbox) if row["text"] in page]
    assert "Scored, without a verdict" in page
    assert "Transfer helped" not in page
    assert "Transfer minus" not in page
    assert "out of fold, on training rows alone" not in page


def test_audit_names_rows(graftwork, tiny, tmp_path):
    rows = make_rows(60)
    rows[4]["label"] = "Refund "
    rows[7]["text"] = ""
    rows[9]["label"] = ""
    rows[20] = dict(rows[10])
    data = write_csv(tmp_path / "dirty.csv", rows)
    words = ["audit", data, "--target", "label", "--base", tiny, "--out", tmp_path / "audit.json"]
    told = graftwork(*words, "--json")
    assert told.code == 0
    found = told.json
    assert found == read_json(tmp_path / "audit.json")
    accounting = found["accounting"]
    assert accounting["rows_in"] == 60
    assert accounting["used"] == 58
    assert {row["row"] for row in found["set_aside"]} == {9, 11}  # the header is line 1
    kinds = {finding["kind"]: finding for finding in found["findings"]}
    duplicates = next(f for kind, f in kinds.items() if "duplicate" in kind)
    assert duplicates["rows"] == [22]
    shown = graftwork("audit", data, "--target", "label", "--base", tiny)
    assert "Refund" in shown.out


def test_audit_without_a_target_and_with_errors_in_the_data(graftwork, tiny, tmp_path):
    rows = [{**row, "label": "same"} for row in make_rows(30)]
    data = write_csv(tmp_path / "one.csv", rows)
    assert graftwork("audit", data, "--base", tiny, "--json").json["accounting"]["used"] == 30
    told = graftwork("audit", data, "--target", "label", "--base", tiny, "--json")
    assert any(finding["severity"] == "error" for finding in told.json["findings"])


def test_embed_gives_a_vector_a_row(graftwork, tiny, inbox, tmp_path):
    import pyarrow.parquet as pq

    words = ["embed", inbox, "--base", tiny, "--input", "text", "--out", tmp_path / "v.parquet"]
    told = graftwork(*words, "--json")
    assert told.code == 0, told.err
    assert told.json["rows"] == 120
    table = pq.read_table(tmp_path / "v.parquet")
    assert table.num_rows == 120
    assert len(table["text"][0].as_py()) == told.json["dimensions"] == 32
    assert graftwork(*words, "--json").json["base_passes"] == 0
    first = graftwork(*words[:-1], tmp_path / "w.parquet", "--layer", "0", "--json")
    assert first.json["layer"] == 0
    bad = graftwork(*words, "--layer", "7")
    assert bad.code == 2
    assert "0 to 2" in bad.err


@pytest.mark.parametrize("what", ["tiny", "fitted", "model", "minilm"])
def test_info(graftwork, what, request, fitted):
    word = {"minilm": "minilm", "model": fitted / "model"}.get(what) or request.getfixturevalue(
        what
    )
    assert graftwork("info", word).code == 0
    told = graftwork("info", word, "--json").json
    assert told["what"] == {"fitted": "run", "model": "model"}.get(what, "base")
    if what == "fitted":
        assert told["state"] == "finished"
        assert set(told["model"]["heads"]) == {"label"}


@pytest.mark.parametrize("kind", ["bases", "strategies", "metrics", "tasks", "modalities"])
def test_list(graftwork, kind):
    names = [thing["name"] for thing in graftwork("list", kind, "--json").json]
    known = {"bases": "minilm", "strategies": "hybrid", "metrics": "macro_f1"}
    assert known.get(kind, names[0]) in names
    assert all(name in graftwork("list", kind).out for name in names)


def test_cache_is_shown_and_cleared(graftwork, tiny, inbox, tmp_path):
    own = ["--cache", tmp_path / "cache"]
    words = ["embed", inbox, "--base", tiny, "--out", tmp_path / "v.parquet", "--json", *own]
    assert graftwork(*words).json["base_passes"] == 120
    shown = graftwork("cache", "--json", *own).json
    assert shown["mb"] > 0
    assert shown["bases"] == 1
    graftwork("cache", "clear", "--older-than", 30, *own)
    assert graftwork(*words).json["base_passes"] == 0
    cleared = graftwork("cache", "clear", "--json", *own).json
    assert cleared["freed_mb"] == shown["mb"]
    assert cleared["bases"] == 0
    assert graftwork(*words).json["base_passes"] == 120


def test_stored_features_are_their_owners_alone(fitted, homes):
    cache = Path(homes["GRAFTWORK_CACHE"])
    folders = [cache, cache / "features", *cache.glob("features/*/")]
    segments = list(cache.glob("features/*/seg-*"))
    assert segments
    for path in [*folders, *segments]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_keep_neighbours_stores_what_explanations_need(graftwork, tiny, inbox, tmp_path):
    words = ["fit", inbox, "--target", "label", "--base", tiny, "--strategy", "probe", "--folds", 2]
    assert graftwork(*words, "--keep-neighbours", "--out", tmp_path / "run").code == 0
    kept = tmp_path / "run" / "model" / "artifacts" / "neighbours"
    assert kept.is_dir()
    from graftwork.model.model import Model

    assert Model.load(tmp_path / "run").neighbours is not None


def test_without_it_no_text_is_in_the_model(fitted, inbox):
    texts = [row["text"].encode() for row in read_csv(inbox)]
    for path in (fitted / "model").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [text for text in texts if text in content], path


def test_the_backbone_opens_with_transformers(graftwork, tiny, inbox, tmp_path):
    from transformers import AutoModel, AutoTokenizer

    words = ["fit", inbox, "--target", "label", "--base", tiny, "--strategy", "probe", "--folds", 2]
    assert graftwork(*words, "--out", tmp_path / "run").code == 0
    (folder,) = (tmp_path / "run" / "model" / "backbones").iterdir()
    network = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    assert network(**tokenizer("refund my money", return_tensors="pt")).last_hidden_state.ndim == 3
    theirs = load_file(tiny / "model.safetensors")
    ours = load_file(folder / "model.safetensors")
    assert all((ours[name] == value).all() for name, value in theirs.items() if name in ours)


def test_a_changed_byte_is_refused_with_the_files_name(graftwork, fitted, inbox, tmp_path):
    import shutil

    copy = tmp_path / "model"
    shutil.copytree(fitted / "model", copy)
    head = next(copy.glob("heads/*/head.safetensors"))
    content = bytearray(head.read_bytes())
    content[-3] ^= 1
    head.write_bytes(content)
    told = graftwork("predict", copy, inbox, "--out", tmp_path / "p.csv")
    assert told.code == 2
    assert "head.safetensors" in told.err
    assert not (tmp_path / "p.csv").exists()


def test_the_model_predicts_elsewhere_without_run_and_data(graftwork, fitted, inbox, tmp_path):
    import shutil

    copy = tmp_path / "elsewhere"
    shutil.copytree(fitted / "model", copy)
    outs = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    assert graftwork("predict", fitted, inbox, "--out", outs[0]).code == 0
    assert graftwork("predict", copy, inbox, "--out", outs[1]).code == 0
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert len([json.loads(line) for line in outs[0].read_text("utf-8").splitlines()]) == 120


@pytest.mark.parametrize("held", ["thesis.txt", "plan.json", "metrics.json"])
def test_evaluate_never_replaces_what_is_not_its_own(graftwork, fitted, inbox, tmp_path, held):
    (tmp_path / held).write_text("mine", "utf-8")
    told = graftwork("evaluate", fitted, inbox, "--out", tmp_path)
    assert told.code == 2
    assert "nothing was touched" in told.err
    assert [path.read_text("utf-8") for path in tmp_path.iterdir()] == ["mine"]


def test_evaluate_replaces_an_earlier_evaluation(graftwork, fitted, inbox, tmp_path):
    for _ in range(2):
        assert graftwork("evaluate", fitted, inbox, "--out", tmp_path / "report").code == 0
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert names == {"metrics.json", "report.html"}


def test_nothing_is_written_over_its_own_input(graftwork, fitted, tiny, inbox, tmp_path):
    data, link = tmp_path / "inbox.csv", tmp_path / "link.csv"
    data.write_bytes(inbox.read_bytes())
    link.symlink_to(data)
    audit = ["audit", data, "--target", "label", "--base", tiny]
    for words in (["predict", fitted, data], audit):
        for out in (data, link, tmp_path / "." / "inbox.csv"):
            told = graftwork(*words, "--out", out)
            assert told.code == 2
            assert "is the input itself" in told.err
    assert data.read_bytes() == inbox.read_bytes()
