"""Where a verb's results and remarks go: stdout for results, stderr for everything else."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from graftwork.cli.progress import make_progress
from graftwork.cli.text import plain, printable

if TYPE_CHECKING:
    from graftwork.errors import GraftworkError

__all__ = ["Session", "show_error"]


class Session:
    """One execution of a verb.

    Args:
        as_json: results go to stdout as one JSON document, and nothing else does.
        quiet: neither progress nor remarks.
    """

    def __init__(self, as_json: bool, quiet: bool) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.progress = make_progress(quiet)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """While it is open, what libraries print goes to stderr; at its end the bars are gone."""
        try:
            with contextlib.redirect_stdout(sys.stderr):
                yield
        finally:
            self.progress.close()

    def result(self, payload: Any, *parts: Any) -> None:
        """Show a result.

        Args:
            payload: for machines, under ``--json``.
            parts: for people: texts, and tables of rich.
        """
        if self.as_json:
            print(json.dumps(plain(payload), ensure_ascii=False, indent=2, allow_nan=False))
            return
        for part in parts:
            if isinstance(part, str):
                print(printable(part))
            else:
                _console().print(part)


def _console() -> Any:
    """A console that takes no word of the user's for markup."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 120
    return Console(
        file=sys.stdout, markup=False, highlight=False, emoji=False, width=width, soft_wrap=False
    )


def show_error(message: str, error: GraftworkError | None, code: int, as_json: bool) -> None:
    """Tell people on stderr what went wrong, and machines on stdout where they asked for JSON.

    Args:
        message: what people read.
        error: what was raised, or None for a fault of the program's own.
        code: the exit code.
        as_json: whether ``--json`` was given.
    """
    if as_json:
        found = error.to_json() if error else {"error": "Unexpected", "faults": []}
        found = {**found, "message": message, "exit_code": code}
        print(json.dumps(plain(found), ensure_ascii=False, indent=2, allow_nan=False))
        sys.stdout.flush()
    text = printable(message)
    if not sys.stderr.isatty():
        print(text, file=sys.stderr)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    head, line, rest = text.partition("\n")
    style = "bold" if code in (130, 143) else "bold red"
    console.print(Text.assemble((head, style), line, rest), soft_wrap=True)
