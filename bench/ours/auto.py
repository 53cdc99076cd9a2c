"""Worker: a whole `graftwork.fit`, its test score and which test rows are right."""

from __future__ import annotations

import csv
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workers import peak_memory_mb, serve

spent: Counter[str] = Counter()

# What only proves the model, or tells of it: apart from the time of getting one.
EVIDENCE = {
    "controls": ("graftwork.api._evidence", "controls_of"),
    "report": ("graftwork.api._fit", "commit_report"),
}
WATCHED = EVIDENCE | {"checkpoints": ("graftwork.training.checkpoints", "Checkpoints.write")}


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Fit once, as a user does, on an empty feature store.

    `job`: `train` and `test` (CSV files, text and label), `out`, `cache`, and `settings` (fields of
    the recipe, besides these).
    """
    import graftwork

    _warm()
    _watch()
    spent.clear()
    begun = time.perf_counter()
    run = graftwork.fit(
        job["train"],
        out=job["out"],
        settings={"target": "label", "input": ("text",), "test": job["test"], **job["settings"]},
        machine={"cache": job["cache"]},
        overwrite=True,
    )
    whole = time.perf_counter() - begun
    watched = {name: float(spent[name]) for name in WATCHED}
    record = json.loads((Path(job["out"]) / "record.json").read_text(encoding="utf-8"))
    chosen = run.report["chosen"]
    return {
        **_right(Path(job["test"]), Path(job["out"]) / "report" / "predictions.csv"),
        "score_of_the_run": run.report["test"]["accuracy"]["value"],
        "strategy": chosen["strategy"],
        "words": chosen.get("words"),
        "reason": chosen.get("reason"),
        "rungs": [_rung(rung) for rung in chosen.get("rungs", [])],
        "epochs": _epochs(chosen, record.get("training", {})),
        "outcome": run.report["verdict"]["outcome"],
        "seconds": {
            "whole run": whole,
            **watched,
            "all": whole - sum(watched[name] for name in EVIDENCE),
            "steps": record["seconds"],
        },
        "peak_memory_mb": peak_memory_mb(),
    }


def _rung(rung: dict[str, Any]) -> dict[str, Any]:
    """What the ladder says of a rung, without its settings."""
    return {key: rung.get(key) for key in ("name", "value", "seconds", "taken", "note")}


def _epochs(chosen: dict[str, Any], training: dict[str, Any]) -> list[dict[str, Any]]:
    """Every epoch that was run: seconds as foretold and as they came."""
    found = []
    for rung in chosen.get("rungs", []):
        foretold, curves = rung.get("forecast"), rung.get("facts", {}).get("curves", [])
        if not foretold:
            continue
        # one forecast for the pilots of all folds: epoch by epoch, as far as all of them went
        for each in zip(*(curve["seconds"] for curve in curves), strict=False):
            found.append(_epoch(rung, "pilot", foretold["pilot_epoch"], sum(each)))
        if rung["chosen"]:
            refits = (told for name, told in training.items() if not name.startswith("control:"))
            seconds = [taken for told in refits for taken in told["seconds"]]
            found += [_epoch(rung, "refit", foretold["epoch"], taken) for taken in seconds]
    return found


def _epoch(rung: dict[str, Any], part: str, foretold: float, took: float) -> dict[str, Any]:
    return {"rung": rung["name"], "part": part, "foretold": foretold, "took": took}


def _right(test: Path, predictions: Path) -> dict[str, Any]:
    """Which rows of the test file are right; one that the run set aside counts as wrong."""
    from harness import bits

    with open(predictions, encoding="utf-8", newline="") as stream:
        said = {int(row["row"]): row["prediction"] for row in csv.DictReader(stream)}
    truth = _labels_by_line(test)
    if unknown := said.keys() - truth.keys():
        raise SystemExit(f"predictions of rows that {test} has not: {sorted(unknown)[:5]}")
    right = [said.get(line) == label for line, label in truth.items()]
    return {
        "test": len(right),
        "accuracy": sum(right) / len(right),
        "right": bits(right),
        "set_aside": len(truth) - len(said),
    }


def _labels_by_line(file: Path) -> dict[int, str]:
    """Labels by the line that their record begins in, as Graftwork numbers rows."""
    found = {}
    with open(file, encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        column = next(reader).index("label")
        line = reader.line_num + 1
        for record in reader:
            found[line] = record[column]
            line = reader.line_num + 1
    return found


def _warm() -> None:
    """Import what the fit imports late; the peers' clock starts after their imports too."""
    import scipy.optimize  # noqa: F401
    import sklearn.linear_model  # noqa: F401
    import torch  # noqa: F401
    import transformers  # noqa: F401
    from transformers import AutoModel, AutoTokenizer  # noqa: F401


def _watch() -> None:
    """Time the parts of `WATCHED`, once a process."""
    from importlib import import_module

    for name, (module, path) in WATCHED.items():
        home, function = _home(import_module(module), path)
        found = getattr(home, function, None)
        if found is None:
            raise SystemExit(f"{module} has no {path} any more: name its successor in {__file__}")
        if not hasattr(found, "watched"):
            setattr(home, function, _timed(name, found))


def _home(module: Any, path: str) -> tuple[Any, str]:
    """Where a function or method lies: the module or its class, and its name there."""
    owner, _, name = path.rpartition(".")
    return (getattr(module, owner, None) if owner else module), name


def _timed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*given: Any, **named: Any) -> Any:
        begun = time.perf_counter()
        try:
            return call(*given, **named)
        finally:
            spent[name] += time.perf_counter() - begun  # type: ignore[assignment]

    timed.watched = True  # type: ignore[attr-defined]
    return timed


if __name__ == "__main__":
    serve(answer)
