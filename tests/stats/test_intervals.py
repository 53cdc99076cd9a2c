"""Intervals: they cover, they are quick, they never promise what few rows cannot show."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from graftwork.stats.bootstrap import interval, paired_interval
from graftwork.stats.interval import Interval, percentile_interval
from graftwork.stats.mcnemar import mcnemar
from graftwork.stats.means import draws_paired_interval, mean_interval, pooled_paired_interval
from graftwork.stats.proportions import paired_difference, wilson
from graftwork.stats.resample import draws, gather
from graftwork.stats.sample_size import rows_to_decide


def recall(hits, predicted, actual):
    seen = actual > 0
    return np.divide(hits, actual, out=np.zeros_like(hits), where=seen).sum(-1) / seen.sum(-1)


def accuracy(hits, predicted, actual):
    return hits.sum(-1) / actual.sum(-1)


BOTH = {"recall": recall, "accuracy": accuracy}


def sample(rng, n, k, right):
    truth = rng.integers(0, k, n)
    return truth, np.where(rng.random(n) < right, truth, (truth + 1) % k)


def test_cells_hold_every_row():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 4, 200), rng.integers(0, 3, 200)
    cells = gather(a, b)
    assert cells.counts.sum() == 200
    assert (cells.values[0][cells.of_row] == a).all()
    assert (cells.values[1][cells.of_row] == b).all()


@pytest.mark.parametrize("kinds", [2, 150])  # drawn by cell, and by row
def test_draws_are_resamples_of_the_rows(kinds):
    codes = np.random.default_rng(1).integers(0, kinds, 200)
    cells = gather(codes)
    drawn = np.concatenate(list(draws(cells, 4000, np.random.default_rng(2))))
    assert (drawn.sum(1) == 200).all()
    assert drawn.mean(0) == pytest.approx(cells.counts, abs=0.25)
    expected = cells.counts * (1 - cells.counts / 200)
    assert drawn.var(0).mean() == pytest.approx(expected.mean(), rel=0.05)


def test_statistic_equals_that_of_repeated_rows():
    rng = np.random.default_rng(3)
    truth, predicted = sample(rng, 60, 5, 0.7)
    found = interval(BOTH, truth, predicted, 5)
    assert found["accuracy"].value == pytest.approx((truth == predicted).mean())
    by_hand = np.mean([(predicted[truth == c] == c).mean() for c in np.unique(truth)])
    assert found["recall"].value == pytest.approx(by_hand)


def test_paired_interval_covers_the_truth():
    rng, inside, trials = np.random.default_rng(4), 0, 300
    for trial in range(trials):
        truth, a = sample(rng, 120, 3, 0.85)
        b = np.where(rng.random(120) < 0.75, truth, (truth + 1) % 3)
        found = paired_interval({"accuracy": accuracy}, truth, a, b, 3, resamples=500, seed=trial)
        inside += found["accuracy"].low <= 0.10 <= found["accuracy"].high
    assert 0.915 <= inside / trials <= 0.985


def test_same_seed_same_interval():
    truth, a = sample(np.random.default_rng(5), 200, 4, 0.8)
    b = (a + (np.arange(200) % 9 == 0)) % 4
    one = paired_interval(BOTH, truth, a, b, 4, seed=7)
    assert one == paired_interval(BOTH, truth, a, b, 4, seed=7)
    assert one != paired_interval(BOTH, truth, a, b, 4, seed=8)


def test_few_rows_prove_nothing():
    truth = np.array([0, 1, 0, 1, 0])
    same = paired_interval({"accuracy": accuracy}, truth, truth, truth, 2)["accuracy"]
    assert same.value == 0
    assert same.low < -0.2
    assert same.high > 0.2
    perfect = interval({"accuracy": accuracy}, truth, truth, 2)["accuracy"]
    assert perfect.low < 0.6
    four_of_four = paired_difference(4, 0, 20)
    assert four_of_four.low < 0 < four_of_four.value


def test_one_row_is_unbounded():
    found = mean_interval(np.array([0.5]))
    assert math.isinf(found.low)
    assert found.to_json() == {"value": 0.5, "low": None, "high": None}


def test_no_rows_is_an_error():
    empty = np.array([], dtype=int)
    with pytest.raises(ValueError, match="no rows"):
        interval(BOTH, empty, empty, 2)
    with pytest.raises(ValueError, match="no rows"):
        mean_interval(empty)


def test_quick_and_bounded_at_five_thousand_rows():
    rng = np.random.default_rng(6)
    truth, a = sample(rng, 5000, 150, 0.9)
    b = np.where(rng.random(5000) < 0.8, truth, rng.integers(0, 150, 5000))
    start = time.process_time()
    paired_interval(BOTH, truth, a, b, 150)
    assert time.process_time() - start < 4  # 0.4 s on a quiet machine


def test_the_expanded_percentile_is_wider_for_few_rows():
    values = np.random.default_rng(7).normal(size=20_000)
    few, many = percentile_interval(0, values, 6), percentile_interval(0, values, 100_000)
    assert few.high > 1.2 * many.high
    assert many.high == pytest.approx(1.96, abs=0.06)


def test_pooled_sets_count_the_same_or_as_weighted():
    a, b = np.array([1, 1, 0, 0] * 50), np.array([0] * 400)
    assert pooled_paired_interval([a, b]).value == pytest.approx(0.25)
    assert pooled_paired_interval([a, b], [1, 3]).value == pytest.approx(0.125)
    assert pooled_paired_interval([a, b]).low > 0
    sets = [np.full(100, shift) for shift in (-0.5, 0.1, 0.2, 1.0)]
    fixed = pooled_paired_interval(sets)
    drawn = pooled_paired_interval(sets, resample_sets=True)
    assert drawn.low < fixed.low <= fixed.high < drawn.high
    with pytest.raises(ValueError, match="weights"):
        pooled_paired_interval([a, b], [1.0])


def test_draws_share_their_test_rows():
    rng = np.random.default_rng(8)
    rows, draw = rng.normal(size=(1, 60)), rng.normal(size=(20, 1))
    found = draws_paired_interval(0.1 + rows + draw, resamples=800)
    spread = math.sqrt(1 / 60 + 1 / 20)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * spread, rel=0.35)


def test_wilson_against_known_values():
    low, high = wilson(np.array([0, 8, 10]), 10)
    assert low == pytest.approx([0.0, 0.4902, 0.7225], abs=1e-4)
    assert high == pytest.approx([0.2775, 0.9433, 1.0], abs=1e-4)
    assert [float(x) for x in wilson(0, 0)] == [0.0, 1.0]


def test_mcnemar_is_the_binomial_test():
    from scipy.stats import binomtest

    for a, b in ((0, 0), (1, 0), (9, 2), (30, 31), (5, 20)):
        expected = binomtest(a, a + b).pvalue if a + b else 1.0
        assert mcnemar(a, b) == pytest.approx(expected)


def test_rows_to_decide_grow_as_the_difference_shrinks():
    wide = rows_to_decide(Interval(0.03, -0.03, 0.09), 200, 0.01)
    small = rows_to_decide(Interval(0.02, -0.04, 0.08), 200, 0.01)
    assert 200 < wide < small
    # 0.03 at a half width of 0.06: (2.80 × 0.06 / 1.96 / 0.03)² = 8.2 times the rows
    assert wide == pytest.approx(1640, rel=0.06)
    assert rows_to_decide(Interval(0.0, 0.0, 0.0), 200, 0.01) is None
    assert rows_to_decide(Interval(0.0, -math.inf, math.inf), 1, 0.01) is None
