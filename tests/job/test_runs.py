"""A run directory: finished, changed, locked, interrupted, killed; and the same again."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest
from job_files import heads_of, make_rows, read_csv, stored_keys, write_csv
from kills import Stopping, kill_runs

from graftwork.api import fit
from graftwork.errors import Interrupted
from graftwork.storage.json_files import read_json

ROWS = 600  # more than one segment of the feature store


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("data") / "many.csv", make_rows(ROWS))


class Job:
    """One fit with a cache and a ledger of its own."""

    def __init__(self, forker, tiny: Path, data: Path, root: Path) -> None:
        self.forker, self.root = forker, root
        self.out, self.cache = root / "run", root / "cache"
        self.words = ["fit", data, "--target", "label", "--input", "text", "--base", tiny]
        self.words += [
            "--strategy",
            "hybrid",
            "--folds",
            3,
            "--out",
            self.out,
            "--cache",
            self.cache,
        ]
        self.env = {"GRAFTWORK_STATE": str(root / "state")}

    def __call__(self, *more, **asked):
        return self.forker(*self.words, *more, env=self.env, **asked)

    def outcome(self) -> tuple[dict[str, bytes], list[dict[str, str]], dict]:
        """Model bytes, test predictions, and the evidence apart from what time and chance add."""
        metrics = read_json(self.out / "report" / "metrics.json")
        kept = {key: metrics[key] for key in ("test", "verdict", "per_class", "confusion")}
        kept["controls"] = metrics["controls"]
        return heads_of(self.out), read_csv(self.out / "report" / "predictions.csv"), kept


@pytest.fixture
def job(forker, tiny, data, tmp_path):
    return Job(forker, tiny, data, tmp_path)


@pytest.fixture(scope="module")
def undisturbed(forker, tiny, data, tmp_path_factory):
    """A finished job, and the seconds that it took."""
    job = Job(forker, tiny, data, tmp_path_factory.mktemp("undisturbed"))
    told = job()
    assert told.code == 0, told.err
    return job, told.seconds


def test_two_fits_with_one_seed_are_equal_to_the_byte(undisturbed, job):
    assert job().code == 0
    assert job.outcome() == undisturbed[0].outcome()


def test_a_second_fit_on_the_same_data_passes_nothing_through_the_base(undisturbed, forker):
    first = undisturbed[0]
    record = read_json(first.out / "record.json")
    stored = stored_keys(first.cache)
    assert record["counts"]["base_passes"] == len(stored) == 2 * ROWS  # pre-trained and random
    again = [*first.words[:-4], "--out", first.root / "again", "--cache", first.cache]
    assert forker(*again, env=first.env).code == 0
    record = read_json(first.root / "again" / "record.json")
    assert record["counts"]["base_passes"] == record["counts"]["rows_encoded"] == 0
    assert heads_of(first.root / "again") == heads_of(first.out)


def test_the_same_command_shows_a_finished_run(undisturbed):
    job, seconds = undisturbed
    before = {path: path.stat().st_mtime_ns for path in job.out.rglob("*") if path.is_file()}
    told = job()
    assert told.code == 0
    assert "this run is finished" in told.err
    sentence = read_json(job.out / "report" / "metrics.json")["verdict"]["sentence"]
    assert told.out.startswith(sentence)
    assert told.seconds < max(1.0, seconds)
    after = {path: path.stat().st_mtime_ns for path in job.out.rglob("*") if path.is_file()}
    changed = {path.name for path in after if after[path] != before.get(path)}
    assert changed <= {".lock", ".lock.json"}


def test_a_changed_plan_is_refused_line_by_line(undisturbed):
    job, _ = undisturbed
    before = heads_of(job.out)
    told = job("--seed", 5, "--metric", "macro_f1")
    assert told.code == 2
    assert "another plan" in told.err
    assert "--resume" in told.err
    assert "--overwrite" in told.err
    lines = [line for line in told.err.splitlines() if line.lstrip().startswith("- ")]
    assert len(lines) == 2
    assert any("seed" in line and "0" in line and "5" in line for line in lines)
    assert any("metric" in line and "accuracy" in line and "macro_f1" in line for line in lines)
    assert heads_of(job.out) == before


def test_a_changed_file_is_a_changed_plan(undisturbed, forker, tmp_path):
    job, _ = undisturbed
    data = write_csv(tmp_path / "many.csv", make_rows(ROWS - 1))
    told = forker("fit", data, *job.words[2:], env=job.env)
    assert told.code == 2
    assert "another plan" in told.err
    assert "data" in told.err
    assert forker("fit", data, *job.words[2:], "--resume", env=job.env).code == 2


def test_resume_shows_the_old_plan_and_overwrite_replaces_it(graftwork, tiny, inbox, tmp_path):
    words = ["fit", inbox, "--target", "label", "--base", tiny, "--strategy", "probe"]
    words += ["--folds", 2, "--out", tmp_path / "run"]
    assert graftwork(*words).code == 0
    first = heads_of(tmp_path / "run")
    told = graftwork(*words, "--seed", 4, "--resume")
    assert told.code == 0
    assert "seed" in told.err
    assert heads_of(tmp_path / "run") == first
    both = graftwork(*words, "--resume", "--overwrite")
    assert both.code == 2
    assert graftwork(*words, "--seed", 4, "--overwrite").code == 0
    assert read_json(tmp_path / "run" / "plan.json")["recipe"]["seed"] == 4
    assert heads_of(tmp_path / "run") != first


def test_a_folder_with_other_things_is_left_alone(graftwork, tiny, inbox, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work", "utf-8")
    words = ["fit", inbox, "--target", "label", "--base", tiny, "--out", tmp_path]
    for more in ([], ["--overwrite"]):
        told = graftwork(*words, *more)
        assert told.code == 2
        assert "thesis.txt" in told.err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_second_of_two_processes_is_refused(job, forker):
    pid, log = forker.start(*job.words, env=job.env)
    try:
        _until(lambda: (job.out / "plan.json").exists())
        told = job()
    finally:
        first = forker.reap(pid, log)
    assert told.code == 2
    assert f"is in use by process {pid}" in told.err
    assert first.code == 0
    assert heads_of(job.out)


@pytest.mark.parametrize(
    ("number", "code", "line"),
    [(signal.SIGINT, 130, "Rung: TF-IDF"), (signal.SIGTERM, 143, "Rung: frozen features (probe")],
)
def test_an_interrupted_run_goes_on_where_it_stopped(undisturbed, job, forker, number, code, line):
    pid, log = forker.start(*job.words, env=job.env)
    _until(lambda: line in forker.texts(log)[1])
    _send(pid, number)
    told = forker.reap(pid, log)
    assert told.code == code, told.err
    assert "Interrupted." in told.err
    assert "same command" in told.err
    assert "Traceback" not in told.err
    assert read_json(job.out / "status.json")["state"] == "interrupted"
    unfinished = forker("predict", job.out, job.words[1], "--out", job.root / "p.csv")
    assert unfinished.code == 2
    assert "did not finish" in unfinished.err
    done = len(stored_keys(job.cache))
    assert done >= ROWS
    assert job().code == 0
    record = read_json(job.out / "record.json")
    assert record["counts"]["rows_encoded"] == 2 * ROWS  # in both sessions together
    assert len(record["sessions"]) == 2
    assert job.outcome() == undisturbed[0].outcome()


@pytest.mark.parametrize("after", [1, 300])
def test_nothing_is_encoded_twice(tiny, data, tmp_path, after):
    settings = {"target": "label", "input": ["text"], "base": str(tiny), "strategy": "probe"}
    where = {"out": tmp_path / "run", "machine": {"cache": str(tmp_path / "cache")}}
    with pytest.raises(Interrupted):
        fit(data, settings=settings, progress=Stopping("encoding", after), **where)
    kept = stored_keys(tmp_path / "cache")
    assert after <= len(kept) < ROWS
    counts = read_json(tmp_path / "run" / "record.json")["counts"]
    assert counts["rows_encoded"] == len(kept)
    with pytest.raises(Interrupted):
        fit(data, settings=settings, progress=Stopping("choosing the head (lexical)", 1), **where)
    assert len(stored_keys(tmp_path / "cache")) == ROWS
    assert read_json(tmp_path / "run" / "record.json")["counts"]["rows_encoded"] == ROWS


def test_ctrl_c_under_json_is_json(job, forker):
    pid, log = forker.start(*job.words, "--json", env=job.env)
    _until(lambda: (job.out / "plan.json").exists())
    _send(pid, signal.SIGINT)
    told = forker.reap(pid, log)
    assert told.code == 130
    assert json.loads(told.out)["exit_code"] == 130


@pytest.mark.slow
def test_killed_runs_end_in_the_same_model(undisturbed, forker, tiny, data, tmp_path):
    """Here over several segments of the feature store; each strategy in test_tuned_runs.py."""
    first, seconds = undisturbed

    def start(number):
        (folder := tmp_path / str(number)).mkdir()
        return Job(forker, tiny, data, folder)

    def check(job):
        stored = stored_keys(job.cache)
        assert len(stored) == len(set(stored)) == 2 * ROWS
        assert job.outcome() == first.outcome()

    kill_runs(50, seconds, start, check)


def test_the_whole_job_with_sockets_blocked(forker, tiny, inbox, tmp_path):
    words = ["--target", "label", "--base", tiny, "--out", tmp_path / "run"]
    told = forker("fit", inbox, *words, offline=True)
    assert told.code == 0, told.err
    again = forker("predict", tmp_path / "run", inbox, "--out", tmp_path / "p.csv", offline=True)
    assert again.code == 0, again.err
    assert len(read_csv(tmp_path / "p.csv")) == 120
    assert "SOCKET USED" not in told.err + again.err


@pytest.mark.slow
def test_the_embedded_base_needs_no_network(forker, tmp_path):
    data = write_csv(tmp_path / "few.csv", make_rows(45))
    words = ["--target", "label", "--strategy", "probe", "--folds", 2, "--out", tmp_path / "run"]
    told = forker("fit", data, *words, "--json", offline=True)
    assert told.code == 0, told.err
    assert "SOCKET USED" not in told.err
    assert json.loads(told.out)["chosen"]["strategy"] == "probe"


def _send(pid: int, number: int) -> None:
    import os

    os.kill(pid, number)


def _until(true, timeout: float = 60) -> None:
    end = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)
