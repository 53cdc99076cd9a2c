"""The matrix over data sets for people: a row for each, and where the model does not carry over."""

from __future__ import annotations

from typing import Any

from graftwork.cli.show import score_text
from graftwork.cli.text import printable

__all__ = ["domains_parts"]

_NOTES = 8


def domains_parts(metrics: dict[str, Any]) -> list[Any]:
    """Sentence, table and remarks of what `evaluate` gives for several data sets."""
    rows = metrics["domains"]["rows"]
    notes = [f"- {row['name']}: {row['note']}" for row in rows if row["note"]]
    notes += [
        f"- {row['name']}: {row['seen']:,} rows were in the training data; the difference is that "
        f"of the other {row['judged']:,}"
        for row in rows
        if row["seen"]
    ]
    more = [f"- {len(notes) - _NOTES:,} more"] if len(notes) > _NOTES else []
    return [metrics["verdict"]["sentence"], "", _table(metrics), "", *notes[:_NOTES], *more]


def _table(metrics: dict[str, Any]) -> Any:
    from rich.table import Table
    from rich.text import Text

    told, metric = metrics["domains"], metrics["metric"].replace("_", " ")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(Text(printable(told["by"])))
    heads = ("rows", f"{metric} (95 %)", "minus own test", "calibration error", "unknown labels")
    for head in heads:
        table.add_column(Text(printable(head)), justify="right", no_wrap=True)
    table.add_column("carries over")
    if told["own"]:
        rows = f"{told['own_rows']:,}" if told["own_rows"] else "–"
        about = "own rows out of fold" if told["own_evidence"] == "out of fold" else "own test part"
        table.add_row(about, rows, score_text(told["own"]), "", "", "", "", style="bold")
    for row in told["rows"]:
        table.add_row(*(Text(printable(cell)) for cell in _cells(row)))
    return table


def _cells(row: dict[str, Any]) -> list[str]:
    error = row["calibration_error"]
    return [
        row["name"],
        f"{row['n']:,}",
        score_text(row["score"]),
        _signed(row["difference"]),
        "–" if error is None else f"{100 * error:.1f} %",
        "–" if row["unknown"] is None else f"{100 * row['unknown']:.1f} %",
        row["carries_over"] or "–",
    ]


def _signed(found: dict[str, Any] | None) -> str:
    if not found:
        return "–"
    if found["low"] is None or found["high"] is None:
        return f"{found['value']:+.3f}"
    return f"{found['value']:+.3f} ({found['low']:+.3f} to {found['high']:+.3f})"
