"""`read`: any source of rows into a `Table`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graftwork.data.readers.media import PICTURE_ENDINGS
from graftwork.data.table import Table
from graftwork.errors import DataError, Fault, ParameterError, nearest
from graftwork.runs.progress import Progress

__all__ = ["FORMATS", "read"]

FORMATS = ("csv", "tsv", "jsonl", "parquet")
_ENDINGS = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_FOREIGN = {
    b"PK\x03\x04": "a zip archive or an Excel workbook; save it as CSV first",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save it as CSV first",
    b"\x1f\x8b": "gzip-compressed; unpack it first",
    b"BZh": "bzip2-compressed; unpack it first",
    b"\x28\xb5\x2f\xfd": "zstd-compressed; unpack it first",
    b"SQLite format 3": "an SQLite database; export a table as CSV first",
    b"ARROW1": "an Arrow or Feather file; save it as Parquet first",
}


def read(
    source: Any,
    *,
    format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    progress: Progress | None = None,
) -> Table:
    """Read rows, cells untouched.

    Args:
        source: a path to a CSV, TSV, JSONL or Parquet file or to a folder of class folders, a
            pandas DataFrame, a pyarrow Table, a Hugging Face `datasets.Dataset`, a list of dicts,
            a dict of lists, or a list of texts, picture files or pictures.
        format: one of `FORMATS`; told by the file's ending and first bytes when left out.
        encoding: of a text file; found and said when left out.
        delimiter: of a CSV or TSV file; found and said when left out.
        progress: is told how far reading is.

    Raises:
        DataError: the source cannot be read; the message says where and why.
        ParameterError: an unknown format, encoding or delimiter.
    """
    if format is not None and format not in FORMATS:
        close = nearest(format, FORMATS)
        hint = f"did you mean {close!r}?" if close else None
        message = f"no format {format!r}; allowed are {', '.join(FORMATS)}"
        raise ParameterError(faults=[Fault(message, field="format", hint=hint)])
    if not isinstance(source, (str, Path)):
        from graftwork.data.readers.objects import read_object

        return read_object(source)
    path = Path(source)
    if path.is_dir():
        from graftwork.data.readers.folder import read_folder

        return read_folder(path, progress=progress)
    if format is None and path.suffix.lower() in PICTURE_ENDINGS:
        hint = "give the folder that holds it, a list of paths, or `predict RUN --explain PICTURE`"
        raise DataError(faults=[Fault("is one picture, no data set", file=str(path), hint=hint)])
    found = format or _format_of(path)
    if found == "parquet":
        from graftwork.data.readers.parquet import read_parquet

        return read_parquet(path, progress=progress)
    if found == "jsonl":
        from graftwork.data.readers.jsonl import read_jsonl

        return read_jsonl(path, encoding=encoding, progress=progress)
    from graftwork.data.readers.delimited import read_delimited

    return read_delimited(
        path, format=found, encoding=encoding, delimiter=delimiter, progress=progress
    )


def _format_of(path: Path) -> str:
    from graftwork.data.readers.files import check_file

    check_file(path)
    with path.open("rb") as stream:
        head = stream.read(4096)
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise DataError(faults=[Fault(f"is {what}", file=str(path))])
    if head.startswith(b"PAR1"):
        return "parquet"
    ending = path.suffix.lower()
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if ending == ".json" and text.startswith(b"["):
        message = "is one JSON array; wanted is JSON Lines, one object a line"
        raise DataError(faults=[Fault(message, file=str(path))])
    return _ENDINGS.get(ending) or ("jsonl" if text.startswith(b"{") else "csv")
