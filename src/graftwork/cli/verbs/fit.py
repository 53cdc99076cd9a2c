"""`graftwork fit`: from a labelled file to a proven model."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from graftwork.cli.show import run_parts
from graftwork.registry import declare
from graftwork.runs.recipe import Machine, Recipe, setting

if TYPE_CHECKING:
    from graftwork.cli.session import Session
    from graftwork.cli.verb import Given

__all__ = ["Fit"]


@dataclass(frozen=True)
class _Options:
    out: str | None = setting(None, "run directory (default: runs/<name of the file>)")
    dry_run: bool = setting(False, "print the plan and its forecast, and stop")
    resume: bool = setting(False, "go on with the run in --out, its own plan included")
    overwrite: bool = setting(False, "replace what is in --out")
    replay: str | None = setting(
        None, "run whose settings and decisions are taken: the same rungs, whatever the clock says"
    )


@declare(
    "fit",
    title="Fit a model to labelled data, prove it, and write the run",
    aliases=("train",),
    order=1,
    example="example: graftwork fit reviews.csv --target label --out runs/reviews",
)
class Fit:
    """`graftwork fit DATA --target COLUMN`."""

    words: ClassVar = {
        "DATA": "labelled rows: a CSV, TSV, JSONL or Parquet file, or a folder of class folders"
    }
    options: ClassVar = _Options
    required: ClassVar = ()
    recipe: ClassVar = tuple(field.name for field in fields(Recipe))
    machine: ClassVar = tuple(field.name for field in fields(Machine))
    parameters: ClassVar = True
    resumes: ClassVar = True

    def run(self, given: Given, session: Session) -> None:
        """Fit, or with ``--dry-run`` only plan."""
        from graftwork import api

        data = given.words["DATA"]
        out = given.options.out or str(Path("runs") / Path(data).stem)
        if given.options.dry_run:
            with session.working():
                plan = api.plan(
                    data,
                    out=out,
                    settings=given.settings,
                    machine=given.machine,
                    replay=given.options.replay,
                    progress=session.progress,
                )
            session.result(plan, str(plan["text"]))
            return
        with session.working():
            run = api.fit(
                data,
                out=out,
                settings=given.settings,
                machine=given.machine,
                resume=given.options.resume,
                overwrite=given.options.overwrite,
                replay=given.options.replay,
                progress=session.progress,
            )
        session.result(*run_parts(run))
