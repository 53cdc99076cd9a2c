"""Texts as scikit-learn's callers hand them over, and the dataset made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from graftwork.data.dataset import TRAIN, Dataset
from graftwork.data.keys import row_keys

__all__ = ["as_texts", "dataset_of"]


def as_texts(estimator: Any, X: Any, *, reset: bool) -> list[str]:
    """N texts out of a list, a Series, or an array (n,) or (n, 1).

    Args:
        estimator: gets `n_features_in_` (1) where `reset`, else is asked for it.
        X: the texts.
        reset: True in `fit`.

    Raises:
        ValueError: not one-dimensional, empty, or holding anything but text.
    """
    if isinstance(X, (str, bytes)):
        raise ValueError("X is one text; give a list of texts")
    if hasattr(X, "toarray"):
        raise ValueError("X is a sparse matrix; texts are needed")
    values = np.asarray(X, dtype=object) if not hasattr(X, "to_numpy") else X.to_numpy()
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(
            f"X has shape {values.shape}; expected n texts: a list, or an array (n,) or (n, 1). "
            "Reshape your data to one column of texts."
        )
    if not len(values):
        raise ValueError("X is empty: 0 sample(s), and a minimum of 1 is required.")
    wrong = [i for i, value in enumerate(values) if not isinstance(value, str)]
    if wrong:
        kinds = sorted({type(values[i]).__name__ for i in wrong})
        raise ValueError(
            f"X holds {', '.join(kinds)} at {len(wrong):,} of {len(values):,} places (first: "
            f"{wrong[0]}); texts (str) are needed"
        )
    if reset:
        estimator.n_features_in_ = 1
    return [str(value) for value in values]


def dataset_of(texts: list[str], labels: list[Any]) -> Dataset:
    """A dataset without a test part; equal texts share a group."""
    keys = row_keys([texts])
    _, groups = np.unique(np.asarray(keys), return_inverse=True)
    return Dataset(
        inputs={"text": texts},
        target=labels,
        parts=np.full(len(texts), TRAIN, dtype=object),
        groups=groups.astype(np.int64),
        rows=np.arange(1, len(texts) + 1),
        keys=keys,
        fingerprint="",
    )
