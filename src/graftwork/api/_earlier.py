"""`fit --from RUN`: an earlier run's model as the start of this one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from graftwork.api._report_of import run_folder
from graftwork.bases.backbone import Backbone
from graftwork.data.dataset import TEST, Dataset
from graftwork.data.keys import packed_keys, unpacked_keys
from graftwork.data.table import Table
from graftwork.errors import DataError, Fault, InputError, ParameterError, nearest
from graftwork.evaluation.contamination import seen_in_training
from graftwork.features.out_of_fold import OutOfFold
from graftwork.model.head import ModelHead
from graftwork.model.model import Model
from graftwork.registry import declare
from graftwork.runs.recipe import Recipe
from graftwork.runs.run import Run
from graftwork.runtime.devices import Placement
from graftwork.storage.hashing import sha256_file
from graftwork.storage.tensors import load_tensors, save_tensors
from graftwork.strategies.strategy import Choice, Job
from graftwork.tasks.task import Task

__all__ = [
    "TEST_KEYS",
    "Earlier",
    "Keep",
    "judged_keys",
    "open_earlier",
    "read_by_earlier",
    "save_test_keys",
]

TEST_KEYS = "test_keys.safetensors"  # in a run: hashes of the rows that it was judged on


@dataclass(frozen=True, eq=False)
class Earlier:
    """The run that a fit goes on from.

    Attributes:
        model: its model.
        digest: of the model's manifest.
        trained_on: hex keys of the rows that it learnt from.
        judged_on: hex keys of its test rows.
        target: the column that it predicts, where the run tells.
    """

    model: Model
    digest: str
    trained_on: tuple[str, ...]
    judged_on: frozenset[str]
    target: str | None

    def base(self) -> Any | None:
        """Its pre-trained backbone, tuned or not; None where it has none."""
        found = (b for b in self.model.backbones.values() if hasattr(b, "tunable"))
        return next(found, None)

    @property
    def tuned(self) -> bool:
        """Whether weights of its base were moved, in that run or in one before it."""
        facts = self.model.facts
        before = facts.get("base_promoted") or {}
        return "trained_parameters" in facts or bool(before.get("tuned"))

    def base_facts(self) -> dict[str, Any]:
        """What the model of a run on its base is to tell of that base: name, and by what tuned."""
        facts = self.model.facts
        base, before = facts.get("base"), facts.get("base_promoted")
        if "trained_parameters" not in facts:
            return {"base": base, **({"base_promoted": before} if before else {})}
        strategy, run, target = (facts.get(name) for name in ("strategy", "run_id", "target"))
        told = {
            "name": f"run {run}",
            "tuned": True,
            "strategy": strategy,
            "run_id": run,
            "target": target,
            "about": f"{base or 'its base'}, tuned by {strategy} in run {run} to predict "
            f"{target!r}.",
            "base": {"name": base, **({"promoted": before} if before else {})},
        }
        return {"base": base, "base_promoted": told}

    def check(self, dataset: Dataset, table: Table, recipe: Recipe) -> None:
        """Refuse a start of another task, label set or input.

        Raises:
            DataError: labels that the earlier model does not know, each with the nearest one.
        """
        task = self.model.head.task.declaration.name
        if task != recipe.task:
            raise ParameterError(
                f"--from: the earlier run is of task {task!r}, not {recipe.task!r}"
            )
        missing = [name for name in self.model.graph.inputs if name not in dataset.inputs]
        if missing:
            names = ", ".join(self.model.graph.inputs)
            raise InputError(f"--from: the earlier model reads {names}; missing: {missing}")
        known = set(self.model.classes)
        new = sorted({str(label) for label in dataset.target or () if label not in known})
        if new:
            spelled = [str(label) for label in self.model.classes]
            raise DataError(
                f"--from: {len(new)} of the labels are new to the earlier run, which knows "
                f"{', '.join(spelled[:20])}",
                [
                    Fault(f"label {label!r} is new", table.source.name, field=recipe.target,
                          hint=_near(label, spelled))
                    for label in new[:20]
                ],
            )  # fmt: skip

    def forgotten(self, dataset: Dataset) -> str:
        """A note on labels that it knows and no row has that is learnt from; empty without any."""
        left = set(dataset.labels(np.flatnonzero(dataset.parts != TEST)))
        gone = [repr(label) for label in self.model.classes if label not in left]
        if not gone:
            return ""
        shown = ", ".join(gone[:20]) + (", …" if len(gone) > 20 else "")
        return (
            f"--from: {len(gone)} of the earlier run's {len(self.model.classes)} labels occur in "
            f"no row that is learnt from, and the new model will not know them: {shown}"
        )

    def kept_apart(self, dataset: Dataset) -> tuple[Dataset, str]:
        """The dataset with the earlier run's test rows in its test part, and a note on them."""
        moved = np.asarray([key in self.judged_on for key in dataset.keys], dtype=bool)
        moved &= dataset.parts != TEST
        if not moved.any():
            return dataset, ""
        parts = dataset.parts.copy()
        parts[moved] = TEST
        note = (
            f"{int(moved.sum()):,} rows were test rows of the earlier run; they stay test rows "
            "and are not learnt from"
        )
        return replace(dataset, parts=parts), note


@declare(
    "earlier",
    title="The earlier model as it is",
    source="warm start",
    short="the earlier model as it is",
)
@dataclass(frozen=True)
class Keep:
    """The first rung of a warm start: nothing is learnt; what comes later must beat it."""

    declaration: ClassVar[Any]

    def check(self, backbone: Backbone) -> None:
        """Nothing to refuse: the model is there."""

    def search(self, job: Job) -> Choice:
        """Predictions of the rows that the earlier model did not learn from."""
        model = self.build(job)
        rows = _fresh(model, job)
        _encode(model, job)
        inputs = job.dataset.take(job.rows[rows])
        found = model.predict(inputs, store=job.store, progress=job.progress)
        odds = found.probabilities
        truth = job.codes()[rows]
        right = odds[np.arange(len(rows)), truth]
        out = OutOfFold(
            names=["as it is"],
            settings=[{}],
            predicted=odds.argmax(axis=1).astype(np.int32)[None],
            log_loss=np.asarray([-np.log(np.maximum(right, 1e-12)).mean() if len(rows) else 0.0]),
            truth=truth,
            metric=job.metric,
            n_classes=len(job.task.labels),
            best_probabilities=odds.astype(np.float32),
            rows=rows,
        )
        return Choice(self.declaration.name, {}, out, "the earlier model as it is")

    def build(self, job: Job, choice: Choice | None = None) -> Model:
        """The earlier model over the labels of these rows; the start itself stays what it is."""
        model = _start(job)
        name = next(iter(model.heads))
        heads = {**model.heads, name: _over(model.head, job.task)}
        facts = {**model.facts, "strategy": self.declaration.name}
        facts.pop("trained_parameters", None)  # this run trained none
        return replace(model, heads=heads, facts=facts)

    def transfer(self, job: Job) -> Model:
        """`search`, then `build`."""
        return self.build(job, self.search(job))


def read_by_earlier(model: Model, job: Job) -> np.ndarray:
    """int64 (n,) positions in the dataset of what the earlier model says something of.

    The rows of the job that are new to it, and the test rows.
    """
    test = np.flatnonzero(job.dataset.parts == TEST)
    return np.sort(np.concatenate([job.rows[_fresh(model, job)], test]))


def _fresh(model: Model, job: Job) -> np.ndarray:
    """int64 (n,): which of the job's rows the model did not learn from."""
    keys = [job.dataset.keys[row] for row in job.rows.tolist()]
    return np.flatnonzero(~seen_in_training(_trained_on(model), keys))


def _encode(model: Model, job: Job) -> None:
    """What it will be asked of through its base, in one plan that a resumed run repeats exactly."""
    rows = read_by_earlier(model, job)
    for block in model.head.blocks:
        node = model.graph.features[block.node]
        base = model.backbones[node.backbone]
        if block.readout is not None:
            column = job.dataset.inputs[node.input]
            inputs = [column[row] for row in rows.tolist()]
            job.store.features(base, inputs, progress=job.progress, journal=job.journal)


def _over(head: ModelHead, task: Task) -> ModelHead:
    """The head with the labels of `task` alone, its temperature made part of its weights.

    All rungs of a ladder tell the same labels apart. A temperature that is fitted on what the head
    says comes on top of the one that it had.
    """
    order = [head.task.labels.index(label) for label in task.labels]
    factor = np.float32(1 / head.temperature)
    weights = [weight[:, order] * factor for weight in head.linear.weights]
    linear = replace(head.linear, weights=weights, bias=head.linear.bias[order] * factor)
    return replace(head, task=task, linear=linear, temperature=1.0, abstention=None)


def open_earlier(folder: str, placement: Placement) -> Earlier:
    """Load a finished run to go on from.

    Raises:
        RunError: there is no finished run.
        IntegrityError: its model was changed.
    """
    run = Run.load(folder, lambda path: Model.load(path, placement=placement))
    model: Model = run.model
    return Earlier(
        model,
        sha256_file(Path(folder) / "model" / "manifest.json"),
        tuple(_trained_on(model)),
        judged_keys(folder),
        model.facts.get("target"),
    )


def judged_keys(run: Any) -> frozenset[str]:
    """Hex keys of the rows that a run was judged on; none where it is no run with a test part."""
    folder = run_folder(run)
    if folder is None or not (folder / TEST_KEYS).is_file():
        return frozenset()
    return frozenset(unpacked_keys(load_tensors(folder / TEST_KEYS)["keys"]))


def save_test_keys(folder: Path, dataset: Dataset) -> None:
    """Keep the hashes of the test rows, so that no later fit learns from them."""
    held = np.flatnonzero(dataset.parts == TEST).tolist()
    keys = sorted(dataset.keys[i] for i in held)
    save_tensors(folder / TEST_KEYS, {"keys": packed_keys(keys)})


def _trained_on(model: Model) -> list[str]:
    """Hex keys of the rows that it learnt from; none where it keeps none."""
    return [] if model.training_keys is None else unpacked_keys(model.training_keys)


def _start(job: Job) -> Model:
    if job.start is None:
        raise ValueError("there is no earlier model to keep")
    return job.start


def _near(label: str, spelled: list[str]) -> str | None:
    close = nearest(label, spelled)
    return f"is it {close!r}?" if close else None
