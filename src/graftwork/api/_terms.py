"""What is asked of an evaluation, be it of one data set or of several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graftwork.data.read import read
from graftwork.data.table import Table
from graftwork.evaluation.report.render import render
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine
from graftwork.storage.directory import committed
from graftwork.storage.json_files import write_json
from graftwork.storage.outputs import refuse_foreign

__all__ = ["Terms"]

_WRITTEN = ("metrics.json", "report.html")


@dataclass(frozen=True, kw_only=True, eq=False)
class Terms:
    """The settings of an evaluation.

    Attributes:
        target: label column; None: the one that the model was fitted to.
        out: folder for `metrics.json` and `report.html`; None: nothing is written.
        metric: that is compared, and that the report opens with.
        margin: differences inside ± margin count as none.
        seed: of the resamples.
        redact: leave texts out of the report.
        machine: device and threads.
        progress: shown to the user.
        encoding: of text files.
        delimiter: of CSV and TSV files.
    """

    target: str | None
    out: str | Path | None
    metric: str
    margin: float
    seed: int
    redact: bool
    machine: Machine | Mapping[str, Any] | None
    progress: Progress
    encoding: str | None
    delimiter: str | None

    def check_out(self) -> None:
        """Refuse a folder that holds anything but an earlier evaluation.

        Raises:
            RunError: it holds other things, which would be lost.
        """
        if self.out is not None:
            refuse_foreign(self.out, needed=_WRITTEN, what="an evaluation")

    def read(self, source: Any) -> Table:
        """A data set as these settings read it."""
        return read(
            source, encoding=self.encoding, delimiter=self.delimiter, progress=self.progress
        )

    def write(self, metrics: Mapping[str, Any], shown: Mapping[str, Any]) -> None:
        """Write `metrics` (strict JSON values) and the report of `shown`, both or neither."""
        if self.out is None:
            return
        with committed(Path(self.out)) as temporary:
            write_json(temporary / "metrics.json", metrics)
            render(shown, temporary, redact=self.redact)
