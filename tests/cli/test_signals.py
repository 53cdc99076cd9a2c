"""Real signals to a real process: the CLI's own machinery around a verb that takes its time."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

SCRIPT = """
import sys, time
from graftwork.cli.entry import _run
from graftwork.cli.verb import Nothing
from graftwork.registry import declare

@declare("slow", title="Take long")
class Slow:
    words, options, required, recipe, machine = {}, Nothing, (), (), ()
    parameters, resumes = False, True

    def run(self, given, session):
        deaf = "deaf" in sys.argv
        with session.working(), session.progress.step("working") as step:
            print("ready", file=sys.stderr, flush=True)
            for _ in range(3000):
                time.sleep(0.01)
                deaf or step.advance()

as_json = "json" in sys.argv
sys.exit(_run(Slow, ["--json"] if as_json else [], as_json=as_json, quiet=True))
"""


def start(*words: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "ready\n"
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_ends_cleanly(number, code):
    process = start()
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert "Interrupted. The same command goes on where this stopped." in err
    assert "Traceback" not in err
    assert out == ""


def test_the_second_signal_ends_at_once():
    process = start("deaf")
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "Ctrl-C again stops at once" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=5)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_machines_are_told_in_json():
    process = start("json")
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    told = json.loads(out)
    assert (told["error"], told["exit_code"]) == ("Interrupted", 143)
