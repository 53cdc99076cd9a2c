"""Wheels of exact versions: from pip's cache or index, else made from what is installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from graftwork.packing.repack import repack
from graftwork.runs.progress import Progress

__all__ = ["collect"]

TIMEOUT = 600  # seconds that pip may take for one wheel


def collect(
    wanted: Sequence[metadata.Distribution],
    folder: Path,
    *,
    own: str,
    package: Path,
    offline: bool,
    progress: Progress,
) -> list[dict[str, str]]:
    """One wheel each into `folder`.

    Args:
        wanted: distributions, as installed here.
        folder: where the wheels go.
        own: the name of this very package, always packed from its files (`package`).
        package: its folder.
        offline: do not ask pip; make all of them from what is installed.
        progress: shown to the user.

    Returns:
        ``name``, ``version``, ``file`` and ``source`` (``pip``, or ``installed`` files) of each.

    Raises:
        GraftworkError: a wheel can neither be had nor made.
    """
    found = []
    with progress.step("collecting wheels", len(wanted)) as step:
        for one in wanted:
            mine = one.name == own
            path = None if mine or offline else _downloaded(one, folder)
            source = "pip" if path is not None else "installed"
            if path is None:
                path = repack(one, folder, package if mine else None)
            found.append(
                {"name": one.name, "version": one.version, "file": path.name, "source": source}
            )
            step.advance()
    return found


def _downloaded(one: metadata.Distribution, folder: Path) -> Path | None:
    """The wheel as pip gives it, or None."""
    before = set(folder.iterdir())
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(folder),
    ]
    command += ["--only-binary", ":all:", "--disable-pip-version-check"]
    try:
        done = subprocess.run(
            [*command, f"{one.name}=={one.version}"],
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    fresh = set(folder.iterdir()) - before
    if done.returncode or len(fresh) != 1:
        for path in fresh:
            path.unlink()
        return None
    return fresh.pop()
