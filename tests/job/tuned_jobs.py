"""Jobs of every strategy, and that they end alike however often they are killed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from job_files import make_rows, read_csv, write_csv
from kills import kill_runs

from graftwork.storage.hashing import sha256_file
from graftwork.storage.json_files import read_json

ROWS = 120
RECIPE = """
target: label
input: [text]
strategy: {strategy}
folds: 3
parameters: {parameters}
"""
TRAINING = "{epochs: 2, rate: 0.005, batch_rows: 12}"
PARAMETERS = {
    "finetune": TRAINING,
    "probe": "{readouts: 2}",
    "hybrid": "{finalists: 2}",
    "contrast": "{steps: 6, rate: 0.003, batch_rows: 8}",
    "lora": TRAINING,
    "scratch": TRAINING,
    "auto": "{epochs: 2, rate: 0.003, readouts: 2}",
}

KINDS = [*((name, ()) for name in PARAMETERS), ("finetune", ("--top", "1"))]
NAMES = ["".join((name, *words)) for name, words in KINDS]


class Job:
    """One tuned fit with a cache and a ledger of its own; a checkpoint after every step."""

    def __init__(
        self, forker: Any, tiny: Path, root: Path, *more: str, strategy: str = "finetune"
    ) -> None:
        self.forker, self.root, self.out = forker, root, root / "run"
        # so many that labels are not few, and auto climbs to what trains with a head
        rows = 4 * ROWS if strategy == "auto" else ROWS
        data = write_csv(root / "rows.csv", make_rows(rows))
        recipe = root / "recipe.yaml"
        asked = RECIPE.format(strategy=strategy, parameters=PARAMETERS[strategy])
        recipe.write_text(asked, "utf-8")
        self.words = ["fit", data, "--recipe", recipe, "--base", tiny, "--out", self.out]
        self.words += ["--cache", root / "cache", "--checkpoint-seconds", 0, *more]
        self.env = {"GRAFTWORK_STATE": str(root / "state")}

    def __call__(self, *more: Any, **asked: Any) -> Any:
        return self.forker(*self.words, *more, env=self.env, **asked)

    def outcome(self) -> tuple[dict[str, str], list[dict[str, str]]]:
        """Hashes of all that the model computes with, and its test predictions."""
        return hashes(self.out / "model"), read_csv(self.out / "report" / "predictions.csv")


def hashes(model: Path) -> dict[str, str]:
    """Of all files of numbers, by path."""
    files = [path for path in model.rglob("*") if path.suffix == ".safetensors"]
    return {str(path.relative_to(model)): sha256_file(path) for path in files}


class Finished:
    """`finished(strategy, *words)`: a job of that kind, undisturbed, and the seconds it took."""

    def __init__(self, forker: Any, tiny: Path, make_folder: Callable[[str], Path]) -> None:
        self.forker, self.tiny, self.make_folder = forker, tiny, make_folder
        self.made: dict[tuple[str, ...], tuple[Job, float]] = {}

    def __call__(self, strategy: str, *words: str) -> tuple[Job, float]:
        key = (strategy, *words)
        if key not in self.made:
            job = Job(self.forker, self.tiny, self.make_folder(strategy), *words, strategy=strategy)
            told = job()
            assert told.code == 0, told.err
            self.made[key] = job, told.seconds
        return self.made[key]


def check_kills(
    finished: Finished, root: Path, kind: tuple[str, Sequence[str]], kills: int
) -> None:
    """Runs of that kind, killed so many times in all, end as the undisturbed one did."""
    strategy, words = kind
    first, seconds = finished(strategy, *words)
    record = read_json(first.out / "record.json")
    if strategy != "auto":
        assert record["ladder"]["rungs"][-1]["name"] == strategy
    trained = [rung for rung in record["ladder"]["rungs"] if rung["facts"].get("curves")]
    assert bool(trained) is (strategy not in ("probe", "hybrid"))

    def start(number: int) -> Job:
        (folder := root / str(number)).mkdir()
        return Job(finished.forker, finished.tiny, folder, *words, strategy=strategy)

    def check(job: Job) -> None:
        assert job.outcome() == first.outcome()
        assert not (job.out / "training").exists()

    kill_runs(kills, seconds, start, check)
