"""The bases that are known by name: rows of data in `catalog.json`.

Rows with `how` are of bases that are to be had elsewhere: they are listed, and cannot be opened by
that name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib import resources, util
from pathlib import Path

__all__ = ["CatalogRow", "catalog", "catalog_row", "obtainable"]


@dataclass(frozen=True)
class CatalogRow:
    """One known base.

    Attributes:
        name: the word that users write.
        kind: its kind of backbone.
        package, folder: the installed package that carries it and the folder inside.
        sha256: expected hashes by file name.
        hub: its name on the hub.
        max_length: tokens that it was trained on (longer inputs are cut).
        how: where it can be had and how it gets in; empty for a base that is opened by its name.
    """

    name: str
    title: str
    kind: str
    modality: str
    package: str | None = None
    folder: str | None = None
    distribution: str | None = None
    sha256: dict[str, str] = field(default_factory=dict)
    hub: str | None = None
    aliases: tuple[str, ...] = ()
    max_length: int | None = None
    languages: tuple[str, ...] = ()
    licence: str = ""
    source: str = ""
    how: str = ""

    def installed(self) -> Path | None:
        """The folder of an embedded base, found without importing its package."""
        if self.package is None:
            return None
        spec = util.find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            return None
        folder = Path(next(iter(spec.submodule_search_locations))) / (self.folder or "")
        return folder if folder.is_dir() else None


def catalog() -> tuple[CatalogRow, ...]:
    """The bases that can be opened by name."""
    return tuple(row for row in _rows() if not row.how)


def obtainable() -> tuple[CatalogRow, ...]:
    """The bases that are to be had elsewhere."""
    return tuple(row for row in _rows() if row.how)


@cache
def _rows() -> tuple[CatalogRow, ...]:
    text = resources.files("graftwork.bases").joinpath("catalog.json").read_text("utf-8")
    rows = json.loads(text)
    for row in rows:
        for key in ("aliases", "languages"):
            row[key] = tuple(row.get(key, ()))
    return tuple(CatalogRow(**row) for row in rows)


def catalog_row(name: str) -> CatalogRow | None:
    """The row with that name or alias, if any."""
    for row in catalog():
        if name == row.name or name in row.aliases:
            return row
    return None
