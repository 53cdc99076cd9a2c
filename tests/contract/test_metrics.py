"""Every metric through the same checks. A new metric adds one row to `ROWS`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from graftwork.errors import ParameterError, UnknownNameError
from graftwork.metrics import METRICS
from graftwork.metrics.scoring import score
from graftwork.registry import Declaration


@dataclass(frozen=True)
class Row:
    """Values by hand for truth 0 0 0 1 1 2, predicted 0 0 1 1 2 2, each with probability .8."""

    value: float
    perfect: float


ROWS = {
    "accuracy": Row(4 / 6, 1.0),
    "balanced_accuracy": Row((2 / 3 + 1 / 2 + 1) / 3, 1.0),
    "macro_precision": Row((1 + 1 / 2 + 1 / 2) / 3, 1.0),
    "macro_recall": Row((2 / 3 + 1 / 2 + 1) / 3, 1.0),
    "macro_f1": Row((4 / 5 + 1 / 2 + 2 / 3) / 3, 1.0),
    "weighted_f1": Row((3 * 4 / 5 + 2 * 1 / 2 + 2 / 3) / 6, 1.0),
    # 12 of 36 agree by chance: (24/36 - 12/36) / (36/36 - 12/36)
    "kappa": Row(0.5, 1.0),
    "mcc": Row((4 * 6 - 12) / np.sqrt((36 - 12) * (36 - 14)), 1.0),
    "log_loss": Row(-(4 * np.log(0.8) + 2 * np.log(0.1)) / 6, 0.0),
    # a right row: .2² + 2 · .1², a wrong one: .8² + .9² + .1²
    "brier": Row((4 * 0.06 + 2 * 1.46) / 6, 0.0),
}
TRUTH = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, 2, 2])


def odds(codes: np.ndarray, sure: float) -> np.ndarray:
    return np.where(np.eye(3)[codes] == 1, sure, (1 - sure) / 2)


@pytest.fixture(params=METRICS.names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_metric_has_a_row():
    assert set(ROWS) == set(METRICS.names())


def test_declares_itself(name):
    declared = METRICS.get(name).declaration
    assert isinstance(declared, Declaration)
    assert declared.title
    assert set(declared.facts) >= {"higher_is_better", "needs", "unit", "range", "sklearn"}


def test_value_by_hand(name):
    found = score(name, TRUTH, PREDICTED, 3, probabilities=odds(PREDICTED, 0.8))
    assert found == pytest.approx(ROWS[name].value, abs=1e-12)


def test_perfect_is_best(name):
    declared = METRICS.get(name).declaration
    found = score(name, TRUTH, TRUTH, 3, probabilities=odds(TRUTH, 1.0))
    assert found == pytest.approx(ROWS[name].perfect, abs=1e-12)
    worse = score(name, TRUTH, PREDICTED, 3, probabilities=odds(PREDICTED, 0.8))
    assert (found > worse) == declared.facts["higher_is_better"]
    low, high = declared.facts["range"]
    assert low is None or low <= min(found, worse)
    assert high is None or max(found, worse) <= high


def test_order_of_rows_and_names_of_classes_do_not_matter(name):
    rows = np.random.default_rng(0).permutation(len(TRUTH))
    swap = np.array([2, 0, 1])
    found = score(
        name,
        swap[TRUTH[rows]],
        swap[PREDICTED[rows]],
        3,
        probabilities=odds(swap[PREDICTED[rows]], 0.8),
    )
    assert found == pytest.approx(ROWS[name].value, abs=1e-12)


def test_deterministic(name):
    rng = np.random.default_rng(3)
    truth, predicted = rng.integers(0, 3, (2, 200))
    values = {score(name, truth, predicted, 3, probabilities=odds(predicted, 0.7)) for _ in "ab"}
    assert len(values) == 1


def test_bad_weights_and_names(name):
    with pytest.raises(UnknownNameError, match=name):
        METRICS.get(name + "x")
    if METRICS.get(name).declaration.facts["needs"] == "probabilities":
        with pytest.raises(ParameterError, match="probabilities"):
            score(name, TRUTH, PREDICTED, 3)


def test_the_folder_imports_nothing_heavy(imports_nothing_heavy):
    imports_nothing_heavy("graftwork.metrics", "METRICS")
