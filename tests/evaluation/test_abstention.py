"""Expected errors where a model may pass, and what can be promised."""

from __future__ import annotations

import json

import numpy as np
import pytest
from test_calibration import honest

from graftwork.evaluation.abstention import (
    COVERAGES,
    answered_above,
    calibration_rows,
    risk_coverage,
    thresholds_of,
    too_few,
    with_guarantee,
    with_observed,
)
from graftwork.evaluation.calibration import tempered


def test_the_table_goes_from_all_rows_to_the_surest():
    truth, odds = honest(1000)
    table = risk_coverage(truth, odds)
    coverage = [row["coverage"] for row in table["curve"]]
    assert table["curve"][0]["threshold"] == 0.0
    assert coverage == sorted(coverage, reverse=True)
    np.testing.assert_allclose(coverage, COVERAGES, atol=1e-9)
    first, last = table["curve"][0]["error"], table["curve"][-1]["error"]
    assert first["value"] == pytest.approx((odds.argmax(1) != truth).mean())
    assert last["value"] < first["value"] / 2
    assert json.loads(json.dumps(table)) == table


def test_a_row_counts_what_is_answered():
    odds = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.45, 0.55]])
    found = answered_above(np.array([0, 1, 1, 1]), odds, 0.6)
    assert (found["n"], found["coverage"]) == (3, 0.75)
    assert found["error"]["value"] == pytest.approx(1 / 3)
    assert answered_above(np.zeros(4, int), odds, 0.99)["error"]["value"] is None


def test_thresholds_rise_and_are_told_once():
    certain = np.tile([1.0, 0.0], (80, 1))
    assert thresholds_of(certain) == [0.0, 1.0]
    few = thresholds_of(np.zeros((0, 0)))
    assert few[0] == 0.0
    assert len(few) == len(COVERAGES)


def test_other_rows_are_told_at_the_same_thresholds():
    truth, odds = honest(1000)
    stored = {**risk_coverage(truth, odds), "guarantee": None}
    told = with_observed(stored, *honest(400, seed=5))
    assert all(row["observed"]["n"] <= 400 for row in told["curve"])
    assert "observed" not in stored["curve"][0]


def test_a_promise_is_a_row_of_the_table():
    truth, odds = honest(1200, seed=2)
    thresholds = thresholds_of(honest(1000)[1])
    told = with_guarantee(truth, odds, thresholds, risk=0.25, delta=0.05)
    assert told["threshold"] in thresholds
    assert told["errors"] / told["answered"] < told["bound"] <= 0.25
    assert "at most 25 % of the answers are wrong" in told["sentence"]
    seen = with_observed({"curve": [], "guarantee": told}, *honest(600, seed=3))
    assert seen["guarantee"]["observed"]["error"]["value"] <= 0.25


def test_rows_of_labels_that_no_other_row_has_count_as_wrong():
    truth, odds = honest(1200, seed=2)
    asked = {"thresholds": thresholds_of(honest(1000)[1]), "risk": 0.25, "delta": 0.05}
    plain, told = (with_guarantee(truth, odds, unknown=n, **asked) for n in (0, 20))
    assert (told["rows"], told["unknown"]) == (1220, 20)
    assert told["threshold"] > plain["threshold"]
    at_it = odds.max(1) >= told["threshold"]
    assert told["errors"] == 20 + (odds.argmax(1) != truth)[at_it].sum()
    assert "20 of these rows have labels that no other row has" in told["sentence"]
    assert "no other row has" not in plain["sentence"]


def test_what_cannot_be_promised_names_the_rows_that_would_do():
    truth, odds = honest(300, seed=2)
    told = with_guarantee(truth, odds, thresholds_of(odds), risk=0.03, delta=0.05)
    assert told["threshold"] is None
    assert told["rows_needed"] > 300
    assert f"{told['rows_needed']:,} calibration rows would do" in told["sentence"]
    hopeless = (truth + 1) % 5, tempered(np.eye(5)[truth] * 0.9 + 0.02, 1.0)
    told = with_guarantee(*hopeless, [0.0, 0.5], risk=0.03, delta=0.05)
    assert told["rows_needed"] is None
    assert "No number of rows would do" in told["sentence"]


def test_rows_are_kept_back_only_where_they_can_be_enough():
    assert calibration_rows(5000, 0.05, 0.05) == 1000
    assert calibration_rows(1000, 0.05, 0.05) == 234
    assert calibration_rows(240, 0.05, 0.05) == 120
    assert calibration_rows(230, 0.05, 0.05) == 0
    told = too_few(230, 0.05, 0.05)
    assert (told["threshold"], told["rows"], told["rows_needed"]) == (None, 0, 234)
