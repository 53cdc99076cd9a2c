"""`plan`: what a fit would do and cost; nothing is trained or written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graftwork.api._earlier import Keep, read_by_earlier
from graftwork.api._fit import (
    SEARCH_ROWS,
    all_rungs,
    encoding_forecast,
    fresh_rows,
    make_job,
    search_job,
)
from graftwork.api._open import Opened, machine_of, open_all, recipe_of, store_folder
from graftwork.api._replay import replay_of
from graftwork.api._rungs import BASE, check_rungs
from graftwork.bases.vectors import vectors_of
from graftwork.evaluation.controls import TRAIN_ROWS
from graftwork.features.store import FeatureStore
from graftwork.planning.forecast import Forecast, search_seconds
from graftwork.runs.plan import Plan
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine, Recipe
from graftwork.strategies._tuner import Tuner
from graftwork.strategies.strategy import Job

__all__ = ["plan"]

PATHS_PER_RUNG = 20  # heads' paths that a rung's search fits, about: candidates x folds
LAST_FITS = 2  # heads of a rung that are fitted on all rows
STRENGTHS = (1.0, 16.0, 250.0)


def plan(
    data: Any,
    *,
    out: str | Path | None = None,
    settings: Mapping[str, Any] | Recipe | None = None,
    machine: Machine | Mapping[str, Any] | None = None,
    replay: str | Path | None = None,
    progress: Progress | None = None,
    **more: Any,
) -> dict[str, Any]:
    """The plan of a fit with its forecast (`fit --dry-run`).

    Args:
        data: as for `fit`.
        out: as for `fit`; only shown.
        settings: as for `fit`.
        machine: as for `fit`.
        replay: as for `fit`.
        progress: as for `fit`.
        **more: as for `fit`.

    Returns:
        ``recipe``, ``rows``, ``labels``, ``rungs``, ``forecast`` (seconds by step) and ``text``.
    """
    progress = progress or Progress()
    if replay is not None:
        settings = replay_of(replay).under(settings)
    recipe, how = recipe_of(settings, more), machine_of(machine)
    opened = open_all(data, recipe, how, progress=progress)
    recipe = opened.recipe
    check_rungs(recipe, opened.base, opened.modality.classical)
    store = FeatureStore(store_folder(how), limit_gb=how.cache_gb)
    job = make_job(opened, store, progress, None)
    fresh_rows(opened, job.rows)
    rungs, _ = all_rungs(job, opened)
    with progress.step("measuring this machine"):
        learning = sum(not isinstance(rung.strategy, Keep) for rung in rungs)
        forecast, missing = _forecast(job, opened, learning)
    frozen = Plan(recipe, opened.data, opened.names)
    parts = Counter(opened.dataset.parts.tolist())
    told: dict[str, Any] = {
        **frozen.to_json(),
        "out": None if out is None else str(out),
        "rows": dict(parts),
        "inputs": list(opened.dataset.inputs),
        "labels": len(job.task.labels),
        "base": opened.base.describe(),
        "rungs": [rung.title for rung in rungs],
        "trains": [rung.title for rung in rungs if isinstance(rung.strategy, Tuner)],
        "to_encode": missing,
        "forecast": {"steps": forecast.steps, "seconds": round(forecast.seconds, 1)},
        "accounting": opened.audit.accounting,
    }
    return {**told, "text": _text(told)}


def _forecast(job: Job, opened: Opened, n_rungs: int) -> tuple[Forecast, int]:
    steps: dict[str, float] = {}
    missing = 0
    if BASE in job.backbones:
        seconds, missing = encoding_forecast(job, job.backbones[BASE])
        steps["encoding"] = round(seconds, 1)
        share = min(1.0, (TRAIN_ROWS + 1000) / max(len(opened.dataset), 1))
        whole = seconds * len(opened.dataset) / missing if missing else 0.0
        steps["encoding the control with random weights"] = round(whole * share, 1)
    own = None if opened.earlier is None else opened.earlier.base()
    if opened.earlier is not None and own is not None and own is not opened.base:
        search = search_job(job, opened.recipe.seed, fresh_rows(opened, job.rows))
        read = read_by_earlier(opened.earlier.model, search)
        seconds, more = encoding_forecast(job, own, read)
        missing += more
        steps["encoding by the earlier model's base"] = round(seconds, 1)
    widths = vectors_of(opened.base).widths
    dim = max((layer[0] for layer in widths if layer), default=0) or 1000
    rows, searched = len(job.rows), min(len(job.rows), SEARCH_ROWS)
    # as much again for controls and the learning curve; the last fits take all rows
    one = search_seconds(
        searched, dim, job.task.convex(), fits=2 * PATHS_PER_RUNG, strengths=STRENGTHS
    )
    one *= 1 + (rows / searched - 1) * LAST_FITS / (2 * PATHS_PER_RUNG)
    steps["choosing and fitting heads"] = round(one * (n_rungs + 1), 1)
    return Forecast(steps), missing


def _training_words(rungs: list[str], budget: str) -> list[str]:
    """Trainings are measured when their turn comes; what they may take is known."""
    if not rungs:
        return []
    return [f"  not in it: {', '.join(rungs)}, forecast when their turn comes (budget {budget})"]


def _text(told: dict[str, Any]) -> str:
    rows = ", ".join(f"{count:,} {part}" for part, count in sorted(told["rows"].items()))
    steps = told["forecast"]["steps"]
    recipe = told["recipe"]
    lines = [
        f"Plan {told['digest'][:12]}",
        f"  data      {', '.join(told['names'].values())}: {rows} rows, {told['labels']} labels",
        f"  input     {', '.join(told['inputs'])}; target {recipe['target']}",
        f"  base      {told['base'].get('name', told['base']['kind'])}",
        f"  rungs     {' -> '.join(told['rungs'])}",
        f"  metric    {recipe['metric']}; margin {recipe['margin']}, seed {recipe['seed']}",
        f"  to encode {told['to_encode']:,} inputs (the rest is stored)",
        "Forecast",
        *(f"  {seconds:8.1f} s  {name}" for name, seconds in steps.items()),
        f"  {told['forecast']['seconds']:8.1f} s  in all, give or take a quarter",
        *_training_words(told["trains"], recipe["budget"]),
        "Nothing was trained or written.",
    ]
    return "\n".join(lines)
