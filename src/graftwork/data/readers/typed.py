"""Values of Python into typed Arrow columns, for the readers of JSONL and of Python objects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from graftwork.data.readers.media import PATH_NOTE
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
    if isinstance(value, PurePath):
        return str(value)
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

    Records of bytes and path, as Hugging Face `datasets` keeps pictures, become their bytes; see
    `_of_records`.
    """
    kind = values.type
    if _are_records(kind):
        return _of_records(values)
    if pa.types.is_dictionary(kind):
        values = values.cast(kind.value_type)
        kind = values.type
    if pa.types.is_string(kind) or pa.types.is_string_view(kind):
        values = values.cast(pa.large_string())
    return values.cast(pa.large_binary()) if pa.types.is_binary_view(kind) else values


def _are_records(kind: pa.DataType) -> bool:
    """Whether it is a struct with ``bytes``, perhaps a ``path``, and whatever else beside them."""
    if not pa.types.is_struct(kind) or kind.get_field_index("bytes") < 0:
        return False
    content = kind.field("bytes").type
    return bool(
        pa.types.is_null(content)
        or pa.types.is_binary(content)
        or pa.types.is_large_binary(content)
        or pa.types.is_binary_view(content)
    )


def _of_records(values: pa.Array | pa.ChunkedArray) -> Any:
    """The bytes of each record; the path only where it has none.

    A column of paths is made only where no record at all holds bytes: embedded bytes are never
    left for a file that bears their name. Otherwise a path stands among the bytes as a note that
    `media.unpacked` reads.
    """
    content = plain(pc.struct_field(values, "bytes"))
    named = values.type.get_field_index("path") >= 0
    paths = plain(pc.struct_field(values, "path")) if named else content
    if content.null_count == len(content):
        return paths if pa.types.is_large_string(paths.type) else content.cast(pa.large_string())
    if not pa.types.is_large_string(paths.type):
        return content
    kind = content.type
    noted = pc.binary_join_element_wise(
        pa.scalar(PATH_NOTE, kind), paths.cast(kind), pa.scalar(b"", kind)
    )
    wanted = pc.and_(pc.is_null(content), pc.fill_null(pc.not_equal(paths, ""), False))
    return pc.if_else(wanted, noted, content) if pc.any(wanted).as_py() else content
