"""`info` and `load`: what a base, a run or a model is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graftwork.errors import GraftworkError, IntegrityError
from graftwork.storage.json_files import read_json

__all__ = ["info", "load"]


def load(path: str | Path) -> Any:
    """The model of a run or model directory, checked against its manifest.

    Raises:
        IntegrityError: no model there, or a file was changed; it is named.
    """
    from graftwork.model.model import Model

    return Model.load(path)


def info(what: str | Path) -> dict[str, Any]:
    """Plain facts about a run directory, a model directory or a base.

    Raises:
        GraftworkError: it is none of these; the message names the local bases.
    """
    path = Path(what)
    if (path / "plan.json").is_file():
        return _run(path)
    if (path / "graph.json").is_file():
        return _model(path)
    from graftwork.api._promote import promoted_facts
    from graftwork.bases import open_base

    base = open_base(str(what))
    promoted = promoted_facts(path)
    origin = {} if promoted is None else {"promoted": promoted}
    return {"what": "base", **base.describe(), "fingerprint": base.fingerprint(), **origin}


def _run(path: Path) -> dict[str, Any]:
    status = read_json(path / "status.json")
    plan = read_json(path / "plan.json")
    told: dict[str, Any] = {"what": "run", "path": str(path), "state": status.get("state")}
    told["recipe"] = {k: v for k, v in plan["recipe"].items() if v not in (None, [], {}, "")}
    metrics = path / "report" / "metrics.json"
    if metrics.is_file():
        report = read_json(metrics)
        told["verdict"] = report["verdict"]["sentence"]
        told["chosen"] = report["chosen"].get("title")
        told["test"] = {name: score["value"] for name, score in report["test"].items()}
        told["report"] = str(path / "report" / "report.html")
    try:
        told["model"] = _model(path / "model")
    except (IntegrityError, OSError) as error:
        told["model"] = str(error)
    return told


def _model(path: Path) -> dict[str, Any]:
    if not (path / "graph.json").is_file():
        raise IntegrityError(f"{path}: no model here")
    from graftwork.model.directory import part_folder

    graph = read_json(path / "graph.json")
    heads = {}
    for name in graph["heads"]:
        try:
            folder = part_folder(path, graph, "heads", name)
            heads[name] = read_json(folder / "head.json")["task"]
        except GraftworkError as error:
            heads[name] = str(error)
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return {
        "what": "model",
        "path": str(path),
        "inputs": graph["inputs"],
        "features": graph["features"],
        "heads": heads,
        "facts": graph.get("facts", {}),
        "mb": round(size / 1e6, 1),
    }
