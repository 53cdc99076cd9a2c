"""Every marked example of README and docs is run, page by page, as a reader would."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from pages import PAGES, Block, blocks, commands


def _run_bash(block: Block) -> None:
    from graftwork.cli import main

    for command, expected in commands(block.code):
        program, *words = shlex.split(command)
        assert program == "graftwork", f"{block.page}: {command!r} is no graftwork command"
        code = main(words)
        assert code == expected, f"{block.page}, line {block.line}: {command!r} ended with {code}"


def _run_python(block: Block, names: dict[str, Any]) -> None:
    # Compiled under the page's name, its lines counted from the page's top.
    code = compile("\n" * (block.line - 1) + block.code, block.page, "exec")
    exec(code, names)


def _play(page: Path, marks: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"__name__": "__docs__"}
    said: str | None = None  # what the block before printed; None where it was not run
    for block in blocks(page):
        if block.mark == "output":
            if said is None:
                continue
            # Lines may be broken by the terminal's width: white space does not count.
            flat = " ".join(said.split())
            for line in block.code.splitlines():
                assert " ".join(line.split()) in flat, f"{page.name}: {line!r} not in:\n{said}"
        elif block.mark in marks:
            capsys.readouterr()
            if block.language == "bash":
                _run_bash(block)
            else:
                _run_python(block, names)
            captured = capsys.readouterr()
            said = captured.out + captured.err
        else:
            said = None


def _with(mark: str) -> list[Path]:
    return [page for page in PAGES if any(block.mark == mark for block in blocks(page))]


@pytest.mark.parametrize("page", _with("run"), ids=lambda page: page.stem)
def test_the_examples_run(page: Path, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _play(page, ("run",), capsys)


@pytest.mark.slow
@pytest.mark.parametrize("page", _with("run: slow"), ids=lambda page: page.stem)
def test_the_slow_examples_run(
    page: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _play(page, ("run: slow",), capsys)


def test_the_directories_are_as_drawn(workplace: Path) -> None:
    """`docs/runs.md` and `docs/model-directory.md` draw a run and a model: name for name."""
    from graftwork.cli import main

    from_page = {page.name: page for page in PAGES}
    code = main(["fit", "reviews.csv", "--target", "label", "--out", "runs/reviews", "--quiet"])
    assert code == 0
    for name, root in (("runs.md", "runs/reviews"), ("model-directory.md", "runs/reviews/model")):
        drawn = next(b for b in blocks(from_page[name]) if b.language == "text" and not b.mark)
        shown = {word.rstrip("/") for word in re.findall(r"^  (\S+)", drawn.code, re.M)}
        there = {path.name for path in (workplace / root).iterdir() if path.name[0] != "."}
        assert shown == there, name
