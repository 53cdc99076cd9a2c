"""JSON Lines: one object a line; values keep their types; all bad lines are told at once."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from graftwork.data.readers.encoding import Encoding, decide_encoding, undecodable
from graftwork.data.readers.files import check_file, scan
from graftwork.data.readers.typed import column, mixed_note
from graftwork.data.table import Source, Table
from graftwork.errors import DataError, Fault
from graftwork.runs.progress import Progress

__all__ = ["read_jsonl"]

SHOWN = 20  # faults listed in a message; the count is always told
EVERY = 10_000  # lines between two signs of progress


def read_jsonl(
    path: Path, *, encoding: str | None = None, progress: Progress | None = None
) -> Table:
    """Read a JSON Lines file; a key that a line leaves out is null there.

    Raises:
        DataError: missing or empty file, directory, uncertain encoding, NUL bytes, or lines that
            are no JSON object (the first 20 of them named).
    """
    check_file(path)
    facts = scan(path)
    chosen = decide_encoding(facts, encoding)
    rows: list[int] = []
    columns: dict[str, list[Any]] = {}
    faults: list[Fault] = []
    n_bad = 0
    with (progress or Progress()).step(f"reading {path.name}", facts.size) as step:
        for number, line, position in _lines(path, chosen):
            if not number % EVERY:
                step.advance(position - step.done)
            try:
                _add(_parse(line), rows, columns)
                rows.append(number)
            except ValueError as error:
                n_bad += 1
                if len(faults) < SHOWN:
                    faults.append(Fault(_what(error, line), file=str(path), row=number))
    if n_bad:
        raise DataError(_summary(path, n_bad, len(faults)) if n_bad > 1 else "", faults)
    if not rows:
        raise DataError(faults=[Fault("the file holds only blank lines", file=str(path))])
    source = Source(str(path), "jsonl", facts.sha256, chosen.details())
    return _table(path, rows, columns, source, chosen)


def _summary(path: Path, n_bad: int, shown: int) -> str:
    text = f"{path}: {n_bad} lines are no JSON object"
    return f"{text}, the first {shown}" if n_bad > shown else text


def _lines(path: Path, encoding: Encoding) -> Iterator[tuple[int, str, int]]:
    number = 0
    with path.open("rb") as raw, io.TextIOWrapper(raw, encoding=encoding.name) as lines:
        try:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, line, raw.tell()
        except UnicodeError as error:
            raise undecodable(str(path), number + 1, encoding.name, error) from error


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"the key {twice[0]!r} stands there more than once")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs)


def _parse(line: str) -> dict[str, Any]:
    try:
        value = _DECODER.decode(line.strip())
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError(f"an object {{…}} is wanted, a {type(value).__name__} was found")
    return value


def _what(error: ValueError, line: str) -> str:
    if isinstance(error, json.JSONDecodeError):
        shown = line.strip()
        shown = shown if len(shown) <= 60 else shown[:60] + "…"
        return f"no JSON: {error.msg} at character {error.colno}: {shown!r}"
    return str(error)


def _add(found: dict[str, Any], rows: list[int], columns: dict[str, list[Any]]) -> None:
    n = len(rows)
    for name, value in found.items():
        values = columns.get(name)
        if values is None:
            values = columns[name] = []
        if len(values) < n:
            values.extend([None] * (n - len(values)))
        values.append(value)


def _table(
    path: Path, rows: list[int], columns: dict[str, list[Any]], source: Source, encoding: Encoding
) -> Table:
    blank = [name for name in columns if not name.strip()]
    if blank or not columns:
        what = f"a key without a name ({blank[0]!r})" if blank else "objects without any key"
        raise DataError(faults=[Fault(what, file=str(path))])
    notes = [encoding.note] if encoding.note else []
    arrays = {}
    for name, values in columns.items():
        values.extend([None] * (len(rows) - len(values)))
        arrays[name], mixed = column(values, name, str(path), rows)
        if mixed:
            notes.append(f"{path.name}: {mixed_note(name)}")
    numbers = np.asarray(rows, dtype=np.int64)
    return Table(pa.table(arrays), numbers, source, (), tuple(notes))
