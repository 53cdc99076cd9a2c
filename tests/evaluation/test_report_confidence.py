"""Calibration and abstention in the report: told, drawn, and whole where parts are absent."""

from __future__ import annotations

import pytest
from evaluation_cases import evidence
from test_calibration import honest
from test_report import Page

from graftwork.evaluation.abstention import (
    risk_coverage,
    thresholds_of,
    too_few,
    with_guarantee,
    with_observed,
)
from graftwork.evaluation.calibration import calibration, tempered
from graftwork.evaluation.report.render import to_html


def payload(promise=None, temperature=2.0):
    truth, odds = honest(600)
    stored = {**risk_coverage(*honest(900, seed=1)), "guarantee": promise}
    before = tempered(odds, 1 / temperature)
    return {
        **evidence(),
        "calibration": {**calibration(truth, before, odds, temperature), "note": ""},
        "abstention": with_observed(stored, truth, odds),
    }


def promise(risk):
    odds = honest(900, seed=1)[1]
    return with_guarantee(*honest(700, seed=2), thresholds_of(odds), risk=risk, delta=0.05)


def test_both_curves_and_the_errors_are_there():
    html = to_html(payload())
    assert Page(html).open == []
    marks = ['class="ring"', 'class="band"', 'class="seen"']
    told = ["makes the model less sure", "by chance alone", "An estimate, not a promise"]
    for words in (*marks, *told, "900 out-of-fold rows"):
        assert words in html, words
    assert 'class="kept"' not in html


def test_a_promise_is_told_and_drawn():
    html = to_html(payload(promise(0.25)))
    assert "Guarantee: at most 25.0 % wrong" in html
    assert "On the rows judged here it answers" in html
    assert 'class="kept"' in html


@pytest.mark.parametrize("none", [promise(0.001), too_few(100, 0.05, 0.05)])
def test_no_promise_is_told_too(none):
    html = to_html(payload(none))
    assert "Guarantee: nothing can be promised" in html
    assert 'class="kept"' not in html


def test_without_temperature_there_is_one_curve():
    html = to_html(payload(temperature=1.0))
    assert 'class="ring"' not in html
    assert "Probabilities are as the model gives them." in html


@pytest.mark.parametrize("absent", ["calibration", "abstention", "confidence"])
def test_older_payloads_lack_a_part(absent):
    found = payload()
    found.pop(absent)
    assert Page(to_html(found)).open == []


def test_without_a_table_the_rows_describe_themselves():
    html = to_html(evidence())
    assert "A description of these rows, not a guarantee." in html
    empty = {"rows": 0, "curve": [], "guarantee": too_few(100, 0.05, 0.05)}
    html = to_html({**evidence(), "abstention": empty})
    assert "nothing can be promised" in html
    assert Page(to_html({"abstention": empty})).open == []
