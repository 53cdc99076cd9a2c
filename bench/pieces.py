"""The finished pieces of a bench: one line of JSON each, in a file that is committed.

Hours of runs do not fit in one sitting, nor stay on one machine: what is finished anywhere counts
everywhere, under the sources and the processor that it says.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["Pieces", "write_whole"]


class Pieces:
    """Pieces by name in one file of lines, sorted; written whole or not at all.

    Args:
        path: of the file; it need not be there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, name: str) -> dict[str, Any] | None:
        """A piece: `sources`, `cpu`, `date` and what it `found`; None where it is not finished."""
        return self._all().get(name)

    def put(self, name: str, told: dict[str, Any]) -> None:
        """Keep a piece, in place of an earlier one of that name."""
        kept = self._all() | {name: told}  # read anew: another process may have written
        lines = [
            json.dumps({"piece": each, **kept[each]}, ensure_ascii=False) for each in sorted(kept)
        ]
        write_whole(self.path, "\n".join(lines) + "\n")

    def _all(self) -> dict[str, dict[str, Any]]:
        if not self.path.is_file():
            return {}
        told = [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]
        return {each.pop("piece"): each for each in told}


def write_whole(path: Path, text: str) -> None:
    """Write a file aside and put it in place, its folder made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.part")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)
