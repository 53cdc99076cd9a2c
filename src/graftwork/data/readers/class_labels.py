"""Class names that Hugging Face `datasets` keeps beside a column of numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["features_of", "named"]

_KEY = b"huggingface"


def features_of(schema: pa.Schema) -> Mapping[str, Any]:
    """What `datasets` wrote of a Parquet file's columns; {} where it wrote nothing readable."""
    try:
        told = json.loads((schema.metadata or {}).get(_KEY, b"{}"))
        found = told.get("info", {}).get("features", {})
    except (ValueError, AttributeError):
        return {}
    return found if isinstance(found, Mapping) else {}


def named(name: str, column: Any, features: Mapping[str, Any]) -> Any:
    """The column with its class names in place of their numbers.

    Args:
        name: of the column.
        column: Arrow column; as it is where it holds no class numbers (-1 is no class: missing).
        features: of all columns, as `Features.to_dict` gives them.
    """
    told = features.get(name)
    names = told.get("names") if isinstance(told, Mapping) else None
    if told is None or told.get("_type") != "ClassLabel" or not isinstance(names, list):
        return column
    if not pa.types.is_integer(column.type) or not all(isinstance(each, str) for each in names):
        return column
    known = pc.and_(pc.greater_equal(column, 0), pc.less(column, len(names)))
    codes = pc.if_else(known, column, pa.scalar(None, column.type))
    return pa.array(names, pa.large_string()).take(_whole(codes))


def _whole(column: Any) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
