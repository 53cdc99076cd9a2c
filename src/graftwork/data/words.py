"""Counts and lists of names in sentences."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["counted", "some_of", "spelt"]

NAMED = 3  # names in a sentence; the rest are where the sentence came from


def counted(n: int, one: str, more: str) -> str:
    """``1 row repeats`` or ``1,234 rows repeat``."""
    return f"{n:,} {one if n == 1 else more}"


def spelt(name: str) -> str:
    """A name in a sentence: what would break its line is spelt out."""
    return name if name.isprintable() else repr(name)


def some_of(names: Sequence[str]) -> str:
    """The first of them."""
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
