"""Word importance by occlusion: it points at the words that the model goes by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import toys
from graftwork.api._explain import explain as explain_api
from graftwork.api._explain import named_inputs
from graftwork.bases import open_base
from graftwork.cli.show_explanation import explanation_text
from graftwork.errors import ParameterError, UnknownNameError
from graftwork.evaluation import explain as module
from graftwork.evaluation.explain import explain
from graftwork.strategies.probe import Probe


def model_on(backbone: Any, root: Any, inputs: dict[str, list[Any]], labels: list[str]) -> Any:
    data = replace(toys.dataset(inputs, labels), modality=backbone.modality)
    job = toys.job(data, {"base": backbone}, root)
    return Probe(readouts=1).transfer(job)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    texts, labels = toys.sentences(150)
    return model_on(open_base("lexical"), tmp_path_factory.mktemp("m"), {"text": texts}, labels)


def test_the_topic_word_speaks_for_the_topic(model):
    found = explain(model, {"text": "please help the parcel today"})
    assert found.label == found.prediction == "delivery"
    assert [part.part for part in found.parts] == ["please", "help", "the", "parcel", "today"]
    values = {part.part: part.importance for part in found.parts}
    assert max(values, key=values.get) == "parcel"
    assert values["parcel"] > 0


def test_importance_is_the_change_of_log_odds(model):
    found = explain(model, {"text": "my parcel refund"})
    odds = model.predict(["my parcel refund", "parcel refund"]).probabilities
    code = model.classes.index(found.label)
    whole, less = np.log(odds[:, code] / (1 - odds[:, code]))
    assert found.log_odds == pytest.approx(whole, abs=1e-5)
    assert found.parts[0].importance == pytest.approx(whole - less, abs=1e-5)


def test_another_label_may_be_asked_for(model):
    told = explain_api(model, "refund parcel parcel", label="refund")
    values = {part["part"]: part["importance"] for part in told["parts"]}
    assert told["label"] == "refund"
    assert values["refund"] > 0 > values["parcel"]
    with pytest.raises(UnknownNameError, match="did you mean 'refund'"):
        explain_api(model, "x", label="refnd")


def test_one_word_leaves_nothing_to_leave_out(model):
    told = explain_api(model, "refund")
    assert told["parts"] == []
    assert "one part only" in explanation_text(told)


def test_a_long_text_is_cut_in_runs(model, monkeypatch):
    monkeypatch.setattr(module, "MOST_PARTS", 4)
    found = explain(model, {"text": "a b c d e f refund h i"})
    assert found.runs == 3
    assert [part.part for part in found.parts] == ["a b c", "d e f", "refund h i"]


def test_each_of_several_inputs_is_cut_in_turn(tmp_path):
    texts, labels = toys.sentences(90)
    inputs = {"title": [text.split()[0] for text in texts], "body": texts}
    made = model_on(open_base("lexical"), tmp_path, inputs, labels)
    found = explain(made, {"title": "refund", "body": "the parcel"})
    assert [(p.input, p.part) for p in found.parts] == [
        ("title", "refund"), ("body", "the"), ("body", "parcel")
    ]  # fmt: skip
    with pytest.raises(ParameterError, match="missing: body"):
        explain_api(made, {"title": "refund"})
    assert "title:" in explanation_text(found.to_json())


def test_no_text_is_a_mistake(model):
    with pytest.raises(ParameterError, match="nothing to explain"):
        explain_api(model, "  \n")


def test_words_of_the_command_line():
    assert named_inputs(["text"], ["a=b"]) == {"text": "a=b"}
    assert named_inputs(["title", "body"], ["body=x=y", "title="]) == {"body": "x=y", "title": ""}
    with pytest.raises(ParameterError, match="one is explained at a time"):
        named_inputs(["text"], ["a", "b"])
    with pytest.raises(ParameterError) as caught:
        named_inputs(["title", "body"], ["titel=x", "body=a", "body=b"])
    assert len(caught.value.faults) == 2


def test_bars_show_sign_and_size():
    parts = [
        {"input": "text", "part": word, "importance": value}
        for word, value in [("good", 2.0), ("not", -1.0), ("a\x1bb", 0.0)]
    ]
    told = {
        "label": "yes", "prediction": "yes", "probability": 0.9, "log_odds": 2.2,
        "parts_left_out_together": 1, "parts": parts,
    }  # fmt: skip
    lines = explanation_text(told).splitlines()
    assert lines[2].count("+") == 12 + 1  # the bar, and the sign of the figure
    assert lines[3].count("-") == 6 + 1
    assert "|" in lines[4]


def rank_correlation(a: list[float], b: list[float]) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic)


def against_random_weights(model: Any, inputs: list[dict[str, Any]]) -> float:
    """Mean rank correlation of each explanation with the one of the same model, its base random.

    The sanity check of Adebayo et al. 2018: an explanation that stays the same when the base
    forgets all it learnt explains the input, not the model.
    """
    twin = replace(model, backbones={"base": model.backbones["base"].twin(0)})
    ours, theirs, again = [], [], []
    for each in inputs:
        told = explain(model, each)
        for found, of in ((theirs, twin), (again, model)):
            other = explain(of, each, label=told.label)
            found.append([part.importance for part in other.parts])
        ours.append([part.importance for part in told.parts])
    assert np.mean([rank_correlation(a, b) for a, b in zip(ours, again, strict=True)]) > 0.999
    return float(np.mean([rank_correlation(a, b) for a, b in zip(ours, theirs, strict=True)]))


@pytest.mark.slow
def test_random_weights_destroy_the_explanation_of_a_text(tmp_path, record_property):
    base = open_base("minilm", placement=toys.placement())
    texts, labels = toys.sentences(120)
    model = model_on(base, tmp_path, {"text": texts}, labels)
    shown = [text.rsplit(" ", 1)[0] for text in toys.sentences(24, seed=7)[0]]
    shown = [text for text in shown if len(text.split()) >= 4]
    assert len(shown) >= 12
    correlation = against_random_weights(model, [{"text": text} for text in shown])
    record_property("rank_correlation", correlation)
    print(f"mean rank correlation with random weights, texts: {correlation:.3f}")
    assert abs(correlation) < 0.35


@pytest.mark.slow
def test_random_weights_destroy_the_explanation_of_a_picture(tmp_path, shared, record_property):
    from graftwork import convert
    from graftwork.data.blob import Blob

    name = "squeezenet1_1"
    weights = shared / "data" / "weights" / name / f"{name}.safetensors"
    convert(weights, architecture=name, out=tmp_path / "base")
    base = open_base(tmp_path / "base", placement=toys.placement())
    files = [
        (file, folder.name)
        for folder in sorted((shared / "data" / "clothing10" / "train").iterdir())
        for file in sorted(folder.iterdir())[:14]
    ]
    blobs = [Blob.of_bytes(file.read_bytes(), file.name) for file, _ in files]
    learnt = [i for i in range(len(files)) if i % 14 >= 2]
    model = model_on(
        base, tmp_path, {"image": [blobs[i] for i in learnt]}, [files[i][1] for i in learnt]
    )
    shown = [{"image": blob} for i, blob in enumerate(blobs) if i % 14 == 0]
    correlation = against_random_weights(model, shown)
    record_property("rank_correlation", correlation)
    print(f"mean rank correlation with random weights, pictures: {correlation:.3f}")
    assert abs(correlation) < 0.35


def test_bars_of_wide_characters_stand_in_one_column():
    from rich.cells import cell_len

    parts = [{"input": "text", "part": part, "importance": 1.0} for part in ("退款", "ok", "a")]
    told = {"label": "x", "prediction": "x", "probability": 0.9, "parts_left_out_together": 1}
    lines = [row for row in explanation_text({**told, "parts": parts}).splitlines() if "|" in row]
    assert len({cell_len(line[: line.index("|")]) for line in lines}) == 1
