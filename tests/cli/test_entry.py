from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from graftwork import __version__
from graftwork.cli import main
from graftwork.cli.entry import _told
from graftwork.cli.verb import VERBS, verbs
from graftwork.errors import DataError, Fault

VERB_NAMES = [
    *(
        "fit",
        "predict",
        "evaluate",
        "compare",
        "select",
        "promote",
        "convert",
        "bundle",
        "audit",
        "embed",
        "info",
        "list",
        "cache",
    ),
    "demo",
]


def test_the_verbs_and_their_order():
    assert [verb.declaration.name for verb in verbs()] == VERB_NAMES


def test_train_is_fit():
    assert VERBS.get("train") is VERBS.get("fit")


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_verb(words, capsys):
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {name} " in shown for name in VERB_NAMES)


@pytest.mark.parametrize("name", VERB_NAMES)
@pytest.mark.parametrize("form", [("{}", "--help"), ("{}", "-h"), ("help", "{}")])
def test_every_verb_explains_itself(name, form, capsys):
    assert main([word.format(name) for word in form]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: graftwork {name}")
    assert "--json" in shown
    assert f"example: graftwork {name}" in shown


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"graftwork {__version__}\n"


def test_unknown_verb_names_the_nearest(capsys):
    assert main(["pedict"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "did you mean 'predict'?" in err


@pytest.mark.parametrize("words", [["--json", "fti"], ["fit", "--json", "--targt", "x"]])
def test_errors_under_json_are_json_on_stdout(words, capsys):
    assert main(words) == 2
    told = json.loads(capsys.readouterr().out)
    assert told["exit_code"] == 2
    assert told["faults"]
    assert "did you mean" in told["message"]


def test_words_that_look_like_markup_stay_as_they_are(capsys):
    assert main(["fit", "a", "[bold]b[/bold]\x1b[2J"]) == 2
    err = capsys.readouterr().err
    assert "[bold]b[/bold]" in err
    assert "\x1b" not in err


def test_an_error_of_the_family_keeps_faults_and_code(capsys):
    error = DataError(faults=[Fault("has 3 cells, not 2", file="a.csv", row=7)])
    assert _told(error, as_json=True) == 2
    out, err = capsys.readouterr()
    assert json.loads(out)["faults"] == [
        {"message": "has 3 cells, not 2", "file": "a.csv", "row": 7}
    ]
    assert err == "a.csv, row 7: has 3 cells, not 2\n"


def test_a_full_disk_is_no_fault_of_the_program(capsys):
    assert _told(OSError(28, "No space left on device", "out/x"), as_json=False) == 2
    err = capsys.readouterr().err
    assert "the disk is full" in err
    assert "out/x" in err


def test_a_fault_of_the_program_says_so_without_a_traceback(capsys, monkeypatch):
    monkeypatch.delenv("GRAFTWORK_DEBUG", raising=False)
    assert _told(KeyError("lost"), as_json=False) == 1
    err = capsys.readouterr().err
    assert "Unexpected KeyError: 'lost'" in err
    assert "fault of Graftwork" in err
    assert "Traceback" not in err


def test_debug_shows_where_it_happened(capsys, monkeypatch):
    monkeypatch.setenv("GRAFTWORK_DEBUG", "1")
    try:
        raise KeyError("lost")
    except KeyError as error:
        _told(error, as_json=False)
    assert "test_entry.py" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_error():
    read, write = os.pipe()
    os.close(read)
    process = subprocess.run(
        [sys.executable, "-m", "graftwork", "--help"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    assert process.returncode == 141
    assert process.stderr == ""


def test_a_terminal_without_unicode_gets_its_words():
    process = subprocess.run(
        [sys.executable, "-m", "graftwork", "fit", "a", "Ärger 😡"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert process.returncode == 2
    assert b"\\xc4rger" in process.stderr
