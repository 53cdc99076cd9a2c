"""Where Graftwork keeps what belongs to the user and to no single run."""

from __future__ import annotations

import os
from pathlib import Path

from graftwork.errors import StorageError
from graftwork.storage.disk import disk_errors

__all__ = ["cache_dir", "state_dir"]


def cache_dir(override: str | Path | None = None) -> Path:
    """The folder of stored features, created readable by its owner alone (0700).

    The first that is given counts: `override`, the variable GRAFTWORK_CACHE,
    ``XDG_CACHE_HOME/graftwork``, ``~/.cache/graftwork``. A folder that exists keeps its mode.

    Raises:
        StorageError: it cannot be created.
    """
    return _folder(override or os.environ.get("GRAFTWORK_CACHE"), "XDG_CACHE_HOME", ".cache")


def state_dir() -> Path:
    """The folder of small lasting facts (how often a test part was opened), created 0700.

    The first that is given counts: GRAFTWORK_STATE, ``XDG_STATE_HOME/graftwork``,
    ``~/.local/state/graftwork``.

    Raises:
        StorageError: it cannot be created.
    """
    return _folder(os.environ.get("GRAFTWORK_STATE"), "XDG_STATE_HOME", ".local/state")


def _folder(given: str | Path | None, variable: str, usual: str) -> Path:
    try:
        if given:
            path = Path(given).expanduser().absolute()
        elif (base := Path(os.environ.get(variable, ""))).is_absolute():
            path = base / "graftwork"  # XDG: a relative path there is to be ignored
        else:
            path = Path.home() / usual / "graftwork"
    except RuntimeError as error:
        raise StorageError(
            f"no home folder was found ({error}); set GRAFTWORK_CACHE and GRAFTWORK_STATE"
        ) from error
    with disk_errors("create the folder", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
    return path
