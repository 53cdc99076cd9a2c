"""`graftwork info`: what a base, a run or a model directory is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from graftwork.cli.show import mapping_text
from graftwork.cli.verb import Given, Nothing
from graftwork.registry import declare

if TYPE_CHECKING:
    from graftwork.cli.session import Session

__all__ = ["Info"]


@declare(
    "info",
    title="Say what a base, a run or a model directory is",
    order=6,
    example="example: graftwork info runs/reviews",
)
class Info:
    """`graftwork info WHAT`."""

    words: ClassVar = {"WHAT": "a base, or a run or model directory"}
    options: ClassVar = Nothing
    required: ClassVar = ()
    recipe: ClassVar = ()
    machine: ClassVar = ()
    parameters: ClassVar = False
    resumes: ClassVar = False

    def run(self, given: Given, session: Session) -> None:
        """Look and tell."""
        from graftwork import api

        with session.working():
            told = api.info(given.words["WHAT"])
        session.result(told, mapping_text(told))
