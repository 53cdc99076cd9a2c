from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graftwork.errors import (
    IntegrityError,
    Interrupted,
    ParameterError,
    PlanChangedError,
    RunError,
    RunLockedError,
    StorageError,
)
from graftwork.runs.directory import RunDirectory
from graftwork.runs.plan import Plan
from graftwork.runs.recipe import Machine, Recipe
from graftwork.runs.recipe_file import read_recipe
from graftwork.storage.json_files import read_json, read_jsonl

SHARED = """
import os, signal, sys
from graftwork.runs.directory import RunDirectory
from graftwork.runs.plan import Plan
from graftwork.runs.recipe import Machine, Recipe
def start(seed, **how):
    plan = Plan(Recipe(seed=seed), {"train": "a" * 64})
    return RunDirectory.open(sys.argv[1], plan, Machine(), **how)
"""


def start(out: Path, data: str = "a" * 64, **settings: Any) -> RunDirectory:
    how = {key: settings.pop(key) for key in ("resume", "overwrite") if key in settings}
    plan = Plan(Recipe(**settings), {"train": data}, {"train": "train.csv"})
    return RunDirectory.open(out, plan, Machine(threads=2), **how)


def python(code: str, *arguments: object, **how: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SHARED + code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **how)


def state(out: Path) -> str:
    return str(read_json(out / "status.json")["state"])


def test_a_run_from_new_over_resumed_to_finished(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "run"
    with start(out, seed=5) as run:
        assert run.status == "new"
        assert run.read_stage("features") is None
        tensors = {"x": np.arange(6, dtype=np.float32).reshape(2, 3)}
        run.write_stage("features", {"layers": [1, 2]}, tensors)
        run.record.count("base_passes", 3)
        assert state(out) == "running"
    assert state(out) == "interrupted"
    assert read_recipe(out / "recipe.yaml")["seed"] == 5
    assert read_json(out / "machine.json")["threads"] == 2

    with start(out, seed=5) as run:
        assert run.status == "resumed"
        assert run.read_stage("features") == {"layers": [1, 2]}
        np.testing.assert_array_equal(run.stage_tensors("features")["x"], tensors["x"])
        assert run.stage_tensors("other") == {}
        with run.commit("model") as folder:
            (folder / "a").write_text("1")
        assert run.has("model")
        assert run.has("model/a")
        assert not run.has("report")
        run.finish()
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}

    with start(out, seed=5) as run:
        assert run.status == "finished"
        assert run.record.to_json()["counts"] == {"base_passes": 3}
        assert len(run.record.to_json()["sessions"]) == 2
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before
    assert [one["event"] for one in read_jsonl(out / "log.jsonl")] == [
        "opened",
        "interrupted",
        "opened",
        "finished",
    ]


def test_a_changed_plan_is_refused_line_by_line_and_nothing_is_touched(tmp_path: Path) -> None:
    start(tmp_path / "x", seed=1, base="minilm").close()
    before = {path.name: path.read_bytes() for path in (tmp_path / "x").iterdir()}
    with pytest.raises(PlanChangedError) as caught:
        start(tmp_path / "x", "b" * 64, seed=2, base="minilm")
    assert [str(fault) for fault in caught.value.faults] == [
        "seed: 1 -> 2",
        "data: train.csv has changed (sha256 aaaaaaaaaaaa… -> bbbbbbbbbbbb…)",
    ]
    assert "--resume" in str(caught.value)
    assert {path.name: path.read_bytes() for path in (tmp_path / "x").iterdir()} == before


def test_resume_keeps_the_frozen_plan_but_never_mixes_data(tmp_path: Path) -> None:
    start(tmp_path / "x", seed=1).close()
    with start(tmp_path / "x", seed=2, resume=True) as run:
        assert run.status == "resumed"
        assert run.plan.recipe.seed == 1
        assert run.notes == ["not followed, the plan of the run counts: seed: 1 -> 2"]
    with pytest.raises(PlanChangedError, match=r"its data have changed.*\n.*train\.csv"):
        start(tmp_path / "x", "b" * 64, resume=True)
    with pytest.raises(RunError, match="holds no run to resume"):
        start(tmp_path / "y", resume=True)
    assert not (tmp_path / "y").exists()
    with pytest.raises(ParameterError, match="exclude each other"):
        start(tmp_path / "x", resume=True, overwrite=True)


def test_overwrite_replaces_everything_and_nothing_when_it_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "x"
    with start(out, seed=1) as run:
        run.write_stage("s", {})
        (out / "own notes.txt").write_text("mine")
        run.finish()
        with pytest.raises(RunLockedError):
            start(out, seed=2, overwrite=True)
    assert (out / "own notes.txt").exists()
    with start(out, seed=2, overwrite=True) as run:
        assert run.status == "new"
        assert run.plan.recipe.seed == 2
        assert not run.has("stages")
        assert len(run.record.to_json()["sessions"]) == 1
    assert not (out / "own notes.txt").exists()
    assert not (out / ".old-run").exists()


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_with_other_things_is_refused_untouched(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "recipe.yaml").write_text("seed: 3")
    with pytest.raises(RunError, match=r"holds other things and no run \(recipe\.yaml\)"):
        start(tmp_path, overwrite=overwrite)
    assert os.listdir(tmp_path) == ["recipe.yaml"]
    assert (tmp_path / "recipe.yaml").read_text() == "seed: 3"


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    with start(tmp_path / "x"):
        done = python("start(0)", tmp_path / "x")
        assert "RunLockedError" in done.stderr
        assert f"in use by process {os.getpid()}" in done.stderr
    assert python("start(0).finish()", tmp_path / "x").returncode == 0
    assert state(tmp_path / "x") == "finished"


def test_a_run_that_failed_before_it_did_anything_makes_way_for_another_plan(
    tmp_path: Path,
) -> None:
    out = tmp_path / "x"
    with pytest.raises(ValueError, match="oh"), start(out, seed=1):
        raise ValueError("oh")
    (out / "tracking").mkdir()  # --track had begun
    with pytest.raises(PlanChangedError), start(out, seed=2, resume=True, data="b" * 64):
        pass
    with start(out, seed=2) as run:
        assert run.status == "new"
        assert "replaces it" in run.notes[0]
        assert read_recipe(out / "recipe.yaml")["seed"] == 2
        run.write_stage("decision-probe", {"go": True})  # as good as nothing
        run.write_stage("rung-probe", {"of": 2})
        assert not (out / ".old-run").exists()
    with pytest.raises(PlanChangedError), start(out, seed=3):  # interrupted
        pass
    with pytest.raises(ValueError, match="oh"), start(out, seed=2):
        raise ValueError("oh")
    with pytest.raises(PlanChangedError), start(out, seed=3):  # failed, but a rung is done
        pass


def test_it_does_not_where_something_else_lies_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "x"
    with pytest.raises(ValueError, match="oh"), start(out, seed=1):
        raise ValueError("oh")
    (out / "cache").mkdir()
    (out / "cache" / "features").write_text("two hours of work", "utf-8")
    with pytest.raises(PlanChangedError, match="nothing was touched"), start(out, seed=2):
        pass
    assert (out / "cache" / "features").is_file()
    with start(out, seed=2, overwrite=True) as run:  # asked for
        assert run.status == "new"


@pytest.mark.parametrize(
    ("error", "word"),
    [(Interrupted("SIGTERM"), "interrupted"), (ValueError("oh"), "failed")],
)
def test_how_it_ended_is_noted_and_the_lock_is_free(
    tmp_path: Path, error: Exception, word: str
) -> None:
    run = start(tmp_path / "x")
    with pytest.raises(type(error)), run:
        raise error
    assert read_json(tmp_path / "x" / "status.json")["why"] == str(error)
    assert state(tmp_path / "x") == word
    run.close()
    with pytest.raises(RunError, match="is closed"):
        run.finish()
    start(tmp_path / "x").close()


KILLED = """
left = [int(sys.argv[2])]
def deadly(real):
    def call(*args, **kwargs):
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        return real(*args, **kwargs)
    return call
for name in ("rename", "replace", "mkdir", "rmdir", "unlink"):
    setattr(os, name, deadly(getattr(os, name)))
run = start(2, overwrite=True)
"""


@pytest.mark.parametrize("stride", [6, pytest.param(1, marks=pytest.mark.slow)])
def test_sigkill_at_the_steps_of_an_overwrite_leaves_the_old_or_the_new_run(
    tmp_path: Path, stride: int
) -> None:
    outcomes, step = [], 0
    while True:
        out = tmp_path / str(step)
        with start(out, seed=1) as run:
            run.write_stage("s", {"of": 1})
        done = python(KILLED, out, step)
        with start(out, seed=1, resume=True) as run:
            seed, stage = run.plan.recipe.seed, run.read_stage("s")
            assert read_recipe(out / "recipe.yaml")["seed"] == seed
        assert (seed, stage) in ((1, {"of": 1}), (2, None))
        assert not (out / ".old-run").exists()
        outcomes.append(seed)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        step += stride
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {1, 2}
    assert len(outcomes) * stride > 20


def test_a_changed_byte_in_a_stage_is_refused(tmp_path: Path) -> None:
    with start(tmp_path / "x") as run:
        run.write_stage("s", {"a": 1}, {"x": np.zeros(3)})
        path = run.path("stages/s/payload.json")
        path.write_text(path.read_text().replace("1", "2"))
        with pytest.raises(IntegrityError, match=r"payload\.json: has changed"):
            run.read_stage("s")


@pytest.mark.parametrize("name", ["", "../x", "/x", "a/../b", ".lock", "a//b", "a/.hidden", "ü"])
def test_names_stay_inside(tmp_path: Path, name: str) -> None:
    with start(tmp_path / "x") as run, pytest.raises(ValueError, match="no name inside"):
        run.path(name)


def test_an_output_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="it is a file"):
        start(tmp_path / "file")
    with pytest.raises(StorageError, match=r"cannot create the run directory .*: a part of"):
        start(tmp_path / "file" / "x")
    if os.geteuid() != 0:
        (tmp_path / "shut").mkdir(mode=0o500)
        with pytest.raises(StorageError, match="permission denied"):
            start(tmp_path / "shut" / "x")


def test_a_file_size_limit_in_a_stage_is_told_and_the_run_goes_on_later(tmp_path: Path) -> None:
    code = """
import numpy as np
from graftwork.errors import StorageError
try:
    with start(0) as run:
        run.write_stage("good", {})
        run.write_stage("big", {}, {"x": np.zeros(100_000)})
except StorageError as error:
    print(error)
"""
    limit = (100_000, 100_000)
    done = python(
        code,
        tmp_path / "x",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )
    assert "the file would be larger than this process may write" in done.stdout, done.stderr
    assert state(tmp_path / "x") == "failed"
    with start(tmp_path / "x") as run:
        assert run.status == "resumed"
        assert run.read_stage("good") == {}
        assert run.read_stage("big") is None


def test_a_damaged_plan_is_named(tmp_path: Path) -> None:
    start(tmp_path / "x").close()
    (tmp_path / "x" / "plan.json").write_text(json.dumps({"recipe": {}}))
    with pytest.raises(IntegrityError, match=r"plan\.json: plan format None"):
        start(tmp_path / "x")
    with start(tmp_path / "x", overwrite=True) as run:
        assert run.status == "new"
