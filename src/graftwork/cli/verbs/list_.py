"""`graftwork list`: the names that can be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from graftwork.cli.show import things_text
from graftwork.cli.verb import Given, Nothing
from graftwork.errors import UnknownNameError
from graftwork.registry import declare

if TYPE_CHECKING:
    from graftwork.cli.session import Session

__all__ = ["List"]

_KINDS = ("bases", "strategies", "metrics", "tasks", "modalities")


@declare(
    "list",
    title="List the names that there are",
    order=7,
    example="example: graftwork list strategies",
)
class List:
    """`graftwork list bases|strategies|metrics|tasks|modalities`."""

    words: ClassVar = {"KIND": ", ".join(_KINDS)}
    options: ClassVar = Nothing
    required: ClassVar = ()
    recipe: ClassVar = ()
    machine: ClassVar = ()
    parameters: ClassVar = False
    resumes: ClassVar = False

    def run(self, given: Given, session: Session) -> None:
        """List them."""
        kind = given.words["KIND"]
        if kind not in _KINDS:
            raise UnknownNameError("list", kind, _KINDS)
        from graftwork import api

        things = api.list_things(kind)
        elsewhere = [thing for thing in things if thing.get("how")]
        parts = [things_text([thing for thing in things if not thing.get("how")])]
        if elsewhere:
            parts += ["", "Free, to be had elsewhere:", *map(_obtained, elsewhere)]
        session.result(things, *parts)


def _obtained(thing: dict[str, Any]) -> str:
    """A base that is not here: what it is, its licence, how it gets in."""
    return f"{thing['name']}  {thing['title']} [{thing['licence']}]\n  {thing['how']}"
