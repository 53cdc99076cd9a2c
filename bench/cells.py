"""How the tables and pages write numbers, names and rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["NAMES", "Result", "gain", "points", "reached", "seconds", "table"]

NAMES = {
    "banking77": "Banking77",
    "clinc150": "CLINC150 (in scope)",
    "subj": "SUBJ",
    "mr": "MR",
    "agnews": "AG News",
    "finance": "finance tweets",
    "clinc150_oos": "CLINC150 (with out of scope)",
    "pros_cons": "pros and cons",
    "langid30": "30 languages",
    "chnsenticorp": "hotel reviews (Chinese)",
    "thucnews": "headlines (Chinese)",
    "clothing10": "clothing10 (3,781 pictures)",
}
Result = dict[str, Any]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def points(value: float | None) -> str:
    """A difference of shares in points, with its sign."""
    return "–" if value is None else f"{100 * value:+.2f}".replace("-", "−")


def gain(found: Result) -> str:
    """A difference in points with its interval."""
    return f"{points(found['value'])} ({points(found['low'])} … {points(found['high'])})"


def seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 1 else f"{value:.3f} s"


def reached(found: Result, *names: str) -> str:
    wanted = names or tuple(found["reached"])
    missed = [name for name in wanted if not found["reached"][name]]
    return "yes" if not missed else "**no**" + (f": {', '.join(missed)}" if len(wanted) > 1 else "")
