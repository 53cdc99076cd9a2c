"""scikit-learn's own estimator checks, as far as text input allows.

The checks hand over numeric matrices, and an estimator of texts says so in its tags, which leaves
one check of some fifty. To go through the others as well, the matrices are written out as texts
(a word per column and rounded value) by a subclass that changes nothing else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import validate_data

from graftwork import TransferClassifier, TransferEncoder

pytestmark = pytest.mark.filterwarnings("ignore")  # the checks provoke warnings on purpose


def _as_words(matrix: np.ndarray) -> list[str]:
    return [
        " ".join(f"c{column}v{round(float(value))}" for column, value in enumerate(row))
        for row in matrix
    ]


class _Numeric:
    """Texts out of numeric matrices; everything else is the estimator's own."""

    def _texts(self, X: Any, reset: bool) -> list[str]:
        return _as_words(validate_data(self, X, reset=reset))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.two_d_array, tags.input_tags.one_d_array = True, False
        tags.input_tags.string = False
        return tags


class NumericClassifier(_Numeric, TransferClassifier):
    def fit(self, X: Any, y: Any) -> NumericClassifier:
        n_features = None
        if y is not None:
            texts = self._texts(X, reset=True)
            n_features = self.n_features_in_
            super().fit(texts, y)
            self.n_features_in_ = n_features
            return self
        self._texts(X, reset=True)
        super().fit([], y)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        return super().predict_proba(self._texts(X, reset=False))


class NumericEncoder(_Numeric, TransferEncoder):
    def fit(self, X: Any, y: Any = None) -> NumericEncoder:
        texts = self._texts(X, reset=True)
        n_features = self.n_features_in_
        super().fit(texts)
        self.n_features_in_ = n_features
        return self

    def transform(self, X: Any) -> np.ndarray:
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        return super().transform(self._texts(X, reset=False))


# What does not hold, and why.
EXPECTED = {
    "check_class_weight_classifiers": "weights are named (auto, none, balanced), no dict by label",
}


def _failures(estimator: Any) -> dict[str, str]:
    found = check_estimator(estimator, on_fail=None, on_skip=None)
    assert len(found) > 30, "the checks did not run"
    return {
        result["check_name"]: repr(result["exception"])[:300]
        for result in found
        if result["status"] == "failed"
    }


def test_classifier_passes_the_checks() -> None:
    failed = _failures(NumericClassifier(base="lexical", folds=2))
    assert failed.keys() <= EXPECTED.keys(), failed


def test_the_text_estimators_pass_what_their_tags_leave() -> None:
    for estimator in (TransferClassifier(base="lexical"), TransferEncoder()):
        for result in check_estimator(estimator, on_fail=None, on_skip=None):
            assert result["status"] != "failed", result
