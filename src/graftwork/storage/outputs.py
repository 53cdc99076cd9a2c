"""May this place be written? Asked before anything is computed, so that nothing is lost."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from graftwork.errors import Fault, ParameterError, RunError, StorageError

__all__ = ["refuse_foreign", "refuse_input"]


def refuse_foreign(
    folder: Path | str, *, needed: Collection[str], allowed: Collection[str] = (), what: str
) -> None:
    """Refuse a folder whose replacement would delete what somebody else put there.

    Args:
        folder: the folder that will be replaced whole.
        needed: names that an earlier result of the same kind has at its top.
        allowed: further names that it may have there.
        what: that kind, for the message.

    Raises:
        RunError: it holds a run, or other things than such a result.
        StorageError: it is a file, or cannot be listed.
    """
    place = Path(os.path.realpath(folder))
    if not place.exists():
        return
    if not place.is_dir():
        raise StorageError(f"cannot create the folder {folder}: a file of that name exists")
    try:
        held = set(os.listdir(place))
    except OSError as error:
        raise StorageError(f"cannot list {folder}: {error.strerror}") from error
    if not held:
        return
    if "plan.json" in held:
        raise RunError(f"{folder} is a run directory; nothing was touched: choose another folder")
    foreign = sorted(held - set(needed) - set(allowed))
    if foreign or not set(needed) <= held:
        names = foreign or sorted(held)
        shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
        raise RunError(
            f"{folder} holds other things than {what} ({shown}); nothing was touched: "
            "choose a folder that is new or empty"
        )


def refuse_input(out: Path | str | None, inputs: Iterable[Any]) -> None:
    """Refuse to write over a file that is read.

    Args:
        out: the file to write; None: nothing is written.
        inputs: what is read; only paths can be in the way.

    Raises:
        ParameterError: `out` is one of them, however it is spelt or linked.
    """
    if out is None:
        return
    target = os.path.realpath(out)
    for given in inputs:
        if isinstance(given, (str, os.PathLike)) and _same(target, os.path.realpath(given)):
            message = f"{out} is the input itself; nothing was touched: choose another file"
            raise ParameterError(faults=[Fault(message, field="out")])


def _same(one: str, other: str) -> bool:
    both = os.path.exists(one) and os.path.exists(other)
    return one == other or (both and os.path.samefile(one, other))
