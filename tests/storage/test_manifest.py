from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from graftwork.errors import IntegrityError
from graftwork.storage.manifest import verify_manifest, write_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "model"
    (place / "heads").mkdir(parents=True)
    (place / "a.json").write_text("one")
    (place / "heads" / "ü b.bin").write_bytes(bytes(range(256)))
    write_manifest(place, 3, {"by": "test"})
    return place


def edit(folder: Path, change: dict[str, Any]) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))


def test_an_untouched_folder_passes(folder: Path) -> None:
    manifest = verify_manifest(folder, known_versions=(2, 3))
    assert set(manifest["files"]) == {"a.json", "heads/ü b.bin"}
    assert manifest["files"]["a.json"]["size"] == 3
    assert manifest["extra"] == {"by": "test"}


def test_every_fault_is_named_together(folder: Path) -> None:
    data = bytearray((folder / "heads" / "ü b.bin").read_bytes())
    data[17] ^= 1
    (folder / "heads" / "ü b.bin").write_bytes(data)
    (folder / "a.json").unlink()
    (folder / "new.txt").write_text("?")
    with pytest.raises(IntegrityError) as caught:
        verify_manifest(folder, known_versions=(3,))
    text = str(caught.value)
    assert "a.json: is missing" in text
    assert "ü b.bin: has changed: its SHA-256" in text
    assert "new.txt: is not listed" in text
    assert len(caught.value.faults) == 3


def test_allowed_extras_and_a_changed_size(folder: Path) -> None:
    (folder / "new.log").write_text("?")
    verify_manifest(folder, known_versions=(3,), allowed_extra=("*.log",))
    (folder / "a.json").write_text("longer")
    with pytest.raises(IntegrityError, match=r"a\.json: has changed: 6 bytes, not 3"):
        verify_manifest(folder, known_versions=(3,), allowed_extra=("*.log",))


@pytest.mark.parametrize("version", [4, True, "3", None, [3]])
def test_unknown_versions_are_refused(folder: Path, version: object) -> None:
    edit(folder, {"format_version": version})
    with pytest.raises(IntegrityError, match=r"format version .* known are: 1, 3"):
        verify_manifest(folder, known_versions=(1, 3))


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/hostname", "heads/../../outside", "c:\\x", "", ".", "./a.json"]
)
def test_paths_that_leave_the_folder_are_refused_unopened(folder: Path, name: str) -> None:
    facts = {"sha256": "0" * 64, "size": 1}
    edit(folder, {"files": {name: facts}})
    with pytest.raises(IntegrityError, match="no path inside the folder"):
        verify_manifest(folder, known_versions=(3,))


def test_links_that_leave_the_folder_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("one")  # the very bytes that the manifest promises
    (folder / "a.json").unlink()
    (folder / "a.json").symlink_to(tmp_path / "secret")
    with pytest.raises(IntegrityError, match=r"a\.json: is a symbolic link that leaves"):
        verify_manifest(folder, known_versions=(3,))
    with pytest.raises(IntegrityError, match="symbolic link that leaves"):
        write_manifest(folder, 3)


def test_a_linked_folder_is_not_walked_past(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    os.rename(folder / "heads" / "ü b.bin", tmp_path / "elsewhere" / "ü b.bin")
    (folder / "heads").rmdir()
    (folder / "heads").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(IntegrityError, match="symbolic link that leaves"):
        verify_manifest(folder, known_versions=(3,))


def test_no_manifest_and_damaged_ones(folder: Path) -> None:
    for files in ({"a.json": {"sha256": "short", "size": 1}}, {"a.json": 3}):
        edit(folder, {"files": files})
        with pytest.raises(IntegrityError, match="64 hex digits"):
            verify_manifest(folder, known_versions=(3,))
    edit(folder, {"files": []})
    with pytest.raises(IntegrityError, match="is no manifest"):
        verify_manifest(folder, known_versions=(3,))
    (folder / "manifest.json").unlink()
    with pytest.raises(IntegrityError, match=r"has no manifest\.json"):
        verify_manifest(folder, known_versions=(3,))
