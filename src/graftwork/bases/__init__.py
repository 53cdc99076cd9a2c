"""Backbones: what turns inputs into features. One file per kind; known checkpoints are data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from graftwork.errors import IntegrityError
from graftwork.registry import Registry

if TYPE_CHECKING:
    from graftwork.bases.backbone import Backbone
    from graftwork.modalities.text_tokens import TokenCounts
    from graftwork.runtime.devices import Placement

__all__ = ["BACKBONES", "load_backbone", "open_base", "token_counter"]

BACKBONES = Registry("graftwork.bases", "kind of backbone")


def open_base(
    name: str, *, placement: Placement | None = None, max_length: int | None = None
) -> Backbone:
    """Open a base by directory, known name, or hub name (local places are looked at first).

    Args:
        name: what the user wrote.
        placement: device, precision and threads; chosen for this machine when left out.
        max_length: longest input in tokens; default: what the base was trained on.

    Raises:
        BaseModelError: it is not there, or cannot be used; the message says what is.
    """
    from graftwork.bases._locate import locate

    found = locate(name)
    kind = BACKBONES.get(found.kind)
    if found.folder is None:
        return kind()
    facts: dict[str, object] = {"name": found.name}
    if found.row is not None:
        _check_hashes(found.folder, found.row.sha256)
        max_length = max_length or found.row.max_length
        facts |= {
            "name": found.row.name,
            "licence": found.row.licence,
            "source": found.row.source,
            "languages": list(found.row.languages),
        }
    return kind.load(found.folder, placement=placement, max_length=max_length, **facts)


def token_counter(
    name: str, max_length: int | None = None
) -> Callable[[Sequence[str]], TokenCounts] | None:
    """What counts tokens as that base would read them, its network not loaded (None: no tokens).

    Raises:
        BaseModelError: there is no such base.
    """
    from graftwork.bases._token_counter import token_counter as made

    return made(name, max_length)


def load_backbone(kind: str, folder: Path, *, placement: Placement | None = None) -> Backbone:
    """Load a backbone that `Backbone.save` wrote."""
    return BACKBONES.get(kind).load(folder, placement=placement)


def _check_hashes(folder: Path, expected: dict[str, str]) -> None:
    from graftwork.storage.hashing import sha256_file

    for file, digest in expected.items():
        found = sha256_file(folder / file)
        if found != digest:
            raise IntegrityError(
                f"{folder / file}: its SHA-256 begins {found[:12]}, expected {digest[:12]}; "
                "install the package that carries it again"
            )
