"""`graftwork promote`: a run's backbone becomes a base for the next task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from graftwork.registry import declare
from graftwork.runs.recipe import setting

if TYPE_CHECKING:
    from graftwork.cli.session import Session
    from graftwork.cli.verb import Given

__all__ = ["Promote"]


@dataclass(frozen=True)
class _Options:
    out: str | None = setting(None, "folder for the base; new, empty, or of an earlier promotion")


@declare(
    "promote",
    title="Make a run's backbone a base for the next task",
    order=3.4,
    example="example: graftwork promote runs/reviews --out bases/ours",
)
class Promote:
    """`graftwork promote RUN --out FOLDER`."""

    words: ClassVar = {"RUN": "run or model directory"}
    options: ClassVar = _Options
    required: ClassVar = ("out",)
    recipe: ClassVar = ()
    machine: ClassVar = ()
    parameters: ClassVar = False
    resumes: ClassVar = False

    def run(self, given: Given, session: Session) -> None:
        """Promote and say what it is and how to use it."""
        from graftwork import api

        with session.working():
            told = api.promote(given.words["RUN"], out=given.options.out, progress=session.progress)
        use = f"Next: graftwork fit DATA --target LABEL --base {told['out']}"
        session.result(told, told["sentence"], f"Written: {told['out']}", use)
