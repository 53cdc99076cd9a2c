"""`fit`: labelled rows in, a proven model out."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.api._calibrate import without_held_back
from graftwork.api._earlier import Keep, save_test_keys
from graftwork.api._evidence import gather_evidence
from graftwork.api._open import Opened, machine_of, open_all, recipe_of, store_folder
from graftwork.api._replay import Replayed, replay_of
from graftwork.api._rungs import (
    BASE,
    ENCODING,
    RunMemory,
    check_rungs,
    few_labels,
    rungs_of,
    unused,
)
from graftwork.api._save import commit_model, commit_report
from graftwork.api._tracking import tell_metrics, tell_rungs, tracking
from graftwork.bases import BACKBONES
from graftwork.bases.backbone import Backbone
from graftwork.data.dataset import TEST
from graftwork.errors import DataError, Fault, ParameterError, PlanChangedError
from graftwork.evaluation.contamination import seen_in_training
from graftwork.evaluation.controls import subset
from graftwork.features.store import FeatureStore
from graftwork.planning.budget import Budget, duration_text, parse_budget
from graftwork.planning.forecast import encoding_seconds
from graftwork.planning.ladder import Climb, climb
from graftwork.planning.rung import Rung
from graftwork.runs.directory import RunDirectory
from graftwork.runs.plan import Plan
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine, Recipe
from graftwork.runs.record import software_versions
from graftwork.runs.run import Run
from graftwork.runs.tracker import Tracker
from graftwork.stats.folds import stratified_group_folds
from graftwork.storage.json_files import write_json
from graftwork.strategies.strategy import Job
from graftwork.tasks import TASKS
from graftwork.trackers import check_tracker

__all__ = [
    "SEARCH_ROWS",
    "all_rungs",
    "encoding_forecast",
    "fit",
    "fresh_rows",
    "make_job",
    "open_run",
    "search_job",
]

FEWEST_FRESH = 20  # rows that are new to the run of --from
SEARCH_ROWS = 8_000  # choices need no more rows than this; the final fit uses all


def fit(
    data: Any,
    *,
    out: str | Path | None = None,
    settings: Mapping[str, Any] | Recipe | None = None,
    machine: Machine | Mapping[str, Any] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    replay: str | Path | None = None,
    progress: Progress | None = None,
    **more: Any,
) -> Run:
    """Fit a model to labelled rows, prove it on rows it never saw, and write the run.

    Args:
        data: path of a CSV, TSV, JSONL or Parquet file or of a folder of class folders, a
            DataFrame, an Arrow table, a `datasets.Dataset`, or a list of dicts.
        out: the run directory; default ``runs/<file name>``. The same call again resumes an
            unfinished run and shows a finished one.
        settings: fields of `Recipe` by name, or a `Recipe`.
        machine: device, threads, cache; no part of what comes out.
        resume: go on with the plan in `out` although the settings differ.
        overwrite: replace what is in `out`.
        replay: a finished run whose settings are taken (`settings` go on top of them), and its
            decisions: the ladder tries the rungs that it tried there, whatever the clock says.
        progress: shown to the user; silent by default.
        **more: fields of `Recipe`, e.g. ``target="label"``; they go on top of `settings`.

    Returns:
        the run, with `.model`, `.report` and `.record`.

    Raises:
        InputError: data, base or settings are wrong; everything that is, at once.
        RunError: `out` belongs to another plan or process.
        MissingExtraError: the package of `machine.track` is not installed.
        Interrupted: cancelled; the same call goes on where it stopped.
    """
    progress = progress or Progress()
    replayed = None if replay is None else replay_of(replay)
    if replayed is not None:
        settings = replayed.under(settings)
    recipe, how = recipe_of(settings, more), machine_of(machine)
    if how.track is not None:
        check_tracker(how.track)
    opened = open_all(data, recipe, how, progress=progress)
    if not resume:
        check_rungs(opened.recipe, opened.base, opened.modality.classical)
        # before an earlier run makes way
        rows = np.flatnonzero(opened.dataset.parts != TEST)
        _check_labels(opened, rows)
        fresh_rows(opened, _learning(opened, rows, Progress()))
    for note in opened.notes:
        progress.say(note)
    with open_run(opened, how, out, resume=resume, overwrite=overwrite) as run:
        for note in run.notes:
            progress.say(note)
        if run.status == "finished" and run.has("model") and run.has("report/metrics.json"):
            progress.say(f"{run.root}: this run is finished; here is its result")
        else:
            if run.plan.recipe != opened.recipe:  # --resume: the frozen plan is what counts
                opened = open_all(data, run.plan.recipe, how, progress=progress)
            _same_data(run, opened)
            with tracking(run, how, progress) as tracker:
                _work(run, opened, how, progress, tracker, replayed)
        root = run.root
    return Run.load(root, _open_model)


def _same_data(run: RunDirectory, opened: Opened) -> None:
    """A resumed run goes on with the very data and base of its plan.

    Raises:
        PlanChangedError: a file or the base is not what the plan froze; each is named.
    """
    changed = [
        f"  {role}: {opened.names.get(role, run.plan.names.get(role, role))} has changed"
        for role in sorted({*run.plan.data, *opened.data})
        if run.plan.data.get(role) != opened.data.get(role)
    ]
    if changed:
        raise PlanChangedError(
            f"{run.root}: the data are not those of the plan\n" + "\n".join(changed)
        )


def open_run(
    opened: Opened,
    machine: Machine,
    out: str | Path | None,
    *,
    resume: bool = False,
    overwrite: bool = False,
) -> RunDirectory:
    """The run directory of a plan, begun or gone on with."""
    source = opened.table.source
    name = Path(source.name).stem if source.format in _FILES else source.format
    plan = Plan(opened.recipe, opened.data, opened.names, software_versions())
    where = out or Path("runs") / (
        name if source.format in _FILES else f"{name}-{plan.digest()[:8]}"
    )
    start = opened.recipe.start
    if start is not None and Path(start).resolve() == Path(where).resolve():
        raise ParameterError(
            f"--from: {where} is the run to go on from and where the new one would be written; "
            "name another folder with --out"
        )
    return RunDirectory.open(where, plan, machine, resume=resume, overwrite=overwrite)


_FILES = {"csv", "tsv", "jsonl", "parquet", "folder"}


def make_job(
    opened: Opened, store: FeatureStore, progress: Progress, memory: RunMemory | None
) -> Job:
    """All labelled rows that are not test, with folds and backbones."""
    recipe, dataset = opened.recipe, opened.dataset
    rows = np.flatnonzero(dataset.parts != TEST)
    _check_labels(opened, rows)
    rows = _learning(opened, rows, progress)
    task = TASKS.get(recipe.task).from_targets(dataset.labels(rows))
    codes = task.encode(dataset.labels(rows))
    folds = stratified_group_folds(codes, dataset.groups[rows], recipe.folds, recipe.seed)
    classical = opened.modality.classical
    backbones = {classical: BACKBONES.get(classical)()}
    if opened.base.kind != classical:
        backbones[BASE] = opened.base
    return Job(
        dataset,
        rows,
        backbones,
        task,
        store,
        folds,
        recipe.metric,
        progress,
        recipe.class_weight,
        recipe.seed,
        start=None if opened.earlier is None else opened.earlier.model,
        journal=memory,
        head=recipe.target or "label",
    )


def _learning(opened: Opened, rows: np.ndarray, progress: Progress) -> np.ndarray:
    """Those of the rows that are not kept back for a guarantee."""
    seen = () if opened.earlier is None else opened.earlier.trained_on
    return without_held_back(opened.dataset, opened.recipe, rows, progress, seen)


def _check_labels(opened: Opened, rows: np.ndarray) -> None:
    """Two classes at least must be left for training, and one of them twice."""
    counts = Counter(opened.dataset.labels(rows))
    source, target = opened.table.source.name, opened.recipe.target
    if len(counts) < 2:
        found = ", ".join(map(repr, counts)) or "none"
        raise DataError(
            faults=[
                Fault(
                    f"of {len(opened.dataset):,} usable rows {len(rows):,} are left for training, "
                    f"with the labels {found}; two classes at least are wanted",
                    file=source,
                    field=target,
                    hint="more rows, or another split (--split, --test-size)",
                )
            ]
        )
    if len(set(opened.dataset.groups[rows].tolist())) < 2:
        raise DataError(
            faults=[
                Fault(
                    f"the {len(rows):,} rows left for training are all one group (duplicates of "
                    "each other, or one value of --group); nothing can be chosen out of fold",
                    file=source,
                    field=", ".join(opened.dataset.inputs),
                )
            ]
        )
    if max(counts.values()) < 2:
        raise DataError(
            faults=[
                Fault(
                    f"every one of {len(counts):,} labels occurs once; nothing can be learnt",
                    file=source,
                    field=target,
                    hint="is it the label column?",
                )
            ]
        )


def _work(
    run: RunDirectory,
    opened: Opened,
    machine: Machine,
    progress: Progress,
    tracker: Tracker,
    replayed: Replayed | None = None,
) -> None:
    """Search, build, prove, save; every step kept as it is done."""
    begun = time.perf_counter()
    record = run.record
    write_json(run.path("audit.json"), opened.audit.to_json())
    if record.get("run_id") is None:
        record.set("run_id", run.plan.digest()[:16])
    counters: dict[str, int] = {}
    store = FeatureStore(store_folder(machine), limit_gb=machine.cache_gb, counters=counters)
    memory = RunMemory(run)
    if replayed is not None:
        replayed.tell(memory)
    job = replace(
        make_job(opened, store, progress, memory),
        folder=lambda name: run.path(f"training/{name}"),
        checkpoint_seconds=machine.checkpoint_seconds,
        tracker=tracker,
    )
    budget = Budget(parse_budget(opened.recipe.budget), sum(record.get("seconds", {}).values()))
    try:
        job = _within(job, opened, budget, memory)
        _encode(run, job, opened, progress)
        with record.seconds("search"):
            search = search_job(job, opened.recipe.seed, fresh_rows(opened, job.rows))
            timely = {} if replayed is None else replayed.timely
            ladder = _climb(search, job, opened, memory, budget, timely)
        for result in ladder.results:
            run.log("rung", **result.to_json())
        tell_rungs(tracker, ladder)
        record.set(
            "ladder",
            {"rungs": ladder.to_json(), "reason": ladder.reason, "not_tried": ladder.passed},
        )
        run.save_record()
        with record.seconds("fit and controls"):
            findings = gather_evidence(job, search, opened, ladder, run, progress)
        tell_metrics(tracker, findings.metrics)
        record.set("training", job.notes)
    finally:  # an interrupted session's passes count too
        for name, amount in counters.items():
            record.count(name, amount)
        record.count("base_passes", counters["rows_encoded"])
    with record.seconds("saving"):
        commit_model(run, findings, opened, progress)
    record.set("wall_seconds", round(time.perf_counter() - begun, 3))
    commit_report(run, findings, opened, machine)
    save_test_keys(run.root, job.dataset)
    shutil.rmtree(run.path("training"), ignore_errors=True)  # checkpoints: the model is saved
    run.finish()


def _within(job: Job, opened: Opened, budget: Budget, memory: RunMemory) -> Job:
    """The job, without the base where the budget does not even allow to encode the rows."""
    if BASE not in job.backbones or opened.recipe.strategy != "auto" or opened.earlier is not None:
        return job  # a warm start never ends below its start, and that reads the base
    decision = memory.decided(ENCODING)
    if decision is None:
        seconds = encoding_forecast(job, job.backbones[BASE])[0]
        for _ in range(2):  # a first measurement on a busy machine may be far too slow
            if seconds > budget.left:
                seconds = min(seconds, encoding_forecast(job, job.backbones[BASE])[0])
        decision = {"go": seconds <= budget.left, "forecast": round(seconds, 3)}
        memory.decide(ENCODING, decision)
    if decision["go"]:
        return job
    job.progress.say(
        f"encoding takes about {duration_text(decision['forecast'])}, more than the budget of "
        f"{opened.recipe.budget}: the base is left out"
    )
    return replace(job, backbones={k: v for k, v in job.backbones.items() if k != BASE})


def encoding_forecast(
    job: Job, base: Backbone, rows: np.ndarray | None = None
) -> tuple[float, int]:
    """(seconds, inputs) that a base has to encode of the dataset, from a measured sample.

    Args:
        job: whose dataset it is.
        base: that encodes.
        rows: int64 positions in the dataset; default: all.
    """
    inputs = job.dataset.inputs if rows is None else job.dataset.take(rows)
    told = [encoding_seconds(base, list(values), job.store, job.seed) for values in inputs.values()]
    return sum(seconds for seconds, _ in told), sum(count for _, count in told)


def _encode(run: RunDirectory, job: Job, opened: Opened, progress: Progress) -> None:
    """All rows of the dataset through the base, in one plan; labels are not looked at."""
    if BASE not in job.backbones:
        return
    with run.record.seconds("encoding"):
        digests = {}
        for name, values in opened.dataset.inputs.items():
            stored = job.store.features(
                job.backbones[BASE], values, progress=progress, journal=job.journal
            )
            digests[name] = stored.digest()
    run.record.set("features", digests)
    run.save_record()


def all_rungs(job: Job, opened: Opened) -> tuple[list[Rung], str | None]:
    """As `rungs_of`, with the earlier model of a warm start; says which parameters go unused."""
    few = few_labels(job, opened.base)
    rungs, end_on = rungs_of(opened.recipe, opened.base, opened.modality.classical, few=few)
    if idle := unused(opened.recipe, rungs):
        pretrained = opened.base.kind != opened.modality.classical
        why = "no rung that is tried has it" if pretrained else "the base has no pre-training"
        job.progress.say(f"not used, as {why}: {', '.join(idle)}")
    if opened.earlier is not None:
        rungs.insert(1, Rung("earlier", "the earlier model as it is", Keep(), ()))
    return rungs, end_on


def _climb(
    search: Job,
    job: Job,
    opened: Opened,
    memory: RunMemory,
    budget: Budget,
    timely: dict[str, dict[str, Any]],
) -> Climb:
    recipe = opened.recipe
    rungs, end_on = all_rungs(job, opened)
    left_out: list[Rung] = []
    if any(BASE in rung.backbones for rung in rungs) and BASE not in search.backbones:
        rungs, left_out, end_on = rungs[:1], rungs[1:], None  # the budget has no time for the base
    found = climb(
        search,
        rungs,
        min_gain=recipe.min_gain,
        memory=memory,
        end_on=end_on,
        budget=budget,
        refit_rows=len(job.rows),
        fresh=fresh_rows(opened, search.rows),
        timely=timely,
    )
    if not left_out:
        return found
    why = f"the budget of {recipe.budget} has no time for the base"
    passed = [
        {"name": rung.name, "title": rung.title, "go": False, "reason": why} for rung in left_out
    ]
    return replace(found, reason=why, passed=[*found.passed, *passed])


def fresh_rows(opened: Opened, rows: np.ndarray) -> np.ndarray | None:
    """Bool (n,): which of `rows` the earlier run did not learn from; only these can judge.

    Raises:
        DataError: so few that nothing can be judged.
    """
    if opened.earlier is None:
        return None
    fresh = ~seen_in_training(opened.earlier.trained_on, [opened.dataset.keys[i] for i in rows])
    if fresh.sum() < FEWEST_FRESH:
        raise DataError(
            f"--from: only {int(fresh.sum())} of the {len(fresh):,} training rows are new to the "
            f"earlier run; {FEWEST_FRESH} at least are wanted to judge what more learning brings"
        )
    return fresh


def search_job(job: Job, seed: int, fresh: np.ndarray | None = None) -> Job:
    """The rows that choices are made on: all, or `SEARCH_ROWS` with classes in proportion.

    Args:
        job: with all rows that are learnt from.
        seed: draws them.
        fresh: bool (n,), the rows that can judge (see `fresh_rows`): they come first, as a draw
            from all may leave none of them.
    """
    if len(job.rows) <= SEARCH_ROWS:
        return job
    chosen = subset(job.codes(), SEARCH_ROWS, seed, fresh)
    return replace(job, rows=job.rows[chosen], folds=job.folds[chosen])


def _open_model(folder: Path) -> Any:
    from graftwork.model.model import Model

    return Model.load(folder)
