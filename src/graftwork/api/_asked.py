"""What a caller of `compare` asks for: who takes part, by which names, on which terms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from graftwork.api._contestants import (
    Entry,
    called,
    from_answers,
    from_column,
    from_file,
    from_run,
    unique_names,
)
from graftwork.data.table import Table
from graftwork.errors import Fault, ParameterError, nearest
from graftwork.metrics import METRICS
from graftwork.runs.progress import Progress

__all__ = ["Asked", "check_mapping", "check_metric", "check_numbers", "resolved"]


@dataclass(frozen=True)
class Asked:
    """Who shall take part.

    Attributes:
        target: column of labels, which is nobody's answer.
        runs, columns, files: as `compare` takes them.
        answers: by name, given directly.
        confidence: by contestant, the column that tells how sure it was.
        key: column that joins files to rows.
    """

    target: str
    runs: tuple[Any, ...]
    columns: tuple[str, ...]
    files: tuple[str, ...]
    answers: Mapping[str, Sequence[Any]]
    confidence: Mapping[str, str]
    key: str | None

    @property
    def named(self) -> list[str]:
        """What each contestant was called by the caller, in the order of `entries`."""
        return [*map(called, self.runs), *self.columns, *self.files, *self.answers]

    def check(self) -> None:
        """Refuse what can be nobody's answers.

        Raises:
            ParameterError: nobody takes part, the label column does, or names that are no text.
        """
        if not self.named:
            raise ParameterError(
                "nobody takes part: name runs (--run), columns of the file (--column) or other "
                "files (--file FILE:COLUMN)"
            )
        faults = [
            Fault(f"{name!r} is no name", field="answers")
            for name in self.answers
            if not isinstance(name, str) or not name.strip()
        ]
        if self.target in self.columns:
            faults.append(Fault("holds the labels; it is nobody's answer", field=self.target))
        if faults:
            raise ParameterError(faults=faults)

    def entries(self, table: Table, machine: Any, progress: Progress) -> list[Entry]:
        """Everyone's answers to all rows of the table, under unique names."""
        named = self.named
        sure = resolved("confidence", self.confidence, named)
        own = [each for each in map(called, self.runs) if each in sure]
        if own:
            faults = [Fault(f"{each!r} is a run, which tells it itself") for each in own]
            raise ParameterError("a confidence is a column of a file", faults)
        found = [from_run(run, table, machine, progress) for run in self.runs]
        found += [from_column(c, table, sure.get(c)) for c in self.columns]
        found += [from_file(file, table, self.key, sure.get(file), progress) for file in self.files]
        found += [
            from_answers(name, given, table, sure.get(name)) for name, given in self.answers.items()
        ]
        names = unique_names(found, named)
        return [replace(entry, name=name) for entry, name in zip(found, names, strict=True)]


def resolved(what: str, given: Mapping[str, Any], named: Sequence[str]) -> dict[str, Any]:
    """What was said of contestants, by what each was called when it was named to take part.

    A contestant may be spoken of as it was named, or by the short of it where that is its alone.

    Raises:
        ParameterError: names that are nobody's, each with the nearest, or several's.
    """
    faults, found = [], {}
    for name, value in given.items():
        mine = [each for each in named if each == name]
        mine = mine or [each for each in named if name in _short(each)]
        if len(set(mine)) == 1:
            found[mine[0]] = value
        elif mine:
            faults.append(Fault(f"{name!r} may be {' or '.join(map(repr, mine))}", field=what))
        else:
            close = nearest(str(name), {short for each in named for short in _short(each)})
            hint = f"did you mean {close!r}?" if close else f"there are: {', '.join(named)}"
            faults.append(Fault(f"{name!r} takes no part", field=what, hint=hint))
    if faults:
        raise ParameterError(faults=faults)
    return found


def _short(name: str) -> set[str]:
    """What a contestant may be called by besides what it was given as."""
    path = name.rpartition(":")[0] or name
    return {name, Path(name).name, Path(path).stem}


def check_metric(metric: str) -> None:
    """Answers are labels: a metric of probabilities cannot rank them.

    Raises:
        UnknownNameError: there is no such metric.
        ParameterError: it needs probabilities.
    """
    if METRICS.get(metric).declaration.facts["needs"] == "probabilities":
        known = METRICS.all().values()
        allowed = [m.declaration.name for m in known if m.declaration.facts["needs"] == "labels"]
        message = f"{metric!r} needs probabilities; allowed are: {', '.join(allowed)}"
        raise ParameterError(faults=[Fault(message, field="metric")])


def check_numbers(
    cost: Mapping[str, Any], hourly: Any, margin: Any, rates: Iterable[Any], seed: Any
) -> None:
    """The numbers of a comparison, all faults at once.

    Raises:
        ParameterError: those that are no numbers, or outside of what is allowed.
    """
    faults = [
        Fault(f"{name}: found {value!r}, allowed are finite numbers from 0 on", field="cost")
        for name, value in cost.items()
        if not _within(value, math.inf)
    ]
    limits = [("hourly", hourly, math.inf, "on"), ("margin", margin, 0.5, "to 0.5")]
    for field, value, most, to in limits:
        if not _within(value, most):
            faults.append(Fault(f"found {value!r}, allowed: a number from 0 {to}", field=field))
    faults += [
        Fault(f"found {rate!r}, allowed: numbers from 0 to 1", field="error_rates")
        for rate in rates
        if not _within(rate, 1.0)
    ]
    if not isinstance(seed, int) or seed < 0:
        faults.append(Fault(f"found {seed!r}, allowed: a whole number from 0 on", field="seed"))
    if faults:
        raise ParameterError(faults=faults)


def _within(value: Any, most: float) -> bool:
    """Whether it is a finite number from 0 to `most`."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return not isinstance(value, str) and math.isfinite(number) and 0.0 <= number <= most


def check_mapping(mapping: Mapping[str, str], labels: Sequence[str]) -> None:
    """Answers that are no labels are read as labels; nothing else can be asked for.

    Raises:
        ParameterError: what it maps to is no label, or what it maps is one.
    """
    faults = []
    for answer, label in mapping.items():
        if label not in labels:
            close = nearest(label, labels)
            hint = f"did you mean {close!r}?" if close else None
            faults.append(Fault(f"{label!r} is no label", field="map", hint=hint))
        if answer in labels and answer != label:
            message = f"{answer!r} is a label itself; it is read as no other"
            faults.append(Fault(message, field="map"))
    if faults:
        raise ParameterError(faults=faults)
