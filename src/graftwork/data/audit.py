"""The audit: what is wrong with the data, by row, and where every row went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from dataclasses import field as default
from typing import Any

from graftwork.data.table import SetAside
from graftwork.data.words import counted
from graftwork.errors import DataError, Fault

__all__ = ["SEVERITIES", "Audit", "Finding"]

SEVERITIES = ("error", "warning", "info")
SHOWN_ROWS = 20


@dataclass(frozen=True)
class Finding:
    """One thing that was found in the data.

    Attributes:
        kind: a constant word, e.g. ``ragged``, ``exact_duplicates``, ``leak``.
        severity: ``info``, ``warning``, or ``error`` (a fit is refused).
        message: one sentence for people.
        rows: line numbers of the first 20 rows that it is about.
        count: how many rows (or classes, columns; the message says) it is about.
        field: the column, where it is about one.
        data: further plain values.
    """

    kind: str
    severity: str
    message: str
    rows: tuple[int, ...] = ()
    count: int = 0
    field: str | None = None
    data: dict[str, Any] = default(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The finding as plain JSON values."""
        return {**asdict(self), "rows": [int(row) for row in self.rows]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Finding:
        """The finding that `to_json` wrote."""
        return cls(**{**values, "rows": tuple(values.get("rows", ()))})


@dataclass(frozen=True)
class Audit:
    """Everything found in a dataset before anything is trained.

    Attributes:
        source: name, format, sha256 and how it was read, of each file (``files``).
        columns: by name the type that each column seems to have; of an input what its modality
            calls what it holds (``images``), where that is no type of cells.
        accounting: rows_in == used + quarantined + dropped.
        set_aside: every row that is not used, with its reason.
        findings: errors first, then warnings, then notes.
        splits: ``how`` the parts were made; ``parts``: rows by part; ``labels``: by part and label.
    """

    source: dict[str, Any]
    columns: dict[str, str]
    accounting: dict[str, int]
    set_aside: tuple[SetAside, ...] = ()
    findings: tuple[Finding, ...] = ()
    splits: dict[str, Any] = default(default_factory=dict)

    def __post_init__(self) -> None:
        a = self.accounting
        if a["rows_in"] != a["used"] + a["quarantined"] + a["dropped"]:
            raise AssertionError(f"rows in do not add up: {a}")

    @property
    def errors(self) -> list[Finding]:
        """The findings that forbid a fit."""
        return [finding for finding in self.findings if finding.severity == "error"]

    def of(self, kind: str) -> list[Finding]:
        """The findings of one kind."""
        return [finding for finding in self.findings if finding.kind == kind]

    def raise_errors(self) -> None:
        """Refuse the data where the audit found errors.

        Raises:
            DataError: all of them at once.
        """
        faults = [
            Fault(
                finding.message,
                file=self.source.get("name"),
                row=finding.rows[0] if finding.rows else None,
                field=finding.field,
            )
            for finding in self.errors
        ]
        if faults:
            raise DataError(faults=faults)

    def to_json(self) -> dict[str, Any]:
        """The audit as plain JSON values, what `audit.json` holds."""
        return {
            "source": self.source,
            "columns": self.columns,
            "accounting": self.accounting,
            "set_aside": [asdict(row) for row in self.set_aside],
            "findings": [finding.to_json() for finding in self.findings],
            "splits": self.splits,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Audit:
        """The audit that `to_json` wrote."""
        return cls(
            source=dict(values["source"]),
            columns=dict(values["columns"]),
            accounting=dict(values["accounting"]),
            set_aside=tuple(SetAside(**row) for row in values["set_aside"]),
            findings=tuple(map(Finding.from_json, values["findings"])),
            splits=dict(values["splits"]),
        )

    def to_text(self) -> str:
        """The audit as readable lines for a terminal."""
        return "\n".join(_lines(self))


def _lines(audit: Audit) -> list[str]:
    a = audit.accounting
    lines = [
        f"{audit.source.get('name', 'data')}: {counted(a['rows_in'], 'row', 'rows')} in = "
        f"{a['used']:,} used + {a['quarantined']:,} quarantined + {a['dropped']:,} dropped"
    ]
    if audit.columns:
        types = ", ".join(f"{name} ({kind})" for name, kind in audit.columns.items())
        lines.append(f"columns: {types}")
    if audit.splits.get("parts"):
        parts = ", ".join(f"{part} {n:,}" for part, n in audit.splits["parts"].items())
        lines.append(f"parts: {parts} ({audit.splits.get('how', '')})")
    for severity, mark in (("error", "✗"), ("warning", "!"), ("info", "·")):
        for finding in audit.findings:
            if finding.severity == severity:
                lines.append(f"  {mark} {finding.message}{_where(finding.rows, finding.count)}")
    if not any(finding.severity != "info" for finding in audit.findings):
        lines.append("  nothing was found that should worry you")
    return lines


def _where(rows: Sequence[int], count: int) -> str:
    if not rows:
        return ""
    shown = ", ".join(str(row) for row in rows[:8])
    more = ", …" if count > 8 or len(rows) > 8 else ""
    return f" [row{'s' if len(rows) > 1 else ''} {shown}{more}]"
