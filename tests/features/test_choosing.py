"""Readouts, their ranking, the race of heads, and what may honestly be said of the winner."""

from __future__ import annotations

import json

import numpy as np
import pytest

import toys
from graftwork.bases.backbone import Shape
from graftwork.bases.vectors import Vectors
from graftwork.errors import ParameterError
from graftwork.features.out_of_fold import OutOfFold
from graftwork.features.race import Entry, race
from graftwork.features.rank_readouts import rank_readouts
from graftwork.features.readout import MIXES, SCALES, USUAL, Readout, readout_candidates
from graftwork.features.segments import Segment
from graftwork.features.sources import DenseSource, SparseSource
from graftwork.features.stored import Stored
from graftwork.runs.progress import Progress
from graftwork.tasks.classification import Classification

K = 4
TASK = Classification(list("abcd"))


def even(layers, poolings, width=8):
    """Vectors of one width."""
    return Vectors(((width,) * poolings,) * layers)


def planted(n=240, layers=4, good=2, seed=0):
    """Stored features of which one layer, its second pooling, tells the classes apart."""
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % K
    values = rng.normal(size=(n, layers, 2, 12)).astype(np.float32)
    values[:, good, 1, :K] += 2.5 * np.eye(K)[codes]
    keys = rng.integers(0, 256, (n, 16), dtype=np.uint8)
    segment = Segment("memory", [key.tobytes() for key in keys], values)
    where = np.stack([np.zeros(n, np.int64), np.arange(n)], axis=1)
    stored = Stored((segment,), where, keys, even(layers, 2, 12))
    return stored, codes, np.random.default_rng(seed).permutation(n) % 5


# --- readouts


@pytest.mark.parametrize(("layers", "poolings"), [(1, 1), (3, 2), (7, 2), (13, 1), (49, 2)])
def test_candidates_are_few_different_and_within_the_base(layers, poolings):
    found = list(readout_candidates(even(layers, poolings)))
    assert found[0] == Readout((layers - 1,), 0)  # the default comes first
    assert len(set(found)) == len(found) <= 60
    assert {readout.pooling for readout in found} == set(range(poolings))
    assert {readout.scale for readout in found} == set(USUAL)
    assert all(0 <= layer < layers for readout in found for layer in readout.layers)
    if layers > 1:
        assert {readout.mix for readout in found} == set(MIXES)
        assert any(readout.layers == tuple(range(layers)) for readout in found)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("mix", MIXES)
def test_standardised_by_the_training_rows_alone(mix, scale):
    stored, _, _ = planted()
    readout = Readout((1, 3), 1, mix, scale)
    raw = readout.raw(stored.view)
    assert raw.shape == (240, 24 if mix == "concat" else 12)
    fitted = readout.fit(raw[:100])
    train = fitted.apply(raw[:100])
    assert train.dtype == np.float32
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-5)
    assert np.mean((train**2).sum(axis=1)) == pytest.approx(1, rel=1e-4)
    spoilt = raw.copy()
    spoilt[100:] = 1e6
    assert np.array_equal(readout.fit(spoilt[:100]).mean, fitted.mean)
    if scale != "unit":
        np.testing.assert_allclose(train.std(axis=0) * np.sqrt(raw.shape[1]), 1, rtol=1e-4)


def test_a_constant_dimension_stays_finite():
    raw = np.ones((9, 3), np.float32)
    raw[:, 0] = np.arange(9)
    applied = Readout((0,), 0).fit(raw).apply(raw)
    assert np.isfinite(applied).all()
    assert not applied[:, 1:].any()


def test_kept_as_json_and_told_in_words():
    for readout in readout_candidates(even(7, 2), SCALES):
        assert Readout.from_json(json.loads(json.dumps(readout.to_json()))) == readout
    told = Readout((5, 6), 1, "mean", "unit").describe(("mean", "first"))
    assert told == "layers 5, 6 averaged, first pooling, unit"


@pytest.mark.parametrize("wrong", [((), 0), ((1,), 0, "sum"), ((1,), 0, "concat", "minmax")])
def test_not_a_readout(wrong):
    with pytest.raises(ParameterError):
        Readout(*wrong)


def test_layers_of_unlike_widths_stand_side_by_side():
    found = list(readout_candidates(Vectors(((3, 3, 3), (5, 5, 45)))))
    assert all(readout.mix == "concat" for readout in found)
    assert Readout((0, 1), 2) in found
    rows = np.arange(2 * 2 * 3 * 45, dtype=np.float32).reshape(2, 2, 3, 45)
    vectors = Vectors(((3, 3, 3), (5, 5, 45)))
    flat = vectors.flat(rows)
    assert flat.shape == (2, 64)
    for layer, widths in enumerate(vectors.widths):
        for pooling, width in enumerate(widths):
            found = vectors.view(flat, layer, pooling)
            np.testing.assert_array_equal(found, rows[:, layer, pooling, :width])


def test_roots_keep_their_sign_and_zero():
    raw = np.asarray([[-4.0, 0.0, 4.0]], np.float32)
    found = Readout((0,), 0, "concat", "root").raw(lambda *_: raw)
    np.testing.assert_allclose(found, [[-1.902, 0.0, 1.902]], atol=1e-3)


# --- ranking


def test_ranking_finds_the_planted_layer():
    stored, codes, folds = planted()
    ranked = rank_readouts(
        [stored], list(readout_candidates(even(4, 2))), codes, folds, TASK, "accuracy"
    )
    best, score = ranked[0]
    assert best.pooling == 1
    assert 2 in best.layers
    assert score > 0.8
    assert [s for _, s in ranked] == sorted((s for _, s in ranked), reverse=True)
    blind = next(s for readout, s in ranked if readout == Readout((0,), 0))
    assert blind < 0.45
    again = rank_readouts(
        [stored], list(readout_candidates(even(4, 2))), codes, folds, TASK, "accuracy"
    )
    assert again == ranked


def test_ranking_reads_several_inputs_together():
    one, codes, folds = planted(good=1, seed=1)
    two, _, _ = planted(good=1, seed=2)
    candidates = [Readout((1,), 1)]
    alone = rank_readouts([one], candidates, codes, folds, TASK, "accuracy")[0][1]
    both = rank_readouts([one, two], candidates, codes, folds, TASK, "accuracy")[0][1]
    assert both > alone


def test_ranking_is_out_of_fold():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 1, 1, 200)).astype(np.float32)  # more dimensions than rows
    keys = rng.integers(0, 256, (60, 16), dtype=np.uint8)
    segment = Segment("memory", [key.tobytes() for key in keys], values)
    where = np.stack([np.zeros(60, int), np.arange(60)], 1)
    stored = Stored((segment,), where, keys, even(1, 1, 200))
    codes = rng.integers(0, K, 60)
    score = rank_readouts([stored], [Readout((0,), 0)], codes, np.arange(60) % 5, TASK, "accuracy")
    assert score[0][1] < 0.5  # in sample it would be 1


# --- the race


def entries(stored, readouts, strengths=(1.0, 16.0)):
    return [
        Entry(f"readout {i}", {"number": i}, [DenseSource("x", stored, readout)], strengths)
        for i, readout in enumerate(readouts)
    ]


def test_the_race_is_won_by_the_planted_layer():
    stored, codes, folds = planted()
    three = [Readout((0,), 0), Readout((2,), 1), Readout((3,), 1)]
    found = race(entries(stored, three), codes, folds, TASK, "accuracy")
    best = found.best()
    assert found.settings[best]["number"] == 1
    assert found.settings[best]["balanced"] is False
    assert found.predicted.shape == (6, 240)  # small data: every candidate sees every fold
    assert found.scores()[best] > 0.8
    assert np.array_equal(found.best_probabilities.argmax(axis=1), found.predicted[best])
    json.dumps(found.to_json(), allow_nan=False)
    assert found.to_json()["candidates"][0]["settings"] == found.settings[best]


def test_only_finalists_see_every_fold(monkeypatch):
    monkeypatch.setattr("graftwork.features.race.FIRST_ROWS", 50)
    stored, codes, folds = planted()
    many = [Readout((layer,), pooling) for layer in range(4) for pooling in range(2)]
    found = race(entries(stored, many), codes, folds, TASK, "accuracy", finalists=3)
    assert len(found.names) == 3
    assert found.settings[found.best()]["number"] == many.index(Readout((2,), 1))
    assert (found.best_probabilities.sum(axis=1) > 0.99).all()


def test_the_race_is_deterministic_and_stops_when_cancelled():
    stored, codes, folds = planted()
    one, two = (
        race(entries(stored, [Readout((2,), 1)]), codes, folds, TASK, "accuracy") for _ in "ab"
    )
    assert np.array_equal(one.best_probabilities, two.best_probabilities)
    progress = Progress()
    progress.cancel("enough")
    with pytest.raises(Exception, match="enough"):
        race(entries(stored, [Readout((2,), 1)]), codes, folds, TASK, "accuracy", progress=progress)


def test_no_fold_learns_from_the_rows_that_it_judges(lexical):
    texts = [f"unique{i} word{i % 7}" for i in range(60)]
    codes = np.random.default_rng(0).integers(0, K, 60)
    source = SparseSource("x", lexical, lexical.prepare(texts))
    found = race(
        [Entry("table", {}, [source], (1000.0,))], codes, np.arange(60) % 5, TASK, "accuracy"
    )
    assert found.scores()[0] < 0.5  # `unique…` would give every label away
    fitted = source.fit(np.arange(48))
    assert "unique50" not in fitted.backbone.words
    whole = source.fit(np.arange(60)).block(np.arange(60))
    direct = lexical.fit(lexical.prepare(texts))
    expected = direct.encode(direct.prepare(texts), np.arange(60), Shape.SPARSE)
    assert (whole != expected).nnz == 0


# --- out of fold


def coins(n=400, candidates=60, seed=0):
    """Predictions by guessing: none is better than another, one looks best."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    return OutOfFold(
        names=[str(i) for i in range(candidates)],
        settings=[{} for _ in range(candidates)],
        predicted=rng.integers(0, 2, (candidates, n)).astype(np.int32),
        log_loss=np.full(candidates, 0.7),
        truth=truth,
        metric="accuracy",
        n_classes=2,
    )


def test_cross_fitting_lifts_the_winners_curse():
    naive, honest = [], []
    for seed in range(40):
        found = coins(seed=seed)
        halves = np.random.default_rng(seed + 1000).permutation(400) % 2 == 0
        naive.append(found.scores().max())
        honest.append(np.mean(found.cross_fitted(halves) == found.truth))
    assert np.mean(naive) > 0.55  # the best of 60 coins looks better than it is
    assert abs(np.mean(honest) - 0.5) < 0.01  # 16,000 rows: one standard error is .004


def test_each_half_is_judged_by_the_choice_of_the_other():
    truth = np.zeros(8, int)
    halves = np.arange(8) < 4
    wrong_first = np.where(halves, 1, 0)  # perfect on the second half, wrong on the first
    found = OutOfFold(
        ["a", "b"],
        [{}, {}],
        np.stack([wrong_first, 1 - wrong_first]).astype(np.int32),
        np.zeros(2),
        truth,
        "accuracy",
        2,
    )
    # the second half would choose `a`, which is wrong on the first; and the reverse
    assert found.cross_fitted(halves).tolist() == [1] * 8
    assert found.best(np.flatnonzero(halves)) == 1
    assert found.best(np.flatnonzero(~halves)) == 0


def test_of_equals_the_surer_one():
    found = OutOfFold(
        ["a", "b"], [{}, {}], np.zeros((2, 5), np.int32), np.array([0.9, 0.4]), np.zeros(5, int),
        "accuracy", 2,
    )  # fmt: skip
    assert found.best() == 1


def test_stored_rows_of_several_segments_come_in_order(bert, tmp_path):
    from graftwork.features.store import FeatureStore

    store, texts = FeatureStore(tmp_path), toys.sentences(30)[0]
    for start in (20, 10, 0):
        store.features(bert, texts[start : start + 10])
    stored = store.features(bert, texts)
    assert len(stored.paths) == 3
    assert len(stored) == 30
    assert stored.vectors == even(3, 2, toys.HIDDEN)
    direct = bert.encode(bert.prepare(texts), np.arange(30), Shape.POOLED)
    np.testing.assert_allclose(stored.view(2, 1), direct[:, 2, 1], atol=2e-3)
