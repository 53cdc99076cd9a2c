"""`graftwork demo`: the main job on what is shipped, or drawn for it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar

from graftwork.cli.show import run_parts
from graftwork.registry import declare
from graftwork.runs.recipe import Machine, setting

if TYPE_CHECKING:
    from graftwork.cli.session import Session
    from graftwork.cli.verb import Given

__all__ = ["Demo"]


@dataclass(frozen=True)
class _Options:
    base: str | None = setting(
        None, "another base than the default; for images there is none unless one is named"
    )
    out: str | None = setting(None, "run directory (default: runs/demo, runs/demo-images)")


@declare(
    "demo",
    title="Fit the support tickets that are shipped, or drawn images, without a network",
    order=9,
    example="example: graftwork demo",
)
class Demo:
    """`graftwork demo [tickets|images]`."""

    words: ClassVar = {"[WHAT]": "tickets (the default) or images"}
    options: ClassVar = _Options
    required: ClassVar = ()
    recipe: ClassVar = ()
    machine: ClassVar = tuple(field.name for field in fields(Machine))
    parameters: ClassVar = False
    resumes: ClassVar = True

    def run(self, given: Given, session: Session) -> None:
        """Run it and show the verdict."""
        from graftwork import api

        with session.working():
            run = api.demo(
                given.words.get("WHAT", "tickets"),
                base=given.options.base,
                out=given.options.out,
                machine=given.machine,
                progress=session.progress,
            )
        session.result(*run_parts(run))
