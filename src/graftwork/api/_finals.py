"""What a ladder is tried by: its rungs as models on all labelled rows, and on the judged rows."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from graftwork.api._calibrate import calibrated
from graftwork.api._judged import Judged
from graftwork.api._open import Opened
from graftwork.evaluation.contender import Contender
from graftwork.evaluation.controls import widened
from graftwork.model.model import Model
from graftwork.planning.ladder import Climb
from graftwork.planning.rung import RungResult
from graftwork.runs.progress import Progress
from graftwork.stats.folds import stratified_group_folds
from graftwork.strategies.strategy import Job

__all__ = ["Finals", "Trial"]


@dataclass(frozen=True, eq=False)
class Trial:
    """A finished search, about to be judged.

    Attributes:
        job: all labelled rows that are not test.
        search: the rows that choices were made on.
        opened: data, base and recipe.
        ladder: the rungs, with their choices.
        judged: the rows that they are judged on.
    """

    job: Job
    search: Job
    opened: Opened
    ladder: Climb
    judged: Judged

    @property
    def learnt_from(self) -> Job:
        """The rows that controls learn from.

        Those that the transfer they meet learnt from; out of fold, those that it is judged on.
        """
        job, among = self.search, self.judged.among
        if among is None:
            return self.job
        rows, folds = job.rows[among], job.folds[among]
        if len(np.unique(folds)) < 2:  # a pilot is judged on one of them
            codes, groups = job.codes()[among], job.dataset.groups[rows]
            folds = stratified_group_folds(codes, groups, int(job.folds.max()) + 1, job.seed)
        return replace(job, rows=rows, folds=folds)


class Finals:
    """The models of a ladder, choices fixed; each is fitted once, when it is first asked for."""

    def __init__(self, job: Job, judged: Judged, progress: Progress) -> None:
        self.job = job
        self.judged = judged
        self.progress = progress
        self._models: dict[str, Model] = {}

    def model(self, result: RungResult) -> Model:
        """A rung's model, fitted on all rows that are not test, and calibrated."""
        name = result.rung.name
        if name not in self._models:
            with self.progress.step(f"fitting {result.rung.title}"):
                read = {each: self.job.backbones[each] for each in result.rung.backbones}
                built = result.rung.strategy.build(replace(self.job, backbones=read), result.choice)
                self._models[name] = calibrated(built, result.choice.out_of_fold)
        return self._models[name]

    def contender(self, result: RungResult) -> Contender:
        """What a rung says of the judged rows: its model, or its predictions out of fold."""
        rung, judged = result.rung, self.judged
        if judged.among is not None:
            predicted = result.predicted[judged.among]
            return Contender(name=rung.name, title=rung.title, predicted=predicted)
        begun = time.perf_counter()
        model = self.model(result)
        found = model.predict(judged.inputs, store=self.job.store, progress=self.job.progress)
        seconds = time.perf_counter() - begun
        return Contender(
            name=rung.name,
            title=rung.title,
            predicted=found.codes,
            probabilities=widened(found.probabilities, len(judged.labels)),
            seconds=seconds,
        )
