"""Confident learning: what it must find, and what it must leave alone."""

from __future__ import annotations

import numpy as np
import pytest

from graftwork.evaluation.label_errors import label_errors


def flipped(n=600, k=4, share=0.05, seed=0, known=5.0):
    """Labels with some flipped, probabilities that mostly know, who was flipped, the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    scores = rng.normal(0, 1, (n, k))
    scores[np.arange(n), truth] += known
    odds = np.exp(scores)
    odds /= odds.sum(axis=1, keepdims=True)
    wrong = np.zeros(n, bool)
    wrong[rng.permutation(n)[: round(share * n)]] = True
    given = np.where(wrong, (truth + rng.integers(1, k, n)) % k, truth)
    return given, odds, wrong, truth


def test_by_hand():
    odds = np.array(
        [
            [0.9, 0.1],  # of class 0, and as sure of it as its class is
            [0.7, 0.3],
            [0.2, 0.8],  # labelled 0, above the mean of class 1: suspect
            [0.3, 0.7],  # of class 1
            [0.4, 0.6],
            [0.45, 0.55],
        ]
    )
    codes = np.array([0, 0, 0, 1, 1, 1])
    # thresholds: class 0 (.9 + .7 + .2) / 3 = .6, class 1 (.7 + .6 + .55) / 3 = .617
    found = label_errors(codes, odds)
    assert found.index.tolist() == [2]
    assert (found.given.tolist(), found.suggested.tolist()) == ([0], [1])
    assert found.scores == pytest.approx([(1 + 0.6) / 2])
    assert (len(found), found.looked_at) == (1, 6)


def test_flips_are_found_and_the_right_label_is_suggested():
    given, odds, wrong, truth = flipped()
    found = label_errors(given, odds)
    hits = wrong[found.index]
    assert hits.mean() > 0.8  # precision
    assert hits.sum() / wrong.sum() > 0.8  # recall
    assert (found.suggested[hits] == truth[found.index[hits]]).mean() > 0.9
    assert (np.diff(found.scores) <= 0).all()
    assert ((found.scores > 0.5) & (found.scores <= 1)).all()


def test_the_first_are_surer_than_the_last():
    given, odds, wrong, _ = flipped(n=3000, share=0.1, known=2.0)
    found = label_errors(given, odds)
    half = len(found) // 2
    assert wrong[found.index[:half]].mean() > wrong[found.index[half:]].mean()


def test_a_row_that_the_model_calls_by_its_label_is_no_suspect():
    # class 0 is told with great certainty, so .6 is below its threshold and .4 above that of 1
    odds = np.array([[0.99, 0.01]] * 8 + [[0.6, 0.4]] + [[0.65, 0.35]] * 8)
    codes = np.array([0] * 9 + [1] * 8)
    assert 8 not in label_errors(codes, odds).index


def test_clean_labels_and_absent_classes():
    given, odds, _, truth = flipped(share=0.0)
    assert len(label_errors(truth, odds)) < 0.03 * len(truth)
    wide = np.pad(odds, ((0, 0), (0, 2)))  # two classes that no row has
    assert label_errors(given, wide).suggested.max(initial=0) < 4
    assert len(label_errors(np.zeros(0, int), np.zeros((0, 3)))) == 0


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="do not fit"):
        label_errors(np.zeros(3, int), np.zeros((4, 2)))


def test_a_model_that_is_often_wrong_finds_too_many():
    codes = np.arange(90) % 3
    sure = np.full((90, 3), 0.05)
    sure[np.arange(90), codes] = 0.9
    assert not label_errors(codes, sure).many
    sure[:30] = sure[:30][:, [1, 2, 0]]  # a third of the rows are surely of another class
    assert label_errors(codes, sure).many
