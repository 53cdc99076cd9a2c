"""The model directory: opens with other people's tools, loads without the training data.

README.md              the card
manifest.json          SHA-256 of every file, format version
graph.json             inputs, feature nodes, joins, heads
backbones/<name>/      a Hugging Face directory wherever the backbone is one
heads/<name>/          head.json, head.safetensors (graph.json says which folder is whose)
artifacts/             hashes of the training rows; neighbours where kept
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graftwork.bases import load_backbone
from graftwork.errors import DataError, IntegrityError
from graftwork.model.fitting import check_parts
from graftwork.model.graph import Graph
from graftwork.model.head import ModelHead
from graftwork.model.neighbours import Neighbours
from graftwork.storage.directory import committed
from graftwork.storage.json_files import read_json, write_json
from graftwork.storage.manifest import verify_manifest, write_manifest
from graftwork.storage.outputs import refuse_foreign
from graftwork.storage.tensors import load_tensors, save_tensors

if TYPE_CHECKING:
    from graftwork.model.model import Model
    from graftwork.runtime.devices import Placement

__all__ = ["FORMAT_VERSION", "load_model", "part_folder", "save_model", "write_model"]

FORMAT_VERSION = 1
NEEDED = ("manifest.json", "graph.json")
ALLOWED = ("README.md", "backbones", "heads", "artifacts")
# What a part raises that was edited by hand and whose manifest was written anew.
_MISFITS = (
    *(KeyError, IndexError, TypeError, ValueError, AttributeError, StopIteration, DataError),
)


def save_model(model: Model, folder: Path, *, card: str = "") -> None:
    """Write `model` to `folder`, whole or not at all; a model that is there is replaced.

    Raises:
        RunError: the folder holds other things, which would be lost.
    """
    refuse_foreign(folder, needed=NEEDED, allowed=ALLOWED, what="a model")
    with committed(folder) as temporary:
        write_model(model, temporary, card=card)


def write_model(model: Model, folder: Path, *, card: str = "") -> None:
    """Write the parts, then the manifest, into an existing empty folder."""
    places = {"backbones": _places(model.backbones), "heads": _places(model.heads)}
    for name, backbone in model.backbones.items():
        place = folder / "backbones" / places["backbones"][name]
        place.mkdir(parents=True)
        backbone.save(place)
    for name, head in model.heads.items():
        place = folder / "heads" / places["heads"][name]
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
    graph = {**model.graph.to_json(), "backbones": kinds, "folders": places, "facts": model.facts}
    write_json(folder / "graph.json", graph)
    (folder / "README.md").write_text(card or _plain_card(model), encoding="utf-8")
    _as_readable(folder, like=folder / "README.md")
    write_manifest(folder, FORMAT_VERSION)


def load_model(folder: Path, *, placement: Placement | None = None) -> Model:
    """Check the manifest, then load the parts and check that they fit each other.

    Raises:
        IntegrityError: a file was changed, or the parts do not make a model.
    """
    place = model_folder(folder)
    verify_manifest(place, known_versions={FORMAT_VERSION})
    try:
        model = _load_parts(place, placement)
        check_parts(model.graph, model.backbones, model.heads)
    except _MISFITS as error:
        raise IntegrityError(f"{place}: its parts do not make a model: {error!s}") from error
    return model


def _load_parts(place: Path, placement: Placement | None) -> Model:
    from graftwork.model.model import Model

    described = read_json(place / "graph.json")
    graph = Graph.from_json(described)
    kinds: dict[str, Any] = described.get("backbones", {})
    backbones = {
        name: load_backbone(
            facts["kind"], part_folder(place, described, "backbones", name), placement=placement
        )
        for name, facts in kinds.items()
    }
    heads = {
        name: ModelHead.load(part_folder(place, described, "heads", name)) for name in graph.heads
    }
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


def _places(names: Iterable[str]) -> dict[str, str]:
    """Folder name of each part: a head is named after its column, which may be any text."""
    places: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")[:60] or "part"
        # lower case too: some file systems do not tell A from a
        taken = {place.casefold() for place in places.values()}
        number = 2
        place = plain
        while place.casefold() in taken:
            place, number = f"{plain}-{number}", number + 1
        places[name] = place
    return places


def part_folder(model: Path, graph: dict[str, Any], part: str, name: str) -> Path:
    """Where a part lies.

    Args:
        model: the model directory.
        graph: the content of its `graph.json`.
        part: ``backbones`` or ``heads``.
        name: of the part.

    Raises:
        IntegrityError: a path that could lead out of the model.
    """
    told = graph.get("folders", {}).get(part, {}).get(name, name)
    if not isinstance(told, str) or not re.fullmatch(r"[A-Za-z0-9_-]+", told):
        raise IntegrityError(f"{model / 'graph.json'}: {told!r} is no folder of a part")
    return model / part / told


def _as_readable(folder: Path, *, like: Path) -> None:
    """Give every file the mode that this user's files have: safetensors writes its own as 0600."""
    mode = like.stat().st_mode
    for path in folder.rglob("*.safetensors"):
        path.chmod(mode)


def _plain_card(model: Model) -> str:
    parts = ", ".join(f"{name} ({b.kind})" for name, b in model.backbones.items())
    return f"# A Graftwork model\n\nBackbones: {parts}. Labels: {len(model.classes)}.\n"
