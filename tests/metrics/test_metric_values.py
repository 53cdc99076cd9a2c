"""Every metric equals scikit-learn's, on plain, skewed and degenerate predictions."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from graftwork.errors import ParameterError, UnknownNameError
from graftwork.metrics import METRICS
from graftwork.metrics.counts import ClassCounts, class_counts
from graftwork.metrics.scoring import score


def by_sklearn(name, truth, predicted, probabilities, k):
    from sklearn import metrics as sk

    macro = {"average": "macro", "zero_division": 0}
    labels = np.arange(k)
    calls = {
        "accuracy": lambda: sk.accuracy_score(truth, predicted),
        "balanced_accuracy": lambda: sk.balanced_accuracy_score(truth, predicted),
        "macro_f1": lambda: sk.f1_score(truth, predicted, **macro),
        "weighted_f1": lambda: sk.f1_score(truth, predicted, average="weighted", zero_division=0),
        "macro_precision": lambda: sk.precision_score(truth, predicted, **macro),
        "macro_recall": lambda: sk.recall_score(truth, predicted, **macro),
        "mcc": lambda: sk.matthews_corrcoef(truth, predicted),
        "kappa": lambda: sk.cohen_kappa_score(truth, predicted),
        "log_loss": lambda: sk.log_loss(truth, probabilities, labels=labels),
        "brier": lambda: sk.brier_score_loss(truth, probabilities, labels=labels),
    }
    with warnings.catch_warnings():  # classes without rows, which scikit-learn mentions
        warnings.simplefilter("ignore")
        return calls[name]()


def case(k, n, right, seed):
    rng = np.random.default_rng(seed)
    truth = rng.choice(k, n, p=rng.dirichlet(np.full(k, 0.7)))
    predicted = np.where(rng.random(n) < right, truth, rng.integers(0, k, n))
    return truth, predicted, rng.dirichlet(np.full(k, 0.5), n)


@pytest.mark.parametrize("name", METRICS.names())
@pytest.mark.parametrize(("k", "n", "right"), [(2, 60, 0.8), (5, 300, 0.6), (40, 90, 0.5)])
def test_equals_scikit_learn(name, k, n, right):
    truth, predicted, odds = case(k, n, right, seed=n)
    expected = by_sklearn(name, truth, predicted, odds, k)
    assert score(name, truth, predicted, k, probabilities=odds) == pytest.approx(
        expected, abs=1e-12
    )


@pytest.mark.parametrize("name", METRICS.names())
def test_weights_are_repeated_rows(name):
    truth, predicted, odds = case(4, 50, 0.7, seed=3)
    often = np.random.default_rng(0).integers(0, 4, 50)
    rows = np.repeat(np.arange(50), often)
    weighted = score(name, truth, predicted, 4, probabilities=odds, weights=often.astype(float))
    repeated = score(name, truth[rows], predicted[rows], 4, probabilities=odds[rows])
    assert weighted == pytest.approx(repeated, abs=1e-12)


@pytest.mark.parametrize("name", METRICS.names())
def test_one_class_gives_a_number(name):
    truth, odds = np.zeros(5, dtype=int), np.full((5, 2), 0.5)
    assert np.isfinite(score(name, truth, truth, 2, probabilities=odds))


def test_leading_axes_are_resamples():
    tables = [class_counts(*case(6, 80, 0.7, seed)[:2], 6) for seed in range(4)]
    stacked = ClassCounts(
        *(np.stack([getattr(t, part) for t in tables]) for part in ("hits", "predicted", "actual"))
    )
    for name, metric in METRICS.all().items():
        if metric.declaration.facts["needs"] == "labels":
            alone = [float(metric(t)) for t in tables]
            assert metric(stacked) == pytest.approx(alone), name


@pytest.mark.parametrize("name", METRICS.names())
def test_declares_what_faces_read(name):
    declared = METRICS.get(name).declaration
    assert declared.title
    assert isinstance(declared.facts["higher_is_better"], bool)
    assert declared.facts["needs"] in {"labels", "probabilities"}
    assert declared.facts["unit"] in {"share", "score"}
    low, high = declared.facts["range"]
    assert high is None or low < high


def test_alias_and_nearest_spelling():
    assert METRICS.get("macro-f1") is METRICS.get("macro_f1")
    with pytest.raises(UnknownNameError, match="accuracy"):
        METRICS.get("acuracy")


def test_probabilities_are_asked_for():
    truth = np.array([0, 1])
    with pytest.raises(ParameterError, match="probabilities"):
        score("brier", truth, truth, 2)


def test_a_sure_mistake_stays_finite():
    sure = np.array([[1.0, 0.0]])
    assert score("log_loss", np.array([1]), np.array([0]), 2, probabilities=sure) < 40
