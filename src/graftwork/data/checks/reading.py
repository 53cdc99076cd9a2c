"""How the files were read, and which rows are set aside."""

from __future__ import annotations

from collections.abc import Iterator

from graftwork.data.audit import SHOWN_ROWS, Finding
from graftwork.data.checks.view import View
from graftwork.data.readers.delimiter import spell
from graftwork.data.readers.folder import EMPTY
from graftwork.data.table import SetAside

__all__ = ["rows_set_aside", "sources"]

_TITLES = {
    "ragged": ("warning", "rows have more or fewer cells than the header"),
    "bad_quote": ("warning", "rows have text after a closing quote"),
    "blank_input": ("warning", "rows have no input"),
    "missing_label": ("warning", "rows have no label"),
    "other_file": ("info", "files are of another kind than the rows"),
    "other_picture": (
        "warning",
        "pictures are of a format that is not read, save them as JPEG or PNG first",
    ),
    "linked_folder": ("warning", "links to folders are not followed"),
    "odd_name": ("warning", "files have names that are no UTF-8"),
    "blank_line": ("info", "blank lines stand between the rows"),
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
        what = "row" if len(rows) == 1 else "rows"
        unknown = (
            "warning",
            f"{what} cannot be read: {reason.replace('_', ' ')} ({rows[0].detail})",
        )
        severity, title = _TITLES.get(reason, unknown)
        data = {"first": rows[0].detail, "kind": rows[0].kind}
        message = f"{len(rows):,} {title}: {rows[0].kind}"
        shown = tuple(row.row for row in rows[:SHOWN_ROWS])
        yield Finding(reason, severity, message, shown, len(rows), data=data)
