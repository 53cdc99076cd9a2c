"""Every task through the same checks. A new task adds one row to `ROWS`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from graftwork.bases.backbone import Shape
from graftwork.errors import DataError
from graftwork.features.convex import fit_head
from graftwork.metrics import METRICS
from graftwork.registry import Declaration
from graftwork.tasks import TASKS


@dataclass(frozen=True)
class Row:
    """Targets of one task, and targets that it must refuse."""

    targets: list[Any]
    unknown: Any
    unusable: list[Any]


ROWS = {
    "classification": Row(
        targets=["refund", "007", 7, True, 1.5, "None", "退款", "refund ", "true"] * 4,
        unknown="refnd",
        unusable=["same"] * 5,
    )
}


@pytest.fixture(params=ROWS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def task(name: str) -> Any:
    return TASKS.get(name).from_targets(ROWS[name].targets)


def test_every_task_has_a_row():
    assert set(ROWS) == set(TASKS.names())


def test_declares_itself(name):
    declared = TASKS.get(name).declaration
    assert isinstance(declared, Declaration)
    assert declared.title
    assert declared.source


def test_asks_for_a_shape_and_metrics_that_exist(task):
    assert task.needs in set(Shape)
    assert task.metrics
    assert all(METRICS.get(metric) for metric in task.metrics)


def test_targets_there_and_back_in_their_own_type(name, task):
    targets = ROWS[name].targets
    codes = task.encode(targets)
    assert codes.shape == (len(targets),)
    scores = task.convex().indicator(codes) * 20
    back = task.decode(task.probabilities(scores))
    assert [(type(a), a) for a in back] == [(type(a), a) for a in targets]


def test_probabilities_are_shares(name, task):
    scores = np.random.default_rng(0).normal(size=(30, task.convex().n_outputs)) * 9
    odds = task.probabilities(scores.astype(np.float32))
    assert odds.dtype == np.float64
    assert odds.min() >= 0
    assert np.allclose(odds.sum(axis=1), 1)


def test_kept_as_json(name, task):
    again = TASKS.get(name).from_json(json.loads(json.dumps(task.to_json(), allow_nan=False)))
    assert [(type(a), a) for a in again.labels] == [(type(a), a) for a in task.labels]
    targets = ROWS[name].targets
    assert np.array_equal(again.encode(targets), task.encode(targets))


def test_order_of_rows_does_not_matter(name, task):
    assert TASKS.get(name).from_targets(ROWS[name].targets[::-1]).labels == task.labels


def test_its_loss_is_convex_and_has_that_gradient(name, task):
    loss, rng = task.convex(), np.random.default_rng(1)
    codes = task.encode(ROWS[name].targets)
    weights = np.full(len(codes), 1 / len(codes), np.float32)

    def value(scores: np.ndarray) -> float:
        return float(loss.value_and_gradient(scores.astype(np.float32), codes, weights)[0])

    a, b = (rng.normal(size=(len(codes), loss.n_outputs)) for _ in range(2))
    assert value((a + b) / 2) <= (value(a) + value(b)) / 2 + 1e-6
    _, gradient = loss.value_and_gradient(a.astype(np.float32), codes, weights)
    slope = float((gradient.astype(np.float64) * b).sum())
    measured = (value(a + 1e-2 * b) - value(a - 1e-2 * b)) / 2e-2
    assert measured == pytest.approx(slope, abs=1e-3)


def test_a_head_learns_it(name, task):
    codes = task.encode(ROWS[name].targets)
    noise = np.random.default_rng(0).normal(size=(len(codes), 6))
    x = np.hstack([np.eye(codes.max() + 1)[codes], 0.1 * noise]).astype(np.float32)
    head = fit_head([x], codes, task.convex(), strength=10.0)
    assert task.decode(task.probabilities(head.scores([x]))) == ROWS[name].targets


def test_refusals(name, task):
    with pytest.raises(DataError, match="did you mean"):
        task.encode([ROWS[name].unknown])
    with pytest.raises(DataError):
        TASKS.get(name).from_targets(ROWS[name].unusable)
    with pytest.raises(DataError):
        TASKS.get(name).from_json({"task": "another", "labels": []})


def test_the_folder_imports_nothing_heavy(imports_nothing_heavy):
    imports_nothing_heavy("graftwork.tasks", "TASKS")
