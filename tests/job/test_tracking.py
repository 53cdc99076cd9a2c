"""`fit --track`: the curves of a run in a tracker, and a run that does not depend on it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from job_files import make_rows, write_csv

from graftwork.storage.json_files import read_json

pytest.importorskip("tensorboard", reason="tensorboard is not installed")

FIT = ("--target", "label", "--input", "text", "--strategy", "finetune", "--top", "1")
SHORT = ("--epochs", "2", "--rate", "0.003", "--batch-rows", "32", "--folds", "3")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("rows") / "rows.csv", make_rows(150))


def _points(folder: Path) -> dict[str, list[tuple[int, float]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        found = EventAccumulator(str(folder))
        found.Reload()
    names = found.Tags()["scalars"]
    return {name: [(e.step, e.value) for e in found.Scalars(name)] for name in names}


def test_every_epoch_the_rungs_the_test_and_the_verdict(
    graftwork: Callable[..., Any], tiny: Path, rows: Path, tmp_path: Path
) -> None:
    words = ["fit", rows, *FIT, *SHORT, "--base", tiny]
    out = tmp_path / "run"
    told = graftwork(*words, "--out", out, "--track", "tensorboard", "--quiet")
    assert told.code == 0, told.err
    points = _points(out / "tracking")
    record, metrics = read_json(out / "record.json"), read_json(out / "report" / "metrics.json")
    rungs = record["ladder"]["rungs"]
    curve = rungs[-1]["facts"]["curves"][0]
    for name, values in (("loss", curve["losses"]), ("score", curve["scores"])):
        kept = points[f"finetune-top1/pilot-0/{name}"]
        assert [step for step, _ in kept] == list(range(1, len(values) + 1))
        assert [value for _, value in kept] == pytest.approx(values, abs=1e-5)
    for number, rung in enumerate(rungs, 1):
        assert points[f"rungs/{rung['name']}/score"] == [(number, pytest.approx(rung["value"]))]
    test = metrics["test"]["accuracy"]
    for name, part in (("accuracy", "value"), ("accuracy_low", "low"), ("accuracy_high", "high")):
        assert points[f"test/{name}"] == [(1, pytest.approx(test[part]))]
    control = metrics["controls"]["majority"]["accuracy"]["value"]
    assert points["controls/majority/accuracy"] == [(1, pytest.approx(control))]
    assert points["verdict/gain"] == [(1, pytest.approx(metrics["verdict"]["gain"], abs=1e-6))]
    assert "track" not in json.dumps(read_json(out / "plan.json"))  # no part of what comes out
    assert read_json(out / "machine.json")["track"] == "tensorboard"


def test_a_tracker_that_fails_does_not_end_the_run(
    graftwork: Callable[..., Any], tiny: Path, inbox: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from graftwork.trackers.tensorboard import TensorBoard

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(TensorBoard, "scalar", full)
    words = ["fit", inbox, "--target", "label", "--base", tiny, "--strategy", "probe"]
    told = graftwork(*words, "--out", tmp_path / "run", "--track", "tensorboard")
    assert told.code == 0, told.err
    assert told.err.count("the run goes on without it") == 1


def test_a_missing_package_and_a_wrong_name_are_told_at_once(
    graftwork: Callable[..., Any], inbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graftwork.trackers.find_spec", lambda package: None)
    words = ["fit", inbox, "--target", "label", "--out", tmp_path / "run"]
    told = graftwork(*words, "--track", "mlflow")
    assert told.code == 2 or told.code == 1
    assert "graftwork[mlflow]" in told.err
    told = graftwork(*words, "--track", "tensorbord")
    assert told.code == 2
    assert "tensorboard" in told.err
    assert not (tmp_path / "run").exists()


def test_verbs_that_train_nothing_have_no_such_flag(
    graftwork: Callable[..., Any], inbox: Path
) -> None:
    told = graftwork("predict", "somewhere", inbox, "--track", "wandb")
    assert told.code == 2
    assert "--track" in told.err
