"""The hardest rows, their neighbours, and the examples of confused pairs."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation_cases import NASTY

from graftwork.evaluation.contender import Contender
from graftwork.evaluation.hardest import examples, hardest
from graftwork.evaluation.pairs import number_pairs, pairs_with_texts
from graftwork.evaluation.per_class import confusion
from graftwork.evaluation.reader import Reader
from graftwork.modalities.text import Text

LABELS = ["a", "b", "c"]
TRUTH = np.array([0, 1, 2, 0, 1])
ODDS = np.array(
    [
        [0.8, 0.2, 0.0],
        [0.9, 0.1, 0.0],  # wrong, p of its label .1
        [0.6, 0.4, 0.0],  # of a label that the model does not know
        [0.05, 0.95, 0.0],  # wrong, p of its label .05
        [0.45, 0.55, 0.0],
    ]
)
TEXTS = ["fine", NASTY, "unknown", "odd", "ok"]


def reader(redact=False):
    return Reader(np.arange(10, 15), lambda i: [TEXTS[i]], Text(), redact)


def contender(odds=ODDS):
    return Contender(name="m", title="m", predicted=odds.argmax(1), probabilities=odds)


def near(labels):
    def find(wanted):
        return [
            [
                {"row": 90 + n, "label": label, "similarity": 0.9, "inputs": {"text": NASTY}}
                for n, label in enumerate(labels)
            ]
            for _ in wanted
        ]

    return find


def test_least_probability_of_the_label_first_then_unknown_labels_then_the_doubtful():
    assert hardest(TRUTH, ODDS).tolist() == [3, 1, 2, 4]  # 4: right, but .55 sure
    assert hardest(TRUTH, ODDS, most=3).tolist() == [3, 1, 2]
    assert hardest(TRUTH, ODDS, most=1).tolist() == [3]


def test_examples_name_the_row_and_show_it_escaped():
    found = examples(contender(), TRUTH, LABELS, reader())
    assert [e["row"] for e in found] == [13, 11, 12, 14]
    assert found[-1]["why"] == "right, but in doubt"
    assert found[0]["probability_right"] == pytest.approx(0.05)
    assert (found[0]["label"], found[0]["predicted"]) == ("a", "b")
    assert found[1]["html"].startswith("&lt;script")
    assert found[0]["nearest"] == []


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["b", "b"], "is the label right?"),
        (["a", "a"], "the input is hard"),
        (["a", "b"], "disagree"),
        (["c", "c"], "neither label"),
    ],
)
def test_neighbours_say_where_the_trouble_is(labels, words):
    found = examples(contender(), TRUTH, LABELS, reader(), nearest=near(labels))[0]
    assert words in found["why"]
    assert [n["label"] for n in found["nearest"]] == labels
    assert found["nearest"][0]["html"].startswith("&lt;script")


def test_redacted_examples_hold_no_text():
    found = examples(contender(), TRUTH, LABELS, reader(redact=True), nearest=near(["a", "b"]))
    assert all(e["html"] is None for e in found)
    assert all(n["html"] is None for e in found for n in e["nearest"])


def test_without_probabilities_there_are_no_examples():
    bare = Contender(name="m", title="m", predicted=ODDS.argmax(1))
    assert examples(bare, TRUTH, LABELS, reader()) == []


def test_confused_pairs_have_their_surest_rows():
    truth = np.array([0, 0, 0, 0, 1])
    odds = np.array([[0.4, 0.6], [0.1, 0.9], [0.3, 0.7], [0.9, 0.1], [0.8, 0.2]])
    found = confusion(truth, odds.argmax(1), ["a", "b"], odds)
    assert [pair["examples"] for pair in found["pairs"]] == [[1, 2], [4]]
    plain = confusion(truth, odds.argmax(1), ["a", "b"])
    assert [pair["examples"] for pair in plain["pairs"]] == [[0, 1], [4]]
    assert [pair["n"] for pair in found["pairs"]] == [3, 1]


def test_pairs_are_numbered_by_line_and_get_their_texts_for_the_report():
    found = confusion(TRUTH, ODDS.argmax(1), LABELS, ODDS)
    html = number_pairs(found, reader())
    lines = [row for pair in found["pairs"] for row in pair["examples"]]
    assert sorted(lines) == [11, 12, 13]
    shown = pairs_with_texts(found, html)["pairs"]
    texts = {e["row"]: e["html"] for pair in shown for e in pair["examples"]}
    assert texts[13] == "odd"
    assert texts[11].startswith("&lt;script")
    assert [row for pair in found["pairs"] for row in pair["examples"]] == lines  # as it was
