"""The model directory: whole, checked, opened by other tools, loaded without the training data."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toys
from graftwork.errors import (
    DataError,
    GraftworkError,
    IntegrityError,
    ParameterError,
    RunError,
)
from graftwork.model.directory import FORMAT_VERSION
from graftwork.model.model import Model
from graftwork.model.neighbours import Neighbours, dense_block
from graftwork.storage.manifest import write_manifest
from graftwork.strategies.hybrid import Hybrid
from graftwork.strategies.probe import Probe

TEXTS, LABELS = toys.sentences(60)
NEW = [*toys.sentences(12, seed=3)[0], "", "退款 我要", "unknownword"]


def fitted(root: Path, backbones: dict[str, Any], labels: list[Any] = LABELS, **more: Any) -> Model:
    data = more.pop("data", None) or toys.dataset({"text": TEXTS}, labels)
    strategy = Hybrid(layer=2) if len(backbones) > 1 else Probe(layer=2, pooling="mean")
    return strategy.transfer(toys.job(data, backbones, root, **more))


@pytest.fixture(scope="module")
def model(bert: Any, tmp_path_factory: pytest.TempPathFactory) -> Model:
    from graftwork.bases import open_base

    root = tmp_path_factory.mktemp("model")
    made = fitted(root, {"base": bert, "lexical": open_base("lexical")})
    (block,) = [made.blocks(TEXTS)[0]]
    made.neighbours = Neighbours.of(block, np.arange(2, 62), LABELS, {"text": TEXTS})
    made.training_keys = np.arange(60 * 16, dtype=np.uint8).reshape(60, 16)
    return made


@pytest.fixture(scope="module")
def saved(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "model"
    model.save(folder, card="# The card\n")
    return folder


def load(folder: Path) -> Model:
    return Model.load(folder, placement=toys.placement())


def test_layout(saved):
    files = {path.relative_to(saved).as_posix() for path in saved.rglob("*") if path.is_file()}
    assert files >= {
        "README.md",
        "manifest.json",
        "graph.json",
        "backbones/base/config.json",
        "backbones/base/model.safetensors",
        "backbones/base/tokenizer.json",
        "backbones/lexical/idf.safetensors",
        "heads/label/head.json",
        "heads/label/head.safetensors",
        "artifacts/training_keys.safetensors",
        "artifacts/neighbours/neighbours.safetensors",
    }
    assert {Path(name).suffix for name in files} == {".md", ".json", ".safetensors"}
    manifest = json.loads((saved / "manifest.json").read_text("utf-8"))
    assert set(manifest["files"]) == files - {"manifest.json"}
    assert manifest["format_version"] == FORMAT_VERSION
    assert (saved / "README.md").read_text("utf-8") == "# The card\n"


def test_loaded_is_the_same(model, saved):
    loaded = load(saved)
    assert np.array_equal(loaded.predict(NEW).probabilities, model.predict(NEW).probabilities)
    assert loaded.predict(NEW).labels == model.predict(NEW).labels
    assert loaded.graph == model.graph
    assert loaded.facts == model.facts
    assert np.array_equal(loaded.training_keys, model.training_keys)


def test_saved_twice_and_saved_again_are_the_same_bytes(model, saved, tmp_path):
    model.save(tmp_path / "again", card="# The card\n")
    load(saved).save(tmp_path / "copy", card="# The card\n")
    told = (saved / "manifest.json").read_bytes()
    assert (tmp_path / "again" / "manifest.json").read_bytes() == told
    assert (tmp_path / "copy" / "manifest.json").read_bytes() == told


def test_every_changed_byte_is_refused_with_the_files_name(saved, tmp_path):
    manifest = json.loads((saved / "manifest.json").read_text("utf-8"))
    for name in manifest["files"]:
        copy = Path(shutil.copytree(saved, tmp_path / name.replace("/", "_")))
        content = bytearray((copy / name).read_bytes())
        content[len(content) // 2] ^= 1
        (copy / name).write_bytes(content)
        with pytest.raises(IntegrityError, match=Path(name).name.replace(".", r"\.")):
            load(copy)


@pytest.mark.parametrize("change", ["missing", "added", "version", "no manifest", "no graph"])
def test_what_else_the_manifest_tells(saved, tmp_path, change):
    copy = Path(shutil.copytree(saved, tmp_path / "copy"))
    manifest = json.loads((copy / "manifest.json").read_text("utf-8"))
    word = {"missing": "head.json", "added": "extra.py", "version": "99"}.get(
        change, "no model here"
    )
    if change == "missing":
        (copy / "heads" / "label" / "head.json").unlink()
    elif change == "added":
        (copy / "extra.py").write_text("", "utf-8")
    elif change == "version":
        (copy / "manifest.json").write_text(json.dumps({**manifest, "format_version": 99}))
    else:
        (copy / {"no manifest": "manifest.json", "no graph": "graph.json"}[change]).unlink()
    with pytest.raises(IntegrityError, match=word):
        load(copy)


@pytest.mark.parametrize("part", ["../../elsewhere", "/etc", "", "a/b", 3])
def test_a_graph_that_leads_out_of_the_model_is_refused(saved, tmp_path, part):
    copy = Path(shutil.copytree(saved, tmp_path / "copy"))
    graph = json.loads((copy / "graph.json").read_text("utf-8"))
    graph["folders"]["heads"]["label"] = part
    (copy / "graph.json").write_text(json.dumps(graph), "utf-8")
    write_manifest(copy, FORMAT_VERSION)  # as whoever made it would
    with pytest.raises(IntegrityError, match="no folder of a part"):
        load(copy)


@pytest.mark.parametrize("spoil", ["features", "joins", "heads"])
def test_a_graph_without_its_parts_is_refused(saved, tmp_path, spoil):
    copy = Path(shutil.copytree(saved, tmp_path / "copy"))
    graph = json.loads((copy / "graph.json").read_text("utf-8"))
    graph[spoil] = {"x": "nowhere"} if spoil == "heads" else {}
    (copy / "graph.json").write_text(json.dumps(graph), "utf-8")
    write_manifest(copy, FORMAT_VERSION)
    with pytest.raises(IntegrityError, match=r"graph\.json"):
        load(copy)


def test_no_such_folder(tmp_path):
    with pytest.raises(IntegrityError, match="no such"):
        load(tmp_path / "nothing")


def test_its_base_opens_with_transformers(saved, model):
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = saved / "backbones" / "base"
    network = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    tokens = AutoTokenizer.from_pretrained(folder, local_files_only=True)(
        NEW[0], return_tensors="pt", return_token_type_ids=False
    )
    with torch.inference_mode():
        theirs = network(**tokens).last_hidden_state[0].mean(0).numpy()
    base = model.backbones["base"]
    ours = base.encode(base.prepare(NEW[:1]), np.array([0]), "pooled")[0, -1, 0]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_it_is_a_base_for_the_next_model(saved, bert):
    from graftwork.bases import open_base

    again = open_base(str(saved / "backbones" / "base"), placement=toys.placement())
    assert again.fingerprint() == bert.fingerprint()


def test_loads_elsewhere_without_anything_else(saved, model, tmp_path):
    """Another process, another folder, no network, no cache, no training data."""
    copy = Path(shutil.copytree(saved, tmp_path / "somewhere else" / "model"))
    (tmp_path / "texts.json").write_text(json.dumps(NEW), "utf-8")
    code = (
        "import json, sys\n"
        "from pytest_socket import disable_socket\n"
        "disable_socket()\n"
        "from graftwork.model.model import Model\n"
        "from graftwork.runtime.devices import place\n"
        "model = Model.load(sys.argv[1], placement=place('cpu', threads=1))\n"
        "found = model.predict(json.load(open(sys.argv[2], encoding='utf-8')))\n"
        "json.dump([found.labels, found.probabilities.tolist()], open(sys.argv[3], 'w'))\n"
        "assert 'sklearn' not in sys.modules and 'pandas' not in sys.modules\n"
    )
    files = [copy, tmp_path / "texts.json", tmp_path / "found.json"]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "GRAFTWORK_CACHE": "/proc/nothing", "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr
    labels, probabilities = json.loads((tmp_path / "found.json").read_text("utf-8"))
    expected = model.predict(NEW)
    assert labels == expected.labels
    np.testing.assert_allclose(probabilities, expected.probabilities, atol=1e-6)


def test_readable_like_the_users_other_files(model, tmp_path):
    old = os.umask(0o022)
    try:
        model.save(tmp_path / "model")
    finally:
        os.umask(old)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "model").rglob("*.*")}
    assert modes == {0o644}


def test_saving_over_a_model_replaces_it_whole(model, tmp_path, bert):
    model.save(tmp_path / "model")
    fitted(tmp_path / "other", {"base": bert}).save(tmp_path / "model")
    assert not (tmp_path / "model" / "backbones" / "lexical").exists()
    assert list(load(tmp_path / "model").backbones) == ["base"]


# --- neighbours


def test_neighbours_are_kept_and_found(saved):
    loaded = load(saved)
    assert loaded.neighbours is not None
    block = dense_block(loaded.blocks([TEXTS[7], NEW[0]]))
    assert block is not None
    dense = loaded.blocks([TEXTS[7], NEW[0]])[0]
    near = loaded.neighbours.nearest(dense, n=3)
    assert [len(each) for each in near] == [3, 3]
    assert near[0][0]["row"] == 9
    assert near[0][0]["inputs"] == {"text": TEXTS[7]}
    assert near[0][0]["label"] == LABELS[7]
    assert near[0][0]["similarity"] == pytest.approx(1, abs=1e-2)
    similarities = [each["similarity"] for each in near[1]]
    assert similarities == sorted(similarities, reverse=True)


# --- labels and names


KINDS = {
    "str": ["None", "007", "true"],
    "int": [7, -1, 10**12],
    "float": [0.1, 1.0, -2.5e-300],
    "bool": [True, False],
    "mixed": ["1", 1, 1.0, True],
    "numpy": list(np.array([3, 1, 2])),
    "unicode": ["退款", "naïve ", "👍"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_labels_come_back_in_their_own_type(kind, lexical, tmp_path):
    names = KINDS[kind]
    labels = [names[i % len(names)] for i in range(len(TEXTS))]
    fitted_model = fitted(tmp_path, {"lexical": lexical}, labels)
    fitted_model.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    plain = [getattr(name, "item", lambda name=name: name)() for name in names]
    assert {(type(a), a) for a in loaded.classes} == {(type(a), a) for a in plain}
    found = loaded.predict(TEXTS).labels
    assert {(type(a), a) for a in found} <= {(type(a), a) for a in plain}
    assert len(set(map(repr, found))) > 1


@pytest.mark.parametrize("name", ["Category: type", "a/b", "..", "", "C:\\x", "Überschrift", "q?*"])
def test_a_target_of_any_name(name, lexical, tmp_path):
    named = fitted(tmp_path, {"lexical": lexical}, head=name)
    named.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert list(loaded.heads) == [name]
    assert loaded.predict(NEW).labels == named.predict(NEW).labels
    assert {path.name for path in tmp_path.iterdir()} == {"features", "model"}


def test_heads_whose_names_differ_in_little(model, tmp_path):
    heads = dict.fromkeys(("a b", "a_b", "A_B", "a/b"), model.head)
    graph = type(model.graph)(
        model.graph.inputs, model.graph.features, model.graph.joins, dict.fromkeys(heads, "all")
    )
    Model(graph, model.backbones, heads).save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert list(loaded.heads) == list(heads)
    assert len({path.name.casefold() for path in (tmp_path / "model" / "heads").iterdir()}) == 4
    for name in heads:
        found = loaded.predict(NEW, head=name)
        assert np.array_equal(found.probabilities, model.predict(NEW).probabilities)


# --- inputs


def test_several_inputs_of_any_name(bert, lexical, tmp_path):
    data = toys.dataset({"the subject": [t[:9] for t in TEXTS], "body/of": TEXTS}, LABELS)
    both = fitted(tmp_path, {"base": bert, "lexical": lexical}, data=data)
    both.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    new = {"body/of": NEW, "the subject": [t[:9] for t in NEW]}
    assert np.array_equal(loaded.predict(new).probabilities, both.predict(new).probabilities)
    assert set(loaded.backbones) == {"base", "lexical_0", "lexical_1"}
    with pytest.raises(DataError, match="body/of"):
        loaded.predict({"the subject": NEW})
    with pytest.raises(DataError, match="by name"):
        loaded.predict(NEW)
    with pytest.raises(DataError, match="unequal"):
        loaded.predict({"body/of": NEW, "the subject": NEW[:2]})


def test_bad_inputs_of_predict(model):
    with pytest.raises(ParameterError, match="one text"):
        model.predict("one text")
    with pytest.raises(GraftworkError):
        model.predict([1, 2])
    assert model.predict([]).labels == []
    assert model.predict([]).probabilities.shape == (0, 3)
    assert model.predict([None]).labels == model.predict([""]).labels


def test_batches_of_predict_change_little(model, monkeypatch):
    whole = model.predict(TEXTS).probabilities
    monkeypatch.setattr("graftwork.model.model.CHUNK_ROWS", 7)
    np.testing.assert_allclose(model.predict(TEXTS).probabilities, whole, atol=1e-3)
    alone = np.concatenate([model.predict([text]).probabilities for text in TEXTS[:9]])
    np.testing.assert_allclose(alone, whole[:9], atol=1e-3)


# --- what is not ours, and what was edited by hand


@pytest.mark.parametrize("held", ["thesis.txt", "plan.json", "manifest.json", "both and more"])
def test_saving_over_something_else_is_refused(model, tmp_path, held):
    names = ["manifest.json", "graph.json", "thesis.txt"] if held == "both and more" else [held]
    for name in names:
        (tmp_path / name).write_text("mine", "utf-8")
    with pytest.raises(RunError, match="nothing was touched"):
        model.save(tmp_path)
    assert {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()} == dict.fromkeys(
        names, "mine"
    )


def test_saving_to_an_empty_folder(model, tmp_path):
    model.save(tmp_path)
    assert load(tmp_path).classes == model.classes


def edited(saved: Path, copy: Path, file: str, change: Callable[[Any], None]) -> Path:
    """A copy of the model with a changed JSON file and a manifest that agrees with it."""
    shutil.copytree(saved, copy)
    told = json.loads((copy / file).read_text("utf-8"))
    change(told)
    (copy / file).write_text(json.dumps(told), "utf-8")
    write_manifest(copy, FORMAT_VERSION)
    return copy


def _readout(**values: Any) -> Callable[[Any], None]:
    return lambda told: told["blocks"][0]["readout"].update(values)


HEAD, GRAPH = "heads/label/head.json", "graph.json"
EDITS: dict[str, tuple[str, Callable[[Any], None], str]] = {
    "layer": (HEAD, _readout(layers=[9]), "0 to 2"),
    "negative layer": (HEAD, _readout(layers=[-1]), "0 to 2"),
    "layer of text": (HEAD, _readout(layers=["2"]), "0 to 2"),
    "pooling": (HEAD, _readout(pooling=2), "pooling 2"),
    "two layers": (HEAD, _readout(layers=[1, 2]), "gives 64"),
    "mix": (HEAD, _readout(mix="sum"), "not a readout"),
    "no readout": (HEAD, lambda told: told["blocks"][0].pop("readout"), "no readout"),
    "label": (HEAD, lambda told: told["task"]["labels"].pop(), "2 labels"),
    "all labels": (HEAD, lambda told: told["task"].update(labels=[]), "parts do not make"),
    "weight": (HEAD, lambda told: told["blocks"][0].update(weight="x"), "parts do not make"),
    "block": (HEAD, lambda told: told["blocks"].pop(), "the graph says"),
    "heads": (GRAPH, lambda told: told.update(heads={}), "no head"),
    "modality": (GRAPH, lambda told: told.update(inputs={"text": "smell"}), "smell"),
    "kind": (GRAPH, lambda told: told["backbones"]["base"].update(kind="x"), "'x'"),
    "no kind": (GRAPH, lambda told: told["backbones"]["base"].clear(), "kind"),
    "backbone": (GRAPH, lambda told: told["backbones"].pop("lexical"), "lexical"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_parts_that_do_not_fit_are_refused(saved, tmp_path, edit):
    file, change, words = EDITS[edit]
    with pytest.raises(IntegrityError, match=words):
        load(edited(saved, tmp_path / "copy", file, change))
