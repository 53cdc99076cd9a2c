"""What every verb of the command line is: one declared class in a file of `cli/verbs/`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from graftwork.registry import Registry
from graftwork.runs.recipe import Machine

if TYPE_CHECKING:
    from graftwork.cli.session import Session
    from graftwork.registry import Declaration

__all__ = ["VERBS", "Given", "Nothing", "Verb", "verbs"]

VERBS = Registry("graftwork.cli.verbs", "command")


@dataclass(frozen=True)
class Nothing:
    """The options of a verb that has none of its own."""


@dataclass(frozen=True)
class Given:
    """What the user asked of a verb, checked and converted.

    Attributes:
        words: the words that are no flags, by the verb's names for them (``DATA``, ``RUN``).
        options: the verb's own options.
        settings: recipe fields that were given explicitly, recipe file included.
        machine: how it runs here.
        more: further words of a name that takes several (``DATA...``), the first being in `words`.
    """

    words: dict[str, str]
    options: Any
    settings: dict[str, Any] = field(default_factory=dict)
    machine: Machine = field(default_factory=Machine)
    more: tuple[str, ...] = ()


class Verb(Protocol):
    """One verb.

    Attributes:
        words: names of the words it takes, with what they are; a name in brackets may be absent,
            and a last one that ends in ``...`` takes one or more.
        options: a dataclass of `setting` fields, the verb's own flags.
        required: names of options and recipe fields that must be given.
        recipe: the recipe fields it takes.
        machine: the machine fields it takes.
        parameters: whether it takes parameters of strategies (and ``--recipe``, ``--set``).
        resumes: whether the same command goes on after an interruption.

    A verb may also have `excuses`: by option name the words and options that it makes needless.
    """

    declaration: ClassVar[Declaration]
    words: ClassVar[dict[str, str]]
    options: ClassVar[type]
    required: ClassVar[tuple[str, ...]]
    recipe: ClassVar[tuple[str, ...]]
    machine: ClassVar[tuple[str, ...]]
    parameters: ClassVar[bool]
    resumes: ClassVar[bool]

    def run(self, given: Given, session: Session) -> None:
        """Do it: one call of `graftwork.api`, and the showing of what came back."""
        ...


def verbs() -> list[Any]:
    """Every verb, in the order in which people meet them."""
    found = VERBS.all().values()
    return sorted(found, key=lambda verb: verb.declaration.facts.get("order", 99))
