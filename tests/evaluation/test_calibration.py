"""Temperature, reliability by bins, and the expected calibration error."""

from __future__ import annotations

import numpy as np
import pytest

from graftwork.evaluation.calibration import (
    BINS,
    calibration,
    calibration_error,
    error_by_chance,
    fit_temperature,
    reliability_bins,
    tempered,
)


def honest(n, k=5, seed=0):
    """Truth and probabilities that are right as often as they say."""
    rng = np.random.default_rng(seed)
    scores = 2.0 * rng.normal(size=(n, k))
    odds = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    truth = (odds.cumsum(1) > rng.random(n)[:, None]).argmax(1)
    return truth, odds


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_the_temperature_is_found_again(temperature):
    truth, odds = honest(6000)
    found = fit_temperature(truth, tempered(odds, 1 / temperature))
    assert found == pytest.approx(temperature, rel=0.08)


def test_it_has_the_least_log_loss():
    truth, odds = honest(800, seed=1)
    sharp = tempered(odds, 0.5)

    def loss(temperature):
        return -np.log(tempered(sharp, temperature)[np.arange(800), truth]).mean()

    found = fit_temperature(truth, sharp)
    assert loss(found) <= min(loss(found * 1.05), loss(found * 0.95), loss(1.0)) + 1e-6


def test_few_rows_say_nothing():
    truth, odds = honest(49)
    assert fit_temperature(truth, tempered(odds, 0.3)) == 1.0
    assert fit_temperature(truth, np.zeros((0, 0))) == 1.0


def test_a_model_that_is_always_right_does_not_become_certain():
    odds = np.tile([0.7, 0.2, 0.1], (100, 1))
    found = tempered(odds, fit_temperature(np.zeros(100, int), odds))
    assert 0.9 < found[0, 0] < 0.999


def test_certain_mistakes_and_float32_stay_finite():
    odds = np.tile(np.float32([1.0, 0.0]), (60, 1))
    truth = np.arange(60) % 2
    found = fit_temperature(truth, odds)
    assert np.isfinite(tempered(odds, found)).all()
    assert found == 20.0


def test_tempering_keeps_predictions_and_can_be_taken_back():
    _, odds = honest(200)
    for temperature in (0.2, 3.0):
        changed = tempered(odds, temperature)
        assert (changed.argmax(1) == odds.argmax(1)).all()
        np.testing.assert_allclose(changed.sum(1), 1)
        np.testing.assert_allclose(tempered(changed, 1 / temperature), odds, atol=1e-9)
    zeros = np.array([[0.5, 0.5, 0.0]])
    assert tempered(zeros, 4.0)[0, 2] == 0.0


def test_bins_hold_about_as_many_rows_each():
    truth, odds = honest(1000)
    bins = reliability_bins(truth, odds)
    assert len(bins) == BINS
    assert sum(b["n"] for b in bins) == 1000
    assert max(b["n"] for b in bins) - min(b["n"] for b in bins) <= 2
    assert all(b["low"] <= b["confidence"] <= b["high"] for b in bins)
    assert len(reliability_bins(truth[:37], odds[:37])) == 3


def test_rows_of_equal_confidence_share_a_bin():
    odds = np.repeat([[0.9, 0.1], [0.6, 0.4]], [90, 10], axis=0)
    bins = reliability_bins(np.zeros(100, int), odds)
    assert [b["n"] for b in bins] == [10, 90]


def test_the_error_is_the_mean_distance():
    odds = np.repeat([[0.9, 0.1], [0.6, 0.4]], [50, 50], axis=0)
    truth = np.r_[np.zeros(40, int), np.ones(10, int), np.zeros(40, int), np.ones(10, int)]
    assert calibration_error(reliability_bins(truth, odds)) == pytest.approx((0.1 + 0.2) / 2)
    assert calibration_error([]) is None


def test_an_honest_model_errs_as_much_as_chance_says():
    errors, chance = [], []
    for seed in range(40):
        truth, odds = honest(600, seed=seed)
        errors.append(calibration_error(reliability_bins(truth, odds)))
        chance.append(error_by_chance(truth, odds))
    assert np.mean(errors) == pytest.approx(np.mean(chance), rel=0.1)


def test_before_and_after_are_told_of_the_same_rows():
    truth, odds = honest(900)
    told = calibration(truth, tempered(odds, 0.4), odds, 2.5)
    assert told["ece_before"] > told["ece_after"]
    assert told["ece_after"] < 2 * told["ece_by_chance"]
    counts = [sum(b["n"] for b in told[key]) for key in ("curve_before", "curve_after")]
    assert counts == [told["rows"]] * 2
