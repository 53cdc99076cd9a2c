from __future__ import annotations

import math

import numpy as np
import pytest

from graftwork.evaluation.contender import Contender
from graftwork.evaluation.domains import Domain, by_value, matrix, own_score
from graftwork.stats.interval import Interval
from graftwork.stats.proportions import wilson

OWN = Interval(0.9, 0.88, 0.92)


def domain(hits: int, n: int, *, name="a", unknown=0, seen=None) -> Domain:
    """n rows of two known classes, `hits` of them right; the last `unknown` bear a third label."""
    truth = np.arange(n) % 2
    predicted = np.where(np.arange(n) < hits, truth, 1 - truth)
    if unknown:
        truth[-unknown:] = 2
    odds = np.full((n, 3 if unknown else 2), 0.0)
    odds[np.arange(n), predicted] = 0.8
    odds[np.arange(n), 1 - predicted] = 0.2
    contender = Contender(name="m", title="m", predicted=predicted, probabilities=odds)
    return Domain(name, truth, contender, 2, seen)


def row(*args, own=OWN, metric="accuracy", **options):
    (found,) = matrix([domain(*args, **options)], own, metric=metric, margin=0.01)
    return found


@pytest.mark.parametrize(
    ("hits", "n", "answer"), [(600, 1000, "no"), (990, 1000, "yes"), (17, 20, "undecidable")]
)
def test_whether_it_carries_over(hits, n, answer):
    found = row(hits, n)
    assert found["carries_over"] == answer
    low, high = (float(bound) for bound in wilson(hits, n))
    assert found["score"] == pytest.approx({"value": hits / n, "low": low, "high": high})
    assert found["difference"]["value"] == pytest.approx(hits / n - 0.9)
    sure = {"no": found["difference"]["high"] < -0.01, "yes": found["difference"]["low"] > -0.01}
    assert sure.get(answer, not any(sure.values()))


def test_a_loss_within_the_margin_counts_as_none():
    precise = Interval(0.9, 0.8999, 0.9001)
    (found,) = matrix([domain(89500, 100000)], precise, metric="accuracy", margin=0.01)
    assert found["difference"]["high"] < 0
    assert found["carries_over"] == "yes"


def test_unknown_labels_count_as_wrong_and_are_told():
    found = row(90, 100, unknown=5)
    assert found["unknown"] == pytest.approx(0.05)
    assert found["score"]["value"] == pytest.approx(0.9)
    assert found["calibration_error"] == pytest.approx(0.1)


def test_rows_trained_on_are_left_out_of_the_difference():
    seen = np.arange(100) < 50  # all of them right
    found = row(70, 100, seen=seen)
    assert found["score"]["value"] == pytest.approx(0.7)
    assert (found["seen"], found["judged"]) == (50, 50)
    assert found["difference"]["value"] == pytest.approx(0.4 - 0.9)
    everything = row(70, 100, seen=np.ones(100, dtype=bool))
    assert everything["difference"] is everything["carries_over"] is None


def test_less_is_better_where_it_is():
    own = Interval(0.3, 0.29, 0.31)  # log loss
    worse = row(50, 200, own=own, metric="log_loss")
    assert worse["difference"]["value"] < 0
    assert worse["carries_over"] == "no"


def test_without_a_score_of_its_own_nothing_is_judged():
    found = row(70, 100, own=None)
    assert found["difference"] is None
    assert found["carries_over"] is None


def test_the_values_of_a_column_add_up():
    whole = domain(70, 100, unknown=4)
    column = ["mail"] * 60 + ["chat"] * 38 + [None, ""]
    parts = by_value(whole, column)
    assert {part.name for part in parts} == {"mail", "chat", "(missing)"}
    rows = matrix(parts, OWN, metric="accuracy", margin=0.01)
    assert sum(each["n"] for each in rows) == 100
    right = sum(each["n"] * each["score"]["value"] for each in rows)
    assert right == pytest.approx(70)
    assert {each["name"]: each["unknown"] for each in rows}["mail"] == 0.0


def test_the_own_score_comes_from_the_report():
    assert own_score(None, "accuracy") is None
    assert own_score({"test": {}}, "accuracy") is None
    found = own_score({"test": {"mcc": {"value": 0.5, "low": None, "high": 0.7}}}, "mcc")
    assert found == Interval(0.5, -math.inf, 0.7)
