"""The face of every strategy, what it is given, and what its search ends with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from graftwork.runs.tracker import SILENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np

    from graftwork.bases.backbone import Backbone
    from graftwork.data.dataset import Dataset
    from graftwork.features.out_of_fold import OutOfFold
    from graftwork.features.plan import Journal
    from graftwork.features.store import FeatureStore
    from graftwork.model.model import Model
    from graftwork.registry import Declaration
    from graftwork.runs.progress import Progress
    from graftwork.runs.tracker import Tracker
    from graftwork.tasks.task import Task

__all__ = ["Choice", "Job", "Strategy"]


@dataclass(frozen=True, eq=False)
class Job:
    """All that a strategy may know.

    Attributes:
        dataset: rows with inputs and labels.
        rows: int64 (n,), positions in the dataset to learn from; never test rows.
        backbones: by name; which names a strategy reads is its own affair (most: the only one).
        task: with its labels.
        store: where features come from.
        folds: int (n,), fold of each of `rows`.
        metric: what chooses.
        class_weight: ``none``, ``balanced`` or ``auto``.
        seed: of everything random.
        start: a model to begin from.
        progress: shown to the user.
        journal: keeps encode plans for resuming.
        folder: gives the folder where a training of that name keeps its checkpoints; None: none
            are kept.
        checkpoint_seconds: between two of them; None: so seldom that they cost little.
        tracker: told of every epoch; nothing depends on it.
        notes: what strategies tell of their work (curves), for the record; nothing reads them back.
        shared: results that one job's strategies may hand on by name (the ladder's rungs).
    """

    dataset: Dataset
    rows: np.ndarray
    backbones: dict[str, Backbone]
    task: Task
    store: FeatureStore
    folds: np.ndarray
    metric: str
    progress: Progress
    class_weight: str = "auto"
    seed: int = 0
    start: Model | None = None
    journal: Journal | None = None
    shared: dict[str, Choice] = field(default_factory=dict)
    head: str = "label"
    folder: Callable[[str], Path] | None = None
    checkpoint_seconds: float | None = None
    tracker: Tracker = SILENT
    notes: dict[str, Any] = field(default_factory=dict)

    def halves(self) -> np.ndarray:
        """Bool (n,): the half of `rows` that judges what was chosen on the other, and the reverse.

        Duplicates and other groups stay on one side.
        """
        from graftwork.stats.folds import random_halves

        return random_halves(self.dataset.groups[self.rows], self.seed + 1)

    def codes(self) -> np.ndarray:
        """int64 (n,) label codes of `rows`."""
        return self.task.encode(self.dataset.labels(self.rows))


@dataclass(frozen=True, eq=False)
class Choice:
    """What a strategy chose out of fold; enough to build its model without choosing again.

    Attributes:
        strategy: name of the strategy.
        settings: plain values.
        out_of_fold: predictions of the finalists; None when read back from a record.
        words: the choice in words, for logs and reports.
        facts: plain values that tell how it came about (curves); nothing is decided by them.
        learnt: int64 positions in the dataset that the pilot learnt from, where its own model is
            kept; None: the model learns from all of the job's rows.
    """

    strategy: str
    settings: dict[str, Any]
    out_of_fold: OutOfFold | None
    words: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    learnt: np.ndarray | None = None

    def to_json(self) -> dict[str, Any]:
        """What the record keeps."""
        told = self.out_of_fold.to_json() if self.out_of_fold is not None else None
        return {
            "strategy": self.strategy,
            "settings": self.settings,
            "words": self.words,
            "facts": self.facts,
            "out_of_fold": told,
        }


class Strategy(Protocol):
    """Moves knowledge from backbones to a model; its dataclass fields are its parameters."""

    declaration: ClassVar[Declaration]

    def check(self, backbone: Backbone) -> None:
        """Refuse a pre-trained backbone that it cannot do with what it was asked for."""
        ...

    def search(self, job: Job) -> Choice:
        """Choose everything that is open, out of fold; test rows are never seen."""
        ...

    def build(self, job: Job, choice: Choice) -> Model:
        """Fit on all of the job's rows with the choices fixed."""
        ...

    def transfer(self, job: Job) -> Model:
        """`search`, then `build`."""
        ...
