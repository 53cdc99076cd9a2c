"""Every error that Graftwork raises on purpose.

    GraftworkError
    ├── InputError            the user's data or words: a file, a row, a field, a name
    │   ├── DataError         a data file or its rows
    │   ├── BaseModelError    a base (pre-trained checkpoint) that cannot be used
    │   ├── UnknownNameError  a name that is not registered (strategy, metric, column, base, …)
    │   └── ParameterError    a parameter with a value that is not allowed
    ├── RunError              a run directory that says no
    │   ├── RunLockedError    another process works on it
    │   └── PlanChangedError  it holds a run of another plan
    ├── TrainingError         a training that went wrong (its loss is no number any more)
    ├── StorageError          the disk: cannot be written, is full, holds something damaged
    │   └── IntegrityError    bytes are not what the manifest says
    ├── UnsupportedError      a thing asked of a part that cannot do it
    ├── MissingExtraError     an optional package is not installed
    └── Interrupted           Ctrl-C or SIGTERM; the same command goes on

A message says what was attempted, on which file, row and field, what was found, what is allowed and
the nearest valid spelling. Several faults of one input are raised together (`faults`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "BaseModelError",
    "DataError",
    "Fault",
    "GraftworkError",
    "InputError",
    "IntegrityError",
    "Interrupted",
    "MissingExtraError",
    "ParameterError",
    "PlanChangedError",
    "RunError",
    "RunLockedError",
    "StorageError",
    "TrainingError",
    "UnknownNameError",
    "UnsupportedError",
    "nearest",
]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with an input.

    Attributes:
        message: what was found and what is allowed, in one sentence.
        file: the file it was found in.
        row: 1-based line number in the file (the header is line 1), or None.
        field: the column, key or parameter.
        hint: what to do about it.
    """

    message: str
    file: str | None = None
    row: int | None = None
    field: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        where = ", ".join(
            part
            for part in (
                self.file,
                f"row {self.row}" if self.row is not None else None,
                f"field {self.field!r}" if self.field is not None else None,
            )
            if part
        )
        text = f"{where}: {self.message}" if where else self.message
        return f"{text} ({self.hint})" if self.hint else text

    def to_json(self) -> dict[str, object]:
        """The fault as plain JSON values, absent parts left out."""
        parts = {
            "message": self.message,
            "file": self.file,
            "row": self.row,
            "field": self.field,
            "hint": self.hint,
        }
        return {key: value for key, value in parts.items() if value is not None}


class GraftworkError(Exception):
    """Base of all errors raised on purpose; `exit_code` is the CLI's.

    Args:
        message: one readable sentence (or the faults' summary).
        faults: all faults that were found, so that they can be mended in one go.
    """

    exit_code = 2

    def __init__(self, message: str = "", faults: Sequence[Fault] = ()) -> None:
        self.faults = tuple(faults)
        if self.faults and not message and len(self.faults) == 1:
            message = str(self.faults[0])
        elif self.faults:
            lines = "\n".join(f"  - {fault}" for fault in self.faults)
            message = f"{message or f'{len(self.faults)} faults'}:\n{lines}"
        super().__init__(message)

    def to_json(self) -> dict[str, object]:
        """The error as the CLI's `--json` prints it."""
        return {
            "error": type(self).__name__,
            "message": str(self),
            "faults": [fault.to_json() for fault in self.faults],
        }


class InputError(GraftworkError):
    """Something that the user gave is wrong."""


class DataError(InputError):
    """A data file, or rows of it, cannot be used."""


class BaseModelError(InputError):
    """A base (pre-trained checkpoint) is absent, damaged or of a kind that is not supported."""


class ParameterError(InputError, ValueError):
    """A parameter has a value that is not allowed."""


class UnknownNameError(InputError, ValueError):
    """A name is not among those allowed; the message gives the nearest spelling.

    Args:
        kind: what sort of name it is ("strategy", "column", …).
        found: the name that was given.
        allowed: the names that exist.
        where: file or owner, put in front of the message.
    """

    def __init__(
        self, kind: str, found: object, allowed: Iterable[str], where: str | None = None
    ) -> None:
        names = list(allowed)
        close = nearest(str(found), names)
        hint = f"did you mean {close!r}?" if close else None
        shown = ", ".join(names[:20]) + (f", … ({len(names)} in all)" if len(names) > 20 else "")
        message = f"no {kind} named {str(found)!r}; there are: {shown or 'none'}"
        super().__init__(faults=[Fault(message, file=where, hint=hint)])


class RunError(GraftworkError):
    """A run directory cannot be used for what was asked."""


class RunLockedError(RunError):
    """Another process is working on this run directory."""


class PlanChangedError(RunError):
    """The run directory holds a run of another plan; nothing was touched."""


class TrainingError(GraftworkError):
    """A training that went wrong."""


class StorageError(GraftworkError, OSError):
    """The disk says no: not writable, full, or a file is not what it should be."""


class IntegrityError(StorageError):
    """A file's bytes are not those that its manifest promises, or its structure is broken."""


class UnsupportedError(GraftworkError):
    """A part was asked for something that it cannot do; the message gives the reason."""


class MissingExtraError(GraftworkError, ImportError):
    """An optional package is missing.

    Args:
        package: what could not be imported.
        extra: the extra of Graftwork that brings it.
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"{package} is not installed; it comes with: pip install 'graftwork[{extra}]'"
        )


class Interrupted(GraftworkError):
    """Ctrl-C or SIGTERM ended the work at a safe point."""

    exit_code = 130


def nearest(found: str, allowed: Iterable[str]) -> str | None:
    """The allowed spelling nearest to `found`, or None when nothing is near."""
    names = list(allowed)
    folded = {name.casefold().strip(): name for name in names}
    if found.casefold().strip() in folded:
        return folded[found.casefold().strip()]
    close = difflib.get_close_matches(found, names, n=1, cutoff=0.6)
    if close:
        return close[0]
    inside = [name for name in names if len(found) > 1 and found.casefold() in name.casefold()]
    return inside[0] if inside else None
