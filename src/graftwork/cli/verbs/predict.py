"""`graftwork predict`: predictions for every row of a file, in order."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar

from graftwork.cli.show import seconds_text
from graftwork.registry import declare
from graftwork.runs.recipe import Machine, setting

if TYPE_CHECKING:
    from graftwork.cli.session import Session
    from graftwork.cli.verb import Given

__all__ = ["Predict"]


@dataclass(frozen=True)
class _Options:
    out: str | None = setting(None, "file for the predictions: prediction, probability, status")
    encoding: str | None = setting(None, "encoding of the text file (default: found and said)")
    delimiter: str | None = setting(None, "delimiter of the text file (default: found and said)")


@declare(
    "predict",
    title="Predict every row of a file, in order",
    order=2,
    example="example: graftwork predict runs/reviews new.csv --out predictions.csv",
)
class Predict:
    """`graftwork predict RUN DATA --out FILE`."""

    words: ClassVar = {"RUN": "run or model directory", "DATA": "file with rows to predict"}
    options: ClassVar = _Options
    required: ClassVar = ("out",)
    recipe: ClassVar = ()
    machine: ClassVar = tuple(field.name for field in fields(Machine))
    parameters: ClassVar = False
    resumes: ClassVar = False

    def run(self, given: Given, session: Session) -> None:
        """Predict and say what was written."""
        from graftwork import api

        with session.working():
            told = api.predict(
                given.words["RUN"],
                given.words["DATA"],
                out=given.options.out,
                machine=given.machine,
                progress=session.progress,
                encoding=given.options.encoding,
                delimiter=given.options.delimiter,
            )
        words = f"{told['predicted']:,} of {told['rows_in']:,} rows predicted"
        if told.get("unusable"):
            words += f"; {told['unusable']:,} could not be (their status says why)"
        took = f" in {seconds_text(told['seconds'])}" if told.get("seconds") is not None else ""
        session.result(told, f"{words}{took}.", f"Written: {told['out']}")
