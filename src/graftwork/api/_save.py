"""Write the model and the report of a run; the model is loaded back before it counts."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.api._evidence import Findings, peak_memory_mb
from graftwork.api._gallery import gallery
from graftwork.api._misfit import LOOKS_LIKE, looks_like
from graftwork.api._open import Opened
from graftwork.api._promote import promoted_facts
from graftwork.api._reading import with_texts, write_label_errors
from graftwork.errors import IntegrityError
from graftwork.evaluation.card import card
from graftwork.evaluation.report.render import render
from graftwork.model.directory import load_model, write_model
from graftwork.model.model import Model
from graftwork.runs.directory import RunDirectory
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine, as_dict
from graftwork.storage.json_files import plain, write_json

__all__ = ["check_loaded", "commit_model", "commit_report"]

CHECKED_ROWS = 64
TOLERANCE = 1e-6  # same rows, same batches, same machine: only the file lies between


def commit_model(run: RunDirectory, findings: Findings, opened: Opened, progress: Progress) -> None:
    """Write the model aside, load it back, compare its predictions, then let it appear."""
    model = findings.model
    model.facts |= {
        "target": opened.recipe.target,
        "labels": len(model.classes),
        "base": opened.base.describe().get("name", opened.recipe.base),
        "run_id": run.record.get("run_id"),
        "seed": opened.recipe.seed,
    }
    dataset = opened.dataset
    seeming = looks_like(opened.table, tuple(dataset.inputs), dataset.modality)
    if seeming is not None:
        model.facts[LOOKS_LIKE] = seeming
    kept = model.facts.get("strategy") == "earlier"
    if opened.earlier is not None and (kept or opened.earlier.base() is opened.base):
        model.facts |= opened.earlier.base_facts()
    asked = None if kept else opened.recipe.base  # a kept model brings its own
    promoted = promoted_facts(asked) if asked else None
    if promoted is not None:
        model.facts["base_promoted"] = promoted
    recipe = as_dict(opened.recipe) | ({"base": model.facts["base"]} if kept else {})
    payload = {**findings.metrics, "recipe": recipe, "record": _told(run)}
    sample = opened.dataset.take(np.arange(min(CHECKED_ROWS, len(opened.dataset))))
    with progress.step("saving the model"), run.commit("model") as folder:
        write_model(model, folder, card=card(payload))
        check_loaded(model, load_model(folder, placement=_placement(model)), sample)
    # rows that went through the base to check the model, twice each; no features came of them
    run.record.count("check_passes", 2 * min(CHECKED_ROWS, len(opened.dataset)))


def check_loaded(model: Model, loaded: Model, sample: dict[str, list[Any]]) -> None:
    """Refuse a saved model that predicts otherwise than the one in memory.

    Raises:
        IntegrityError: probabilities differ; the largest difference is named.
    """
    ours, theirs = model.predict(sample), loaded.predict(sample)
    change = float(np.abs(ours.probabilities - theirs.probabilities).max(initial=0.0))
    if ours.labels != theirs.labels or change > TOLERANCE:
        raise IntegrityError(
            f"the saved model, loaded back, differs by up to {change:.2g} of probability"
        )


def _placement(model: Model) -> Any:
    for backbone in model.backbones.values():
        placement = getattr(backbone, "placement", None)
        if placement is not None:
            return placement
    return None


def _parameters(model: Model, opened: Opened) -> int | None:
    """Numbers in the pre-trained base: of the model where it has one, else of that of the fit."""
    inside = [base for base in model.backbones.values() if hasattr(base, "tunable")]
    told: int | None = (inside or [opened.base])[0].describe().get("parameters")
    return told


def commit_report(run: RunDirectory, findings: Findings, opened: Opened, machine: Machine) -> None:
    """Write `report/metrics.json`, `report/report.html` and the judged rows' predictions."""
    record = run.record.to_json()
    model_folder = run.path("model")
    size = sum(path.stat().st_size for path in model_folder.rglob("*") if path.is_file())
    findings.metrics["cost"] = {
        "steps": record["seconds"],
        "seconds": record.get("wall_seconds"),
        "peak_memory_mb": peak_memory_mb(),
        "base_passes": record["counts"].get("base_passes", 0),
        "parameters": _parameters(findings.model, opened),
        "model_mb": round(size / 1e6, 1),
        **findings.extra.get("cost", {}),
    }
    payload = {
        **findings.metrics,
        "recipe": as_dict(opened.recipe),
        "record": _told(run),
        **with_texts(findings.metrics, findings.reading),
        "gallery": gallery(opened),
    }
    with run.commit("report") as folder:
        write_json(folder / "metrics.json", plain(findings.metrics))
        _write_predictions(folder / "predictions.csv", findings, opened)
        write_label_errors(folder / "label_errors.csv", findings.reading)
        render(payload, folder, redact=opened.recipe.redact)


def _told(run: RunDirectory) -> dict[str, Any]:
    """The facts of the record that a reader wants."""
    record = run.record.to_json()
    session = record["sessions"][-1] if record["sessions"] else {}
    names = run.plan.names.get("train", "DATA")
    return {
        "run_id": record.get("run_id"),
        "created": record.get("created"),
        "command": f"graftwork fit {names} --recipe {Path(run.root.name) / 'recipe.yaml'}",
        "data": run.plan.data,
        "versions": session.get("versions", {}),
        "machine": session.get("machine", {}),
    }


def _write_predictions(path: Path, findings: Findings, opened: Opened) -> None:
    contender = findings.contender
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["row", "label", "prediction", "probability"])
        for i, position in enumerate(findings.judged.tolist()):
            odds = contender.probabilities
            writer.writerow(
                [
                    int(opened.dataset.rows[position]),
                    findings.labels[int(findings.truth[i])],
                    findings.labels[int(contender.predicted[i])],
                    "" if odds is None else f"{odds[i].max():.6f}",
                ]
            )
