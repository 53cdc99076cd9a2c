from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from graftwork.evaluation.power_law import PowerLaw
from graftwork.evaluation.selection import doubt, expected, shortlist, spread


def test_doubt_is_one_minus_the_margin_of_the_two_likeliest():
    found = doubt(np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.2, 0.5, 0.3]]))
    assert found == pytest.approx([1.0, 0.0, 0.8])


def test_the_shortlist_holds_the_rows_of_most_doubt_first_of_equals_first():
    weights = np.array([0.1, 0.9, 0.5, 0.9, 0.2])
    assert shortlist(weights, 1, per_pick=3).tolist() == [1, 3, 2]
    assert len(shortlist(weights, 2, per_pick=10)) == 5


def clusters(n: int) -> np.ndarray:
    """Four far corners: one of n rows, three of two."""
    rng = np.random.default_rng(3)
    corners = [(0, 0)] * n + [(9, 0)] * 2 + [(0, 9)] * 2 + [(9, 9)] * 2
    return np.asarray(corners, dtype=np.float32) + rng.normal(0, 0.01, (n + 6, 2))


def test_rare_corners_are_picked_before_a_crowded_one_twice():
    features = clusters(200)
    weights = np.full(len(features), 0.7)
    for seed in range(10):
        corners = {tuple(np.round(features[i] / 9).astype(int)) for i in
                   spread(features, weights, 4, seed=seed)}  # fmt: skip
        assert len(corners) == 4
    at_random = np.random.default_rng(0).permutation(len(features))[:4]
    assert len({tuple(np.round(features[i] / 9).astype(int)) for i in at_random}) < 4


def test_rows_of_no_doubt_come_last_and_none_comes_twice():
    features = clusters(20)
    weights = np.zeros(len(features))
    weights[[3, 21, 25]] = [0.2, 0.5, 0.9]
    found = spread(features, weights, 26, seed=1)
    assert set(found[:3].tolist()) == {3, 21, 25}
    assert sorted(found.tolist()) == list(range(26))


def test_identical_rows_are_picked_by_doubt():
    weights = np.array([0.1, 0.4, 0.3])
    found = spread(np.ones((3, 2)), weights, 3, seed=0).tolist()
    assert sorted(found) == [0, 1, 2]
    assert [row for row in (1, 2, 0) if row != found[0]] == found[1:]


def test_the_seed_decides_and_sparse_features_change_nothing():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(80, 12)).astype(np.float32)
    features[np.abs(features) < 0.8] = 0.0
    weights = rng.random(80)
    first = spread(features, weights, 15, seed=5).tolist()
    assert spread(features, weights, 15, seed=5).tolist() == first
    assert spread(csr_matrix(features), weights, 15, seed=5).tolist() == first
    assert spread(features, weights, 15, seed=6).tolist() != first
    assert spread(features, weights, 7, seed=5).tolist() == first[:7]


def test_what_labels_should_bring_follows_the_fitted_law():
    law = PowerLaw(0.05, 1.0, 0.5, 0.0)
    gain = law.at(100) - law.at(200)
    curve = {
        "metric": "accuracy",
        "twice": {"rows": 200, "gain": gain, "low": gain / 2, "high": 2 * gain},
        "law": law.to_json(),
    }
    twice = expected(curve, 100)
    assert twice is not None
    assert twice["gain"] == pytest.approx(gain)
    assert twice["low"] == pytest.approx(gain / 2)
    few = expected(curve, 20)
    assert few is not None
    assert few["rows"] == [100, 120]
    assert few["gain"] == pytest.approx(law.at(100) - law.at(120))
    assert few["low"] == pytest.approx(few["gain"] / 2)


@pytest.mark.parametrize("curve", [None, {}, {"twice": None, "law": None, "sentence": "no"}])
def test_without_a_curve_nothing_is_promised(curve):
    assert expected(curve, 50) is None
