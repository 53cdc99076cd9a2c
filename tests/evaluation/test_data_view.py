"""What the report says of the data: escaped, redacted on request, whole whatever is absent."""

from __future__ import annotations

import re

import pytest
from evaluation_cases import NASTY, evidence

from graftwork.evaluation.report.render import to_html

SECRET = "the secret text of a row"
POINTS = [
    {"rows": rows, "score": score, "low": score - 0.01, "high": score + 0.01}
    for rows, score in [(100, 0.7), (200, 0.75), (400, 0.78), (800, 0.8)]
]


def payload(**more):
    found = evidence()
    pairs = found["confusion"]["pairs"]
    for pair in pairs:
        pair["examples"] = [{"row": 71, "html": f"{SECRET} of a pair"}]
    found["label_errors"] = {
        "suspected": 143, "rows_looked_at": 8000, "by": "frozen features",
        "first": [
            {"row": 4711, "label": NASTY, "suggested": "b", "score": 0.97, "html": f"{SECRET} &lt;"}
        ],
    }  # fmt: skip
    found["learning_curve"] = {
        "points": POINTS,
        "twice": {"rows": 1600, "gain": 0.015, "low": 0.004, "high": 0.03},
        "sentence": f"Twice the labels {NASTY}.",
        "of": "frozen features (probe)",
    }
    found["examples"] = [
        {"row": 17, "html": SECRET, "label": "a", "predicted": "b", "probability": 0.93,
         "probability_right": 0.02, "why": "wrong",
         "nearest": [{"row": 55, "label": NASTY, "similarity": 0.91, "html": f"{SECRET} near"}]}
    ]  # fmt: skip
    return {**found, **more}


def test_every_section_is_there_and_escaped():
    html = to_html(payload())
    for words in ('id="learning"', 'id="labels"', "143 of 8,000 training rows (1.8 %)", "4711",
                  "label_errors.csv", f"{SECRET} near", f"{SECRET} of a pair", "cosine 0.91",
                  "800 rows: 80.0 %", "1,600"):  # fmt: skip
        assert words in html, words
    assert NASTY not in html
    assert html.count("&lt;script&gt;alert") >= 3


def test_redact_leaves_numbers_and_no_text():
    html = to_html(payload(), redact=True)
    assert SECRET not in html
    assert "4711" in html
    assert "row 71, input left out" in html


def test_the_curve_is_drawn_inside_its_picture():
    html = to_html(payload())
    svg = re.search(r'<svg class="learning".*?</svg>', html, re.S).group(0)
    places = re.findall(r'c([xy])="([\d.]+)"', svg)
    assert len(places) == 2 * 5
    assert all(0 <= float(value) <= (640 if axis == "x" else 250) for axis, value in places)
    xs = [float(value) for axis, value in places if axis == "x"]
    assert xs == sorted(xs)
    assert svg.count("hoped") == 2


@pytest.mark.parametrize(
    "curve",
    [
        None,
        {"points": [], "sentence": "x."},
        {"points": POINTS[:1], "twice": None, "sentence": "cannot be told."},
        {"points": POINTS, "twice": None, "sentence": "cannot be told."},
        {"points": [{**p, "low": None, "high": None} for p in POINTS],
         "twice": {"rows": 9, "gain": 0.1, "low": None, "high": None}, "sentence": "wide."},
    ],
)  # fmt: skip
def test_poor_curves_are_told_without_a_forecast(curve):
    html = to_html(payload(learning_curve=curve))
    assert ("cannot be told" in html) == bool(curve and "cannot" in curve["sentence"])


def test_of_the_metrics_alone_pairs_are_told_by_row_number():
    found = payload(examples=[])
    for pair in found["confusion"]["pairs"]:
        pair["examples"] = [71]
    assert "row 71" in to_html(found)
    for pair in found["confusion"]["pairs"]:
        del pair["examples"]  # of an older run
    assert 'id="confusion"' in to_html(found)


def test_no_suspects_is_a_finding_too():
    none = {"suspected": 0, "rows_looked_at": 90, "by": "TF-IDF", "first": []}
    assert "0 of 90 training rows" in to_html(payload(label_errors=none))


def test_too_many_suspects_speak_against_the_model():
    some = {"suspected": 20, "rows_looked_at": 90, "by": "probe", "first": [], "many": False}
    few, many = (to_html(payload(label_errors={**some, "many": told})) for told in (False, True))
    assert "Some are mistakes" in few
    assert "hardly all mistakes" not in few
    assert "hardly all mistakes" in many
    assert "Some are mistakes" not in many
