"""What is unusual about sound pictures, by row, and what is done about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graftwork.data.audit import SHOWN_ROWS, Finding
from graftwork.data.blob import Blob
from graftwork.data.words import counted
from graftwork.modalities._picture_facts import Facts, facts_of
from graftwork.modalities._picture_kinds import HUGE_PIXELS

__all__ = ["picture_findings"]

TINY = 16  # pixels of the shorter side
LONG = 4  # times the shorter side


@dataclass(frozen=True)
class _Check:
    """One thing that pictures can be."""

    kind: str
    severity: str
    holds: Callable[[Facts], bool]
    message: str  # goes on after "n pictures are"


def _flag(name: str) -> Callable[[Facts], bool]:
    return lambda facts: name in facts.flags


_CHECKS = (
    _Check(
        "one_pixel",
        "warning",
        lambda facts: facts.width == facts.height == 1,
        "a single pixel: a placeholder, probably, not a picture",
    ),
    _Check(
        "one_colour",
        "warning",
        lambda facts: "blank" in facts.flags and facts.width * facts.height > 1,
        "of one colour all over: nothing is to be seen",
    ),
    _Check(
        "tiny",
        "warning",
        lambda facts: min(facts.width, facts.height) < TINY and facts.width * facts.height > 1,
        f"less than {TINY} pixels wide or high: little is to be seen once enlarged",
    ),
    _Check(
        "very_long",
        "warning",
        lambda facts: max(facts.width, facts.height) > LONG * min(facts.width, facts.height),
        f"more than {LONG} times as long as wide: much is cut off or squeezed",
    ),
    _Check(
        "huge",
        "info",
        lambda facts: facts.width * facts.height > HUGE_PIXELS,
        f"larger than {HUGE_PIXELS // 1_000_000} megapixels: decoded at a reduced scale",
    ),
    _Check("rotated", "info", _flag("rotated"), "turned by EXIF data: set upright"),
    _Check("cmyk", "info", _flag("cmyk"), "in the colours of print (CMYK): converted to RGB"),
    _Check("deep", "info", _flag("deep"), "of 16 bits or more a colour: scaled to 8, not clipped"),
    _Check(
        "dim",
        "warning",
        _flag("dim"),
        "almost black, the highest 4 of 16 bits being empty: multiply 12-bit values by 16 first",
    ),
    _Check("animated", "info", _flag("animated"), "of several frames: the first is taken"),
    _Check("transparent", "info", _flag("transparent"), "partly transparent: laid on white"),
)


def picture_findings(values: Sequence[Any], rows: Sequence[int], *, field: str) -> list[Finding]:
    """One finding for each kind of oddity.

    Args:
        values: `Blob`s; anything else is passed over, but for what is not None: that is told.
        rows: a number of each, by which findings name it.
        field: name of the column.
    """
    places = [i for i, value in enumerate(values) if isinstance(value, Blob)]
    wrong = [i for i, v in enumerate(values) if v is not None and not isinstance(v, Blob)]
    known = facts_of([values[i] for i in places])
    numbers = [int(rows[i]) for i in places]
    return [
        *_no_pictures(values, [int(rows[i]) for i in wrong], wrong, field),
        *_broken(known, numbers, field),
        *_odd(known, numbers, field),
    ]


def _odd(known: list[Facts], numbers: list[int], field: str) -> Iterator[Finding]:
    for check in _CHECKS:
        found = [i for i, facts in enumerate(known) if not facts.reason and check.holds(facts)]
        if not found:
            continue
        message = f"{_pictures(len(found))} {check.message}"
        where = tuple(numbers[i] for i in found[:SHOWN_ROWS])
        sizes = Counter(f"{known[i].width}×{known[i].height}" for i in found)
        data = {"sizes": dict(sizes.most_common(3))}
        yield Finding(check.kind, check.severity, message, where, len(found), field, data)


def _pictures(n: int) -> str:
    return counted(n, "picture is", "pictures are")


def _broken(known: list[Facts], numbers: list[int], field: str) -> Iterator[Finding]:
    """Pictures that were sound when they were taken and are not any more."""
    found = [i for i, facts in enumerate(known) if facts.reason]
    if found:
        message = f"{_pictures(len(found))} not readable any more ({known[found[0]].detail})"
        where = tuple(numbers[i] for i in found[:SHOWN_ROWS])
        yield Finding("unreadable", "error", message, where, len(found), field)


def _no_pictures(
    values: Sequence[Any], numbers: list[int], wrong: list[int], field: str
) -> Iterator[Finding]:
    if wrong:
        kind = type(values[wrong[0]]).__name__
        count = counted(len(wrong), "value is", "values are")
        message = f"column {field!r}: {count} no picture (the first is {kind})"
        yield Finding("no_image", "error", message, tuple(numbers[:SHOWN_ROWS]), len(wrong), field)
