"""Which of `, ; tab |` parts the cells of a delimited file."""

from __future__ import annotations

import csv

from graftwork.errors import Fault, ParameterError

__all__ = ["DELIMITERS", "find_delimiter", "given_delimiter", "spell"]

DELIMITERS = (",", ";", "\t", "|")
_NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|", "bar": "|"}
_SPELT = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}


def spell(delimiter: str) -> str:
    """The delimiter's name in messages."""
    return _SPELT.get(delimiter, repr(delimiter))


def given_delimiter(given: str) -> str:
    r"""The character that the user's `--delimiter` means (``tab`` and ``\t`` are words for one).

    Raises:
        ParameterError: it is not one character, or one that cannot part cells.
    """
    found = _NAMES.get(given.lower(), given)
    if len(found) != 1 or found in '"\r\n\0':
        message = f"{given!r} cannot part cells; allowed is one character, e.g. ',' ';' 'tab' '|'"
        raise ParameterError(faults=[Fault(message, field="delimiter")])
    return found


def find_delimiter(sample: str, *, expected: str = ",") -> str:
    """The delimiter of a file, from the text at its front.

    The header decides: a delimiter must part it. Among several, the one under which most rows have
    as many cells as the header wins, then the one with more cells, then `expected`.
    """
    scores = {
        delimiter: score
        for delimiter in DELIMITERS
        if (score := _score(sample, delimiter)) is not None
    }
    if not scores:
        return expected
    return max(scores, key=lambda found: (*scores[found], found == expected))


def _score(sample: str, delimiter: str) -> tuple[float, int] | None:
    """Share of rows that fit the header, and its number of cells; None where it has only one."""
    rows = []
    try:
        for cells in csv.reader(sample.splitlines(keepends=True), delimiter=delimiter):
            if cells:
                rows.append(len(cells))
    except csv.Error:
        pass
    if not rows or rows[0] < 2:
        return None
    body = rows[1:-1] or rows[1:] or rows  # the last row of a sample may be cut
    return round(sum(n == rows[0] for n in body) / len(body), 1), rows[0]
