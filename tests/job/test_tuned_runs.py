"""A run that trains a network: cut anywhere, it ends in the same weights."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from job_files import make_rows, read_csv, write_csv
from safetensors.numpy import load_file

from graftwork.storage.hashing import sha256_file
from graftwork.storage.json_files import read_json
from graftwork.strategies import STRATEGIES

ROWS = 240
RECIPE = """
target: label
input: [text]
strategy: {strategy}
folds: 3
parameters: {parameters}
"""
TRAINING = "{epochs: 3, rate: 0.003, batch_rows: 8}"
OTHERS = {  # finetune has tests of its own, at both depths
    "probe": "{readouts: 2}",
    "hybrid": "{finalists: 2}",
    "contrast": "{steps: 6, rate: 0.003, batch_rows: 8}",
    "lora": TRAINING,
    "scratch": TRAINING,
    "auto": "{epochs: 2, rate: 0.003, readouts: 2}",
}
KILLS = 5


class Job:
    """One tuned fit with a cache and a ledger of its own; a checkpoint after every step."""

    def __init__(
        self, forker: Any, tiny: Path, root: Path, *more: str, strategy: str = "finetune"
    ) -> None:
        self.forker, self.root, self.out = forker, root, root / "run"
        # so many that labels are not few, and auto climbs to what trains with a head
        rows = 2 * ROWS if strategy == "auto" else ROWS
        data = write_csv(root / "rows.csv", make_rows(rows))
        recipe = root / "recipe.yaml"
        parameters = OTHERS.get(strategy, TRAINING)
        recipe.write_text(RECIPE.format(strategy=strategy, parameters=parameters), "utf-8")
        self.words = ["fit", data, "--recipe", recipe, "--base", tiny, "--out", self.out]
        self.words += ["--cache", root / "cache", "--checkpoint-seconds", 0, *more]
        self.env = {"GRAFTWORK_STATE": str(root / "state")}

    def __call__(self, *more: Any, **asked: Any) -> Any:
        return self.forker(*self.words, *more, env=self.env, **asked)

    def outcome(self) -> tuple[dict[str, str], list[dict[str, str]]]:
        """Hashes of all that the model computes with, and its test predictions."""
        return _hashes(self.out / "model"), read_csv(self.out / "report" / "predictions.csv")


def _hashes(model: Path) -> dict[str, str]:
    """Of all files of numbers, by path."""
    files = [path for path in model.rglob("*") if path.suffix == ".safetensors"]
    return {str(path.relative_to(model)): sha256_file(path) for path in files}


def _learnt(model: Path, base: Path) -> bool:
    """Whether the base's own weights moved, not the head alone."""
    kept = load_file(model / "backbones" / "base" / "model.safetensors")
    begun = load_file(base / "model.safetensors")
    return any(not np.array_equal(kept[name], begun[name]) for name in begun if name in kept)


@pytest.fixture(params=["all", "top"])
def depth(request: pytest.FixtureRequest) -> list[str]:
    return ["--top", "1"] if request.param == "top" else []


@pytest.fixture(scope="module")
def undisturbed(forker: Any, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """`undisturbed(words)`: a finished job of that depth, and the seconds that it took."""
    made: dict[tuple[str, ...], Any] = {}

    def get(depth: list[str]) -> Any:
        key = tuple(depth)
        if key not in made:
            job = Job(forker, tiny, tmp_path_factory.mktemp("undisturbed"), *depth)
            told = job()
            assert told.code == 0, told.err
            made[key] = job, told.seconds
        return made[key]

    return get


@pytest.fixture
def job(forker: Any, tiny: Path, tmp_path: Path, depth: list[str]) -> Job:
    return Job(forker, tiny, tmp_path, *depth)


def test_it_tunes_and_leaves_no_checkpoint(undisturbed: Any, tiny: Path, depth: list[str]) -> None:
    first, _ = undisturbed(depth)
    record = read_json(first.out / "record.json")
    rung = record["ladder"]["rungs"][-1]
    assert rung["name"] == "finetune"
    assert rung["chosen"]
    assert rung["forecast"]["epoch"] > 0
    assert len(rung["facts"]["curves"][0]["losses"]) >= 1
    assert any(name.endswith("refit") for name in record["training"])  # factor 0 was not chosen
    assert _learnt(first.out / "model", tiny)
    assert not (first.out / "training").exists()


def _cut(job: Job, points: list[float], number: int) -> None:
    for point in points:
        told = job(after=point, signal=number)
        if told.code == 0:
            return
    told = job()
    assert told.code == 0, told.err


@pytest.mark.parametrize("fifth", range(5))
def test_a_killed_training_ends_in_the_same_weights(
    undisturbed: Any, job: Job, depth: list[str], fifth: int
) -> None:
    first, seconds = undisturbed(depth)
    point = seconds * random.SystemRandom().uniform(fifth / 5, (fifth + 1) / 5)
    _cut(job, [point], int(signal.SIGKILL))
    assert job.outcome() == first.outcome(), f"killed after {point:.3f} s"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_training_ends_in_the_same_weights(
    undisturbed: Any, job: Job, depth: list[str], number: int
) -> None:
    first, seconds = undisturbed(depth)
    _cut(job, [seconds * 0.6], int(number))
    assert job.outcome() == first.outcome()


@pytest.mark.slow
@pytest.mark.parametrize("turn", range(25))
def test_trainings_killed_again_and_again(
    undisturbed: Any, job: Job, depth: list[str], turn: int
) -> None:
    first, seconds = undisturbed(depth)
    draw = random.SystemRandom()
    points = [seconds * draw.uniform(0.2, 1) for _ in range(draw.randint(1, 3))]
    _cut(job, points, int(signal.SIGKILL))
    assert job.outcome() == first.outcome(), f"killed after {points} s"


@pytest.fixture(scope="module")
def finished(forker: Any, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """`finished(strategy)`: a finished job of that strategy, and the seconds that it took."""
    made: dict[str, Any] = {}

    def get(strategy: str) -> Any:
        if strategy not in made:
            job = Job(forker, tiny, tmp_path_factory.mktemp(strategy), strategy=strategy)
            told = job()
            assert told.code == 0, told.err
            made[strategy] = job, told.seconds
        return made[strategy]

    return get


def test_every_strategy_is_killed() -> None:
    assert {*OTHERS, "finetune"} == {*STRATEGIES.names(), "auto"}


@pytest.mark.parametrize("strategy", OTHERS)
def test_a_run_killed_five_times_ends_in_the_same_weights(
    finished: Any, forker: Any, tiny: Path, tmp_path: Path, strategy: str
) -> None:
    first, seconds = finished(strategy)
    record = read_json(first.out / "record.json")
    if strategy != "auto":
        assert record["ladder"]["rungs"][-1]["name"] == strategy
    trained = [rung for rung in record["ladder"]["rungs"] if rung["facts"].get("curves")]
    assert bool(trained) is (strategy not in ("probe", "hybrid"))
    draw = random.SystemRandom()
    points = [seconds * draw.uniform(0.1, 0.5) for _ in range(KILLS)]
    job = Job(forker, tiny, tmp_path, strategy=strategy)
    _cut(job, points, int(signal.SIGKILL))
    assert job.outcome() == first.outcome(), f"killed after {points} of {seconds:.3f} s"
    assert not (job.out / "training").exists()


@pytest.mark.slow
@pytest.mark.parametrize("turn", range(10))
@pytest.mark.parametrize("strategy", OTHERS)
def test_runs_killed_fifty_times_end_in_the_same_weights(
    finished: Any, forker: Any, tiny: Path, tmp_path: Path, strategy: str, turn: int
) -> None:
    """Five kills in each of ten runs."""
    test_a_run_killed_five_times_ends_in_the_same_weights(
        finished, forker, tiny, tmp_path, strategy
    )


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
        kept[name] = _hashes(tmp_path / name / "model")
        record = read_json(tmp_path / name / "record.json")
        assert record["ladder"]["rungs"][-1]["name"] == "finetune"
        assert record["training"]
        assert _learnt(tmp_path / name / "model", tiny)
    assert kept["hard"] == kept["finetune"]
    again = graftwork(*words, "--strategy", "finetune", "--out", tmp_path / "hard")
    assert again.code == 0, again.err
    assert "is finished" in again.err
