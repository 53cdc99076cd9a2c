"""`graftwork cache`: the stored features, shown or cleared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from graftwork.cli.show import mapping_text
from graftwork.errors import UnknownNameError
from graftwork.registry import declare
from graftwork.runs.recipe import setting

if TYPE_CHECKING:
    from graftwork.cli.session import Session
    from graftwork.cli.verb import Given

__all__ = ["Cache"]

_ACTIONS = ("show", "clear")


@dataclass(frozen=True)
class _Options:
    older_than: float | None = setting(
        None, "with clear: only what was not used for this many days", low=0
    )


@declare(
    "cache",
    title="Show or clear the stored features",
    order=8,
    example="example: graftwork cache clear --older-than 30",
)
class Cache:
    """`graftwork cache [show|clear]`."""

    words: ClassVar = {"[ACTION]": "show (the default) or clear"}
    options: ClassVar = _Options
    required: ClassVar = ()
    recipe: ClassVar = ()
    machine: ClassVar = ("cache",)
    parameters: ClassVar = False
    resumes: ClassVar = False

    def run(self, given: Given, session: Session) -> None:
        """Show or clear."""
        action = given.words.get("ACTION", "show")
        if action not in _ACTIONS:
            raise UnknownNameError("action", action, _ACTIONS)
        from graftwork import api

        with session.working():
            told = api.cache(
                action=action, older_than=given.options.older_than, machine=given.machine
            )
        session.result(told, mapping_text(told))
