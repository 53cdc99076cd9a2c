from __future__ import annotations

import datetime
import json

import numpy as np
import pytest
from evaluation_cases import contender, control, evidence

from graftwork.evaluation.contamination import seen_in_training
from graftwork.evaluation.evidence import prove
from graftwork.evaluation.per_class import confusion, per_class
from graftwork.evaluation.plain import plain
from graftwork.evaluation.slices import MOST_GROUPS, sliced


def test_holds_what_the_schema_asks_for():
    found = evidence(cost={"seconds": 3.0}, audit={"rows_in": 400}, openings=1)
    assert found["task"] == "classification"
    assert set(found["test"]["accuracy"]) == {"value", "low", "high"}
    assert set(found["controls"]) == {"lexical"}
    assert all(set(x) == {"value", "low", "high"} for x in found["controls"]["lexical"].values())
    assert found["verdict"]["outcome"] == "helped"
    assert found["chosen"]["is_transfer"] is True
    assert found["slices"]["channel"]["worst"] in {"mail", "chat"}
    assert found["cost"] == {"seconds": 3.0}
    assert found["audit"] == {"rows_in": 400}
    assert (found["n_test"], found["openings"]) == (300, 1)
    json.dumps(found, allow_nan=False)


def test_is_deterministic():
    assert evidence(seed=3) == evidence(seed=3)


def test_labels_keep_their_spelling_in_strict_json():
    labels = ["007", 7, 7.5, True, None, float("nan"), datetime.date(2026, 1, 2), np.int64(9)]
    found = evidence(k=8, labels=labels)
    assert found["labels"] == ["007", 7, 7.5, True, None, None, "2026-01-02", 9]
    json.dumps(found, allow_nan=False)


def test_no_nan_where_classes_have_no_rows_or_test_is_tiny():
    truth = np.array([0])
    one = contender(truth, 3, 1.0, 0)
    found = prove(
        truth, ["a", "b", "c"], chosen=one, transfer=one, controls=[control(truth, 3, 1.0, 1)]
    )
    json.dumps(found, allow_nan=False)
    assert found["per_class"][1]["recall"] is None
    assert found["verdict"]["outcome"] == "undecidable"


def test_chosen_may_be_another_than_the_transfer_of_the_verdict():
    truth = np.random.default_rng(0).integers(0, 3, 300)
    classical = contender(truth, 3, 0.95, 5, name="lexical", title="TF-IDF")
    transfer = contender(truth, 3, 0.6, 6)
    found = prove(
        truth,
        list("abc"),
        chosen=classical,
        transfer=transfer,
        controls=[control(truth, 3, 0.95, 5)],
    )
    assert found["verdict"]["outcome"] == "hurt"
    assert found["chosen"]["is_transfer"] is False
    assert found["chosen"]["over_transfer"]["low"] > 0
    assert found["transfer"]["test"]["accuracy"]["value"] < found["test"]["accuracy"]["value"]


def test_scores_without_flagged_rows():
    flagged = np.zeros(300, dtype=bool)
    flagged[:40] = True
    rows = np.arange(0, 300, 3)
    truth = np.random.default_rng(0).integers(0, 4, 300)
    best = contender(truth, 4, 0.9, 1)
    found = prove(
        truth,
        list("abcd"),
        chosen=best,
        transfer=best,
        controls=[control(truth, 4, 0.7, 2, rows=rows)],
        without={"duplicates": flagged},
        contaminated=np.zeros(300, dtype=bool),
    )
    left = found["without"]["duplicates"]
    assert (left["flagged"], left["n"]) == (40, 260)
    expected = (best.predicted == truth)[40:].mean()
    assert left["test"]["accuracy"]["value"] == pytest.approx(expected)
    assert left["verdict"]["per_control"]["lexical"]["n"] == int((rows >= 40).sum())
    assert found["contamination"] == {"checked": True, "flagged": 0, "n": 300}
    assert evidence()["contamination"]["checked"] is False


def test_all_rows_flagged_leaves_nothing_to_score():
    found = evidence(contaminated=np.ones(300, dtype=bool))
    assert "test" not in found["contamination"]
    assert found["contamination"]["n"] == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"predicted": np.array([0, 1])}, "do not fit 300"),
        ({"predicted": np.full(300, 9), "probabilities": None}, "codes leave 0"),
        ({"probabilities": np.ones((300, 2))}, "probabilities are"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(change, words):
    from dataclasses import replace

    truth = np.random.default_rng(0).integers(0, 4, 300)
    with pytest.raises(ValueError, match=words):
        evidence(chosen=replace(contender(truth, 4, 0.9, 1), **change))


def test_per_class_equals_scikit_learn():
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    rng = np.random.default_rng(2)
    truth, predicted = rng.integers(0, 5, 200), rng.integers(0, 5, 200)
    found = per_class(truth, predicted, list("abcde"))
    expected = precision_recall_fscore_support(truth, predicted)
    for place, name in enumerate(("precision", "recall", "f1")):
        assert [c[name]["value"] for c in found] == pytest.approx(expected[place])
        assert all(c[name]["low"] <= c[name]["value"] <= c[name]["high"] for c in found)
    assert [c["support"] for c in found] == expected[3].tolist()
    matrix = confusion(truth, predicted, list("abcde"))
    assert matrix["matrix"] == confusion_matrix(truth, predicted).tolist()
    most = matrix["pairs"][0]
    off = np.array(matrix["matrix"]) - np.diag(np.diag(matrix["matrix"]))
    assert most["n"] == off.max()


def test_many_classes_are_told_by_pairs():
    truth = np.arange(300)
    found = confusion(truth, (truth + 1) % 300, [f"c{i}" for i in truth])
    assert found["matrix"] is None
    assert found["pairs"][0]["share"] == 1.0


def test_slices_lump_rare_values_and_mark_the_worst():
    n = 2000
    truth = np.zeros(n, dtype=int)
    column = [f"v{i % 100:03d}" if i % 2 else "big" for i in range(n)]
    column[0], column[2] = None, "  "
    wrong = np.array([value == "big" for value in column])
    model = contender(truth, 2, 1.0, 0)
    model.predicted[wrong] = 1
    found = sliced(column, truth, model, 2, metric="accuracy")
    assert len(found["groups"]) == MOST_GROUPS
    assert sum(group["n"] for group in found["groups"]) == n
    assert found["worst"] == "big"
    assert [g["value"] for g in found["groups"] if g["worst"]] == ["big"]
    assert found["lumped"] > 0
    with pytest.raises(ValueError, match="values for"):
        sliced(["x"], truth, model, 2, metric="accuracy")


def test_contaminated_rows_are_found_by_key():
    mask = seen_in_training(["AB12", "cd34"], ["ab12", "ffff", "cd34"])
    assert mask.tolist() == [True, False, True]
    assert seen_in_training([], []).shape == (0,)


def test_plain_is_strict():
    value = {1: np.float32("nan"), "a": (np.arange(2), {2, 1}), "b": [float("inf"), np.bool_(True)]}
    assert plain(value) == {"1": None, "a": [[0, 1], [1, 2]], "b": [None, True]}
