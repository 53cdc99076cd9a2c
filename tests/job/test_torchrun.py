"""The same command in two processes gives the model of one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from job_files import SOURCE, make_rows, read_csv, write_csv
from safetensors.numpy import load_file

from graftwork.model.model import Model
from graftwork.storage.json_files import read_json

RECIPE = """
target: label
input: [text]
strategy: finetune
folds: 3
parameters: {epochs: 3, rate: 0.003, batch_rows: 8}
"""
TWO = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def fit(root: Path, tiny: Path, name: str, launcher: list[str], *more: str) -> Any:
    words = [sys.executable, *launcher, "-m", "graftwork", "fit", str(root / "rows.csv")]
    words += ["--recipe", str(root / "recipe.yaml"), "--base", str(tiny)]
    words += ["--out", str(root / name), "--cache", str(root / f"cache-{name}"), *more]
    env = {**os.environ, "PYTHONPATH": str(SOURCE), "GRAFTWORK_STATE": str(root / "state")}
    env["OMP_NUM_THREADS"] = "1"
    return subprocess.run(words, capture_output=True, text=True, env=env, timeout=300, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("depth", [[], ["--top", "1"]], ids=["all", "top"])
def test_two_processes_give_the_model_of_one(tiny: Path, tmp_path: Path, depth: list[str]) -> None:
    write_csv(tmp_path / "rows.csv", make_rows(240))
    (tmp_path / "recipe.yaml").write_text(RECIPE, "utf-8")
    alone = fit(tmp_path, tiny, "one", [], *depth)
    assert alone.returncode == 0, alone.stderr
    together = fit(tmp_path, tiny, "two", TWO, *depth)
    assert together.returncode == 0, together.stderr
    assert alone.stdout.splitlines()[0] == together.stdout.splitlines()[0]
    assert together.stdout.count("Model:") == 1  # the second process says nothing
    record = read_json(tmp_path / "two" / "record.json")
    assert record["ladder"]["rungs"][-1]["facts"]["curves"][0]["steps"] > 0
    kept, begun = (
        load_file(folder / "model.safetensors")
        for folder in (tmp_path / "two" / "model" / "backbones" / "base", tiny)
    )
    assert any(not np.array_equal(kept[name], begun[name]) for name in kept)  # layers learnt too
    rows = [row["text"] for row in read_csv(tmp_path / "rows.csv")[:40]]
    one, two = (Model.load(tmp_path / name / "model").predict(rows) for name in ("one", "two"))
    np.testing.assert_allclose(one.probabilities, two.probabilities, atol=1e-4)


@pytest.mark.slow
def test_a_fault_ends_both_processes(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text,label\n", "utf-8")
    (tmp_path / "recipe.yaml").write_text(RECIPE, "utf-8")
    told = fit(tmp_path, tiny, "none", TWO)
    assert told.returncode != 0
    assert "rows.csv" in told.stderr
