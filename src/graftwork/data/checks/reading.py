"""How the files were read, and which rows are set aside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from graftwork.data.audit import SHOWN_ROWS, Finding
from graftwork.data.checks.view import View
from graftwork.data.readers.delimiter import spell
from graftwork.data.readers.folder import EMPTY
from graftwork.data.table import SetAside
from graftwork.data.words import counted, some_of, spelt

__all__ = ["rows_set_aside", "sources"]

# severity, and what is told of one, of more
_TITLES = {
    "ragged": (
        "warning",
        "row has more or fewer cells than the header",
        "rows have more or fewer cells than the header",
    ),
    "bad_quote": (
        "warning",
        "row has text after a closing quote",
        "rows have text after a closing quote",
    ),
    "blank_input": ("warning", "row has no input", "rows have no input"),
    "missing_label": ("warning", "row has no label", "rows have no label"),
    "other_file": (
        "info",
        "file is of another kind than the rows",
        "files are of another kind than the rows",
    ),
    "other_picture": (
        "warning",
        "picture is of a format that is not read, save it as JPEG or PNG first",
        "pictures are of a format that is not read, save them as JPEG or PNG first",
    ),
    "linked_folder": (
        "warning",
        "link to a folder is not followed",
        "links to folders are not followed",
    ),
    "odd_name": (
        "warning",
        "file has a name that is no UTF-8",
        "files have names that are no UTF-8",
    ),
    "blank_line": (
        "info",
        "blank line stands between the rows",
        "blank lines stand between the rows",
    ),
}


def sources(view: View) -> Iterator[Finding]:
    """Encoding, byte-order mark and delimiter of each text file; other notes of the readers."""
    for table in view.tables:
        details, name = table.source.details, table.source.name
        if "encoding" in details:
            how = {"given": "as given", "bom": "by its byte-order mark"}.get(
                details["encoding_how"], "found"
            )
            message = f"{name} was read as {details['encoding'].upper()} ({how})"
            yield Finding("encoding", "info", message, data={"file": name, **details})
        if details.get("bom"):
            message = f"{name} begins with a byte-order mark, which was left out"
            yield Finding("bom", "info", message, data={"file": name})
        if "delimiter" in details:
            part, how = details["delimiter"], details["delimiter_how"]
            message = f"{name}: cells are parted by the {spell(part)} ({how})"
            yield Finding("delimiter", "info", message, data={"file": name, "delimiter": part})
        for note in table.notes:
            if "mixes kinds" in note:
                yield Finding("mixed_types", "warning", note, data={"file": name})
            elif note.startswith(EMPTY):
                yield Finding("empty_folders", "warning", note, data={"file": name})


def rows_set_aside(view: View) -> Iterator[Finding]:
    """One finding per reason for which rows are not used."""
    reasons: dict[str, list[SetAside]] = {}
    for row in view.set_aside:
        reasons.setdefault(row.reason, []).append(row)
    for reason, rows in reasons.items():
        data: dict[str, Any] = {"first": rows[0].detail, "kind": rows[0].kind}
        names = _names(view, rows)
        if names:
            data["names"] = names[:SHOWN_ROWS]
        severity, message = _told(view, reason, rows, names)
        shown = tuple(row.row for row in rows[:SHOWN_ROWS])
        yield Finding(reason, severity, message, shown, len(rows), data=data)


def _names(view: View, rows: Sequence[SetAside]) -> list[str]:
    """Of the files that the rows are or name; nothing of other rows."""
    return [_within(view, row, row.cell) for row in rows if row.cell]


def _within(view: View, row: SetAside, told: str) -> str:
    """What is told of a row, after the table that it stands in where there are several."""
    main = view.tables[0].source.name
    return f"{row.file or main}: {told}" if len(view.tables) > 1 else told


def _told(
    view: View, reason: str, rows: Sequence[SetAside], names: Sequence[str]
) -> tuple[str, str]:
    """Severity and message of one reason."""
    shown = [spelt(name) for name in names]
    if reason in _TITLES:
        severity, one, more = _TITLES[reason]
        files = f" ({some_of(shown)})" if shown else ""
        return severity, f"{counted(len(rows), one, more)}: {rows[0].kind}{files}"
    others = f"; also {some_of(shown[1:])}" if len(shown) > 1 else ""  # the detail names the first
    first = spelt(_within(view, rows[0], rows[0].detail))
    count, what = counted(len(rows), "row", "rows"), reason.replace("_", " ")
    return "warning", f"{count} cannot be read: {what} ({first}{others}): {rows[0].kind}"
