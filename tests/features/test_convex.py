"""Heads reach scikit-learn's optimum, on dense, sparse and joined features; ridge out of fold."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from graftwork.errors import DataError, ParameterError
from graftwork.features._design import Design
from graftwork.features.convex import balanced_weights, fit_head, fit_path
from graftwork.features.ridge import ridge_scores
from graftwork.tasks._softmax import SoftmaxLoss

K = 9
TIGHT = {"tolerance": 1e-6, "max_iterations": 500}


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """As in `runtime.threads`: two threads in such small products only wait for each other."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    y = rng.integers(0, K, 400)
    dense = (rng.normal(size=(K, 20))[y] + 2 * rng.normal(size=(400, 20)) + 3).astype(np.float32)
    table = sp.random(400, 80, density=0.1, format="csr", rng=rng, dtype=np.float32)
    return dense, table, y


def objective(head, blocks, y, strength, weights=None):
    weights = np.ones(len(y)) if weights is None else weights
    scores = (
        sum(b @ w.astype(np.float64) for b, w in zip(blocks, head.weights, strict=True)) + head.bias
    )
    scores -= scores.max(axis=1, keepdims=True)
    losses = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(y)), y]
    norm = sum((w.astype(np.float64) ** 2).sum() for w in head.weights)
    return np.average(losses, weights=weights) + norm / (2 * strength * weights.sum())


@pytest.mark.parametrize("kind", ["dense", "sparse", "mixed", "wide", "wide and sparse"])
@pytest.mark.parametrize("weighted", [False, True])
def test_same_optimum_as_sklearn(data, kind, weighted):
    strength = 1.0
    from sklearn.linear_model import LogisticRegression

    dense, table, y = data
    wide = np.hstack([dense, np.random.default_rng(2).normal(size=(400, 700))]).astype(np.float32)
    blocks = {
        "dense": [dense],
        "sparse": [table],
        "mixed": [dense, table],
        "wide": [wide],
        "wide and sparse": [wide, table],
    }[kind]
    weights = np.random.default_rng(1).random(len(y)) * 3 if weighted else None
    joined = np.hstack([b.toarray() if sp.issparse(b) else b for b in blocks])
    peer = LogisticRegression(C=strength, tol=1e-5, max_iter=5000)
    peer.fit(joined.astype(np.float64), y, sample_weight=weights)
    head = fit_head(blocks, y, SoftmaxLoss(K), strength=strength, sample_weight=weights, **TIGHT)
    assert head.converged
    edges = np.cumsum([b.shape[1] for b in blocks])[:-1]
    theirs = type(head)(np.split(peer.coef_.T, edges), peer.intercept_)
    best = objective(theirs, blocks, y, strength, weights)
    assert objective(head, blocks, y, strength, weights) == pytest.approx(best, rel=1e-4)
    assert head.objective == pytest.approx(best, rel=1e-4)
    assert (head.scores(blocks).argmax(1) == peer.predict(joined)).mean() > 0.99


def test_default_tolerance_is_near_the_optimum(data):
    dense, table, y = data
    tight = fit_head([dense, table], y, SoftmaxLoss(K), strength=1.0, **TIGHT)
    loose = fit_head([dense, table], y, SoftmaxLoss(K), strength=1.0)
    assert loose.n_iterations < tight.n_iterations
    assert loose.objective == pytest.approx(tight.objective, rel=1e-3)


def test_path_equals_single_fits(data):
    dense, table, y = data
    path = fit_path([dense, table], y, SoftmaxLoss(K), [10.0, 0.1, 1.0], **TIGHT)
    for strength, head in zip([10.0, 0.1, 1.0], path, strict=True):
        alone = fit_head([dense, table], y, SoftmaxLoss(K), strength=strength, **TIGHT)
        assert head.objective == pytest.approx(alone.objective, rel=1e-4)


def test_a_large_c_is_approached_by_way_of_weaker_ones_to_the_same_optimum(data, monkeypatch):
    from graftwork.features import convex

    dense, table, y = data
    tried = []
    curvature = convex._curvature
    monkeypatch.setattr(convex, "_curvature", lambda *a: tried.append(1) or curvature(*a))
    by_way = fit_head([dense, table], y, SoftmaxLoss(K), strength=1000.0, **TIGHT)
    assert len(tried) == 3  # 1000 / 16 / 16, 1000 / 16, 1000
    fit_head([dense], y, SoftmaxLoss(K), strength=1000.0)  # its preconditioner is good anywhere
    assert len(tried) == 4
    monkeypatch.setattr(convex, "_approach", lambda strength, above: [])
    alone = fit_head([dense, table], y, SoftmaxLoss(K), strength=1000.0, **TIGHT)
    assert len(tried) == 5
    assert by_way.objective == pytest.approx(alone.objective, rel=1e-3)


def test_so_is_one_far_above_the_one_before_it():
    from graftwork.features.convex import _way

    assert _way([1.0, 1000.0], begun=False) == [1.0, 1000 / 256, 1000 / 16, 1000.0]
    assert _way([1000.0, 250.0], begun=False) == [250 / 16, 250.0, 1000.0]
    assert _way([250.0, 1000.0], begun=True) == [250.0, 1000.0]
    assert _way([16.0], begun=False) == [16.0]


@pytest.mark.parametrize("rows", [400, 15])  # of 20 features: more rows than they, and fewer
def test_start_at_the_optimum_ends_at_once(data, rows):
    dense, y = data[0][:rows], data[2][:rows]
    head = fit_head([dense], y, SoftmaxLoss(K), strength=1.0)
    again = fit_head([dense], y, SoftmaxLoss(K), strength=1.0, start=head, tolerance=1e-3)
    assert again.n_iterations <= 1
    assert again.weights[0].shape == (20, K)


def test_more_features_than_rows_cost_what_the_rows_cost(data):
    dense, y = data[0][:100], data[2][:100]
    wide = np.hstack([dense, np.zeros((100, 5000), np.float32)])
    assert Design([wide], K).blocks[0].shape == (100, 100)
    narrow, padded = (
        fit_head([block], y, SoftmaxLoss(K), strength=1.0, **TIGHT) for block in (dense, wide)
    )
    assert padded.objective == pytest.approx(narrow.objective, rel=1e-5)
    np.testing.assert_allclose(padded.scores([wide]), narrow.scores([dense]), atol=2e-2)
    np.testing.assert_array_less(np.abs(padded.weights[0][20:]), 1e-5)


def test_deterministic_and_inputs_untouched(data):
    dense, table, y = data
    kept = dense.copy(), table.copy()
    one, two = (fit_head([dense, table], y, SoftmaxLoss(K), strength=1.0) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one.weights, two.weights, strict=True))
    assert np.array_equal(dense, kept[0])
    assert (table != kept[1]).nnz == 0
    assert one.weights[0].dtype == np.float32
    assert one.weights[1].shape == (80, K)


def test_features_that_are_hard_on_float32(data):
    dense, _, y = data
    twice = np.hstack([dense, dense, np.zeros_like(dense), np.ones((len(y), 1), np.float32)]) * 100
    head = fit_head([twice], y, SoftmaxLoss(K), strength=1.0)
    assert np.isfinite(head.objective)
    assert head.objective < np.log(K)


def test_two_labels_and_a_single_column(data):
    dense, table, y = data
    head = fit_head([dense[:, :1], table], (y > 4).astype(int), SoftmaxLoss(2), strength=1.0)
    assert head.converged
    assert head.scores([dense[:, :1], table]).shape == (400, 2)


def test_refusals(data):
    dense, table, y = data
    loss = SoftmaxLoss(K)
    for bad in (np.nan, np.inf):
        broken = dense.copy()
        broken[3, 4] = bad
        with pytest.raises(DataError, match="NaN"):
            fit_head([broken], y, loss, strength=1.0)
    holed = table.copy()
    holed.data[5] = np.nan
    with pytest.raises(DataError, match="block 1"):
        fit_head([dense, holed], y, loss, strength=1.0)
    for strength in (0.0, -1.0, np.nan):
        with pytest.raises(ParameterError):
            fit_head([dense], y, loss, strength=strength)
    with pytest.raises(ParameterError, match="rows"):
        fit_head([dense, table[:10]], y, loss, strength=1.0)
    with pytest.raises(ParameterError):
        fit_head([dense], y[:5], loss, strength=1.0)
    with pytest.raises(ParameterError):
        fit_head([], y, loss, strength=1.0)
    with pytest.raises(ParameterError):
        fit_head([dense], y, loss, strength=1.0, sample_weight=-np.ones(len(y)))
    with pytest.raises(ParameterError, match="start"):
        fit_head([table], y, loss, strength=1.0, start=fit_head([dense], y, loss, strength=1.0))


def test_balanced_weights():
    codes = np.array([0, 0, 0, 2])
    weights = balanced_weights(codes)
    assert weights.mean() == pytest.approx(1.0)
    assert weights[:3].sum() == pytest.approx(weights[3])


def test_ridge_equals_a_fit_per_fold(data):
    from sklearn.linear_model import Ridge

    dense, _, y = data
    hot = SoftmaxLoss(K).indicator(y)
    folds = np.random.default_rng(2).integers(0, 5, len(y))
    found = ridge_scores(dense + 50, hot, folds, [1e-3, 0.1, 10.0])
    for alpha, scores in found.items():
        for fold in range(5):
            train, held = folds != fold, folds == fold
            scale = train.sum() * dense[train].var(axis=0).mean()
            peer = Ridge(alpha * scale).fit(dense[train].astype(np.float64), hot[train])
            np.testing.assert_allclose(scores[held], peer.predict(dense[held]), atol=2e-4)


def test_ridge_refusals(data):
    dense, _, y = data
    hot, folds = SoftmaxLoss(K).indicator(y), np.arange(len(y)) % 3
    with pytest.raises(ParameterError):
        ridge_scores(dense, hot, folds, [0.0])
    with pytest.raises(ParameterError):
        ridge_scores(dense, hot, np.zeros(len(y), int), [1.0])
    with pytest.raises(ParameterError):
        ridge_scores(dense, hot[:4], folds, [1.0])
    with pytest.raises(DataError):
        ridge_scores(np.where(dense > 8, np.nan, dense), hot, folds, [1.0])


@pytest.mark.parametrize("strength", [1.0, 100.0, 1000.0, 1e5])
def test_a_cold_start_at_any_strength_leaves_zero(strength: float) -> None:
    """On separable rows the first step overshoots by far; the search must find its way back."""
    rng = np.random.default_rng(3)
    codes = np.arange(120) % 2
    words = rng.random((120, 400)) < 0.02
    words[np.arange(120), codes] = True  # one column a class decides
    x = sp.csr_matrix(words.astype(np.float32))
    x = sp.csr_matrix(x.multiply(1 / np.sqrt(x.multiply(x).sum(axis=1))).astype(np.float32))
    head = fit_head([x], codes, SoftmaxLoss(2), strength=strength)
    assert head.converged
    assert (head.scores([x]).argmax(axis=1) == codes).all()
    along = fit_path([x], codes, SoftmaxLoss(2), [1.0, 30.0, strength])[-1]
    assert head.objective == pytest.approx(along.objective, rel=2e-2)
