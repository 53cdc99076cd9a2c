"""The rules of evidence, outcome by outcome, and how often they speak wrongly."""

from __future__ import annotations

import json

import numpy as np
import pytest

from graftwork.errors import ParameterError
from graftwork.evaluation.contender import Contender, Control
from graftwork.evaluation.scores import gain
from graftwork.evaluation.verdict import decide, outcome_of
from graftwork.stats.interval import Interval

UP, DOWN = Interval(0.05, 0.02, 0.08), Interval(-0.05, -0.08, -0.02)
NARROW, WIDE = Interval(0.001, -0.005, 0.007), Interval(0.02, -0.03, 0.07)
BARELY = Interval(0.004, 0.001, 0.007)


@pytest.mark.parametrize(
    ("gains", "outcome", "decided_by"),
    [
        ([UP], "helped", 0),
        ([UP, Interval(0.3, 0.2, 0.4)], "helped", 0),
        ([BARELY], "helped", 0),  # inside ±margin, but above 0: the first rule comes first
        ([UP, DOWN], "hurt", 1),
        ([DOWN, Interval(-0.06, -0.14, 0.02)], "hurt", 0),  # the smaller gain does not show it
        ([Interval(-0.004, -0.007, -0.001)], "hurt", 0),
        ([NARROW], "no-difference", 0),
        ([UP, NARROW], "no-difference", 1),
        ([WIDE], "undecidable", 0),
        ([UP, WIDE], "undecidable", 1),
        ([NARROW, Interval(0.0, -0.5, 0.5)], "undecidable", 1),
        ([], "undecidable", None),
    ],
)
def test_truth_table(gains, outcome, decided_by):
    assert outcome_of(gains, 0.01) == (outcome, decided_by)


def predictions(n, wrong):
    """Truth 0 everywhere; predictions are wrong on the rows given."""
    codes = np.zeros(n, dtype=int)
    codes[list(wrong)] = 1
    return codes


def versus(n, transfer_wrong, control_wrong, **more):
    transfer = Contender(name="probe", title="frozen", predicted=predictions(n, transfer_wrong))
    other = Control(name="lexical", title="TF-IDF", predicted=predictions(n, control_wrong))
    return decide(np.zeros(n, dtype=int), 2, transfer, [other], **more)


def test_helped_in_words():
    verdict = versus(1000, range(100), range(50, 220))
    assert verdict.outcome == "helped"
    assert verdict.gain == pytest.approx(0.07)
    assert verdict.best_control == "lexical"
    assert verdict.sentence.startswith(
        "Transfer helped: 90.0 % of 1,000 test rows right, against 83.0 % for TF-IDF; "
        "the gain is 7.0 points (95 % interval "
    )


def test_hurt_is_told_as_a_loss():
    verdict = versus(1000, range(50, 220), range(100))
    assert verdict.outcome == "hurt"
    assert verdict.high < 0
    assert "the loss is 7.0 points (95 % interval 4." in verdict.sentence


def test_no_difference_names_the_margin():
    verdict = versus(20_000, range(1000), range(5, 1005))
    assert verdict.outcome == "no-difference"
    assert "the difference is 0.0 points" in verdict.sentence
    assert verdict.sentence.endswith("inside the margin of ±1.0 points.")


def test_undecidable_says_how_many_rows():
    verdict = versus(100, range(10), range(5, 18))
    assert verdict.outcome == "undecidable"
    assert verdict.rows_to_decide > 100
    assert f"About {verdict.rows_to_decide:,} test rows would decide it." in verdict.sentence


def test_agreement_on_few_rows_is_no_proof():
    assert versus(5, [], []).outcome == "undecidable"
    assert versus(1, [], [0]).outcome == "undecidable"


def test_other_metrics_and_those_where_less_is_better():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 400)
    sure, vague = np.full((400, 3), 0.1), np.full((400, 3), 0.3)
    sure[np.arange(400), truth] = 0.8
    vague[np.arange(400), truth] = 0.4
    transfer = Contender(name="probe", title="f", predicted=truth, probabilities=sure)
    other = Control(name="lexical", title="l", predicted=truth, probabilities=vague)
    verdict = decide(truth, 3, transfer, [other], metric="log_loss")
    assert verdict.outcome == "helped"
    assert verdict.gain == pytest.approx(np.log(0.8 / 0.4))
    macro = decide(truth, 3, transfer, [other], metric="macro-f1")
    assert macro.sentence.split(": ")[1].startswith("macro-F1 1.000 on 400 test rows, against")
    bare = Contender(name="probe", title="f", predicted=truth)
    with pytest.raises(ParameterError, match="probabilities"):
        gain("log_loss", truth, bare, other, 3)


def test_a_control_on_fewer_rows_meets_transfer_trained_on_those():
    truth = np.zeros(600, dtype=int)
    transfer = Contender(name="probe", title="f", predicted=predictions(600, range(30)))
    rows = np.arange(0, 600, 2)
    wrong = predictions(300, range(120))
    small = Control(name="random", title="random weights", predicted=wrong, index=rows)
    paired = decide(truth, 2, transfer, [small]).per_control["random"]
    assert (paired.n, paired.against, paired.own) == (300, 0.95, False)
    own = Control(
        name="random",
        title="random weights",
        predicted=wrong,
        index=rows,
        against=predictions(300, range(60)),
    )
    verdict = decide(truth, 2, transfer, [own])
    assert verdict.per_control["random"].against == pytest.approx(0.8)
    assert "both trained on the same rows" in verdict.sentence


def test_helped_needs_every_control():
    truth = np.zeros(500, dtype=int)
    transfer = Contender(name="probe", title="f", predicted=predictions(500, range(40)))
    weak = Control(name="majority", title="m", predicted=predictions(500, range(300)))
    equal = Control(name="lexical", title="l", predicted=predictions(500, range(20, 62)))
    assert decide(truth, 2, transfer, [weak]).outcome == "helped"
    verdict = decide(truth, 2, transfer, [weak, equal])
    assert (verdict.outcome, verdict.best_control) == ("undecidable", "lexical")


def test_json_is_strict():
    told = versus(1, [], [0]).to_json()
    json.dumps(told, allow_nan=False)
    assert set(told) >= {"outcome", "gain", "low", "high", "best_control", "sentence"}


@pytest.mark.parametrize(("n", "k"), [(30, 2), (120, 2), (300, 5)])
def test_two_equal_models_are_rarely_told_apart(n, k):
    """Random against random: "helped" at most in the 2.5 % that the interval allows.

    The interval itself is tried, on pairs whose expected scores are equal.
    """
    rng, trials, helped = np.random.default_rng(n), 1200, 0
    truth = np.zeros(n, dtype=int)
    for trial in range(trials):
        a, b = (np.where(rng.random(n) < 0.7, 0, rng.integers(1, k, n)) for _ in range(2))
        one = Contender(name="a", title="a", predicted=a)
        other = Contender(name="b", title="b", predicted=b)
        helped += gain("accuracy", truth, one, other, k, seed=trial).low > 0
    allowed = 0.025 + 2 * np.sqrt(0.025 * 0.975 / trials)  # its own chance included
    assert helped / trials <= allowed


def test_three_random_controls_are_almost_never_beaten_by_chance():
    rng, trials, helped = np.random.default_rng(9), 400, 0
    truth = np.zeros(200, dtype=int)
    for trial in range(trials):
        right = rng.random((4, 200)) < 0.6
        codes = np.where(right, 0, 1)
        transfer = Contender(name="probe", title="p", predicted=codes[0])
        others = [
            Control(name=f"seed {i}", title="random weights", predicted=codes[i]) for i in (1, 2, 3)
        ]
        helped += decide(truth, 2, transfer, others, seed=trial).outcome == "helped"
    assert helped / trials <= 0.025
