"""The controls: what transfer must beat before anyone may say that it helped.

A control is nothing special: the probe on a backbone without pre-training.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graftwork.evaluation.contender import Control
from graftwork.model.model import Model
from graftwork.stats.folds import stratified_group_folds
from graftwork.strategies.strategy import Job, Strategy

__all__ = ["TEST_ROWS", "TRAIN_ROWS", "RandomTwin", "majority", "subset", "widened"]

TRAIN_ROWS = 2000  # both sides of the random-weights control learn from at most so many rows
TEST_ROWS = 1000  # and are judged on at most so many


def majority(codes: np.ndarray, n_test: int, k: int) -> Control:
    """Always the most frequent training label (the first of equals)."""
    counts = np.bincount(codes, minlength=k)
    winner = int(counts.argmax())
    probabilities = np.tile(counts / max(counts.sum(), 1), (n_test, 1))
    return Control(
        name="majority",
        title="Always the most frequent class",
        predicted=np.full(n_test, winner, dtype=np.int64),
        probabilities=probabilities,
    )


def subset(codes: np.ndarray, most: int, seed: int, before: np.ndarray | None = None) -> np.ndarray:
    """Sorted int64 positions of at most `most` rows, classes in proportion and none lost.

    The first row of every class (in random order) goes in before the rest is filled up.

    Args:
        codes: int64 (n,) of the rows.
        most: rows to draw.
        seed: draws them.
        before: bool (n,), rows that are drawn before all others.
    """
    if len(codes) <= most:
        return np.arange(len(codes))
    order = np.random.default_rng(seed).permutation(len(codes))
    if before is not None:
        order = np.concatenate([order[before[order]], order[~before[order]]])
    _, firsts = np.unique(codes[order], return_index=True)
    first = np.zeros(len(codes), dtype=bool)
    first[firsts] = True
    chosen = np.concatenate([order[first], order[~first]])[:most]
    return np.sort(chosen)


def widened(probabilities: np.ndarray, k: int) -> np.ndarray:
    """Probabilities (n, k): columns of zeros for labels that nothing was trained on."""
    missing = k - probabilities.shape[1]
    return np.pad(probabilities, ((0, 0), (0, missing))) if missing > 0 else probabilities


@dataclass(frozen=True, eq=False)
class RandomTwin:
    """The same network with random weights, frozen, under the same kind of head.

    Shows whether the *pre-training* helped rather than the architecture. Both sides learn from the
    same at most `TRAIN_ROWS` rows and are judged on the same at most `TEST_ROWS`.

    Attributes:
        strategy: the probe, with the user's parameters.
        base: name of the pre-trained backbone in the job.
        seed: of the random weights and of the rows.
    """

    strategy: Strategy
    base: str
    seed: int

    def control(
        self, job: Job, test: dict[str, list[Any]], test_codes: np.ndarray, k: int
    ) -> Control:
        """Fit both sides and predict the test rows.

        Args:
            job: the whole job; its rows are drawn from.
            test: inputs of the test rows, by name.
            test_codes: int64 (m,) their labels, to draw rows with classes in proportion.
            k: number of labels, those included that no training row has.
        """
        small = self.rows_of(job)
        judged = subset(test_codes, TEST_ROWS, self.seed)
        inputs = {name: [values[i] for i in judged] for name, values in test.items()}
        twin = job.backbones[self.base].twin(self.seed)  # type: ignore[attr-defined]
        ours = self._pretrained(job, small)
        theirs = self.strategy.transfer(replace(small, backbones={"random": twin}))
        against = widened(_probabilities(ours, inputs, job), k)
        predicted = widened(_probabilities(theirs, inputs, job), k)
        return Control(
            name="random_weights",
            title="Same network, random weights",
            predicted=predicted.argmax(axis=1),
            probabilities=predicted,
            index=judged,
            against=against.argmax(axis=1),
            against_probabilities=against,
            note=f"both sides learn from the same {len(small.rows):,} rows",
        )

    def _pretrained(self, job: Job, small: Job) -> Model:
        """The probe on the pre-trained base; the ladder's choice where the rows are the same."""
        mine = replace(small, backbones={self.base: job.backbones[self.base]})
        known = job.shared.get(self.base) if small is job else None
        return self.strategy.build(mine, known) if known else self.strategy.transfer(mine)

    def out_of_fold(self, job: Job) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cross-fitted predictions of both sides on the rows that they learn from.

        Returns:
            int32 codes by the pre-trained base, by its random twin, and the rows' positions in the
            job, all (m,).
        """
        small = self.rows_of(job)
        twin = job.backbones[self.base].twin(self.seed)  # type: ignore[attr-defined]
        halves = small.halves()
        sides = []
        for name, backbone in ((self.base, job.backbones[self.base]), ("random", twin)):
            choice = self.strategy.search(replace(small, backbones={name: backbone}))
            if choice.out_of_fold is None:
                raise ValueError("a search ends with out-of-fold predictions")
            sides.append(choice.out_of_fold.cross_fitted(halves))
        return sides[0], sides[1], np.searchsorted(job.rows, small.rows)

    def trained(
        self,
        met: Control,
        job: Job,
        scratch: Strategy,
        test: dict[str, list[Any]],
        *,
        fewer: bool = False,
    ) -> Control:
        """The same network from random weights, but trained on the rows of `control`.

        Where those are all rows of the job, the transfer that the verdict is told of has learnt
        from the same, and is what this control meets; else the probe on those rows is, as training
        transfer anew would be too dear.

        Args:
            met: what `control` gave.
            job: as there.
            scratch: the strategy that trains.
            test: inputs of all test rows, by name.
            fewer: transfer has learnt from fewer rows than the job has (a trial that is kept).
        """
        small = self.rows_of(job)
        rows = met.rows()
        inputs = {name: [values[i] for i in rows] for name, values in test.items()}
        begun = time.perf_counter()
        model = scratch.transfer(
            replace(small, backbones={self.base: job.backbones[self.base]}, shared={})
        )
        seconds = time.perf_counter() - begun
        k = 0 if met.probabilities is None else met.probabilities.shape[1]
        predicted = widened(_probabilities(model, inputs, job), k)
        whole = small is job and not fewer
        note = f"{met.note}; training chosen: {model.facts.get('chosen', 'fixed')}"
        return replace(
            met,
            name="scratch",
            title="Same network from random weights, trained",
            predicted=predicted.argmax(axis=1),
            probabilities=predicted,
            seconds=seconds,
            against=None if whole else met.against,
            against_probabilities=None if whole else met.against_probabilities,
            note=note if whole else f"{note}; it meets the probe",
        )

    def rows_of(self, job: Job) -> Job:
        """The job on the rows that both sides learn from; the job itself where those are all."""
        codes = job.codes()
        rows = subset(codes, TRAIN_ROWS, self.seed)
        if len(rows) == len(codes):
            return job
        folds = stratified_group_folds(
            codes[rows],
            job.dataset.groups[job.rows[rows]],
            int(job.folds.max()) + 1,
            self.seed,
        )
        return replace(job, rows=job.rows[rows], folds=folds, shared={})


def _probabilities(model: Model, inputs: dict[str, list[Any]], job: Job) -> np.ndarray:
    return model.predict(inputs, store=job.store, progress=job.progress).probabilities
