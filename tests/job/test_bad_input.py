"""Every kind of bad input ends in one readable message and exit code 2, never a traceback."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from job_files import Told, make_rows, stored_keys, write_csv

import toy_pictures
import toy_transformers
import toys
from graftwork.storage.json_files import read_json


class Desk:
    """A folder with one good file and one good base, and ways to spoil them."""

    def __init__(self, folder: Path, tiny: Path, fitted: Path) -> None:
        self.folder, self.tiny, self.fitted = folder, tiny, fitted
        self.good = write_csv(folder / "good.csv", make_rows(60))
        self.out = folder / "out" / "run"

    def fit(self, data: Path | None = None, *more: object, target: str = "label") -> list[object]:
        words = ["fit", data or self.good, "--target", target, "--input", "text"]
        return [*words, "--base", self.tiny, "--out", self.out, *more]

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def table(self, change: Callable[[int, dict[str, str]], Any]) -> Path:
        rows = make_rows(60)
        for i, row in enumerate(rows):
            change(i, row)
        return write_csv(self.folder / "changed.csv", rows)

    def base(self, change: Callable[[Path], Any]) -> list[object]:
        folder = self.folder / "spoilt"
        shutil.copytree(self.tiny, folder)
        change(folder)
        return [*self.fit()[:6], "--base", folder, "--out", self.out]

    def model(self, change: Callable[[Path], Any]) -> list[object]:
        folder = self.folder / "model"
        shutil.copytree(self.fitted / "model", folder)
        change(folder)
        return ["predict", folder, self.good, "--out", self.folder / "p.csv"]


@pytest.fixture
def desk(tmp_path, tiny, fitted):
    return Desk(tmp_path, tiny, fitted)


def assert_readable(told: Told, *words: str) -> None:
    everything = told.out + told.err
    assert told.code == 2, everything
    assert "Traceback" not in everything
    assert "Unexpected" not in everything
    missing = [word for word in words if word not in told.err]
    assert not missing, told.err
    assert told.out == ""


def _csv(*lines: str) -> str:
    return "text,label\n" + "\n".join(lines) + "\n"


GOOD_LINES = [f"{row['text']},{row['label']}" for row in make_rows(40)]


def _parquet(desk: Desk) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = desk.folder / "cut.parquet"
    pq.write_table(pa.Table.from_pylist(make_rows(60)), path)
    path.write_bytes(path.read_bytes()[:-60])
    return path


def _set_config(folder: Path, **changed: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}), "utf-8")


def _pickle_as_safetensors(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(pickle.dumps({"weight": [1.0]}))


def _cut(path: Path, keep: float = 0.5) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)


DATA: dict[str, tuple[Callable[[Desk], Sequence[object]], tuple[str, ...]]] = {
    "missing file": (lambda d: d.fit(d.folder / "nowhere.csv"), ("nowhere.csv",)),
    "a folder": (lambda d: d.fit(d.folder), ("is a directory",)),
    "a workbook": (
        lambda d: d.fit(d.file("book.xlsx", b"PK\x03\x04\0\0")),
        ("book.xlsx", "save it as CSV"),
    ),
    "wrong target": (
        lambda d: d.fit(target="labl"),
        ("good.csv", "'labl'", "did you mean 'label'?", "channel"),
    ),
    "wrong input": (
        lambda d: d.fit(None, "--input", "txet", "--slice", "chanel"),
        ("'txet'", "did you mean 'text'?", "'chanel'", "did you mean 'channel'?"),
    ),
    "empty file": (lambda d: d.fit(d.file("e.csv", "")), ("e.csv", "empty")),
    "only white space": (lambda d: d.fit(d.file("e.csv", "\n \n")), ("e.csv",)),
    "header only": (lambda d: d.fit(d.file("h.csv", "text,label\n")), ("h.csv", "header")),
    "unclosed quote": (
        lambda d: d.fit(d.file("q.csv", _csv(*GOOD_LINES, '"never closed,refund', *GOOD_LINES))),
        ("q.csv", "row 42", "quote"),
    ),
    "NUL bytes": (
        lambda d: d.fit(d.file("n.csv", _csv(*GOOD_LINES, "a\0b,refund"))),
        ("n.csv", "row 42", "NUL"),
    ),
    "all labels missing": (
        lambda d: d.fit(d.table(lambda i, row: row.update(label=" "))),
        ("changed.csv", "'label'"),
    ),
    "one class": (
        lambda d: d.fit(d.table(lambda i, row: row.update(label="refund"))),
        ("changed.csv", "'label'", "'refund'"),
    ),
    "label is input": (lambda d: d.fit(target="text"), ("good.csv", "'text'", "must differ")),
    "bad JSONL line": (
        lambda d: d.fit(
            d.file("l.jsonl", '{"text": "a", "label": "b"}\n{"text": "a", "label": \n' * 2)
        ),
        ("l.jsonl", "row 2"),
    ),
    "truncated Parquet": (lambda d: d.fit(_parquet(d)), ("cut.parquet",)),
    "no Parquet at all": (lambda d: d.fit(d.file("x.parquet", "text")), ("x.parquet",)),
    "bytes that are no text": (
        lambda d: d.fit(d.file("b.csv", _csv(*GOOD_LINES).encode() + bytes(range(128, 256)) * 3)),
        ("b.csv", "--encoding"),
    ),
    "wrong encoding": (
        lambda d: d.fit(d.good, "--encoding", "utf-32"),
        ("good.csv",),
    ),
    "unknown encoding": (lambda d: d.fit(d.good, "--encoding", "utf8x"), ("utf8x",)),
    "strange split values": (
        lambda d: d.fit(None, "--split", "channel"),
        ("good.csv", "'channel'", "train"),
    ),
    "no times": (lambda d: d.fit(None, "--time", "customer"), ("good.csv", "'customer'")),
    "test file without the column": (
        lambda d: d.fit(None, "--test", d.file("t.csv", "text,other\na,b\n")),
        ("t.csv", "label"),
    ),
    "missing test file": (lambda d: d.fit(None, "--test", d.folder / "t.csv"), ("t.csv",)),
}
BASES: dict[str, tuple[Callable[[Desk], Sequence[object]], tuple[str, ...]]] = {
    "no config": (
        lambda d: d.base(lambda f: (f / "config.json").unlink()),
        ("spoilt", "config.json"),
    ),
    "broken config": (
        lambda d: d.base(lambda f: (f / "config.json").write_text("{")),
        ("spoilt", "config.json"),
    ),
    "shapes that do not fit": (
        lambda d: d.base(lambda f: _set_config(f, hidden_size=48)),
        ("spoilt", "shape"),
    ),
    "missing layers": (
        lambda d: d.base(lambda f: _set_config(f, num_hidden_layers=3)),
        ("spoilt", "layer.2"),
    ),
    "pickle named safetensors": (
        lambda d: d.base(_pickle_as_safetensors),
        ("model.safetensors",),
    ),
    "truncated safetensors": (
        lambda d: d.base(lambda f: _cut(f / "model.safetensors")),
        ("model.safetensors",),
    ),
    "no tokenizer": (
        lambda d: d.base(lambda f: [p.unlink() for p in f.glob("tokenizer*")]),
        ("spoilt", "tokenizer"),
    ),
    "pickled weights only": (
        lambda d: d.base(lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin")),
        ("spoilt", "safetensors"),
    ),
    "a file": (lambda d: [*d.fit()[:6], "--base", d.good, "--out", d.out], ("good.csv",)),
    "nothing there": (
        lambda d: [*d.fit()[:6], "--base", "./nowhere", "--out", d.out],
        ("./nowhere", "minilm"),
    ),
}
WORDS: dict[str, tuple[Callable[[Desk], Sequence[object]], tuple[str, ...]]] = {
    "unknown strategy": (
        lambda d: d.fit(None, "--strategy", "hybird"),
        ("hybird", "did you mean 'hybrid'?", "probe"),
    ),
    "unknown metric": (lambda d: d.fit(None, "--metric", "acuracy"), ("acuracy", "accuracy")),
    "metric that cannot be optimised": (
        lambda d: d.fit(None, "--metric", "log_loss"),
        ("log_loss", "accuracy"),
    ),
    "unknown parameter": (
        lambda d: d.fit(None, "--strategy", "probe", "--set", "strenth=3"),
        ("strenth",),
    ),
    "unknown flag": (lambda d: d.fit(None, "--tset-size", "0.1"), ("did you mean --test-size?",)),
    "several wrong values at once": (
        lambda d: d.fit(None, "--folds", 1, "--test-size", 3, "--seed", "x"),
        ("folds", "2 to 20", "test", "0.9", "seed"),
    ),
    "a budget below nothing": (
        lambda d: d.fit(None, "--budget", "-5m"),
        ("budget", "90s, 15m or 2h"),
    ),
    "a budget below nothing, in one word": (
        lambda d: d.fit(None, "--budget=-5m"),
        ("budget '-5m'", "90s, 15m or 2h"),
    ),
    "a budget without a unit": (
        lambda d: d.fit(None, "--budget", "15"),
        ("budget '15'", "90s, 15m or 2h"),
    ),
    "a budget of nothing": (
        lambda d: d.fit(None, "--budget", "0s"),
        ("budget '0s'", "above 0", "90s, 15m or 2h"),
    ),
    "a budget of nothing in the recipe": (
        lambda d: d.fit(None, "--recipe", d.file("r.yaml", "budget: 0s\n")),
        ("budget '0s'", "90s, 15m or 2h"),
    ),
    "no target": (
        lambda d: ["fit", d.good, "--base", d.tiny, "--out", d.out],
        ("good.csv", "target", "is it 'label'?"),
    ),
    "missing recipe": (lambda d: d.fit(None, "--recipe", d.folder / "r.yaml"), ("r.yaml",)),
    "unknown key in the recipe": (
        lambda d: d.fit(None, "--recipe", d.file("r.yaml", "targt: label\nfolds: many\n")),
        ("r.yaml", "targt", "'target'", "folds"),
    ),
    "broken recipe": (
        lambda d: d.fit(None, "--recipe", d.file("r.yaml", "a: [1\nb: }")),
        ("r.yaml",),
    ),
    "unknown verb": (lambda d: ["predcit", d.good], ("predict",)),
    "unknown list": (lambda d: ["list", "stratgies"], ("strategies",)),
    "output in a file": (
        lambda d: [*d.fit()[:8], "--out", d.good / "run"],
        ("good.csv",),
    ),
    "output is a file": (lambda d: [*d.fit()[:8], "--out", d.good], ("good.csv",)),
    "cache is a file": (lambda d: d.fit(None, "--cache", d.good), ("good.csv",)),
    "predictions into no folder": (
        lambda d: ["predict", d.fitted, d.good, "--out", d.good / "p.csv"],
        ("p.csv",),
    ),
    "predictions of unknown ending": (
        lambda d: ["predict", d.fitted, d.good, "--out", d.folder / "p.xlsx"],
        (".xlsx", ".csv"),
    ),
    "vectors of unknown ending": (
        lambda d: ["embed", d.good, "--base", d.tiny, "--out", d.folder / "v.csv"],
        (".parquet",),
    ),
    "no run": (
        lambda d: ["predict", d.folder, d.good, "--out", d.folder / "p.csv"],
        ("no model here",),
    ),
    "no such run": (
        lambda d: ["evaluate", d.folder / "run", d.good],
        ("run", "no such"),
    ),
    "predict without the column": (
        lambda d: [
            "predict",
            d.fitted,
            d.file("t.csv", "txt,b\na,b\n"),
            "--out",
            d.folder / "p.csv",
        ],
        ("t.csv", "did you mean 'txt'?"),
    ),
    "evaluate without the label": (
        lambda d: ["evaluate", d.fitted, d.file("t.csv", "text,lable\na,b\n")],
        ("t.csv", "did you mean 'lable'?"),
    ),
    "evaluate with other labels": (
        lambda d: ["evaluate", d.fitted, d.file("t.csv", "text,label\na,b\n")],
        ("t.csv", "'label'", "refund"),
    ),
    "a slice that is not there": (
        lambda d: ["evaluate", d.fitted, d.good, "--slice", "chanel"],
        ("did you mean 'channel'?",),
    ),
    "manifest that does not match": (
        lambda d: d.model(lambda f: _flip(next(f.glob("heads/*/head.safetensors")))),
        ("head.safetensors",),
    ),
    "model without a file": (
        lambda d: d.model(lambda f: next(f.glob("heads/*/head.json")).unlink()),
        ("head.json",),
    ),
    "manifest that is no JSON": (
        lambda d: d.model(lambda f: (f / "manifest.json").write_text("[")),
        ("manifest.json",),
    ),
    "model of a later format": (
        lambda d: d.model(_later_format),
        ("manifest.json", "99"),
    ),
    "info on nothing": (lambda d: ["info", "./nowhere"], ("./nowhere", "minilm")),
}


def _later_format(folder: Path) -> None:
    path = folder / "manifest.json"
    told = json.loads(path.read_text("utf-8"))
    key = next(key for key in told if "version" in key or key == "format")
    path.write_text(json.dumps({**told, key: 99}), "utf-8")


CASES = {
    f"{kind}: {name}": case
    for kind, cases in (("data", DATA), ("base", BASES), ("words", WORDS))
    for name, case in cases.items()
}


@pytest.mark.parametrize("name", CASES)
def test_ends_in_one_readable_message(graftwork, desk, name):
    words, expected = CASES[name]
    told = graftwork(*words(desk))
    assert_readable(told, *expected)
    if "cache" not in name:  # that one is found out when the run has begun
        assert not desk.out.exists()
    assert not (desk.folder / "p.csv").exists()


@pytest.mark.parametrize("name", ["data: wrong target", "data: unclosed quote"])
def test_under_json_the_faults_are_json(graftwork, desk, name):
    words, expected = CASES[name]
    told = graftwork(*words(desk), "--json")
    assert told.code == told.json["exit_code"] == 2
    (fault,) = told.json["faults"]
    assert expected[0] in fault["file"]
    assert {"row", "field"} & set(fault)


def test_a_hub_name_without_network_fails_at_once(forker, desk):
    words = [*desk.fit()[:6], "--base", "some-one/some-model", "--out", desk.out]
    told = forker(*words, offline=True)
    assert_readable(told, "some-one/some-model", "minilm", "lexical")
    assert told.seconds < 10


@pytest.mark.parametrize(
    "limit", [500, 12_000, *(pytest.param(n, marks=pytest.mark.slow) for n in (4_000, 30_000))]
)
def test_a_full_disk_is_told_and_the_run_goes_on_later(forker, desk, limit):
    cache = ["--cache", desk.folder / "cache"]
    told = forker(*desk.fit(None, *cache), file_limit=limit)
    assert_readable(told)
    message = told.err.strip().splitlines()[-1]
    assert "full" in message or "large" in message or "limit" in message, message
    assert str(desk.folder) in message
    again = forker(*desk.fit(None, *cache))
    assert again.code == 0, again.err


def test_a_full_disk_leaves_no_half_written_predictions(forker, desk):
    out = desk.folder / "p.jsonl"
    told = forker("predict", desk.fitted, desk.good, "--out", out, file_limit=600)
    assert_readable(told, "p.jsonl")
    assert not out.exists()
    assert not [path for path in desk.folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "latin-1", "cp1252"])
def test_other_encodings_are_read_and_said_or_refused_with_advice(graftwork, desk, encoding):
    lines = _csv(*GOOD_LINES, *(f"café déjà vu {i},refund" for i in range(20)))
    data = desk.file("e.csv", lines.encode(encoding))
    told = graftwork(*desk.fit(data, "--strategy", "probe"))
    if told.code != 0:
        assert_readable(told, "e.csv", "--encoding")
        told = graftwork(*desk.fit(data, "--strategy", "probe", "--encoding", encoding))
    assert told.code == 0, told.err
    found = (desk.out / "audit.json").read_text("utf-8").lower()
    names = {"cp1252": ("1252", "latin", "8859"), "latin-1": ("1252", "latin", "8859")}
    assert any(name in found for name in names.get(encoding, (encoding[:6],)))
    if encoding != "utf-8-sig":
        assert any(name in told.err.lower() for name in names.get(encoding, (encoding[:6],)))


@pytest.mark.parametrize("strategy", ["auto", "finetune"])
def test_more_layers_than_the_base_has_are_refused_before_the_run_begins(graftwork, desk, strategy):
    told = graftwork(*desk.fit(None, "--strategy", strategy, "--top", 99))
    assert_readable(told, "99 top layers", "1 to 2")
    assert not desk.out.exists()


UNREAD = {"layer": ("--layer", "77", "0 to 2"), "pooling": ("--pooling", "maks", "mean")}


@pytest.mark.parametrize("name", UNREAD)
@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_layer_or_pooling_that_the_base_has_not_is_refused_first(graftwork, desk, name, more):
    flag, value, allowed = UNREAD[name]
    told = graftwork(*desk.fit(None, "--strategy", "probe", flag, value, *more))
    assert_readable(told, value, allowed)
    assert not desk.out.exists()


@pytest.mark.parametrize("fault", ["layer", "labels"])
def test_an_earlier_run_makes_way_for_no_faulty_one(graftwork, desk, fault):
    assert graftwork(*desk.fit(None, "--strategy", "probe")).code == 0
    kept = {file: file.read_bytes() for file in desk.out.rglob("*") if file.is_file()}
    if fault == "layer":
        words = desk.fit(None, "--strategy", "probe", "--layer", 77, "--overwrite")
    else:
        once = desk.file("once.csv", _csv(*(f"some text {i},label {i}" for i in range(40))))
        words = desk.fit(once, "--overwrite")
    told = graftwork(*words)
    assert told.code == 2
    for file, content in kept.items():
        assert file.read_bytes() == content


def _shared_layers(desk: Desk) -> list[object]:
    base = toys.checkpoint("albert", desk.folder / "albert")
    words = [*desk.fit()[:6], "--base", base, "--out", desk.out]
    return [*words, "--strategy", "finetune", "--set", "top=1"]


def _pictures(desk: Desk, base: Path) -> list[object]:
    folder = desk.folder / "pictures"
    for blob, label in zip(*toy_pictures.patterns(12), strict=True):
        (folder / label).mkdir(parents=True, exist_ok=True)
        (folder / label / blob.name).write_bytes(blob.read())
    return ["fit", folder, "--base", base, "--out", desk.out, "--strategy", "lora"]


def _own_network(desk: Desk) -> list[object]:
    return _pictures(desk, toy_pictures.network("resnet20_cifar", desk.folder / "own"))


def _their_network(desk: Desk) -> list[object]:
    return _pictures(desk, toy_transformers.checkpoint("resnet", desk.folder / "theirs"))


BEYOND: dict[str, tuple[Callable[[Desk], Sequence[object]], tuple[str, ...]]] = {
    "top layers of layers that are one": (_shared_layers, ("finetune", "no boundary")),
    "lora on convolutions": (_own_network, ("lora", "no linear layers", "finetune")),
    "lora on convolutions of transformers": (
        _their_network,
        ("lora", "no linear layers", "finetune"),
    ),
}


@pytest.mark.parametrize("name", BEYOND)
def test_what_the_base_cannot_do_is_refused_before_anything_is_encoded(graftwork, desk, name):
    words, expected = BEYOND[name]
    given, cache = words(desk), desk.folder / "cache"
    told = graftwork(*given, "--cache", cache)
    assert_readable(told, *expected)
    assert told.err.strip().splitlines()[-1].startswith(expected[0])
    assert not desk.out.exists()
    assert stored_keys(cache) == []
    assert "Rung" not in told.err


def test_tuning_by_name_wants_something_to_tune(graftwork, inbox, tmp_path):
    words = ("fit", inbox, "--target", "label", "--base", "lexical", "--strategy", "finetune")
    told = graftwork(*words, "--out", tmp_path / "run")
    assert told.code == 2
    assert "finetune tunes a pre-trained network; lexical is none" in told.err
    assert not (tmp_path / "run").exists()


def test_a_budget_that_leaves_the_base_out_is_told_everywhere(graftwork, tiny, tmp_path):
    data = write_csv(tmp_path / "rows.csv", make_rows(120))
    out = tmp_path / "run"
    words = ["fit", data, "--target", "label", "--base", tiny, "--out", out, "--budget", "0.001s"]
    told = graftwork(*words)
    assert told.code == 0, told.err
    assert "no time for the base" in told.out
    ladder = read_json(out / "record.json")["ladder"]
    assert "budget" in ladder["reason"]
    names = [row["name"] for row in ladder["not_tried"]]
    assert names == ["probe", "contrast"]
    assert all("budget" in row["reason"] for row in ladder["not_tried"])
