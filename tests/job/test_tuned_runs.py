"""A run that trains a network: cut anywhere, it ends in the same weights."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from tuned_jobs import KINDS, NAMES, PARAMETERS, Finished, Job, check_kills, hashes

from graftwork.storage.json_files import read_json
from graftwork.strategies import STRATEGIES

DEPTHS = {"all": (), "top": ("--top", "1")}


def _learnt(model: Path, base: Path) -> bool:
    """Whether the base's own weights moved, not the head alone."""
    kept = load_file(model / "backbones" / "base" / "model.safetensors")
    begun = load_file(base / "model.safetensors")
    return any(not np.array_equal(kept[name], begun[name]) for name in begun if name in kept)


def test_every_strategy_is_killed() -> None:
    assert {*PARAMETERS} == {*STRATEGIES.names(), "auto"}


@pytest.mark.parametrize("words", DEPTHS.values(), ids=DEPTHS)
def test_it_tunes_and_leaves_no_checkpoint(finished: Finished, tiny: Path, words: Any) -> None:
    first, _ = finished("finetune", *words)
    record = read_json(first.out / "record.json")
    rung = record["ladder"]["rungs"][-1]
    assert rung["name"] == "finetune"
    assert rung["chosen"]
    assert rung["forecast"]["epoch"] > 0
    assert len(rung["facts"]["curves"][0]["losses"]) >= 1
    assert any(name.endswith("refit") for name in record["training"])  # factor 0 was not chosen
    assert _learnt(first.out / "model", tiny)
    assert not (first.out / "training").exists()


@pytest.mark.parametrize(
    ("depth", "number"),
    [
        ("all", signal.SIGINT),
        ("top", signal.SIGTERM),
        pytest.param("all", signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param("top", signal.SIGINT, marks=pytest.mark.slow),
    ],
)
def test_a_stopped_training_ends_in_the_same_weights(
    finished: Finished, forker: Any, tiny: Path, tmp_path: Path, depth: str, number: int
) -> None:
    words = DEPTHS[depth]
    first, seconds = finished("finetune", *words)
    for share in (0.6, 0.4, 0.2):  # earlier where it was over before the signal came
        (folder := tmp_path / str(share)).mkdir()
        job = Job(forker, tiny, folder, *words)
        told = job(after=seconds * share, signal=int(number))
        if told.code != 0:
            break
    assert told.code == 128 + number, told.err
    told = job()
    assert told.code == 0, told.err
    assert job.outcome() == first.outcome()


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_runs_killed_five_times_end_in_the_same_weights(
    finished: Finished, tmp_path: Path, kind: tuple[str, Any]
) -> None:
    check_kills(finished, tmp_path, kind, 5)


def test_hard_is_another_name_of_finetune(
    graftwork: Callable[..., Any], tiny: Path, inbox: Path, tmp_path: Path
) -> None:
    """The same plan and the same weights; a run of one name is a run of the other."""
    words = ["fit", inbox, "--target", "label", "--input", "text", "--base", tiny, "--folds", 2]
    words += ["--set", "epochs=2", "--set", "rate=0.003"]
    kept = {}
    for name in ("hard", "finetune"):
        told = graftwork(*words, "--strategy", name, "--out", tmp_path / name)
        assert told.code == 0, told.err
        kept[name] = hashes(tmp_path / name / "model")
        record = read_json(tmp_path / name / "record.json")
        assert record["ladder"]["rungs"][-1]["name"] == "finetune"
        assert record["training"]
        assert _learnt(tmp_path / name / "model", tiny)
    assert kept["hard"] == kept["finetune"]
    again = graftwork(*words, "--strategy", "finetune", "--out", tmp_path / "hard")
    assert again.code == 0, again.err
    assert "is finished" in again.err
