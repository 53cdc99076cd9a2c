"""Values of Python into typed Arrow columns, for the readers of JSONL and of Python objects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from graftwork.errors import DataError, Fault

__all__ = ["column", "mixed_note", "plain"]


def column(
    values: Sequence[Any], name: str, file: str, rows: Sequence[int]
) -> tuple[pa.Array, bool]:
    """An Arrow column of the values' own type.

    Values of several kinds in one column (text and numbers, say) become their JSON spelling.

    Args:
        values: one per row, None where missing.
        name: of the column, for messages.
        file: for messages.
        rows: row number of each value, for messages.

    Returns:
        the column, and whether it mixed kinds.

    Raises:
        DataError: text that no encoding can write (half of a surrogate pair).
    """
    try:
        kinds = {type(value) for value in values if value is not None}
        if not kinds <= {int, float} or len(kinds) < 2:  # 1 and 2.5 would make 1 a 1.0
            return plain(pa.array(values, from_pandas=False)), False
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        pass
    except UnicodeEncodeError:
        raise DataError("text that cannot be written", _broken(values, name, file, rows)) from None
    return pa.array([_spelt(value) for value in values], pa.large_string()), True


def mixed_note(name: str) -> str:
    """What the user is told of a column that mixes kinds."""
    return f"column {name!r} mixes kinds of values; they are kept as text"


def _spelt(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _broken(values: Sequence[Any], name: str, file: str, rows: Sequence[int]) -> list[Fault]:
    faults = []
    for row, value in zip(rows, values, strict=True):
        try:
            str(value).encode()
        except UnicodeEncodeError:
            message = "half of a surrogate pair, which is no character"
            faults.append(Fault(message, file=file, row=int(row), field=name))
    return faults[:20]


def plain(values: pa.Array | pa.ChunkedArray) -> Any:
    """The column without dictionary or view encoding, its text as `large_string`.

    Records of bytes and path, as Hugging Face `datasets` keeps pictures, become their bytes, or
    their paths where a record holds no bytes.
    """
    kind = values.type
    if pa.types.is_struct(kind) and {field.name for field in kind} == {"bytes", "path"}:
        whole = pc.struct_field(values, "bytes")
        values = pc.struct_field(values, "path") if whole.null_count else whole
        kind = values.type
    if pa.types.is_dictionary(kind):
        values = values.cast(kind.value_type)
        kind = values.type
    if pa.types.is_string(kind) or pa.types.is_string_view(kind):
        values = values.cast(pa.large_string())
    return values
