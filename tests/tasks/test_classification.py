"""Labels in their own type and spelling, and the softmax loss."""

from __future__ import annotations

import json

import numpy as np
import pytest

from graftwork.errors import DataError
from graftwork.tasks import TASKS
from graftwork.tasks._softmax import SoftmaxLoss
from graftwork.tasks.classification import Classification

MIXED = ["b", "007", 7, 7.0, True, 1, 1.0, "1", "None", "true", 0.1]


def test_registered():
    assert TASKS.get("classification") is Classification


def test_mixed_labels_stay_apart_and_come_back():
    task = Classification.from_targets(MIXED * 2)
    assert len(task.labels) == len(MIXED)
    codes = task.encode(MIXED)
    assert codes.dtype == np.int64
    assert len(set(codes.tolist())) == len(MIXED)
    back = task.decode(np.eye(len(MIXED))[codes])
    assert [(type(a), a) for a in back] == [(type(a), a) for a in MIXED]


def test_order_does_not_depend_on_the_rows():
    assert (
        Classification.from_targets(MIXED).labels == Classification.from_targets(MIXED[::-1]).labels
    )
    assert Classification.from_targets(["b", "a", "c"]).labels == ("a", "b", "c")


def test_numpy_scalars_are_their_values():
    task = Classification.from_targets(np.array([3, 1, 2]))
    assert task.labels == (1, 2, 3)
    assert type(task.labels[0]) is int
    assert task.encode([np.int64(2), 3]).tolist() == [1, 2]
    assert Classification.from_targets(np.array(["x", "y"])).labels == ("x", "y")


def test_json_keeps_type_and_value():
    task = Classification.from_targets(MIXED)
    again = Classification.from_json(json.loads(json.dumps(task.to_json())))
    assert [(type(a), a) for a in again.labels] == [(type(a), a) for a in task.labels]


def test_unknown_labels_all_named_with_the_nearest():
    task = Classification(["refund", "card_arrival"])
    with pytest.raises(DataError, match="did you mean 'card_arrival'") as caught:
        task.encode(["refund", "card arrival", "refundd", "card arrival"])
    assert len(caught.value.faults) == 2
    assert "2 of the rows" in str(caught.value)


@pytest.mark.parametrize(
    "labels", [["a"], [], ["a", "a"], [None, "a"], [float("nan"), 1.0], [[1], "a"]]
)
def test_labels_that_cannot_be(labels):
    with pytest.raises(DataError):
        Classification(labels)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"task": "regression", "labels": []},
        {"task": "classification", "labels": [{"type": "int", "value": "1"}]},
    ],
)
def test_bad_json(content):
    with pytest.raises(DataError):
        Classification.from_json(content)


def test_loss_against_finite_differences():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(6, 4))
    targets = rng.integers(0, 4, 6)
    weights = rng.random(6)
    weights = (weights / weights.sum()).astype(np.float32)
    loss = SoftmaxLoss(4)
    _, gradient = loss.value_and_gradient(scores.astype(np.float32), targets, weights)
    for i, j in np.ndindex(scores.shape):
        moved = []
        for sign in (1, -1):
            shifted = scores.copy()
            shifted[i, j] += sign * 1e-2
            moved.append(loss.value_and_gradient(shifted, targets, weights)[0])
        assert (moved[0] - moved[1]) / 2e-2 == pytest.approx(gradient[i, j], abs=1e-5)


def test_huge_scores_are_safe():
    scores = np.array([[1e30, -1e30, 0.0]], np.float32)
    value, gradient = SoftmaxLoss(3).value_and_gradient(
        scores.copy(), np.array([0]), np.ones(1, np.float32)
    )
    assert value == 0.0
    assert np.isfinite(gradient).all()
    found = Classification(["a", "b", "c"]).probabilities(scores)
    assert found.dtype == np.float64
    assert found.tolist() == [[1.0, 0.0, 0.0]]
    assert SoftmaxLoss(3).indicator(np.array([2, 0])).tolist() == [[0, 0, 1], [1, 0, 0]]
