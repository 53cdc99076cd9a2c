"""One registry for everything that can be named: a folder listing.

A registered thing is one module in a package folder, with one class or function that carries a
`Declaration`. There is no central list, and listing imports nothing heavy: modules of a registry
folder keep numpy, torch and the like inside their functions.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from graftwork.errors import UnknownNameError

__all__ = ["Declaration", "Registry", "declare"]

T = TypeVar("T")


@dataclass(frozen=True)
class Declaration:
    """What a registered thing says of itself.

    Attributes:
        name: the word that users write.
        title: one line for lists and reports.
        source: the paper or project that it comes from.
        aliases: other names for the same thing.
        facts: further plain values a kind of thing declares (e.g. a metric's best direction).
    """

    name: str
    title: str
    source: str = ""
    aliases: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


def declare(
    name: str, *, title: str, source: str = "", aliases: tuple[str, ...] = (), **facts: Any
) -> Callable[[T], T]:
    """Attach a `Declaration` to a class or function, as `thing.declaration`."""

    def attach(thing: T) -> T:
        thing.declaration = Declaration(name, title, source, aliases, facts)  # type: ignore[attr-defined]
        return thing

    return attach


class Registry:
    """The declared things of one package folder.

    Args:
        package: dotted name of the folder, e.g. ``graftwork.strategies``.
        kind: the word for one of them in messages, e.g. ``strategy``.

    Modules whose name begins with an underscore, and modules without a declared thing, are passed.
    """

    def __init__(self, package: str, kind: str) -> None:
        self.package = package
        self.kind = kind

    def all(self) -> dict[str, Any]:
        """Every declared thing by its name, in alphabetical order."""
        return dict(_things(self.package, *importlib.import_module(self.package).__path__))

    def names(self) -> list[str]:
        """The names of all declared things."""
        return list(self.all())

    def get(self, name: str) -> Any:
        """The thing of that name or alias.

        Raises:
            UnknownNameError: there is none; the message lists those that are, and the nearest.
        """
        things = self.all()
        for thing in things.values():
            if name == thing.declaration.name or name in thing.declaration.aliases:
                return thing
        raise UnknownNameError(self.kind, name, things)


@cache
def _things(package: str, *folders: str) -> dict[str, Any]:
    """Read once a process: a fit asks hundreds of times, and its folders do not change."""
    found = {
        thing.declaration.name: thing
        for module in _modules(folders)
        for thing in _declared(f"{package}.{module}")
    }
    return dict(sorted(found.items()))


def _modules(folders: tuple[str, ...]) -> Iterator[str]:
    for info in pkgutil.iter_modules(folders):
        if not info.name.startswith("_"):
            yield info.name


def _declared(module: str) -> Iterator[Any]:
    loaded = importlib.import_module(module)
    for thing in vars(loaded).values():
        own = getattr(thing, "__module__", None) == loaded.__name__
        if own and isinstance(getattr(thing, "declaration", None), Declaration):
            yield thing
