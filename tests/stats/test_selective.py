"""The bound on errors among what is answered: exact, and kept."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from graftwork.stats.selective import (
    error_bound,
    guaranteed,
    rows_that_would_do,
    rows_without_error,
)

THRESHOLDS = [step / 20 for step in range(20)]


@pytest.mark.parametrize(("errors", "n", "delta"), [(0, 59, 0.05), (3, 100, 0.01), (40, 800, 0.1)])
def test_the_bound_is_the_exact_binomial_tail(errors, n, delta):
    bound = error_bound(errors, n, delta)
    assert binom.cdf(errors, n, bound) == pytest.approx(delta, rel=1e-6)
    assert bound > errors / n


def test_nothing_is_known_where_nothing_was_answered_or_all_is_wrong():
    assert error_bound(0, 0, 0.05) == 1.0
    assert error_bound(7, 7, 0.05) == 1.0


def test_the_fewest_rows_are_just_enough():
    n = rows_without_error(0.05, 0.05, 20)
    assert error_bound(0, n, 0.05 / 20) <= 0.05 < error_bound(0, n - 1, 0.05 / 20)


def draw(n, seed):
    """Confidences, and errors that do not fall steadily with them: .3, .02, .12."""
    rng = np.random.default_rng(seed)
    sure = rng.random(n)
    rate = np.select([sure < 0.4, sure < 0.7], [0.3, 0.02], 0.12)
    return sure, rng.random(n) < rate


def true_risk(threshold):
    """Of what is answered, in the long run."""
    weights = [max(0.0, 0.4 - threshold), 0.7 - max(threshold, 0.4), 0.3]
    weights = [max(0.0, w) for w in weights[:2]] + [min(0.3, 1 - threshold)]
    return float(np.dot(weights, [0.3, 0.02, 0.12]) / sum(weights))


def test_the_loosest_threshold_that_holds_is_taken():
    sure, wrong = draw(4000, 0)
    found = guaranteed(sure, wrong, THRESHOLDS, risk=0.15, delta=0.05)
    assert found is not None
    above = sure >= found.threshold
    assert (found.answered, found.errors) == (above.sum(), wrong[above].sum())
    looser = [t for t in THRESHOLDS if t < found.threshold]
    counts = [(int((sure >= t).sum()), int(wrong[sure >= t].sum())) for t in looser]
    assert all(error_bound(errors, n, 0.05 / 20) > 0.15 for n, errors in counts)
    assert true_risk(found.threshold) <= 0.15


def test_the_promise_is_kept_also_where_errors_do_not_fall_with_confidence():
    broken = promised = 0
    for seed in range(300):
        found = guaranteed(*draw(300, seed), THRESHOLDS, risk=0.11, delta=0.1)
        if found is not None:
            promised += 1
            broken += true_risk(found.threshold) > 0.11
    assert promised > 30
    assert broken <= binom.ppf(0.99, 300, 0.1)


def test_what_cannot_be_promised_is_not():
    sure, wrong = draw(200, 1)
    assert guaranteed(sure, wrong, THRESHOLDS, risk=0.01, delta=0.05) is None
    assert guaranteed(sure, np.ones(200, bool), THRESHOLDS, risk=0.5, delta=0.05) is None


def test_the_rows_that_would_do_mostly_do():
    needed = rows_that_would_do(*draw(400, 3), THRESHOLDS, risk=0.1, delta=0.05)
    assert needed is not None
    assert needed > 100
    kept = [
        guaranteed(*draw(2 * needed, seed), THRESHOLDS, risk=0.1, delta=0.05) for seed in range(20)
    ]
    assert sum(found is not None for found in kept) >= 10


def test_no_rows_would_do_for_a_model_that_errs_too_often():
    sure, _ = draw(300, 0)
    wrong = np.arange(300) % 2 == 0
    assert rows_that_would_do(sure, wrong, [0.0, 0.5], risk=0.05, delta=0.05) is None
