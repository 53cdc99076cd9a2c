"""`graftwork compare`: the referee for anyone's predictions."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar

from graftwork.cli.pairs import named_numbers, named_texts
from graftwork.cli.show_comparison import comparison_parts
from graftwork.registry import declare
from graftwork.runs.recipe import FIT_ONLY, Machine, setting

if TYPE_CHECKING:
    from graftwork.cli.session import Session
    from graftwork.cli.verb import Given

__all__ = ["Compare"]


@dataclass(frozen=True)
class _Options:
    target: str | None = setting(None, "column that holds the label")
    run: tuple[str, ...] = setting((), "run or model directory that takes part; repeatable")
    column: tuple[str, ...] = setting((), "column of DATA that holds answers; repeatable")
    file: tuple[str, ...] = setting(
        (), "answers in another file, as FILE:COLUMN (or one that predict wrote); repeatable"
    )
    key: str | None = setting(None, "column that joins --file to DATA (default: by row)")
    cost: tuple[str, ...] = setting((), "cost of a million rows, as NAME=NUMBER; repeatable")
    hourly: float = setting(0.1, "cost of an hour of this machine, for runs", low=0.0)
    confidence: tuple[str, ...] = setting(
        (), "column that tells how sure a contestant was, as NAME=COLUMN; repeatable"
    )
    map: tuple[str, ...] = setting((), "answer to be read as a label, as ANSWER=LABEL; repeatable")
    spelling: bool = setting(False, "read answers that differ in case or space alone as the label")
    error_rate: tuple[float, ...] = setting(
        (), "share of errors to tell coverage at (default: .01, .02, .05, .1)", low=0.0, high=1.0
    )
    slice: tuple[str, ...] = setting((), "column to tell winners by; repeatable")
    out: str | None = setting(None, "folder for the page, comparison.json and differences.csv")
    metric: str = setting("accuracy", "metric that ranks", registry="metrics")
    margin: float = setting(0.01, "differences inside ± margin count as none", low=0.0, high=0.5)
    seed: int = setting(0, "seed of resamples and halves", low=0)
    redact: bool = setting(False, "leave all texts out of the page")
    encoding: str | None = setting(None, "encoding of the text file (default: found and said)")
    delimiter: str | None = setting(None, "delimiter of the text file (default: found and said)")


@declare(
    "compare",
    title="Weigh runs, columns and files of answers against each other on labelled rows",
    order=3.2,
    example=(
        "example: graftwork compare labelled.csv --target label --run runs/a --column llm_answer"
    ),
)
class Compare:
    """`graftwork compare DATA --target LABEL …`."""

    words: ClassVar = {"DATA": "file with labelled rows"}
    options: ClassVar = _Options
    required: ClassVar = ("target",)
    recipe: ClassVar = ()
    machine: ClassVar = tuple(f.name for f in fields(Machine) if f.name not in FIT_ONLY)
    parameters: ClassVar = False
    resumes: ClassVar = False

    def run(self, given: Given, session: Session) -> None:
        """Compare and show who is best, pair by pair."""
        from graftwork import api

        options = given.options
        with session.working():
            found = api.compare(
                given.words["DATA"],
                target=options.target,
                runs=options.run,
                columns=options.column,
                files=options.file,
                key=options.key,
                cost=named_numbers("cost", options.cost),
                hourly=options.hourly,
                confidence=named_texts("confidence", options.confidence),
                mapping=named_texts("map", options.map),
                spelling=options.spelling,
                error_rates=options.error_rate,
                slices=options.slice,
                out=options.out,
                metric=options.metric,
                margin=options.margin,
                seed=options.seed,
                redact=options.redact,
                encoding=options.encoding,
                delimiter=options.delimiter,
                machine=given.machine,
                progress=session.progress,
            )
        parts = comparison_parts(found)
        if options.out:
            parts.append(f"Written: {options.out}")
        session.result(found, *parts)
