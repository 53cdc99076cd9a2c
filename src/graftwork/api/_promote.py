"""`promote`: the backbone of a run as a base for the next task."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.api._promoted_card import promoted_card
from graftwork.api._report_of import report_of, run_folder
from graftwork.api._tuned_on import KEYS
from graftwork.errors import GraftworkError, IntegrityError, ParameterError, UnsupportedError
from graftwork.modalities import MODALITIES
from graftwork.model.directory import load_model, model_folder, part_folder
from graftwork.runs.progress import Progress
from graftwork.runs.record import now, software_versions
from graftwork.storage.directory import committed
from graftwork.storage.json_files import read_json, write_json
from graftwork.storage.manifest import MANIFEST, verify_manifest, write_manifest
from graftwork.storage.outputs import refuse_foreign
from graftwork.storage.tensors import load_tensors, save_tensors

__all__ = ["FACTS", "promote", "promoted_facts"]

FACTS = "graftwork.json"
FORMAT_VERSION = 1
NEEDED = ("config.json", FACTS, MANIFEST)
FROZEN = ("probe", "hybrid", "earlier")  # strategies that leave the base as it is
PRECISIONS = ("float32", "bfloat16", "float16")
LONGEST_CARD = 100_000  # bytes of a base's README.md that are looked through for its licence


def promote(
    run: str | Path | Any, *, out: str | Path, progress: Progress | None = None
) -> dict[str, Any]:
    """Write a run's backbone as a base: for `--base`, and for everything that opens Hugging Face's.

    The files are those of the model directory, byte for byte, with a card (`README.md`), the same
    facts as `graftwork.json`, hashes of the rows that the weights were tuned on (no texts), and a
    manifest. The base is opened before it appears under its name.

    Args:
        run: a run or model directory, or a `Run`.
        out: folder to write; new, empty, or of an earlier promotion, which is replaced.
        progress: is told, among other things, where the weights are the base's own.

    Returns:
        the content of `graftwork.json`, with ``out`` and ``sentence``.

    Raises:
        UnsupportedError: the model has no pre-trained backbone, or several.
        RunError: `out` holds other things, which would be lost.
        IntegrityError: there is no model, or a file of it was changed.
    """
    progress = progress or Progress()
    place = getattr(run, "path", run)
    if not isinstance(place, (str, Path)):
        raise ParameterError("promote takes the directory of a run or of its model, or a Run")
    _refuse(out)
    folder = model_folder(Path(place))
    graph = read_json(folder / "graph.json")
    name = _backbone(folder, graph)
    source = part_folder(folder, graph, "backbones", name)
    with progress.step("checking the model"):
        model = load_model(folder, placement=_placement(source))
    fingerprint = model.backbones[name].fingerprint()
    facts = _facts(run, Path(out).name, graph.get("facts", {}), fingerprint)
    facts["loaders"] = list(getattr(model.backbones[name], "loaders", ()))
    with progress.step("writing the base"), committed(out) as temporary:
        _copy(source, temporary)
        own = model.training_keys if facts["tuned"] or _tuned_before(facts) else None
        keys = _training_keys(own, facts["base"])
        if keys is not None:
            save_tensors(temporary / KEYS, {"keys": keys})
            # safetensors writes 0600; the other files have the mode that this user's files have
            (temporary / KEYS).chmod((temporary / "config.json").stat().st_mode)
        write_json(temporary / FACTS, facts)
        (temporary / "README.md").write_text(promoted_card(facts), encoding="utf-8")
        write_manifest(temporary, FORMAT_VERSION)
        _check_opens(temporary, source, fingerprint)
    if not facts["tuned"]:
        progress.say(facts["about"])
    return {**facts, "out": str(out), "sentence": facts["about"]}


def promoted_facts(folder: Path | str) -> dict[str, Any] | None:
    """The facts of a promoted base, None where the folder is none.

    ``manifest`` is added: "sound", or what was changed since.

    Raises:
        IntegrityError: `graftwork.json` is damaged.
    """
    place = Path(folder)
    if not ((place / FACTS).is_file() and (place / "config.json").is_file()):
        return None
    facts = read_json(place / FACTS)
    if not isinstance(facts, dict):
        raise IntegrityError(f"{place / FACTS}: holds no facts of a promoted base")
    try:
        verify_manifest(place, known_versions={FORMAT_VERSION})
        state = "sound"
    except GraftworkError as error:
        state = str(error)
    return {**facts, "manifest": state}


def _refuse(out: str | Path) -> None:
    """Only an earlier promotion is replaced, and only where it holds nothing but its own files."""
    own: set[str] = set()
    manifest = Path(out) / MANIFEST
    if manifest.is_file():
        try:
            own = {str(name).split("/")[0] for name in read_json(manifest)["files"]}
        except (GraftworkError, KeyError, TypeError):
            own = set()  # then it counts as foreign, and the refusal names its files
    refuse_foreign(out, needed=NEEDED, allowed=own, what="a promoted base")


def _backbone(folder: Path, graph: Mapping[str, Any]) -> str:
    """Name of the model's pre-trained backbone: `base`, else the only one."""
    kinds = {name: told.get("kind") for name, told in graph.get("backbones", {}).items()}
    plain = {MODALITIES.get(name)().classical for name in MODALITIES.names()}
    found = [name for name, kind in kinds.items() if kind not in plain]
    if "base" in found or len(found) == 1:
        return "base" if "base" in found else found[0]
    if found:
        raise UnsupportedError(
            f"{folder}: the model has several pre-trained backbones ({', '.join(found)}) and none "
            "is called base; only one can be promoted"
        )
    held = ", ".join(f"{name} ({kind})" for name, kind in kinds.items()) or "none"
    raise UnsupportedError(
        f"{folder}: the model has no pre-trained backbone to promote; it has: {held}, which learnt "
        "nothing that carries over; fit with --strategy probe, or one that tunes the base"
    )


def _placement(source: Path) -> Any:
    """On the CPU, in the precision of the file, so that the fingerprint is that of the run."""
    from graftwork.runtime.devices import place

    config = read_json(source / "config.json")
    told = str(config.get("dtype") or config.get("torch_dtype") or "float32")
    return place("cpu", told if told in PRECISIONS else "float32")


def _copy(source: Path, folder: Path) -> None:
    for file in sorted(source.iterdir()):
        if file.is_file():
            shutil.copyfile(file, folder / file.name)


def _tuned_before(facts: Mapping[str, Any]) -> bool:
    """Whether weights were tuned before the run, and no folder of theirs tells by which rows."""
    before = facts["base"].get("promoted") or {}
    return "folder" not in facts["base"] and bool(before.get("tuned"))


def _training_keys(own: np.ndarray | None, base: dict[str, Any]) -> np.ndarray | None:
    """Hashes uint8 (n, 16) of all rows that the weights were tuned on, those of its base included.

    Where the base was promoted too, its folder is looked at once more and its path forgotten.
    """
    folder = base.pop("folder", None)
    parts = [] if own is None else [own]
    if folder is not None and (folder / KEYS).is_file():
        parts.append(load_tensors(folder / KEYS)["keys"])
    return np.unique(np.concatenate(parts), axis=0) if parts else None


def _check_opens(folder: Path, source: Path, fingerprint: str) -> None:
    """The base, opened from where it was written, is the backbone of the model.

    Raises:
        IntegrityError: it is another one.
    """
    from graftwork.bases import open_base

    opened = open_base(str(folder), placement=_placement(source))
    if opened.fingerprint() != fingerprint:
        raise IntegrityError(f"{folder}: the base, opened again, is not the backbone of the model")


def _facts(run: Any, name: str, model_facts: Mapping[str, Any], fingerprint: str) -> dict[str, Any]:
    """Where the base comes from, as plain values."""
    folder, report = run_folder(run), report_of(run) or {}
    plan = read_json(folder / "plan.json") if folder is not None else {}
    recipe, data = plan.get("recipe", {}), dict(plan.get("data", {}))
    began_from, strategy = data.pop("base", None), model_facts.get("strategy")
    if strategy == "earlier":  # kept as it was, on its own base, whichever the plan names
        began_from = fingerprint
    tuned = strategy not in FROZEN and fingerprint != began_from
    base = _base_facts(recipe, model_facts, began_from)
    facts = {
        "format_version": FORMAT_VERSION,
        "what": "promoted base",
        "name": name,
        "promoted": now(),
        "fingerprint": fingerprint,
        "tuned": tuned,
        "strategy": strategy,
        "settings": model_facts.get("chosen"),
        "run_id": model_facts.get("run_id"),
        "target": model_facts.get("target"),
        "data": data,
        "base": base,
        "scores": report.get("test", {}),
        "scores_on": report.get("evidence"),
        "n_test": report.get("n_test"),
        "verdict": (report.get("verdict") or {}).get("sentence"),
        "versions": software_versions(),
    }
    return {**facts, "about": _about(facts)}


def _about(facts: Mapping[str, Any]) -> str:
    """One sentence: tuned on what, or not tuned at all."""
    base = facts["base"]["name"] or "its base"
    if _tuned_before(facts):
        before = facts["base"]["promoted"]
        base = f"{base} as run {before['run_id']} ({before['strategy']}) had tuned it"
    if facts["strategy"] == "scratch":
        return (
            f"The architecture of {base} with weights that began at random, trained in run "
            f"{facts['run_id']} to predict {facts['target']!r}; nothing of that base is in them."
        )
    if facts["tuned"]:
        return (
            f"{base}, tuned by {facts['strategy']} in run {facts['run_id']} to predict "
            f"{facts['target']!r}."
        )
    return (
        f"The weights are those of {base} itself: run {facts['run_id']} ({facts['strategy']}) did "
        "not tune them, so this base knows nothing that the other did not."
    )


def _base_facts(
    recipe: Mapping[str, Any], model_facts: Mapping[str, Any], fingerprint: str | None
) -> dict[str, Any]:
    """Name, licence and source of the base that the run began from, as far as they can be told."""
    from graftwork.bases._catalog import catalog_row

    default = MODALITIES.get(recipe.get("modality") or "text")().default_base
    asked, found = recipe.get("base"), model_facts.get("base")
    if model_facts.get("strategy") == "earlier":  # beside another base than that of the recipe
        asked, found = found, asked
    word = str(asked or found or default)
    row = catalog_row(word)
    told: dict[str, Any] = {"name": word, "licence": None, "source": None, "hub": None}
    if row is not None:
        told |= {"name": row.name, "licence": row.licence, "source": row.source, "hub": row.hub}
    elif Path(word).is_dir():
        told |= _folder_facts(Path(word))
    before = model_facts.get("base_promoted")
    if before and (not recipe.get("base") or "promoted" not in told):
        told["promoted"] = before  # of a warm start, or the folder is gone
        told.pop("folder", None)
    return {**told, "fingerprint": fingerprint}


def _folder_facts(folder: Path) -> dict[str, Any]:
    """What a directory says of itself: promoted from where, under which licence."""
    told: dict[str, Any] = {"name": folder.name}
    try:
        earlier = promoted_facts(folder)
    except GraftworkError:
        earlier = None
    if earlier is not None:
        base = earlier.get("base") or {}
        return {**told, "licence": base.get("licence"), "promoted": earlier, "folder": folder}
    card = folder / "README.md"
    if card.is_file():
        text = card.read_bytes()[:LONGEST_CARD].decode("utf-8", "replace")
        head = re.match(r"---\r?\n(.*?)\r?\n---", text, re.S)
        named = re.search(r"^licen[sc]e: *[\"']?([\w.+-]{1,60})", head[1], re.M) if head else None
        told["licence"] = named[1] if named else None
    return told
