"""README and docs taken apart: fenced blocks with the marks that say how they are tested.

A block of `bash` or `python` stands under one of these comments:

- ``<!-- run -->``: it is executed; each line of bash is a `graftwork` command that ends well, or
  has the comment ``# exits with N``
- ``<!-- run: slow -->``: it is executed by `make test-slow`
- ``<!-- shown: why -->``: it is not executed

A `text` block under ``<!-- output -->`` holds lines that stood in what the block before printed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")]
)
_FENCE = re.compile(
    r"(?:<!-- (?P<mark>[^>]*?) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its mark, its lines, and the line that it begins in."""

    page: str
    line: int
    language: str
    mark: str
    code: str

    @property
    def runs(self) -> bool:
        return self.mark in ("run", "run: slow")


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(path: Path) -> list[Block]:
    text = text_of(path)
    return [
        Block(
            path.name,
            text.count("\n", 0, found.start("code")) + 1,
            found["language"],
            found["mark"] or "",
            found["code"],
        )
        for found in _FENCE.finditer(text)
    ]


def commands(code: str) -> list[tuple[str, int]]:
    """(command, exit code that is expected) of each line of bash."""
    found = []
    for line in code.replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith("#"):
            expected = re.search(r"# exits with (\d+)", line)
            found.append((line.split(" #")[0].strip(), int(expected[1]) if expected else 0))
    return found
