"""Build the models of a ladder, open the test part once, and weigh them against the controls."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from graftwork.api._calibrate import abstaining, calibrated, sure_facts
from graftwork.api._open import Opened
from graftwork.api._reading import Reading, read_data
from graftwork.api._rungs import BASE, make_strategy, owned
from graftwork.data.dataset import TEST, Dataset
from graftwork.evaluation.contamination import seen_in_training
from graftwork.evaluation.contender import Contender, Control
from graftwork.evaluation.controls import RandomTwin, majority, widened
from graftwork.evaluation.evidence import prove
from graftwork.evaluation.openings import opened as count_opening
from graftwork.model.model import Model
from graftwork.model.neighbours import Neighbours, dense_block
from graftwork.planning.ladder import Climb, RungResult
from graftwork.runs.directory import RunDirectory
from graftwork.runs.progress import Progress
from graftwork.storage.hashing import digest_json
from graftwork.strategies.strategy import Job

__all__ = ["Findings", "gather_evidence"]

LATENCY_ROWS = 16


@dataclass(eq=False)
class Findings:
    """What a fit ends with, before it is written.

    Attributes:
        model: the one that the run keeps.
        metrics: content of `metrics.json`.
        judged: int64 (n,) positions in the dataset of the judged rows.
        contender: what the model says of them.
        truth: int64 (n,) their label codes.
        labels: names of the codes.
        reading: what the evidence says of the data, and the rows to read.
    """

    model: Model
    metrics: dict[str, Any]
    judged: np.ndarray
    contender: Contender
    truth: np.ndarray
    labels: tuple[Any, ...]
    reading: Reading
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Judged:
    """The rows that the evidence is taken on: the test part, or all rows out of fold."""

    positions: np.ndarray
    truth: np.ndarray
    inputs: dict[str, list[Any]]
    out_of_fold: bool
    labels: tuple[Any, ...]
    among: np.ndarray | None = None  # which of the search's rows, where it is out of fold


def gather_evidence(
    job: Job, search: Job, opened: Opened, ladder: Climb, run: RunDirectory, progress: Progress
) -> Findings:
    """Fit the final models, predict the test part, and compare.

    Without test rows the evidence is out of fold (cross-fitted), and says so.
    """
    models: dict[str, Model] = {}

    def model_of(result: RungResult) -> Model:
        name = result.rung.name
        if name not in models:
            with progress.step(f"fitting {result.rung.title}"):
                built = result.rung.strategy.build(_job_of(job, result), result.choice)
                models[name] = calibrated(built, result.choice.out_of_fold)
        return models[name]

    judged = _judged(job, search, ladder)
    if judged.among is not None:
        search = replace(search, rows=judged.positions, folds=search.folds[judged.among])
    openings = None if judged.out_of_fold else _open_test(job.dataset, judged, run)

    def contender(result: RungResult) -> Contender:
        return _contender(job, result, model_of, judged)

    chosen, transfer = contender(ladder.chosen), contender(ladder.transfer)
    controls = _controls(
        search if judged.out_of_fold else job, opened, ladder, judged, contender, progress
    )
    found = ladder.chosen.choice.out_of_fold
    labelled = np.flatnonzero(job.dataset.parts != TEST)
    seen = () if opened.earlier is None else opened.earlier.trained_on
    model = abstaining(model_of(ladder.chosen), found, job, opened.recipe, labelled, seen)
    if opened.recipe.keep_neighbours:
        model.neighbours = _neighbours(job, model)
    model.training_keys = _training_keys(job)
    metrics = prove(
        judged.truth,
        judged.labels,
        chosen=chosen,
        transfer=transfer,
        controls=controls,
        metric=job.metric,
        margin=opened.recipe.margin,
        seed=job.seed,
        task=job.task.declaration.name,
        slices=_slices(job.dataset, judged.positions, opened.recipe.slices),
        without=_without(opened, judged),
        chosen_info={
            "rungs": ladder.to_json(),
            "reason": ladder.reason,
            "not_tried": ladder.passed,
            "strategy": ladder.chosen.rung.name,
            "words": ladder.chosen.choice.words,
            "settings": ladder.chosen.choice.settings,
        },
        cost={},
        audit=_audit_summary(opened),
        openings=openings,
    )
    metrics |= sure_facts(model.head, judged.truth, chosen.probabilities, found)
    metrics["evidence"] = "out of fold" if judged.out_of_fold else "test"
    if not ladder.transfer.rung.transfers:
        metrics["verdict"] |= _not_tried(metrics, ladder.chosen, opened, BASE in job.backbones)
    metrics["verdict"]["sentence"] += _unknown_words(judged, len(job.task.labels))
    if _all_seen(opened, judged):
        metrics["verdict"] |= {
            "outcome": "undecidable",
            "sentence": "Not judged: every test row is also among the training rows.",
        }
    if judged.out_of_fold and ladder.transfer.rung.transfers:
        metrics["verdict"] |= _without_test(metrics["verdict"])
    reading = read_data(
        job,
        search,
        opened,
        ladder,
        judged.positions,
        judged.truth,
        judged.labels,
        chosen,
        metrics["confusion"],
    )
    metrics |= reading.metrics
    cost = {"latency_ms": _latency(model, job), "trainable_parameters": _trained(model)}
    run.record.count("check_passes", LATENCY_ROWS)
    return Findings(
        model,
        metrics,
        judged.positions,
        chosen,
        judged.truth,
        judged.labels,
        reading,
        {"cost": cost},
    )


def _not_tried(
    metrics: dict[str, Any], chosen: RungResult, opened: Opened, had_base: bool
) -> dict[str, Any]:
    """The verdict where no knowledge was moved: nothing can be told of transfer."""
    pretrained = opened.base.kind != opened.modality.classical
    why = "the base has no pre-training"
    if pretrained and not had_base:
        why = f"the budget of {opened.recipe.budget} has no time for the base"
    score = metrics["test"][metrics["metric"]]
    return {
        "outcome": "undecidable",
        "gain": None,
        "low": None,
        "high": None,
        "best_control": None,
        "sentence": (
            f"No transfer was tried: {why}. {chosen.rung.title}: "
            f"{metrics['metric']} {score['value']:.3f} ({score['low']:.3f} to {score['high']:.3f})."
        ),
    }


def _without_test(verdict: dict[str, Any]) -> dict[str, Any]:
    """No verdict without test rows: choices saw every row, which flatters what they chose."""
    gain = f"{100 * verdict['gain']:+.1f}" if verdict.get("gain") is not None else "unknown"
    return {
        "outcome": "undecidable",
        "sentence": (
            "Not judged: there was no test part. On cross-fitted out-of-fold predictions of the "
            f"training rows, which flatter what was chosen on them, transfer is {gain} points from "
            "the best control; the model was then fitted on all rows."
        ),
    }


def _judged(job: Job, search: Job, ladder: Climb) -> _Judged:
    """The test rows; labels that no training row has get codes that nothing predicts.

    Without a test part, the rows that both the chosen and the best transfer rung were judged on.
    """
    test = np.flatnonzero(job.dataset.parts == TEST)
    if not len(test):
        among = np.flatnonzero(ladder.chosen.judged & ladder.transfer.judged)
        truth = search.codes()[among]
        return _Judged(search.rows[among], truth, {}, True, job.task.labels, among)
    codes = {label: code for code, label in enumerate(job.task.labels)}
    targets = job.dataset.labels(test)
    truth = np.asarray([codes.setdefault(label, len(codes)) for label in targets], np.int64)
    return _Judged(test, truth, job.dataset.take(test), False, tuple(codes))


def _unknown_words(judged: _Judged, k: int) -> str:
    """A sentence on test rows whose label could not be learnt, or nothing."""
    n = int((judged.truth >= k).sum())
    if not n:
        return ""
    names = ", ".join(repr(label) for label in judged.labels[k:][:5])
    return (
        f" {n:,} of the {len(judged.truth):,} test rows have labels that no training row has "
        f"({names}); they count as wrong."
    )


def _open_test(dataset: Dataset, judged: _Judged, run: RunDirectory) -> int:
    """Write the opening into the ledger; how many other runs opened this test part before."""
    from graftwork.storage.home import state_dir

    rows = sorted(
        f"{dataset.keys[i]}:{label}"
        for i, label in zip(judged.positions, dataset.labels(judged.positions), strict=True)
    )
    before = count_opening(state_dir(), digest_json(rows), str(run.record.get("run_id")))
    run.log("test opened", rows=len(rows), before=before)
    return before


def _job_of(job: Job, result: RungResult) -> Job:
    return replace(job, backbones={name: job.backbones[name] for name in result.rung.backbones})


def _contender(
    job: Job, result: RungResult, model_of: Callable[[RungResult], Model], judged: _Judged
) -> Contender:
    rung = result.rung
    if judged.among is not None:
        predicted = result.predicted[judged.among]
        return Contender(name=rung.name, title=rung.title, predicted=predicted)
    begun = time.perf_counter()
    found = model_of(result).predict(judged.inputs, store=job.store, progress=job.progress)
    seconds = time.perf_counter() - begun
    return Contender(
        name=rung.name,
        title=rung.title,
        predicted=found.codes,
        probabilities=widened(found.probabilities, len(judged.labels)),
        seconds=seconds,
    )


def _controls(
    job: Job,
    opened: Opened,
    ladder: Climb,
    judged: _Judged,
    contender: Callable[[RungResult], Contender],
    progress: Progress,
) -> list[Control]:
    """Majority, the classical model, and the same network with random weights, as is or trained."""
    codes = job.codes()
    controls = [majority(codes, len(judged.truth), len(judged.labels))]
    classical = ladder.of(opened.modality.classical)
    if classical is not None:
        found = contender(classical)
        controls.append(
            Control(
                name=found.name,
                title=found.title,
                predicted=found.predicted,
                probabilities=found.probabilities,
                seconds=classical.seconds,
            )
        )
    if BASE in job.backbones and hasattr(job.backbones[BASE], "twin"):
        twin = RandomTwin(
            make_strategy("probe", owned("probe", opened.recipe.parameters)), BASE, job.seed
        )
        progress.say("Control: the same network with random weights")
        if judged.out_of_fold:
            controls.append(_twin_out_of_fold(twin, job, ladder))
        else:
            controls.append(twin.control(job, judged.inputs, judged.truth, len(judged.labels)))
    if opened.recipe.scratch_control:
        why = _no_scratch(job, judged)
        if why:
            progress.say(f"--scratch-control: left out, {why}")
        else:
            controls.append(_scratch(twin, controls[-1], job, judged, progress))
    return controls


def _no_scratch(job: Job, judged: _Judged) -> str | None:
    """Why no network can be trained from random weights here; None where one can."""
    if judged.out_of_fold:
        return "as there is no test part"
    if BASE not in job.backbones:
        return "as no pre-trained base is tried"
    why: str | None = make_strategy("scratch", {}).refuses(job.backbones[BASE])  # type: ignore[attr-defined]
    return why


def _scratch(
    twin: RandomTwin, met: Control, job: Job, judged: _Judged, progress: Progress
) -> Control:
    """The control that was asked for; its checkpoints and notes stand apart from the rungs'."""
    progress.say("Control: the same network from random weights, trained")
    folder, notes = job.folder, dict[str, Any]()
    apart = None if folder is None else lambda name: folder(f"control/{name}")
    mine = replace(job, folder=apart, notes=notes)
    found = twin.trained(met, mine, make_strategy("scratch", {}), judged.inputs)
    job.notes.update({f"control: {name}": told for name, told in notes.items()})
    return found


def _twin_out_of_fold(twin: RandomTwin, job: Job, ladder: Climb) -> Control:
    ours, theirs, rows = twin.out_of_fold(job)
    return Control(
        name="random_weights",
        title="Same network, random weights",
        predicted=theirs,
        index=rows,
        against=ours,
        note=f"both sides learn from the same {len(rows):,} rows",
    )


def _slices(
    dataset: Dataset, positions: np.ndarray, columns: tuple[str, ...]
) -> dict[str, list[Any]]:
    return {name: [dataset.columns[name][i] for i in positions] for name in columns}


def _without(opened: Opened, judged: _Judged) -> dict[str, np.ndarray]:
    """Masks over the judged rows that stand in other parts too (only in splits the user gave)."""
    masks: dict[str, np.ndarray] = {}
    if judged.out_of_fold:
        return masks
    for kind, words in (
        ("exact_across_parts", "rows that are also in training"),
        ("near_across_parts", "rows with a near-duplicate in training"),
    ):
        for finding in opened.audit.of(kind):
            mask = np.isin(judged.positions, np.asarray(finding.data.get("positions", []), int))
            if mask.any() and not mask.all():
                masks[words] = mask | masks.get(words, False)
    if opened.earlier is not None:
        keys = [opened.dataset.keys[i] for i in judged.positions]
        mask = seen_in_training(opened.earlier.trained_on, keys)
        if mask.any() and not mask.all():
            masks["rows that the earlier run learnt from"] = mask
    return masks


def _all_seen(opened: Opened, judged: _Judged) -> bool:
    """Whether no test row is new: each has its equal in another part."""
    seen = {p for f in opened.audit.of("exact_across_parts") for p in f.data.get("positions", [])}
    return not judged.out_of_fold and bool(seen) and seen.issuperset(judged.positions.tolist())


def _audit_summary(opened: Opened) -> dict[str, Any]:
    """The audit for `metrics.json`: all but row-by-row lists."""
    told = opened.audit.to_json()
    told["set_aside"] = told["set_aside"][:50]
    for finding in told["findings"]:
        finding.get("data", {}).pop("positions", None)
    return told


def _trained(model: Model) -> int:
    """Numbers that were learnt: of the head, and of the base where it was tuned."""
    return int(model.facts.get("trained_parameters", model.head.n_parameters))


def _neighbours(job: Job, model: Model) -> Neighbours | None:
    inputs = job.dataset.take(job.rows)
    block = dense_block(model.blocks(inputs, store=job.store, progress=job.progress))
    if block is None:
        return None
    rows = job.dataset.rows[job.rows]
    return Neighbours.of(block, rows, job.dataset.labels(job.rows), inputs)


def _training_keys(job: Job) -> np.ndarray:
    """uint8 (n, 16), sorted: hashes of the rows that the model learnt from."""
    keys = sorted(job.dataset.keys[i] for i in job.rows)
    return np.frombuffer(bytes.fromhex("".join(keys)), dtype=np.uint8).reshape(len(keys), -1)


def _latency(model: Model, job: Job) -> float:
    """Median milliseconds of one row, predicted alone (no cache)."""
    inputs = job.dataset.take(job.rows[:LATENCY_ROWS])
    n = len(next(iter(inputs.values())))
    spent = []
    for i in range(n):
        begun = time.perf_counter()
        model.predict({name: values[i : i + 1] for name, values in inputs.items()})
        spent.append(time.perf_counter() - begun)
    return round(1000 * float(np.median(spent)), 3)


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3), 1)
