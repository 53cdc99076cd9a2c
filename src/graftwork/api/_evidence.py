"""Build the models of a ladder, open the test part once, and weigh them against the controls."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graftwork.api._calibrate import abstaining, sure_facts
from graftwork.api._controls import controls_of
from graftwork.api._finals import Finals, Trial
from graftwork.api._judged import judged_rows, open_test
from graftwork.api._open import Opened
from graftwork.api._reading import Reading, read_data
from graftwork.data.dataset import TEST, Dataset
from graftwork.data.keys import packed_keys
from graftwork.evaluation.contender import Contender, Control
from graftwork.evaluation.evidence import prove
from graftwork.model.model import Model
from graftwork.model.neighbours import Neighbours, dense_block
from graftwork.planning.ladder import Climb
from graftwork.runs.directory import RunDirectory
from graftwork.runs.progress import Progress
from graftwork.strategies.strategy import Job

__all__ = ["Findings", "gather_evidence", "peak_memory_mb"]

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
class _Compared:
    """Who is weighed against whom, and whether anybody had looked at the test part before."""

    chosen: Contender
    transfer: Contender
    controls: list[Control]
    openings: int | None


def gather_evidence(
    job: Job, search: Job, opened: Opened, ladder: Climb, run: RunDirectory, progress: Progress
) -> Findings:
    """Fit the final models, predict the test part, and compare.

    Without test rows the evidence is out of fold (cross-fitted), and says so.
    """
    judged = judged_rows(job, search, ladder)
    trial = Trial(job, search, opened, ladder, judged)
    finals = Finals(job, judged, progress)
    compared = _compare(trial, finals, run, progress)
    model = _kept(trial, finals)
    metrics = _metrics(trial, compared, model)
    reading = _read(trial, compared.chosen, metrics)
    metrics |= reading.metrics
    cost = {"latency_ms": _latency(model, job), "trainable_parameters": _trained(model)}
    run.record.count("check_passes", LATENCY_ROWS)
    return Findings(
        model,
        metrics,
        judged.positions,
        compared.chosen,
        judged.truth,
        judged.labels,
        reading,
        {"cost": cost},
    )


def _compare(trial: Trial, finals: Finals, run: RunDirectory, progress: Progress) -> _Compared:
    """Everybody's predictions of the judged rows; the ledger is written before the first."""
    job, judged, ladder = trial.job, trial.judged, trial.ladder
    openings = None if judged.out_of_fold else open_test(job.dataset, judged, run)
    chosen, transfer = finals.contender(ladder.chosen), finals.contender(ladder.transfer)
    return _Compared(chosen, transfer, controls_of(trial, finals, progress), openings)


def _kept(trial: Trial, finals: Finals) -> Model:
    """The model of the chosen rung, with all that a run keeps in it."""
    job, opened, chosen = trial.job, trial.opened, trial.ladder.chosen
    labelled = np.flatnonzero(job.dataset.parts != TEST)
    seen = () if opened.earlier is None else opened.earlier.trained_on
    found = chosen.choice.out_of_fold
    model = abstaining(finals.model(chosen), found, job, opened.recipe, labelled, seen)
    if opened.recipe.keep_neighbours:
        model.neighbours = _neighbours(job, model)
    model.training_keys = packed_keys(sorted(_learnt_from(trial)))
    return model


def _learnt_from(trial: Trial) -> set[str]:
    """Keys of all rows that the model learnt from, in earlier runs on its weights too.

    Of a trial whose model was kept: of all rows that it was chosen on.
    """
    job, opened, rung = trial.job, trial.opened, trial.ladder.chosen.rung
    kept = trial.ladder.chosen.choice.learnt is not None
    keys = {job.dataset.keys[i] for i in (trial.search if kept else job).rows}
    if not rung.transfers:
        return keys
    earlier = opened.earlier
    if earlier is not None and (rung.name == "earlier" or opened.moved_before):
        keys |= set(earlier.trained_on)
    # the earlier model brings a base of its own, and with it the rows that one was tuned on
    return keys if rung.name == "earlier" else keys | opened.base_keys


def _metrics(trial: Trial, compared: _Compared, model: Model) -> dict[str, Any]:
    """The content of `metrics.json`, but for what is said of the data and the cost."""
    job, opened, judged, ladder = trial.job, trial.opened, trial.judged, trial.ladder
    metrics = prove(
        judged.truth,
        judged.labels,
        chosen=compared.chosen,
        transfer=compared.transfer,
        controls=compared.controls,
        metric=job.metric,
        margin=opened.recipe.margin,
        seed=job.seed,
        task=job.task.declaration.name,
        slices=_slices(job.dataset, judged.positions, opened.recipe.slices),
        without=judged.also_elsewhere(opened),
        chosen_info=_choice(ladder),
        cost={},
        audit=_audit_summary(opened),
        openings=compared.openings,
    )
    found = ladder.chosen.choice.out_of_fold
    metrics |= sure_facts(model.head, judged.truth, compared.chosen.probabilities, found)
    metrics["evidence"] = "out of fold" if judged.out_of_fold else "test"
    metrics["verdict"] = _verdict(metrics, trial)
    return metrics


def _choice(ladder: Climb) -> dict[str, Any]:
    """What was considered, what was chosen, and why."""
    return {
        "rungs": ladder.to_json(),
        "reason": ladder.reason,
        "not_tried": ladder.passed,
        "strategy": ladder.chosen.rung.name,
        "words": ladder.chosen.choice.words,
        "settings": ladder.chosen.choice.settings,
    }


def _verdict(metrics: dict[str, Any], trial: Trial) -> dict[str, Any]:
    """The verdict of the figures, or why there can be none."""
    opened, judged, verdict = trial.opened, trial.judged, dict(metrics["verdict"])
    transfers = trial.ladder.transfer.rung.transfers
    if not transfers:
        verdict |= _not_tried(metrics, trial)
    verdict["sentence"] += judged.unknown_words(len(trial.job.task.labels))
    if judged.all_elsewhere(opened):
        verdict |= {
            "outcome": "undecidable",
            "sentence": "Not judged: every test row is also among the training rows.",
        }
    if judged.out_of_fold and transfers:
        verdict |= _without_test(verdict, trial.ladder.chosen.choice.learnt)
    return verdict


def _not_tried(metrics: dict[str, Any], trial: Trial) -> dict[str, Any]:
    """The verdict where no knowledge was moved: nothing can be told of transfer."""
    opened, chosen = trial.opened, trial.ladder.chosen
    pretrained = opened.base.kind != opened.modality.classical
    why = "the base has no pre-training"
    if pretrained:  # only time keeps the ladder from the rungs of a base
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


def _without_test(verdict: dict[str, Any], learnt: np.ndarray | None) -> dict[str, Any]:
    """No verdict without test rows: choices saw every row, which flatters what they chose.

    Args:
        verdict: of these figures.
        learnt: rows that the model learnt from, where those are not all (`Choice.learnt`).
    """
    last = "the model was then fitted on all rows"
    if learnt is not None:
        last = f"the model is the trial's, which learnt from {len(learnt):,} rows"
    gain = f"{100 * verdict['gain']:+.1f}" if verdict.get("gain") is not None else "unknown"
    return {
        "outcome": "undecidable",
        "sentence": (
            "Not judged: there was no test part. On cross-fitted out-of-fold predictions of the "
            f"training rows, which flatter what was chosen on them, transfer is {gain} points from "
            f"the best control; {last}."
        ),
    }


def _read(trial: Trial, chosen: Contender, metrics: dict[str, Any]) -> Reading:
    """What the evidence says of the data."""
    judged = trial.judged
    return read_data(
        trial.job,
        trial.search,
        trial.opened,
        trial.ladder,
        judged,
        chosen,
        metrics["confusion"],
    )


def _slices(
    dataset: Dataset, positions: np.ndarray, columns: tuple[str, ...]
) -> dict[str, list[Any]]:
    return {name: [dataset.columns[name][i] for i in positions] for name in columns}


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
