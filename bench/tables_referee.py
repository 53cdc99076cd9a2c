"""The table and summary lines of the referee."""

from __future__ import annotations

from cells import Result, reached, seconds, table

__all__ = ["REFEREE"]


def compare(found: Result) -> str:
    row = [
        f"{found['rows']:,}",
        str(found["contestants"]),
        seconds(found["median_seconds"]),
        seconds(max(found["seconds"])),
        f"{found['peak_memory_mb']:,.0f} MB",
    ]
    return table(["rows", "contestants", "median", "slowest", "peak memory"], [row])


def line_compare(found: Result) -> list[list[str]]:
    told = f"{seconds(found['median_seconds'])}, {found['peak_memory_mb']:,.0f} MB"
    name = f"`compare`, {found['rows']:,} rows, {found['contestants']} contestants given as columns"
    return [[name, "≤ 20 s, ≤ 1 GB", told, reached(found)]]


REFEREE = {"compare": (compare, line_compare)}
