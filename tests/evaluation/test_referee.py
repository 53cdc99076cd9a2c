"""The referee: answers as codes, pairs, winners, handovers, the sentence."""

from __future__ import annotations

import numpy as np
import pytest

from graftwork.evaluation.referee import Contestant, Price, Terms, judge, read_answers
from graftwork.evaluation.referee.handover import coverage_at
from graftwork.evaluation.report.comparison_page import comparison_html
from graftwork.stats.holm import holm

LABELS = ("bad", "good", "so-so")
RNG = np.random.default_rng(0)
N = 600
TRUTH = RNG.integers(0, 3, N)


def answers_of(right: float, seed: int) -> list[str | None]:
    rng = np.random.default_rng(seed)
    wrong = (TRUTH + rng.integers(1, 3, N)) % 3
    return [LABELS[i] for i in np.where(rng.random(N) < right, TRUTH, wrong)]


def contestant(name: str, right: float, seed: int, **more: object) -> Contestant:
    read = read_answers(answers_of(right, seed), LABELS)
    return Contestant(name=name, kind="column", source=name, answers=read, **more)  # type: ignore[arg-type]


def test_answers_that_are_no_label_are_counted_and_not_guessed_at() -> None:
    raw = ["good", "Good.", " good", "great", "", None, float("nan"), "SO SO", "great"]
    read = read_answers(raw, LABELS)
    assert read.codes.tolist() == [1, 3, 3, 3, 4, 4, 4, 3, 3]
    assert read.outside == {"great": 2, "Good.": 1, " good": 1, "SO SO": 1}
    assert read.respelt == {"Good.": "good", " good": "good", "SO SO": "so-so"}
    told = read.to_json()
    assert (told["outside"], told["empty"], told["respelt"]) == (5, 3, 3)
    assert told["spellings"][0] == {"answer": "great", "n": 2, "label": None}


def test_they_are_read_as_labels_on_request() -> None:
    raw = ["Good.", "great", "SO SO", "meh"]
    read = read_answers(raw, LABELS, mapping={"great": "good"}, spelling=True)
    assert read.codes.tolist() == [1, 1, 2, 3]
    assert read.read_as == {"Good.": "good", "great": "good", "SO SO": "so-so"}


def test_two_labels_that_differ_in_case_alone_are_never_mixed_up() -> None:
    read = read_answers(["POS", "Pos", "pos"], ("pos", "POS"), spelling=True)
    assert read.codes.tolist() == [1, 2, 0]


def test_the_best_stands_first_and_the_pairs_are_corrected() -> None:
    told = judge(
        TRUTH,
        LABELS,
        [contestant("weak", 0.6, 1), contestant("strong", 0.9, 2), contestant("twin", 0.9, 2)],
        Terms(),
    )
    assert [c["name"] for c in told["contestants"]] == ["strong", "twin", "weak"]
    pairs = {(p["a"], p["b"]): p for p in told["pairs"]}
    assert pairs["strong", "twin"]["difference"]["value"] == 0
    assert pairs["strong", "twin"]["agreement"] == 1
    assert pairs["strong", "twin"]["kappa"] == pytest.approx(1)
    assert pairs["strong", "weak"]["outcome"] == "a"
    assert pairs["strong", "weak"]["p_holm"] >= pairs["strong", "weak"]["p"]
    assert "strong is right on" in told["sentence"]
    assert "better than weak" in told["sentence"]


def test_an_answer_outside_the_labels_is_wrong_but_no_class_of_the_average() -> None:
    from sklearn.metrics import f1_score

    raw = answers_of(0.8, 3)
    raw[:50] = ["who knows"] * 50
    read = read_answers(raw, LABELS)
    one = Contestant(name="a", kind="column", source="a", answers=read)
    found = judge(TRUTH, LABELS, [one], Terms())["contestants"][0]
    theirs = f1_score(TRUTH, read.codes, labels=[0, 1, 2], average="macro", zero_division=0)
    assert found["scores"]["macro_f1"]["value"] == pytest.approx(theirs)
    assert found["scores"]["accuracy"]["value"] == pytest.approx((read.codes == TRUTH).mean())
    assert found["answers"]["outside"] == 50


def test_holm_against_the_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_rows_that_one_was_trained_on_judge_nobody() -> None:
    seen = np.zeros(N, dtype=bool)
    seen[:100] = True
    told = judge(
        TRUTH, LABELS, [contestant("a", 0.9, 1, seen=seen), contestant("b", 0.8, 2)], Terms()
    )
    assert told["judged"] == N - 100
    assert told["apart"] == {"flagged": 100, "left_out": 100}
    assert told["contestants"][0]["trained_on"]["n"] == 100
    everything = judge(TRUTH, LABELS, [contestant("a", 0.9, 1, seen=seen | True)], Terms())
    assert everything["apart"] == {"flagged": N, "left_out": 0}


def test_who_is_sure_where_it_is_right_answers_more_at_the_same_error_rate() -> None:
    rng = np.random.default_rng(5)
    sure = rng.random(4000)
    wrong = rng.random(4000) > 0.5 + sure / 2  # right as often as it is sure
    half = np.arange(4000) % 2 == 0
    shares = [coverage_at(sure, wrong, rate, half).mean() for rate in (0.02, 0.1, 0.2)]
    assert shares[0] < shares[1] < shares[2]
    mine = coverage_at(sure, wrong, 0.1, half)
    assert wrong[mine].mean() == pytest.approx(0.1, abs=0.02)
    assert not coverage_at(np.full(4000, np.nan), wrong, 0.5, half).any()


def test_a_cheap_sure_one_in_front_of_a_dear_one() -> None:
    rng = np.random.default_rng(6)
    sure = rng.random(N)
    cheap = [LABELS[i] for i in np.where(rng.random(N) < sure, TRUTH, (TRUTH + 1) % 3)]
    local = Contestant(
        name="local",
        kind="run",
        source="runs/local",
        answers=read_answers(cheap, LABELS),
        confidence=sure,
        price=Price(0.01, "measured", 360.0),
    )
    vendor = contestant("vendor", 0.9, 9, price=Price(4.0, "stated"))
    told = judge(TRUTH, LABELS, [local, vendor], Terms())
    (found,) = told["handovers"]
    assert (found["first"], found["other"]) == ("local", "vendor")
    assert 0.05 < found["coverage"]["value"] < 0.5
    assert found["price"]["ratio"] == pytest.approx(
        (0.01 + (1 - found["coverage"]["value"]) * 4) / 4
    )
    assert found["price"]["row_ratio"] == pytest.approx(1 / 400)
    assert "With vendor for the rest" in told["sentence"]
    assert "1/400" in told["sentence"]


def test_classes_and_slices_name_their_best() -> None:
    columns = {"channel": ["mail" if i % 2 else "chat" for i in range(N)]}
    told = judge(
        TRUTH,
        LABELS,
        [contestant("weak", 0.5, 1), contestant("strong", 0.95, 2)],
        Terms(slices=columns),
    )
    assert [row["label"] for row in told["classes"]] == list(LABELS)
    assert all(row["best"] == ["strong"] and row["clear"] for row in told["classes"])
    assert {row["value"] for row in told["slices"]["channel"]} == {"mail", "chat"}
    recall = told["classes"][0]["right"]["strong"]["value"]
    assert recall == pytest.approx((np.asarray(answers_of(0.95, 2))[TRUTH == 0] == "bad").mean())


def test_nothing_to_weigh_is_refused() -> None:
    with pytest.raises(ValueError, match="no labelled rows"):
        judge(np.zeros(0, np.int64), LABELS, [contestant("a", 0.5, 1)], Terms())
    with pytest.raises(ValueError, match="unique"):
        judge(TRUTH, LABELS, [contestant("a", 0.5, 1), contestant("a", 0.5, 2)], Terms())


def test_the_first_by_another_metric_is_not_called_level_with_a_better_one() -> None:
    truth = np.asarray([0] * 360 + [1] * 40)
    often = read_answers(["a"] * 400, ("a", "b"))
    fair = read_answers(["b" if i % 5 == 0 else "a" for i in range(360)] + ["b"] * 40, ("a", "b"))
    pair = [
        Contestant(name=name, kind="column", source=name, answers=answers)
        for name, answers in (("often", often), ("fair", fair))
    ]
    told = judge(truth, ("a", "b"), pair, Terms(metric="macro_f1"))
    assert told["contestants"][0]["name"] == "fair"
    assert told["pairs"][0]["outcome"] == "b"
    assert "on fewer than often (by 8.0 points)" in told["sentence"]
    assert "not told apart" not in told["sentence"]
    assert "often, 95 % interval" in comparison_html(told)  # the tile of most right answers


def test_what_costs_nothing_costs_0_percent() -> None:
    def sentence(mine: float, theirs: float) -> str:
        sure = np.where(np.asarray(answers_of(0.9, 2)) == np.asarray(LABELS)[TRUTH], 0.9, 0.1)
        first = contestant("free", 0.9, 2, confidence=sure, price=Price(mine, "stated"))
        dear = contestant("dear", 0.95, 3, price=Price(theirs, "stated"))
        return str(judge(TRUTH, LABELS, [first, dear], Terms())["sentence"])

    assert "a row that free answers costs 0 %" in sentence(0.0, 4.0)
    assert "inf" not in sentence(1e308, 1e-320)


def test_infinite_confidence_is_answered_only_where_a_threshold_was_found() -> None:
    half = np.arange(100) % 2 == 0
    sure = np.full(100, np.inf)
    assert not coverage_at(sure, np.ones(100, bool), 0.01, half).any()
    assert coverage_at(sure, np.zeros(100, bool), 0.01, half).all()


def test_a_number_is_the_label_that_is_the_same_number() -> None:
    import pandas as pd

    raw = [1.0, np.float64(2.0), 1, "1.0", True, pd.NA, float("nan"), 1.5, np.array(["1"])]
    assert read_answers(raw, ("1", "2")).codes.tolist() == [0, 1, 0, 2, 2, 3, 3, 2, 2]
    assert read_answers([1, 2.5, np.int64(1)], ("1.0", "2.5")).codes.tolist() == [0, 1, 0]
