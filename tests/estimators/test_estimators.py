"""The estimators in the places where scikit-learn's users put them."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pil
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline, make_union

from graftwork import Model, TransferClassifier, TransferEncoder
from graftwork.errors import UnknownNameError
from picture_files import JPEG, encoded, photo

WORDS = {
    "refund": ["money back please", "I want my money returned", "refund the order", "pay me back"],
    "login": ["cannot sign in", "password is wrong", "my account is locked", "sign in fails"],
}
X = [
    f"{text} {extra}"
    for texts in WORDS.values()
    for text in texts
    for extra in ("now", "today", "!")
]
Y = [label for label, texts in WORDS.items() for _ in texts for _ in range(3)]


def test_fit_predict_score_and_labels_of_their_own_dtype() -> None:
    fitted = TransferClassifier(base="lexical", folds=3).fit(X, Y)
    assert fitted.score(X, Y) == 1.0
    assert fitted.classes_.tolist() == ["login", "refund"]
    odds = fitted.predict_proba(["please send my money back"])
    assert odds.shape == (1, 2)
    assert odds.sum() == pytest.approx(1.0)
    numbers = [7 if label == "login" else -3 for label in Y]
    other = TransferClassifier(base="lexical", folds=3).fit(np.asarray(X), np.asarray(numbers))
    assert other.classes_.dtype == np.asarray(numbers).dtype
    assert other.classes_.tolist() == [-3, 7]
    truths = [label == "login" for label in Y]
    assert TransferClassifier(base="lexical", folds=3).fit(X, truths).predict(X).dtype == bool


def test_clone_keeps_parameters_and_fit_starts_afresh() -> None:
    first = TransferClassifier(base="lexical", folds=3, random_state=4)
    twin = clone(first)
    assert twin.get_params() == first.get_params()
    twin.fit(X, Y)
    assert not hasattr(first, "model_")
    renamed = ["a" if label == "login" else "b" for label in Y]
    assert twin.fit(X, renamed).classes_.tolist() == ["a", "b"]


@pytest.mark.slow
def test_grid_search_in_two_processes() -> None:
    grid = GridSearchCV(
        TransferClassifier(base="lexical", folds=2),
        {"class_weight": ["none", "balanced"]},
        cv=2,
        n_jobs=2,
    )
    grid.fit(X, Y)
    assert grid.best_score_ > 0.5
    assert set(grid.predict(X)) <= set(Y)


def test_encoder_in_a_pipeline_beside_tfidf(tmp_path) -> None:  # type: ignore[no-untyped-def]
    encoder = TransferEncoder(cache=str(tmp_path), normalize=True)
    vectors = encoder.fit_transform(X)
    assert vectors.shape == (len(X), 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(X)), abs=1e-5)
    assert len(encoder.get_feature_names_out()) == 384
    pipeline = make_pipeline(make_union(encoder, TfidfVectorizer()), LogisticRegression())
    assert cross_val_score(pipeline, X, Y, cv=2).mean() > 0.7


def test_the_fitted_model_is_an_ordinary_model(tmp_path) -> None:  # type: ignore[no-untyped-def]
    fitted = TransferClassifier(base="lexical", folds=3).fit(X, Y)
    fitted.model_.save(tmp_path / "model")
    loaded = Model.load(tmp_path / "model")
    assert loaded.predict(X).labels == fitted.predict(X).tolist()


def test_nothing_is_carved_out_of_what_fit_receives() -> None:
    fitted = TransferClassifier(base="lexical", folds=3).fit(X, Y)
    assert fitted.model_.backbones["lexical"].n_rows == len(X)


@pytest.mark.parametrize(
    ("texts", "labels", "words"),
    [
        (X, ["one"] * len(X), "one class"),
        (X, Y[:-1], "labels"),
        ([1.0, 2.0, 3.0, 4.0], Y[:4], "texts"),
        ([], [], "empty"),
        ("one text", ["a"], "list of texts"),
        (X[:2], Y[:1] + Y[-1:], "too few"),
    ],
)
def test_bad_input_is_refused_in_words(texts: object, labels: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        TransferClassifier(base="lexical").fit(texts, labels)


def test_unknown_strategy_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="probe"):
        TransferClassifier(base="lexical", strategy="prob").fit(X, Y)
    with pytest.raises(UnknownNameError, match="pooling"):
        TransferEncoder(pooling="maximum").fit(X)


def test_a_fitted_classifier_on_a_network_is_pickled(checkpoints) -> None:  # type: ignore[no-untyped-def]
    base = str(checkpoints("bert"))
    fitted = TransferClassifier(strategy="probe", base=base, folds=2).fit(X, Y)
    before = fitted.predict_proba(X)
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.predict_proba(X), before)
    assert again.predict(X).tolist() == fitted.predict(X).tolist()
    assert np.array_equal(pickle.loads(pickle.dumps(again)).predict_proba(X), before)
    assert np.array_equal(fitted.predict_proba(X), before)  # the first one still works


def test_the_true_reason_of_a_picture_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    sound = encoded(photo())
    half = Pil.open(io.BytesIO(JPEG[:900]))
    cases: list[tuple[list[Any], str]] = [
        ([sound, tmp_path / "gone.png"], r"1 of 2 .*number 1: no such file"),
        ([None, sound], r"1 of 2 .*number 0: blank \(nothing there\)"),
        ([photo(), half], r"1 of 2 .*number 1: damaged .*truncated"),
        ([sound, JPEG[:900]], r"number 1: truncated"),
        ([sound, np.zeros((8, 8, 3))], r"row 2.*float64 \(8, 8, 3\)"),
    ]
    for values, words in cases:
        with pytest.raises(ValueError, match=f"(?s){words}"):
            TransferEncoder(cache=str(tmp_path)).fit(values)
    half.close()


def test_kinds_of_pictures_may_mix(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(photo()))
    same = [tmp_path / "a.png", photo(), np.asarray(photo()), encoded(photo())]
    vectors = TransferEncoder(cache=str(tmp_path)).fit(same).transform(same)
    assert np.abs(vectors - vectors[0]).max() < 1e-5
