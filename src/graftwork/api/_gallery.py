"""Inputs that can be taken in at a glance, for the report: some of each class, and look-alikes."""

from __future__ import annotations

from typing import Any

import numpy as np

from graftwork.api._open import Opened
from graftwork.data.keys import label_token, unit_hash

__all__ = ["gallery"]

CLASSES, PER_CLASS = 60, 8
GROUPS, PER_GROUP = 12, 4


def gallery(opened: Opened) -> dict[str, Any] | None:
    """A few rows of each class and groups of near-duplicates, as HTML.

    None where the modality's inputs are to be read rather than looked at, or are left out on
    request.
    """
    if not opened.modality.glance or opened.recipe.redact:
        return None
    return {"classes": _classes(opened), "alike": _alike(opened)}


def _classes(opened: Opened) -> list[dict[str, Any]]:
    """The largest classes, each with the rows whose keys have the lowest hashes."""
    dataset = opened.dataset
    if dataset.target is None:
        return []
    rows: dict[str, list[int]] = {}
    for place in np.argsort(unit_hash(dataset.keys), kind="stable").tolist():
        rows.setdefault(label_token(dataset.target[place]), []).append(place)
    largest = sorted(rows.values(), key=lambda places: (-len(places), min(places)))
    return [
        {
            "label": dataset.target[places[0]],
            "rows": len(places),
            "shown": [_shown(opened, place) for place in _different(opened, places)[:PER_CLASS]],
        }
        for places in largest[:CLASSES]
    ]


def _different(opened: Opened, places: list[int]) -> list[int]:
    """The first row of each content."""
    keys = opened.dataset.keys
    return list({keys[place]: place for place in reversed(places)}.values())[::-1]


def _alike(opened: Opened) -> dict[str, Any]:
    """Groups of different inputs that look the same; those across parts or labels come first."""
    dataset = opened.dataset
    members: dict[int, dict[str, int]] = {}
    for place, group in enumerate(dataset.groups.tolist()):
        members.setdefault(group, {}).setdefault(dataset.keys[place], place)
    groups = [list(places.values()) for places in members.values() if len(places) > 1]

    def harm(places: list[int]) -> tuple[bool, bool, int]:
        parts = {str(dataset.parts[place]) for place in places}
        labels = set() if dataset.target is None else {dataset.target[place] for place in places}
        return len(parts) < 2, len(labels) < 2, places[0]

    groups.sort(key=harm)
    return {
        "groups": len(groups),
        "shown": [
            [_shown(opened, place) for place in places[:PER_GROUP]] for places in groups[:GROUPS]
        ],
    }


def _shown(opened: Opened, place: int) -> dict[str, Any]:
    dataset = opened.dataset
    values = [column[place] for column in dataset.inputs.values()]
    return {
        "row": int(dataset.rows[place]),
        "name": ", ".join(str(value) for value in values),
        "label": None if dataset.target is None else dataset.target[place],
        "part": str(dataset.parts[place]),
        "html": " ".join(opened.modality.show(value) for value in values),
    }
