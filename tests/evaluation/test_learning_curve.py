"""The learning curve: a law that is there is found, one that is not is not invented."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from graftwork.evaluation.learning_curve import learning_curve, read_curve
from graftwork.evaluation.learning_scores import measure
from graftwork.evaluation.power_law import fit_power_law
from graftwork.stats.folds import stratified_group_folds
from graftwork.tasks.classification import Classification

SIZES = np.array([800.0, 1600.0, 3200.0, 6400.0])


@dataclass(frozen=True)
class Columns:
    """A source (and its own fit) that gives columns of an array as they are."""

    values: np.ndarray
    node: str = "columns"

    def warm(self):
        pass

    def fit(self, rows):
        return self

    def block(self, rows):
        return self.values[rows]


def rows(n=600, d=30, k=3, noise=2.0, seed=0):
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % k
    centres = rng.normal(0, 1, (k, d))
    x = (centres[codes] + rng.normal(0, noise, (n, d))) / np.sqrt(d)
    folds = stratified_group_folds(codes, np.arange(n), 5, 0)
    return Columns(x.astype(np.float32)), codes, folds, Classification(list("abcdef"[:k]))


def drawn(law, spread, seed, folds=5, draws=2):
    """Scores (folds, draws, sizes) about a law."""
    rng = np.random.default_rng(seed)
    level = rng.normal(0, spread, (folds, 1, 1))  # a fold is easy or hard at every size
    own = rng.normal(0, spread / 3, (folds, draws, len(SIZES)))
    return 1.0 - law(SIZES)[None, None] + level + own


@pytest.mark.parametrize(("a", "b", "c"), [(0.05, 3.0, 0.5), (0.0, 1.0, 0.25), (0.2, 0.0, 0.5)])
def test_a_law_is_found_again(a, b, c):
    law = fit_power_law(SIZES, a + b * SIZES**-c)
    assert law.residual < 1e-4
    assert law.at(12_800) == pytest.approx(a + b * 12_800**-c, abs=1e-3)


def test_errors_that_rise_give_a_flat_law_and_no_negative_error():
    rising = fit_power_law(SIZES, np.array([0.1, 0.11, 0.12, 0.13]))
    assert rising.b == 0
    steep = fit_power_law(SIZES, np.array([0.8, 0.3, 0.08, 0.0]))
    assert steep.at(10**9) >= 0


def test_the_gain_of_twice_the_labels_is_inside_its_interval_as_often_as_it_says():
    def law(n):
        return 0.08 + 4.0 * n**-0.45

    true = law(6400) - law(12_800)
    held = []
    for seed in range(60):
        found = read_curve("accuracy", SIZES, drawn(law, 0.01, seed), 6400, seed=0)
        assert found.gain is not None
        held.append(found.gain.low <= true <= found.gain.high)
    assert np.mean(held) >= 0.85


def test_what_is_no_curve_is_said_to_be_none():
    flat = read_curve("accuracy", SIZES, drawn(lambda n: 0.3 + 0 * n, 0.01, 1), 6400, seed=0)
    assert flat.gain is None
    assert flat.to_json()["twice"] is None
    assert "cannot be told" in flat.sentence
    jump = read_curve(
        "accuracy", SIZES, drawn(lambda n: np.where(n < 5000, 0.5, 0.2), 0.002, 1), 6400, seed=0
    )
    assert jump.gain is None
    assert "curve of the usual kind" in jump.sentence
    short = read_curve("accuracy", SIZES[:2], drawn(lambda n: 1 / n, 0.01, 1)[..., :2], 9, seed=0)
    assert "too few rows" in short.sentence


def test_a_first_point_that_is_off_the_law_is_left_out():
    scores = drawn(lambda n: 0.08 + 4.0 * n**-0.45, 0.005, 0)
    scores[..., 0] -= 0.3
    found = read_curve("accuracy", SIZES, scores, 6400, seed=0)
    assert found.gain is not None
    assert found.gain.value == pytest.approx(4.0 * (6400**-0.45 - 12_800**-0.45), abs=0.006)
    assert read_curve("accuracy", SIZES[:3], scores[..., :3], 6400, seed=0).gain is None


def test_many_more_rows_than_were_measured_are_not_extrapolated_to():
    scores = drawn(lambda n: 0.08 + 4.0 * n**-0.45, 0.005, 0)
    found = read_curve("accuracy", SIZES, scores, 100_000, seed=0)
    assert found.to_json()["twice"]["rows"] == 12_800
    assert "you have 100,000 labelled rows already" in found.sentence


def test_measured_on_features_it_rises_and_is_the_same_again():
    source, codes, folds, task = rows(noise=4.0)
    options = {"strength": 4.0, "balanced": False, "seed": 3}
    sizes, scores = measure([source], codes, folds, task, "accuracy", **options)
    assert sizes.tolist() == [60, 120, 240, 480]
    assert scores.shape[0] == 5
    assert scores.shape[2] == 4
    mean = scores.mean(axis=(0, 1))
    assert mean[-1] > mean[0] + 0.03
    again = measure([source], codes, folds, task, "accuracy", **options)[1]
    assert np.array_equal(scores, again)


def test_all_that_metrics_json_needs():
    source, codes, folds, task = rows(n=900, noise=2.5)
    found = learning_curve([source], codes, folds, task, "macro_f1", strength=1.0, balanced=True)
    told = found.to_json()
    assert [set(point) for point in told["points"]] == [{"rows", "score", "low", "high"}] * 4
    assert all(point["low"] <= point["score"] <= point["high"] for point in told["points"])
    assert told["sentence"].endswith(".")
    if told["twice"]:
        assert told["twice"]["rows"] == 1800
        assert told["twice"]["low"] <= told["twice"]["gain"] <= told["twice"]["high"]


def test_shares_with_too_few_rows_a_class_are_left_out():
    source, codes, folds, task = rows(n=30)
    found = learning_curve([source], codes, folds, task, "accuracy", strength=1.0)
    assert found.points[0].rows >= 6
