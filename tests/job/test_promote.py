"""`promote`: a run's backbone as a base."""

from __future__ import annotations

import random
import shutil
import string

import numpy as np
import pytest
from job_files import make_rows, write_csv

import graftwork as api
from graftwork.model.model import Model
from graftwork.storage.json_files import read_json
from graftwork.storage.manifest import verify_manifest


@pytest.fixture(scope="module")
def fitted_by(tiny, inbox, homes, tmp_path_factory):
    """`fitted_by(strategy)`: a finished run on the inbox, at home."""

    def fit(strategy, **parameters):
        out = tmp_path_factory.mktemp("runs") / strategy
        settings = {"target": "label", "base": str(tiny), "strategy": strategy, "folds": 2}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in homes.items():
                patch.setenv(name, value)
            return api.fit(inbox, out=out, settings={**settings, "parameters": parameters})

    return fit


@pytest.fixture(scope="module")
def probed(fitted_by):
    """A finished run that left its base as it was; for reading only."""
    return fitted_by("probe").path


@pytest.fixture(scope="module")
def tuned(fitted_by):
    """A finished run that tuned its base, on the same rows; for reading only."""
    run = fitted_by("finetune", epochs=3, rate=0.003, batch_rows=8)
    assert run.model.facts["trained_parameters"] > 1000
    return run.path


def test_a_tuned_run_becomes_a_base(graftwork, tuned, tiny, tmp_path):
    from safetensors.numpy import load_file
    from transformers import AutoModel, AutoTokenizer

    out = tmp_path / "bases" / "ours"
    told = graftwork("promote", tuned, "--out", out, "--json")
    assert told.code == 0, told.err
    facts = read_json(out / "graftwork.json")
    assert facts["tuned"] is True
    assert facts["strategy"] == "finetune"
    assert facts["base"]["name"] == tiny.name
    assert facts["run_id"] == read_json(tuned / "record.json")["run_id"]
    assert facts["data"] == {"train": read_json(tuned / "plan.json")["data"]["train"]}
    assert facts["scores"] == read_json(tuned / "report" / "metrics.json")["test"]
    verify_manifest(out, known_versions={1})
    source = tuned / "model" / "backbones" / "base"
    for name in ("model.safetensors", "tokenizer.json"):
        assert (out / name).read_bytes() == (source / name).read_bytes()
    network = AutoModel.from_pretrained(out, local_files_only=True, use_safetensors=True)
    tokenizer = AutoTokenizer.from_pretrained(out, local_files_only=True)
    assert network(**tokenizer("refund", return_tensors="pt")).last_hidden_state.ndim == 3
    theirs = load_file(tiny / "model.safetensors")
    ours = load_file(out / "model.safetensors")
    assert any((ours[name] != value).any() for name, value in theirs.items() if name in ours)
    keys = load_file(out / "training_keys.safetensors")["keys"]
    assert keys.shape[1] == 16


def test_it_serves_the_next_task_and_info_tells_of_it(graftwork, tuned, tmp_path):
    from safetensors.numpy import load_file

    out = tmp_path / "ours"
    assert graftwork("promote", tuned, "--out", out).code == 0
    rows = [{"text": row["text"], "kind": row["channel"]} for row in make_rows(60, seed=8)]
    data = write_csv(tmp_path / "next.csv", rows)
    words = ["fit", data, "--target", "kind", "--base", out, "--strategy", "probe", "--folds", 2]
    assert graftwork(*words, "--out", tmp_path / "next").code == 0
    told = graftwork("info", out, "--json").json
    assert told["what"] == "base"
    assert told["promoted"]["strategy"] == "finetune"
    assert told["promoted"]["manifest"] == "sound"
    assert "finetune" in graftwork("info", out).out
    with open(out / "README.md", "a", encoding="utf-8") as card:
        card.write("\nmine\n")
    changed = graftwork("info", out, "--json").json["promoted"]["manifest"]
    assert "README.md" in changed
    # a base of a base: the card tells the whole way
    again = tmp_path / "again"
    assert graftwork("promote", tmp_path / "next", "--out", again).code == 0
    assert "before that: tiny-bert, tuned by finetune" in (again / "README.md").read_text("utf-8")
    facts = read_json(again / "graftwork.json")
    assert facts["base"]["promoted"]["tuned"] is True
    assert "folder" not in facts["base"]
    # this run tuned nothing, the one before did: its rows are still those that tuned the weights
    keys = [load_file(place / "training_keys.safetensors")["keys"] for place in (out, again)]
    assert keys[0].tolist() == keys[1].tolist()


def test_rows_that_a_base_was_tuned_on_are_told_of(graftwork, tuned, inbox, tmp_path):
    out = tmp_path / "ours"
    assert graftwork("promote", tuned, "--out", out).code == 0
    words = ["fit", inbox, "--target", "label", "--base", out, "--strategy", "probe", "--folds", 2]
    # another draw of the test part: some of its rows were training rows of the run before
    told = graftwork(*words, "--out", tmp_path / "again", "--seed", 5)
    assert told.code == 0, told.err
    assert "test rows are among those that the base was tuned on" in told.err
    assert "training rows are among those that the base was tuned on" in told.err
    metrics = read_json(tmp_path / "again" / "report" / "metrics.json")
    assert "rows that the base was tuned on" in str(metrics["without"])


def test_a_base_that_was_not_tuned_is_promoted_and_says_so(graftwork, probed, inbox, tmp_path):
    out = tmp_path / "same"
    told = graftwork("promote", probed, "--out", out)
    assert told.code == 0
    assert "did not tune them" in told.out
    assert "did not tune them" in told.err
    card = (out / "README.md").read_text("utf-8")
    assert "did not tune them" in card
    assert not (out / "training_keys.safetensors").exists()
    # it is the same backbone: every text of the inbox is found in the store
    words = ["fit", inbox, "--target", "label", "--base", out, "--strategy", "probe", "--folds", 2]
    assert graftwork(*words, "--out", tmp_path / "run").code == 0
    assert read_json(tmp_path / "run" / "record.json")["counts"]["base_passes"] == 0


def test_the_embedded_base_keeps_its_licence(tmp_path):
    settings = {"target": "label", "strategy": "probe", "folds": 2, "parameters": {"readouts": 1}}
    run = api.fit(make_rows(24), out=tmp_path / "run", settings=settings)
    told = api.promote(run, out=tmp_path / "ours")
    assert told["base"]["licence"] == "Apache-2.0"
    card = (tmp_path / "ours" / "README.md").read_text("utf-8")
    assert card.startswith("---\nlibrary_name: transformers\nlicense: apache-2.0\nbase_model: ")


def test_a_licence_is_read_from_the_bases_own_card(graftwork, tiny, inbox, tmp_path):
    base = tmp_path / "theirs"
    shutil.copytree(tiny, base)
    (base / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n# Theirs\n", "utf-8")
    words = ["fit", inbox, "--target", "label", "--base", base, "--strategy", "probe", "--folds", 2]
    assert graftwork(*words, "--out", tmp_path / "run").code == 0
    told = graftwork("promote", tmp_path / "run", "--out", tmp_path / "ours", "--json").json
    assert told["base"]["licence"] == "cc-by-4.0"


def test_a_lexical_model_is_refused_with_the_reason(graftwork, inbox, tmp_path):
    run = tmp_path / "run"
    assert graftwork("fit", inbox, "--target", "label", "--base", "lexical", "--out", run).code == 0
    told = graftwork("promote", run, "--out", tmp_path / "ours")
    assert told.code == 2
    assert "no pre-trained backbone" in told.err
    assert not (tmp_path / "ours").exists()


def test_only_an_earlier_promotion_is_replaced(graftwork, probed, tmp_path):
    out = tmp_path / "ours"
    for _ in range(2):
        assert graftwork("promote", probed, "--out", out).code == 0
    (out / "thesis.txt").write_text("mine", "utf-8")
    told = graftwork("promote", probed, "--out", out)
    assert told.code == 2
    assert "thesis.txt" in told.err
    assert (out / "thesis.txt").read_text("utf-8") == "mine"


@pytest.mark.parametrize("where", [".", "model", "model/backbones/base"])
def test_a_run_is_never_written_over(graftwork, probed, where):
    told = graftwork("promote", probed, "--out", probed / where)
    assert told.code == 2
    assert "nothing was touched" in told.err


def test_a_base_of_somebody_else_is_never_written_over(graftwork, probed, tiny):
    before = sorted(path.name for path in tiny.iterdir())
    assert graftwork("promote", probed, "--out", tiny).code == 2
    assert sorted(path.name for path in tiny.iterdir()) == before


def test_a_changed_model_and_no_model_are_refused(graftwork, probed, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(probed, copy)
    weights = copy / "model" / "backbones" / "base" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-3] ^= 1
    weights.write_bytes(content)
    told = graftwork("promote", copy, "--out", tmp_path / "ours")
    assert told.code == 2
    assert "model.safetensors" in told.err
    assert graftwork("promote", tmp_path / "gone", "--out", tmp_path / "ours").code == 2
    assert not (tmp_path / "ours").exists()


def test_a_run_from_a_tuned_run_tells_of_that_and_keeps_its_rows(graftwork, tuned, tiny, tmp_path):
    from safetensors.numpy import load_file

    rows = [{"text": row["text"], "label": row["label"]} for row in make_rows(60, seed=8)]
    data = write_csv(tmp_path / "more.csv", rows)
    words = ["fit", data, "--from", tuned, "--strategy", "probe", "--folds", 2]
    run, out = tmp_path / "run", tmp_path / "ours"
    assert graftwork(*words, "--out", run).code == 0
    first = load_file(tuned / "model/artifacts/training_keys.safetensors")["keys"].tolist()
    model = read_json(run / "model/graph.json")
    if "base" in model["backbones"]:  # rows that tuned the base count as learnt from
        kept = load_file(run / "model/artifacts/training_keys.safetensors")["keys"].tolist()
        assert all(row in kept for row in first)
    told = graftwork("promote", run, "--out", out)
    assert told.code == 0, told.err
    facts = read_json(out / "graftwork.json")
    assert facts["base"]["name"] == tiny.name
    assert facts["base"]["licence"] is None  # not that of the default base
    assert f"as run {facts['base']['promoted']['run_id']} (finetune) had tuned it" in facts["about"]
    assert "tuned by finetune in run" in (out / "README.md").read_text("utf-8")
    keys = load_file(out / "training_keys.safetensors")["keys"].tolist()
    assert all(row in keys for row in first)


def test_an_earlier_model_that_was_kept_tells_of_its_own_base() -> None:
    """`--from RUN --base lexical` that ends on RUN's model: the recipe names another base."""
    from graftwork.api._promote import FROZEN, _base_facts

    assert "earlier" in FROZEN
    kept = {"strategy": "earlier", "base": "minilm"}
    assert _base_facts({"base": "lexical"}, kept, None)["name"] == "minilm"
    assert (
        _base_facts({"base": "lexical"}, {**kept, "strategy": "probe"}, None)["name"] == "lexical"
    )


def test_so_does_a_base_promoted_from_it(graftwork, tuned, tiny, tmp_path):
    """Texts of which words say nothing: only the earlier model knows the labels that it gave."""
    earlier = Model.load(tuned / "model")
    draw = random.Random(0)
    letters = ["".join(draw.choices(string.ascii_lowercase, k=5)) for _ in range(6000)]
    texts = [" ".join(letters[i : i + 4]) for i in range(0, len(letters), 4)]
    said = earlier.predict(texts)
    rows = []
    for code in range(len(earlier.classes)):
        surest = np.argsort(-said.probabilities[:, code])[:50]
        rows += [{"text": texts[i], "label": earlier.classes[code]} for i in surest.tolist()]
    data, run, out = write_csv(tmp_path / "more.csv", rows), tmp_path / "run", tmp_path / "ours"
    words = ["fit", data, "--from", tuned, "--target", "label", "--base", "lexical"]
    told = graftwork(*words, "--cache", tmp_path / "cache", "--dry-run")
    assert "encoding by the earlier model's base" in told.out
    assert "to encode 0 inputs" not in told.out
    told = graftwork(*words, "--cache", tmp_path / "cache", "--out", run)
    assert told.code == 0, told.err
    kept = read_json(run / "model/graph.json")["facts"]
    assert kept["strategy"] == "earlier"
    assert list((run / "stages").glob("encode-*"))  # in a plan that is kept
    assert graftwork("promote", run, "--out", out).code == 0
    facts = read_json(out / "graftwork.json")
    assert facts["base"]["name"] == tiny.name
    assert facts["base"]["fingerprint"] == facts["fingerprint"]
    assert "(finetune) had tuned it" in facts["about"]
    parameters = read_json(run / "report/metrics.json")["cost"]["parameters"]
    assert parameters == earlier.backbones["base"].describe()["parameters"]
