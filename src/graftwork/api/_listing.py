"""`list_things`: what there is, instantly."""

from __future__ import annotations

from typing import Any

from graftwork.errors import UnknownNameError
from graftwork.registry import Registry

__all__ = ["list_things"]

KINDS = {
    "strategies": ("graftwork.strategies", "strategy"),
    "metrics": ("graftwork.metrics", "metric"),
    "tasks": ("graftwork.tasks", "task"),
    "modalities": ("graftwork.modalities", "modality"),
    "backbones": ("graftwork.bases", "kind of backbone"),
}


def list_things(kind: str) -> list[dict[str, Any]]:
    """Names, titles and sources of everything of a kind.

    Args:
        kind: ``bases``, ``strategies``, ``metrics``, ``tasks``, ``modalities`` or ``backbones``.

    Returns:
        a dict for each; bases that are to be had elsewhere come last and have ``how``.
    """
    if kind == "bases":
        return _bases()
    if kind not in KINDS:
        raise UnknownNameError("kind of thing", kind, ["bases", *KINDS])
    things = Registry(*KINDS[kind]).all().values()
    return [
        {
            "name": thing.declaration.name,
            "title": thing.declaration.title,
            "source": thing.declaration.source,
            "aliases": list(thing.declaration.aliases),
        }
        for thing in things
    ]


def _bases() -> list[dict[str, Any]]:
    from graftwork.bases._catalog import catalog, obtainable

    known = [
        {
            "name": row.name,
            "title": row.title,
            "source": row.source,
            "aliases": list(row.aliases),
            "licence": row.licence,
            "here": row.package is None or row.installed() is not None,
        }
        for row in catalog()
    ]
    elsewhere = [
        {
            "name": row.name,
            "title": row.title,
            "source": row.source,
            "aliases": [],
            "licence": row.licence,
            "here": False,
            "how": row.how,
        }
        for row in obtainable()
    ]
    return known + elsewhere
