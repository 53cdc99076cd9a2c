"""CSV and TSV: every cell is text and stays what it was.

The standard library's parser is used, in its strict mode, because it alone keeps true line numbers,
tells an unclosed quote and never guesses a type; rows go in chunks into Arrow, so that memory is
little more than the text itself.
"""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from graftwork.data.readers.delimiter import find_delimiter, given_delimiter, spell
from graftwork.data.readers.encoding import Encoding, decide_encoding, undecodable
from graftwork.data.readers.files import check_file, scan
from graftwork.data.table import SetAside, Source, Table
from graftwork.errors import DataError, Fault
from graftwork.runs.progress import Progress

__all__ = ["read_delimited"]

CHUNK_ROWS = 50_000
LONGEST_CELL = 16 << 20  # characters; a longer one is nearly always a quote never closed
SNIFF = 1 << 17  # characters looked at for the delimiter


def read_delimited(
    path: Path,
    *,
    format: str = "csv",
    encoding: str | None = None,
    delimiter: str | None = None,
    progress: Progress | None = None,
) -> Table:
    """Read a CSV or TSV file; a row that does not fit the header is set aside, never bent.

    Args:
        path: the file; its first row that is not blank is the header.
        format: ``csv`` or ``tsv``: which delimiter is expected (the file decides).
        encoding: a codec's name; found and said when left out.
        delimiter: one character; found among ``, ; tab |`` when left out.
        progress: is told the bytes that are done.

    Raises:
        DataError: missing or empty file, directory, NUL bytes, uncertain encoding, unclosed quote,
            blank or repeated column names, or no row that fits the header.
    """
    check_file(path)
    facts = scan(path)
    chosen = decide_encoding(facts, encoding)
    part = given_delimiter(delimiter) if delimiter else _sniffed(path, chosen, format)
    body = _Body(str(path))
    reading = (progress or Progress()).step(f"reading {path.name}", facts.size)
    with reading as step, _opened(path, chosen) as (raw, lines), _long_cells():
        for _ in _fill(body, _records(lines, part, str(path))):
            step.advance(raw.tell() - step.done)
    details = {
        **chosen.details(),
        "delimiter": part,
        "delimiter_how": "given" if delimiter else "found",
        "header_row": body.header_row,
    }
    source = Source(str(path), format, facts.sha256, details, text_first=True)
    return body.table(source, _notes(path, chosen, part, format, delimiter))


def _sniffed(path: Path, encoding: Encoding, format: str) -> str:
    with _opened(path, encoding) as (_, lines):
        try:
            sample = lines.read(SNIFF)
        except UnicodeError as error:
            raise _undecodable(str(path), 1, encoding.name, error) from error
    return find_delimiter(sample.lstrip(), expected="\t" if format == "tsv" else ",")


def _notes(
    path: Path, encoding: Encoding, part: str, format: str, given: str | None
) -> tuple[str, ...]:
    notes = [encoding.note] if encoding.note else []
    if given is None and part != ("\t" if format == "tsv" else ","):
        notes.append(f"{path.name}: the delimiter found is the {spell(part)}")
    return tuple(notes)


@contextmanager
def _opened(path: Path, encoding: Encoding) -> Iterator[tuple[io.BufferedReader, io.TextIOWrapper]]:
    # newline="": lines end at LF, CRLF or CR, and the ends inside quoted cells stay
    with (
        path.open("rb") as raw,
        io.TextIOWrapper(raw, encoding=encoding.name, newline="") as lines,
    ):
        yield raw, lines


@contextmanager
def _long_cells() -> Iterator[None]:
    """Allow cells beyond the parser's 128 kB; the limit is the process's, so it is put back."""
    before = csv.field_size_limit(LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _undecodable(file: str, row: int, encoding: str, error: UnicodeError) -> DataError:
    return undecodable(file, row, encoding, getattr(error, "reason", error))


def _records(
    lines: io.TextIOWrapper, delimiter: str, file: str
) -> Iterator[tuple[int, list[str] | str]]:
    """(line at which the record begins, its cells), or a sentence in place of cells."""
    reader = csv.reader(_without_nul(lines, file), delimiter=delimiter, strict=True)
    start = 1
    while True:
        try:
            for cells in reader:
                yield start, cells
                start = reader.line_num + 1
            return
        except UnicodeError as error:
            raise _undecodable(file, reader.line_num + 1, lines.encoding, error) from error
        except csv.Error as error:
            yield start, _bad_quote(start, reader.line_num, file, error)
            start = reader.line_num + 1


def _without_nul(lines: io.TextIOWrapper, file: str) -> Iterator[str]:
    if not lines.encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32")):
        return lines  # the bytes were searched already
    return _checked(lines, file)


def _checked(lines: io.TextIOWrapper, file: str) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if "\0" in line:
            raise DataError(
                faults=[Fault("a NUL character; text holds none", file=file, row=number)]
            )
        yield line


def _bad_quote(start: int, end: int, file: str, error: csv.Error) -> str:
    """What is wrong with the quotes of a record; raises where the rows after it are lost too."""
    what = str(error)
    if start == end and "expected after" in what:
        return "text goes on after a closing quote"
    if "unexpected end" in what:
        message = "the quote that opens in this row is never closed"
    elif "field larger" in what:
        message = f"a cell of more than {LONGEST_CELL:,} characters: a quote is not closed"
    else:
        message = (
            f"the quote that opens in this row is not closed before row {end}, "
            "where text goes on after a quote"
        )
    hint = 'close it, or write a quote inside a cell twice: ""'
    raise DataError(faults=[Fault(message, file=file, row=start, hint=hint)]) from error


@dataclass
class _Body:
    """Rows on their way into Arrow."""

    file: str
    header: list[str] = field(default_factory=list)
    header_row: int = 0
    rows: array[int] = field(default_factory=lambda: array("q"))
    chunks: list[pa.RecordBatch] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)

    def begin(self, row: int, cells: list[str] | str) -> None:
        """Take the header, or say all that is wrong with it."""
        if isinstance(cells, str):
            raise DataError(faults=[Fault(f"the header: {cells}", file=self.file, row=row)])
        faults = [Fault(text, file=self.file, row=row, hint=hint) for text, hint in _wrong(cells)]
        if faults:
            raise DataError("the header cannot be used" if len(faults) > 1 else "", faults)
        self.header, self.header_row = cells, row

    def flush(self, pending: list[list[str]]) -> None:
        """Move a chunk of rows into Arrow."""
        if pending:
            columns = [pa.array(column, pa.large_string()) for column in zip(*pending, strict=True)]
            self.chunks.append(pa.record_batch(columns, names=self.header))

    def aside(self, row: int, reason: str, detail: str, kind: str = "quarantined") -> None:
        """Keep a row that is not used, and why."""
        self.set_aside.append(SetAside(row, reason, detail, kind, self.file))

    def table(self, source: Source, notes: tuple[str, ...]) -> Table:
        """The finished table; refused where not one row fits the header."""
        if not self.header:
            raise DataError(faults=[Fault("the file holds only blank lines", file=self.file)])
        if not self.rows:
            raise DataError(faults=[self._no_rows()])
        return Table(
            pa.Table.from_batches(self.chunks),
            np.frombuffer(self.rows, dtype=np.int64).copy(),
            source,
            tuple(self.set_aside),
            notes,
        )

    def _no_rows(self) -> Fault:
        if not self.set_aside:
            names = ", ".join(repr(name) for name in self.header[:10])
            return Fault(f"the file holds a header only ({names}), no rows", file=self.file)
        first = self.set_aside[0]
        message = f"none of {len(self.set_aside)} rows fits the header; the first: {first.detail}"
        hint = "is the delimiter right? --delimiter X sets it"
        return Fault(message, file=self.file, row=first.row, hint=hint)


def _wrong(header: list[str]) -> Iterator[tuple[str, str]]:
    for place, name in enumerate(header, 1):
        if not name.strip():
            hint = "name it, or leave the column out"
            if place == 1:
                hint += "; pandas writes such a column unless told index=False"
            yield f"column {place} of {len(header)} has no name in the header", hint
    for name in sorted({name for name in header if header.count(name) > 1 and name.strip()}):
        yield f"{header.count(name)} columns are named {name!r}", "give each its own name"


def _fill(body: _Body, records: Iterator[tuple[int, list[str] | str]]) -> Iterator[None]:
    """Sort records into header, rows and rows set aside; yields after each chunk."""
    pending: list[list[str]] = []
    blank: list[int] = []
    width = 0
    for row, cells in records:
        if not cells:
            blank.append(row)
            continue
        if not width:
            body.begin(row, cells)
            width, blank = len(body.header), []
            continue
        if blank:  # blank lines at the end of a file are no rows; those between rows are said
            for at in blank:
                body.aside(at, "blank_line", "the line is empty", "dropped")
            blank = []
        if len(cells) == width and isinstance(cells, list):
            pending.append(cells)
            body.rows.append(row)
        elif isinstance(cells, str):
            body.aside(row, "bad_quote", cells)
        else:
            body.aside(row, "ragged", f"{len(cells)} cells, the header has {width}")
        if len(pending) >= CHUNK_ROWS:
            body.flush(pending)
            pending = []
            yield
    body.flush(pending)
    yield
