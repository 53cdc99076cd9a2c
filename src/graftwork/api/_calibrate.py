"""Temperature, expected errors and the guarantee: fitted out of fold, kept in the model's head."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np

from graftwork.data.dataset import Dataset
from graftwork.evaluation.abstention import (
    calibration_rows,
    risk_coverage,
    thresholds_of,
    too_few,
    with_guarantee,
    with_observed,
)
from graftwork.evaluation.calibration import FEWEST_ROWS, calibration, fit_temperature, tempered
from graftwork.features.out_of_fold import OutOfFold
from graftwork.model.head import ModelHead
from graftwork.model.model import Model
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Recipe
from graftwork.stats.folds import stratified_group_folds
from graftwork.strategies.strategy import Job

__all__ = ["abstaining", "calibrated", "held_back", "sure_facts", "without_held_back"]

_SALT = 7  # the deal of calibration rows is another than that of the folds


def held_back(
    dataset: Dataset, recipe: Recipe, rows: np.ndarray, seen: Collection[str] = ()
) -> np.ndarray:
    """int64 positions, out of `rows`, that neither search nor fit may see; the same every time.

    Classes in proportion, duplicates and other groups in one piece. A label whose rows would all be
    kept back stays in training: a model that does not know it can never be right on it. New rows
    may have such labels too, so those rows count as wrong in the promise (see `abstaining`).

    Args:
        dataset: with labels and groups.
        recipe: its `guarantee`, `guarantee_delta` and `seed` decide.
        rows: int64 (n,) positions that are not test.
        seen: keys of rows that what this fit starts from has learnt from (an earlier run, a tuned
            base): they and what is in one group with them can promise nothing.

    Returns:
        sorted; empty where no guarantee was asked for, or no number of these rows could give it.
    """
    return _dealt(dataset, recipe, rows, seen)[0]


def _dealt(
    dataset: Dataset, recipe: Recipe, rows: np.ndarray, seen: Collection[str]
) -> tuple[np.ndarray, int]:
    """What `held_back` gives, and how many rows more it would be but for labels of their own."""
    nothing = np.zeros(0, dtype=np.int64), 0
    if recipe.guarantee is None:
        return nothing
    everything = _codes(dataset, rows)
    fresh = _fresh(dataset, rows, set(seen))
    wanted = calibration_rows(len(fresh), recipe.guarantee, recipe.guarantee_delta)
    groups = dataset.groups[rows[fresh]]
    if not wanted or len(np.unique(groups)) < 4:
        return nothing
    codes = everything[fresh]
    parts, seed = max(2, len(fresh) // wanted), recipe.seed + _SALT
    deal = stratified_group_folds(codes, groups, parts, seed)
    # it gives the largest groups to the first folds: a fold drawn at random favours none
    held = fresh[deal == np.random.default_rng(seed).integers(deal.max() + 1)]
    left = np.bincount(np.delete(everything, held), minlength=int(everything.max()) + 1)
    known = left[everything[held]] > 0
    return np.asarray(rows[held[known]]), int((~known).sum())


def _codes(dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    """int64 (n,): a number for each label; 1, 1.0 and True are three."""
    known: dict[tuple[type, Any], int] = {}
    labels = [(type(label), label) for label in dataset.labels(rows)]
    return np.asarray([known.setdefault(label, len(known)) for label in labels], dtype=np.int64)


def _fresh(dataset: Dataset, rows: np.ndarray, seen: set[str]) -> np.ndarray:
    """int64: places in `rows` whose group holds nothing that was learnt from before."""
    known = np.asarray([dataset.keys[i] in seen for i in rows], dtype=bool)
    return np.flatnonzero(~np.isin(dataset.groups[rows], dataset.groups[rows[known]]))


def without_held_back(
    dataset: Dataset,
    recipe: Recipe,
    rows: np.ndarray,
    progress: Progress,
    seen: Collection[str] = (),
) -> np.ndarray:
    """`rows` without those that a guarantee is counted on (see `held_back`)."""
    held = held_back(dataset, recipe, rows, seen)
    if len(held):
        progress.say(
            f"{len(held):,} of {len(rows):,} rows are kept back from search and fit for --guarantee"
        )
    return rows[~np.isin(rows, held)]


def calibrated(model: Model, found: OutOfFold | None) -> Model:
    """The model with the temperature that its out-of-fold probabilities ask for."""
    if found is not None and _has_probabilities(found):
        temperature = fit_temperature(found.truth, found.best_probabilities)
        _change_head(model, temperature=temperature)
    return model


def abstaining(
    model: Model,
    found: OutOfFold | None,
    job: Job,
    recipe: Recipe,
    rows: np.ndarray,
    seen: Collection[str] = (),
) -> Model:
    """The model with its risk–coverage table and, where it was asked for, its guarantee.

    Args:
        model: calibrated.
        found: the out-of-fold predictions of what it was built by.
        job: whose rows it learnt from.
        recipe: says whether anything is to be promised.
        rows: int64 positions that are not test.
        seen: as in `held_back`.
    """
    table: dict[str, Any] = {"rows": 0, "curve": []}
    thresholds = thresholds_of(np.zeros((0, 0)))
    if found is not None and _has_probabilities(found):
        odds = tempered(found.best_probabilities, model.head.temperature)
        table, thresholds = risk_coverage(found.truth, odds), thresholds_of(odds)
    promise = None
    if recipe.guarantee is not None:
        asked = {"risk": recipe.guarantee, "delta": recipe.guarantee_delta}
        held, alone = _dealt(job.dataset, recipe, rows, seen)
        if len(held):
            inputs = job.dataset.take(held)
            said = model.predict(inputs, store=job.store, progress=job.progress).probabilities
            truth = job.task.encode(job.dataset.labels(held))
            promise = with_guarantee(truth, said, thresholds, unknown=alone, **asked)
        else:
            promise = too_few(len(_fresh(job.dataset, rows, set(seen))), **asked)
        job.progress.say(str(promise["sentence"]))
    _change_head(model, abstention={**table, "guarantee": promise})
    return model


def sure_facts(
    head: ModelHead,
    truth: np.ndarray,
    probabilities: np.ndarray | None,
    found: OutOfFold | None = None,
) -> dict[str, Any]:
    """``calibration`` and ``abstention`` for `metrics.json`.

    Args:
        head: calibrated, with its table.
        truth: int (n,) codes of rows that nothing was fitted or chosen on.
        probabilities: float (n, k) of them; None where there are no such rows. Calibration is then
            told of the out-of-fold rows, each half with the temperature of the other.
        found: the out-of-fold predictions; only looked at where there are no such rows.
    """
    stored = dict(head.abstention) if head.abstention is not None else None
    if probabilities is not None:
        before = tempered(probabilities, 1 / head.temperature)
        told = calibration(truth, before, probabilities, head.temperature)
        abstention = None if stored is None else with_observed(stored, truth, probabilities)
        return {"calibration": {**told, "note": _note(head)}, "abstention": abstention}
    if found is None or not _has_probabilities(found):
        return {"calibration": None, "abstention": stored}
    told = calibration(
        found.truth, found.best_probabilities, _cross_fitted(found), head.temperature
    )
    return {"calibration": {**told, "note": _note(head)}, "abstention": stored}


def _note(head: ModelHead) -> str:
    """Why nothing was changed, or nothing."""
    rows = None if head.abstention is None else head.abstention.get("rows")
    if head.temperature == 1.0 and rows is not None and rows < FEWEST_ROWS:
        return f"{rows} out-of-fold rows are too few to fit a temperature; probabilities are as is"
    return ""


def _has_probabilities(found: OutOfFold) -> bool:
    return bool(found.best_probabilities.shape == (len(found.truth), found.n_classes))


def _cross_fitted(found: OutOfFold) -> np.ndarray:
    """Probabilities, each half with the temperature of the other; one number needs no groups."""
    out = np.empty(found.best_probabilities.shape)
    half = np.arange(len(found.truth)) % 2 == 0
    for judged in (half, ~half):
        temperature = fit_temperature(found.truth[~judged], found.best_probabilities[~judged])
        out[judged] = tempered(found.best_probabilities[judged], temperature)
    return out


def _change_head(model: Model, **changes: Any) -> None:
    name = next(iter(model.heads))
    model.heads[name] = replace(model.heads[name], **changes)
