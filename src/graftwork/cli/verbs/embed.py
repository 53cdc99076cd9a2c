"""`graftwork embed`: features for other uses."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar

from graftwork.cli.show import mapping_text
from graftwork.registry import declare
from graftwork.runs.recipe import FIT_ONLY, Machine, setting

if TYPE_CHECKING:
    from graftwork.cli.session import Session
    from graftwork.cli.verb import Given

__all__ = ["Embed"]


@dataclass(frozen=True)
class _Options:
    base: str | None = setting(None, "base that encodes: a directory, a hub name, or embedded")
    out: str | None = setting(None, "Parquet file for the vectors")
    input: tuple[str, ...] = setting((), "input column; repeatable; found when left out")
    layer: int | None = setting(None, "layer of the base; negative ones count from the last")
    pooling: str | None = setting(None, "how tokens become one vector (default: the base's own)")
    encoding: str | None = setting(None, "encoding of the text file (default: found and said)")
    delimiter: str | None = setting(None, "delimiter of the text file (default: found and said)")


@declare(
    "embed",
    title="Write a base's features of a file's rows, for other uses",
    order=5,
    example="example: graftwork embed reviews.csv --base minilm --out vectors.parquet",
)
class Embed:
    """`graftwork embed DATA --base BASE --out FILE`."""

    words: ClassVar = {
        "DATA": "rows to encode: a CSV, TSV, JSONL or Parquet file, or a folder of pictures"
    }
    options: ClassVar = _Options
    required: ClassVar = ("out",)
    recipe: ClassVar = ()
    machine: ClassVar = tuple(f.name for f in fields(Machine) if f.name not in FIT_ONLY)
    parameters: ClassVar = False
    resumes: ClassVar = False

    def run(self, given: Given, session: Session) -> None:
        """Encode and say what was written."""
        from graftwork import api

        options = given.options
        with session.working():
            told = api.embed(
                given.words["DATA"],
                base=options.base,
                out=options.out,
                inputs=options.input,
                layer=options.layer,
                pooling=options.pooling,
                encoding=options.encoding,
                delimiter=options.delimiter,
                machine=given.machine,
                progress=session.progress,
            )
        session.result(told, mapping_text(told))
