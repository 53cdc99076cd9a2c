"""Inputs as scikit-learn's callers hand them over, and the dataset made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from graftwork.api._kind import kind_of, taker
from graftwork.api._open import machine_of
from graftwork.data.dataset import TRAIN, Dataset
from graftwork.data.keys import row_keys
from graftwork.data.readers.media import holds_pictures
from graftwork.data.readers.objects import read_object
from graftwork.data.values import to_list
from graftwork.errors import DataError
from graftwork.modalities import MODALITIES
from graftwork.runs.progress import Progress

__all__ = ["as_inputs", "dataset_of"]


def as_inputs(estimator: Any, X: Any, *, reset: bool) -> tuple[list[Any], str]:
    """The inputs, and the key of their modality.

    Args:
        estimator: gets `n_features_in_` (1) where `reset`, else is asked for it; has `cache`.
        X: n texts, or n pictures: paths of their files, PIL images, or one array (n, height,
            width[, channels]) in uint8.
        reset: True in `fit`.

    Raises:
        ValueError: empty, of another shape, or an input that cannot be read.
    """
    if _no_texts(X):
        return _files(estimator, X, reset=reset)
    texts = _texts(estimator, X, reset=reset)
    kind, _ = kind_of(read_object(texts), (), (), None)
    return (texts, kind) if kind == "text" else _files(estimator, texts, reset=reset)


def _no_texts(X: Any) -> bool:
    """Whether X holds things that are no plain values: pictures, paths, bytes."""
    return getattr(X, "ndim", 1) > 2 or (isinstance(X, (list, tuple)) and holds_pictures(X))


def _files(estimator: Any, X: Any, *, reset: bool) -> tuple[list[Any], str]:
    try:
        table = read_object(X if getattr(X, "ndim", 1) > 2 else list(X))
    except DataError as error:  # scikit-learn's callers expect a ValueError
        raise ValueError(str(error)) from error
    kind, (column, *_) = kind_of(table, tuple(table.names), (), None)
    take = taker(MODALITIES.get(kind)(), machine_of({"cache": estimator.cache}), Progress())
    values, wrong = take(to_list(table.column(column)), None)
    blank = {i: ("blank", "nothing there") for i, value in enumerate(values) if value is None}
    wrong = blank | wrong  # the reason that was found is the true one
    if wrong:
        first, (reason, detail) = min(wrong.items())
        raise ValueError(
            f"{len(wrong):,} of {len(values):,} inputs cannot be read; the first, number {first}: "
            f"{reason.replace('_', ' ')} ({detail})"
        )
    if reset:
        estimator.n_features_in_ = 1
    return values, kind


def _texts(estimator: Any, X: Any, *, reset: bool) -> list[str]:
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


def dataset_of(inputs: list[Any], labels: list[Any], modality: str) -> Dataset:
    """A dataset without a test part; equal inputs share a group."""
    keys = row_keys([inputs])
    _, groups = np.unique(np.asarray(keys), return_inverse=True)
    return Dataset(
        inputs={modality: inputs},
        target=labels,
        parts=np.full(len(inputs), TRAIN, dtype=object),
        groups=groups.astype(np.int64),
        rows=np.arange(1, len(inputs) + 1),
        keys=keys,
        fingerprint="",
        modality=modality,
    )
