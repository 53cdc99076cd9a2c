"""Installs a bundle on a machine without a network, and proves that it predicts what it did.

    python reviews.bundle FOLDER       a fresh environment in FOLDER, checked
    python reviews.bundle --check      only the checksums

This file lies in the bundle as `__main__.py` and needs Python alone: nothing of it is imported from
elsewhere, and nothing is fetched.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import time
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

__all__ = ["MANIFEST", "Refused", "here", "main"]

MANIFEST = "bundle.json"
CHUNK = 1 << 20
# What a damaged archive makes its reader raise.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
VERIFY = "import sys; from graftwork.api._bundle import verify; sys.exit(verify(sys.argv[1]))"


class Refused(Exception):
    """What is wrong, in words for the user."""


def main(words: list[str] | None = None) -> int:
    """Install or check; the exit code."""
    parser = argparse.ArgumentParser(prog="python FILE.bundle", description=__doc__)
    parser.add_argument("folder", nargs="?", help="new folder to install into")
    parser.add_argument("--check", action="store_true", help="check the checksums, install nothing")
    given = parser.parse_args(words)
    if given.folder is None and not given.check:
        parser.error("a folder to install into, or --check")
    try:
        with zipfile.ZipFile(_archive()) as bundle:
            manifest = _checked(bundle)
            if given.check:
                print(f"{len(manifest['files'])} files, all as they were packed.")
                return 0
            return _install(bundle, manifest, Path(given.folder))
    except Refused as error:
        print(f"Refused: {error}", file=sys.stderr)
        return 2
    except (OSError, *DAMAGED) as error:
        print(f"Failed: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted; nothing is installed.", file=sys.stderr)
        return 130


def _archive() -> Path:
    return Path(__file__).resolve().parent


def _checked(bundle: zipfile.ZipFile) -> dict[str, Any]:
    """The manifest, once every file has the checksum that it lists."""
    manifest = _manifest(bundle)
    listed: dict[str, str] = manifest["files"]
    names = {entry.filename for entry in bundle.infolist()} - {MANIFEST}
    faults = [f"{name}: not listed" for name in sorted(names - set(listed))]
    for name, wanted in listed.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
            faults.append(f"{name}: leads out of the folder")
        elif str(path) != name or path.parts[:1] in ((), ("venv",)):
            faults.append(f"{name}: is no name of a file in a bundle")
        elif name not in names:
            faults.append(f"{name}: missing")
        elif _digest(bundle, name) != wanted:
            faults.append(f"{name}: changed")
    if faults:
        raise Refused("; ".join(faults[:20]))
    return manifest


def _manifest(bundle: zipfile.ZipFile) -> dict[str, Any]:
    """The list of files, and the machine that they are for."""
    try:
        manifest = json.loads(bundle.read(MANIFEST))
    except (KeyError, ValueError, *DAMAGED) as error:
        raise Refused(f"the bundle's list of files is damaged ({error})") from error
    tables = isinstance(manifest, dict) and all(
        isinstance(manifest.get(name), dict) for name in ("files", "made_for")
    )
    if not tables or not isinstance(manifest.get("next"), str):
        raise Refused("the bundle's list of files is damaged (it lacks what an installer needs)")
    return dict(manifest)


def _digest(bundle: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    try:
        with bundle.open(name) as stream:
            while part := stream.read(CHUNK):
                digest.update(part)
    except DAMAGED:  # the archive's own checksum failed, or it cannot even be unpacked
        return ""
    return digest.hexdigest()


def here() -> dict[str, str]:
    """What a machine must be to run these wheels."""
    return {
        "python": f"{sys.implementation.name} {sys.version_info[0]}.{sys.version_info[1]}",
        "platform": sysconfig.get_platform(),
        "machine": platform.machine(),
    }


def _install(bundle: zipfile.ZipFile, manifest: dict[str, Any], folder: Path) -> int:
    mine, made = here(), manifest["made_for"]
    apart = [
        f"{name} {mine.get(name)}, not {made[name]}"
        for name in made
        if mine.get(name) != made[name]
    ]
    if apart:
        raise Refused(f"this machine has {'; '.join(apart)}")
    if folder.is_symlink() and not folder.exists():
        raise Refused(f"{folder} is a link that leads nowhere; name a new folder")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(f"{folder} is there already; name a new folder")
    begun = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        code = _filled(bundle, manifest, folder.resolve())
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)  # half an installation is none
        raise
    seconds = time.perf_counter() - begun
    if code:
        print(f"The installation in {folder} does not predict what was recorded.", file=sys.stderr)
        return code
    print(f"Installed and checked in {seconds:.0f} s. Next:")
    print(
        f"  {_python(folder).parent / 'graftwork'} {manifest['next']}".replace(
            "FOLDER", str(folder)
        )
    )
    return 0


def _filled(bundle: zipfile.ZipFile, manifest: dict[str, Any], folder: Path) -> int:
    print("Unpacking …", flush=True)
    bundle.extractall(folder, [*manifest["files"], MANIFEST])
    (folder / "__main__.py").unlink(missing_ok=True)
    print("Making the environment …", flush=True)
    _run([sys.executable, "-m", "venv", str(folder / "venv")], "make an environment")
    wheels = sorted(str(path) for path in (folder / "wheels").glob("*.whl"))
    python = str(_python(folder))
    install = [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    _run([*install, "--disable-pip-version-check", *wheels], "install the wheels")
    shutil.rmtree(folder / "wheels")
    print("Predicting the recorded rows …", flush=True)
    done = subprocess.run([python, "-c", VERIFY, str(folder)], env=_alone(), check=False)
    return done.returncode


def _python(folder: Path) -> Path:
    return folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _alone() -> dict[str, str]:
    """The environment without what could lead elsewhere."""
    led = ("PYTHON", "PIP_")  # as PIP_TARGET, which would install into another folder
    kept = {name: value for name, value in os.environ.items() if not name.startswith(led)}
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "HF_HUB_OFFLINE": "1"}


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, env=_alone(), capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise Refused(f"cannot {what}: {' '.join(last)}")


if __name__ == "__main__":
    sys.exit(main())
