"""A finished run, as Python users hold it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from graftwork.errors import RunError
from graftwork.storage.json_files import read_json

__all__ = ["Run"]


@dataclass
class Run:
    """One execution and what came of it.

    Attributes:
        path: the run directory.
        record: what happened (`record.json`).
        report: the evidence (`report/metrics.json`).
        open_model: opens the model of a run directory; passed in, for this floor knows no model.
    """

    path: Path
    record: dict[str, Any]
    report: dict[str, Any]
    open_model: Callable[[Path], Any] = field(repr=False)

    @classmethod
    def load(cls, path: Path | str, open_model: Callable[[Path], Any]) -> Run:
        """The run in a directory.

        Args:
            path: the run directory.
            open_model: called with ``<path>/model`` when `.model` is first asked for.

        Raises:
            RunError: there is no finished run.
            StorageError: a file is damaged or cannot be read.
        """
        place = Path(path)
        needed = [place / "record.json", place / "report" / "metrics.json"]
        missing = [str(file.relative_to(place)) for file in needed if not file.is_file()]
        if missing:
            raise RunError(f"{place} holds no finished run: {' and '.join(missing)} missing")
        record, report = (read_json(file) for file in needed)
        return cls(place, record, report, open_model)

    @cached_property
    def model(self) -> Any:
        """The model, loaded on first use."""
        return self.open_model(self.path / "model")

    @property
    def verdict(self) -> str:
        """The verdict in plain words; empty where there was nothing to judge on."""
        return str(self.report.get("verdict", {}).get("sentence", ""))

    def _scores(self) -> list[tuple[str, str]]:
        return [
            (name, f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]")
            for name, score in self.report.get("test", {}).items()
            if isinstance(score, dict) and None not in (score.get(k) for k in _SCORE)
        ]

    def __repr__(self) -> str:
        chosen = self.report.get("chosen")
        name = chosen if isinstance(chosen, str) else None
        parts = [str(self.path), name, *(f"{metric} {text}" for metric, text in self._scores()[:1])]
        outcome = self.report.get("verdict", {}).get("outcome")
        parts.append(f"verdict: {outcome}" if outcome else None)
        return f"Run({', '.join(part for part in parts if part)})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(metric)}</td><td>{escape(text)}</td></tr>"
            for metric, text in self._scores()
        )
        table = f"<table>{rows}</table>" if rows else ""
        return f"<p><b>{escape(str(self.path))}</b><br>{escape(self.verdict)}</p>{table}"


_SCORE = ("value", "low", "high")
