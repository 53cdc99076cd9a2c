"""What the columns seem to be: decided after reading, shown to the user, never applied."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from graftwork.data.table import Table
from graftwork.data.values import is_text

__all__ = ["TYPES", "column_type", "column_types"]

TYPES = ("integer", "number", "boolean", "date", "text", "category", "empty", "other")

# Leading zeros make an identifier, not a number: 007 stays a text or category.
_PATTERNS = (
    ("integer", r"^[+-]?(0|[1-9][0-9]{0,17})$"),
    ("number", r"^[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"),
    ("boolean", r"(?i)^(true|false|yes|no)$"),
    (
        "date",
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
        r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9:]{4,6})?)?$",
    ),
)
_CATEGORY_VALUES = 200  # more different values than this are text rather than classes
_CATEGORY_LENGTH = 60  # mean characters; longer ones read like text


def column_types(table: Table) -> dict[str, str]:
    """The type that each column seems to have, one of `TYPES`.

    Text columns are judged by all of their values that are not empty; others by their own type.
    """
    return {name: column_type(table.columns.column(name)) for name in table.names}


def column_type(column: pa.ChunkedArray) -> str:
    """The type that one column seems to have, one of `TYPES`."""
    if not is_text(column):
        return _own_type(column)
    head = _filled(column.slice(0, 1000))
    values = None
    for name, pattern in _PATTERNS:
        if len(head) and not _all_match(head, pattern):
            continue  # most columns are refused by their first rows, at no cost
        values = _filled(column) if values is None else values
        if not len(values):
            return "empty"
        if _all_match(values, pattern):
            return name
    return _category_or_text(_filled(column) if values is None else values)


def _filled(column: pa.ChunkedArray) -> pa.ChunkedArray:
    trimmed = pc.utf8_trim_whitespace(column)
    return trimmed.filter(pc.greater(pc.utf8_length(trimmed), 0))


def _all_match(values: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(values, pattern)).as_py())


def _category_or_text(values: pa.ChunkedArray) -> str:
    n_values = pc.count_distinct(values).as_py()
    length = pc.mean(pc.utf8_length(values)).as_py() or 0.0
    few = n_values <= _CATEGORY_VALUES and n_values <= max(2, len(values) / 2)
    return "category" if few and length <= _CATEGORY_LENGTH else "text"


def _own_type(column: pa.ChunkedArray) -> str:
    kind = column.type
    if pa.types.is_null(kind) or column.null_count == len(column):
        return "empty"
    tests = (
        ("boolean", pa.types.is_boolean),
        ("integer", pa.types.is_integer),
        ("number", pa.types.is_floating),
        ("number", pa.types.is_decimal),
        ("date", pa.types.is_temporal),
    )
    return next((name for name, test in tests if test(kind)), "other")
