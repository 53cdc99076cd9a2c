from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from graftwork.errors import StorageError
from graftwork.evaluation.openings import LEDGER, opened


def test_other_runs_are_counted_and_a_replay_is_not(tmp_path):
    folder = tmp_path / "ledger"
    assert opened(folder, "part", "run 1") == 0
    assert opened(folder, "part", "run 2") == 1
    assert opened(folder, "part", "run 1") == 0
    assert opened(folder, "part", "run 2") == 1
    assert opened(folder, "another part", "run 3") == 0
    assert opened(folder, "part", "run 3") == 2
    assert len((folder / LEDGER).read_text().splitlines()) == 4


def test_only_its_owner_can_read_it(tmp_path):
    opened(tmp_path / "ledger", "part", "run")
    assert (tmp_path / "ledger" / LEDGER).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "ledger").stat().st_mode & 0o777 == 0o700


def test_a_torn_line_loses_only_itself(tmp_path):
    opened(tmp_path, "part", "run 1")
    with (tmp_path / LEDGER).open("a") as ledger:
        ledger.write('{"test": "part", "ru')
    assert opened(tmp_path, "part", "run 2") == 1
    assert opened(tmp_path, "part", "run 3") == 2


def test_parallel_writers_each_get_their_own_place(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        places = list(pool.map(lambda i: opened(tmp_path, "part", f"run {i}"), range(24)))
    assert sorted(places) == list(range(24))
    lines = (tmp_path / LEDGER).read_text().splitlines()
    assert len({json.loads(line)["run"] for line in lines}) == 24


def test_parallel_processes(tmp_path):
    code = (
        "import sys, pathlib; from graftwork.evaluation.openings import opened\n"
        "for i in range(10): opened(pathlib.Path(sys.argv[1]), 'part', sys.argv[2] + str(i))"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name]) for name in "abc"
    ]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    assert opened(tmp_path, "part", "last") == 30


def test_a_ledger_that_cannot_be_kept_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="ledger"):
        opened(tmp_path / "file", "part", "run")
