"""`graftwork bundle`: one file for a machine without a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from graftwork.registry import declare
from graftwork.runs.recipe import setting

if TYPE_CHECKING:
    from graftwork.cli.session import Session
    from graftwork.cli.verb import Given

__all__ = ["Bundle"]


@dataclass(frozen=True)
class _Options:
    out: str | None = setting(None, "file to write; its name ends in .bundle")
    offline: bool = setting(False, "make all wheels from what is installed; do not ask pip")


@declare(
    "bundle",
    title="Pack a model or base with all that a machine without a network needs",
    order=3.6,
    example="example: graftwork bundle runs/reviews --out reviews.bundle",
)
class Bundle:
    """`graftwork bundle WHAT --out FILE.bundle`."""

    words: ClassVar = {"WHAT": "run or model directory, or the directory of a base"}
    options: ClassVar = _Options
    required: ClassVar = ("out",)
    recipe: ClassVar = ()
    machine: ClassVar = ()
    parameters: ClassVar = False
    resumes: ClassVar = False

    def run(self, given: Given, session: Session) -> None:
        """Bundle and say how it is installed."""
        from graftwork import api

        with session.working():
            told = api.bundle(
                given.words["WHAT"],
                out=given.options.out,
                offline=given.options.offline,
                progress=session.progress,
            )
        made = told["made_for"]
        session.result(
            told,
            f"{told['out']}: {told['bytes'] / 1e6:,.0f} MB, {len(told['wheels'])} wheels, for "
            f"{made['python']} on {made['platform']}",
            f"There: python {told['out']} FOLDER",
        )
