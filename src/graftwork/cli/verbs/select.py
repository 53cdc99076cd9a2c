"""`graftwork select`: which unlabelled rows to label next."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar

from graftwork.cli.show import seconds_text
from graftwork.registry import declare
from graftwork.runs.recipe import FIT_ONLY, Machine, setting

if TYPE_CHECKING:
    from graftwork.cli.session import Session
    from graftwork.cli.verb import Given

__all__ = ["Select"]

_SHOWN = 10  # rows on the screen where nothing is written


@dataclass(frozen=True)
class _Options:
    run: str | None = setting(None, "run or model directory whose model chooses")
    n: int = setting(50, "how many rows to choose", low=1)
    out: str | None = setting(None, "CSV file for the rows: row, inputs, prediction, why")
    seed: int = setting(0, "seed of the choice", low=0)
    encoding: str | None = setting(None, "encoding of the text file (default: found and said)")
    delimiter: str | None = setting(None, "delimiter of the text file (default: found and said)")


@declare(
    "select",
    title="Choose the unlabelled rows that are most worth a label",
    order=3.2,
    example="example: graftwork select unlabelled.csv --run runs/reviews --n 50 --out picked.csv",
)
class Select:
    """`graftwork select DATA --run RUN`."""

    words: ClassVar = {"DATA": "file with unlabelled rows"}
    options: ClassVar = _Options
    required: ClassVar = ("run",)
    recipe: ClassVar = ()
    machine: ClassVar = tuple(f.name for f in fields(Machine) if f.name not in FIT_ONLY)
    parameters: ClassVar = False
    resumes: ClassVar = False

    def run(self, given: Given, session: Session) -> None:
        """Choose and show or write the rows."""
        from graftwork import api

        options = given.options
        with session.working():
            told = api.select(
                given.words["DATA"],
                run=options.run,
                n=options.n,
                out=options.out,
                seed=options.seed,
                machine=given.machine,
                progress=session.progress,
                encoding=options.encoding,
                delimiter=options.delimiter,
            )
        words = (
            f"{told['picked']:,} of {told['rows_in']:,} rows picked, {told['not_picked']:,} not, "
            f"{told['unusable']:,} unusable, in {seconds_text(told['seconds'])}."
        )
        shown = [_line(row) for row in told.get("rows", ())[:_SHOWN]]
        end = f"Written: {told['out']}" if told["out"] else "--out FILE writes all of them."
        session.result(told, words, *shown, end)


def _line(row: dict[str, object]) -> str:
    """A row as one short line: number, inputs, reason (the last three columns are ours)."""
    number, *inputs, _, _, why = row.values()
    text = " | ".join(" ".join(str(value).split()) for value in inputs)
    return f"  {number}: {text[:70]}{'…' if len(text) > 70 else ''} ({why})"
