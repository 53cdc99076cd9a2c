"""The rows that a run is judged on: its test part, opened once, or all rows out of fold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from graftwork.api._open import Opened
from graftwork.data.dataset import TEST, Dataset
from graftwork.evaluation.contamination import seen_in_training
from graftwork.evaluation.openings import opened as count_opening
from graftwork.planning.ladder import Climb
from graftwork.runs.directory import RunDirectory
from graftwork.storage.hashing import digest_json
from graftwork.strategies.strategy import Job

__all__ = ["Judged", "judged_rows", "open_test"]


@dataclass(frozen=True, eq=False)
class Judged:
    """The rows that the evidence is taken on.

    Attributes:
        positions: int64 (n,) in the dataset.
        truth: int64 (n,) label codes.
        inputs: of the test rows; nothing is predicted anew out of fold.
        out_of_fold: whether there is no test part.
        labels: names of the codes; those that no training row has come last.
        among: int64 (n,) which of the search's rows they are, where it is out of fold.
    """

    positions: np.ndarray
    truth: np.ndarray
    inputs: dict[str, list[Any]]
    out_of_fold: bool
    labels: tuple[Any, ...]
    among: np.ndarray | None = None

    def unknown_words(self, k: int) -> str:
        """A sentence on test rows whose label is none of the `k` that were learnt, or nothing."""
        n = int((self.truth >= k).sum())
        if not n:
            return ""
        names = ", ".join(repr(label) for label in self.labels[k:][:5])
        return (
            f" {n:,} of the {len(self.truth):,} test rows have labels that no training row has "
            f"({names}); they count as wrong."
        )

    def also_elsewhere(self, opened: Opened) -> dict[str, np.ndarray]:
        """Masks over the rows that stand in other parts too (only in splits the user gave)."""
        masks: dict[str, np.ndarray] = {}
        if self.out_of_fold:
            return masks
        for kind, words in (
            ("exact_across_parts", "rows that are also in training"),
            ("near_across_parts", "rows with a near-duplicate in training"),
        ):
            for finding in opened.audit.of(kind):
                mask = np.isin(self.positions, np.asarray(finding.data.get("positions", []), int))
                if mask.any() and not mask.all():
                    masks[words] = mask | masks.get(words, False)
        learnt_from: dict[str, Iterable[str]] = {
            "rows that the base was tuned on": opened.base_keys
        }
        if opened.earlier is not None:
            learnt_from["rows that the earlier run learnt from"] = opened.earlier.trained_on
        keys = [opened.dataset.keys[i] for i in self.positions]
        for words, known in learnt_from.items():
            mask = seen_in_training(known, keys)
            if mask.any() and not mask.all():
                masks[words] = mask
        return masks

    def all_elsewhere(self, opened: Opened) -> bool:
        """Whether no test row is new: each has its equal in another part."""
        found = opened.audit.of("exact_across_parts")
        seen = {p for finding in found for p in finding.data.get("positions", [])}
        return not self.out_of_fold and bool(seen) and seen.issuperset(self.positions.tolist())


def judged_rows(job: Job, search: Job, ladder: Climb) -> Judged:
    """The test rows; labels that no training row has get codes that nothing predicts.

    Without a test part, the rows that both the chosen and the best transfer rung were judged on.
    """
    test = np.flatnonzero(job.dataset.parts == TEST)
    if not len(test):
        among = np.flatnonzero(ladder.chosen.judged & ladder.transfer.judged)
        truth = search.codes()[among]
        return Judged(search.rows[among], truth, {}, True, job.task.labels, among)
    codes = {label: code for code, label in enumerate(job.task.labels)}
    targets = job.dataset.labels(test)
    truth = np.asarray([codes.setdefault(label, len(codes)) for label in targets], np.int64)
    return Judged(test, truth, job.dataset.take(test), False, tuple(codes))


def open_test(dataset: Dataset, judged: Judged, run: RunDirectory) -> int:
    """Write the opening into the ledger; how many other runs opened this test part before."""
    from graftwork.storage.home import state_dir

    rows = sorted(
        f"{dataset.keys[i]}:{label}"
        for i, label in zip(judged.positions, dataset.labels(judged.positions), strict=True)
    )
    before = count_opening(state_dir(), digest_json(rows), str(run.record.get("run_id")))
    run.log("test opened", rows=len(rows), before=before)
    return before
