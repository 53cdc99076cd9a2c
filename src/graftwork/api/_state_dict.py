"""Which of the tensors in a file are a network's: the table, and the prefix of its names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graftwork.bases._convnet_config import default_config, fit_report, fitting_architectures
from graftwork.errors import BaseModelError, Fault, ParameterError
from graftwork.nn.images import IMAGE_NETWORKS
from graftwork.storage.foreign.pickled import ForeignTensors

__all__ = ["StateDict", "chosen"]

# Words that wrappers put before every name (DataParallel, Lightning, self-supervised training).
WRAPPERS = ("module", "model", "backbone", "encoder", "net", "network")
# Tables that checkpoints keep weights in, the likeliest first; others come after, as they stand.
TABLES = ((), ("state_dict",), ("model_state_dict",), ("model",), ("net",), ("network",))
DEEPEST = 3  # wrappers inside wrappers
SHOWN = 20  # tensors in a message
FEW = 5  # of those that keep weights from an architecture that nobody asked for
NEARLY = 0.2  # most tensors that may differ, as a share, of an architecture worth a word
_MOST_TABLES = 20


@dataclass(frozen=True)
class StateDict:
    """One table of a file, its names without a prefix.

    Attributes:
        table: the way to it through the file's dictionaries.
        prefix: what was cut off every name, with its dot; "" for nothing.
        tensors: by the rest of the name.
    """

    table: tuple[str, ...]
    prefix: str
    tensors: dict[str, np.ndarray]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of each tensor."""
        return {name: tuple(array.shape) for name, array in self.tensors.items()}

    def path(self, name: str) -> tuple[str, ...]:
        """Where a tensor stood in the file."""
        return (*self.table, self.prefix + name)

    @property
    def words(self) -> str:
        """Where it was found, for people."""
        place = ".".join(self.table)
        found = f"under {place!r}" if place else "at the top"
        return f"{found}, names without {self.prefix!r}" if self.prefix else found


def chosen(found: ForeignTensors, architecture: str | None, where: str) -> tuple[StateDict, str]:
    """The table that fits, and the architecture that it fits.

    Args:
        found: all that the file holds.
        architecture: the one asked for; None: whichever fits.
        where: the file, for messages.

    Raises:
        BaseModelError: nothing in it fits; what does not is named.
        ParameterError: no architecture was asked for, and none or several fit.
    """
    candidates = list(_candidates(found))
    if not candidates:
        raise BaseModelError(faults=[Fault("holds no tensors", file=where)])
    if architecture is not None:
        return _fitting(candidates, architecture, where), architecture
    for one in candidates:
        names = _names(one.shapes)
        if len(names) == 1:
            return one, names[0]
        if names:
            listed = ", ".join(map(repr, names))
            message = f"its tensors fit several: {listed}; which is theirs is for you to say"
            hint = _apart(names)
            raise ParameterError(
                faults=[Fault(message, file=where, field="architecture", hint=hint)]
            )
    listed = ", ".join([*IMAGE_NETWORKS.names(), "torchvision/<name>", "timm/<name>"])
    message = f"its tensors fit none of our own; name theirs with --architecture, of: {listed}"
    faults = [Fault(message, file=where, field="architecture"), *_nearly(candidates)]
    raise ParameterError(faults=faults)


def _apart(names: list[str]) -> str:
    """How architectures of the same tensors differ, and whose weights want which."""
    facts = {}
    for name in names:
        config = default_config(name)
        facts[name] = {**config["options"], **config["input"]}
    keys = list(dict.fromkeys(key for told in facts.values() for key in told))
    differ = [key for key in keys if len({str(told.get(key)) for told in facts.values()}) > 1]
    told = "; ".join(
        f"{name}: " + ", ".join(f"{key} {_short(facts[name].get(key))}" for key in differ)
        for name in names
    )
    return f"{told}; weights that torchvision offers want torchvision/<name>"


def _short(value: Any) -> str:
    several = isinstance(value, list | tuple)
    return ",".join(f"{each:g}" for each in value) if several else str(value)


def _nearly(candidates: list[StateDict]) -> list[Fault]:
    """What keeps the tensors from fitting the architecture of ours that they come nearest to.

    Nothing where not even most of that one's tensors are there.
    """
    reports = [
        (len(faults), own, faults)
        for one in candidates
        for own in IMAGE_NETWORKS.names()
        if len(faults := fit_report(own, one.shapes)) < NEARLY * len(one.tensors)
    ]
    if not reports:
        return []
    _, own, faults = min(reports, key=lambda report: report[0])
    shown = [Fault(words) for words in faults[:FEW]]
    more = len(faults) - len(shown)
    rest = [Fault(f"and {more:,} more")] if more > 0 else []
    return [Fault(f"they come nearest to {own!r}, but:"), *shown, *rest]


def _candidates(found: ForeignTensors) -> Iterator[StateDict]:
    """Every table with every prefix that its names may bear, the likeliest first."""
    tables: dict[tuple[str, ...], dict[str, np.ndarray]] = {}
    for path, array in found.tensors.items():
        tables.setdefault(path[:-1], {})[path[-1] if path else ""] = array

    def rank(table: tuple[str, ...]) -> tuple[int, int]:
        known = TABLES.index(table) if table in TABLES else len(TABLES)
        return known, -len(tables[table])

    for table in sorted(tables, key=rank)[:_MOST_TABLES]:
        for prefix in _prefixes(tables[table]):
            inner = {
                name[len(prefix) :]: array
                for name, array in tables[table].items()
                if name.startswith(prefix)
            }
            yield StateDict(table, prefix, inner)


def _prefixes(names: Mapping[str, object]) -> list[str]:
    """Nothing, and the wrappers' words that begin some names, alone and one after the other."""
    found, layer = [""], [""]
    for _ in range(DEEPEST):
        layer = [
            f"{before}{word}."
            for before in layer
            for word in WRAPPERS
            if any(name.startswith(f"{before}{word}.") for name in names)
        ]
        found += layer
    return found


def _names(shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    """Names of all that those tensors fit; what is padded or scaled otherwise is another."""
    return [name for own in fitting_architectures(shapes) for name in _spellings(own)]


def _spellings(own: str) -> list[str]:
    aliases = IMAGE_NETWORKS.all()[own].declaration.aliases
    plain = default_config(own)
    return [own, *(alias for alias in aliases if default_config(alias) != plain)]


def _fitting(candidates: list[StateDict], architecture: str, where: str) -> StateDict:
    reports = [(one, fit_report(architecture, one.shapes)) for one in candidates]
    for one, faults in reports:
        if not faults:
            return one
    # told of the largest table, by the prefix that comes nearest
    most = max(len(one.tensors) for one in candidates)
    table = next(one.table for one in candidates if len(one.tensors) == most)
    mine = [report for report in reports if report[0].table == table]
    nearest, faults = min(mine, key=lambda report: len(report[1]))
    shown = [Fault(words) for words in faults[:SHOWN]]
    if len(faults) > SHOWN:
        shown.append(Fault(f"and {len(faults) - SHOWN:,} more"))
    others = [name for one in candidates for name in _names(one.shapes)]
    if others:
        listed = " or ".join(dict.fromkeys(map(repr, others)))
        shown.append(Fault(f"they fit {listed}: name it with --architecture"))
    raise BaseModelError(
        f"the tensors of {where} ({nearest.words}) do not fit the architecture {architecture!r}",
        faults=shown,
    )
