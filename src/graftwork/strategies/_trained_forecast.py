"""What a training will cost, from a few measured steps that leave no trace."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from graftwork.strategies._starts import begin, settings_of
from graftwork.strategies._trained import Way, trainable
from graftwork.strategies._trained import splits as pilot_splits

if TYPE_CHECKING:
    from graftwork.strategies._tuning import Tuning
    from graftwork.strategies.strategy import Job
    from graftwork.training.options import TrainOptions

__all__ = ["forecast"]

SAMPLE = 192  # rows that are trained on to measure, about, in whole batches
FEWEST = 4  # batches
MOST = 128  # rows of one of them
FORWARD = 0.35  # share of a training step that a forward pass alone takes, about


def forecast(job: Job, way: Way, refit_rows: int) -> dict[str, float]:
    """Seconds by part.

    Args:
        job: the rows that choices are made on.
        way: how they train.
        refit_rows: rows of the final fit.

    Returns:
        ``states`` (of all rows at the boundary), ``epoch`` (of the refit), ``pilot_epoch``,
        ``pilot``, ``refit``.
    """
    name = next(iter(job.backbones))
    tokens = _tokens(job, name)
    mean = float(tokens.mean())
    batches = _some_batches(tokens, way.options)
    drawn = np.concatenate(batches)
    sample = replace(job, rows=job.rows[drawn], folds=job.folds[drawn], journal=None)
    settings = settings_of(job, name, frozen=way.frozen, contrast=way.contrast)
    tuning, _ = trainable(sample, way, name, settings, begin(sample, name, settings))
    step = _seconds_per_token(tuning, way.options, [len(batch) for batch in batches])
    splits = pilot_splits(job)
    learn = sum(len(rows) for rows, _ in splits)
    judge = sum(len(rows) for _, rows in splits)
    epochs = way.options.epochs
    states = _seconds_per_state(tuning) if tuning.tunable.cached else 0.0
    views = way.altered + 1
    pilot_epoch = step * learn * mean
    judging = (epochs + len(way.shares)) * FORWARD * step * judge * mean
    epoch = step * refit_rows * mean
    return {
        "states": states * refit_rows * views,
        "pilot_epoch": pilot_epoch,
        "epoch": epoch,
        "pilot": states * (learn * views + judge) + epochs * pilot_epoch + judging,
        "refit": states * max((refit_rows - learn) * views - judge, 0) + epochs * epoch,
    }


def _some_batches(lengths: np.ndarray, options: TrainOptions) -> list[np.ndarray]:
    """Whole batches of an epoch over all rows, from short ones to long ones.

    Batches of a few rows drawn at random would be padded far more than those of a training.
    """
    from graftwork.training.batches import epoch_batches

    plan = epoch_batches(lengths, options.batch_rows, 0, 0)
    most = max(map(len, plan))
    if (lengths == lengths[0]).all():  # only the last one, what is left, is smaller
        plan = [batch for batch in plan if len(batch) == most]
    plan.sort(key=lambda batch: float(lengths[batch].mean()))
    count = min(max(SAMPLE // options.batch_rows, FEWEST), len(plan))
    middles = (np.arange(count) + 0.5) * len(plan) / count
    return [plan[i][:: -(-len(plan[i]) // MOST)] for i in middles.astype(int)]


def _seconds_per_state(tuning: Tuning) -> float:
    """Of one row, from a few batches through the frozen layers, nothing kept."""
    from graftwork.runtime.batches import plan_batches
    from graftwork.runtime.threads import networks_side_by_side

    spent, rows = 0.0, 0
    for column in tuning.rows.columns:
        batches = plan_batches(column.prepared.lengths, tuning.device)
        begun = time.perf_counter()
        passes = partial(tuning.tunable.states, column.prepared)
        for _ in networks_side_by_side(passes, batches):
            pass
        spent += time.perf_counter() - begun
        rows = len(column.prepared)
    return spent / max(rows, 1)


def _seconds_per_token(tuning: Tuning, options: TrainOptions, sizes: list[int]) -> float:
    """Of a training in batches of so many rows, one after the other."""
    from graftwork.runtime.threads import cores
    from graftwork.training.batches import shards
    from graftwork.training.loop import PARTS
    from graftwork.training.optimizer import Optimizer
    from graftwork.training.workers import Workers

    optimizer = Optimizer(tuning.weights(), options)
    device = tuning.device
    lengths = tuning.lengths
    plain = np.split(np.arange(len(lengths)), np.cumsum(sizes)[:-1])
    # each view in turn: an altered picture takes longer to make
    batches = [each + number % tuning.views * len(lengths) for number, each in enumerate(plain)]
    with Workers(tuning, PARTS[device], cores() if device == "cpu" else 1) as workers:

        def run(batches: list[np.ndarray]) -> float:
            begun = time.perf_counter()
            for batch in batches:
                workers.gradients(shards(batch, PARTS[device] * options.accumulate), len(batch))
                optimizer.step(1e-6, workers.spread)
            return time.perf_counter() - begun

        one_shape = bool((lengths == lengths[0]).all())
        # kernels are made for each new shape of a batch: a training meets them again
        run(batches[:1] if one_shape else batches)
        spent = run(batches)
    return spent / max(int(lengths.sum()), 1)


def _tokens(job: Job, name: str) -> np.ndarray:
    """Cost of each row over all inputs."""
    columns = job.dataset.take(job.rows).values()
    return np.sum([job.backbones[name].prepare(inputs).lengths for inputs in columns], axis=0)
