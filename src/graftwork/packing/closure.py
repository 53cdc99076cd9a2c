"""The distributions that an installed one needs, as this environment has them."""

from __future__ import annotations

from collections.abc import Collection
from importlib import metadata

from graftwork.errors import GraftworkError

__all__ = ["closure"]


def closure(
    name: str, *, extras: Collection[str] = (), without: Collection[str] = ()
) -> list[metadata.Distribution]:
    """`name` and all that it needs here, by name.

    Requirements of extras that nobody asked for, and of other platforms, are left out.

    Args:
        name: of an installed distribution.
        extras: of it, that are needed too.
        without: names to leave out, with what they alone need.

    Raises:
        GraftworkError: a requirement is not installed.
    """
    from packaging.utils import canonicalize_name

    left_out = {canonicalize_name(each) for each in without}
    found: dict[str, metadata.Distribution] = {}
    wanted: list[tuple[str, frozenset[str]]] = [(name, frozenset(extras))]
    seen: set[tuple[str, frozenset[str]]] = set()
    while wanted:
        each = wanted.pop()
        if each in seen or each[0] in left_out:
            continue
        seen.add(each)
        try:
            one = metadata.distribution(each[0])
        except metadata.PackageNotFoundError:
            raise GraftworkError(f"{each[0]} is needed, but not installed here") from None
        found[canonicalize_name(each[0])] = one
        wanted += _needs(one, each[1])
    return [found[key] for key in sorted(found)]


def _needs(one: metadata.Distribution, extras: frozenset[str]) -> list[tuple[str, frozenset[str]]]:
    """Names and extras of its requirements that hold here."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    needs: list[tuple[str, frozenset[str]]] = []
    for text in one.requires or []:
        wanted = Requirement(text)
        marks = wanted.marker
        if marks is None or any(marks.evaluate({"extra": e}) for e in (*extras, "")):
            needs.append((canonicalize_name(wanted.name), frozenset(wanted.extras)))
    return needs
