"""Least squares out of fold: a quick score for each of many readouts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from graftwork.errors import DataError, ParameterError

__all__ = ["ridge_scores"]


def ridge_scores(
    x: np.ndarray, indicator: np.ndarray, folds: np.ndarray, alphas: Sequence[float]
) -> dict[float, np.ndarray]:
    """Out-of-fold scores of ridge regression with an unpenalised intercept (Hoerl & Kennard 1970).

    For each fold minimises Σ‖y − xW − b‖² + α·s·‖W‖² over the other folds' rows, s being the mean
    variance of a feature times the number of rows, so that one grid of α suits features of any
    scale. Gram matrices are made once: that of a fold's training rows is the total less the fold's
    own. Features of all rows are centred first, which changes no solution and keeps float32 safe.

    Args:
        x: float (n, d) features.
        indicator: float (n, k) targets, e.g. `ConvexLoss.indicator`.
        folds: int (n,), the fold in which each row is held out; at least two folds.
        alphas: strengths above 0; larger means more regularisation.

    Returns:
        float32 (n, k) scores by alpha.

    Raises:
        ParameterError: shapes do not agree, an alpha is not above 0, or there is only one fold.
        DataError: the features hold NaN or infinite values.
    """
    x, indicator, folds = _checked(x, indicator, folds, alphas)
    centred = x - x.mean(axis=0)
    if len(x) <= x.shape[1]:
        return _dual(centred, indicator, folds, alphas)
    augmented = np.hstack([centred, indicator, np.ones((len(x), 1), np.float32)])
    parts = {int(f): np.flatnonzero(folds == f) for f in np.unique(folds)}
    moments = {f: _moments(augmented[rows], x.shape[1]) for f, rows in parts.items()}
    total = np.sum(list(moments.values()), axis=0)
    out = {float(a): np.empty(indicator.shape, np.float32) for a in alphas}
    for fold, rows in parts.items():
        gram, cross, mean, intercept = _centre(total - moments[fold], x.shape[1])
        scale = float(np.trace(gram)) / len(gram)
        for alpha in out:
            weights = _solve(gram, cross, alpha * max(scale, 1e-30)).astype(np.float32)
            offset = (intercept - mean @ weights).astype(np.float32)
            out[alpha][rows] = centred[rows] @ weights + offset
    return out


def _dual(
    centred: np.ndarray, indicator: np.ndarray, folds: np.ndarray, alphas: Sequence[float]
) -> dict[float, np.ndarray]:
    """The same scores by way of the kernel matrix: n³ in place of d³ (Saunders et al. 1998)."""
    kernel = (centred @ centred.T).astype(np.float64)
    out = {float(a): np.empty(indicator.shape, np.float32) for a in alphas}
    for fold in np.unique(folds):
        train, judge = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        inner = kernel[np.ix_(train, train)]
        means = inner.mean(axis=1)
        inner = inner - means[:, None] - means[None, :] + means.mean()
        across = kernel[np.ix_(judge, train)]
        across = across - across.mean(axis=1, keepdims=True) - means[None, :] + means.mean()
        targets = indicator[train].astype(np.float64)
        intercept = targets.mean(axis=0)
        scale = float(np.trace(inner)) / centred.shape[1]
        for alpha in out:
            solved = _solve(inner, targets - intercept, alpha * max(scale, 1e-30))
            out[alpha][judge] = across @ solved + intercept
    return out


def _checked(
    x: np.ndarray, indicator: np.ndarray, folds: np.ndarray, alphas: Sequence[float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x = np.asarray(x, dtype=np.float32)
    indicator = np.asarray(indicator, dtype=np.float32)
    folds = np.asarray(folds)
    if x.ndim != 2 or indicator.ndim != 2 or not len(x) == len(indicator) == len(folds):
        raise ParameterError(
            f"features {x.shape}, targets {indicator.shape} and folds {folds.shape} do not agree"
        )
    if not alphas or any(not np.isfinite(a) or a <= 0 for a in alphas):
        raise ParameterError(f"alphas must be finite numbers above 0, got {list(alphas)}")
    if len(np.unique(folds)) < 2:
        raise ParameterError("ridge_scores needs at least two folds")
    if not np.isfinite(x).all():
        raise DataError("the features hold NaN or infinite values")
    return x, indicator, folds


def _moments(augmented: np.ndarray, width: int) -> np.ndarray:
    """Float64 (d + 1, d + k + 1): [x 1]ᵀ [x y 1] of some rows."""
    left = augmented[:, :width]
    top = left.T @ augmented
    bottom = augmented.sum(axis=0, dtype=np.float64)
    return np.vstack([top.astype(np.float64), bottom])


def _centre(
    moments: np.ndarray, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Gram (d, d) and cross moments (d, k) about the means, and the means of x and y."""
    n = moments[-1, -1]
    mean, intercept = moments[-1, :width] / n, moments[-1, width:-1] / n
    gram = moments[:-1, :width] - n * np.outer(mean, mean)
    cross = moments[:-1, width:-1] - n * np.outer(mean, intercept)
    return gram, cross, mean, intercept


def _solve(gram: np.ndarray, cross: np.ndarray, ridge: float) -> np.ndarray:
    """(gram + ridge)⁻¹ cross by Cholesky: in float32, in float64 where that is too coarse."""
    penalised = gram + ridge * np.eye(len(gram))
    for dtype in (np.float32, np.float64):
        try:
            factor = cho_factor(penalised.astype(dtype), lower=True, overwrite_a=True)
        except np.linalg.LinAlgError:
            continue
        return np.asarray(cho_solve(factor, cross.astype(dtype), check_finite=False))
    return np.asarray(np.linalg.solve(penalised, cross))
