"""The entry point: finds the verb, runs it, and turns every ending into words and an exit code.

Exit codes: 0 done; 1 a fault of Graftwork's own; 2 something the user can mend; 130 Ctrl-C;
143 SIGTERM; 141 the reader of stdout went away.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from graftwork.cli.arguments import common, parse, wants_help
from graftwork.cli.parser import build_parser
from graftwork.cli.processes import run_together
from graftwork.cli.session import Session, show_error
from graftwork.cli.signals import watch_signals
from graftwork.cli.verb import VERBS, verbs
from graftwork.errors import GraftworkError, Interrupted

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: the process's own) and return the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows its number instead of failing.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    as_json, _ = common(words)
    try:
        try:
            code = _dispatch(words)
        except KeyboardInterrupt:
            code = 130
            show_error("Interrupted.", Interrupted("Interrupted."), code, as_json)
        except BrokenPipeError:
            raise
        except Exception as error:
            code = _told(error, as_json)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The interpreter flushes stdout once more when it ends; it must not fail there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _dispatch(words: list[str]) -> int:
    as_json, quiet = common(words)
    while words and words[0] in ("--json", "--quiet"):
        words = words[1:]
    if not words or words[0] in ("-h", "--help", "help"):
        names = [word for word in words[1:] if not word.startswith("-")]
        print(_verb_help(VERBS.get(names[0])) if names else _overview())
        return 0
    if words[0] in ("--version", "-V"):
        from graftwork import __version__

        print(f"graftwork {__version__}")
        return 0
    verb = VERBS.get(words[0])
    if wants_help(words[1:]):
        print(_verb_help(verb))
        return 0
    return _run(verb, words[1:], as_json, quiet)


def _run(verb: Any, words: list[str], as_json: bool, quiet: bool) -> int:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and verb.resumes:
        return run_together(partial(_run_alone, verb, words, as_json, quiet))
    return _run_alone(verb, words, as_json, quiet)


def _run_alone(verb: Any, words: list[str], as_json: bool, quiet: bool) -> int:
    given = parse(verb, words)
    session = Session(as_json, quiet)
    with watch_signals(session.progress) as watch:
        try:
            verb().run(given, session)
        except (Interrupted, KeyboardInterrupt) as error:
            session.progress.close()
            message = "Interrupted."
            if verb.resumes:
                message += " The same command goes on where this stopped."
            told = error if isinstance(error, Interrupted) else Interrupted(message)
            show_error(message, told, watch.exit_code, as_json)
            return watch.exit_code
        finally:
            session.progress.close()
    return 0


def _told(error: Exception, as_json: bool) -> int:
    """Say what `error` means to the user and return the exit code."""
    if os.environ.get("GRAFTWORK_DEBUG"):
        import traceback

        traceback.print_exc()
    known = _known(error)
    if known is not None:
        show_error(str(known), known, known.exit_code, as_json)
        return known.exit_code
    words = " ".join(str(error).split())[:300]
    message = (
        f"Unexpected {type(error).__name__}: {words}\n"
        "This is a fault of Graftwork, not of your data. "
        "With GRAFTWORK_DEBUG=1 the same command shows where it happened; please report that."
    )
    show_error(message, None, 1, as_json)
    return 1


def _known(error: Exception) -> GraftworkError | None:
    """`error` as one of the family; None where it is a fault of the program."""
    if isinstance(error, GraftworkError):
        return error
    if isinstance(error, MemoryError):
        return GraftworkError("this machine's memory does not suffice for that")
    if isinstance(error, OSError):
        from graftwork.storage.disk import disk_fault

        return disk_fault("use", error.filename or "the disk", error, known_only=True)
    return None


def _overview() -> str:
    lines = ["usage: graftwork VERB …", "", "Transfer learning on your own data, with proof.", ""]
    for verb in verbs():
        said = verb.declaration
        also = f" (also: {', '.join(said.aliases)})" if said.aliases else ""
        lines.append(f"  {said.name:<10} {said.title}{also}")
    return "\n".join(
        [
            *lines,
            "",
            "`graftwork VERB --help` lists a verb's flags; every verb takes --json and --quiet.",
            "Start with `graftwork demo`, or `graftwork fit reviews.csv --target label`.",
        ]
    )


def _verb_help(verb: Any) -> str:
    return build_parser(verb, with_words=True).format_help().rstrip()
