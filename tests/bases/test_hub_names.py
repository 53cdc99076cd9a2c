"""Bases by their names on the model hub, out of its local cache: nothing is asked of a network."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toy_pictures
import toy_transformers
import toys
from graftwork.bases import open_base
from graftwork.errors import BaseModelError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TEXTS = ["my parcel never came", "refund"]


def cached(name: str, made: Callable[[Path], Any], cache: Path) -> Path:
    """A checkpoint as `huggingface_hub` keeps it: blobs by hash, linked to from a snapshot."""
    repository = cache / f"models--{name.replace('/', '--')}"
    snapshot, blobs = repository / "snapshots" / COMMIT, repository / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    made(snapshot)
    for number, file in enumerate(sorted(snapshot.iterdir())):
        file.rename(blobs / f"{number:040x}")
        file.symlink_to(f"../../blobs/{number:040x}")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT, "utf-8")
    return snapshot


@pytest.fixture
def cache(no_network: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache, and no way to the hub."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "hub"


def features(base: Any, inputs: list[Any]) -> np.ndarray:
    return np.asarray(base.encode(base.prepare(inputs), np.arange(len(inputs)), "pooled"))


def test_a_text_base(cache: Path) -> None:
    snapshot = cached("somebody/tiny-bert", lambda to: toys.checkpoint("bert", to), cache)
    base = open_base("somebody/tiny-bert", placement=toys.placement())
    assert (base.kind, base.modality) == ("huggingface", "text")
    assert base.describe()["name"] == "somebody/tiny-bert"
    by_folder = open_base(str(snapshot), placement=toys.placement())
    assert base.fingerprint() == by_folder.fingerprint()
    assert np.array_equal(features(base, TEXTS), features(by_folder, TEXTS))


@pytest.mark.parametrize("kind", ["dinov2", "vit", "resnet"])
def test_an_image_base(cache: Path, kind: str) -> None:
    name = f"somebody/tiny-{kind}"
    snapshot = cached(name, lambda to: toy_transformers.checkpoint(kind, to), cache)
    base = open_base(name, placement=toys.placement())
    assert (base.kind, base.modality) == ("vision", "image")
    assert base.describe()["name"] == name
    by_folder = open_base(str(snapshot), placement=toys.placement())
    assert base.fingerprint() == by_folder.fingerprint()
    pictures = toy_pictures.pictures(3)
    found = features(base, pictures)
    assert np.array_equal(found, features(by_folder, pictures))
    assert not np.allclose(found[0], found[1])


def test_an_image_base_that_was_fetched_in_part_says_what_is_missing(cache: Path) -> None:
    snapshot = cached("a/dino", lambda to: toy_transformers.checkpoint("dinov2", to), cache)
    (snapshot / "preprocessor_config.json").unlink()
    with pytest.raises(BaseModelError, match=r"preprocessor_config\.json is needed"):
        open_base("a/dino", placement=toys.placement())


def test_a_folder_of_that_name_comes_first(cache: Path) -> None:
    cached("somebody/base", lambda to: toys.checkpoint("bert", to), cache)
    shutil.copytree(toy_transformers.checkpoint("vit", cache / "vit"), Path("somebody/base"))
    assert open_base("somebody/base", placement=toys.placement()).kind == "vision"
