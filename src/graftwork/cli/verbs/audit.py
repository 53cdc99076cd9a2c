"""`graftwork audit`: what is wrong with the data, by row, before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from graftwork.registry import declare
from graftwork.runs.recipe import setting

if TYPE_CHECKING:
    from graftwork.cli.session import Session
    from graftwork.cli.verb import Given

__all__ = ["Audit"]


@dataclass(frozen=True)
class _Options:
    out: str | None = setting(None, "JSON file for the whole audit")


@declare(
    "audit",
    title="Say what is wrong with the data, by row, before anything is trained",
    order=4,
    example="example: graftwork audit reviews.csv --target label",
)
class Audit:
    """`graftwork audit DATA --target COLUMN`."""

    words: ClassVar = {
        "DATA": "labelled rows: a CSV, TSV, JSONL or Parquet file, or a folder of class folders"
    }
    options: ClassVar = _Options
    required: ClassVar = ()
    recipe: ClassVar = (
        *("target", "input", "modality", "base", "seed", "test_size", "split", "group", "time"),
        *("test", "validation", "max_length", "encoding", "delimiter"),
    )
    machine: ClassVar = ()
    parameters: ClassVar = False
    resumes: ClassVar = False

    def run(self, given: Given, session: Session) -> None:
        """Audit and show what was found."""
        from graftwork import api
        from graftwork.storage.outputs import refuse_input

        settings: dict[str, Any] = dict(given.settings)
        if "input" in settings:
            settings["inputs"] = settings.pop("input")
        settings.setdefault("target", None)
        files = (given.words["DATA"], settings.get("test"), settings.get("validation"))
        refuse_input(given.options.out, files)
        with session.working():
            audit = api.audit(given.words["DATA"], progress=session.progress, **settings)
        parts = [audit.to_text()]
        if given.options.out:
            from graftwork.cli.text import plain
            from graftwork.storage.json_files import write_json

            write_json(Path(given.options.out), plain(audit.to_json()))
            parts.append(f"Written: {given.options.out}")
        session.result(audit.to_json(), *parts)
