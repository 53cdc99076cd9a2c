"""The model directory: opens with other people's tools, loads without the training data.

README.md              the card
manifest.json          SHA-256 of every file, format version
graph.json             inputs, feature nodes, joins, heads
backbones/<name>/      a Hugging Face directory wherever the backbone is one
heads/<name>/          head.json, head.safetensors
artifacts/             hashes of the training rows; neighbours where kept
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from graftwork.bases import load_backbone
from graftwork.errors import IntegrityError
from graftwork.model.graph import Graph
from graftwork.model.head import ModelHead
from graftwork.model.neighbours import Neighbours
from graftwork.storage.directory import committed
from graftwork.storage.json_files import read_json, write_json
from graftwork.storage.manifest import verify_manifest, write_manifest
from graftwork.storage.tensors import load_tensors, save_tensors

if TYPE_CHECKING:
    from graftwork.model.model import Model
    from graftwork.runtime.devices import Placement

__all__ = ["FORMAT_VERSION", "load_model", "save_model", "write_model"]

FORMAT_VERSION = 1


def save_model(model: Model, folder: Path, *, card: str = "") -> None:
    """Write `model` to `folder`, whole or not at all."""
    with committed(folder) as temporary:
        write_model(model, temporary, card=card)


def write_model(model: Model, folder: Path, *, card: str = "") -> None:
    """Write the parts, then the manifest, into an existing empty folder."""
    for name, backbone in model.backbones.items():
        place = folder / "backbones" / name
        place.mkdir(parents=True)
        backbone.save(place)
    for name, head in model.heads.items():
        place = folder / "heads" / name
        place.mkdir(parents=True)
        head.save(place)
    if model.neighbours is not None:
        place = folder / "artifacts" / "neighbours"
        place.mkdir(parents=True)
        model.neighbours.save(place)
    if model.training_keys is not None:
        place = folder / "artifacts"
        place.mkdir(exist_ok=True)
        save_tensors(place / "training_keys.safetensors", {"keys": model.training_keys})
    kinds = {name: {"kind": backbone.kind} for name, backbone in model.backbones.items()}
    graph = {**model.graph.to_json(), "backbones": kinds, "facts": model.facts}
    write_json(folder / "graph.json", graph)
    (folder / "README.md").write_text(card or _plain_card(model), encoding="utf-8")
    write_manifest(folder, FORMAT_VERSION)


def load_model(folder: Path, *, placement: Placement | None = None) -> Model:
    """Check the manifest, then load the parts."""
    from graftwork.model.model import Model

    place = model_folder(folder)
    verify_manifest(place, known_versions={FORMAT_VERSION})
    described = read_json(place / "graph.json")
    graph = Graph.from_json(described)
    kinds: dict[str, Any] = described.get("backbones", {})
    backbones = {
        name: load_backbone(facts["kind"], place / "backbones" / name, placement=placement)
        for name, facts in kinds.items()
    }
    heads = {name: ModelHead.load(place / "heads" / name) for name in graph.heads}
    kept = place / "artifacts" / "neighbours"
    neighbours = Neighbours.load(kept) if kept.is_dir() else None
    keys_file = place / "artifacts" / "training_keys.safetensors"
    keys = load_tensors(keys_file)["keys"] if keys_file.is_file() else None
    return Model(graph, backbones, heads, described.get("facts", {}), neighbours, keys)


def model_folder(folder: Path) -> Path:
    """The model directory itself, given it or the run that holds it.

    Raises:
        IntegrityError: neither.
    """
    for place in (folder, folder / "model"):
        if (place / "manifest.json").is_file() and (place / "graph.json").is_file():
            return place
    if not folder.exists():
        raise IntegrityError(f"{folder}: no such run or model directory")
    unfinished = (folder / "plan.json").is_file()
    why = (
        "its run did not finish; the same fit command resumes it"
        if unfinished
        else ("it holds neither model/manifest.json nor manifest.json")
    )
    raise IntegrityError(f"{folder}: no model here: {why}")


def _plain_card(model: Model) -> str:
    parts = ", ".join(f"{name} ({b.kind})" for name, b in model.backbones.items())
    return f"# A Graftwork model\n\nBackbones: {parts}. Labels: {len(model.classes)}.\n"
