"""A bundle: what it holds, what its installer refuses, and that it works with the cable pulled."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import no_sockets
import toy_pictures
from graftwork.api._bundle import _pack
from graftwork.bases.convnet import ConvNet
from graftwork.errors import GraftworkError, ParameterError, StorageError
from graftwork.packing import installer
from graftwork.packing.closure import closure
from graftwork.packing.repack import repack
from graftwork.runs.progress import Progress


def test_the_closure_holds_what_is_needed_and_nothing_of_other_extras() -> None:
    names = {one.name.lower() for one in closure("graftwork")}
    assert {"graftwork", "torch", "transformers", "numpy", "tokenizers"} <= names
    assert not names & {"pytest", "ruff", "mypy", "peft"}  # extras that nobody asked for
    fewer = {one.name.lower() for one in closure("graftwork", without=["sentence_transformers"])}
    assert "sentence-transformers" in {n.replace("_", "-") for n in names}
    assert "sentence-transformers" not in {n.replace("_", "-") for n in fewer}
    more = {one.name.lower() for one in closure("graftwork", extras=["tensorboard"])}
    assert "tensorboard" in more - names
    with pytest.raises(GraftworkError, match="not installed"):
        closure("no-such-distribution")


def test_a_base_whose_architecture_is_of_another_package_asks_for_it(tmp_path: Path) -> None:
    from graftwork.api import _bundle
    from graftwork.bases._convnet_config import is_foreign

    assert _bundle._Base(toy_pictures.network("squeezenet1_1", tmp_path / "own")).extras() == set()
    assert is_foreign("torchvision/resnet50")
    assert ConvNet.extras.fget(SimpleNamespace(config={"architecture": "timm/resnet50"})) == (
        "vision",
    )


def test_a_wheel_made_from_installed_files_installs(tmp_path: Path) -> None:
    one = metadata.distribution("filelock")
    wheel = repack(one, tmp_path)
    assert wheel.name == f"filelock-{one.version}-py3-none-any.whl"
    target = tmp_path / "site"
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target",
         str(target), "--disable-pip-version-check", str(wheel)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    code = "import filelock; print(filelock.__version__, filelock.__file__)"
    env = {**os.environ, "PYTHONPATH": str(target)}
    found = subprocess.run(
        [sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True
    ).stdout
    assert one.version in found
    assert str(target) in found
    again = tmp_path / "again"
    again.mkdir()
    assert repack(one, again).read_bytes() == wheel.read_bytes()


def test_a_wheel_of_several_pythons_names_all_of_them(tmp_path: Path) -> None:
    info = tmp_path / "two-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: two\nVersion: 1.0\n")
    (info / "WHEEL").write_text("Wheel-Version: 1.0\nTag: py2-none-any\nTag: py3-none-any\n")
    (info / "RECORD").write_text("two-1.0.dist-info/METADATA,,\ntwo-1.0.dist-info/WHEEL,,\n")
    (one,) = metadata.distributions(path=[str(tmp_path)])
    assert repack(one, tmp_path).name == "two-1.0-py2.py3-none-any.whl"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A bundle without wheels: enough for what its installer checks before it installs."""
    folder = tmp_path / "content"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "weights.safetensors").write_bytes(bytes(range(256)) * 40)
    (folder / "expected.json").write_text("{}")
    shutil.copyfile(installer.__file__, folder / "__main__.py")
    facts: dict[str, Any] = {
        "format": 1, "kind": "model", "next": "", "made_for": installer.here(), "wheels": []
    }  # fmt: skip
    target = tmp_path / "small.bundle"
    _pack(folder, target, facts, Progress())
    return target


def run(bundle: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(bundle), *words]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_a_sound_bundle_says_so(small: Path) -> None:
    done = run(small, "--check")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "3 files, all as they were packed.\n"


def test_a_changed_byte_is_refused(small: Path, tmp_path: Path) -> None:
    content = bytearray(small.read_bytes())
    at = content.index(bytes(range(256)))
    content[at + 7] ^= 1
    small.write_bytes(bytes(content))
    done = run(small, str(tmp_path / "there"))
    assert done.returncode == 2
    assert "model/weights.safetensors: changed" in done.stderr
    assert not (tmp_path / "there").exists()


def test_a_file_that_was_added_or_leads_out_is_refused(small: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(small, "a") as bundle:
        bundle.writestr("../evil.py", "print(1)")
    done = run(small, "--check")
    assert done.returncode == 2
    assert "../evil.py: not listed" in done.stderr


def test_another_machine_and_a_folder_in_use_are_refused(small: Path, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "mine.txt").write_text("mine")
    done = run(small, str(tmp_path / "used"))
    assert done.returncode == 2
    assert "is there already" in done.stderr
    other = tmp_path / "other.bundle"
    with zipfile.ZipFile(small) as old, zipfile.ZipFile(other, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == installer.MANIFEST:
                told = json.loads(content)
                told["made_for"]["machine"] = "s390x"
                content = json.dumps(told).encode()
            new.writestr(entry.filename, content)
    done = run(other, str(tmp_path / "there"))
    assert done.returncode == 2
    assert "not s390x" in done.stderr


def repacked(small: Path, change: Any, more: dict[str, str] | None = None) -> Path:
    """A bundle whose manifest is another, and that holds further files."""
    other = small.with_name("other.bundle")
    with zipfile.ZipFile(small) as old, zipfile.ZipFile(other, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == installer.MANIFEST:
                content = json.dumps(change(json.loads(content))).encode()
            new.writestr(entry.filename, content)
        for name, text in (more or {}).items():
            new.writestr(name, text)
    return other


@pytest.mark.parametrize(
    "change",
    [
        lambda told: [1],
        lambda told: None,
        lambda told: {**told, "files": ["a"]},
        lambda told: {**told, "made_for": "this"},
        lambda told: {name: value for name, value in told.items() if name != "made_for"},
        lambda told: {**told, "next": None},
    ],
)
def test_a_list_of_files_that_is_none_is_refused(small: Path, change: Any, tmp_path: Path) -> None:
    done = run(repacked(small, change), str(tmp_path / "there"))
    assert done.returncode == 2
    assert done.stderr.startswith("Refused: the bundle's list of files is damaged")
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("name", ["./expected.json", "model//a", "venv/bin/python", "../a"])
def test_a_listed_name_that_would_lie_over_another_file_is_refused(small: Path, name: str) -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    with_it = repacked(
        small, lambda told: {**told, "files": {**told["files"], name: digest}}, {name: "x"}
    )
    done = run(with_it, "--check")
    assert done.returncode == 2
    assert f"Refused: {name}: " in done.stderr


def test_a_damaged_archive_is_refused_in_words(small: Path) -> None:
    """A flipped bit in what is compressed, in a length, in a flag."""
    whole = small.read_bytes()
    with zipfile.ZipFile(small) as bundle:
        entries = {entry.filename: entry for entry in bundle.infolist()}
    begin = entries[installer.MANIFEST].header_offset + 30 + len(installer.MANIFEST)
    central = whole.index(b"PK\x01\x02")
    for at, bits in [(begin, 0x07), (begin + 90, 0xFF), (central + 8, 0x20), (central + 8, 0x01)]:
        content = bytearray(whole)
        content[at] ^= bits
        small.write_bytes(bytes(content))
        done = run(small, "--check")
        assert done.returncode == 2, (at, done.stderr)
        assert "Traceback" not in done.stderr


def test_a_place_that_cannot_be_written_is_told(small: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for there in ("file/there", "link"):
        done = run(small, str(tmp_path / there))
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_nothing_of_the_users_pip_leads_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    assert "/elsewhere" not in installer._alone().values()


def test_a_place_for_the_bundle_is_asked_for_first(tmp_path: Path) -> None:
    import graftwork

    (tmp_path / "a.bundle").mkdir()
    for out in ("a.bundle", "absent/a.bundle"):
        with pytest.raises(StorageError, match="cannot write"):
            graftwork.bundle(tmp_path, out=tmp_path / out)


def test_another_ending_is_refused(tmp_path: Path) -> None:
    import graftwork

    with pytest.raises(ParameterError, match=r"\.bundle"):
        graftwork.bundle(tmp_path, out=tmp_path / "a.zip")


def _without_sockets(command: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    """The kernel refuses each socket of the command and of what it starts."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "GRAFTWORK_", "VIRTUAL_ENV"))
    }
    done = subprocess.run(
        [sys.executable, no_sockets.__file__, *command],
        env=env | {"HOME": str(home)},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode == no_sockets.NOT_HERE:
        pytest.skip("this system has no filter of system calls (seccomp) that a user may set")
    return done


def test_the_cable_is_really_pulled(tmp_path: Path) -> None:
    """A listener is there, and neither a process nor its child reaches it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        call = f"import socket; socket.create_connection({listener.getsockname()!r})"
        within = (
            f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {call!r}]))"
        )
        for code in (call, within):
            assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
            done = _without_sockets([sys.executable, "-c", code], tmp_path)
            assert done.returncode == 1
            assert "PermissionError" in done.stderr


def _text_run(folder: Path) -> Path:
    """Makes a run on messages; their file."""
    import graftwork

    sys.path.insert(0, str(Path(__file__).parents[1] / "job"))
    from job_files import make_bert, make_rows, write_csv

    base = make_bert(folder / "tiny-bert")
    rows = write_csv(folder / "inbox.csv", make_rows(120))
    settings = {"target": "label", "base": str(base), "strategy": "hybrid", "folds": 2}
    graftwork.fit(rows, out=folder / "run", settings=settings)
    return rows


def _picture_run(folder: Path) -> Path:
    """Makes a run on drawn pictures; their folder."""
    import graftwork
    from graftwork.data.drawn import draw_folder

    base = toy_pictures.network("squeezenet1_1", folder / "squeeze")
    draw_folder(folder / "photos", per_class=10)
    settings = {"base": str(base), "strategy": "hybrid", "folds": 2}
    graftwork.fit(folder / "photos", out=folder / "run", settings=settings)
    return folder / "photos"


@pytest.mark.slow
@pytest.mark.parametrize("made", [_text_run, _picture_run], ids=["text", "pictures"])
def test_a_bundle_alone_predicts_with_the_cable_pulled(made: Any, tmp_path: Path) -> None:
    import graftwork

    data = made(tmp_path)
    packed = tmp_path / "inbox.bundle"
    told = graftwork.bundle(tmp_path / "run", out=packed, offline=True)
    assert told["bytes"] == packed.stat().st_size
    assert {wheel["source"] for wheel in told["wheels"]} == {"installed"}
    here = graftwork.predict(tmp_path / "run", data, out=tmp_path / "here.csv")
    assert here["predicted"]
    there, home = tmp_path / "there", tmp_path / "home"
    home.mkdir()
    done = _without_sockets([sys.executable, str(packed), str(there)], home)
    assert done.returncode == 0, done.stderr
    assert "rows: all as recorded." in done.stdout
    command = [str(there / "venv" / "bin" / "graftwork"), "predict", str(there / "model")]
    said = _without_sockets([*command, str(data), "--out", str(tmp_path / "there.csv")], home)
    assert said.returncode == 0, said.stderr
    found = [
        [
            row["prediction"]
            for row in csv.DictReader(io.StringIO((tmp_path / name).read_text("utf-8")))
        ]
        for name in ("here.csv", "there.csv")
    ]
    assert found[0] == found[1]
    assert len(found[0]) == here["rows_in"]
